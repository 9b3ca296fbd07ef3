"""The page that a parcel's label points at: there before the label, public, and about no buyer."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Offer, Product, Storage
from ovop_market.core import tokens
from ovop_market.orders import maker_queries
from ovop_market.orders.maker_models import MakerPage
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services import lifecycle, maker_pages
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.villages.models import ProducerKind
from tests.counting import counted
from tests.factories import (
    NOW,
    advance,
    make_order,
    make_producer,
    make_product,
    make_purchase,
    pay,
)

S = OrderState
PRODUCER = By(Actor.PRODUCER)


def page_of(session: Session, order: Order) -> MakerPage | None:
    return session.scalar(
        select(MakerPage)
        .where(MakerPage.order_id == order.id)
        .execution_options(populate_existing=True)
    )


def code_of(session: Session, order: Order) -> str:
    page = page_of(session, order)
    assert page is not None
    return page.code


def test_codes_are_long_and_unambiguous() -> None:
    codes = {tokens.maker_code() for _ in range(500)}
    assert len(codes) == 500
    assert len(tokens._ALPHABET) ** tokens.MAKER_CODE_LENGTH > 2**40
    assert not set("".join(codes)) & set("01OILU")
    code = codes.pop()
    for typed in (code, code.lower(), maker_queries.shown_code(code), f" {code[:5]} {code[5:]}"):
        assert tokens.maker_code_in(typed) == code


@pytest.mark.parametrize("text", ["", "x", "ABCDEFGH", "ABCDEFGHJKM", "ABCDEFGHJ0", "ABCDEFGHJ٣"])
def test_other_texts_are_no_code(text: str) -> None:
    assert tokens.maker_code_in(text) is None


def test_a_page_comes_with_the_payment_and_a_day_with_the_finish(
    app: Flask, session: Session
) -> None:
    order = make_order(session, S.ACCEPTED)
    assert page_of(session, order) is None
    pay(session, order)
    page = page_of(session, order)
    assert page is not None and page.made_on is None
    code = page.code
    # 17.30 UTC is the next day in Bangka Barat.
    late = NOW.replace(hour=17, minute=30)
    lifecycle.act(session, order, Action.START, PRODUCER, NOW)
    lifecycle.act(session, order, Action.FINISH, By(Actor.PRODUCER, None, "tap"), late)
    lifecycle.act(session, order, Action.FINISH, By(Actor.PRODUCER, None, "tap"), late)
    page = page_of(session, order)
    assert page is not None
    assert (page.code, page.made_on) == (code, date(2026, 11, 25))


def test_cash_needs_no_payment_first(app: Flask, session: Session) -> None:
    product = make_product(session, make_producer(session, cash_on_delivery=True), capacity=9)
    order = make_order(session, S.PLACED, product=product, method=PaymentMethod.COD)
    assert page_of(session, order) is None
    advance(session, order, S.ACCEPTED)
    assert page_of(session, order) is not None


def test_cash_from_ready_stock_has_its_page_at_once(app: Flask, session: Session) -> None:
    product = make_product(session, make_producer(session, cash_on_delivery=True), ready=9)
    order = make_order(session, S.PLACED, product=product, method=PaymentMethod.COD)
    assert order.state is S.ACCEPTED
    assert page_of(session, order) is not None


def test_an_order_has_one_page_and_a_code_one_order(app: Flask, session: Session) -> None:
    first, second = make_order(session, S.PREPARING), make_order(session, S.PREPARING)
    code = code_of(session, first)
    maker_pages.open_for(session, [first.id, first.id, second.id])
    assert code_of(session, first) == code
    page = page_of(session, second)
    assert page is not None
    page.code = code
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()


def test_many_pages_cost_as_much_as_few(app: Flask, session: Session) -> None:
    orders = [make_order(session, S.PREPARING) for _ in range(5)]
    session.execute(delete(MakerPage))
    with counted() as statements:
        maker_pages.open_for(session, [order.id for order in orders])
    assert len(statements) == 1


def test_what_was_written_past_the_services_is_caught_up(app: Flask, session: Session) -> None:
    states = (S.PLACED, S.ACCEPTED, S.PREPARING, S.READY, S.SHIPPED, S.RECEIVED, S.DECLINED)
    orders = {state: make_order(session, state) for state in states}
    session.execute(delete(MakerPage))
    assert maker_pages.catch_up(session) == 4
    assert maker_pages.catch_up(session) == 0
    pages = {state: page_of(session, order) for state, order in orders.items()}
    there = {state: page.made_on for state, page in pages.items() if page is not None}
    day = date(2026, 11, 24)
    assert there == {S.PREPARING: None, S.READY: day, S.SHIPPED: day, S.RECEIVED: day}


# The page itself


def test_the_page_says_who_made_what_when(client: FlaskClient, session: Session) -> None:
    producer = make_producer(session, name="Rumah Mawar")
    product = make_product(
        session, producer, capacity=9, name="Pempek lenjer", storage_note="Jangan dicairkan."
    )
    order = make_order(session, S.PREPARING, product=product)
    address = f"/made/{code_of(session, order)}"
    before = client.get(address).text
    assert "Sedang dibuat" in before and "Masih dikerjakan" in before
    advance_ready(session, order)
    body = client.get(address).text
    for text in (
        "Rumah Mawar",
        "Belo Laut",
        "Kecamatan Mentok, Kabupaten Bangka Barat",
        "Pempek lenjer",
        "24 November 2026",
        "Beku (freezer)",
        "Jangan dicairkan.",
        "22 Februari 2027",  # 90 days later
        f'href="/products/{product.slug}"',
        'href="/villages/belo-laut"',
        "Pesan lagi",
    ):
        assert text in body, text


def advance_ready(session: Session, order: Order) -> None:
    lifecycle.act(session, order, Action.FINISH, PRODUCER, NOW)


def test_nothing_of_the_buyer_is_on_it(client: FlaskClient, session: Session) -> None:
    # Nor does what is sold have a number in its name.
    shop = make_producer(session, slug="rumah", name="Rumah Pempek")
    product = make_product(session, shop, slug="pempek", name="Pempek udang", capacity=100)
    order = make_order(session, S.READY, product=product, quantity=37, name="Sari Contoh")
    code = code_of(session, order)
    # By chance its own code, as any address of a file, may have such letters in it.
    body = re.sub(rf"assets/\S+|{code}", "", client.get(f"/made/{code}").text)
    for text in (
        "Sari",
        "Contoh 2",
        "Bandung",
        "81234567890",
        "40131",
        order.number,
        order.purchase.token,
        "37",
        "500 g",
    ):
        assert text not in body, text


def test_it_is_a_public_page_that_nobody_indexes(client: FlaskClient, session: Session) -> None:
    order = make_order(session, S.READY)
    address = f"/made/{code_of(session, order)}"
    with counted() as statements:
        first = client.get(address)
    assert len(statements) <= 6
    assert first.headers["Cache-Control"] == "public, max-age=1"
    assert "Set-Cookie" not in first.headers
    for answer in (first, client.get(address)):
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert '<meta name="robots" content="noindex">' in answer.text
    assert client.get(address.lower()).status_code == 200
    assert client.get(f"/en{address}").status_code == 200


@pytest.mark.parametrize("code", ["AAAAAAAAAA", "x", "0000000000", "%00", "A" * 300])
def test_an_unknown_code_is_nowhere(client: FlaskClient, code: str) -> None:
    assert client.get(f"/made/{code}").status_code in (400, 404)


def test_a_group_names_the_households_whose_packs_they_are(
    client: FlaskClient, session: Session
) -> None:
    group = make_producer(session, kind=ProducerKind.GROUP, name="Kelompok Udang")
    product = make_product(session, group, capacity=0, made_to_order=True)
    for name, capacity in (("Rumah Melati", 3), ("Rumah Anggrek", 3), ("Rumah Libur", 0)):
        member = make_producer(session, group_id=group.id, name=name)
        product.variants[0].offers.append(
            Offer(producer=member, weekly_capacity=capacity, lead_days=1)
        )
    session.flush()
    order = make_order(session, S.READY, product=product, quantity=5)
    assert maker_queries.makers(session, order.id) == ["Rumah Anggrek", "Rumah Melati"]
    body = client.get(f"/made/{code_of(session, order)}").text
    assert "Rumah Anggrek" in body and "Rumah Melati" in body and "Kelompok Udang" in body
    assert "Rumah Libur" not in body


def test_what_was_ready_before_claims_no_date(client: FlaskClient, session: Session) -> None:
    """The day of packing is not the day of making: a best-before counted from it would be late."""
    product = make_product(session, ready=9)
    order = make_order(session, S.PLACED, product=product)
    pay(session, order)
    advance_ready(session, order)
    body = client.get(f"/made/{code_of(session, order)}").text
    assert "lihat tanggal di kemasannya" in body
    assert "90 hari sesudah dibuat" in body
    assert "Baik sebelum" not in body
    assert "Dikemas" in body and "Selesai dibuat" not in body


def test_several_products_and_one_that_is_sold_no_more(
    client: FlaskClient, session: Session
) -> None:
    producer = make_producer(session)
    basket = make_product(
        session,
        producer,
        capacity=9,
        name="Keranjang",
        storage=Storage.AMBIENT,
        max_transit_days=None,
        shelf_life_days=None,
    )
    pempek = make_product(session, producer, capacity=9)
    order = make_purchase(session, [(basket, 1), (pempek, 1)]).orders[0]
    advance(session, order, S.READY)
    pempek.listed = False
    body = client.get(f"/made/{code_of(session, order)}").text
    assert body.count("Pesan lagi") == 1
    assert f'/products/{basket.slug}"' in body and f'/products/{pempek.slug}"' not in body


def test_what_never_left_has_no_page_any_more(client: FlaskClient, session: Session) -> None:
    operator = By(Actor.OPERATOR)
    order = make_order(session, S.READY)
    lifecycle.act(session, order, Action.REVOKE, operator, NOW, reason="salah")
    assert client.get(f"/made/{code_of(session, order)}").status_code == 404
    # Whoever got their money back may still hold the parcel in their hands.
    returned = make_order(session, S.DISPUTED)
    lifecycle.settle(session, returned, operator, NOW, for_buyer=True, reason="pecah")
    assert client.get(f"/made/{code_of(session, returned)}").status_code == 200


def test_best_before_counts_from_the_day_it_was_made(app: Flask, session: Session) -> None:
    product: Product = make_product(session, capacity=9, shelf_life_days=3)
    order = make_order(session, S.READY, product=product)
    (goods,) = maker_queries.made(session, code_of(session, order)).goods
    assert goods.made_on is not None
    assert goods.best_before == goods.made_on + timedelta(days=3)
