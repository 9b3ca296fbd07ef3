"""What a buyer finds by a purchase's secret link, or as the account that made it; anything of
another purchase is not there."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.core.errors import NotFound
from ovop_market.orders.models import PaymentMethod, Purchase
from ovop_market.payments.models import Payment, Refund
from ovop_market.payments.states import OPEN


def is_open(payment: Payment, method: PaymentMethod) -> bool:
    """Whether the buyer is asked to pay it in this way now."""
    return payment.state in OPEN and payment.method is method


def own_payment(session: Session, user_id: int, payment_id: int) -> Payment:
    """A payment of a purchase that this account has made. Raises NotFound for any other."""
    payment = session.scalar(
        select(Payment)
        .join(Purchase, Purchase.id == Payment.purchase_id)
        .where(Payment.id == payment_id, Purchase.buyer_id == user_id)
    )
    if payment is None:
        raise NotFound(_("Pembayaran ini tidak ada. Periksa tautannya."))
    return payment


def refund_in(session: Session, purchase: Purchase, refund_id: int) -> Refund:
    """A refund of this very purchase. Raises NotFound for any other."""
    refund = session.scalar(
        select(Refund).where(Refund.id == refund_id, Refund.purchase_id == purchase.id)
    )
    if refund is None:
        raise NotFound(_("Uang kembali ini tidak ada."))
    return refund
