"""What the buyer's pages cost: as many statements for many things as for one."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.catalogue.models import Product
from ovop_market.core.money import format_rupiah
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor, OrderState
from ovop_market.payments.models import Payment
from ovop_market.payments.services import receiving
from tests.counting import counted
from tests.factories import (
    BANDUNG,
    NOW,
    make_delivery,
    make_order,
    make_producer,
    make_product,
    make_purchase,
    make_user,
    pay,
    sign_in,
)

OURS = {"Sec-Fetch-Site": "same-origin"}


def fill(client: FlaskClient, products: list[Product]) -> None:
    for product in products:
        data = {"variant_id": product.variants[0].id, "quantity": 1}
        client.post("/cart/lines", data=data, headers=OURS)


@pytest.mark.parametrize(("page", "most"), [("/cart", 6), (f"/checkout?region_code={BANDUNG}", 11)])
def test_a_fuller_cart_costs_no_more(
    client: FlaskClient, session: Session, page: str, most: int
) -> None:
    make_delivery(session)
    products = [make_product(session, ready=5) for _ in range(6)]
    fill(client, products[:1])
    with counted() as few:
        assert client.get(page).status_code == 200
    fill(client, products[1:])
    with counted() as many:
        assert client.get(page).status_code == 200
    assert len(many) == len(few) <= most


def test_a_larger_purchase_costs_no_more(client: FlaskClient, session: Session) -> None:
    few_bought = make_purchase(session, [(make_product(session, ready=5), 1)])
    many_bought = make_purchase(session, [(make_product(session, ready=5), 1) for _ in range(6)])
    addresses = [f"/purchases/{bought.token}" for bought in (few_bought, many_bought)]
    with counted() as few:
        assert client.get(addresses[0]).status_code == 200
    with counted() as many:
        assert client.get(addresses[1]).status_code == 200
    assert len(many) == len(few)


def test_more_purchases_cost_no_more_and_each_says_how_it_stands(
    client: FlaskClient, session: Session
) -> None:
    buyer = make_user(session)
    sign_in(client, buyer)
    ready = make_product(session, make_producer(session, slug="siap"), ready=50)
    make_purchase(session, [(ready, 2)], buyer=buyer)
    with counted() as few:
        page = client.get("/account/purchases").text
    # Ready goods are accepted at once, and wait for the money: 90.000, 2 kg × 38.000, and digits.
    assert "Diterima penjual" in page
    assert re.search(r"Bayar Rp16[67]\.\d{3} paling lambat .* WIB", page)
    for _ in range(5):
        # One that has to be made waits for the seller's answer first.
        made = make_product(session, capacity=100)
        make_purchase(session, [(made, 1), (ready, 1)], buyer=buyer)
    with counted() as many:
        page = client.get("/account/purchases").text
    assert page.count("Menunggu jawaban penjual") == 5
    assert page.count("Diterima penjual") == 6
    assert len(many) == len(few) <= 6


def test_a_paid_purchase_asks_for_nothing(client: FlaskClient, session: Session) -> None:
    buyer = make_user(session)
    sign_in(client, buyer)
    purchase = make_purchase(session, [(make_product(session, ready=5), 1)], buyer=buyer)
    pay(session, purchase.orders[0])
    assert "paling lambat" not in client.get("/account/purchases").text
    make_order(session, OrderState.COUNTERED, buyer=buyer)
    assert "jawab tawarannya" in client.get("/account/purchases").text


def test_the_list_says_what_the_payment_asks(client: FlaskClient, session: Session) -> None:
    """With the digits, and less what has come: else somebody would transfer another amount."""
    user = make_user(session)
    purchase = make_purchase(session, [(make_product(session, ready=5), 1)], buyer=user)
    payment = session.scalars(select(Payment)).one()
    operator = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)
    receiving.confirm(session, payment, operator, NOW, amount=20_000)
    session.commit()
    sign_in(client, user)
    body = client.get("/account/purchases").text
    assert payment.unique_digits and payment.amount < purchase.orders[0].total
    assert f"Bayar {format_rupiah(payment.amount)} paling lambat" in body
