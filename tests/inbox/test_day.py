"""What to make today, and the packing list."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.models import Offer, Product, Storage, Variant
from ovop_market.core import clock
from ovop_market.inbox import to_make
from ovop_market.inbox.to_make import Due, due
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services import lifecycle, shares
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor, OrderState
from ovop_market.villages.models import Producer
from tests.counting import counted
from tests.factories import (
    NOW,
    advance,
    make_group,
    make_order,
    make_product,
    make_purchase,
    make_user,
    pay,
    sign_in,
)
from tests.inbox.conftest import LOGIN

S = OrderState
TODAY = date(2026, 11, 24)


@pytest.fixture(autouse=True)
def at_noon(clock_at: Callable[[datetime], None]) -> None:
    clock_at(NOW)


def staff(session: Session) -> User:
    return session.scalars(select(User).where(User.email == LOGIN)).one()


def found(session: Session) -> to_make.ToMake:
    session.flush()
    return to_make.to_make(session, staff(session), TODAY)


def sums(session: Session) -> dict[str, list[tuple[str, int, int]]]:
    """heap → (pack, to be made, ready)"""
    return {
        str(heap): [(f"{t.product} {t.variant}", t.to_make, t.ready) for t in totals]
        for heap, totals in found(session).heaps.items()
    }


@pytest.mark.parametrize(
    ("days", "heap"),
    [(-9, Due.LATE), (-1, Due.LATE), (0, Due.TODAY), (1, Due.TOMORROW), (2, Due.LATER)],
)
def test_heaps(days: int, heap: Due) -> None:
    assert due(TODAY + timedelta(days=days), TODAY) is heap


def test_sums_by_pack_and_day(app: Flask, session: Session, producer: Producer) -> None:
    pempek = make_product(session, producer, capacity=500, name="Pempek")
    large = Variant(name="1 kg", price=90_000, weight_grams=1_100, position=1)
    large.offers.append(Offer(producer=producer, weekly_capacity=100, lead_days=2))
    pempek.variants.append(large)
    kerupuk = make_product(session, producer, ready=50, name="Kerupuk")
    days = {-1: (4, 2), 0: (3, 0), 1: (1, 5), 8: (2, 1)}
    for ahead, (packs, ready) in days.items():
        wanted = [(pempek, packs), *([(kerupuk, ready)] if ready else [])]
        for order in (make_purchase(session, wanted).orders[0] for _ in range(2)):
            advance(session, order, S.PREPARING)
            order.ready_by = TODAY + timedelta(days=ahead)
    assert sums(session) == {
        "late": [("Kerupuk 500 g", 0, 4), ("Pempek 500 g", 8, 0)],
        "today": [("Pempek 500 g", 6, 0)],
        "tomorrow": [("Kerupuk 500 g", 0, 10), ("Pempek 500 g", 2, 0)],
        "later": [("Kerupuk 500 g", 0, 2), ("Pempek 500 g", 4, 0)],
    }
    whole = found(session)
    assert [(t.product, t.to_make, t.ready) for t in whole.all] == [
        ("Kerupuk", 0, 16),
        ("Pempek", 20, 0),
    ]
    assert (whole.packs, whole.orders) == (20, 8)


def test_only_what_may_be_made_and_is_not_finished(
    app: Flask, session: Session, producer: Producer
) -> None:
    product = make_product(session, producer, capacity=500)
    made = {make_order(session, state, product=product).number for state in (S.PREPARING,)}
    made.add(make_order(session, S.ACCEPTED, product=product, method=PaymentMethod.COD).number)
    paid = make_order(session, S.ACCEPTED, product=product)
    pay(session, paid)
    made.add(paid.number)
    for state in set(S) - {S.PREPARING}:
        make_order(session, state, product=product)
    make_order(session, S.PREPARING, product=make_product(session, capacity=9))  # somebody else's
    numbers = {part.number for total in found(session).all for part in total.parts}
    assert numbers == made


def test_what_was_agreed_to_is_what_is_made(
    app: Flask, session: Session, producer: Producer
) -> None:
    from ovop_market.orders.services import lifecycle
    from ovop_market.orders.services.lifecycle import By
    from ovop_market.orders.states import Actor

    product = make_product(session, producer, capacity=50)
    order = make_order(session, product=product, quantity=9)
    lifecycle.counter(
        session,
        order,
        By(Actor.PRODUCER),
        NOW,
        quantities={order.lines[0].id: 4},
        ready_by=None,
    )
    lifecycle.agree(session, order, By(Actor.BUYER), NOW)
    pay(session, order)
    assert found(session).packs == 4


def test_the_page_shows_them_with_their_orders(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    product = make_product(session, producer, capacity=500, name="Pempek <lenjer>")
    orders = [make_order(session, S.PREPARING, product=product, quantity=n) for n in (3, 4)]
    for order in orders:
        order.ready_by = TODAY - timedelta(days=1)
    body = maker.get("/inbox/today").text
    assert "Buat 7" in body
    assert "Pempek &lt;lenjer&gt; 500 g" in body
    assert "Lewat janji" in body
    assert "Beku (freezer)" in body
    for order, packs in zip(orders, (3, 4), strict=True):
        assert f'href="/inbox/{order.number}">{order.number}</a> ({packs})' in body
    assert 'href="/inbox/today"' in maker.get("/inbox").text


def test_two_hundred_orders_are_one_statement(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    product = make_product(session, producer, capacity=9_000)
    make_order(session, S.PREPARING, product=product, quantity=1)
    session.commit()
    for page in ("/inbox/today", "/inbox/packing"):
        maker.get(page)
    with counted() as few:
        maker.get("/inbox/today")
        maker.get("/inbox/packing")
    first = session.scalars(select(Order)).one()
    copies(session, first, 200)
    with counted() as many:
        body = maker.get("/inbox/today").text
        maker.get("/inbox/packing")
    assert len(many) == len(few)
    assert "Buat 201" in body


def copies(session: Session, order: Order, how_many: int) -> None:
    """The same order so often, written past the services."""
    from ovop_market.orders.models import Hold, OrderLine

    line, hold = order.lines[0], order.lines[0].holds[0]
    for n in range(how_many):
        copy = Order(
            number=f"COPY-{n:04d}",
            purchase_id=order.purchase_id,
            producer_id=order.producer_id,
            state=order.state,
            ready_by=order.ready_by,
            service_id=order.service_id,
            goods=order.goods,
            shipping=order.shipping,
            total=order.total,
            paid=order.paid,
        )
        copy.lines = [
            OrderLine(
                variant_id=line.variant_id,
                product_name=line.product_name,
                variant_name=line.variant_name,
                unit_price=line.unit_price,
                weight_grams=line.weight_grams,
                quantity=1,
                holds=[Hold(offer_id=hold.offer_id, kind=hold.kind, week=hold.week, quantity=1)],
            )
        ]
        session.add(copy)
    session.commit()


def test_nothing_to_make_and_nothing_to_pack(maker: FlaskClient) -> None:
    assert "Tidak ada yang perlu dibuat" in maker.get("/inbox/today").text
    assert "Tidak ada yang perlu dikemas" in maker.get("/inbox/packing").text


# The packing list


def packed(body: str) -> list[str]:
    return re.findall(r'data-packing="([^"]+)"', body)


def test_what_is_ready_comes_first_then_what_must_leave_first(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    product = make_product(session, producer, capacity=500)
    later = make_order(session, S.PREPARING, product=product)
    later.ready_by = TODAY + timedelta(days=4)
    soon = make_order(session, S.ACCEPTED, product=product, method=PaymentMethod.COD)
    soon.ready_by = TODAY
    ready = make_order(session, S.READY, product=product)
    ready.ready_by = TODAY + timedelta(days=9)
    for state in set(S) - {S.PREPARING, S.READY}:
        make_order(session, state, product=product)
    make_order(session, S.READY, product=make_product(session, capacity=9))  # somebody else's
    body = maker.get("/inbox/packing").text
    assert packed(body) == [ready.number, soon.number, later.number]
    assert body.index("Siap dikirim</h2>") < body.index("Masih disiapkan</h2>")


def test_a_packing_list_says_what_for_whom_and_how(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    frozen = make_product(session, producer, capacity=9, name="Pempek")
    dry = make_product(
        session, producer, capacity=9, name="Terasi", storage=Storage.AMBIENT, max_transit_days=None
    )
    order = make_purchase(session, [(dry, 2), (frozen, 3)], name="Ibu Siti Rahasia").orders[0]
    advance(session, order, S.READY)
    order.purchase.note = "Tolong <cepat>"
    body = maker.get("/inbox/packing").text
    for text in ("Ibu Siti, Bandung", "2 × Terasi 500 g", "3 × Pempek 500 g", "JNE REG"):
        assert text in body, text
    assert "Beku (freezer)" in body and "Suhu ruang" not in body
    assert "Tolong &lt;cepat&gt;" in body
    assert "Rahasia" not in body and "Jalan Contoh" not in body
    assert f'name="order" value="{order.number}"' in body


def test_a_list_of_what_is_fetched(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    make_order(session, S.READY, producer=producer, way="pickup")
    assert "Diambil di Galeri OVOP Mentok" in maker.get("/inbox/packing").text


# The usual step of what was ready when it was ordered


def stocked(session: Session, producer: Producer, **values: object) -> Order:
    product: Product = make_product(session, producer, ready=20)
    order = make_order(session, S.PLACED, product=product, now=clock.now(), **values)
    pay(session, order)
    return order


def test_what_is_in_stock_is_not_made_first(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = stocked(session, producer)
    body = maker.get("/inbox").text
    assert f'action="/inbox/{order.number}/readiness"' in body
    assert ">Siap dikirim</button>" in body
    assert f"/inbox/{order.number}/preparation" not in body
    page = maker.get(f"/inbox/{order.number}").text
    assert ">Siap dikirim</button>" in page
    answer = maker.send("/inbox", f"/inbox/{order.number}/readiness", back="list")
    assert answer.status_code == 303
    session.expire_all()
    assert order.state is S.READY
    assert f"{order.number} sudah siap" in maker.get("/inbox").text


def test_what_is_fetched_is_ready_to_be_fetched(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    stocked(session, producer, way="pickup")
    assert ">Siap diambil</button>" in maker.get("/inbox").text


def test_what_is_made_in_part_is_made_first(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    made, ready = (make_product(session, producer, **kw) for kw in ({"capacity": 9}, {"ready": 9}))
    order = make_purchase(session, [(made, 1), (ready, 1)]).orders[0]
    advance(session, order, S.ACCEPTED)
    pay(session, order)
    body = maker.get("/inbox").text
    assert f"/inbox/{order.number}/preparation" in body
    assert ">Mulai buat</button>" in body


def test_a_household_sees_its_share_of_a_groups_order(
    client: FlaskClient, session: Session
) -> None:
    """And the coordinator sees what is not handed in yet."""
    coordinator = make_user(session, Role.PRODUCER)
    product, people = make_group(session, (400, 400), staff=coordinator)
    order = make_purchase(session, [(product, 60)], now=clock.now()).orders[0]
    lifecycle.accept(session, order, By(Actor.PRODUCER), clock.now())
    pay(session, order, clock.now())
    mine, other = order.lines[0].allocations
    shares.hand_in(session, other, By(Actor.PRODUCER), clock.now())
    session.commit()
    today = clock.wib_date(clock.now())
    household, group = (
        to_make.to_make(session, user, today) for user in (people[0], coordinator) if user
    )
    assert (household.packs, group.packs) == (30, 30)
    assert mine.packs == 30
    assert people[0] is not None
    sign_in(client, people[0])
    page = client.get("/inbox/today").text
    assert order.number in page
    assert f'href="/inbox/{order.number}"' not in page
