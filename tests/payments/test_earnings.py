"""A producer reads what was earned, line by line, and nobody else does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import Role, User
from ovop_market.core import clock
from ovop_market.orders.models import Order
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import OrderState
from ovop_market.payments.models import Payment, PayoutAccount
from ovop_market.payments.queries import earnings as queries
from ovop_market.payments.queries.earnings import Line, What
from ovop_market.payments.services import corrections, payouts
from ovop_market.villages.models import Producer
from tests.factories import NOW, PASSWORD, make_order, make_producer, make_user, pay, sign_in
from tests.pages import token_in, value_of
from tests.payments.earned import (
    DAY,
    give_back,
    name_account,
    received,
    received_in_cash,
)

NOVEMBER, OCTOBER = date(2026, 11, 1), date(2026, 10, 1)
S = OrderState


@pytest.fixture
def owner(session: Session) -> User:
    return make_user(session, Role.PRODUCER)


@pytest.fixture
def producer(session: Session, owner: User) -> Producer:
    made = make_producer(
        session,
        slug="melati",
        name="Rumah Ibu Melati",
        staff=owner,
        cash_on_delivery=True,
        cash_at_pickup=True,
    )
    name_account(session, made)
    return made


def lines(session: Session, producer: Producer, month: date = NOVEMBER) -> list[Line]:
    return list(queries.statement(session, producer, month, NOW).lines)


def told(found: list[Line]) -> list[tuple[What, int]]:
    return [(line.what, line.amount) for line in found]


def test_every_kind_of_line(session: Session, producer: Producer, by: By) -> None:
    at = NOW - 10 * DAY
    sold = received(session, producer, at)
    cash = received_in_cash(session, producer, at + timedelta(hours=1))
    batch = payouts.make_batch(session, by, NOW - 4 * DAY)
    payouts.undo(session, batch, by, NOW - 3 * DAY)
    give_back(session, sold, 20_000, by)  # at NOW
    payouts.mark_sent(session, payouts.make_batch(session, by, NOW), by, NOW, reference="1")
    found = lines(session, producer)
    assert told(found) == [
        (What.SOLD, sold.total),
        (What.SOLD_FOR_CASH, cash.total),
        (What.CASH_TAKEN, -cash.total),
        (What.PREPARED, -sold.total),  # never sent
        (What.PAYOUT_UNDONE, sold.total),
        (What.GIVEN_BACK, -20_000),
        (What.PAID_OUT, 20_000 - sold.total),
    ]
    assert (found[0].goods, found[0].shipping, found[0].number) == (
        sold.goods,
        sold.shipping,
        sold.number,
    )
    assert found[3].number == ""
    balances = [line.balance for line in found]
    assert balances[:4] == [sold.total, sold.total + cash.total, sold.total, 0]
    assert balances[-1] == 0


def test_a_payment_that_was_taken_back(session: Session, producer: Producer, by: By) -> None:
    order = make_order(session, S.ACCEPTED, producer=producer)
    pay(session, order)
    payment = session.query(Payment).one()
    corrections.take_back(session, payment, by, NOW, reason="salah lihat")
    assert told(lines(session, producer)) == [
        (What.SOLD, order.total),
        (What.TAKEN_BACK, -order.total),
    ]


def test_months_follow_each_other(session: Session, producer: Producer, by: By) -> None:
    """The month begins at midnight in WIB; what closes one opens the next."""
    last, first = clock.start_of_day(NOVEMBER) - timedelta(seconds=1), clock.start_of_day(NOVEMBER)
    orders = [received(session, producer, at) for at in (last, first)]
    october = queries.statement(session, producer, OCTOBER, NOW)
    november = queries.statement(session, producer, NOVEMBER, NOW)
    assert (october.opening, october.closing) == (0, orders[0].total)
    assert (november.opening, november.closing) == (
        orders[0].total,
        orders[0].total + orders[1].total,
    )
    assert [line.number for line in october.lines] == [orders[0].number]
    assert list(november.months) == [NOVEMBER, OCTOBER]
    empty = queries.statement(session, producer, date(2026, 3, 1), NOW)
    assert (empty.opening, empty.closing, list(empty.lines)) == (0, 0, [])
    assert empty.months[-1] == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2026-10", OCTOBER),
        ("2026-12", NOVEMBER),
        ("1999-01", NOVEMBER),
        ("2026-13", NOVEMBER),
        ("٢٠٢٦-10", NOVEMBER),
        ("9" * 5000, NOVEMBER),
        (f"{'9' * 20}-1", NOVEMBER),
        ("kemarin", NOVEMBER),
        ("", NOVEMBER),
    ],
)
def test_which_month(text: str, month: date) -> None:
    assert queries.month_of(text, NOW) == month


def test_the_end_of_the_year() -> None:
    assert queries.next_month(date(2026, 12, 1)) == date(2027, 1, 1)
    assert queries.next_month(date(2026, 1, 1)) == date(2026, 2, 1)


def test_what_is_to_come(session: Session, producer: Producer, by: By) -> None:
    due = received(session, producer, NOW - 3 * DAY)
    soon = received(session, producer, NOW - DAY)
    under_way = make_order(session, S.SHIPPED, producer=producer)
    disputed = make_order(session, S.DISPUTED, producer=producer)
    make_order(session, S.ACCEPTED, producer=producer)
    received_in_cash(session, producer, NOW - 3 * DAY)
    found = queries.statement(session, producer, NOVEMBER, NOW)
    coming = found.coming
    assert (coming.due, coming.soon) == (due.total, soon.total)
    assert (coming.under_way, coming.disputed) == (under_way.total, disputed.total)
    assert coming.next_at == NOW + DAY
    parts = coming.due + coming.soon + coming.under_way + coming.disputed
    assert found.closing == parts


# The page


def test_the_page(client: FlaskClient, session: Session, producer: Producer, owner: User) -> None:
    sign_in(client, owner)
    assert "Belum ada pendapatan" in client.get("/shop/statement").get_data(as_text=True)
    order = received(session, producer, clock.now())
    body = client.get("/shop/statement").get_data(as_text=True)
    assert f'data-total="closing" data-value="{order.total}"' in body
    assert f"/inbox/{order.number}" in body
    assert "/shop/statement" in client.get("/shop/offers").get_data(as_text=True)
    month = f"{clock.wib_date(clock.now()):%Y-%m}"
    answer = client.get(f"/shop/statement/export.csv?month={month}")
    rows = answer.get_data(as_text=True).lstrip("\ufeff").splitlines()
    assert rows[0] == "Tanggal,Keterangan,Pesanan,Barang,Ongkos kirim,Jumlah,Saldo"
    assert rows[1].endswith(",Saldo awal,,,,,0")
    assert rows[2].endswith(
        f",{order.number},{order.goods},{order.shipping},{order.total},{order.total}"
    )
    assert f"melati-{month}.csv" in answer.headers["Content-Disposition"]


def test_somebody_elses_statement(
    client: FlaskClient, session: Session, producer: Producer, owner: User
) -> None:
    received(session, producer)
    stranger = make_user(session, Role.PRODUCER)
    make_producer(session, slug="lain", staff=stranger)
    sign_in(client, stranger)
    for path in ("/shop/statement", "/shop/statement/export.csv"):
        assert client.get(f"{path}?producer=melati").status_code == 404
        assert client.get(f"{path}?producer=lain").status_code == 200
    assert "melati" not in client.get("/shop/statement").get_data(as_text=True)
    answer = send(client, producer="melati", bank="B", number="11111", holder="Saya")
    assert answer.status_code == 404
    assert session.get_one(PayoutAccount, producer.id).number == "0000123456"


def send(client: FlaskClient, **fields: str) -> TestResponse:
    token = token_in(client.get("/account").get_data(as_text=True))
    return client.post("/shop/statement/account", data={"csrf_token": token, **fields})


def test_two_producers_of_one_account(
    client: FlaskClient, session: Session, producer: Producer, owner: User
) -> None:
    second = make_producer(session, slug="kedua", name="Rumah Kedua", staff=owner)
    order = received(session, second, clock.now())
    sign_in(client, owner)
    body = client.get("/shop/statement?producer=kedua").get_data(as_text=True)
    assert f'data-value="{order.total}"' in body
    assert "producer=melati" in body
    assert "Isi dulu rekening" in body


def test_nobody_sells_here_yet(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_user(session, Role.PRODUCER))
    assert "Belum ada penjual" in client.get("/shop/statement").get_data(as_text=True)
    assert client.get("/shop/statement/export.csv").status_code == 200
    assert send(client, bank="B", number="11111", holder="Saya").status_code == 422


def test_naming_the_account(
    client: FlaskClient, session: Session, owner: User, producer: Producer
) -> None:
    sign_in(client, owner)
    typed = {"producer": "melati", "bank": "Bank Nagari", "number": "12-ab", "holder": "Ibu M"}
    answer = send(client, **typed)
    assert answer.status_code == 422
    body = answer.get_data(as_text=True)
    assert "angka saja" in body and 'value="12-ab"' in body and 'value="Bank Nagari"' in body
    answer = send(client, **{**typed, "holder": ""})
    assert answer.status_code == 422
    answer = send(client, **{**typed, "number": "0012 3456"})
    assert answer.status_code == 303
    session.expire_all()
    account = session.get_one(PayoutAccount, producer.id)
    assert (account.bank, account.number, account.holder, account.changed_by_id) == (
        "Bank Nagari",
        "00123456",
        "Ibu M",
        owner.id,
    )
    assert "00123456" in client.get("/shop/statement").get_data(as_text=True)


def test_another_account_is_named_by_somebody_who_is_there(
    client: FlaskClient,
    session: Session,
    owner: User,
    producer: Producer,
    later: Callable[[timedelta], None],
) -> None:
    sign_in(client, owner)
    later(timedelta(days=20))
    typed = {"producer": "melati", "bank": "Bank Lain", "number": "99 88 77", "holder": "Maling"}
    asked = "/account/confirmation?next=/shop/statement?producer%3Dmelati%23account"
    answer = send(client, **typed)
    assert (answer.status_code, answer.headers["Location"]) == (303, asked)
    token = token_in(client.get("/account").text)
    by_htmx = client.post(
        "/shop/statement/account",
        data={"csrf_token": token, **typed},
        headers={"HX-Request": "true"},
    )
    assert (by_htmx.status_code, by_htmx.headers["HX-Redirect"]) == (204, asked)
    session.expire_all()
    assert session.get_one(PayoutAccount, producer.id).number == "0000123456"
    back = value_of(client.get(asked).text, "next")
    answer = client.send(asked, "/account/confirmation", current=PASSWORD, next=back)
    assert answer.headers["Location"] == "/shop/statement?producer=melati#account"
    # What was typed waits there, for one tap.
    page = client.get("/shop/statement?producer=melati").text
    assert "Belum tersimpan" in page
    assert (value_of(page, "number"), value_of(page, "holder")) == ("99 88 77", "Maling")
    assert value_of(client.get("/shop/statement").text, "number") == "0000123456"
    assert send(client, **typed).headers["Location"] == answer.headers["Location"]
    session.expire_all()
    assert session.get_one(PayoutAccount, producer.id).number == "998877"


def test_a_member_sees_its_own_orders_only(
    client: FlaskClient, session: Session, producer: Producer, owner: User
) -> None:
    other: Order = received(session, make_producer(session), clock.now())
    sign_in(client, owner)
    assert other.number not in client.get("/shop/statement").get_data(as_text=True)
