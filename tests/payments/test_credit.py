"""A buyer's credit is asked of them once: it lessens one payment, and only one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.orders.models import Order, Purchase
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor
from ovop_market.payments.models import AccountKind, Payment, PaymentEvent
from ovop_market.payments.queries import books
from ovop_market.payments.queries.balances import balance, credit_of
from ovop_market.payments.services import claims, corrections, receiving
from ovop_market.payments.services.receiving import Receipt
from ovop_market.payments.states import PaymentAction, PaymentState
from tests.factories import NOW, make_product, make_purchase, make_user
from tests.payments.bank import csv_of, take_in
from tests.payments.money import payments_of, ready_and_made, surplus

P = PaymentState
BUYER, PRODUCER = By(Actor.BUYER), By(Actor.PRODUCER)
LATER = NOW + timedelta(hours=3)


@pytest.fixture
def by(session: Session) -> By:
    return By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)


def claim(session: Session, payment: Payment) -> None:
    claims.claim(session, payment, NOW, reference="Sari", proof_key=None, by=BUYER)


def reject(session: Session, payment: Payment, by: By) -> None:
    claims.reject(session, payment, by.user_id or 0, LATER, reason="belum masuk")


def test_a_rejected_claim_is_asked_less_what_came_meanwhile(session: Session, by: By) -> None:
    purchase = ready_and_made(session)
    (first,) = payments_of(session, purchase)
    receiving.confirm(session, first, by, NOW)
    lifecycle.accept(session, purchase.orders[1], PRODUCER, NOW)
    second = payments_of(session, purchase)[-1]
    claim(session, second)
    again = By(by.actor, by.user_id, "again")
    receiving.confirm(session, first, again, NOW, amount=30_000)
    assert credit_of(session, purchase.id) == 30_000
    reject(session, second, by)
    wanted = purchase.orders[1].total - 30_000
    assert second.amount == wanted + second.unique_digits
    receiving.confirm(session, second, by, LATER)
    assert second.state is P.CONFIRMED and credit_of(session, purchase.id) == 0


def test_credit_of_what_lapses_is_told_to_what_is_asked(session: Session, by: By) -> None:
    purchase = ready_and_made(session)
    one, two = purchase.orders
    (a,) = payments_of(session, purchase)
    receiving.confirm(session, a, by, NOW, amount=20_000)
    claim(session, a)
    lifecycle.accept(session, two, PRODUCER, NOW)
    b = payments_of(session, purchase)[-1]
    reject(session, a, by)
    assert (a.state, b.state) == (P.REJECTED, P.ASKED)
    assert b.amount == two.total + b.unique_digits
    lifecycle.act(session, one, Action.CANCEL, BUYER, LATER, reason="batal")
    assert a.state is P.LAPSED
    assert b.amount == two.total - 20_000 + b.unique_digits


def dear_and_cheap(session: Session) -> tuple[Purchase, Order, Order]:
    """A dear order that is due at once, and a cheap one that its producer has still to accept."""
    dear = make_product(session, ready=9, price=200_000)
    cheap = make_product(session, capacity=20, price=5_000)
    purchase = make_purchase(session, [(dear, 1), (cheap, 1)])
    one, two = sorted(purchase.orders, key=lambda order: -order.goods)
    return purchase, one, two


@pytest.mark.parametrize("short", [0, 3_000], ids=["unpaid", "paid short"])
def test_credit_that_a_claim_counts_on_pays_nothing_else(
    session: Session, by: By, short: int
) -> None:
    purchase, one, two = dear_and_cheap(session)
    (a,) = payments_of(session, purchase)
    receiving.confirm(session, a, by, NOW, amount=100_000)
    claim(session, a)
    lifecycle.accept(session, two, PRODUCER, NOW)
    b = payments_of(session, purchase)[-1]
    assert (two.paid, b.amount) == (0, two.total + b.unique_digits)
    if short:
        receiving.confirm(session, b, by, LATER, amount=b.amount - short)
        assert two.paid == 0
    receiving.confirm(session, a, by, LATER)
    assert (a.state, one.paid) == (P.CONFIRMED, one.total)
    assert b.state is P.ASKED
    assert b.amount - b.unique_digits == two.total - credit_of(session, purchase.id)


def test_no_digits_are_taken_from_credit(session: Session, by: By) -> None:
    purchase = ready_and_made(session)
    (payment,) = payments_of(session, purchase)
    wanted, digits = purchase.orders[1], payment.unique_digits
    receiving.confirm(session, payment, by, NOW, amount=payment.amount + wanted.total + 900)
    lifecycle.accept(session, wanted, PRODUCER, LATER)
    assert wanted.paid == wanted.total
    assert surplus(session, purchase) == [900]
    assert balance(session, AccountKind.ROUNDING) == digits


def test_claimed_counts_on_credit_that_is_gone_in_part(session: Session, by: By) -> None:
    dear = make_product(session, ready=9, price=200_000)
    cheap = make_product(session, capacity=20, price=100_000)
    purchase = make_purchase(session, [(dear, 1), (cheap, 1)])
    (a,) = payments_of(session, purchase)
    receiving.confirm(session, a, By(by.actor, by.user_id, "1"), NOW, amount=10_000)
    receiving.confirm(session, a, By(by.actor, by.user_id, "2"), NOW, amount=90_000)
    claims.claim(session, a, NOW, reference="Sari", proof_key=None, by=BUYER)
    waiting = next(o for o in purchase.orders if o.goods == 100_000)
    lifecycle.accept(session, waiting, PRODUCER, NOW)
    b = payments_of(session, purchase)[-1]
    corrections.take_back(session, a, by, LATER, reason="salah")
    assert credit_of(session, purchase.id) == 10_000
    receiving.confirm(session, b, By(by.actor, by.user_id, "3"), LATER)
    # The buyer has paid exactly what was asked for it.
    assert (b.state, waiting.paid) == (PaymentState.CONFIRMED, waiting.total)


# Two payments of one purchase in one statement: what the first has used is not kept for it.


def two(session: Session, by: By) -> tuple[Purchase, Payment, Payment]:
    """Credit 120: A (claimed) counts on 100 of it, B on 20."""
    dear = make_product(session, ready=9, price=200_000)
    cheap = make_product(session, capacity=20, price=100_000)
    purchase = make_purchase(session, [(dear, 1), (cheap, 1)])
    (a,) = payments_of(session, purchase)
    receiving.confirm(session, a, by, NOW, amount=100_000)
    claims.claim(session, a, NOW, reference="Sari", proof_key=None, by=BUYER)
    waiting = next(o for o in purchase.orders if o.goods == 100_000)
    lifecycle.accept(session, waiting, PRODUCER, NOW)
    b = payments_of(session, purchase)[-1]
    receiving.confirm(session, b, By(by.actor, by.user_id, "k"), NOW, amount=20_000)
    assert credit_of(session, purchase.id) == 120_000
    return purchase, a, b


@pytest.mark.parametrize("order", ["a first", "b first"])
@pytest.mark.parametrize("both", [False, True])
def test_both_are_paid_as_asked(session: Session, by: By, order: str, both: bool) -> None:
    purchase, a, b = two(session, by)
    if both:
        claims.claim(session, b, NOW, reference="Sari", proof_key=None, by=BUYER)
    wanted = [Receipt(a.id, a.amount), Receipt(b.id, b.amount)]
    if order == "b first":
        wanted.reverse()
    receiving.receive(session, wanted, by, LATER)
    assert {p.state for p in payments_of(session, purchase)} == {PaymentState.CONFIRMED}
    said = session.scalars(select(PaymentEvent.action).where(PaymentEvent.at == LATER)).all()
    assert PaymentAction.RECEIVE_PART not in said, said
    assert surplus(session, purchase) == []
    assert list(books.differences(session)) == []


def test_a_statement_with_both(session: Session) -> None:

    operator = make_user(session, Role.OPERATOR)
    by = By(Actor.OPERATOR, operator.id)
    purchase, a, b = two(session, by)
    claims.claim(session, b, NOW, reference="Sari", proof_key=None, by=BUYER)
    session.commit()
    day = clock.wib_date(LATER)
    told = [(day, "TRSF SARI 1", a.amount), (day, "TRSF SARI 2", b.amount)]
    take_in(session, operator, csv_of(told), LATER)
    assert {p.state for p in payments_of(session, purchase)} == {PaymentState.CONFIRMED}


@pytest.mark.parametrize("short", [1_000, 10_000, 50_000])
def test_the_rest_is_no_round_amount(session: Session, by: By, short: int) -> None:
    """Whoever pays a whole number of thousands less is asked for an amount like no other again."""
    purchase = ready_and_made(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, NOW, amount=payment.amount - short)
    assert payment.unique_digits
    assert payment.amount % 1000
