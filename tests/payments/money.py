"""Purchases that are asked for money, and what became of it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.orders.models import Purchase
from ovop_market.payments.models import Payment, Refund
from ovop_market.payments.states import RefundKind, RefundState
from tests.factories import make_product, make_purchase


def ready_purchase(session: Session, orders: int = 2) -> Purchase:
    """A purchase of ready goods from several producers: all of it is asked for at once."""
    wanted = [(make_product(session, ready=9), 2) for _ in range(orders)]
    return make_purchase(session, wanted)


def ready_and_made(session: Session) -> Purchase:
    """A purchase whose first order is due at once, the second when its producer accepts."""
    ready, made = make_product(session, ready=9), make_product(session, capacity=20)
    return make_purchase(session, [(ready, 1), (made, 1)])


def payments_of(session: Session, purchase: Purchase) -> list[Payment]:
    found = select(Payment).where(Payment.purchase_id == purchase.id).order_by(Payment.id)
    return list(session.scalars(found.execution_options(populate_existing=True)))


def surplus(session: Session, purchase: Purchase) -> list[int]:
    """What is or was owed back of it because it was more than asked."""
    return list(
        session.scalars(
            select(Refund.amount).where(
                Refund.purchase_id == purchase.id,
                Refund.kind == RefundKind.SURPLUS,
                Refund.state != RefundState.WITHDRAWN,
            )
        )
    )
