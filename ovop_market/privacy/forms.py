"""What people fill in to erase their data."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, PasswordField, StringField, ValidationError

from ovop_market.accounts.forms import PersonForm
from ovop_market.accounts.passwords import MAX_TYPED
from ovop_market.accounts.services import phone_of
from ovop_market.web.forms import BaseForm, at_most, required

_AGREED = {"false_values": (False, "false", "", "0")}


class AccountErasureForm(PersonForm):
    """Who it is, again: a phone left on a table must not be enough."""

    current = PasswordField(_l("Kata sandi"), [required(), at_most(MAX_TYPED)], name="password")
    # Again: what is wrong is said in the order of the page.
    code = StringField(_l("Kode"), [required(), at_most(20)])
    sure = BooleanField(
        _l("Saya mengerti: ini tidak bisa dibatalkan"),
        [required(_l("Centang dulu bahwa Anda mengerti."))],
        **_AGREED,
    )


class PurchaseErasureForm(BaseForm):
    """The number that the order was placed with: a link is passed on more easily than that."""

    phone = StringField(_l("Nomor WhatsApp yang dipakai memesan"), [required(), at_most(30)])
    sure = BooleanField(
        _l("Saya mengerti: ini tidak bisa dibatalkan"),
        [required(_l("Centang dulu bahwa Anda mengerti."))],
        **_AGREED,
    )

    def __init__(self, *, ordered_with: str, **values: object) -> None:
        super().__init__(**values)
        self._ordered_with = ordered_with

    def validate_phone(self, field: StringField) -> None:
        number = phone_of(field.data or "") or (field.data or "").strip()
        if number != self._ordered_with:
            raise ValidationError(_("Nomor ini bukan yang dipakai memesan."))
