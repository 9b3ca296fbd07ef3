"""Producers who have earned something, and what is left of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import (
    AccountKind,
)
from ovop_market.payments.queries.balances import balance
from ovop_market.payments.services import payouts, refunds
from ovop_market.payments.states import RefundKind
from ovop_market.villages.models import Producer
from tests.factories import (
    NOW,
    make_order,
    make_producer,
    make_product,
    make_user,
)

S = OrderState
HTMX = {"HX-Request": "true"}
DAY = timedelta(days=1)
LONG_AGO = NOW - 9 * DAY


def payable(session: Session, **values: Any) -> Producer:
    """A producer who has an account, and takes cash."""
    producer = make_producer(session, cash_on_delivery=True, cash_at_pickup=True, **values)
    name_account(session, producer)
    return producer


def name_account(session: Session, producer: Producer, number: str = "0000123456") -> None:
    actor = session.scalars(select(User.id).limit(1)).first() or make_user(session).id
    payouts.name_account(
        session,
        producer,
        bank="Bank Contoh",
        number=number,
        holder="Ibu Melati",
        actor_id=actor,
        now=NOW - 30 * DAY,
    )


def received(session: Session, producer: Producer, at: datetime = LONG_AGO, **more: Any) -> Order:
    return make_order(session, S.RECEIVED, producer=producer, now=at, **more)


def received_in_cash(session: Session, producer: Producer, at: datetime = LONG_AGO) -> Order:
    order = shipped_for_cash(session, producer, at)
    lifecycle.receive(session, order, By(Actor.BUYER), at)
    return order


def shipped_for_cash(session: Session, producer: Producer, at: datetime = LONG_AGO) -> Order:
    product = make_product(session, producer, capacity=50)
    order = make_order(session, product=product, method=PaymentMethod.COD, now=at)
    for step in (Action.ACCEPT, Action.FINISH):
        lifecycle.act(session, order, step, By(Actor.PRODUCER), at)
    lifecycle.ship(session, order, By(Actor.PRODUCER), at, courier="JNE", tracking_number="1")
    return order


def left_of(session: Session, order: Order) -> tuple[int, int, int]:
    """What an order has left on its producer's account, in shipping and in cash."""
    own = balance(session, AccountKind.PRODUCER, producer_id=order.producer_id, order_id=order.id)
    shipping = balance(session, AccountKind.SHIPPING, order_id=order.id)
    return own, shipping, -balance(session, AccountKind.CASH, order_id=order.id)


def give_back(session: Session, order: Order, amount: int, by: By) -> None:
    refunds.owe_part(session, order, RefundKind.GOODS, amount, by, NOW, reason="pecah")


def waiting(session: Session) -> int:
    return balance(session, AccountKind.PAYOUTS)
