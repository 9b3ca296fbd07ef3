"""An operator confirms what was on the page: this state, this amount."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.core.errors import MoveRefused
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from ovop_market.payments.models import Payment
from ovop_market.payments.services import claims, receiving
from ovop_market.payments.states import PaymentState
from tests.factories import NOW, make_product, make_purchase, make_user
from tests.pages import token_in, value_of

P = PaymentState


@pytest.fixture
def payment(session: Session) -> Payment:
    """Of a purchase of which a second order is not accepted yet."""
    ready, made = make_product(session, ready=1), make_product(session, capacity=5)
    make_purchase(session, [(ready, 1), (made, 1)])
    return session.scalars(select(Payment)).one()


@pytest.fixture
def by(session: Session) -> By:
    return By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)


def reject(session: Session, payment: Payment, operator_id: int) -> None:
    buyer = By(Actor.BUYER)
    claims.claim(session, payment, NOW, reference="BCA", proof_key=None, by=buyer)
    claims.reject(session, payment, operator_id, NOW, reason="belum masuk")


def test_an_amount_that_has_grown_meanwhile_is_not_confirmed_unseen(
    desk: FlaskClient, session: Session, payment: Payment
) -> None:
    path = f"/desk/payments/{payment.id}"
    page = desk.get(path).get_data(as_text=True)
    seen = value_of(page, "seen")
    assert seen == f"ASKED {payment.amount}"
    # The second producer accepts: more is asked for.
    lifecycle.accept(session, payment.purchase.orders[1], By(Actor.PRODUCER), NOW)
    form = {"csrf_token": token_in(page), "seen": seen}
    answer = desk.post(f"{path}/confirmation", data=form)
    assert answer.status_code == 409
    session.expire_all()
    assert payment.state is P.ASKED
    assert {order.paid for order in payment.purchase.orders} == {0}
    form["seen"] = value_of(answer.get_data(as_text=True), "seen")
    assert desk.post(f"{path}/confirmation", data=form).status_code == 303
    session.expire_all()
    assert payment.state is P.CONFIRMED


def test_the_list_says_what_it_shows(desk: FlaskClient, session: Session, payment: Payment) -> None:
    buyer = By(Actor.BUYER)
    claims.claim(session, payment, NOW, reference="BCA", proof_key=None, by=buyer)
    page = desk.get("/desk").get_data(as_text=True)
    seen = value_of(page, "seen")
    assert seen == f"CLAIMED {payment.amount}"
    form = {"csrf_token": token_in(page), "seen": seen, "back": "desk"}
    path = f"/desk/payments/{payment.id}/confirmation"
    assert desk.post(path, data=form).status_code == 303


def test_another_operators_no_is_not_overruled_unawares(
    session: Session, payment: Payment, by: By
) -> None:
    other = make_user(session, Role.OPERATOR, name="Pak Lain")
    reject(session, payment, other.id)
    with pytest.raises(MoveRefused, match="belum masuk"):
        receiving.confirm(session, payment, by, NOW)
    assert payment.state is P.REJECTED
    receiving.confirm(session, payment, replace(by, seen=f"REJECTED {payment.amount}"), NOW)
    assert payment.state is P.CONFIRMED


def test_ones_own_no_is_known(session: Session, payment: Payment, by: By) -> None:
    assert session.get_one(User, by.user_id).role == Role.OPERATOR
    reject(session, payment, by.user_id or 0)
    receiving.confirm(session, payment, by, NOW)
    assert payment.state is P.CONFIRMED
