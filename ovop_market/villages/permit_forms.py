"""What staff fills in about a permit."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import StringField

from ovop_market.villages.models import PermitKind
from ovop_market.villages.permit_queries import PermitRow
from ovop_market.web.forms import BaseForm, DayField, at_most, optional, required


class PermitForm(BaseForm):
    """Its number as on the paper, and its last day, if it has one."""

    number = StringField(_l("Nomor"), [required(), at_most(60)])
    expires_on = DayField(_l("Berlaku sampai"), [optional()])


def permit_form(slug: str, kind: PermitKind, row: PermitRow | None = None) -> PermitForm:
    """The form of a permit as it was sent, or showing `row`; its ids begin with whose it is."""
    form = PermitForm() if row is None else PermitForm(formdata=None, obj=row)
    for field in form:
        field.id = field.label.field_id = f"{slug}-{kind}-{field.name}"
    return form
