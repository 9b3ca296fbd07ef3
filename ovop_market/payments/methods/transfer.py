"""Bank transfer to the cooperative's account, recognised by an amount like no other."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from ovop_market.config import Config
from ovop_market.orders.labels import PAYMENT_METHODS
from ovop_market.orders.models import PaymentMethod
from ovop_market.payments.methods.interface import Method
from ovop_market.payments.models import Payment

# The number in the words for an account, with the spaces, points or dashes that people put in.
_NUMBER = re.compile(r"[0-9](?:[ .-]?[0-9]){5,}")


@dataclass(frozen=True, slots=True)
class Transfer:
    """To which account (in words, and what to copy of it), and whether the amount has digits (1 to
    999) that tell it from others."""

    account: str
    number: str
    unique: bool


def _shown(payment: Payment, config: Config) -> Transfer:
    return Transfer(
        account=config.bank_account,
        number=number_of(config.bank_account),
        unique=payment.unique_digits > 0,
    )


def number_of(account: str) -> str:
    """The digits that a banking app asks for; all of the text where no number is in it."""
    found = _NUMBER.search(account)
    return re.sub(r"[^0-9]", "", found.group()) if found else account


METHOD = Method(
    method=PaymentMethod.TRANSFER,
    title=PAYMENT_METHODS[PaymentMethod.TRANSFER],
    text=_l("Nomor rekening muncul sesudah penjual menerima."),
    # Also where OVOP_BANK_ACCOUNT is not set: the operator then tells each buyer the account.
    configured=lambda _config: True,
    heading=_l("Bayar lewat transfer"),
    template="payments/_by_transfer.html",
    shown=_shown,
)
