"""Two transactions at once on PostgreSQL: nobody decides on what was read before the lock, and
nobody waits in a circle. (SQLite has one writer at a time.)"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.orders.models import Cart, Order, PaymentMethod
from ovop_market.orders.queries import purchase_by_token
from ovop_market.orders.services import cart as carts
from ovop_market.orders.services import checkout, lifecycle
from ovop_market.orders.services.checkout import Details
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.gateway.standing import Outcome, Standing
from ovop_market.payments.models import (
    AttemptState,
    GatewayAttempt,
    Payment,
    PaymentPart,
    Refund,
)
from ovop_market.payments.queries import books
from ovop_market.payments.services import (
    asking,
    claims,
    corrections,
    gateway,
    receiving,
    refunds,
)
from ovop_market.payments.services.receiving import Receipt
from ovop_market.payments.states import PaymentState
from ovop_market.villages.models import Producer
from tests.factories import BANDUNG, NOW, make_producer, make_product, make_purchase
from tests.payments.money import payments_of, ready_and_made, ready_purchase

pytestmark = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
BUYER, PRODUCER = By(Actor.BUYER), By(Actor.PRODUCER)
LATER = NOW + timedelta(hours=3)
SECONDS = 20
# How long one side waits at the meeting point for another that may be held up by a lock.
PATIENCE = 2


def meeting(
    monkeypatch: pytest.MonkeyPatch, place: Any, name: str, party: threading.Barrier
) -> None:
    """Whoever comes to this function waits for the other side, or until it is plain that the other
    one waits for a lock."""
    there = getattr(place, name)

    def late(*args: Any, **more: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            party.wait(PATIENCE)
        return there(*args, **more)

    monkeypatch.setattr(place, name, late)


def at_once(app: Flask, *acts: Callable[[Session], object]) -> list[BaseException | None]:
    """Does each in a transaction of its own, side by side; what each has raised."""
    raised: list[BaseException | None] = [None] * len(acts)

    def run(n: int) -> None:
        with app.app_context(), Session(db.engine) as session:
            try:
                acts[n](session)
                session.commit()
            except Exception as error:
                raised[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    return raised


def test_an_order_accepted_meanwhile_is_still_asked_for(session: Session) -> None:
    purchase = ready_and_made(session)
    token, (one, two) = purchase.token, [order.number for order in purchase.orders]
    session.commit()
    session.close()
    with Session(db.engine) as buyer, Session(db.engine) as producer:
        # The view has loaded the whole purchase, and waits for the lock.
        bought = purchase_by_token(buyer, token)
        wanted = producer.scalars(select(Order).where(Order.number == two)).one()
        lifecycle.accept(producer, wanted, PRODUCER, LATER)
        producer.commit()
        cancelled = next(order for order in bought.orders if order.number == one)
        lifecycle.act(buyer, cancelled, Action.CANCEL, BUYER, LATER, reason="batal")
        buyer.commit()
    asked = (
        select(Order.number)
        .join(PaymentPart, PaymentPart.order_id == Order.id)
        .join(Payment, Payment.id == PaymentPart.payment_id)
        .where(Payment.state == PaymentState.ASKED)
    )
    assert session.scalars(asked).all() == [two]


def test_sending_a_refund_and_taking_its_money_back(
    app: Flask, session: Session, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them is first; the other is told, and no deadlock is."""
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    by = By(Actor.OPERATOR, operator.id)
    receiving.confirm(session, payment, by, NOW, amount=payment.amount + 50_000)
    refund_id = session.scalars(select(Refund.id)).one()
    payment_id, operator_id = payment.id, operator.id
    session.commit()
    session.close()
    party = threading.Barrier(2)
    meeting(monkeypatch, refunds.ledger, "post", party)
    meeting(monkeypatch, refunds, "withdraw", party)

    def send(own: Session) -> None:
        refund = own.get_one(Refund, refund_id)
        refunds.send(own, refund, operator_id, LATER, reference="TRX")

    def take_back(own: Session) -> None:
        paid = own.get_one(Payment, payment_id)
        corrections.take_back(own, paid, by, LATER, reason="salah")

    raised = at_once(app, send, take_back)
    assert [type(error).__name__ for error in raised if error] in (["Conflict"], ["MoveRefused"])
    assert list(books.differences(session)) == []


def test_surplus_that_pays_another_producer(
    app: Flask, session: Session, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Money for one producer's order also pays that of another, and the other way round."""
    one, other = make_producer(session), make_producer(session)

    def claimed(first: Producer, second: Producer) -> tuple[int, int]:
        ready = make_product(session, first, ready=9)
        made = make_product(session, second, capacity=20)
        purchase = make_purchase(session, [(ready, 1), (made, 1)])
        (payment,) = payments_of(session, purchase)
        claims.claim(session, payment, NOW, reference="Sari", proof_key=None, by=BUYER)
        waiting = next(o for o in purchase.orders if o.state is OrderState.PLACED)
        lifecycle.accept(session, waiting, PRODUCER, NOW)
        return payment.id, payment.amount + 200_000

    wanted = [claimed(one, other), claimed(other, one)]
    operator_id = operator.id
    session.commit()
    session.close()
    meeting(monkeypatch, receiving, "use_credit", threading.Barrier(2))

    def confirm(own: Session, payment_id: int, amount: int) -> None:
        by = By(Actor.OPERATOR, operator_id, f"tap {payment_id}")
        receiving.confirm(own, own.get_one(Payment, payment_id), by, LATER, amount=amount)

    raised = at_once(app, *(lambda own, a=asked: confirm(own, *a) for asked in wanted))
    assert raised == [None, None]
    assert set(session.scalars(select(Payment.state))) == {PaymentState.CONFIRMED}


def test_checkout_and_cancellation_of_the_same_made_to_order_goods(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = make_product(session, capacity=20)
    purchase = make_purchase(session, [(product, 2)])
    order_id, slug = purchase.orders[0].id, product.producer.slug
    cart = carts.create(session, secret_token(), NOW)
    carts.add(session, cart, product.variants[0], 2, NOW)
    cart_id = cart.id
    session.commit()
    session.close()
    details = Details(
        name="Sari",
        phone="+6281234567890",
        email=None,
        region_code=BANDUNG,
        street="Jl 2",
        postal_code="40131",
        note="",
        payment_method=PaymentMethod.TRANSFER,
        delivery={slug: "jne-reg"},
    )
    # The checkout has its quotes (and locked offers); meanwhile the other order is cancelled.
    there = checkout._hold_all

    def late(*args, **more):
        time.sleep(1.5)
        return there(*args, **more)

    monkeypatch.setattr(checkout, "_hold_all", late)

    def buy(own: Session) -> None:

        checkout.place(
            own,
            own.get_one(Cart, cart_id),
            details,
            submission=secret_token(),
            buyer_id=None,
            now=LATER,
        )

    def cancel(own: Session) -> None:
        time.sleep(0.5)
        lifecycle.act(
            own, own.get_one(Order, order_id), Action.CANCEL, BUYER, LATER, reason="batal"
        )

    assert at_once(app, buy, cancel) == [None, None]


def test_a_statement_whose_late_money_pays_another_producer(
    app: Flask, session: Session, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    low, high = make_producer(session), make_producer(session)
    # P1: an order of the producer with the higher id, asked.
    p1 = make_purchase(session, [(make_product(session, high, ready=9), 1)])
    # P2: claimed and then cancelled; another order of the lower producer is asked by now.
    dear = make_product(session, make_producer(session), ready=9, price=300_000)
    cheap = make_product(session, low, capacity=20, price=10_000)
    p2 = make_purchase(session, [(dear, 1), (cheap, 1)])
    (claimed,) = payments_of(session, p2)
    claims.claim(session, claimed, NOW, reference="Sari", proof_key=None, by=BUYER)
    gone = next(o for o in p2.orders if o.goods == 300_000)
    lifecycle.act(session, gone, Action.CANCEL, BUYER, NOW, reason="batal")
    lifecycle.accept(session, next(o for o in p2.orders if o is not gone), PRODUCER, NOW)
    # P3: of both producers.
    p3 = make_purchase(
        session,
        [(make_product(session, low, ready=9), 1), (make_product(session, high, ready=9), 1)],
    )
    (one,), (other,) = payments_of(session, p1), payments_of(session, p3)
    lines = [Receipt(one.id, one.amount), Receipt(claimed.id, claimed.amount)]
    third, amount = other.id, other.amount
    by = By(Actor.OPERATOR, operator.id)
    low_id, high_id = low.id, high.id
    session.commit()
    session.close()

    there = receiving.use_credit

    def late(*args, **more):
        time.sleep(1.5)
        return there(*args, **more)

    monkeypatch.setattr(receiving, "use_credit", late)

    def statement(own: Session) -> None:
        receiving.receive(own, lines, by, LATER)

    def confirm(own: Session) -> None:
        time.sleep(0.5)
        receiving.receive(own, [Receipt(third, amount)], by, LATER)

    assert low_id < high_id
    assert at_once(app, statement, confirm) == [None, None]


def test_an_operator_asks_the_gateway_while_it_tells(
    app: Flask, session: Session, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """views/gateway_desk.ask_gateway: of two pages the latest is unknown there, the first is
    pending; a notification about the latest comes at that moment."""

    purchase = make_purchase(session, [(make_product(session, ready=9), 2)])
    (payment,) = payments_of(session, purchase)
    asking.change_method(session, payment, PaymentMethod.GATEWAY, BUYER, NOW)
    pages = [
        GatewayAttempt(
            payment_id=payment.id,
            code=f"{payment.code}-{n}",
            amount=payment.amount,
            state=AttemptState.OPEN,
            redirect_url="https://x",
            made_at=NOW,
        )
        for n in (1, 2)
    ]
    session.add_all(pages)
    session.flush()
    (first, second), amount = [page.id for page in pages], payment.amount
    session.commit()
    session.close()

    def ask(own: Session) -> None:
        gateway.hear_nothing(own, second, LATER)
        time.sleep(1.5)
        gateway.hear(own, first, Standing("pending", amount, Outcome.WAITS), LATER, asked_at=LATER)

    def told(own: Session) -> None:
        time.sleep(0.5)
        gateway.hear(
            own, second, Standing("settlement", amount, Outcome.PAID), LATER, asked_at=LATER
        )

    assert at_once(app, ask, told) == [None, None]
