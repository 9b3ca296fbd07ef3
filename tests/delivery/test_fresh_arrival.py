"""Volumetric weight, the seller's own delivery, days of arrival, and what the filter shows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product, Storage
from ovop_market.catalogue.supply import Supply, to_be_made
from ovop_market.core import clock
from ovop_market.core.quantity import CubicCentimetres, Grams, billed_kilograms
from ovop_market.delivery.freshness import Freshness
from ovop_market.delivery.models import Service, Tariff
from ovop_market.delivery.queries import Parcel, Way, ways
from ovop_market.delivery.reachable import reachability
from ovop_market.orders.models import Order
from ovop_market.orders.queries import offered_terms
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from tests.counting import counted
from tests.factories import (
    BANDUNG,
    BELO_LAUT,
    NOW,
    make_delivery,
    make_producer,
    make_product,
    make_purchase,
    make_village,
)

MENTOK = "19.05.01.1001"


def local_service(session: Session, destination: str = "19.05.01", **values: object) -> Service:
    service = Service(code="antar", courier="Penjual", name="Antar sendiri", local=True)
    given = {"price_per_kg": 8_000, "days_from": 0, "days_to": 1, **values}
    session.add(Tariff(service=service, origin=BELO_LAUT, destination=destination, **given))
    session.flush()
    return service


def way(found: list[Way], code: str) -> Way:
    return next(way for way in found if way.code == code)


@pytest.mark.parametrize(
    ("grams", "minimum", "volume", "divisor", "kilograms"),
    [
        (600, 1000, 0, 6000, 1),
        (1_001, 1000, 0, 6000, 2),
        (600, 5000, 0, 6000, 5),
        (1_100, 1000, 27_000, 6000, 5),  # 4.5 kg by volume
        (1_100, 1000, 27_000, 4000, 7),
        (9_000, 1000, 27_000, 6000, 9),
        (600, 1000, 6_000, 6000, 1),
        (600, 1000, 6_001, 6000, 2),
        (0, 1, 0, 6000, 1),
    ],
)
def test_the_larger_of_weight_and_volume_is_billed(
    grams: int, minimum: int, volume: int, divisor: int, kilograms: int
) -> None:
    billed = billed_kilograms(grams, Grams(minimum), CubicCentimetres(volume), divisor)
    assert billed == kilograms


def test_a_basket_pays_for_its_size_everywhere(client: FlaskClient, session: Session) -> None:
    make_delivery(session)
    basket = make_product(
        session, capacity=9, slug="keranjang", storage=Storage.AMBIENT, max_transit_days=None
    )
    variant = basket.variants[0]
    variant.length_cm, variant.width_cm, variant.height_cm = 30, 30, 30
    purchase = make_purchase(session, [(basket, 2)])
    order = purchase.orders[0]
    assert order.shipping == 9 * 38_000  # 54,000 cm³ are 9 kg; it weighs 1.2 kg
    assert order.lines[0].volume_cm3 == 27_000
    session.commit()
    page = client.get(f"/products/keranjang/delivery?to={BANDUNG}").text
    assert "Rp190.000" in page  # one pack: 5 kg
    # A counteroffer of one pack costs what one pack costs, by the size as sold.
    variant.length_cm = variant.width_cm = variant.height_cm = None
    line = order.lines[0]
    lifecycle.counter(
        session, order, By(Actor.PRODUCER), NOW, quantities={line.id: 1}, ready_by=None
    )
    assert offered_terms(session, order).shipping == 190_000


@pytest.mark.parametrize("size", [(30, None, 30), (0, 10, 10), (10, 10, 301), (None, None, 5)])
def test_a_size_is_whole_or_not_there(
    session: Session, size: tuple[int | None, int | None, int | None]
) -> None:
    variant = make_product(session).variants[0]
    variant.length_cm, variant.width_cm, variant.height_cm = size
    with pytest.raises(IntegrityError):
        session.flush()


def test_the_seller_brings_it_for_a_flat_price(session: Session) -> None:
    make_delivery(session)
    service = local_service(session)
    product = make_product(session, ready=40)
    purchase = make_purchase(session, [(product, 12)], region=MENTOK, way="antar")
    order = purchase.orders[0]
    assert (order.shipping, order.service_id) == (8_000, service.id)
    parcel = Parcel(
        BELO_LAUT, MENTOK, Grams(7_200), Freshness.of([product]), ready_by=date(2026, 12, 3)
    )
    (found,) = ways(session, [parcel])
    assert found[0].title == "Diantar penjual"
    assert found[0].note == "hari itu atau besoknya"
    assert found[0].arrives == "Sampai 3–4 Desember"
    (far,) = ways(session, [Parcel(BELO_LAUT, BANDUNG, Grams(600), Freshness())])
    assert "antar" not in [w.code for w in far]


def test_the_product_that_spoils_first_is_named(session: Session) -> None:
    make_delivery(session)
    hardy = make_product(session, name="Kerupuk", storage=Storage.AMBIENT, max_transit_days=None)
    frozen = make_product(session, name="Pempek Beku", max_transit_days=2, shelf_life_days=4)
    cold = Service(code="dingin", courier="Dingin", name="Beku", cold_chain=True)
    session.add(
        Tariff(service=cold, origin="", destination="", price_per_kg=1, days_from=5, days_to=5)
    )
    session.flush()
    parcel = Parcel(BELO_LAUT, BANDUNG, Grams(1_000), Freshness.of([hardy, frozen]))
    (found,) = ways(session, [parcel])
    assert (
        way(found, "jne-reg").reason
        == "2–3 hari di jalan; Pempek Beku hanya tahan 2 hari di jalan."
    )
    assert (
        way(found, "dingin").reason
        == "5 hari di jalan; Pempek Beku hanya tahan 4 hari, juga dalam pendingin."
    )
    assert way(found, "pickup").possible


def test_a_cold_chain_keeps_no_longer_what_need_not_be_cold(session: Session) -> None:
    fruit = make_product(session, storage=Storage.AMBIENT, max_transit_days=3, shelf_life_days=30)
    assert not Freshness.of([fruit]).allows(4, cold_chain=True)
    unknown = make_product(session, max_transit_days=3, shelf_life_days=None)
    assert not Freshness.of([unknown]).allows(4, cold_chain=True)


@pytest.mark.parametrize(
    ("ready_by", "words"),
    [
        (date(2026, 12, 1), "Sampai 3–4 Desember"),
        (date(2026, 11, 28), "Sampai 30 November–1 Desember"),
        (None, ""),
    ],
)
def test_when_it_arrives(session: Session, ready_by: date | None, words: str) -> None:
    make_delivery(session)
    (found,) = ways(session, [Parcel(BELO_LAUT, BANDUNG, Grams(1), Freshness(), ready_by=ready_by)])
    assert way(found, "jne-reg").arrives == words


def test_the_page_of_a_product_says_when(client: FlaskClient, session: Session) -> None:
    make_delivery(session)
    make_product(session, capacity=5, slug="pempek")
    session.commit()
    with counted() as statements:
        page = client.get(f"/products/pempek/delivery?to={BANDUNG}")
    assert len(statements) <= 6
    assert "Set-Cookie" not in page.headers
    plan = to_be_made([Supply(1, 0, 5, 2)], {}, 1, clock.wib_date(clock.now()))
    assert plan is not None
    assert f"–{(plan.ready_by + timedelta(days=3)).day} " in page.text
    assert "Sampai " in page.text


AREAS = ("", "19", "19.05", "32", "32.73", "32.73.02")
rows = st.tuples(
    st.sampled_from(["a", "b", "dingin"]),
    st.sampled_from(["", "19.05", "19.05.01", BELO_LAUT, "19.05.04"]),
    st.sampled_from(AREAS),
    st.integers(0, 7),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    table=st.lists(rows, max_size=14, unique_by=lambda row: row[:3]),
    to=st.sampled_from([BANDUNG, "32.73.02", MENTOK, "16.71.01"]),
)
def test_the_filter_shows_what_a_checkout_would_send(
    session: Session, table: list[tuple[str, str, str, int]], to: str
) -> None:
    try:
        services = {
            code: Service(code=code, courier=code, name="x", cold_chain=code == "dingin")
            for code in ("a", "b", "dingin")
        }
        session.add_all(services.values())
        for code, origin, destination, days in table:
            session.add(
                Tariff(
                    service=services[code],
                    origin=origin,
                    destination=destination,
                    price_per_kg=1_000,
                    days_from=0,
                    days_to=days,
                )
            )
        homes = [make_village(session), make_village(session, "19.05.04.2005", name="Dendang")]
        products = [
            make_product(
                session,
                make_producer(session, home),
                storage=storage,
                max_transit_days=transit,
                shelf_life_days=shelf,
            )
            for home in homes
            for storage, transit, shelf in (
                (Storage.FROZEN, 2, 5),
                (Storage.CHILLED, 1, None),
                (Storage.AMBIENT, 3, 30),
                (Storage.AMBIENT, None, None),
            )
        ]
        shown = set(session.scalars(select(Product.id).where(reachability(session, to))))
        parcels = [
            Parcel(p.producer.village.region_code, to, Grams(600), Freshness.of([p]))
            for p in products
        ]
        sent = {
            product.id
            for product, found in zip(products, ways(session, parcels), strict=True)
            if any(way.possible for way in found)
        }
        assert shown == sent
    finally:
        session.rollback()


def test_an_order_by_the_seller_is_shipped_as_any(session: Session) -> None:
    local_service(session)
    product = make_product(session, ready=5)
    make_purchase(session, [(product, 1)], region=MENTOK, way="antar")
    order = session.scalars(select(Order)).one()
    assert order.service is not None
    assert order.service.courier == "Penjual"
