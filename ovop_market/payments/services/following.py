"""What an order's move means for money, in the transaction of the move."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Move, OrderState
from ovop_market.payments.services import asking, cash, receiving, refunds


def follow(
    order: Order, *, session: Session, event: OrderEvent, move: Move | None, **_rest: Any
) -> None:
    """An accepted order is asked for; one that comes to nothing is asked for no more, and what was
    paid for it is owed back; cash that was taken at the door is booked, and taken back from the
    books if an operator finds that it was not."""
    by, now = By(event.actor, event.actor_id), event.at
    if order.cash and order.paid:
        cash.book(session, order, by, now)
    elif order.cash and event.action is Action.SETTLE_FOR_BUYER:
        cash.never_came(session, order, by, now)
    if order.state is OrderState.ACCEPTED and not order.cash:
        asking.ask(session, [order], now)
    if move is not None and order.state is OrderState.ACCEPTED and not order.cash:
        receiving.use_credit(session, order.purchase, by, now)
    if move is not None and move.refunds:
        asking.ask_no_more(session, order, now)
        refunds.owe_order(session, order, by, now)
        receiving.use_credit(session, order.purchase, by, now)
