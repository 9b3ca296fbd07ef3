"""QRIS: the amount and the payment's code put into the cooperative's static payload.

The payload is EMVCo merchant-presented TLV (tags 01, 54 and 62 are ours, tag 63 is a CRC16), as
Bank Indonesia's standard for QRIS takes it over. Pure functions, but for the words on the screen.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import segno
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from lokal.qris import QrisField, QrisInfo, parse_qris, qris_crc, set_qris_amount
from markupsafe import Markup

from ovop_market.config import Config
from ovop_market.core.errors import ConfigurationError, Unusable
from ovop_market.core.tokens import payment_code
from ovop_market.orders.labels import PAYMENT_METHODS
from ovop_market.orders.models import PaymentMethod
from ovop_market.payments.methods.interface import Method
from ovop_market.payments.models import Payment

# Tag 54 holds 13 characters: more than anybody pays here, in rupiah.
MOST = 9_999_999_999_999
# What a reader of a code must take at least, and no more (EMVCo); what a template holds (two
# digits of length); what a reference label holds.
_LONGEST_PAYLOAD, _LONGEST_VALUE, _LONGEST_REFERENCE = 512, 99, 25
_ADDITIONAL, _CRC, _REFERENCE = "62", "63", "05"
# Tips and fees on top of the amount.
_ON_TOP = frozenset({"55", "56", "57"})
# Modules of white around the code, without which it is not found (ISO/IEC 18004).
_QUIET = 4
_PIXELS = 8  # of a module, in the picture to save: 45 to 65 modules, about 500 pixels


@dataclass(frozen=True, slots=True)
class Qris:
    """A code to pay by, and what the buyer compares before paying."""

    svg: Markup
    merchant: str
    city: str
    amount: int


def check(static: str) -> None:
    """Raises ConfigurationError, with the reason, for a payload that could not be paid to."""
    try:
        info = _read(static.strip())
        if info.type != "static":
            raise ValueError("it is not a static payload (tag 01 must be 11)")
        if _ON_TOP & {field.tag for field in info.fields}:
            raise ValueError(
                "it asks for a tip or a fee (tags 55 to 57): more would be paid than asked"
            )
        payload(static, MOST, payment_code())
    except ValueError as problem:
        raise ConfigurationError(f"OVOP_QRIS cannot be used: {problem}") from None


def payload(static: str, amount: int, reference: str) -> str:
    """The payload for one payment: `amount` in rupiah, to be paid once, under `reference`.

    Raises ValueError for an amount or a reference that cannot be, or a payload without room.
    """
    if not 0 < amount <= MOST:
        raise ValueError(f"the amount is not between 1 and {MOST} rupiah")
    if not (0 < len(reference) <= _LONGEST_REFERENCE and reference.isascii()):
        raise ValueError(f"the reference has not 1 to {_LONGEST_REFERENCE} plain characters")
    with_amount = _read(set_qris_amount(_read(static.strip()).input, amount))
    fields = [(f.tag, f.value) for f in with_amount.fields if f.tag not in (_ADDITIONAL, _CRC)]
    after = next((i for i, (tag, _v) in enumerate(fields) if tag > _ADDITIONAL), len(fields))
    fields.insert(after, (_ADDITIONAL, _referring_to(reference, with_amount.fields)))
    body = _written(fields) + f"{_CRC}04"
    made = body + qris_crc(body)
    if len(made) > _LONGEST_PAYLOAD:
        raise ValueError(f"it would be longer than {_LONGEST_PAYLOAD} characters")
    _refuse_unless_meant(made, amount, reference)
    return made


def _read(text: str) -> QrisInfo:
    """A valid payload's parts. Raises ValueError with the reason."""
    if not text.isascii():
        # A length is counted in characters by some readers and in bytes by others.
        raise ValueError("it holds characters other than plain ASCII")
    info = parse_qris(text)
    if not info.valid:
        raise ValueError(info.errors[0].message)
    return info


def _referring_to(reference: str, fields: Sequence[QrisField]) -> str:
    """The additional data (tag 62) with our reference, and whatever else it held."""
    held = next((f.children or () for f in fields if f.tag == _ADDITIONAL), ())
    parts = [(f.tag, f.value) for f in held if f.tag != _REFERENCE]
    after = next((i for i, (tag, _v) in enumerate(parts) if tag > _REFERENCE), len(parts))
    parts.insert(after, (_REFERENCE, reference))
    value = _written(parts)
    if len(value) > _LONGEST_VALUE:
        raise ValueError("its additional data (tag 62) has no room for a reference")
    return value


def _written(fields: Sequence[tuple[str, str]]) -> str:
    return "".join(f"{tag}{len(value):02d}{value}" for tag, value in fields)


def _refuse_unless_meant(made: str, amount: int, reference: str) -> None:
    """What is shown is read once more: nobody pays by a code that says something else."""
    info = _read(made)
    said = info.additional and info.additional.reference_label
    if (info.type, info.amount, said) != ("dynamic", str(amount), reference):
        raise ValueError("what was written into it cannot be read back")


def png(static: str, payment: Payment) -> bytes:
    """The code of a payment as a picture to keep: a phone cannot scan its own screen."""
    picture = io.BytesIO()
    _drawn(static, payment).save(
        picture, kind="png", scale=_PIXELS, border=_QUIET, dark="#000", light="#fff"
    )
    return picture.getvalue()


def _drawn(static: str, payment: Payment) -> segno.QRCode:
    return segno.make_qr(payload(static, payment.amount, payment.code), error="m")


def _shown(payment: Payment, config: Config) -> Qris:
    if not config.qris:
        raise Unusable(_("QRIS sedang tidak bisa dipakai. Pilih cara bayar lain."))
    info = parse_qris(config.qris)
    code = _drawn(config.qris, payment)
    # Drawn from numbers alone, black on white in the dark scheme as well.
    svg = code.svg_inline(border=_QUIET, dark="#000", light="#fff", omitsize=True)
    return Qris(
        svg=Markup(svg),  # noqa: S704
        merchant=info.merchant_name or "",
        city=info.merchant_city or "",
        amount=payment.amount,
    )


METHOD = Method(
    method=PaymentMethod.QRIS,
    title=PAYMENT_METHODS[PaymentMethod.QRIS],
    text=_l("Pindai kode QR dengan aplikasi bank atau dompet digital."),
    configured=lambda config: bool(config.qris),
    heading=_l("Bayar dengan QRIS"),
    template="payments/_by_qris.html",
    shown=_shown,
)
