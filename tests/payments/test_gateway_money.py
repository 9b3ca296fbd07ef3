"""Money from the gateway that is not as it was asked, or of which nothing was heard."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market import jobs
from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.gateway import midtrans as adapter
from ovop_market.payments.gateway.standing import Outcome, Standing
from ovop_market.payments.gateway.watch import check_open
from ovop_market.payments.models import (
    AccountKind,
    AttemptState,
    GatewayAttempt,
    Payment,
    Refund,
)
from ovop_market.payments.queries import gateway as queries
from ovop_market.payments.queries.balances import balance, credit_of
from ovop_market.payments.services import asking, claims, receiving
from ovop_market.payments.services import gateway as services
from ovop_market.payments.states import PaymentState, RefundKind, RefundState
from tests.factories import NOW, make_order, make_product, make_purchase, make_user
from tests.payments.at_gateway import (
    at_gateway,
    attempts,
    booked,
    opened,
    payment_of,
    told,
)
from tests.payments.midtrans_stub import MidtransStub

S, P, M = OrderState, PaymentState, PaymentMethod
BUYER = By(Actor.BUYER)


def test_money_for_an_amount_that_was_amended(
    client: FlaskClient, session: Session, midtrans: MidtransStub
) -> None:
    """An order joined the payment after its page was opened: the rest is asked."""
    now = clock.now()
    products = [make_product(session, ready=5), make_product(session, capacity=50)]
    bought = make_purchase(session, [(p, 1) for p in products], method=M.GATEWAY, now=now)
    first, second = bought.orders
    session.commit()
    old = opened(client, session, first)
    lifecycle.accept(session, second, By(Actor.PRODUCER), now)
    session.commit()
    new = opened(client, session, first)
    assert (attempts(session)[0].amount, attempts(session)[1].amount) == (
        first.total,
        first.total + second.total,
    )
    midtrans.move(old, "settlement")
    assert told(client, midtrans.notification(old)) == 200
    session.expire_all()
    assert (first.paid, second.paid) == (first.total, 0)
    assert asking.open_payment(session, bought.id).amount == second.total
    # The other page is paid as well: what is too much is owed back.
    midtrans.move(new, "settlement")
    assert told(client, midtrans.notification(new)) == 200
    session.expire_all()
    owed = session.scalars(select(Refund)).one()
    assert (owed.kind, owed.amount) == (RefundKind.SURPLUS, first.total)
    assert second.paid == second.total
    assert at_gateway(session) == 2 * first.total + second.total


def test_money_for_an_order_that_has_lapsed(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code = opened(client, session, order)
    lifecycle.act(session, order, Action.LAPSE, By(Actor.CLOCK), clock.now() + timedelta(hours=73))
    session.commit()
    midtrans.move(code, "settlement")
    assert told(client, midtrans.notification(code)) == 200
    session.refresh(order)
    assert (order.state, order.paid) == (S.EXPIRED, 0)
    assert payment_of(session, order).state is P.LAPSED
    refund = session.scalars(select(Refund)).one()
    assert (refund.kind, refund.state, refund.amount) == (
        RefundKind.SURPLUS,
        RefundState.DUE,
        order.total,
    )
    assert (credit_of(session, order.purchase_id), at_gateway(session)) == (0, order.total)


@pytest.mark.parametrize("claimed", [False, True])
def test_the_method_was_changed_meanwhile(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub, claimed: bool
) -> None:
    """It was paid at the gateway after all: what a transfer would add is not asked."""
    code = opened(client, session, order)
    payment = payment_of(session, order)
    asking.change_method(session, payment, M.TRANSFER, BUYER, clock.now())
    assert payment.amount > order.total
    if claimed:
        claims.claim(session, payment, clock.now(), reference="Sari", proof_key=None, by=BUYER)
    session.commit()
    midtrans.move(code, "settlement")
    assert told(client, midtrans.notification(code)) == 200
    payment = payment_of(session, order)
    session.refresh(order)
    assert (payment.state, payment.method) == (P.CONFIRMED, M.GATEWAY)
    assert (payment.amount, payment.unique_digits) == (order.total, 0)
    assert (order.paid, balance(session, AccountKind.ROUNDING)) == (order.total, 0)


def test_more_than_a_transfer_asks_is_no_rounding(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code = opened(client, session, order)
    asking.change_method(session, payment_of(session, order), M.TRANSFER, BUYER, clock.now())
    session.commit()
    midtrans.move(code, "settlement", gross_amount=f"{order.total + 5000}.00")
    assert told(client, midtrans.notification(code)) == 200
    assert balance(session, AccountKind.ROUNDING) == 0
    assert session.scalars(select(Refund)).one().amount == 5000


def test_less_leaves_the_chosen_method(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code = opened(client, session, order)
    asking.change_method(session, payment_of(session, order), M.TRANSFER, BUYER, clock.now())
    session.commit()
    midtrans.move(code, "settlement", gross_amount="5000.00")
    assert told(client, midtrans.notification(code)) == 200
    payment = payment_of(session, order)
    assert (payment.state, payment.method) == (P.ASKED, M.TRANSFER)
    assert payment.amount - payment.unique_digits == order.total - 5000


def test_credit_from_the_gateway_pays_a_transfer(
    client: FlaskClient, session: Session, midtrans: MidtransStub
) -> None:
    """Nobody but the gateway has seen the money that an order accepted later is paid with."""
    now = clock.now()
    products = [make_product(session, ready=5), make_product(session, capacity=50)]
    bought = make_purchase(session, [(p, 1) for p in products], method=M.GATEWAY, now=now)
    first, second = bought.orders
    session.commit()
    code = opened(client, session, first)
    amount = first.total + second.total
    midtrans.move(code, "settlement", gross_amount=f"{amount}.00")
    assert told(client, midtrans.notification(code)) == 200
    bought.payment_method = M.TRANSFER
    session.commit()
    lifecycle.accept(session, second, By(Actor.PRODUCER), now)
    session.commit()
    assert second.paid == second.total
    methods = session.scalars(select(Payment.method).order_by(Payment.id)).all()
    assert methods == [M.GATEWAY, M.GATEWAY]


def test_money_after_an_operator_has_confirmed(
    client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code = opened(client, session, order)
    operator = make_user(session, Role.OPERATOR)
    receiving.confirm(
        session, payment_of(session, order), By(Actor.OPERATOR, operator.id), clock.now()
    )
    session.commit()
    midtrans.move(code, "settlement")
    assert told(client, midtrans.notification(code)) == 200
    assert session.scalars(select(Refund)).one().amount == order.total
    assert payment_of(session, order).confirmed_by_id == operator.id


# What was not heard of


def watch(session: Session, app: Flask, now: Any) -> int:
    session.commit()
    return check_open(session, adapter.configured(app.config["OVOP"]), lambda: now)


def test_lost_notifications_are_made_up_for(
    app: Flask, client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code, now = opened(client, session, order), clock.now()
    midtrans.move(code, "settlement")
    assert watch(session, app, now + timedelta(minutes=14)) == 0
    assert watch(session, app, now + timedelta(minutes=16)) == 1
    assert (booked(session), attempts(session)[0].state) == (1, AttemptState.PAID)
    assert watch(session, app, now + timedelta(hours=9)) == 0
    assert told(client, midtrans.notification(code)) == 200
    assert booked(session) == 1


def test_a_page_that_nobody_used_is_closed(
    app: Flask, client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    opened(client, session, order)
    now = clock.now()
    assert watch(session, app, now + timedelta(minutes=16)) == 1
    assert watch(session, app, now + timedelta(minutes=32)) == 0
    assert watch(session, app, now + timedelta(hours=24)) == 1
    assert attempts(session)[0].state is AttemptState.OPEN
    assert watch(session, app, now + timedelta(hours=26)) == 1
    assert attempts(session)[0].state is AttemptState.CLOSED
    assert watch(session, app, now + timedelta(hours=30)) == 0


def test_watching_stops_while_the_gateway_is_down(
    app: Flask, client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code = opened(client, session, order)
    midtrans.move(code, "settlement")
    later = clock.now() + timedelta(minutes=16)
    midtrans.down = True
    assert watch(session, app, later) == 0
    midtrans.down = False
    assert watch(session, app, later) == 1
    assert check_open(session, None, lambda: later) == 0


def test_one_strange_page_does_not_hide_the_others(
    app: Flask,
    client: FlaskClient,
    session: Session,
    order: Order,
    midtrans: MidtransStub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = [make_order(session, S.ACCEPTED, now=clock.now(), method=M.GATEWAY) for _ in range(2)]
    session.commit()
    codes = [opened(client, session, each) for each in (order, *others)]
    for code, extra in zip(codes, ({"currency": "USD"}, {}, {}), strict=True):
        midtrans.move(code, "settlement", **extra)
    hear = services.hear

    def failing(session: Session, attempt_id: int, *values: Any) -> Any:
        if attempt_id == attempts(session)[1].id:
            raise ValueError("a defect of ours")
        return hear(session, attempt_id, *values)

    monkeypatch.setattr(services, "hear", failing)
    with pytest.raises(ValueError, match="a defect of ours"):
        watch(session, app, clock.now() + timedelta(minutes=16))
    states = [attempt.state for attempt in attempts(session)]
    assert states == [AttemptState.OPEN, AttemptState.OPEN, AttemptState.PAID]
    # However many they are, they do not keep the others from being asked about.
    assert queries.silent(session, clock.now() + timedelta(minutes=17)) == []
    assert len(queries.silent(session, clock.now() + timedelta(minutes=77))) == 2


def test_the_worker_watches(
    app: Flask, client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code = opened(client, session, order)
    attempts(session)[0].made_at -= timedelta(minutes=16)
    session.commit()
    midtrans.move(code, "settlement")
    (job,) = [job for job in jobs.JOBS if job.name == "gateway"]
    assert jobs.run(app, job).counts == {"asked": 1}
    assert booked(session) == 1
    session.commit()
    assert jobs.run(app, job).counts == {}


def at(seconds: int) -> datetime:
    return NOW + timedelta(hours=1, seconds=seconds)


def asked_about(session: Session) -> GatewayAttempt:
    """A page of which nothing has been heard."""
    payment = payment_of(session, make_order(session, S.ACCEPTED))
    asking.change_method(session, payment, M.GATEWAY, BUYER, NOW)
    page = GatewayAttempt(
        payment_id=payment.id,
        code=f"{payment.code}-1",
        amount=payment.amount,
        state=AttemptState.OPEN,
        redirect_url="https://example",
        made_at=NOW,
    )
    session.add(page)
    session.flush()
    return page


def test_answers_come_in_the_order_in_which_they_were_asked_for(session: Session) -> None:
    """Asked at 1 (challenged), heard at 3; asked at 2 (accepted), heard at 4."""
    page = asked_about(session)
    challenged = Standing("capture", page.amount, Outcome.WAITS)
    accepted = Standing("capture", page.amount, Outcome.PAID)
    services.hear(session, page.id, challenged, at(3), asked_at=at(1))
    services.hear(session, page.id, accepted, at(4), asked_at=at(2))
    assert page.state is AttemptState.PAID


def test_asking_in_vain_is_no_answer(session: Session) -> None:
    page = asked_about(session)
    services.ask_later(session, page.id, at(3))
    waits = Standing("pending", page.amount, Outcome.WAITS)
    services.hear(session, page.id, waits, at(4), asked_at=at(2))
    assert (page.status, page.status_at) == ("pending", at(2))


def test_the_watch_notes_when_it_asked_for_each_page(
    app: Flask, client: FlaskClient, session: Session, order: Order, midtrans: MidtransStub
) -> None:
    code = opened(client, session, order)
    midtrans.move(code, "settlement")
    begun = clock.now() + timedelta(minutes=16)
    ticks = iter(begun + timedelta(seconds=n) for n in range(9))
    gateway = adapter.configured(app.config["OVOP"])
    assert check_open(session, gateway, lambda: next(ticks)) == 1
    known = attempts(session)[0].status_at
    assert known is not None and known > begun
