"""A buyer with a cart, a purchase or a payment, for the tests of how buyers pay."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.core import clock
from ovop_market.orders.models import PaymentMethod, Purchase
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor, OrderState
from ovop_market.payments.models import Payment
from ovop_market.payments.states import PaymentState
from ovop_market.villages.models import Producer
from tests.factories import (
    BELO_LAUT,
    make_producer,
    make_product,
    make_purchase,
)

M, P, S = PaymentMethod, PaymentState, OrderState
BUYER = By(Actor.BUYER)
HTMX = {"HX-Request": "true"}
OURS = {"Sec-Fetch-Site": "same-origin"}
COURIER, PICKUP = "jne-reg", "pickup"


def payments(session: Session, purchase: Purchase) -> list[Payment]:
    statement = select(Payment).where(Payment.purchase_id == purchase.id).order_by(Payment.id)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def bought(session: Session, method: M = M.TRANSFER, **values: Any) -> tuple[Purchase, Payment]:
    """A purchase from ready stock, and what is asked for it."""
    product = make_product(session, values.pop("producer", None), ready=9)
    purchase = make_purchase(session, [(product, 2)], method=method, now=clock.now(), **values)
    session.commit()
    (payment,) = payments(session, purchase)
    return purchase, payment


def page_of(purchase: Purchase) -> str:
    return f"/purchases/{purchase.token}"


def post(client: FlaskClient, purchase: Purchase, to: str, **fields: Any) -> TestResponse:
    headers = fields.pop("headers", {})
    page = page_of(purchase)
    data = {"csrf_token": client.csrf(page), **fields}
    return client.post(f"{page}/{to}", data=data, headers=headers)


def section(body: str, payment: Payment) -> str:
    """The part of the page that is about a payment."""
    (found,) = re.findall(
        rf'<section[^>]* data-payment="{payment.id}".*?</section>', body, flags=re.DOTALL
    )
    return str(found)


def casher(session: Session, terms: tuple[bool, bool, int | None], **values: Any) -> Producer:
    to_courier, at_pickup, limit = terms
    return make_producer(
        session,
        cash_on_delivery=to_courier,
        cash_at_pickup=at_pickup,
        cash_limit=limit,
        **values,
    )


def begin(client: FlaskClient, session: Session, terms: tuple[bool, bool, int | None]) -> str:
    """A cart with two packs; the path of its checkout page."""
    producer = casher(session, terms, slug="toko", name="Rumah Mawar")
    product = make_product(session, producer, ready=9)
    # The collection point and the couriers.
    make_purchase(session, [(product, 1)])
    session.commit()
    line = {"variant_id": product.variants[0].id, "quantity": 2}
    client.post("/cart/lines", data=line, headers=OURS)
    return f"/checkout?region_code={BELO_LAUT}"


def without_qris(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "OVOP", replace(app.config["OVOP"], qris=""))
