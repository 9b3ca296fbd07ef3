"""Paying at the hosted gateway: the way to its page (see midtrans_stub.py)."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services import lifecycle, locks
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments import methods
from ovop_market.payments.gateway import midtrans as adapter
from ovop_market.payments.models import (
    Payment,
)
from ovop_market.payments.services import asking
from ovop_market.payments.states import PaymentState
from tests.factories import make_order
from tests.payments.at_gateway import (
    HTMX,
    attempts,
    opened,
    payment_of,
    tap,
    told,
)
from tests.payments.midtrans_stub import MidtransStub

S, P, M = OrderState, PaymentState, PaymentMethod
BUYER = By(Actor.BUYER)


def test_the_button_leads_to_the_page(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    page = f"/purchases/{order.purchase.token}"
    assert "Bayar sekarang" in client.get(page).get_data(as_text=True)
    answer = tap(client, session, order, **HTMX)
    (attempt,), payment = attempts(session), payment_of(session, order)
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == attempt.redirect_url
    assert attempt.redirect_url.startswith(midtrans.url)
    assert (attempt.amount, attempt.code) == (payment.amount, f"{payment.code}-1")
    asked = midtrans.pages[attempt.code].asked
    assert asked["transaction_details"] == {
        "order_id": attempt.code,
        "gross_amount": payment.amount,
    }
    assert asked["callbacks"]["finish"] == f"http://localhost{page}"
    assert asked["expiry"]["start_time"].endswith(" +0700")
    for personal in (order.purchase.name, order.purchase.phone, order.purchase.street):
        assert personal not in str(asked)


def test_without_script_a_link_leads_there(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    answer, payment = tap(client, session, order), payment_of(session, order)
    assert answer.status_code == 303
    assert answer.location == f"/purchases/{order.purchase.token}#payment-{payment.id}"
    body = client.get(answer.location).get_data(as_text=True)
    link = re.search(r'<a[^>]* href="([^"]+)"[^>]*>Lanjut ke halaman pembayaran', body)
    assert link and link[1] == attempts(session)[0].redirect_url
    assert "Bayar sekarang" not in body


def test_a_second_tap_finds_the_same_page(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    first = tap(client, session, order, **HTMX).headers["HX-Redirect"]
    assert tap(client, session, order, **HTMX).headers["HX-Redirect"] == first
    assert len(attempts(session)) == len(midtrans.requests) == 1


def test_two_taps_at_once_keep_one_page(
    app: Flask, client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    """Both have asked the gateway before either has kept its page."""
    page = f"/purchases/{order.purchase.token}"
    target = f"{page}/payments/{payment_of(session, order).id}/gateway"
    buyers = [app.test_client() for _ in range(2)]
    tokens = [buyer.csrf("/register") for buyer in buyers]
    both = threading.Barrier(2, timeout=10)
    midtrans.before = both.wait
    session.commit()
    found: list[str] = []

    def press(buyer: FlaskClient, token: str) -> None:
        # Outside of the test's own context and session.
        answer = FlaskClient.open(
            buyer, target, method="POST", data={"csrf_token": token}, headers=HTMX
        )
        found.append(answer.headers.get("HX-Redirect", str(answer.status_code)))

    threads = [
        threading.Thread(target=press, args=pair) for pair in zip(buyers, tokens, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [attempts(session)[0].redirect_url] * 2
    assert len(attempts(session)) == 1


def test_nobody_waits_while_the_gateway_is_asked(
    app: Flask, client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    purchase_id, changed = order.purchase_id, []

    def work_on_it() -> None:
        with app.app_context():
            locks.lock_purchase(db.session(), purchase_id)
            db.session.rollback()
            changed.append(purchase_id)

    midtrans.before = work_on_it
    code = opened(client, session, order)
    midtrans.move(code, "settlement")
    assert told(client, midtrans.notification(code)) == 200
    assert len(changed) == 2


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/snap/v4/redirection/x",
        "http://app.sandbox.midtrans.com/snap",
        "https://app.sandbox.midtrans.com@evil.example/",
        "https://app.sandbox.midtrans.com:8443/x",
        "https://app.midtrans.com/x",
        "javascript:alert(1)",
        "https://[",
        "https://app.sandbox.midtrans.com/" + "x" * 500,
        "//app.sandbox.midtrans.com/",
    ],
)
def test_a_page_elsewhere_is_not_believed(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub, address: str
) -> None:
    midtrans.redirect_url = address
    answer = tap(client, session, order)
    assert answer.status_code == 503
    assert not attempts(session)


def test_the_known_address_is_believed(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    midtrans.redirect_url = "https://app.sandbox.midtrans.com/snap/v4/redirection/x"
    assert tap(client, session, order, **HTMX).headers["HX-Redirect"] == midtrans.redirect_url


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("raw", [None, b"", b"[]", b"{}", b'{"status_code": "x"}', b"\xff", b"7"])
def test_a_gateway_that_does_not_answer(
    client: FlaskClient,
    session: Session,
    order: Order,
    midtrans: MidtransStub,
    raw: bytes | None,
    headers: dict[str, str],
) -> None:
    midtrans.down, midtrans.raw = raw is None, raw
    answer = tap(client, session, order, **headers)
    assert answer.status_code == 503
    assert "Coba lagi, atau pilih cara lain" in answer.get_data(as_text=True)
    assert f'data-payment="{payment_of(session, order).id}"' in answer.get_data(as_text=True)
    midtrans.down, midtrans.raw = False, None
    assert tap(client, session, order, **HTMX).status_code == 204


def test_a_silent_gateway_is_not_waited_for(
    client: FlaskClient,
    session: Session,
    order: Order,
    midtrans: MidtransStub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released = threading.Event()
    midtrans.before = lambda: released.wait(10)
    monkeypatch.setattr(adapter, "PATIENCE", (0.2, 0.2))
    try:
        assert tap(client, session, order).status_code == 503
    finally:
        released.set()


def test_a_name_that_is_taken_there(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    """A try whose end was never heard of has used the first name."""
    code, amount = payment_of(session, order).code, payment_of(session, order).amount
    midtrans.make({"transaction_details": {"order_id": f"{code}-1", "gross_amount": amount}})
    midtrans.move(f"{code}-1", "pending")
    assert opened(client, session, order) == f"{code}-2"


def test_a_page_does_not_outlive_its_order(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    def minutes(code: str) -> int:
        return midtrans.pages[code].asked["expiry"]["duration"]

    assert minutes(opened(client, session, order)) == 24 * 60
    (attempt,) = attempts(session)
    attempt.made_at -= timedelta(hours=24)
    order.due_at = clock.now() + timedelta(minutes=40)
    session.commit()
    assert minutes(opened(client, session, order)) in (39, 40)
    attempts(session)[-1].made_at -= timedelta(minutes=38)
    order.due_at = clock.now() + timedelta(minutes=1)
    session.commit()
    assert minutes(opened(client, session, order)) == 15
    assert len(attempts(session)) == 3


def test_only_what_is_asked_there_is_paid_there(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    payment = payment_of(session, order)
    other = make_order(session, S.ACCEPTED, now=clock.now(), method=M.GATEWAY)
    theirs = payment_of(session, other).id
    asking.change_method(session, payment, M.TRANSFER, BUYER, clock.now())
    session.commit()
    assert tap(client, session, order).status_code == 409
    asking.change_method(session, payment_of(session, order), M.GATEWAY, BUYER, clock.now())
    session.commit()
    page = f"/purchases/{order.purchase.token}/payments"
    for wrong in (theirs, 999, 2**31 - 1, 2**40):
        fields = {"csrf_token": client.csrf("/register")}
        assert client.post(f"{page}/{wrong}/gateway", data=fields).status_code == 404
    assert client.post(f"{page}/{payment.id}/gateway").status_code == 400
    lifecycle.act(session, order, Action.CANCEL, BUYER, clock.now(), reason="Tidak jadi")
    session.commit()
    assert tap(client, session, order).status_code == 409
    assert not midtrans.requests


def test_what_has_changed_while_the_page_was_made(
    app: Flask, client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    payment_id = payment_of(session, order).id

    def change() -> None:
        with app.app_context():
            payment = db.session.get_one(Payment, payment_id)
            asking.change_method(db.session(), payment, M.TRANSFER, BUYER, clock.now())
            db.session.commit()

    midtrans.before = change
    assert tap(client, session, order).status_code == 409
    assert not attempts(session)


# Where there is none


def test_it_is_off_unless_configured(
    app: Flask,
    client: FlaskClient,
    session: Session,
    order: Order,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = replace(app.config["OVOP"], midtrans_server_key="")
    monkeypatch.setitem(app.config, "OVOP", config)
    assert told(client, {"order_id": "x"}) == 404
    assert tap(client, session, order).status_code == 404
    body = client.get(f"/purchases/{order.purchase.token}").get_data(as_text=True)
    assert "Bayar sekarang" not in body
    assert "sedang tidak bisa dipakai" in body


@pytest.mark.parametrize("configured", [False, True])
def test_it_is_offered_where_it_is_configured(
    request: pytest.FixtureRequest, app: Flask, session: Session, configured: bool
) -> None:
    if configured:
        request.getfixturevalue("midtrans")
    with app.test_request_context():
        offered = {option.method for option in methods.offered([])}
        assert (M.GATEWAY in offered) is configured
        assert (M.GATEWAY in {m.method for m in methods.online()}) is configured


def test_the_gateway_tells_by_itself(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    """A claim would have an operator book money on the bank account that is not there."""
    payment = payment_of(session, order)
    page = f"/purchases/{order.purchase.token}"
    answer = client.post(
        f"{page}/payments/{payment.id}/claim",
        data={"csrf_token": client.csrf("/register"), "reference": "Sari"},
    )
    assert answer.status_code == 409
    session.expire_all()
    assert payment.state is P.ASKED and order.due_at is not None
