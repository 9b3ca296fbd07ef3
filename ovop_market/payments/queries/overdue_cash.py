"""Orders for cash that nobody has come for, long after the day on which they were to be ready.

The clock has no move for them: nothing is paid before they arrive. What is kept for them would be
kept for good if their producer forgot them (docs/adr/0047).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.core import clock
from ovop_market.orders.models import Order, PaymentMethod, Purchase
from ovop_market.orders.states import OrderState
from ovop_market.payments.queries.desk import MOST_STUCK, Kind, Stuck
from ovop_market.villages.models import Producer

# How many days (WIB) after the promised one an operator asks what is the matter.
PATIENCE = timedelta(days=3)
_KEPT = (OrderState.ACCEPTED, OrderState.PREPARING, OrderState.READY)


def on_desk(session: Session, now: datetime) -> tuple[list[Stuck], int]:
    """The oldest of them, each with its producer; one statement."""
    rows = session.execute(
        select(
            Order.number,
            Order.total,
            Order.ready_by,
            Producer.name,
            Producer.phone,
            func.count().over().label("how_many"),
        )
        .join(Order.purchase)
        .join(Order.producer)
        .where(
            Order.state.in_(_KEPT),
            Order.ready_by < clock.wib_date(now) - PATIENCE,
            Order.paid < Order.total,
            Purchase.payment_method == PaymentMethod.COD,
        )
        .order_by(Order.ready_by, Order.id)
        .limit(MOST_STUCK)
    ).all()
    items = [
        Stuck(
            Kind.CASH,
            clock.start_of_day(r.ready_by),
            r.name,
            r.number,
            "",
            r.total,
            phone=r.phone,
        )
        for r in rows
    ]
    return items, rows[0].how_many if rows else 0
