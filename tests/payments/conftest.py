"""An operator, signed in; a gateway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor, OrderState
from ovop_market.payments.gateway.midtrans import Midtrans
from tests.factories import make_order, make_user, sign_in
from tests.payments.midtrans_stub import SERVER_KEY, MidtransStub


@pytest.fixture
def operator(session: Session) -> User:
    user = make_user(session, Role.OPERATOR, name="Ibu Pengelola")
    session.commit()
    return user


@pytest.fixture
def by(operator: User) -> By:
    """The operator, acting."""
    return By(Actor.OPERATOR, operator.id)


@pytest.fixture
def desk(client: FlaskClient, operator: User) -> FlaskClient:
    """The operator's browser."""
    sign_in(client, operator)
    return client


@pytest.fixture
def midtrans(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[MidtransStub]:
    """A gateway that is configured, and asked only while no transaction is open."""
    ask = Midtrans._ask

    def watched(self: Midtrans, call: Any) -> Any:
        assert not db.session().in_transaction()
        return ask(self, call)

    monkeypatch.setattr(Midtrans, "_ask", watched)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with MidtransStub() as stub:
        config = replace(app.config["OVOP"], midtrans_server_key=SERVER_KEY, midtrans_url=stub.url)
        monkeypatch.setitem(app.config, "OVOP", config)
        yield stub


@pytest.fixture
def order(session: Session, midtrans: MidtransStub) -> Order:
    """An accepted order that is to be paid at the gateway."""
    made = make_order(session, OrderState.ACCEPTED, now=clock.now(), method=PaymentMethod.GATEWAY)
    session.commit()
    return made
