"""What Midtrans says of a page: heard once, whatever is sent, however often, in whatever order."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor, OrderState
from ovop_market.payments.gateway.standing import is_code
from ovop_market.payments.models import (
    AttemptState,
    GatewayNotification,
)
from ovop_market.payments.states import PaymentState
from tests.payments.at_gateway import (
    NOTIFICATION,
    at_gateway,
    attempts,
    booked,
    opened,
    payment_of,
    tap,
    told,
)
from tests.payments.midtrans_stub import MidtransStub

S, P, M = OrderState, PaymentState, PaymentMethod
BUYER = By(Actor.BUYER)


def test_paid_is_booked_once(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code = opened(client, session, order)
    midtrans.move(code, "settlement")
    for _ in range(5):
        assert told(client, midtrans.notification(code)) == 200
    payment, (attempt,) = payment_of(session, order), attempts(session)
    session.refresh(order)
    assert (payment.state, payment.confirmed_by_id, payment.method) == (
        P.CONFIRMED,
        None,
        M.GATEWAY,
    )
    assert (attempt.state, attempt.status) == (AttemptState.PAID, "settlement")
    assert (order.paid, order.due_at) == (order.total, None)
    assert (at_gateway(session), booked(session)) == (order.total, 1)
    assert session.scalar(select(func.count(GatewayNotification.id))) == 5
    body = client.get(f"/purchases/{order.purchase.token}").get_data(as_text=True)
    assert "Sudah dibayar" in body


def test_a_browser_pays_and_comes_back(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    """The return alone proves nothing; the notification does."""
    code = opened(client, session, order)
    back = f"/purchases/{order.purchase.token}?order_id={code}&transaction_status=settlement"
    assert client.get(back).status_code == 200
    assert payment_of(session, order).state is P.ASKED


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        (["pending", "settlement"], AttemptState.PAID),
        (["settlement", "expire"], AttemptState.PAID),
        (["capture", "settlement"], AttemptState.PAID),
        (["deny", "settlement"], AttemptState.PAID),
        (["expire", "pending", "settlement"], AttemptState.PAID),
        (["settlement", "refund", "settlement"], AttemptState.PAID),
        (["partial_refund"], AttemptState.PAID),
        (["pending"], AttemptState.OPEN),
        (["authorize"], AttemptState.OPEN),
        (["deny", "pending"], AttemptState.OPEN),
        (["pending", "expire"], AttemptState.CLOSED),
        (["cancel"], AttemptState.CLOSED),
        (["failure"], AttemptState.CLOSED),
        (["refund"], AttemptState.CLOSED),
    ],
)
def test_in_whatever_order(
    client: FlaskClient,
    session: Session,
    order: Order,
    midtrans: MidtransStub,
    steps: list[str],
    state: AttemptState,
) -> None:
    code = opened(client, session, order)
    for status in steps:
        midtrans.move(code, status)
        assert told(client, midtrans.notification(code)) == 200
    (attempt,), paid = attempts(session), state is AttemptState.PAID
    session.refresh(order)
    assert (attempt.state, attempt.status) == (state, steps[-1])
    assert booked(session) == paid
    assert order.paid == (order.total if paid else 0)
    answer = tap(client, session, order)
    assert answer.status_code == (409 if paid else 303)
    assert len(attempts(session)) == (2 if state is AttemptState.CLOSED else 1)


def test_late_notifications_of_earlier_things(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    """What is sent may be old: what the API says now is what counts."""
    code = opened(client, session, order)
    midtrans.move(code, "pending")
    pending = midtrans.notification(code)
    midtrans.move(code, "expire")
    expired = midtrans.notification(code)
    midtrans.move(code, "settlement")
    for said in (pending, expired, midtrans.notification(code), pending, expired):
        assert told(client, said) == 200
        assert attempts(session)[0].status == "settlement"
    assert booked(session) == 1
    heard = session.scalars(select(GatewayNotification.said).order_by(GatewayNotification.id))
    assert heard.all() == ["pending", "expire", "settlement", "pending", "expire"]


def test_a_claimed_settlement_is_not_believed(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    """The signature of a notification that is being replayed fits any status."""
    code = opened(client, session, order)
    midtrans.move(code, "pending")
    said = midtrans.notification(code) | {"transaction_status": "settlement"}
    assert told(client, said) == 200
    assert (attempts(session)[0].state, booked(session)) == (AttemptState.OPEN, 0)


@pytest.mark.parametrize("status", ["capture", "settlement"])
@pytest.mark.parametrize("fraud", ["challenge", "deny", "", 7])
def test_doubtful_cards_wait(
    client: FlaskClient,
    session: Session,
    order: Order,
    midtrans: MidtransStub,
    status: str,
    fraud: object,
) -> None:
    code = opened(client, session, order)
    midtrans.move(code, status, fraud_status=fraud)
    assert told(client, midtrans.notification(code)) == 200
    assert (attempts(session)[0].state, booked(session)) == (AttemptState.OPEN, 0)
    midtrans.move(code, status)
    assert told(client, midtrans.notification(code)) == 200
    assert booked(session) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"gross_amount": "1.00"},
        {"order_id": "AAAAAAAA-1"},
        {"status_code": "201"},
        {"signature_key": "0" * 128},
        {"signature_key": ""},
        {"signature_key": None},
        {"signature_key": ["x"]},
        {"order_id": 7},
        {"gross_amount": 83000},
        {"gross_amount": "\ud800"},
        {"signature_key": "\ud800é"},
    ],
)
def test_what_is_not_signed_is_refused(
    client: FlaskClient,
    session: Session,
    order: Order,
    midtrans: MidtransStub,
    change: dict[str, Any],
) -> None:
    code = opened(client, session, order)
    midtrans.move(code, "settlement")
    asked = len(midtrans.requests)
    answer = client.post(NOTIFICATION, json=midtrans.notification(code) | change)
    assert (answer.status_code, answer.data) == (403, b"")
    missing = {k: v for k, v in midtrans.notification(code).items() if k not in change}
    assert told(client, missing) == 403
    assert len(midtrans.requests) == asked
    assert not session.scalar(select(func.count(GatewayNotification.id)))


def test_an_unknown_page_with_the_right_signature(
    client: FlaskClient, session: Session, midtrans: MidtransStub
) -> None:
    for code in ("AAAAAAAA-1", "payment_notif_test_G1_x", "\x00", "../x", "A" * 300, ""):
        said = {"order_id": code, "status_code": "200", "gross_amount": "10000.00"}
        said["signature_key"] = midtrans.sign(said)
        assert told(client, said) == 404
    assert not midtrans.requests


def test_a_gateway_that_is_down_is_asked_again(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code = opened(client, session, order)
    midtrans.move(code, "settlement")
    said = midtrans.notification(code)
    midtrans.down = True
    answer = client.post(NOTIFICATION, json=said)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert (booked(session), attempts(session)[0].state) == (0, AttemptState.OPEN)
    midtrans.down = False
    assert told(client, said) == 200
    assert booked(session) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"gross_amount": "83000.50"},
        {"gross_amount": "0.00"},
        {"gross_amount": "-5.00"},
        {"gross_amount": "1e9"},
        {"gross_amount": "8" * 400 + ".00"},
        {"gross_amount": "٣.00"},
        {"currency": "USD"},
        {"transaction_status": "sold"},
        {"transaction_status": ["settlement"]},
        {"order_id": "BBBBBBBB-9"},
    ],
)
def test_an_answer_that_is_not_understood_books_nothing(
    client: FlaskClient,
    session: Session,
    order: Order,
    midtrans: MidtransStub,
    wrong: dict[str, Any],
) -> None:
    code = opened(client, session, order)
    midtrans.move(code, "settlement")
    said = midtrans.notification(code)
    midtrans.move(code, "settlement", **wrong)
    assert told(client, said) == 503
    assert (booked(session), attempts(session)[0].state) == (0, AttemptState.OPEN)


def test_notifications_at_once_book_once(
    app: Flask, client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code = opened(client, session, order)
    midtrans.move(code, "settlement")
    said, together = midtrans.notification(code), threading.Barrier(6, timeout=10)
    midtrans.before = together.wait
    session.commit()
    answers: list[int] = []

    def notify() -> None:
        plain = FlaskClient(app, app.response_class)
        answers.append(plain.post(NOTIFICATION, json=said).status_code)

    threads = [threading.Thread(target=notify) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 6
    assert (booked(session), at_gateway(session)) == (1, order.total)


def test_it_sets_no_cookie(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code = opened(client, session, order)
    midtrans.move(code, "settlement")
    answer = client.application.test_client().post(NOTIFICATION, json=midtrans.notification(code))
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "values",
    [
        {"data": b""},
        {"data": b"{"},
        {"data": b"\xff\xfe\x00"},
        {"data": b"[" * 60_000},
        {"data": b'{"order_id": ' + b"9" * 60_000 + b"}"},
        {"data": b'"x"'},
        {"data": b"[1]"},
        {"data": {"order_id": "x"}},
        {"data": {"order_id": "x"}, "content_type": "multipart/form-data"},
    ],
)
def test_no_notification_at_all(
    client: FlaskClient, midtrans: MidtransStub, values: dict[str, Any]
) -> None:
    assert told(client, None, **values) == 400


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_a_flood_is_refused(client: FlaskClient, midtrans: MidtransStub, kind: str) -> None:
    body = b'{"x": "' + b"x" * 65_600 + b'"}'
    assert told(client, None, data=body, content_type=kind) == 413


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
said_values = st.dictionaries(
    st.sampled_from(
        ["order_id", "status_code", "gross_amount", "signature_key", "transaction_status"]
    ),
    json_values,
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(said=said_values | json_values, signing=st.booleans())
def test_anything_is_answered(
    client: FlaskClient, midtrans: MidtransStub, said: Any, signing: bool
) -> None:
    names = ("order_id", "status_code", "gross_amount")
    if signing and isinstance(said, dict):
        said |= {name: str(said.get(name, "")) for name in names}
        said["signature_key"] = midtrans.sign(said)
    expected = {404} if signing and isinstance(said, dict) else {400, 403}
    assert told(client, said) in expected


@pytest.mark.parametrize(
    ("code", "ours"),
    [("ABCD2345-1", True), ("P12-3", True), ("ABCD2345", False), ("ABCD2345-0", False), (7, False)],
)
def test_the_names_of_pages(code: object, ours: bool) -> None:
    """Payments from before there were codes have shorter ones."""
    assert is_code(code) is ours
