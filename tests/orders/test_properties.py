"""Whatever people do, in whatever order: sums add up and stock agrees with its movements."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import CapacityWeek, Offer
from ovop_market.core.errors import MarketError
from ovop_market.orders import queries
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import FINAL, Action, Actor, OrderState
from ovop_market.payments.models import Payment, Refund
from ovop_market.payments.queries import books
from ovop_market.payments.states import PaymentState
from tests.factories import NOW, make_product, make_purchase, pay

STEPS = [
    ("accept", Actor.PRODUCER),
    ("counter", Actor.PRODUCER),
    ("decline", Actor.PRODUCER),
    ("give_up", Actor.PRODUCER),
    ("start", Actor.PRODUCER),
    ("finish", Actor.PRODUCER),
    ("ship", Actor.PRODUCER),
    ("hand_over", Actor.PRODUCER),
    ("agree", Actor.BUYER),
    ("cancel", Actor.BUYER),
    ("receive", Actor.BUYER),
    ("dispute", Actor.BUYER),
    ("lapse", Actor.CLOCK),
    ("revoke", Actor.OPERATOR),
    ("settle_for_buyer", Actor.OPERATOR),
    ("settle_for_producer", Actor.OPERATOR),
    ("pay", Actor.OPERATOR),
]
sequences = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(STEPS), st.integers(0, 6)), max_size=14
)
carts = st.lists(st.integers(1, 6), min_size=3, max_size=3)


def take(session: Session, order: Order, step: str, actor: Actor, number: int) -> None:
    by, now = By(actor), NOW + timedelta(hours=1)
    if step == "pay":
        pay(session, order, now)
    elif step == "counter":
        offered = {line.id: min(number, line.quantity) for line in order.lines}
        lifecycle.counter(session, order, by, now, quantities=offered, ready_by=None)
    elif step == "agree":
        lifecycle.agree(session, order, by, now)
    elif step == "ship":
        lifecycle.ship(session, order, by, now, courier="JNE", tracking_number="1")
    elif step == "hand_over":
        lifecycle.hand_over(session, order, by, now)
    elif step == "receive":
        lifecycle.receive(session, order, by, now)
    elif step.startswith("settle"):
        for_buyer = step == "settle_for_buyer"
        paid = number % 2 == 0
        lifecycle.settle(
            session, order, by, now, for_buyer=for_buyer, reason="putusan", cash_paid=paid
        )
    else:
        lifecycle.act(session, order, Action(step), by, now, reason="alasan")


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(quantities=carts, steps=sequences, cash=st.booleans())
def test_any_sequence_leaves_everything_in_order(
    session: Session,
    quantities: list[int],
    steps: list[tuple[int, tuple[str, Actor], int]],
    cash: bool,
) -> None:
    try:
        ready = make_product(session, ready=10)
        made = [make_product(session, capacity=4), make_product(session, ready=3, capacity=5)]
        wanted = list(zip([ready, *made], quantities, strict=True))
        for product, _packs in wanted:
            product.producer.cash_on_delivery = cash
        method = PaymentMethod.COD if cash else PaymentMethod.TRANSFER
        purchase = make_purchase(session, wanted, method=method)
        for which, (step, actor), number in steps:
            with_room = session.begin_nested()
            try:
                take(session, purchase.orders[which], step, actor, number)
                with_room.commit()
            except MarketError:
                with_room.rollback()
        check(session, list(purchase.orders))
    finally:
        session.rollback()


def check(session: Session, orders: list[Order]) -> None:
    session.flush()
    session.expire_all()
    assert not list(queries.stock_differences(session))
    assert not list(books.differences(session))
    assert all(ready >= 0 for ready in session.scalars(select(Offer.ready)))
    assert all(held >= 0 for held in session.scalars(select(CapacityWeek.held)))
    for order in orders:
        assert order.goods == sum(line.amount for line in order.lines)
        assert order.total == order.goods + order.shipping
        _check_money(session, order)
    for payment in session.scalars(select(Payment)):
        if payment.state is not PaymentState.LAPSED:
            asked = sum(part.amount for part in payment.parts)
            assert payment.amount == asked + payment.unique_digits


def _check_money(session: Session, order: Order) -> None:
    owed = sum(session.scalars(select(Refund.amount).where(Refund.order_id == order.id)))
    beyond_the_gate = (OrderState.PREPARING, OrderState.READY, OrderState.SHIPPED)
    if order.state in beyond_the_gate and not order.cash:
        assert order.paid >= order.total, "prepared unpaid"
    assert owed == (order.paid if order.state in FINAL else 0)
    assert order.paid in (0, order.total), "asked twice"
