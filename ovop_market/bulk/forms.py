"""Why something is done to many."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField

from ovop_market.bulk.models import LONGEST_REASON
from ovop_market.web.forms import BaseForm, at_most, optional


class BulkForm(BaseForm):
    """Whether there must be a reason is for the action to say."""

    reason = TextAreaField(_l("Alasan"), [optional(), at_most(LONGEST_REASON)])
