"""Producers are paid what is due, once, whoever presses what at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import AuditEvent, Role
from ovop_market.core.errors import Conflict, MarketError, MoveRefused, NotFound, Unusable
from ovop_market.extensions import db
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import (
    AccountKind,
    LedgerTransaction,
    Payout,
    PayoutAccount,
    PayoutBatch,
    Refund,
)
from ovop_market.payments.queries import batches, books
from ovop_market.payments.queries import payouts as queries
from ovop_market.payments.queries.balances import balance
from ovop_market.payments.services import gateway, payouts, refunds
from ovop_market.payments.signals import payouts_sent
from ovop_market.payments.states import BatchState, RefundKind
from tests.counting import counted
from tests.factories import (
    NOW,
    make_order,
    make_producer,
    make_product,
    make_user,
)
from tests.payments.earned import (
    DAY,
    LONG_AGO,
    give_back,
    left_of,
    name_account,
    payable,
    received,
    received_in_cash,
    shipped_for_cash,
    waiting,
)

S = OrderState
HTMX = {"HX-Request": "true"}


# What is due


def test_what_is_due(session: Session, by: By) -> None:
    producer = payable(session)
    due = [received(session, producer, NOW - n * DAY) for n in (9, 3)]
    received(session, producer, NOW - DAY)
    for state in (S.SHIPPED, S.DISPUTED, S.READY, S.ACCEPTED, S.CANCELLED):
        make_order(session, state, producer=producer, now=LONG_AGO)
    found = queries.due(session, NOW)
    (item,) = found.payable
    assert (item.orders, item.amount) == (2, sum(order.total for order in due))
    assert item.since == NOW - 7 * DAY
    assert (found.waiting, found.carried, found.total) == ([], [], item.amount)
    assert item.account is not None and item.account.number == "0000123456"


def test_it_is_due_once_nobody_can_object_any_more(session: Session, by: By) -> None:
    order = received(session, payable(session), NOW)
    assert not queries.due(session, NOW + 2 * DAY).payable
    assert order.facts(NOW + 2 * DAY).received_at == NOW
    assert queries.due(session, NOW + 2 * DAY + timedelta(seconds=1)).total == order.total


def test_what_is_due_takes_as_many_statements_for_many(session: Session, by: By) -> None:
    counts = []
    for _ in range(2):
        for _ in range(3):
            received(session, payable(session))
        session.flush()
        with counted() as statements:
            queries.due(session, NOW)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 4


def test_without_an_account_it_waits(session: Session, by: By) -> None:
    producer = make_producer(session)
    order = received(session, producer)
    found = queries.due(session, NOW)
    assert [d.amount for d in found.waiting] == [order.total]
    with pytest.raises(Unusable):
        payouts.make_batch(session, by, NOW)
    assert session.scalar(select(func.count(PayoutBatch.id))) == 0
    name_account(session, producer)
    assert payouts.make_batch(session, by, NOW).payouts[0].amount == order.total


# A batch


def test_a_batch_settles_what_it_pays(session: Session, by: By) -> None:
    first, second = payable(session), payable(session)
    orders = [received(session, p) for p in (first, first, second)]
    batch = payouts.make_batch(session, by, NOW)
    assert batch.state is BatchState.MADE
    amounts = {payout.producer_id: payout.amount for payout in batch.payouts}
    assert amounts == {
        first.id: orders[0].total + orders[1].total,
        second.id: orders[2].total,
    }
    assert {left_of(session, order) for order in orders} == {(0, 0, 0)}
    assert waiting(session) == sum(amounts.values())
    assert not queries.due(session, NOW).payable
    assert list(books.differences(session)) == []
    rows = batches.payouts_of(session, batch)
    listed = {paid.number: paid.amount for row in rows for paid in row.orders}
    assert listed == {order.number: order.total for order in orders}


def test_pressed_twice_it_is_one_batch(session: Session, by: By) -> None:
    received(session, payable(session))
    batch = payouts.make_batch(session, by, NOW)
    assert payouts.make_batch(session, by, NOW) is batch
    other = make_user(session, Role.OPERATOR)
    with pytest.raises(Conflict, match="Ibu Pengelola"):
        payouts.make_batch(session, By(Actor.OPERATOR, other.id), NOW)
    assert session.scalar(select(func.count(PayoutBatch.id))) == 1
    payouts.mark_sent(session, batch, by, NOW, reference="TRF-1")
    with pytest.raises(Unusable):
        payouts.make_batch(session, by, NOW)


def test_cash_is_in_the_producers_hands(session: Session, by: By) -> None:
    """Nothing is left to pay for a cash order; its accounts are cleared with the next batch."""
    producer = payable(session)
    cash, order = received_in_cash(session, producer), received(session, producer)
    assert left_of(session, cash) == (cash.goods, cash.shipping, cash.total)
    assert queries.due(session, NOW).total == order.total
    batch = payouts.make_batch(session, by, NOW)
    assert [payout.amount for payout in batch.payouts] == [order.total]
    assert left_of(session, cash) == (0, 0, 0)
    assert balance(session, AccountKind.CASH) == 0
    payouts.undo(session, batch, by, NOW)
    assert left_of(session, cash) == (0, 0, 0)
    assert list(books.differences(session)) == []
    settled = session.scalars(
        select(LedgerTransaction).where(LedgerTransaction.note == cash.number)
    ).one()
    with pytest.raises(NotFound):  # not the gateway's
        gateway.undo_settlement(session, settled.id, by, NOW)


def test_cash_alone_makes_no_batch(session: Session, by: By) -> None:
    received_in_cash(session, payable(session))
    with pytest.raises(Unusable):
        payouts.make_batch(session, by, NOW)


def test_what_goes_back_of_a_cash_order_is_taken_off(session: Session, by: By) -> None:
    """The market sends it to the buyer; the producer has had all of the cash."""
    producer = payable(session)
    cash, order = received_in_cash(session, producer), received(session, producer)
    give_back(session, cash, 15_000, by)
    batch = payouts.make_batch(session, by, NOW)
    assert [payout.amount for payout in batch.payouts] == [order.total - 15_000]
    assert {left_of(session, o) for o in (cash, order)} == {(0, 0, 0)}
    (row,) = batches.payouts_of(session, batch)
    assert {p.number: p.amount for p in row.orders}[cash.number] == -15_000
    assert list(books.differences(session)) == []


@pytest.mark.parametrize("paid", [True, False])
def test_cash_that_was_paid_before_a_complaint(session: Session, by: By, paid: bool) -> None:
    """Nobody has called the order received; whether the courier has the money, the buyer says."""
    producer = payable(session)
    order = shipped_for_cash(session, producer)
    lifecycle.act(session, order, Action.DISPUTE, By(Actor.BUYER), LONG_AGO, reason="pecah semua")
    for _ in range(2):
        lifecycle.settle(
            session, order, by, LONG_AGO, for_buyer=True, reason="benar", cash_paid=paid
        )
    owed = [refund.amount for refund in session.scalars(select(Refund))]
    assert owed == ([order.total] if paid else [])
    others = [received(session, producer) for _ in range(2)]
    batch = payouts.make_batch(session, by, NOW)
    earned = sum(other.total for other in others) - sum(owed)
    assert [payout.amount for payout in batch.payouts] == [earned]
    assert not list(books.differences(session))


def test_a_refund_after_the_payout_is_taken_off_the_next_one(session: Session, by: By) -> None:
    producer = payable(session)
    order = received(session, producer)
    payouts.mark_sent(session, payouts.make_batch(session, by, NOW), by, NOW, reference="1")
    give_back(session, order, 20_000, by)
    refunds.owe_part(session, order, RefundKind.SHIPPING, 5_000, by, NOW, reason="terlambat")
    assert left_of(session, order) == (-20_000, -5_000, 0)
    found = queries.due(session, NOW)
    assert [d.amount for d in found.carried] == [-25_000]
    with pytest.raises(Unusable):
        payouts.make_batch(session, by, NOW)
    assert list(books.differences(session)) == []
    later = received(session, producer)
    batch = payouts.make_batch(session, by, NOW + DAY)
    assert [payout.amount for payout in batch.payouts] == [later.total - 25_000]
    assert {left_of(session, o) for o in (order, later)} == {(0, 0, 0)}
    assert list(books.differences(session)) == []


def test_more_back_than_is_due_waits_for_more(session: Session, by: By) -> None:
    producer = payable(session)
    order = received(session, producer)
    payouts.mark_sent(session, payouts.make_batch(session, by, NOW), by, NOW, reference="1")
    give_back(session, order, order.goods, by)
    small = received(
        session, producer, product=make_product(session, producer, capacity=9, price=1_000)
    )
    assert small.total < order.goods
    assert [d.amount for d in queries.due(session, NOW).carried] == [small.total - order.goods]
    with pytest.raises(Unusable):
        payouts.make_batch(session, by, NOW)
    assert left_of(session, small) != (0, 0, 0)


def test_a_dispute_holds_it_back_until_it_is_decided(session: Session, by: By) -> None:
    producer = payable(session)
    kept, lost = (
        make_order(session, S.DISPUTED, producer=producer, now=LONG_AGO) for _ in range(2)
    )
    assert not queries.due(session, NOW).payable
    for order, for_buyer in ((kept, False), (lost, True)):
        lifecycle.settle(session, order, by, LONG_AGO, for_buyer=for_buyer, reason="sudah dilihat")
    batch = payouts.make_batch(session, by, NOW)
    assert [payout.amount for payout in batch.payouts] == [kept.total]
    assert list(books.differences(session)) == []


# Sent, undone


def test_sent_is_sent_once(session: Session, by: By) -> None:
    told: list[PayoutBatch] = []

    def listen(batch: PayoutBatch, **_rest: Any) -> None:
        told.append(batch)

    order = received(session, payable(session))
    before = balance(session, AccountKind.BANK)
    batch = payouts.make_batch(session, by, NOW)
    with pytest.raises(Unusable, match="transfernya"):
        payouts.mark_sent(session, batch, by, NOW, reference="  ")
    with payouts_sent.connected_to(listen):
        for _ in range(2):
            payouts.mark_sent(session, batch, by, NOW, reference="TRF-1")
    assert told == [batch]
    assert (batch.state, batch.sent_at, batch.reference) == (BatchState.SENT, NOW, "TRF-1")
    assert waiting(session) == 0
    # Credit minus debit: what left the bank.
    assert balance(session, AccountKind.BANK) == before + order.total
    with pytest.raises(MoveRefused):
        payouts.mark_sent(session, batch, by, NOW, reference="TRF-2")
    with pytest.raises(MoveRefused) as refused:
        payouts.undo(session, batch, by, NOW)
    assert refused.value.details["state"] is BatchState.SENT
    assert list(books.differences(session)) == []


def test_undone_and_made_again(session: Session, by: By) -> None:
    producer = payable(session)
    orders = [received(session, producer) for _ in range(2)]
    total = sum(order.total for order in orders)
    batch = payouts.make_batch(session, by, NOW)
    for _ in range(2):
        payouts.undo(session, batch, by, NOW)
    assert batch.state is BatchState.UNDONE
    assert waiting(session) == 0
    assert queries.due(session, NOW).total == total
    assert list(books.differences(session)) == []
    with pytest.raises(MoveRefused):
        payouts.mark_sent(session, batch, by, NOW, reference="TRF-1")
    again = payouts.make_batch(session, by, NOW)
    assert again.id != batch.id
    assert waiting(session) == total
    assert list(books.differences(session)) == []


def test_it_had_not_been_sent_after_all(session: Session, by: By) -> None:
    producer = payable(session)
    order = received(session, producer)
    batch = payouts.make_batch(session, by, NOW)
    payouts.mark_sent(session, batch, by, NOW, reference="0")
    for _ in range(2):
        payouts.recall(session, batch, by, NOW)
    assert (batch.state, batch.sent_at, batch.reference) == (BatchState.MADE, None, None)
    assert waiting(session) == order.total
    assert list(books.differences(session)) == []
    payouts.mark_sent(session, batch, by, NOW, reference="TRF-1")
    assert waiting(session) == 0
    assert list(books.differences(session)) == []


def test_an_undone_batch_is_not_recalled(session: Session, by: By) -> None:
    received(session, payable(session))
    batch = payouts.make_batch(session, by, NOW)
    payouts.undo(session, batch, by, NOW)
    with pytest.raises(MoveRefused):
        payouts.recall(session, batch, by, NOW)


# Two at once


def at_once(app: Flask, *verbs: Callable[[Session], object]) -> list[object]:
    """Does things in transactions of their own at the same moment; returns what came of each."""
    together = threading.Barrier(len(verbs), timeout=10)
    came: list[object] = []

    def work(verb: Callable[[Session], object]) -> None:
        with app.test_request_context():
            together.wait()
            try:
                came.append(verb(db.session()))
                db.session.commit()
            except MarketError as refusal:
                db.session.rollback()
                came.append(refusal)

    threads = [threading.Thread(target=work, args=[verb]) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(came) == len(verbs)
    return came


def test_two_operators_make_one_batch(app: Flask, session: Session, by: By) -> None:
    order = received(session, payable(session))
    other = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)
    total = order.total
    session.commit()
    came = at_once(
        app,
        lambda s: payouts.make_batch(s, by, NOW).id,
        lambda s: payouts.make_batch(s, other, NOW).id,
    )
    assert sum(isinstance(result, Conflict) for result in came) == 1
    assert session.scalar(select(func.count(PayoutBatch.id))) == 1
    assert session.scalars(select(Payout.amount)).all() == [total]
    assert waiting(session) == total
    assert list(books.differences(session)) == []


def test_one_sends_while_the_other_undoes(app: Flask, session: Session, by: By) -> None:
    received(session, payable(session))
    batch_id = payouts.make_batch(session, by, NOW).id
    other = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)
    session.commit()
    came = at_once(
        app,
        lambda s: (
            payouts.mark_sent(s, s.get_one(PayoutBatch, batch_id), by, NOW, reference="1").state
        ),
        lambda s: payouts.undo(s, s.get_one(PayoutBatch, batch_id), other, NOW).state,
    )
    refused = [result for result in came if isinstance(result, MoveRefused)]
    won = [result for result in came if isinstance(result, BatchState)]
    assert (len(refused), len(won)) == (1, 1)
    session.expire_all()
    assert session.get_one(PayoutBatch, batch_id).state is won[0] is refused[0].details["state"]
    assert list(books.differences(session)) == []


# The account


@pytest.mark.parametrize("number", ["12a45", "1234", "1" * 35, "①②③④⑤⑥", "-"])
def test_a_number_that_is_none(session: Session, number: str) -> None:
    producer = make_producer(session)
    with pytest.raises(Unusable) as refused:
        name_account(session, producer, number)
    assert refused.value.details["field"] == "number"
    assert session.get(PayoutAccount, producer.id) is None


def test_an_account_is_audited_without_its_number(session: Session) -> None:
    producer = make_producer(session)
    for _ in range(2):
        name_account(session, producer, "12 3456-789.0")
    account = session.get_one(PayoutAccount, producer.id)
    assert account.number == "1234567890"
    (line,) = session.scalars(
        select(AuditEvent).where(AuditEvent.action == "payout account named")
    ).all()
    assert (line.subject, line.details) == (f"producer {producer.id}", None)
    name_account(session, producer, "99999")
    assert account.number == "99999"


def test_an_account_that_changed_is_pointed_out(session: Session, by: By) -> None:
    producer = payable(session)
    received(session, producer)
    first = payouts.make_batch(session, by, NOW)
    (row,) = batches.payouts_of(session, first)
    assert (row.first, row.moved, row.outdated) == (True, False, False)
    name_account(session, producer, "777777")
    (row,) = batches.payouts_of(session, first)
    assert (row.first, row.moved, row.outdated) == (True, False, True)
    assert row.payout.number == "0000123456"
    payouts.mark_sent(session, first, by, NOW, reference="1")
    received(session, producer)
    second = payouts.make_batch(session, by, NOW)
    (row,) = batches.payouts_of(session, second)
    assert (row.first, row.moved, row.outdated) == (False, True, False)


def test_it_is_pointed_out_before_a_batch_is_made(session: Session, by: By) -> None:
    """By the last payout that stands, in the one statement that finds what is due."""
    producer, steady = payable(session), payable(session)

    def moved() -> dict[int, bool]:
        return {due.producer_id: due.moved for due in queries.due(session, NOW).payable}

    for each in (producer, steady):
        received(session, each)
    assert moved() == {producer.id: False, steady.id: False}, "never paid yet"
    batch = payouts.make_batch(session, by, NOW)
    payouts.mark_sent(session, batch, by, NOW, reference="1")
    name_account(session, producer, "777777")
    for each in (producer, steady):
        received(session, each)
    assert moved() == {producer.id: True, steady.id: False}
    # A batch that was undone has paid nobody.
    payouts.undo(session, payouts.make_batch(session, by, NOW), by, NOW)
    assert moved() == {producer.id: True, steady.id: False}
    batch = payouts.make_batch(session, by, NOW)
    payouts.mark_sent(session, batch, by, NOW, reference="2")
    for each in (producer, steady):
        received(session, each)
    assert moved() == {producer.id: False, steady.id: False}
