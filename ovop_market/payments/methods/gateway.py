"""The hosted gateway: the buyer pays on its own page, and it tells us (payments.gateway)."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import object_session

from ovop_market.config import Config
from ovop_market.core import clock
from ovop_market.core.errors import Unusable
from ovop_market.orders.labels import PAYMENT_METHODS
from ovop_market.orders.models import PaymentMethod
from ovop_market.payments.methods.interface import Method
from ovop_market.payments.models import Payment
from ovop_market.payments.queries import gateway as queries

_BEGUN = "pending"


@dataclass(frozen=True, slots=True)
class Page:
    """A page on which the payment can be made now; `begun`: the buyer has chosen a way there."""

    address: str
    begun: bool


def _shown(payment: Payment, config: Config) -> Page | None:
    """The page that is open already, or None: the button asks for one. Raises Unusable where the
    gateway has been switched off."""
    if not config.midtrans_server_key:
        raise Unusable(_("Halaman pembayaran sedang tidak bisa dipakai. Pilih cara bayar lain."))
    session = object_session(payment)
    found = queries.usable(session, payment, clock.now()) if session else None
    return Page(found.redirect_url, found.status == _BEGUN) if found else None


METHOD = Method(
    method=PaymentMethod.GATEWAY,
    title=PAYMENT_METHODS[PaymentMethod.GATEWAY],
    text=_l("Di halaman Midtrans. Pembayaran diketahui sendiri, tanpa kirim bukti."),
    configured=lambda config: bool(config.midtrans_server_key),
    heading=_l("Bayar di halaman Midtrans"),
    template="payments/_gateway.html",
    shown=_shown,
    claimable=False,
)
