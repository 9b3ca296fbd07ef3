"""Bank statements: looked at, and taken in once, matched alike in whatever order."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.core import clock
from ovop_market.core.errors import Conflict
from ovop_market.extensions import db
from ovop_market.orders.models import PaymentMethod
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from ovop_market.payments.models import (
    BankStatement,
    LedgerTransaction,
    Payment,
    Refund,
    StatementLine,
    StatementState,
)
from ovop_market.payments.queries import books, candidates
from ovop_market.payments.queries import statements as queries
from ovop_market.payments.services import corrections, receiving
from ovop_market.payments.services import statements as services
from ovop_market.payments.states import LineState, PaymentState
from tests.counting import counted
from tests.factories import make_product, make_user
from tests.payments.bank import (
    Told,
    awaited,
    bank_balance,
    csv_of,
    fresh,
    lines,
    opened_line,
    preview,
    take_in,
    today,
)

P, L = PaymentState, LineState
HTMX = {"HX-Request": "true"}


def test_money_that_is_known_pays_its_order(session: Session, operator: User) -> None:
    order, payment = awaited(session)
    text = csv_of([(today(), "SARI", payment.amount), (today(), "BIAYA ADM", -6_500)])
    statement = take_in(session, operator, text, clock.now())
    assert fresh(session, payment).state is P.CONFIRMED
    assert payment.confirmed_by_id == operator.id
    assert fresh(session, order).paid == order.total
    fee, money = lines(session)
    assert (money.state, money.payment_id, money.decided_by_id) == (L.MATCHED, payment.id, None)
    assert money.decided_at is not None
    assert (fee.amount, fee.state, fee.note) == (-6_500, L.SET_ASIDE, "Uang keluar")
    booked = session.scalars(select(LedgerTransaction)).one()
    assert (booked.line_id, booked.payment_id) == (money.id, payment.id)
    assert bank_balance(session) == payment.amount
    assert fresh(session, statement).content is None
    assert (statement.lines_read, statement.lines_new) == (2, 2)
    assert statement.imported_by_id == operator.id


def test_a_preview_books_nothing(session: Session, operator: User) -> None:
    order, payment = awaited(session)
    told = [(today(), "SARI", payment.amount), (today(), "LAIN", 5)]
    statement = preview(session, operator, csv_of(told), clock.now())
    opened = queries.opened(session, statement)
    seen = queries.outlook(session, opened.reading, clock.now())
    assert (seen.new, seen.known, seen.incoming, seen.matching) == (2, 0, 2, 1)
    assert not lines(session)
    assert fresh(session, payment).state is P.ASKED and fresh(session, order).paid == 0


def test_twice_changes_nothing(session: Session, operator: User, by: By) -> None:
    _order, payment = awaited(session)
    told = [(today(), "SARI", payment.amount), (today(), "LAIN", 7_000), (today(), "A", -1_000)]
    first = take_in(session, operator, csv_of(told), clock.now())
    before = [(x.fingerprint, x.state) for x in lines(session)]
    # The same tap, the same file, the same lines in another order and in a longer file.
    services.take_in(session, first.id, None, by, clock.now(), seen="")
    again = take_in(session, operator, csv_of(told), clock.now())
    longer = take_in(session, operator, csv_of([(today(), "B", 3), *told[::-1]]), clock.now())
    assert (again.lines_new, longer.lines_new) == (0, 1)
    after = [(x.fingerprint, x.state) for x in lines(session) if x.amount != 3]
    assert after == before
    assert bank_balance(session) == payment.amount


def test_alike_lines_are_as_many_as_there_are(session: Session, operator: User) -> None:
    _order, payment = awaited(session)
    alike = (today(), "SARI", payment.amount)
    take_in(session, operator, csv_of([alike]), clock.now())
    second = take_in(session, operator, csv_of([alike, alike]), clock.now())
    assert second.lines_new == 1
    # The second transfer is real money: a person says what becomes of it.
    assert sorted(line.state for line in lines(session)) == [L.MATCHED, L.OPEN]
    assert bank_balance(session) == payment.amount


def test_the_order_of_the_lines_changes_nothing(session: Session, operator: User) -> None:
    """A few hundred lines, forwards and shuffled: the same lines for the same payments."""
    told = many_awaited(session, 120)
    session.commit()
    results = []
    for seed in (0, 1):
        random.Random(seed).shuffle(told)
        with undone(session):
            take_in_uncommitted(session, operator, csv_of(told))
            results.append(outcome(session))
    assert results[0] == results[1]
    states = [state for _fingerprint, state, _payment in results[0]]
    assert states.count(L.MATCHED) > 100 and states.count(L.OPEN) > 60


def many_awaited(session: Session, number: int) -> list[Told]:
    """Payments of several methods, and lines for them: exact, alike, named, unknown, out."""
    product = make_product(session, capacity=10 * number, price=1_000)
    told: list[Told] = []
    for n in range(number):
        method = PaymentMethod.QRIS if n % 5 == 0 else PaymentMethod.TRANSFER
        _order, payment = awaited(session, product=product, quantity=1 + n % 9, method=method)
        named = f"QR {payment.code}" if n % 10 == 0 else f"TRSF {n}"
        told.append((today(), named, payment.amount))
        if n % 8 == 0:
            told.append((today(), "SEKALI LAGI", payment.amount))
    told += [(today() - timedelta(days=n % 3), "SETORAN", 900_000 + n) for n in range(60)]
    return told + [(today(), "BIAYA", -1_000 - n) for n in range(40)]


@contextmanager
def undone(session: Session) -> Iterator[None]:
    """What is done within is taken back."""
    yield
    session.rollback()
    session.expire_all()


def take_in_uncommitted(session: Session, operator: User, text: str) -> None:
    statement = services.upload(session, text, "m.csv", operator.id, clock.now())
    opened = queries.opened(session, statement)
    services.take_in(
        session,
        statement.id,
        opened,
        By(Actor.OPERATOR, operator.id),
        clock.now(),
        seen=opened.columns.digest,
    )


def outcome(session: Session) -> Sequence[tuple[Any, ...]]:
    rows = select(StatementLine.fingerprint, StatementLine.state, StatementLine.payment_id)
    return [tuple(row) for row in session.execute(rows.order_by(StatementLine.fingerprint))]


def test_one_statement_for_thousands_of_lines(session: Session, operator: User) -> None:
    """More lines do not take more statements: what is new is written all at once."""
    costs = []
    for number in (10, 60):
        told = many_awaited(session, number)
        session.commit()
        with counted() as statements, undone(session):
            take_in_uncommitted(session, operator, csv_of(told))
        costs.append(len(statements))
    assert costs[1] <= costs[0] + 3


def test_more_lines_than_a_statement_takes_values(session: Session, operator: User) -> None:
    told = [(today(), f"SETORAN {n}", n + 1) for n in range(11_000)]
    assert take_in(session, operator, csv_of(told), clock.now()).lines_new == 11_000
    assert take_in(session, operator, csv_of(told), clock.now()).lines_new == 0


# Booked by hand


def test_what_was_confirmed_by_hand_is_borne_out_not_booked_again(
    session: Session, operator: User, by: By
) -> None:
    _order, payment = awaited(session)
    receiving.confirm(session, payment, by, clock.now())
    session.commit()
    told = (today(), "SARI", payment.amount)
    statement = preview(session, operator, csv_of([told]), clock.now())
    seen = queries.outlook(session, queries.opened(session, statement).reading, clock.now())
    assert (seen.matching, seen.borne_out) == (0, 1)
    take_in(session, operator, csv_of([told]), clock.now())
    (line,) = lines(session)
    assert (line.state, line.payment_id) == (L.MATCHED, payment.id)
    assert bank_balance(session) == payment.amount
    assert not session.scalars(select(Refund)).all()
    # A second transfer is no proof of the first: it is for a person, and is owed back.
    take_in(session, operator, csv_of([told, told]), clock.now())
    second = next(line for line in lines(session) if line.state is L.OPEN)
    services.match_line(session, second, payment.id, by, clock.now())
    assert bank_balance(session) == 2 * payment.amount
    assert session.scalars(select(Refund.amount)).all() == [payment.amount]


def test_a_person_may_say_that_a_line_bears_out_what_was_booked(
    session: Session, operator: User, by: By
) -> None:
    # Two of the same plain amount: which line is whose, only a person can say.
    product = make_product(session, capacity=90)
    (_a, first), (_b, second) = (
        awaited(session, product=product, method=PaymentMethod.QRIS) for _ in range(2)
    )
    for payment in (first, second):
        receiving.confirm(session, payment, by, clock.now())
    session.commit()
    line = opened_line(session, operator, first.amount)
    found = candidates.choices(session, [line])[line.id]
    assert [choice.bears_out for choice in found] == [True, True]
    services.match_line(session, line, second.id, by, clock.now())
    assert bank_balance(session) == 2 * first.amount
    # Another amount is other money.
    other = opened_line(session, operator, first.amount + 1)
    services.match_line(session, other, first.id, by, clock.now())
    assert bank_balance(session) == 3 * first.amount + 1


def test_a_line_of_a_confirmation_that_was_taken_back_is_decided_anew(
    session: Session, operator: User, by: By
) -> None:
    _order, payment = awaited(session)
    take_in(session, operator, csv_of([(today(), "SARI", payment.amount)]), clock.now())
    corrections.take_back(session, fresh(session, payment), by, clock.now(), reason="keliru")
    (line,) = lines(session)
    assert (line.state, line.payment_id, line.decided_at) == (L.OPEN, None, None)
    assert bank_balance(session) == 0
    # It bears out nothing now; for another payment confirmed by hand it does.
    _other, second = awaited(session)
    session.execute(update(Payment).where(Payment.id == second.id).values(unique_digits=0))
    receiving.confirm(session, fresh(session, second), by, clock.now(), amount=line.amount)
    services.match_line(session, line, second.id, by, clock.now())
    assert bank_balance(session) == line.amount
    assert not candidates.by_hand(session, payment_ids=[second.id])


# Races


def test_somebody_else_was_quicker(session: Session, operator: User, by: By) -> None:
    text = csv_of([(today(), "SARI", 7_000)])
    statement = preview(session, operator, text, clock.now())
    opened = queries.opened(session, statement)
    other = make_user(session, Role.OPERATOR, name="Pak Pengelola")
    digest = opened.columns.digest
    theirs = By(Actor.OPERATOR, other.id)
    services.take_in(session, statement.id, opened, theirs, clock.now(), seen=digest)
    with pytest.raises(Conflict, match="Pak Pengelola"):
        services.take_in(session, statement.id, opened, by, clock.now(), seen=digest)
    assert len(lines(session)) == 1


def test_columns_changed_between_look_and_tap(session: Session, operator: User, by: By) -> None:
    statement = preview(session, operator, csv_of([(today(), "SARI", 7_000)]), clock.now())
    opened = queries.opened(session, statement)
    with pytest.raises(Conflict, match="kolomnya"):
        services.take_in(session, statement.id, opened, by, clock.now(), seen="another")
    assert not lines(session)


def test_a_payment_confirmed_between_look_and_lock_is_not_booked_twice(
    session: Session, operator: User, by: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    _order, payment = awaited(session)
    statement = preview(session, operator, csv_of([(today(), "S", payment.amount)]), clock.now())
    opened = queries.opened(session, statement)
    look = candidates.expected

    def slowly(session: Session, since: date) -> Any:
        found = look(session, since)
        receiving.confirm(session, payment, by, clock.now())
        return found

    monkeypatch.setattr(queries, "expected", slowly)
    digest = opened.columns.digest
    services.take_in(session, statement.id, opened, by, clock.now(), seen=digest)
    (line,) = lines(session)
    assert line.state is L.OPEN
    assert bank_balance(session) == payment.amount


def test_lines_that_another_has_just_taken_in_are_theirs(
    session: Session, operator: User, by: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    _order, payment = awaited(session)
    text = csv_of([(today(), "SARI", payment.amount)])
    statement = preview(session, operator, text, clock.now())
    opened = queries.opened(session, statement)
    take_in(session, operator, csv_of([(today(), "SARI", payment.amount)]) + "\n", clock.now())
    # As if it had been done while this one was being read.
    monkeypatch.setattr(queries, "known_fingerprints", lambda *_: set())
    digest = opened.columns.digest
    services.take_in(session, statement.id, opened, by, clock.now(), seen=digest)
    assert len(lines(session)) == 1
    assert bank_balance(session) == payment.amount


def test_everybody_at_once(app: Flask, session: Session, operator: User) -> None:
    """Two operators take in overlapping files, twice each, while a third confirms by hand: every
    line is kept once and every payment is paid once."""
    product = make_product(session, capacity=300)
    asked = [awaited(session, product=product) for _ in range(6)]
    ids, total = [p.id for _order, p in asked], sum(p.amount for _order, p in asked)
    told = [(today(), f"BELI {n}", p.amount) for n, (_order, p) in enumerate(asked)]
    verbs: list[Callable[[Session], object]] = []
    for half in (told[:4], told[2:]):
        somebody = make_user(session, Role.OPERATOR)
        statement_id = preview(session, somebody, csv_of(half), clock.now()).id
        verbs += [partial(taking_in, statement_id, somebody.id)] * 2
    verbs += [partial(confirming, payment_id, operator.id) for payment_id in ids[1:4]]
    session.commit()
    at_once(app, verbs)
    session.expire_all()
    assert sorted(line.description for line in lines(session)) == [f"BELI {n}" for n in range(6)]
    assert bank_balance(session) == total
    assert all(fresh(session, order).paid == order.total for order, _payment in asked)
    assert not session.scalars(select(Refund)).all()
    assert list(books.differences(session)) == []


def taking_in(statement_id: int, operator_id: int, session: Session) -> None:
    """What the import's view does."""
    found = queries.statement_of(session, statement_id)
    previewed = found.state is StatementState.PREVIEW
    opened = queries.opened(session, found) if previewed else None
    seen = opened.columns.digest if opened else ""
    session.rollback()
    by = By(Actor.OPERATOR, operator_id)
    services.take_in(session, statement_id, opened, by, clock.now(), seen=seen)


def confirming(payment_id: int, operator_id: int, session: Session) -> None:
    payment = session.get_one(Payment, payment_id)
    receiving.confirm(session, payment, By(Actor.OPERATOR, operator_id), clock.now())


def at_once(app: Flask, verbs: Sequence[Callable[[Session], object]]) -> None:
    """Does things in transactions of their own at the same moment; some may be refused."""
    together, failed = threading.Barrier(len(verbs), timeout=10), []

    def work(verb: Callable[[Session], object]) -> None:
        with app.test_request_context():
            together.wait()
            try:
                verb(db.session())
                db.session.commit()
            except Conflict:
                db.session.rollback()
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=work, args=[verb]) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_files_from_before_there_was_a_digest_are_not_known(
    session: Session, operator: User
) -> None:
    old = BankStatement(
        state=StatementState.IMPORTED,
        filename="a.csv",
        content=None,
        content_digest=None,
        uploaded_at=clock.now(),
        uploaded_by_id=operator.id,
        imported_at=clock.now(),
        imported_by_id=operator.id,
        lines_read=1,
        lines_new=1,
    )
    old_preview = BankStatement(
        state=StatementState.PREVIEW,
        filename="b.csv",
        content="x",
        content_digest=None,
        uploaded_at=clock.now(),
        uploaded_by_id=operator.id,
    )
    session.add_all([old, old_preview])
    session.flush()
    assert queries.taken_in_before(session, old_preview) is None
