"""What a browser says of itself when its owner wants notices."""

from __future__ import annotations

from flask_babel import gettext as _
from wtforms import Field, StringField
from wtforms.validators import ValidationError

from ovop_market.notices.channels.push import LONGEST_ENDPOINT, are_keys, is_push_service
from ovop_market.web.forms import BaseForm, at_most, required


def _at_a_push_service(_form: BaseForm, field: Field) -> None:
    if not is_push_service(field.data):
        raise ValidationError(_("Peramban ini memakai layanan yang belum kami kenal."))


class RemovalForm(BaseForm):
    """Which browser is to be left alone."""

    endpoint = StringField(validators=[required(), at_most(LONGEST_ENDPOINT)])


class BrowserForm(BaseForm):
    """A push subscription, as PushManager gives it."""

    endpoint = StringField(validators=[required(), at_most(LONGEST_ENDPOINT), _at_a_push_service])
    p256dh = StringField(validators=[required(), at_most(120)])
    auth = StringField(validators=[required(), at_most(40)])

    def validate_auth(self, field: Field) -> None:
        """Raises ValidationError for keys with which nothing could be encrypted."""
        if not are_keys(self.p256dh.data or "", field.data or ""):
            raise ValidationError(_("Kunci dari peramban ini tidak terbaca."))
