"""What the buyer reads of money that is looked at, came otherwise than asked, or goes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import AuditEvent, User
from ovop_market.core import clock
from ovop_market.inbox.labels import advice, due_text
from ovop_market.orders.models import Order, Purchase
from ovop_market.orders.presentation import next_sentence, timeline
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor
from ovop_market.payments.models import Refund
from ovop_market.payments.panel import time_left
from ovop_market.payments.services import claims, corrections, receiving, refunds
from tests.factories import (
    advance,
    make_order,
    make_product,
    make_purchase,
)
from tests.payments.buying import (
    BUYER,
    HTMX,
    M,
    P,
    S,
    bought,
    casher,
    page_of,
    payments,
    post,
    section,
)


@pytest.fixture
def by_operator(operator: User) -> By:
    return By(Actor.OPERATOR, operator.id)


# Money that came otherwise than asked.


def test_what_happens_after_a_claim(client: FlaskClient, session: Session) -> None:
    purchase, payment = bought(session)
    answer = post(client, purchase, f"payments/{payment.id}/claim", reference="Sari, Bank Contoh")
    assert answer.status_code == 303
    body = client.get(page_of(purchase)).text
    own = section(body, payment)
    assert 'data-state="CLAIMED"' in own
    assert "<form" not in own
    assert "Sari, Bank Contoh" in own
    assert "tidak perlu membayar lagi" in own
    assert "Bayar dengan cara lain" not in body


def test_too_little(client: FlaskClient, session: Session, by_operator: By) -> None:
    purchase, payment = bought(session, M.QRIS)
    receiving.confirm(session, payment, by_operator, clock.now(), amount=100_000)
    (now,) = payments(session, purchase)
    assert (now.state, now.amount) == (P.ASKED, 66_000)
    body = client.get(page_of(purchase)).text
    assert "Sudah masuk Rp100.000, kurang Rp66.000." in body
    assert "<svg" in section(body, payment)


def test_too_much_and_twice(client: FlaskClient, session: Session, by_operator: By) -> None:
    purchase, payment = bought(session, M.QRIS)
    receiving.confirm(session, payment, by_operator, clock.now(), amount=176_000)
    again = By(Actor.OPERATOR, by_operator.user_id, "a second tap")
    receiving.confirm(session, payment, again, clock.now(), amount=5_000)
    body = client.get(page_of(purchase)).text
    assert "Uang yang masuk Rp176.000, lebih Rp10.000." in body
    assert "Rp5.000 masuk lagi sesudah tagihan ini lunas." in body
    owed = session.scalars(select(Refund).where(Refund.purchase_id == purchase.id)).all()
    assert sorted(refund.amount for refund in owed) == [5_000, 10_000]
    for refund in owed:
        assert f'data-refund="{refund.id}" data-state="DUE"' in body
    assert "Uang yang lebih, atau masuk sesudah tagihannya ditutup." in body
    assert "<h2" in body and "Rp181.000" in section(body, payment)  # what came, not what was asked


def test_too_late(client: FlaskClient, session: Session, by_operator: By) -> None:
    purchase, payment = bought(session)
    order = purchase.orders[0]
    lifecycle.act(session, order, Action.CANCEL, BUYER, clock.now(), reason="salah pesan")
    assert "data-payment" not in client.get(page_of(purchase)).text
    receiving.confirm(session, payment, by_operator, clock.now(), amount=30_000)
    body = client.get(page_of(purchase)).text
    assert "Rp30.000 masuk sesudah tagihan ini ditutup." in body
    assert 'data-state="DUE"' in body


def test_money_that_waits_for_an_answer(
    client: FlaskClient, session: Session, by_operator: By
) -> None:
    ready, made = make_product(session, ready=5), make_product(session, capacity=99)
    purchase = make_purchase(session, [(ready, 1), (made, 1)], method=M.QRIS, now=clock.now())
    (payment,) = payments(session, purchase)
    receiving.confirm(session, payment, by_operator, clock.now(), amount=payment.amount + 7_000)
    body = client.get(page_of(purchase)).text
    assert "Uang Anda Rp7.000 belum terpakai." in body
    waiting = next(order for order in purchase.orders if order.state is S.PLACED)
    advance(session, waiting, S.ACCEPTED, clock.now())
    body = client.get(page_of(purchase)).text
    assert f"Sudah masuk Rp7.000, kurang Rp{(waiting.total - 7_000) // 1000}.000." in body
    assert "belum terpakai" not in body


def test_a_confirmation_taken_back_counts_for_nothing(
    client: FlaskClient, session: Session, by_operator: By
) -> None:
    purchase, payment = bought(session, M.QRIS)
    receiving.confirm(session, payment, by_operator, clock.now())
    corrections.take_back(session, payment, by_operator, clock.now(), reason="Itu uang orang lain.")
    body = section(client.get(page_of(purchase)).text, payment)
    assert 'data-state="REJECTED"' in body
    assert "kami keliru mencatat uangnya sudah masuk" in body
    assert '<p class="said">Itu uang orang lain.</p>' in body
    assert "Sudah masuk" not in body


# Money that goes back.


def cancelled(session: Session, by_operator: By) -> tuple[Purchase, Refund]:
    """A paid purchase that the operator had to cancel."""
    purchase, payment = bought(session)
    receiving.confirm(session, payment, by_operator, clock.now())
    order = purchase.orders[0]
    lifecycle.act(session, order, Action.REVOKE, by_operator, clock.now(), reason="Listrik mati")
    session.commit()
    return purchase, session.scalars(select(Refund).where(Refund.purchase_id == purchase.id)).one()


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_buyer_names_the_account(
    client: FlaskClient, session: Session, by_operator: By, headers: dict[str, str]
) -> None:
    purchase, refund = cancelled(session, by_operator)
    assert "Tulis rekening tujuannya" in client.get(page_of(purchase)).text
    words = "Bank Contoh 0000111222 a.n. Sari"
    for _repeat in range(2):
        answer = post(
            client,
            purchase,
            f"refunds/{refund.id}/destination",
            destination=f"  {words} ",
            headers=headers,
        )
        assert answer.status_code == (200 if headers else 303)
    session.refresh(refund)
    assert refund.destination == words
    named = select(AuditEvent).where(AuditEvent.action == "refund destination named")
    (event,) = session.scalars(named).all()
    assert words not in f"{event.subject} {event.details}"
    body = client.get(page_of(purchase)).text
    assert f"Akan dikirim ke: {words}" in body
    assert f'value="{words}"' in body


@pytest.mark.parametrize("words", ["", "   ", "x" * 201, None])
def test_an_account_that_is_none(
    client: FlaskClient, session: Session, by_operator: By, words: str | None
) -> None:
    purchase, refund = cancelled(session, by_operator)
    fields = {} if words is None else {"destination": words}
    answer = post(client, purchase, f"refunds/{refund.id}/destination", **fields)
    assert answer.status_code == 422
    assert "Rekening tujuan: " in answer.text
    if words and words.strip():
        assert words in answer.text
    session.refresh(refund)
    assert refund.destination is None


def test_nobody_names_an_account_for_the_money_of_others(
    client: FlaskClient, session: Session, by_operator: By
) -> None:
    mine, _refund = cancelled(session, by_operator)
    _theirs, refund = cancelled(session, by_operator)
    action = f"refunds/{refund.id}/destination"
    assert post(client, mine, action, destination="Bank Saya").status_code == 404
    assert post(client, mine, "refunds/999999/destination", destination="x").status_code == 404
    session.refresh(refund)
    assert refund.destination is None


def test_once_it_is_sent_the_account_stays(
    client: FlaskClient, session: Session, by_operator: By
) -> None:
    purchase, refund = cancelled(session, by_operator)
    token = client.csrf(page_of(purchase))
    refunds.name_destination(session, refund, "Bank Contoh 1", clock.now())
    refunds.send(session, refund, by_operator.user_id or 0, clock.now(), reference="TRX 9")
    answer = client.post(
        f"{page_of(purchase)}/refunds/{refund.id}/destination",
        data={"csrf_token": token, "destination": "Bank Lain 2"},
    )
    assert answer.status_code == 409
    assert "sudah dikirim" in answer.text
    session.refresh(refund)
    assert refund.destination == "Bank Contoh 1"
    body = client.get(page_of(purchase)).text
    assert f'data-refund="{refund.id}" data-state="SENT"' in body
    assert 'name="destination"' not in body


# While a payment is being looked at, the order has no term: it is not paid all the same.


def texts(order: Order) -> tuple[str, str, str, str]:
    return next_sentence(order), timeline(order)[-1].title, due_text(order), advice(order)


def test_what_is_said_while_a_payment_is_looked_at(session: Session, by_operator: By) -> None:
    order = make_order(session, S.ACCEPTED, now=clock.now())
    (payment,) = payments(session, order.purchase)
    assert "Bayar paling lambat" in texts(order)[0]
    assert "belum membayar" in texts(order)[3]
    claims.claim(session, payment, clock.now(), reference="Sari", proof_key=None, by=BUYER)
    assert order.due_at is None
    assert texts(order) == (
        "Pembayaran Anda sedang dicek pengelola.",
        "Pengelola mengecek pembayaran",
        "Pembayaran sedang dicek",
        "Pembeli bilang sudah membayar; pengelola sedang mengecek.",
    )
    receiving.confirm(session, payment, by_operator, clock.now())
    assert texts(order)[0].startswith("Penjual akan menyiapkan pesanan")
    assert texts(order)[1] == "Penjual menyiapkan"
    assert texts(order)[2].startswith("Siap ")
    assert texts(order)[3].startswith("Siapkan pesanan ini")


def test_cash_is_never_looked_at(session: Session) -> None:
    producer = casher(session, (True, True, None))
    order = make_order(session, S.ACCEPTED, producer=producer, method=M.COD, now=clock.now())
    assert texts(order)[1] == "Penjual menyiapkan"
    assert texts(order)[3].startswith("Siapkan pesanan ini")


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=2), "2 hari"),
        (timedelta(hours=71, minutes=59), "2 hari 23 jam"),
        (timedelta(hours=47, minutes=59), "1 hari 23 jam"),
        (timedelta(hours=23, minutes=59), "23 jam"),
        (timedelta(hours=1), "1 jam"),
        (timedelta(minutes=59, seconds=59), "59 menit"),
        (timedelta(seconds=1), "1 menit"),
        (timedelta(), ""),
        (timedelta(seconds=-1), ""),
    ],
)
def test_time_left(app: Flask, left: timedelta, said: str) -> None:
    with app.test_request_context():
        assert time_left(left) == said
