"""The gateway on the desk: asking back, what was given back there, and its way to the bank."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import Role, User
from ovop_market.config import from_environment
from ovop_market.core import clock
from ovop_market.core.errors import ConfigurationError
from ovop_market.extensions import db
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.gateway.standing import Outcome, Standing
from ovop_market.payments.models import AccountKind, AttemptState, LedgerTransaction, Refund
from ovop_market.payments.queries import books
from ovop_market.payments.queries.balances import balance
from ovop_market.payments.services import corrections, receiving, refunds
from ovop_market.payments.services import gateway as services
from ovop_market.payments.states import PaymentState, RefundKind, RefundState
from tests.factories import make_order, make_user, sign_in
from tests.payments.at_gateway import (
    HTMX,
    at_gateway,
    attempts,
    booked,
    opened,
    payment_of,
    told,
)
from tests.payments.midtrans_stub import MidtransStub
from tests.process.server import SECRET_KEY

ACCOUNT = "/desk/gateway"
SETTLEMENT = "/desk/gateway/settlement"


@pytest.fixture
def order(session: Session, midtrans: MidtransStub) -> Order:
    """An accepted order that is to be paid at the gateway."""
    made = make_order(session, OrderState.ACCEPTED, now=clock.now(), method=PaymentMethod.GATEWAY)
    session.commit()
    return made


@pytest.fixture
def paid(client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub) -> str:
    """The code of a page on which the order was paid."""
    code = opened(client, session, order)
    midtrans.move(code, "settlement")
    assert told(client, midtrans.notification(code)) == 200
    return code


def post(desk: FlaskClient, path: str, **fields: Any) -> TestResponse:
    headers = fields.pop("headers", {})
    fields["csrf_token"] = desk.csrf("/register")
    return desk.post(path, data=fields, headers=headers)


def settlements(session: Session) -> int:
    return session.scalar(
        select(func.count(LedgerTransaction.id)).where(LedgerTransaction.cause == "settled")
    )


def bank(session: Session) -> int:
    return -balance(session, AccountKind.BANK)


def test_asking_back(
    desk: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code, payment = opened(desk, session, order), payment_of(session, order)
    page = f"/desk/payments/{payment.id}"
    body = desk.get(page).get_data(as_text=True)
    assert f'data-attempt="{code}" data-state="OPEN"' in body
    assert "Tanya ulang" in body
    # By hand, it would be booked twice.
    assert "Uang sudah masuk" not in body
    assert post(desk, f"{page}/gateway").location == page
    assert attempts(session)[0].asked_at is not None
    midtrans.move(code, "settlement")
    for _ in range(2):
        assert post(desk, f"{page}/gateway").status_code == 303
    assert (booked(session), attempts(session)[0].state) == (1, AttemptState.PAID)
    assert payment_of(session, order).state is PaymentState.CONFIRMED
    body = desk.get(page).get_data(as_text=True)
    assert f'data-attempt="{code}" data-state="PAID"' in body
    assert "settlement" in body
    assert post(desk, "/desk/payments/999/gateway").status_code == 404


def test_asking_back_while_it_is_down(
    desk: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    opened(desk, session, order)
    page = f"/desk/payments/{payment_of(session, order).id}"
    midtrans.down = True
    assert post(desk, f"{page}/gateway").status_code == 303
    assert "Midtrans belum menjawab" in desk.get(page).get_data(as_text=True)
    assert attempts(session)[0].asked_at is None


@pytest.mark.parametrize("status", ["refund", "chargeback", "partial_refund", "cancel"])
def test_what_was_given_back_there_is_stuck(
    desk: FlaskClient,
    session: Session,
    order: Order,
    paid: str,
    midtrans: MidtransStub,
    status: str,
) -> None:
    assert 'data-stuck="gateway"' not in desk.get("/desk").get_data(as_text=True)
    midtrans.move(paid, status)
    assert told(desk, midtrans.notification(paid)) == 200
    body = desk.get("/desk?kind=gateway").get_data(as_text=True)
    assert 'data-stuck="gateway"' in body
    assert f"{paid}: {status}" in body
    assert f'href="/desk/payments/{payment_of(session, order).id}"' in body
    # Until the books do not count on it either.
    lifecycle.act(
        session, order, Action.REVOKE, By(Actor.OPERATOR), clock.now(), reason="Uangnya ditarik"
    )
    session.commit()
    assert 'data-stuck="gateway"' in desk.get("/desk").get_data(as_text=True)
    (refund,) = session.scalars(select(Refund))
    page = f"/desk/refunds/{refund.id}"
    assert "at_gateway" in desk.get(page).get_data(as_text=True)
    sent = {"reference": "RF-1", "at_gateway": "y"}
    assert post(desk, f"{page}/sending", **sent).location == page
    assert 'data-stuck="gateway"' not in desk.get("/desk").get_data(as_text=True)
    assert (at_gateway(session), bank(session)) == (0, 0)
    assert not list(books.differences(session))


@pytest.mark.parametrize("way", ["revoked", "taken back"])
def test_what_the_books_do_not_count_on_is_not_stuck(
    desk: FlaskClient,
    session: Session,
    order: Order,
    paid: str,
    midtrans: MidtransStub,
    operator: User,
    way: str,
) -> None:
    """Given back at Midtrans first, on behalf of the market: nobody has to look at it again."""
    by = By(Actor.OPERATOR, operator.id)
    if way == "revoked":
        lifecycle.act(session, order, Action.REVOKE, by, clock.now(), reason="Habis")
        (refund,) = session.scalars(select(Refund))
        refunds.send(session, refund, operator.id, clock.now(), reference="RF-1", at_gateway=True)
    else:
        payment = payment_of(session, order)
        corrections.take_back(session, payment, by, clock.now(), reason="Uangnya ditarik")
    session.commit()
    midtrans.move(paid, "refund")
    assert told(desk, midtrans.notification(paid)) == 200
    assert 'data-stuck="gateway"' not in desk.get("/desk").get_data(as_text=True)
    assert at_gateway(session) == 0


def test_another_refund_does_not_hide_a_chargeback(
    desk: FlaskClient,
    session: Session,
    order: Order,
    paid: str,
    midtrans: MidtransStub,
    operator: User,
) -> None:
    by = By(Actor.OPERATOR, operator.id)
    part = refunds.owe_part(
        session, order, RefundKind.GOODS, 1_000, by, clock.now(), reason="pecah satu"
    )
    refunds.send(session, part, operator.id, clock.now(), reference="TRX")
    session.commit()
    midtrans.move(paid, "chargeback")
    assert told(desk, midtrans.notification(paid)) == 200
    assert 'data-stuck="gateway"' in desk.get("/desk").get_data(as_text=True)


def test_late_money_that_was_charged_back_is_stuck(
    desk: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code = opened(desk, session, order)
    lifecycle.act(session, order, Action.CANCEL, By(Actor.BUYER), clock.now(), reason="batal")
    session.commit()
    for status in ("settlement", "chargeback"):
        midtrans.move(code, status)
        assert told(desk, midtrans.notification(code)) == 200
    assert 'data-stuck="gateway"' in desk.get("/desk").get_data(as_text=True)
    payment, receipt = payment_of(session, order), session.scalar(select(LedgerTransaction.id))
    page = f"/desk/payments/{payment.id}"
    assert post(desk, f"{page}/reversal", reason="Ditarik", receipt=receipt).location == page
    assert 'data-stuck="gateway"' not in desk.get("/desk").get_data(as_text=True)
    (refund,) = session.scalars(select(Refund))
    assert (refund.state, at_gateway(session)) == (RefundState.WITHDRAWN, 0)


def test_no_more_goes_back_there_than_came(
    desk: FlaskClient, session: Session, order: Order, operator: User
) -> None:
    """Money that came by transfer cannot be given back at the gateway."""
    by = By(Actor.OPERATOR, operator.id)
    payment = payment_of(session, order)
    receiving.confirm(session, payment, by, clock.now())
    refund = refunds.owe_part(
        session, order, RefundKind.GOODS, 1_000, by, clock.now(), reason="kurang"
    )
    session.commit()
    page = f"/desk/refunds/{refund.id}"
    assert "at_gateway" not in desk.get(page).get_data(as_text=True)
    answer = post(desk, f"{page}/sending", reference="RF", at_gateway="y")
    assert answer.status_code == 422
    assert "hanya tercatat Rp0" in answer.get_data(as_text=True)
    session.refresh(refund)
    assert refund.state is RefundState.DUE


def test_a_booking_taken_back_by_mistake_is_booked_again(
    desk: FlaskClient,
    session: Session,
    order: Order,
    paid: str,
    midtrans: MidtransStub,
    operator: User,
) -> None:
    payment = payment_of(session, order)
    by = By(Actor.OPERATOR, operator.id)
    corrections.take_back(session, payment, by, clock.now(), reason="salah tekan")
    session.commit()
    assert (attempts(session)[0].state, at_gateway(session)) == (AttemptState.CLOSED, 0)
    for _ in range(2):
        post(desk, f"/desk/payments/{payment.id}/gateway")
    assert payment_of(session, order).state is PaymentState.CONFIRMED
    assert at_gateway(session) == order.total


@pytest.mark.parametrize(
    ("known", "said", "stuck"),
    [
        ("settlement", Standing("pending", 1, Outcome.WAITS), False),
        ("settlement", Standing("deny", 1, Outcome.OVER), False),
        ("settlement", Standing("refund", 1, Outcome.OVER), True),
        ("refund", Standing("settlement", 1, Outcome.PAID), True),
    ],
)
def test_an_answer_that_was_overtaken_changes_nothing(
    desk: FlaskClient,
    session: Session,
    order: Order,
    paid: str,
    midtrans: MidtransStub,
    known: str,
    said: Standing,
    stuck: bool,
) -> None:
    before = clock.now()
    midtrans.move(paid, known)
    assert told(desk, midtrans.notification(paid)) == 200
    services.hear(session, attempts(session)[0].id, said, clock.now(), asked_at=before)
    session.commit()
    assert ('data-stuck="gateway"' in desk.get("/desk").get_data(as_text=True)) is stuck
    assert booked(session) == 1


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_its_way_to_the_bank(
    desk: FlaskClient,
    session: Session,
    order: Order,
    paid: str,
    operator: User,
    headers: dict[str, str],
) -> None:
    total = order.total
    body = desk.get(ACCOUNT).get_data(as_text=True)
    assert f"{total:,}".replace(",", ".") in body
    assert ACCOUNT in desk.get("/desk/payments").get_data(as_text=True)
    fields = {"amount": str(total - 4000), "fee": "4.000", "reference": "CAIR-1"}
    for _ in range(3):
        answer = post(desk, SETTLEMENT, **fields, headers=headers)
        assert answer.status_code == (204 if headers else 303)
    assert (at_gateway(session), bank(session)) == (0, total - 4000)
    assert balance(session, AccountKind.ROUNDING) == -4000
    assert settlements(session) == 1
    made = session.scalars(
        select(LedgerTransaction).where(LedgerTransaction.cause == "settled")
    ).one()
    assert (made.note, made.actor_id) == ("CAIR-1", operator.id)
    body = desk.get(ACCOUNT).get_data(as_text=True)
    assert f'data-booking="{made.id}"' in body
    assert "biaya Rp4.000" in body


def test_no_more_than_there_is(
    desk: FlaskClient, session: Session, order: Order, paid: str
) -> None:
    for fields in (
        {"amount": order.total + 1},
        {"amount": order.total, "fee": 1},
        {"amount": 0},
        {"amount": "banyak"},
        {"amount": -5},
        {"amount": ""},
        {"amount": 5000, "fee": "x"},
        {"amount": 5000, "reference": ""},
        {"amount": 5000, "reference": "x" * 101},
    ):
        answer = post(desk, SETTLEMENT, **{"reference": "CAIR-1", **fields})
        assert answer.status_code == 422, fields
        body = answer.get_data(as_text=True)
        assert "-error" in body
    assert (settlements(session), bank(session)) == (0, 0)


def test_the_same_words_another_day_or_amount_are_another_booking(
    session: Session, order: Order, paid: str, operator: User
) -> None:
    by, now = By(Actor.OPERATOR, operator.id), clock.now()
    first = services.book_settlement(session, 1000, 0, "CAIR", by, now)
    again = services.book_settlement(session, 1000, 0, "CAIR", by, now)
    assert again == first
    others = {
        services.book_settlement(session, 1000, 10, "CAIR", by, now),
        services.book_settlement(session, 1001, 0, "CAIR", by, now),
        services.book_settlement(session, 1000, 0, "CAIR 2", by, now),
        services.book_settlement(session, 1000, 0, "CAIR", by, now + timedelta(days=1)),
    }
    assert len(others | {first}) == 5


def test_two_operators_at_once_book_once(
    app: Flask, session: Session, order: Order, paid: str, operator: User
) -> None:
    total, by = order.total, By(Actor.OPERATOR, operator.id)
    together = threading.Barrier(4, timeout=10)
    session.commit()
    made: list[int] = []

    def book() -> None:
        with app.app_context():
            together.wait()
            booking = services.book_settlement(db.session(), total, 0, "CAIR-1", by, clock.now())
            db.session.commit()
            made.append(booking)

    threads = [threading.Thread(target=book) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(made)) == 1
    assert (at_gateway(session), bank(session)) == (0, total)


def test_a_booking_that_was_a_mistake(
    desk: FlaskClient, session: Session, order: Order, paid: str
) -> None:
    fields = {"amount": order.total - 10, "fee": 10, "reference": "CAIR-1"}
    post(desk, SETTLEMENT, **fields)
    made = session.scalars(
        select(LedgerTransaction.id).where(LedgerTransaction.cause == "settled")
    ).one()
    received = session.scalars(
        select(LedgerTransaction.id).where(LedgerTransaction.cause == "received")
    ).one()
    for _ in range(2):
        assert post(desk, f"{SETTLEMENT}/{made}/reversal").status_code == 303
    assert (at_gateway(session), bank(session)) == (order.total, 0)
    assert balance(session, AccountKind.ROUNDING) == 0
    assert "dibatalkan" in desk.get(ACCOUNT).get_data(as_text=True)
    # Nothing else can be undone here, and what was undone can be booked again.
    for wrong in (received, 999):
        assert post(desk, f"{SETTLEMENT}/{wrong}/reversal").status_code == 404
    assert post(desk, SETTLEMENT, **fields).status_code == 303
    assert at_gateway(session) == 0


def test_what_is_left_when_it_is_switched_off(
    app: Flask,
    desk: FlaskClient,
    session: Session,
    order: Order,
    paid: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = replace(app.config["OVOP"], midtrans_server_key="")
    monkeypatch.setitem(app.config, "OVOP", config)
    page = f"/desk/payments/{payment_of(session, order).id}"
    assert "Tanya ulang" not in desk.get(page).get_data(as_text=True)
    assert post(desk, f"{page}/gateway").status_code == 404
    fields = {"amount": order.total, "reference": "CAIR-1"}
    assert post(desk, SETTLEMENT, **fields).status_code == 303
    assert desk.get(ACCOUNT).status_code == 200


@pytest.mark.parametrize("role", [None, Role.BUYER, Role.PRODUCER, Role.OFFICIAL])
def test_only_operators_come_in(
    client: FlaskClient, session: Session, order: Order, paid: str, role: Role | None
) -> None:
    made = services.book_settlement(session, 1000, 0, "CAIR", By(Actor.CLOCK), clock.now())
    asking_back = f"/desk/payments/{payment_of(session, order).id}/gateway"
    session.commit()
    if role:
        user = make_user(session, role)
        session.commit()
        sign_in(client, user)
    expected = 403 if role else 303
    assert client.get(ACCOUNT).status_code == expected
    for path in (SETTLEMENT, f"{SETTLEMENT}/{made}/reversal", asking_back):
        answer = post(client, path, amount=1, reference="x")
        assert answer.status_code == expected
        assert role or "/sign-in" in answer.location
    assert (settlements(session), bank(session)) == (1, 1000)


def test_nothing_where_there_never_was_one(desk: FlaskClient) -> None:
    assert desk.get(ACCOUNT).status_code == 404
    fields = {"amount": 5000, "reference": "CAIR-1"}
    assert post(desk, SETTLEMENT, **fields).status_code == 404


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ("production", "http://api.midtrans.example"),
        ("testing", "ftp://api.midtrans.example"),
        ("testing", "midtrans"),
    ],
)
def test_an_address_that_gives_the_key_away(environment: str, url: str) -> None:
    with pytest.raises(ConfigurationError, match="MIDTRANS_URL"):
        from_environment({"OVOP_ENV": environment, "SECRET_KEY": SECRET_KEY, "MIDTRANS_URL": url})
