"""How buyers pay: what is offered, what the purchase page shows, and another way later."""

from __future__ import annotations

import io

import pytest
import zxingcpp
from flask import Flask
from flask.testing import FlaskClient
from lokal.qris import parse_qris
from PIL import Image
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.core import clock
from ovop_market.core.errors import MoveRefused, Unusable
from ovop_market.orders import methods
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor
from ovop_market.payments.methods import transfer
from ovop_market.payments.models import Payment, PaymentEvent
from ovop_market.payments.services import claims, paying, receiving
from ovop_market.payments.states import PaymentAction
from tests.factories import (
    advance,
    make_product,
    make_purchase,
)
from tests.payments.buying import (
    BUYER,
    HTMX,
    M,
    P,
    S,
    begin,
    bought,
    casher,
    page_of,
    payments,
    post,
    section,
    without_qris,
)


@pytest.fixture
def by_operator(operator: User) -> By:
    return By(Actor.OPERATOR, operator.id)


def test_orders_know_the_methods_only_by_the_hook(app: Flask, session: Session) -> None:
    offered = [option.method for option in methods.options([])]
    assert offered == [M.TRANSFER, M.QRIS, M.COD]
    assert not [option for option in methods.options([]) if not option.title or not option.text]


def test_without_a_payload_qris_is_not_offered(
    app: Flask, client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_qris(app, monkeypatch)
    body = client.get(begin(client, session, (True, True, None))).text
    assert 'value="qris"' not in body
    with pytest.raises(Unusable, match="Pilih cara bayar"):
        bought(session, M.QRIS)


def test_paying_by_transfer(app: Flask, client: FlaskClient, session: Session) -> None:
    purchase, payment = bought(session)
    body = section(client.get(page_of(purchase)).text, payment)
    assert 166_000 < payment.amount < 167_000
    assert f'<data class="money" value="{payment.amount}">' in body
    assert f'data-copy="{payment.amount}"' in body
    account = app.config["OVOP"].bank_account
    assert account in body
    assert f'data-copy="{transfer.number_of(account)}"' in body
    assert "tiga angka terakhirnya" in body
    assert 'name="reference"' in body
    assert 'name="proof"' in body
    assert "Sisa waktu 2 hari" in body
    assert "qris.png" not in body


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("Bank Sumsel Babel 1234567890 a.n. Koperasi", "1234567890"),
        ("BRI 0012-01-000345-30-8, Koperasi OVOP 2026", "001201000345308"),
        ("BCA 123 456 7890", "1234567890"),
        ("Datang ke kantor", "Datang ke kantor"),
    ],
)
def test_what_a_banking_app_asks_for(words: str, number: str) -> None:
    assert transfer.number_of(words) == number


def test_paying_by_qris(client: FlaskClient, session: Session) -> None:
    purchase, payment = bought(session, M.QRIS)
    body = section(client.get(page_of(purchase)).text, payment)
    assert (payment.amount, payment.unique_digits) == (166_000, 0)
    assert "<svg" in body
    assert "KOPERASI OVOP CONTOH" in body
    assert "BANGKA BARAT" in body
    assert 'name="reference"' in body
    picture = f"{page_of(purchase)}/payments/{payment.id}/qris.png"
    assert f'href="{picture}"' in body
    answer = client.get(picture)
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    with Image.open(io.BytesIO(answer.data)) as image:
        (code,) = zxingcpp.read_barcodes(image.convert("L"))
    info = parse_qris(code.text)
    assert info.valid
    assert info.amount == "166000"
    assert info.additional is not None
    assert info.additional.reference_label == payment.code


def test_only_an_open_payment_by_qris_has_a_code(
    app: Flask,
    client: FlaskClient,
    session: Session,
    by_operator: By,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    purchase, payment = bought(session, M.QRIS)
    other, by_transfer = bought(session)
    path = f"{page_of(purchase)}/payments/{payment.id}/qris.png"
    assert client.get(f"{page_of(other)}/payments/{payment.id}/qris.png").status_code == 404
    assert client.get(f"{page_of(other)}/payments/{by_transfer.id}/qris.png").status_code == 404
    assert client.get(path).status_code == 200
    claims.claim(session, payment, clock.now(), reference="Sari", proof_key=None, by=BUYER)
    assert client.get(path).status_code == 404
    claims.reject(session, payment, by_operator.user_id or 0, clock.now(), reason="belum masuk")
    assert client.get(path).status_code == 200
    with monkeypatch.context() as patch:
        without_qris(app, patch)
        assert client.get(path).status_code == 404
        body = client.get(page_of(purchase)).text
        assert "sedang tidak bisa dipakai" in body
        assert 'value="transfer"' in body
    receiving.confirm(session, payment, by_operator, clock.now(), amount=payment.amount)
    assert client.get(path).status_code == 404


def test_cash_needs_no_payment_but_says_how_much(client: FlaskClient, session: Session) -> None:
    producer = casher(session, (True, True, None), name="Rumah Mawar")
    product = make_product(session, producer, capacity=99)
    order = make_purchase(session, [(product, 2)], method=M.COD, now=clock.now()).orders[0]
    said = "Bayar tunai Rp166.000 kepada kurir saat pesanan dari Rumah Mawar sampai."
    advance(session, order, S.ACCEPTED, clock.now())
    body = client.get(page_of(order.purchase)).text
    assert said in body
    assert "data-payment" not in body
    lifecycle.act(session, order, Action.CANCEL, BUYER, clock.now(), reason="salah pesan")
    assert said not in client.get(page_of(order.purchase)).text


def test_one_amount_for_all_that_is_due(client: FlaskClient, session: Session) -> None:
    now = clock.now()
    products = [make_product(session, ready=5), make_product(session, ready=5)]
    purchase = make_purchase(session, [(product, 1) for product in products], now=now)
    (payment,) = payments(session, purchase)
    body = client.get(page_of(purchase)).text
    assert body.count('class="pay-amount"') == 1
    for order in purchase.orders:
        assert f"{order.producer.name}: " in section(body, payment)
    assert payment.amount - payment.unique_digits == sum(o.total for o in purchase.orders)


# Another way to pay.


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_another_way_keeps_one_payment(
    client: FlaskClient, session: Session, headers: dict[str, str]
) -> None:
    purchase, payment = bought(session)
    action = f"payments/{payment.id}/method"
    for method, digits in (("qris", False), ("qris", False), ("transfer", True)):
        answer = post(client, purchase, action, payment_method=method, headers=headers)
        assert answer.status_code == (200 if headers else 303)
        (now,) = payments(session, purchase)
        assert (now.id, now.method, now.state) == (payment.id, method, P.ASKED)
        assert now.amount == 166_000 + now.unique_digits
        assert bool(now.unique_digits) is digits
    # Choosing the same twice is choosing it once.
    amended = select(func.count(PaymentEvent.id)).where(
        PaymentEvent.payment_id == payment.id, PaymentEvent.action == PaymentAction.AMEND
    )
    assert session.scalar(amended) == 2
    body = client.get(page_of(purchase)).text
    assert f'href="#payment-{payment.id}"' not in body
    assert "Bayar lewat transfer" in body


@pytest.mark.parametrize("method", ["cod", "gateway", "hutang", "", None])
def test_ways_that_an_open_payment_cannot_be_paid_in(
    client: FlaskClient, session: Session, method: str | None
) -> None:
    purchase, payment = bought(session)
    fields = {} if method is None else {"payment_method": method}
    answer = post(client, purchase, f"payments/{payment.id}/method", **fields)
    assert answer.status_code == 422
    assert "Pilih" in answer.text
    assert payments(session, purchase)[0].method is M.TRANSFER


def test_nobody_changes_the_payment_of_another_purchase(
    client: FlaskClient, session: Session
) -> None:
    purchase, _payment = bought(session)
    other, theirs = bought(session)
    answer = post(client, purchase, f"payments/{theirs.id}/method", payment_method="qris")
    assert answer.status_code == 404
    assert payments(session, other)[0].method is M.TRANSFER


@pytest.mark.parametrize("then", ["claimed", "confirmed", "lapsed"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_once_it_is_not_open_any_more_the_page_says_so(
    client: FlaskClient, session: Session, by_operator: By, then: str, headers: dict[str, str]
) -> None:
    purchase, payment = bought(session)
    token = client.csrf(page_of(purchase))
    before = payment.amount
    # Meanwhile, in another window:
    if then == "claimed":
        claims.claim(session, payment, clock.now(), reference="Sari", proof_key=None, by=BUYER)
    elif then == "confirmed":
        receiving.confirm(session, payment, by_operator, clock.now())
    else:
        order = purchase.orders[0]
        lifecycle.act(session, order, Action.CANCEL, BUYER, clock.now(), reason="salah")
    answer = client.post(
        f"{page_of(purchase)}/payments/{payment.id}/method",
        data={"csrf_token": token, "payment_method": "qris"},
        headers=headers,
    )
    assert answer.status_code == 409
    assert "sudah berubah" in answer.text
    (now,) = payments(session, purchase)
    assert (now.method, now.amount) == (M.TRANSFER, before)


def test_a_claim_that_came_first_wins(session: Session) -> None:
    """The service looks again after it has the lock, whatever it was given."""
    _purchase, payment = bought(session)
    assert payment.state is P.ASKED
    elsewhere = update(Payment).where(Payment.id == payment.id).values(state=P.CLAIMED)
    session.execute(elsewhere, execution_options={"synchronize_session": False})
    assert payment.state is P.ASKED  # as it was when the page was loaded
    with pytest.raises(MoveRefused):
        paying.choose_method(session, payment, M.QRIS, BUYER, clock.now())
