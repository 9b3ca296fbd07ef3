"""What is typed when members of a group come and go, or a producer closes for good."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField, TextAreaField, ValidationError

from ovop_market.accounts.services import phone_of
from ovop_market.web.forms import BaseForm, at_most, chosen, optional, required


class HouseholdForm(BaseForm):
    """A household without an account of its own."""

    name = StringField(_l("Nama rumah"), [required(), at_most(100)])
    phone = StringField(_l("Nomor WhatsApp"), [required(), at_most(30)])

    def validate_phone(self, field: StringField) -> None:
        number = phone_of(field.data or "")
        if number is None:
            raise ValidationError(_("Tulis nomor HP, misalnya 0812 3456 7890."))
        field.data = number


class LeaveForm(BaseForm):
    """Why; the other members may read it."""

    reason = TextAreaField(_l("Alasan (boleh kosong)"), [optional(), at_most(500)])


class GroupForm(BaseForm):
    """Which group a household asks, by its slug."""

    group = StringField(_l("Kelompok"), [required(), at_most(80)])


class EndForm(BaseForm):
    """That it is meant."""

    sure = BooleanField(_l("Ya, tutup untuk seterusnya"), [chosen()])
