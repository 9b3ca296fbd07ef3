"""What buyers fill in."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    HiddenField,
    RadioField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import Regexp

from ovop_market.accounts.services import email_of, phone_of
from ovop_market.orders.models import PaymentMethod
from ovop_market.web.forms import BaseForm, at_most, chosen, optional, required

# More digits than any id or quantity has: not even read as a number.
_MAX_DIGITS = 9


def whole_number(name: str) -> int | None:
    """A whole number of the posted form, or None for anything that is none (or absurdly long)."""
    text = request.form.get(name, "").strip()
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > _MAX_DIGITS:
        return None
    return int(text)


class ReasonForm(BaseForm):
    """Why a buyer cancels or complains; whether one is needed, the state table knows."""

    reason = TextAreaField(_l("Alasan"), [optional(), at_most(500)])


class CheckoutForm(BaseForm):
    """One short page. The ways of delivery are radio buttons named delivery-<producer slug>."""

    name = StringField(_l("Nama penerima"), [required(), at_most(100)])
    phone = StringField(_l("Nomor WhatsApp"), [required(), at_most(30)])
    email = StringField(_l("Email"), [optional(), at_most(254)])
    region_code = StringField(_l("Kecamatan atau desa"), [required(), at_most(13)])
    street = TextAreaField(_l("Jalan, nomor, RT/RW"), [required(), at_most(300)])
    postal_code = StringField(
        _l("Kode pos"),
        [optional(), Regexp(r"[0-9]{5}$", message=_l("Kode pos terdiri dari 5 angka."))],
    )
    note = StringField(_l("Pesan untuk penjual"), [optional(), at_most(500)])
    payment_method = RadioField(
        _l("Cara bayar"),
        [chosen()],
        choices=[str(method) for method in PaymentMethod],
        default=str(PaymentMethod.TRANSFER),
        validate_choice=False,
    )
    consent = BooleanField(
        _l("Saya setuju data ini dipakai penjual dan kurir untuk pesanan ini saja"),
        [required(_l("Centang dulu persetujuan pemakaian data."))],
        false_values=(False, "false", "", "0"),
    )
    idempotency_key = HiddenField(validators=[required(), at_most(100)])
    seen = HiddenField(validators=[optional(), at_most(64)])

    def validate_phone(self, field: StringField) -> None:
        number = phone_of(field.data or "")
        if number is None:
            raise ValidationError(_("Tulis nomor HP Indonesia, misalnya 0812 3456 7890."))

    def validate_email(self, field: StringField) -> None:
        if email_of(field.data or "") is None:
            raise ValidationError(_("Tulis alamat email seperti nama@contoh.id, atau kosongkan."))

    def validate_payment_method(self, field: RadioField) -> None:
        if field.data not in set(PaymentMethod):
            raise ValidationError(_("Pilih cara bayar yang tersedia."))


def delivery_choices(values: MultiDict[str, str] | Any) -> dict[str, str]:
    """The chosen ways of delivery by producer slug, from a posted form or a query."""
    prefix = "delivery-"
    return {
        name.removeprefix(prefix): value[:80]
        for name, value in values.items()
        if name.startswith(prefix) and len(name) < 120
    }
