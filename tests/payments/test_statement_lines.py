"""Lines that wait for a person: picked, set aside, taken back; and who is proposed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ovop_market.accounts.models import AuditEvent, User
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MoveRefused, NotFound, Unusable
from ovop_market.orders.services.lifecycle import By
from ovop_market.payments.models import (
    BankStatement,
    Payment,
    Refund,
)
from ovop_market.payments.queries import candidates
from ovop_market.payments.services import receiving
from ovop_market.payments.services import statements as services
from ovop_market.payments.states import LineState, PaymentState
from tests.payments.bank import (
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


def test_money_that_was_noted_by_hand_without_its_digits(
    desk: FlaskClient, session: Session, operator: User, by: By
) -> None:
    """The line may be the same money: whoever decides is told, and it is not booked by itself."""
    order, payment = awaited(session)
    asked = payment.amount
    receiving.confirm(session, payment, by, clock.now(), amount=order.total)
    take_in(session, operator, csv_of([(today(), "SARI", asked)]), clock.now())
    (line,) = lines(session)
    assert line.state is L.OPEN
    (choice,) = candidates.choices(session, [line])[line.id]
    assert (choice.nearly, choice.bears_out) == (order.total, False)
    body = desk.get(f"/desk/statements/lines/{line.id}").get_data(as_text=True)
    assert "sudah dicatat dengan tangan" in body
    assert "Ini uang lain: catat juga" in body


def test_what_lacks_only_its_digits_is_enough(session: Session, operator: User) -> None:
    order, payment = awaited(session)
    line = opened_line(session, operator, order.total)
    (choice,) = candidates.search(session, line, payment.code)
    assert choice.enough and choice.difference < 0


def test_from_one_line_to_the_next(desk: FlaskClient, session: Session, operator: User) -> None:
    told = [(today(), "BUNGA", 1_000), (today(), "SETORAN", 2_000)]
    take_in(session, operator, csv_of(told), clock.now())
    first, second = lines(session)
    path = f"/desk/statements/lines/{first.id}"
    answer = desk.send(path, f"{path}/setting-aside", note="bunga bank")
    assert answer.status_code == 303
    body = desk.get(path).get_data(as_text=True)
    assert f'href="/desk/statements/lines/{second.id}">Baris berikutnya' in body


@pytest.mark.parametrize("q", ["a\0b", "\x01", "%00"])
def test_odd_characters_in_the_search(
    desk: FlaskClient, session: Session, operator: User, q: str
) -> None:
    line = opened_line(session, operator, 1_000)
    path = f"/desk/statements/lines/{line.id}"
    session.commit()
    assert desk.send(path, f"{path}/setting-aside", note="", q=q).status_code == 422
