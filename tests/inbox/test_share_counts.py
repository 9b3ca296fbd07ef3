"""A large group costs no more statements than a small one."""

from __future__ import annotations

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.orders.models import Order
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor
from tests.counting import counted
from tests.factories import make_group, make_purchase, make_user, sign_in


def placed(session: Session, households: int, **values):
    product, _nobody = make_group(session, (400,) * households, staffed=False, **values)
    return make_purchase(session, [(product, 200)], now=clock.now()).orders[0]


def test_the_coordinators_page(client: FlaskClient, session: Session) -> None:
    coordinator = make_user(session, Role.PRODUCER)
    orders = [placed(session, n, staff=coordinator) for n in (3, 30)]
    session.commit()
    sign_in(client, coordinator)
    client.get(f"/inbox/{orders[0].number}")
    found = []
    for order in orders:
        with counted() as statements:
            assert client.get(f"/inbox/{order.number}").status_code == 200
        found.append(len(statements))
    assert found[1] <= found[0] + 1


def test_taking_and_calling_off(session: Session) -> None:
    found = []
    for households in (3, 30):
        number = placed(session, households).number
        session.commit()
        session.expunge_all()
        order = session.scalars(select(Order).where(Order.number == number)).one()
        with counted() as statements:
            lifecycle.accept(session, order, By(Actor.PRODUCER), clock.now())
            lifecycle.act(
                session, order, Action.CANCEL, By(Actor.BUYER), clock.now(), reason="tidak jadi"
            )
            session.commit()
        found.append(len(statements))
    assert found[1] <= found[0] + 3
