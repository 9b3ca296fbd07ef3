"""What an order's move means for money, in the transaction of the move."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Move, OrderState
from ovop_market.payments.models import Cause, LedgerEntry, LedgerTransaction
from ovop_market.payments.services import asking, ledger, receiving, refunds
from ovop_market.payments.services.ledger import Leg, Posting


def follow(
    order: Order, *, session: Session, event: OrderEvent, move: Move | None, **_rest: Any
) -> None:
    """An accepted order is asked for; one that comes to nothing is asked for no more, and what was
    paid for it is owed back; cash that was taken at the door is booked."""
    by, now = By(event.actor, event.actor_id), event.at
    if order.cash and order.paid:
        _book_cash(session, order, by, now)
    if order.state is OrderState.ACCEPTED and not order.cash:
        asking.ask(session, [order], now)
    if move is not None and order.state is OrderState.ACCEPTED and not order.cash:
        receiving.use_credit(session, order.purchase, by, now)
    if move is not None and move.refunds:
        asking.ask_no_more(session, order, now)
        refunds.owe_order(session, order, by, now)
        receiving.use_credit(session, order.purchase, by, now)


def _book_cash(session: Session, order: Order, by: By, now: datetime) -> None:
    """The buyer has paid in cash. Once: a settled dispute is received again."""
    booked = exists().where(
        LedgerTransaction.purchase_id == order.purchase_id,
        LedgerTransaction.cause == Cause.CASH,
        LedgerTransaction.id == LedgerEntry.transaction_id,
        LedgerEntry.order_id == order.id,
    )
    if session.scalar(select(booked)):
        return
    posting = Posting(
        Cause.CASH,
        debits=[Leg(ledger.CASH, order.total, order.id)],
        credits=[
            Leg(ledger.producer(order.producer_id), order.goods, order.id),
            Leg(ledger.SHIPPING, order.shipping, order.id),
        ],
        purchase_id=order.purchase_id,
    )
    ledger.post(session, posting, by, now)
