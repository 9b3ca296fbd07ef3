"""What the pages say of when: packs by day on the product page, later days in cart and checkout,
and how many can be had at most."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.catalogue import promises
from ovop_market.catalogue.models import CapacityWeek, Offer, Product
from ovop_market.catalogue.promises import Rush
from ovop_market.catalogue.supply import Supply
from tests.counting import counted
from tests.factories import make_delivery, make_producer, make_product
from tests.orders.test_cart_pages import add

CLOCK = Callable[[datetime], None]


@pytest.fixture
def product(session: Session, clock_at: CLOCK) -> Product:
    """24 packs a week, on Wednesday 2 December 2026: four of six days are left."""
    clock_at(datetime(2026, 12, 2, 3, tzinfo=UTC))
    found = make_product(session, capacity=24, slug="pempek")
    make_delivery(session)
    session.commit()
    return found


def lines(body: str) -> str:
    return " ".join(body.split())


def test_packs_by_day(client: FlaskClient, session: Session, product: Product) -> None:
    with counted() as sent:
        body = lines(client.get("/products/pempek").text)
    assert len(sent) <= 6
    assert "1 bungkus: siap 4 Des" in body
    assert "Sampai 16 bungkus: siap 5 Des" in body
    assert "Sampai 40 bungkus: siap 12 Des" in body
    assert "Lebaran" not in body


def test_what_is_ready_comes_first(client: FlaskClient, session: Session, product: Product) -> None:
    session.query(Offer).update({"ready": 20})
    session.commit()
    body = lines(client.get("/products/pempek").text)
    assert "Sampai 20 bungkus: siap sekarang" in body
    assert "Sampai 16" not in body
    assert "Sampai 40 bungkus: siap 12 Des" in body
    assert "Sampai 64 bungkus: siap 19 Des" in body


def test_members_that_are_closed_help_later(
    client: FlaskClient, session: Session, product: Product
) -> None:
    member = make_producer(session, closed_from=date(2026, 12, 1), closed_to=date(2026, 12, 9))
    offer = Offer(variant=product.variants[0], producer=member, weekly_capacity=12, lead_days=1)
    session.add(offer)
    session.commit()
    body = lines(client.get("/products/pempek").text)
    assert "Sampai 16 bungkus: siap 5 Des" in body
    # Thursday to Saturday of the week after: 6 more.
    assert "Sampai 46 bungkus: siap 12 Des" in body


def test_a_larger_order_gets_a_later_day(
    client: FlaskClient, session: Session, product: Product
) -> None:
    add(client, product, 40)
    body = lines(client.get("/cart").text)
    assert "Dibuat untuk Anda, siap 12 Desember 2026" in body
    assert "16 bungkus bisa siap 5 Desember 2026" in body
    body = lines(client.get("/checkout").text)
    assert "siap sekitar 12 Desember 2026" in body
    assert "16 bungkus bisa siap 5 Desember 2026" in body


def test_beyond_the_horizon_the_most_is_said(
    client: FlaskClient, session: Session, product: Product
) -> None:
    add(client, product, 900)
    body = lines(client.get("/cart").text)
    assert "Paling banyak 264 bungkus, siap 20 Februari 2027." in body


def test_full_weeks_are_passed_over(
    client: FlaskClient, session: Session, product: Product
) -> None:
    offer = product.variants[0].offers[0]
    session.add(CapacityWeek(offer_id=offer.id, week=date(2026, 11, 30), held=16))
    session.add(CapacityWeek(offer_id=offer.id, week=date(2026, 12, 7), held=0, planned=2))
    session.commit()
    body = lines(client.get("/products/pempek").text)
    assert "1 bungkus: siap 9 Des" in body
    assert "Sampai 2 bungkus: siap 12 Des" in body


def test_before_lebaran_buyers_are_told_until_when(
    client: FlaskClient, session: Session, product: Product, clock_at: CLOCK
) -> None:
    kept = client.application.extensions["kept pages"]
    clock_at(datetime(2027, 1, 26, 3, tzinfo=UTC))
    assert "Lebaran" not in client.get("/products/pempek").text
    clock_at(datetime(2027, 1, 27, 3, tzinfo=UTC))
    kept.clear()
    body = lines(client.get("/products/pempek").text)
    # Two working days before Saturday the 6th; Sunday, Nyepi and joint leave follow.
    assert "pesan paling lambat 4 Maret 2027 supaya siap sebelum 10 Maret 2027" in body
    offer = product.variants[0].offers[0]
    session.add(CapacityWeek(offer_id=offer.id, week=date(2027, 3, 1), held=0, planned=0))
    session.commit()
    body = lines(client.get("/products/pempek").text)
    assert "pesan paling lambat 27 Februari 2027" in body
    clock_at(datetime(2027, 3, 8, 3, tzinfo=UTC))
    kept.clear()
    body = lines(client.get("/products/pempek").text)
    assert "baru siap sesudah Lebaran (10 Maret 2027)" in body


def test_english(client: FlaskClient, session: Session, product: Product) -> None:
    assert "1 pack: ready 4 Dec" in lines(client.get("/en/products/pempek").text)


def test_the_size_that_takes_longest_says_until_when() -> None:
    quick, slow = [Supply(1, 0, 12, 1)], [Supply(2, 0, 12, 5)]
    full, day = [Supply(3, 0, 0, 1)], date(2027, 2, 1)
    feast = date(2027, 3, 10)
    assert promises.rush([quick], {}, day) == Rush(feast, date(2027, 3, 5))
    # Monday the 1st to Saturday the 6th are five working days after the first.
    assert promises.rush([quick, slow, full], {}, day) == Rush(feast, date(2027, 3, 1))
    assert promises.rush([full], {}, day) == Rush(feast, None)
    assert promises.rush([], {}, day) is None
