"""What an order's moves do besides changing the state."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.catalogue.models import CapacityWeek, Offer
from ovop_market.core.errors import Conflict, MoveRefused, Unusable
from ovop_market.orders import queries
from ovop_market.orders.models import OrderEvent, PaymentMethod
from ovop_market.orders.queries import open_actions
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import Payment, Refund
from ovop_market.payments.states import PaymentState
from tests.factories import (
    NOW,
    advance,
    make_order,
    make_producer,
    make_product,
    make_purchase,
    make_user,
    pay,
)

PRODUCER, BUYER, OPERATOR = By(Actor.PRODUCER), By(Actor.BUYER), By(Actor.OPERATOR)


def held(session: Session) -> int:
    return sum(session.scalars(select(CapacityWeek.held)))


@pytest.mark.parametrize("state", OrderState)
def test_every_state_can_be_reached_and_stock_agrees(session: Session, state: OrderState) -> None:
    order = make_order(session, state, quantity=3)
    assert order.state is state
    exits = (OrderState.DECLINED, OrderState.EXPIRED, OrderState.CANCELLED)
    assert held(session) == (0 if state in exits else 3)
    assert not list(queries.stock_differences(session))
    assert order.events[-1].state is state


@pytest.mark.parametrize("action", [Action.CANCEL, Action.DECLINE])
def test_ready_packs_come_back(session: Session, action: Action) -> None:
    product = make_product(session, ready=5)
    (order,) = make_purchase(session, [(product, 2)]).orders
    by = BUYER if action is Action.CANCEL else OPERATOR
    action = Action.CANCEL if action is Action.CANCEL else Action.REVOKE
    lifecycle.act(session, order, action, by, NOW, reason="salah pesan")
    assert session.scalar(select(Offer.ready)) == 5
    assert not list(queries.stock_differences(session))


def test_nothing_is_prepared_unpaid(session: Session) -> None:
    order = make_order(session, OrderState.ACCEPTED)
    for action in (Action.START, Action.FINISH):
        with pytest.raises(MoveRefused, match="belum dibayar"):
            lifecycle.act(session, order, action, PRODUCER, NOW)
    pay(session, order)
    lifecycle.act(session, order, Action.START, PRODUCER, NOW)
    assert order.state is OrderState.PREPARING
    assert order.due_at is None


def test_cash_orders_are_prepared_before_they_are_paid(session: Session) -> None:
    producer = make_producer(session, cash_on_delivery=True)
    order = make_order(session, producer=producer, method=PaymentMethod.COD)
    advance(session, order, OrderState.ACCEPTED)
    lifecycle.act(session, order, Action.FINISH, PRODUCER, NOW)
    lifecycle.ship(session, order, PRODUCER, NOW, courier="JNE", tracking_number="1")
    assert order.paid == 0
    lifecycle.receive(session, order, BUYER, NOW)
    assert order.paid == order.total


@pytest.mark.parametrize("action", [Action.DECLINE, Action.CANCEL])
def test_a_reason_is_asked_for(session: Session, action: Action) -> None:
    order = make_order(session)
    by = PRODUCER if action is Action.DECLINE else BUYER
    with pytest.raises(Unusable, match="alasan"):
        lifecycle.act(session, order, action, by, NOW, reason="  ")
    assert order.state is OrderState.PLACED


def test_a_tap_sent_twice_is_one(session: Session) -> None:
    order = make_order(session)
    first = lifecycle.accept(session, order, PRODUCER, NOW)
    again = lifecycle.accept(session, order, PRODUCER, NOW + timedelta(minutes=1))
    assert again.id == first.id
    assert [e.action for e in order.events].count(Action.ACCEPT) == 1


def test_the_same_action_with_other_words_is_not_the_same_tap(session: Session) -> None:
    order = make_order(session, quantity=10)
    (line,) = order.lines

    def offer(packs: int) -> OrderEvent:
        quantities = {line.id: packs}
        return lifecycle.counter(
            session, order, PRODUCER, NOW, quantities=quantities, ready_by=None
        )

    assert offer(4).id == offer(4).id
    with pytest.raises(MoveRefused):
        offer(3)
    assert line.offered_quantity == 4


def test_another_tracking_number_is_not_silently_dropped(session: Session) -> None:
    order = make_order(session, OrderState.SHIPPED)
    with pytest.raises(MoveRefused):
        lifecycle.ship(session, order, PRODUCER, NOW, courier="JNE", tracking_number="LAIN")


def test_a_keyed_tap_stays_one_whatever_happened_meanwhile(session: Session) -> None:
    order = make_order(session)
    keyed = By(Actor.PRODUCER, None, "tap-1")
    first = lifecycle.accept(session, order, keyed, NOW)
    pay(session, order)
    lifecycle.act(session, order, Action.START, PRODUCER, NOW)
    assert lifecycle.accept(session, order, keyed, NOW).id == first.id
    assert order.state is OrderState.PREPARING


def test_a_key_belongs_to_one_action(session: Session) -> None:
    order = make_order(session)
    keyed = By(Actor.PRODUCER, None, "tap-1")
    lifecycle.accept(session, order, keyed, NOW)
    with pytest.raises(Conflict, match="sudah kami terima"):
        lifecycle.act(session, order, Action.START, keyed, NOW)


def test_a_key_that_says_something_else_by_now(session: Session) -> None:
    """The answer was lost, the number corrected, and the form sent again with its key."""
    order = make_order(session, OrderState.READY)
    keyed = By(Actor.PRODUCER, None, "tap-1")
    sent = lifecycle.ship(session, order, keyed, NOW, courier="JNE", tracking_number="JP1")
    again = lifecycle.ship(session, order, keyed, NOW, courier="JNE", tracking_number="JP1")
    assert again is sent
    with pytest.raises(Conflict, match="isi yang lain"):
        lifecycle.ship(session, order, keyed, NOW, courier="JNE", tracking_number="JP2")
    assert order.tracking_number == "JP1"


def test_a_complaint_is_decided_once(session: Session) -> None:
    order = make_order(session, OrderState.DISPUTED)
    operator = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)
    lifecycle.settle(session, order, operator, NOW, for_buyer=False, reason="utuh")
    assert Action.DISPUTE not in open_actions(order, Actor.BUYER, NOW)
    with pytest.raises(Conflict, match="sudah diputuskan"):
        lifecycle.act(session, order, Action.DISPUTE, BUYER, NOW, reason="masih rusak")
    assert order.state is OrderState.RECEIVED


def test_a_tap_overtaken_by_events_is_told_the_state(session: Session) -> None:
    order = make_order(session)
    lifecycle.act(session, order, Action.CANCEL, BUYER, NOW, reason="batal")
    with pytest.raises(MoveRefused, match="Dibatalkan"):
        lifecycle.accept(session, order, PRODUCER, NOW)


def test_a_counteroffer_of_fewer_packs(session: Session) -> None:
    order = make_order(session, quantity=10)
    (line,) = order.lines
    shipping = order.shipping
    later = order.ready_by + timedelta(days=2)
    lifecycle.counter(session, order, PRODUCER, NOW, quantities={line.id: 4}, ready_by=later)
    assert (line.quantity, line.offered_quantity) == (10, 4)
    assert held(session) == 10, "what is offered is not yet agreed"
    lifecycle.agree(session, order, BUYER, NOW)
    assert (line.quantity, order.ready_by) == (4, later)
    assert order.goods == 4 * line.unit_price
    assert order.total == order.goods + order.shipping
    assert order.shipping < shipping
    assert held(session) == 4
    assert not list(queries.stock_differences(session))
    payment = session.scalars(select(Payment)).one()
    assert payment.amount - payment.unique_digits == order.total


@pytest.mark.parametrize("offered", [-1, 11, 10, 0])
def test_what_is_no_counteroffer(session: Session, offered: int) -> None:
    order = make_order(session, quantity=10)
    quantities = {order.lines[0].id: offered}
    with pytest.raises(Unusable):
        lifecycle.counter(session, order, PRODUCER, NOW, quantities=quantities, ready_by=None)
    session.rollback()


def test_a_ready_date_in_the_past_is_refused(session: Session) -> None:
    order = make_order(session)
    yesterday = NOW.date() - timedelta(days=1)
    with pytest.raises(Unusable, match="tanggal"):
        lifecycle.accept(session, order, PRODUCER, NOW, ready_by=yesterday)


def test_a_dispute_settled_for_the_producer_keeps_the_day_of_receipt(session: Session) -> None:
    order = make_order(session, OrderState.RECEIVED)
    later = NOW + timedelta(days=1)
    lifecycle.act(session, order, Action.DISPUTE, BUYER, later, reason="kurang satu")
    lifecycle.settle(session, order, OPERATOR, later, for_buyer=False, reason=None)
    assert order.state is OrderState.RECEIVED
    assert order.received_at == NOW


def test_a_dispute_settled_for_the_buyer_owes_the_money_back(session: Session) -> None:
    order = make_order(session, OrderState.DISPUTED)
    lifecycle.settle(session, order, OPERATOR, NOW, for_buyer=True, reason="rusak")
    assert order.state is OrderState.CANCELLED
    assert session.scalars(select(Refund)).one().amount == order.total
    assert held(session) == 2, "the goods have left the house"


def test_an_operators_cancellation_owes_the_money_back_once(session: Session) -> None:
    order = make_order(session, OrderState.READY)
    for _ in range(2):
        lifecycle.act(session, order, Action.REVOKE, OPERATOR, NOW, reason="udang habis")
    assert session.scalars(select(Refund)).one().amount == order.total


def test_a_payment_covers_all_orders_that_are_due(session: Session) -> None:
    ready, made = make_product(session, ready=1), make_product(session, capacity=5)
    purchase = make_purchase(session, [(ready, 1), (made, 1)])
    (payment,) = session.scalars(select(Payment)).all()
    first, second = purchase.orders
    assert payment.amount - payment.unique_digits == first.total
    lifecycle.accept(session, second, PRODUCER, NOW)
    (payment,) = session.scalars(select(Payment)).all()
    assert payment.amount - payment.unique_digits == first.total + second.total
    lifecycle.act(session, first, Action.CANCEL, BUYER, NOW, reason="batal")
    assert payment.amount - payment.unique_digits == second.total
    lifecycle.act(session, second, Action.CANCEL, BUYER, NOW, reason="batal")
    assert payment.state is PaymentState.LAPSED


def test_money_that_comes_for_a_cancelled_order_is_owed_back(session: Session) -> None:
    order = make_order(session, OrderState.ACCEPTED)
    payment = session.scalars(select(Payment)).one()
    from ovop_market.payments.services import claims

    claims.claim(session, payment, NOW, reference="BCA Sari", proof_key=None, by=BUYER)
    lifecycle.act(session, order, Action.CANCEL, BUYER, NOW, reason="batal")
    assert payment.state is PaymentState.CLAIMED
    pay(session, order)
    # All of it: nothing was asked for any more.
    assert session.scalars(select(Refund)).one().amount == payment.amount > order.total


@pytest.mark.parametrize(
    "table",
    [
        "order_event",
        "payment_event",
        "stock_movement",
        "audit_event",
        "ledger_account",
        "ledger_transaction",
        "ledger_entry",
    ],
)
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
def test_the_database_refuses_to_rewrite_history(session: Session, table: str, verb: str) -> None:
    make_order(session, OrderState.PREPARING)
    session.commit()
    statement = f"UPDATE {table} SET id = id" if verb == "UPDATE" else f"DELETE FROM {table}"
    with pytest.raises(DatabaseError, match="append-only"):
        session.execute(text(statement))
    session.rollback()


def test_each_move_writes_one_event(session: Session) -> None:
    order = make_order(session, OrderState.RECEIVED)
    actions = session.scalars(
        select(OrderEvent.action).where(OrderEvent.order_id == order.id).order_by(OrderEvent.id)
    ).all()
    assert actions == [
        Action.PLACE,
        Action.ACCEPT,
        Action.PAY,
        Action.FINISH,
        Action.SHIP,
        Action.RECEIVE,
    ]
