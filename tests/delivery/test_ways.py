"""Which ways there are, and why one is missing."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.core.quantity import Grams
from ovop_market.delivery.models import CollectionPoint, Service, Tariff
from ovop_market.delivery.queries import Freshness, Parcel, prefixes, ways
from tests.factories import BANDUNG, BELO_LAUT, make_delivery, make_product

HTMX = {"HX-Request": "true"}


def parcel(weight: int = 600, **values: object) -> Parcel:
    given = {"origin": BELO_LAUT, "destination": BANDUNG, "freshness": Freshness(), **values}
    return Parcel(weight=Grams(weight), **given)  # type: ignore[arg-type]


def test_a_region_lies_in_all_that_surround_it() -> None:
    assert prefixes("32.73.02") == ["32.73.02", "32.73", "32", ""]


def test_couriers_come_first_the_cheapest_at_the_head(session: Session) -> None:
    make_delivery(session)
    (found,) = ways(session, [parcel(1_500)])
    assert [(way.code, way.price) for way in found] == [
        ("pos-kargo", 30_000),
        ("jne-reg", 76_000),
        ("pickup", 0),
    ]


def test_what_arrives_too_late_stands_last_with_its_reason(session: Session) -> None:
    make_delivery(session)
    (found,) = ways(session, [parcel(freshness=Freshness(ordinary=3))])
    assert [way.code for way in found] == ["jne-reg", "pickup", "pos-kargo"]
    assert [way.possible for way in found] == [True, True, False]
    assert found[-1].reason == "7–12 hari di jalan; barang ini hanya tahan 3 hari di jalan."


def test_a_cold_chain_keeps_frozen_food_for_its_shelf_life(session: Session) -> None:
    make_delivery(session)
    cold = Service(code="dingin", courier="Dingin", name="Beku", cold_chain=True)
    tariff = Tariff(
        service=cold, origin="", destination="32", price_per_kg=90_000, days_from=4, days_to=6
    )
    session.add(tariff)
    session.flush()
    fresh = Freshness(ordinary=3, cold_chain=90)
    (found,) = ways(session, [parcel(freshness=fresh)])
    assert next(way for way in found if way.code == "dingin").possible
    (found,) = ways(session, [parcel(freshness=Freshness(ordinary=3, cold_chain=5))])
    assert not next(way for way in found if way.code == "dingin").possible


def test_the_most_specific_tariff_wins(session: Session) -> None:
    make_delivery(session)
    reg = session.query(Service).filter_by(code="jne-reg").one()
    for destination, price in (("32", 30_000), ("32.73", 25_000), ("31", 1_000)):
        session.add(
            Tariff(
                service=reg,
                origin="19.05",
                destination=destination,
                price_per_kg=price,
                days_from=2,
                days_to=3,
            )
        )
    session.flush()
    (found,) = ways(session, [parcel()])
    assert next(way.price for way in found if way.code == "jne-reg") == 25_000


def test_a_second_collection_point_gets_a_code_of_its_own(session: Session) -> None:
    make_delivery(session)
    session.add(
        CollectionPoint(
            slug="jebus",
            name="Kantor Jebus",
            region_code="19.05",
            address="Jalan 1",
            hours="Senin",
            serves="19.05",
        )
    )
    session.flush()
    (found,) = ways(session, [parcel()])
    assert [way.code for way in found if way.collection_point_id] == ["pickup", "pickup-jebus"]
    (elsewhere,) = ways(session, [parcel(origin=BANDUNG)])
    assert not [way for way in elsewhere if way.collection_point_id]


def test_does_it_reach_me(client: FlaskClient, session: Session) -> None:
    make_delivery(session)
    product = make_product(session, ready=5, slug="pempek")
    assert product.max_transit_days == 3
    page = client.get("/products/pempek/delivery?area=coblong")
    assert "Coblong" in page.text
    answer = client.get(f"/products/pempek/delivery?to={BANDUNG}", headers=HTMX)
    assert "JNE REG" in answer.text
    assert f"7–12 hari di jalan; {product.name} hanya tahan 3 hari di jalan." in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("address", ["/products/tidak-ada/delivery", "/products/x/delivery?to=1"])
def test_of_what_is_not_there(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


def test_the_product_list_can_be_narrowed_to_what_arrives(
    client: FlaskClient, session: Session
) -> None:
    make_delivery(session)
    make_product(session, ready=5, slug="tahan", max_transit_days=None, storage="ambient")
    make_product(session, ready=5, slug="beku", max_transit_days=1)
    page = client.get(f"/products?to={BANDUNG}").text
    assert 'data-product="tahan"' in page
    assert 'data-product="beku"' not in page
