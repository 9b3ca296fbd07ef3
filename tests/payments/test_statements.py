"""Bank statements: looked at, taken in once, matched whatever their order; the worklist."""

from __future__ import annotations

import io
import random
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MoveRefused, NotFound, Unusable
from ovop_market.extensions import db
from ovop_market.orders.models import Order, OrderEvent, PaymentMethod
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import (
    AccountKind,
    BankMapping,
    BankStatement,
    LedgerTransaction,
    Payment,
    Refund,
    StatementLine,
    StatementState,
)
from ovop_market.payments.queries import books, candidates
from ovop_market.payments.queries import statements as queries
from ovop_market.payments.queries.balances import balance
from ovop_market.payments.services import corrections, receiving
from ovop_market.payments.services import statements as services
from ovop_market.payments.states import LineState, PaymentState
from tests.counting import counted
from tests.factories import make_order, make_producer, make_product, make_user, sign_in
from tests.payments.bank import Told, csv_of, lines, preview, take_in

P, L = PaymentState, LineState
HTMX = {"HX-Request": "true"}


@pytest.fixture
def by(operator: User) -> By:
    return By(Actor.OPERATOR, operator.id)


def today() -> date:
    return clock.wib_date(clock.now())


def awaited(session: Session, **values: Any) -> tuple[Order, Payment]:
    """An accepted order, and the payment by which it is asked for."""
    order = make_order(session, OrderState.ACCEPTED, now=clock.now(), **values)
    return order, session.scalars(
        select(Payment).where(Payment.purchase_id == order.purchase_id)
    ).one()


def fresh(session: Session, thing: Any) -> Any:
    session.refresh(thing)
    return thing


def opened_line(session: Session, operator: User, amount: int, text: str = "SETORAN") -> Any:
    """A line that nobody could match."""
    take_in(session, operator, csv_of([(today(), text, amount)]), clock.now())
    found = [line for line in lines(session) if line.amount == amount]
    assert found[-1].state is L.OPEN
    return found[-1]


def bank_balance(session: Session) -> int:
    return -balance(session, AccountKind.BANK)


# Taking in


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


# Decisions by hand


@pytest.mark.parametrize(
    ("off", "state", "owed"),
    [(0, P.CONFIRMED, []), (5_000, P.CONFIRMED, [5_000]), (-40_000, P.ASKED, [])],
)
def test_a_person_picks_the_payment(
    session: Session, operator: User, by: By, off: int, state: PaymentState, owed: list[int]
) -> None:
    order, payment = awaited(session)
    # Asked for in words that no line can have by chance.
    session.execute(
        update(Payment).where(Payment.id == payment.id).values(amount=order.total + 999)
    )
    session.execute(update(Payment).where(Payment.id == payment.id).values(unique_digits=999))
    line = opened_line(session, operator, order.total + (off + 999 if off > 0 else off))
    for _ in range(2):  # the same said twice
        services.match_line(session, line, payment.id, by, clock.now())
    assert fresh(session, payment).state is state
    assert (fresh(session, order).paid == order.total) is (state is P.CONFIRMED)
    assert session.scalars(select(Refund.amount)).all() == owed
    assert (line.state, line.decided_by_id) == (L.MATCHED, operator.id)
    assert bank_balance(session) == line.amount


def test_a_line_is_decided_once(session: Session, operator: User, by: By) -> None:
    _order, payment = awaited(session)
    _other, second = awaited(session)
    line = opened_line(session, operator, 1_000)
    services.match_line(session, line, payment.id, by, clock.now())
    with pytest.raises(MoveRefused, match="Sudah dicocokkan"):
        services.match_line(session, line, second.id, by, clock.now())
    with pytest.raises(MoveRefused):
        services.set_aside(session, line, by, clock.now(), note="bunga")
    with pytest.raises(MoveRefused):
        services.reopen(session, line, by, clock.now())
    assert bank_balance(session) == 1_000


def test_setting_aside_and_back(session: Session, operator: User, by: By) -> None:
    line = opened_line(session, operator, 1_000)
    with pytest.raises(Unusable):
        services.set_aside(session, line, by, clock.now(), note="  ")
    for _ in range(2):
        services.set_aside(session, line, by, clock.now(), note="bunga bank")
    assert (line.state, line.note, line.decided_by_id) == (L.SET_ASIDE, "bunga bank", operator.id)
    with pytest.raises(MoveRefused):
        services.match_line(session, line, 1, by, clock.now())
    for _ in range(2):
        services.reopen(session, line, by, clock.now())
    assert (line.state, line.note, line.decided_by_id) == (L.OPEN, None, None)
    with pytest.raises(NotFound):
        services.match_line(session, line, 999_999, by, clock.now())
    assert line.state is L.OPEN


def test_money_out_is_never_matched(session: Session, operator: User, by: By) -> None:
    _order, payment = awaited(session)
    take_in(session, operator, csv_of([(today(), "KELUAR", -payment.amount)]), clock.now())
    (line,) = lines(session)
    assert line.state is L.SET_ASIDE
    with pytest.raises(MoveRefused):
        services.match_line(session, line, payment.id, by, clock.now())
    with pytest.raises(Conflict):
        services.reopen(session, line, by, clock.now())


def test_the_audit_names_no_third_party(session: Session, operator: User, by: By) -> None:
    line = opened_line(session, operator, 1_000, "TRSF RAHASIA PIHAK KETIGA")
    services.set_aside(session, line, by, clock.now(), note="dari RAHASIA")
    said = session.scalars(select(AuditEvent)).all()
    assert {event.action for event in said} >= {"statement taken in", "line set aside"}
    assert not any("RAHASIA" in f"{e.action} {e.subject} {e.details}" for e in said)


def test_previews_that_nobody_wants_are_swept(session: Session, operator: User) -> None:
    now = clock.now()
    old = preview(session, operator, csv_of([(today(), "A", 1)]), now - timedelta(days=2))
    new = preview(session, operator, csv_of([(today(), "B", 1)]), now)
    long_ago = now - timedelta(days=9)
    day = clock.wib_date(long_ago)
    done = take_in(session, operator, csv_of([(day, "C", 1)]), long_ago)
    kept = {new.id, done.id}
    assert old.id not in kept
    assert services.sweep_previews(session, now - timedelta(days=1)) == 1
    assert services.sweep_previews(session, now - timedelta(days=1)) == 0
    assert set(session.scalars(select(BankStatement.id))) == kept


# Candidates


def test_candidates_of_all_kinds(session: Session, operator: User, by: By) -> None:
    order, payment = awaited(session, name="Melati Anggrek")
    digits = payment.unique_digits
    reason = candidates.Reason
    expected = {
        (payment.amount - digits, "SETORAN"): reason.WITHOUT_DIGITS,
        (1_111, f"PESANAN {order.number}"): reason.NUMBER,
        (1_112, f"KODE {payment.code} KURANG"): reason.CODE,
        (1_113, "TRSF ANGGREK"): reason.NAME,
        (payment.amount + 1_500, "SETORAN"): reason.NEAR,
    }
    told = [(today(), text, amount) for amount, text in expected]
    take_in(session, operator, csv_of(told), clock.now())
    found = lines(session)
    choices = candidates.choices(session, found)
    for line in found:
        (choice,) = choices[line.id]
        assert choice.payment_id == payment.id
        assert expected[line.amount, line.description] in choice.reasons
        assert choice.orders == [order.number]
        assert choice.difference == line.amount - payment.amount


def test_candidates_that_were_asked_otherwise_or_are_closed(
    session: Session, operator: User, by: By
) -> None:
    order, payment = awaited(session)
    former = payment.amount
    session.execute(update(Payment).where(Payment.id == payment.id).values(amount=former + 90_000))
    session.commit()
    line = opened_line(session, operator, former)
    (choice,) = candidates.choices(session, [line])[line.id]
    assert candidates.Reason.FORMER_AMOUNT in choice.reasons
    receiving.confirm(session, fresh(session, payment), by, clock.now())
    line = opened_line(session, operator, payment.amount + 1)
    assert not candidates.choices(session, [line])[line.id]
    assert order.number


def test_searching(session: Session, operator: User) -> None:
    order, payment = awaited(session, name="Melati 100% Asli_")
    awaited(session, name="Orang Lain")
    line = opened_line(session, operator, 5)

    def found(text: str) -> list[int]:
        return [choice.payment_id for choice in candidates.search(session, line, text)]

    rupiah = f"Rp{payment.amount:,}".replace(",", ".")
    for text in (str(payment.amount), rupiah, f"{rupiah},-", payment.code.lower(), order.number):
        assert payment.id in found(text), text
    for text in ("melati", "100% asli", "Asli_"):
        assert found(text) == [payment.id], text
    for text in ("", "   ", "tidak ada", "%%", "9" * 40, "\u0664\u0665"):
        assert found(text) == [], text
    assert len(found("a")) == 2


# Pages


def send(desk: FlaskClient, action: str, **fields: Any) -> TestResponse:
    headers = fields.pop("headers", {})
    fields["csrf_token"] = desk.csrf("/desk/statements")
    return desk.post(action, data=fields, headers=headers)


def upload(desk: FlaskClient, content: bytes, name: str = "mutasi.csv") -> TestResponse:
    return send(desk, "/desk/statements", file=(io.BytesIO(content), name))


def figure(body: str, name: str) -> int:
    found = re.search(rf'data-count="{name}" data-value="(\d+)"', body)
    assert found, name
    return int(found.group(1))


def columns_digest(body: str) -> str:
    found = re.search(r'name="columns" value="([0-9a-f]{64})"', body)
    assert found
    return found.group(1)


def test_the_whole_way_over_http(desk: FlaskClient, session: Session) -> None:
    order, payment = awaited(session)
    told = [(today(), "SARI", payment.amount), (today(), "<b>LAIN</b>", 7_000), (today(), "A", -5)]
    text = csv_of(told) + "24/13/2026;RUSAK;;1.000;\n"
    answer = upload(desk, text.encode("utf-16"), "Mutasi <November>.csv")
    assert answer.status_code == 303
    path = answer.location
    body = desk.get(path).get_data(as_text=True)
    assert [figure(body, n) for n in ("new", "known", "matching", "unread")] == [3, 0, 1, 1]
    assert "Baris 5" in body and "&lt;b&gt;LAIN" in body
    # The same file again is the same preview.
    assert upload(desk, text.encode("utf-16")).location == path
    for _ in range(2):
        answer = send(desk, f"{path}/import", columns=columns_digest(body))
        assert (answer.status_code, answer.location) == (303, path)
    body = desk.get(path).get_data(as_text=True)
    assert [figure(body, n) for n in ("MATCHED", "OPEN", "SET_ASIDE")] == [1, 1, 1]
    assert fresh(session, order).paid == order.total
    assert "Sudah dimasukkan" in desk.get("/desk/statements").get_data(as_text=True)
    body = desk.get(upload(desk, text.encode()).location).get_data(as_text=True)
    assert [figure(body, n) for n in ("new", "known", "matching")] == [0, 3, 0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "kosong"),
        (b"PK\x03\x04", "bukan berkas CSV"),
        (b"kata\nkata", "Tidak ada tabel"),
        (b"a,b\n" * 21_000, "20.000 baris"),
        (b"x" * (5 * 1024 * 1024 + 1), "5 MB"),
    ],
)
def test_files_that_are_refused(desk: FlaskClient, content: bytes, said: str) -> None:
    answer = upload(desk, content)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)


def test_no_file_at_all(desk: FlaskClient) -> None:
    for fields in ({}, {"file": "not a file"}, {"file": (io.BytesIO(b""), "")}):
        answer = send(desk, "/desk/statements", **fields)
        assert answer.status_code == 422
        assert "Pilih berkasnya" in answer.get_data(as_text=True)


def mapping(**values: Any) -> dict[str, Any]:
    base = dict.fromkeys(("detail", "mark", "credit", "debit", "balance", "amount"), "")
    return {**base, "bank": "Bank Contoh", "order": "dmy", "decimal": ",", **values}


def test_the_columns_are_corrected_and_kept(desk: FlaskClient, session: Session) -> None:
    order, payment = awaited(session)
    header = "Hari ke;Isi;Angka 1;Angka 2\n"
    text = f"{header}{today():%m/%d/%Y};SARI;{payment.amount}.00;99\n"
    path = upload(desk, text.encode()).location
    body = desk.get(path).get_data(as_text=True)
    assert "Kolomnya belum dikenali" in body and "Angka 1: " in body
    wrong = send(desk, f"{path}/mapping", **mapping(date="0", description="1"))
    assert wrong.status_code == 422
    assert "Pilih kolom tanggal" in wrong.get_data(as_text=True)
    for fields in (
        mapping(date="0", amount="77"),
        mapping(amount="2"),
        mapping(date="0", amount="2", order="?"),
        mapping(date="0", amount="2", bank=""),
        mapping(date="0", amount="0"),
        {},
    ):
        assert send(desk, f"{path}/mapping", **fields).status_code == 422
    right = mapping(date="0", description="1", amount="2", order="mdy", decimal=".")
    answer = send(desk, f"{path}/mapping", **right, headers=HTMX)
    body = answer.get_data(as_text=True)
    assert body.lstrip().startswith('<div id="statement"')
    assert figure(body, "matching") == 1
    assert "Bank Contoh" in body
    assert session.scalars(select(BankMapping.bank)).all() == ["Bank Contoh"]
    # The next file with this header is understood at once; correcting it again changes the same.
    second = upload(desk, text.replace("SARI", "BUDI").encode()).location
    assert figure(desk.get(second).get_data(as_text=True), "matching") == 1
    send(desk, f"{second}/mapping", **(right | {"bank": "Bank Lain"}))
    assert session.scalars(select(BankMapping.bank)).all() == ["Bank Lain"]
    digest = columns_digest(desk.get(path).get_data(as_text=True))
    assert send(desk, f"{path}/import", columns=digest, headers=HTMX).status_code == 200
    assert fresh(session, order).paid == order.total
    assert send(desk, f"{path}/mapping", **right).status_code == 409


def test_what_is_not_seen_is_not_taken_in(desk: FlaskClient, session: Session) -> None:
    path = upload(desk, csv_of([(today(), "SARI", 7_000)]).encode()).location
    answer = send(desk, f"{path}/import", columns="what I saw before")
    assert answer.status_code == 409
    assert "kolomnya baru saja diubah" in answer.get_data(as_text=True)
    assert not lines(session)


def test_another_operator_is_told(desk: FlaskClient, session: Session, client: FlaskClient) -> None:
    path = upload(desk, csv_of([(today(), "SARI", 7_000)]).encode()).location
    digest = columns_digest(desk.get(path).get_data(as_text=True))
    other = make_user(session, Role.OPERATOR)
    session.commit()
    theirs = client.application.test_client()
    sign_in(theirs, other)
    assert send(theirs, f"{path}/import", columns=digest).status_code == 303
    answer = send(desk, f"{path}/import", columns=digest)
    assert answer.status_code == 409
    assert f"sudah dimasukkan oleh {other.name}" in answer.get_data(as_text=True)
    assert len(lines(session)) == 1


def test_throwing_a_preview_away(desk: FlaskClient, session: Session) -> None:
    text = csv_of([(today(), "SARI", 7_000)])
    path = upload(desk, text.encode()).location
    for _ in range(2):
        assert send(desk, f"{path}/removal").location == "/desk/statements"
    assert desk.get(path).status_code == 404
    assert not session.scalars(select(BankStatement.id)).all()
    path = upload(desk, text.encode()).location
    send(desk, f"{path}/import", columns=columns_digest(desk.get(path).get_data(as_text=True)))
    assert send(desk, f"{path}/removal").status_code == 409
    assert session.scalars(select(BankStatement.state)).all() == [StatementState.IMPORTED]


def test_the_same_money_from_another_export_is_pointed_out(
    desk: FlaskClient, session: Session, operator: User
) -> None:
    take_in(session, operator, csv_of([(today(), "SARI VIA APP", 7_000)]), clock.now())
    path = upload(desk, csv_of([(today(), "SARI VIA WEB", 7_000)]).encode()).location
    assert "Mungkin uang yang sama" in desk.get(path).get_data(as_text=True)


@pytest.mark.parametrize("back", ["", "worklist"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_picking_a_payment_on_the_worklist(
    desk: FlaskClient, session: Session, operator: User, back: str, headers: dict[str, str]
) -> None:
    order, payment = awaited(session, name="Melati Anggrek")
    line = opened_line(session, operator, payment.amount + 1, "TRSF ANGGREK")
    body = desk.get("/desk/statements/lines").get_data(as_text=True)
    assert f'data-line="{line.id}"' in body and "Melati Anggrek" in body
    assert "Lebih Rp1 dari yang ditagih" in body
    home = f"/desk/statements/lines/{line.id}"
    for _ in range(2):
        answer = send(desk, f"{home}/match", payment_id=payment.id, back=back, headers=headers)
        if headers:
            root = "lines" if back else "line"
            assert answer.get_data(as_text=True).lstrip().startswith(f'<div id="{root}"')
            assert answer.status_code == 200
        else:
            there = "/desk/statements/lines" if back else home
            assert (answer.status_code, answer.location) == (303, there)
    assert fresh(session, order).paid == order.total
    assert bank_balance(session) == payment.amount + 1
    body = desk.get("/desk/statements/lines?state=MATCHED").get_data(as_text=True)
    assert "Ibu Pengelola" in body
    _other, second = awaited(session)
    answer = send(desk, f"{home}/match", payment_id=second.id, back=back, headers=headers)
    assert answer.status_code == 409
    assert "sudah diputuskan: Sudah dicocokkan" in answer.get_data(as_text=True)


def test_setting_aside_over_http(desk: FlaskClient, session: Session, operator: User) -> None:
    line = opened_line(session, operator, 1_000)
    home = f"/desk/statements/lines/{line.id}"
    answer = send(desk, f"{home}/setting-aside", note=" ")
    assert answer.status_code == 422
    assert "Isi bagian ini" in answer.get_data(as_text=True)
    assert send(desk, f"{home}/setting-aside", note="bunga bank").status_code == 303
    assert "bunga bank" in desk.get(home).get_data(as_text=True)
    answer = send(desk, f"{home}/setting-aside", note="lain")
    assert answer.status_code == 409 and "Disisihkan" in answer.get_data(as_text=True)
    assert send(desk, f"{home}/reopening").status_code == 303
    assert fresh(session, line).state is L.OPEN
    for payment_id in ("", "x", "0", "99999999999", "-1"):
        assert send(desk, f"{home}/match", payment_id=payment_id).status_code == 422
    assert send(desk, f"{home}/match", payment_id=4_000).status_code == 404


def test_searching_over_http(desk: FlaskClient, session: Session, operator: User) -> None:
    _order, payment = awaited(session, name="Melati Anggrek")
    line = opened_line(session, operator, 1_000)
    home = f"/desk/statements/lines/{line.id}"
    body = desk.get(home).get_data(as_text=True)
    assert "Tidak ada pembayaran yang mirip" in body
    assert f'data-payment="{payment.id}"' in desk.get(f"{home}?q=anggrek").get_data(as_text=True)
    for q in ("tidak ada", "%", "<script>", "x" * 500):
        assert desk.get(home, query_string={"q": q}).status_code == 200


def test_odd_addresses(desk: FlaskClient, session: Session, operator: User) -> None:
    opened_line(session, operator, 1_000)
    for query in ("state=?", "page=0", "page=99", "statement=x", f"statement={'9' * 30}"):
        assert desk.get(f"/desk/statements/lines?{query}").status_code == 200
    for path in ("/desk/statements/4000", "/desk/statements/lines/4000"):
        assert desk.get(path).status_code == 404
        assert desk.get("/en" + path).status_code == 404


def test_a_wrong_match_is_taken_back_at_the_payment(
    desk: FlaskClient, session: Session, operator: User
) -> None:
    order, payment = awaited(session)
    take_in(session, operator, csv_of([(today(), "SARI", payment.amount)]), clock.now())
    path = f"/desk/payments/{payment.id}"
    answer = send(desk, f"{path}/reversal", reason="milik orang lain")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    (line,) = lines(session)
    assert (line.state, line.payment_id) == (L.OPEN, None)
    assert (fresh(session, payment).state, fresh(session, order).paid) == (P.REJECTED, 0)
    # What a person has taken back does not match by itself the next time.
    take_in(session, operator, csv_of([(today(), "SARI", line.amount)]), clock.now())
    assert [x.state for x in lines(session)] == [L.OPEN]


def test_the_desk_shows_what_waits(desk: FlaskClient, session: Session, operator: User) -> None:
    line = opened_line(session, operator, 1_000, "TRSF ENTAH SIAPA")
    body = desk.get("/desk").get_data(as_text=True)
    assert 'data-stuck="lines"' in body and "TRSF ENTAH SIAPA" in body
    assert f"/desk/statements/lines/{line.id}" in body
    assert "/desk/statements" in desk.get("/desk/payments").get_data(as_text=True)


def test_the_worklist_costs_the_same_however_long(
    desk: FlaskClient, session: Session, operator: User
) -> None:
    producer = make_producer(session)
    product = make_product(session, producer, capacity=900)

    def more(number: int) -> None:
        for n in range(number):
            _order, payment = awaited(session, product=product)
            opened_line(session, operator, payment.amount + 7, f"SETORAN {n} SARI")

    costs = []
    for number in (1, 6):
        more(number)
        session.commit()
        with counted() as statements:
            desk.get("/desk/statements/lines")
        costs.append(len(statements))
    assert costs[0] == costs[1]


def test_each_booking_is_told_once(session: Session, operator: User) -> None:
    order, payment = awaited(session)
    take_in(session, operator, csv_of([(today(), "SARI", payment.amount)]), clock.now())
    paid = select(func.count()).where(OrderEvent.order_id == order.id)
    assert session.scalar(paid.where(OrderEvent.action == Action.PAY)) == 1
    assert [e.action for e in fresh(session, payment).events][-1] == "confirm"


def test_in_english(desk: FlaskClient) -> None:
    assert "Bank statements" in desk.get("/en/desk/statements").get_data(as_text=True)


# At once


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
