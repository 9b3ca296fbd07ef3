"""Money that comes: exactly, too little, too much, too late, twice; and what becomes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.core.errors import MoveRefused, Unusable
from ovop_market.orders.models import Order, OrderEvent, PaymentMethod
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import AccountKind
from ovop_market.payments.queries.balances import balance, credit_of
from ovop_market.payments.services import asking, claims, receiving
from ovop_market.payments.services.receiving import Receipt
from ovop_market.payments.states import PaymentAction, PaymentState
from tests.factories import NOW, make_order, make_producer, make_product, make_purchase, make_user
from tests.payments.money import payments_of, ready_and_made, ready_purchase, surplus

P = PaymentState
BUYER, PRODUCER, CLOCK = By(Actor.BUYER), By(Actor.PRODUCER), By(Actor.CLOCK)
LATER = NOW + timedelta(hours=3)


@pytest.fixture
def operator(session: Session) -> User:
    return make_user(session, Role.OPERATOR)


def test_one_amount_for_all_orders_that_are_due(session: Session) -> None:
    purchase = ready_purchase(session, 3)
    (payment,) = payments_of(session, purchase)
    assert len(payment.parts) == 3
    assert 1 <= payment.unique_digits <= 999
    assert payment.amount == sum(o.total for o in purchase.orders) + payment.unique_digits


def test_exactly_what_was_asked(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, LATER)
    assert payment.state is P.CONFIRMED
    assert payment.confirmed_by_id == by.user_id
    for order in purchase.orders:
        assert order.paid == order.total
        assert order.due_at is None
        own = balance(session, AccountKind.PRODUCER, producer_id=order.producer_id)
        assert own == order.goods
    assert balance(session, AccountKind.BANK) == -payment.amount
    assert balance(session, AccountKind.SHIPPING) == sum(o.shipping for o in purchase.orders)
    assert balance(session, AccountKind.ROUNDING) == payment.unique_digits
    assert credit_of(session, purchase.id) == 0


def test_the_unique_digits_left_out_are_forgiven(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, LATER, amount=sum(o.total for o in purchase.orders))
    assert payment.state is P.CONFIRMED
    assert balance(session, AccountKind.ROUNDING) == 0


def test_enough_for_one_order_pays_that_one(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    first, second = purchase.orders
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, LATER, amount=first.total + 7_000)
    paid, asked = payments_of(session, purchase)
    assert (first.paid, second.paid) == (first.total, 0)
    assert (paid.state, asked.state) == (P.CONFIRMED, P.ASKED)
    # What is left of it counts towards the rest.
    assert asked.amount == second.total - 7_000 + asked.unique_digits
    receiving.confirm(session, asked, by, LATER)
    assert second.paid == second.total
    assert credit_of(session, purchase.id) == 0
    assert surplus(session, purchase) == []


def test_too_little_is_kept_and_the_rest_is_asked(session: Session, by: By) -> None:
    purchase = ready_purchase(session, 1)
    (order,) = purchase.orders
    (payment,) = payments_of(session, purchase)
    claims.claim(session, payment, NOW, reference="Sari", proof_key=None, by=BUYER)
    assert order.due_at is None
    receiving.confirm(session, payment, by, LATER, amount=50_000)
    assert payment.state is P.ASKED
    assert payment.amount == order.total - 50_000 + payment.unique_digits
    assert (order.paid, credit_of(session, purchase.id)) == (0, 50_000)
    assert order.due_at == NOW + timedelta(hours=72)
    receiving.confirm(session, payment, by, LATER)
    assert (payment.state, order.paid) == (P.CONFIRMED, order.total)


def test_what_was_too_little_is_owed_back_when_the_order_lapses(session: Session, by: By) -> None:
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, NOW, amount=50_000)
    lifecycle.act(session, purchase.orders[0], Action.LAPSE, CLOCK, NOW + timedelta(days=3))
    assert payment.state is P.LAPSED
    assert surplus(session, purchase) == [50_000]
    assert credit_of(session, purchase.id) == 0


def test_too_much_is_owed_back(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, LATER, amount=payment.amount + 25_000)
    assert payment.state is P.CONFIRMED
    assert surplus(session, purchase) == [25_000]
    assert balance(session, AccountKind.REFUNDS) == 25_000


def test_too_much_waits_for_an_order_that_may_still_come(session: Session, by: By) -> None:
    purchase = ready_and_made(session)
    ready, wanted = purchase.orders
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, NOW, amount=payment.amount + 30_000)
    assert surplus(session, purchase) == []
    lifecycle.accept(session, wanted, PRODUCER, LATER)
    asked = payments_of(session, purchase)[-1]
    assert asked.amount == wanted.total - 30_000 + asked.unique_digits
    assert ready.paid == ready.total


def test_credit_that_covers_everything_is_used_without_asking(session: Session, by: By) -> None:
    purchase = ready_and_made(session)
    (payment,) = payments_of(session, purchase)
    wanted = purchase.orders[1]
    receiving.confirm(session, payment, by, NOW, amount=payment.amount + wanted.total + 500)
    lifecycle.accept(session, wanted, PRODUCER, LATER)
    used = payments_of(session, purchase)[-1]
    assert (used.state, used.confirmed_by_id) == (P.CONFIRMED, by.user_id)
    assert wanted.paid == wanted.total
    assert credit_of(session, purchase.id) + sum(surplus(session, purchase)) == 500


def test_money_for_what_has_lapsed_is_owed_back(session: Session, by: By) -> None:
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    lifecycle.act(session, purchase.orders[0], Action.LAPSE, CLOCK, NOW + timedelta(days=3))
    with pytest.raises(MoveRefused):
        receiving.confirm(session, payment, by, LATER)
    amount = payment.amount
    receiving.confirm(session, payment, by, LATER, amount=amount)
    assert payment.state is P.LAPSED
    assert payment.events[-1].action is PaymentAction.RECEIVE_LATE
    assert surplus(session, purchase) == [amount]


def test_the_same_transfer_twice_is_owed_back_once(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    for key in ("first", "first", "second"):
        again = By(by.actor, by.user_id, key)
        receiving.confirm(session, payment, again, LATER, amount=payment.amount)
    assert surplus(session, purchase) == [payment.amount]
    assert balance(session, AccountKind.BANK) == -2 * payment.amount


def test_another_operator_is_told(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, LATER)
    receiving.confirm(session, payment, by, LATER)
    with pytest.raises(MoveRefused, match="Sudah dibayar"):
        receiving.confirm(session, payment, By(Actor.OPERATOR, None), LATER)
    assert balance(session, AccountKind.BANK) == -payment.amount


def test_another_amount_is_other_money(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, LATER)
    for amount in (payment.amount, 1_000):
        receiving.confirm(session, payment, by, LATER, amount=amount)
    assert surplus(session, purchase) == [1_000]


@pytest.mark.parametrize("amount", [0, -5, 10**12])
def test_amounts_that_cannot_be(session: Session, by: By, amount: int) -> None:
    (payment,) = payments_of(session, ready_purchase(session, 1))
    with pytest.raises(Unusable):
        receiving.confirm(session, payment, by, LATER, amount=amount)


def test_many_at_once_as_one_by_one(session: Session, by: By) -> None:
    purchases = [ready_purchase(session, 1 + n % 2) for n in range(6)]
    payments = [payments_of(session, purchase)[0] for purchase in purchases]
    receipts = [Receipt(p.id, p.amount + (n % 3 - 1) * 5_000) for n, p in enumerate(payments)]
    events = receiving.receive(session, receipts, by, LATER)
    assert [event.payment_id for event in events] == [p.id for p in payments]
    assert [sum(surplus(session, p)) for p in purchases] == [0, 0, 5_000, 0, 0, 5_000]
    short = [n for n, p in enumerate(purchases) if any(o.outstanding for o in p.orders)]
    assert short == [0, 3]
    assert balance(session, AccountKind.BANK) == -sum(r.amount for r in receipts)


def test_two_operators_book_the_same_late_money_once(session: Session, by: By) -> None:
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    lifecycle.act(session, purchase.orders[0], Action.LAPSE, CLOCK, NOW + timedelta(days=3))
    seen = f"{payment.state} {payment.amount} {payment.events[-1].id}"
    first = By(by.actor, by.user_id, "one", seen)
    receiving.confirm(session, payment, first, LATER, amount=50_000)
    other = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id, "two", seen)
    with pytest.raises(MoveRefused):
        receiving.confirm(session, payment, other, LATER, amount=50_000)
    assert surplus(session, purchase) == [50_000]


def test_credit_counts_once_for_two_payments(session: Session, by: By) -> None:
    purchase = ready_and_made(session)
    first, second = purchase.orders
    (claimed,) = payments_of(session, purchase)
    receiving.confirm(session, claimed, by, NOW, amount=50_000)
    claims.claim(session, claimed, NOW, reference="Sari", proof_key=None, by=BUYER)
    lifecycle.accept(session, second, PRODUCER, LATER)
    _claimed, asked = payments_of(session, purchase)
    assert claimed.amount == first.total - 50_000 + claimed.unique_digits
    assert asked.amount == second.total + asked.unique_digits
    for payment in (claimed, asked):
        receiving.confirm(session, payment, by, LATER)
    assert (first.outstanding, second.outstanding) == (0, 0)
    assert surplus(session, purchase) == []


# Claims and the clock


@pytest.mark.parametrize(
    ("after", "until", "reminded"), [(3, 72, False), (47, 72, False), (60, 84, True)]
)
def test_a_claim_stops_the_clock_and_a_rejection_starts_it(
    session: Session, by: By, after: int, until: int, reminded: bool
) -> None:
    """For as long as when it was accepted, and for a day at least, in hours."""
    later = NOW + timedelta(hours=after)
    order = make_order(session, OrderState.ACCEPTED)
    (payment,) = payments_of(session, order.purchase)
    claims.claim(session, payment, NOW, reference="Sari", proof_key=None, by=BUYER)
    assert order.due_at is None
    assert by.user_id is not None
    claims.reject(session, payment, by.user_id, later, reason="belum masuk")
    assert order.due_at == NOW + timedelta(hours=until)
    assert order.reminded_at == (later if reminded else None)


def test_a_rejected_payment_asks_only_for_what_is_left(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    first, second = purchase.orders
    (payment,) = payments_of(session, purchase)
    claims.claim(session, payment, NOW, reference="Sari", proof_key=None, by=BUYER)
    lifecycle.act(session, first, Action.CANCEL, BUYER, NOW, reason="batal")
    assert by.user_id is not None
    claims.reject(session, payment, by.user_id, LATER, reason="belum masuk")
    assert payment.amount == second.total + payment.unique_digits
    lifecycle.act(session, second, Action.CANCEL, BUYER, NOW, reason="batal")
    assert payment.state is P.LAPSED


def test_a_rejected_payment_of_dead_orders_is_no_more(session: Session, by: By) -> None:
    order = make_order(session, OrderState.ACCEPTED)
    (payment,) = payments_of(session, order.purchase)
    claims.claim(session, payment, NOW, reference="Sari", proof_key=None, by=BUYER)
    lifecycle.act(session, order, Action.CANCEL, BUYER, NOW, reason="batal")
    assert by.user_id is not None
    claims.reject(session, payment, by.user_id, LATER, reason="belum masuk")
    assert payment.state is P.LAPSED


def test_an_order_accepted_while_a_claim_is_looked_at_is_asked_for_itself(
    session: Session,
) -> None:
    purchase = ready_and_made(session)
    (claimed,) = payments_of(session, purchase)
    claims.claim(session, claimed, NOW, reference="Sari", proof_key=None, by=BUYER)
    lifecycle.accept(session, purchase.orders[1], PRODUCER, LATER)
    _claimed, asked = payments_of(session, purchase)
    assert [part.order_id for part in asked.parts] == [purchase.orders[1].id]


# Unique amounts


def test_amounts_are_unique_among_those_awaited(session: Session) -> None:
    producer = make_producer(session)
    product = make_product(session, producer, ready=900)
    amounts = [
        payments_of(session, make_purchase(session, [(product, 1)]))[0].amount for _ in range(60)
    ]
    assert len(set(amounts)) == 60


def test_a_closed_amount_can_be_used_again(
    session: Session, by: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_UNIQUE_DIGITS", 2)
    product = make_product(session, ready=9)
    first, second, third = (make_purchase(session, [(product, 1)]) for _ in range(3))
    one, two, none_left = (payments_of(session, p)[0] for p in (first, second, third))
    assert {one.unique_digits, two.unique_digits} == {1, 2}
    assert none_left.unique_digits == 0
    amount = one.amount
    receiving.confirm(session, one, by, LATER)
    assert payments_of(session, make_purchase(session, [(product, 1)]))[0].amount == amount


def test_what_closed_lately_rests_as_long_as_others_are_free(
    session: Session, by: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_UNIQUE_DIGITS", 2)
    product = make_product(session, ready=9)
    (one,) = payments_of(session, make_purchase(session, [(product, 1)]))
    receiving.confirm(session, one, by, LATER)
    (two,) = payments_of(session, make_purchase(session, [(product, 1)]))
    assert two.amount != one.amount


def test_the_amount_changes_as_little_as_possible(session: Session) -> None:
    purchase = ready_and_made(session)
    (payment,) = payments_of(session, purchase)
    digits = payment.unique_digits
    lifecycle.accept(session, purchase.orders[1], PRODUCER, LATER)
    assert payment.unique_digits == digits


def test_other_methods_ask_for_the_plain_amount(session: Session) -> None:
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    asking.change_method(session, payment, PaymentMethod.QRIS, BUYER, LATER)
    assert (payment.amount, payment.unique_digits) == (purchase.orders[0].total, 0)
    asking.change_method(session, payment, PaymentMethod.TRANSFER, BUYER, LATER)
    assert payment.unique_digits > 0


def test_what_is_asked_later_is_asked_in_the_way_that_was_chosen_last(session: Session) -> None:
    purchase = ready_and_made(session)
    (payment,) = payments_of(session, purchase)
    asking.change_method(session, payment, PaymentMethod.QRIS, BUYER, LATER)
    claims.claim(session, payment, NOW, reference="Sari", proof_key=None, by=BUYER)
    lifecycle.accept(session, purchase.orders[1], PRODUCER, LATER)
    assert [p.method for p in payments_of(session, purchase)] == [PaymentMethod.QRIS] * 2


def test_a_claimed_payment_keeps_its_method(session: Session) -> None:
    (payment,) = payments_of(session, ready_purchase(session, 1))
    claims.claim(session, payment, NOW, reference="Sari", proof_key=None, by=BUYER)
    with pytest.raises(MoveRefused):
        asking.change_method(session, payment, PaymentMethod.QRIS, BUYER, LATER)


# Cash


def test_cash_is_booked_once_when_it_is_taken(session: Session, by: By) -> None:
    producer = make_producer(session, cash_on_delivery=True)
    order = make_order(session, OrderState.PREPARING, producer=producer, method=PaymentMethod.COD)
    assert balance(session, AccountKind.CASH) == 0
    advance_to_receipt(session, order)
    assert order.paid == order.total
    assert balance(session, AccountKind.CASH) == -order.total
    lifecycle.act(session, order, Action.DISPUTE, BUYER, LATER, reason="kurang")
    lifecycle.settle(session, order, by, LATER, for_buyer=False, reason="lengkap")
    assert balance(session, AccountKind.CASH) == -order.total


def advance_to_receipt(session: Session, order: Order) -> None:
    lifecycle.act(session, order, Action.FINISH, PRODUCER, NOW)
    lifecycle.ship(session, order, PRODUCER, NOW, courier="JNE", tracking_number="1")
    lifecycle.receive(session, order, BUYER, NOW)


def test_each_booking_is_in_the_history_of_the_order(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, LATER)
    paid = select(OrderEvent.actor_id, OrderEvent.details).where(OrderEvent.action == Action.PAY)
    assert session.execute(paid).all() == [
        (by.user_id, {"amount": order.total}) for order in purchase.orders
    ]


def test_too_little_for_a_claim_whose_other_order_is_no_more(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    claims.claim(session, payment, NOW, reference="Sari", proof_key=None, by=BUYER)
    gone, left = purchase.orders
    lifecycle.act(session, gone, Action.CANCEL, BUYER, NOW, reason="batal")
    receiving.confirm(session, payment, by, LATER, amount=1_000)
    assert [part.order for part in payment.parts] == [left]
    assert payment.amount == left.total - 1_000 + payment.unique_digits
