"""What the purchase page says about money: how much, to which account, until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from ovop_market.orders.models import Purchase
from ovop_market.orders.signals import Panel
from ovop_market.payments.labels import PAYMENT_STATES
from ovop_market.payments.models import Payment, PaymentPart, Refund
from ovop_market.payments.states import OPEN, PaymentAction, PaymentState, RefundState


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment as its buyer sees it. `until` is when the first of its orders would lapse."""

    payment: Payment
    state_text: str
    open: bool
    until: datetime | None
    hours_left: int
    rejected_because: str


def for_purchase(purchase: Purchase, *, session: Session, now: datetime, **_rest: Any) -> Panel:
    """The payments of a purchase, open ones first, and what is owed back."""
    payments = session.scalars(
        select(Payment)
        .where(Payment.purchase_id == purchase.id, Payment.state != PaymentState.LAPSED)
        .order_by(Payment.id)
        .options(
            selectinload(Payment.parts).joinedload(PaymentPart.order),
            selectinload(Payment.events),
        )
    ).all()
    refunds = session.scalars(
        select(Refund)
        .where(Refund.order_id.in_([order.id for order in purchase.orders]))
        .order_by(Refund.id)
    ).all()
    views = sorted((_view(payment, now) for payment in payments), key=lambda v: not v.open)
    return Panel(
        "payments/_due.html",
        {
            "payments": views,
            "refunds_due": [r for r in refunds if r.state is RefundState.DUE],
            "refunds_sent": [r for r in refunds if r.state is RefundState.SENT],
            "account": current_app.config["OVOP"].bank_account,
        },
    )


def _view(payment: Payment, now: datetime) -> PaymentView:
    due = [part.order.due_at for part in payment.parts if part.order.due_at]
    rejected = [e.reason for e in payment.events if e.action is PaymentAction.REJECT]
    return PaymentView(
        payment=payment,
        state_text=str(PAYMENT_STATES[payment.state]),
        open=payment.state in OPEN,
        until=min(due, default=None),
        hours_left=max(int((min(due, default=now) - now).total_seconds()) // 3600, 0),
        rejected_because=(rejected[-1] or "") if payment.state is PaymentState.REJECTED else "",
    )
