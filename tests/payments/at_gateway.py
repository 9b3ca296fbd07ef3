"""What buyers and Midtrans do in the tests of the gateway, and what the books say then."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.orders.models import Order
from ovop_market.payments.models import (
    AccountKind,
    GatewayAttempt,
    LedgerTransaction,
    Payment,
)
from ovop_market.payments.queries.balances import balance

HTMX = {"HX-Request": "true"}
NOTIFICATION = "/gateway/midtrans/notification"


def payment_of(session: Session, order: Order) -> Payment:
    statement = select(Payment).where(Payment.purchase_id == order.purchase_id)
    return session.scalars(
        statement.order_by(Payment.id).execution_options(populate_existing=True)
    ).first()


def attempts(session: Session) -> list[GatewayAttempt]:
    statement = select(GatewayAttempt).order_by(GatewayAttempt.id)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def tap(client: FlaskClient, session: Session, order: Order, **headers: str) -> TestResponse:
    """The buyer presses the button."""
    page = f"/purchases/{order.purchase.token}"
    target = f"{page}/payments/{payment_of(session, order).id}/gateway"
    return client.post(target, data={"csrf_token": client.csrf("/register")}, headers=headers)


def opened(client: FlaskClient, session: Session, order: Order) -> str:
    """The code of a page that the buyer has opened."""
    assert tap(client, session, order, **HTMX).status_code == 204
    return attempts(session)[-1].code


def told(client: FlaskClient, said: Any, **values: Any) -> int:
    """What the market answers to a notification."""
    if values:
        return client.post(NOTIFICATION, **values).status_code
    return client.post(NOTIFICATION, json=said).status_code


def at_gateway(session: Session) -> int:
    return -balance(session, AccountKind.GATEWAY)


def booked(session: Session) -> int:
    """How many times money was booked."""
    return session.scalar(
        select(func.count(LedgerTransaction.id)).where(LedgerTransaction.cause == "received")
    )
