"""What the buyer's pages cost: as many statements for many things as for one."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product
from tests.counting import counted
from tests.factories import BANDUNG, make_delivery, make_product, make_purchase

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
