"""Labels of parcels: whose, when, what stands on them, and that the code leads somewhere."""

from __future__ import annotations

import io
import re

import pytest
import zxingcpp
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from resvg_py import svg_to_bytes
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Storage
from ovop_market.orders.maker_models import MakerPage
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.states import OrderState
from ovop_market.villages.models import Producer
from tests.counting import counted
from tests.factories import advance, make_order, make_product, make_purchase, pay
from tests.pages import words

S = OrderState
PRINTED = {S.PREPARING, S.READY, S.SHIPPED}


def shown(body: str) -> list[str]:
    return re.findall(r'data-label="([^"]+)"', body)


def decoded(body: str) -> list[str]:
    """What the codes on the page say to a scanner."""
    texts = []
    for drawn in re.findall(r"<svg[^>]*class=\"segno\".*?</svg>", body, re.S):
        svg = drawn.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
        picture = Image.open(io.BytesIO(bytes(svg_to_bytes(svg_string=svg, width=300))))
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.split()[-1] if picture.mode == "RGBA" else None)
        texts += [found.text for found in zxingcpp.read_barcodes(ground)]
    return texts


def test_a_label_says_what_a_courier_needs(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    product = make_product(session, producer, capacity=99, name="Pempek <lenjer>")
    order = make_order(session, S.READY, product=product, quantity=3)
    answer = maker.get(f"/inbox/{order.number}/label")
    body = answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    for text in (
        "Rumah Mawar",
        "Belo Laut, Kabupaten Bangka Barat",
        "+6281200000000",
        "Sari Contoh",
        "+6281234567890",
        "Jalan Contoh 2",
        "Desa/Kel. Cipaganti, Kec. Coblong",
        "Kota Bandung",
        "Jawa Barat 40131",
        "3 × Pempek &lt;lenjer&gt; 500 g",
        "BEKU: simpan di freezer",
        "JNE REG",
        "1,8 kg",
        order.number,
    ):
        assert text in body, text
    assert "COD" not in words(body)
    assert shown(body) == [order.number]


def test_the_code_leads_to_the_maker_page(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, S.READY, producer=producer)
    code = session.scalars(select(MakerPage.code)).one()
    for prefix in ("", "/en"):
        body = maker.get(f"{prefix}/inbox/{order.number}/label").text
        # One code for all, whoever prints it.
        assert decoded(body) == [f"http://localhost/made/{code}"]
        assert f"buka localhost/made/{code[:5]}-{code[5:]}" in body or prefix
    assert maker.get(f"/made/{code}").status_code == 200
    assert maker.get(f"/made/{code[:5]}-{code[5:]}").status_code == 200


@pytest.mark.parametrize("state", list(S))
def test_only_while_the_parcel_needs_it(
    maker: FlaskClient, session: Session, producer: Producer, state: S
) -> None:
    order = make_order(session, state, producer=producer)
    answer = maker.get(f"/inbox/{order.number}/label")
    link = f'href="/inbox/{order.number}/label"' in maker.get(f"/inbox/{order.number}").text
    assert link is (state in PRINTED)
    if state in PRINTED:
        assert answer.status_code == 200
        return
    assert answer.status_code == 409
    assert "Label" in answer.text
    assert "Jalan Contoh" not in answer.text


def test_paid_and_accepted_is_enough(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, S.ACCEPTED, producer=producer)
    assert "belum dibayar" in maker.get(f"/inbox/{order.number}/label").text
    pay(session, order)
    assert maker.get(f"/inbox/{order.number}/label").status_code == 200


def test_cash_is_taken_in(maker: FlaskClient, session: Session, producer: Producer) -> None:
    product = make_product(session, producer, capacity=99)
    order = make_order(session, S.ACCEPTED, product=product, method=PaymentMethod.COD)
    body = maker.get(f"/inbox/{order.number}/label").text
    assert "COD: tagih" in body
    assert f"Rp{order.total:,}".replace(",", ".") in body


def test_what_is_fetched_does_not_say_where_the_buyer_lives(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, S.READY, producer=producer, way="pickup")
    body = maker.get(f"/inbox/{order.number}/label").text
    assert "Galeri OVOP Mentok" in body and "Pengambil" in body and "Sari Contoh" in body
    assert "Jalan Contoh 2" not in body


def test_several_or_all_that_are_ready(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    product = make_product(session, producer, capacity=500)
    ready = [make_order(session, S.READY, product=product).number for _ in range(3)]
    making = make_order(session, S.PREPARING, product=product).number
    make_order(session, S.PLACED, product=product)
    make_order(session, S.READY, product=make_product(session, capacity=9))  # somebody else's
    assert shown(maker.get("/inbox/labels").text) == ready
    chosen = maker.get(f"/inbox/labels?order={making}&order={ready[1].lower()}&order={ready[1]}")
    assert set(shown(chosen.text)) == {making, ready[1]}


def test_none_ready(maker: FlaskClient) -> None:
    assert "Belum ada yang siap dikirim" in maker.get("/inbox/labels").text


def test_somebody_elses_and_unknown_ones_are_nowhere(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    own = make_order(session, S.READY, producer=producer).number
    other = make_order(session, S.READY).number
    for number in (other, "AAAA-BBBB", "x y", "%27", "A" * 99):
        assert maker.get(f"/inbox/{number}/label").status_code == 404, number
        answer = maker.get(f"/inbox/labels?order={own}&order={number}")
        assert answer.status_code == 404, number
        assert "Sari" not in answer.text


def test_one_that_may_not_be_printed_is_named(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    own = make_order(session, S.READY, producer=producer).number
    done = make_order(session, S.RECEIVED, producer=producer).number
    answer = maker.get(f"/inbox/labels?order={own}&order={done}")
    assert answer.status_code == 409
    assert done in answer.text and "Sari" not in answer.text


def test_too_many_at_once(maker: FlaskClient) -> None:
    query = "&".join(f"order=AAAA-{n:04d}" for n in range(101))
    answer = maker.get(f"/inbox/labels?{query}")
    assert answer.status_code == 422
    assert "paling banyak 100" in answer.text


def test_statements_do_not_grow(maker: FlaskClient, session: Session, producer: Producer) -> None:
    product = make_product(session, producer, capacity=500)
    make_order(session, S.READY, product=product)
    maker.get("/inbox/labels")
    with counted() as few:
        maker.get("/inbox/labels")
    for _ in range(5):
        make_order(session, S.READY, product=product)
    with counted() as many:
        assert len(shown(maker.get("/inbox/labels").text)) == 6
    assert len(many) == len(few)


def test_the_coldest_says_how_it_is_kept_and_long_lists_are_cut(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    dry = {"storage": Storage.AMBIENT, "max_transit_days": None}
    products = [make_product(session, producer, capacity=9, **dry) for _ in range(7)]
    order = make_purchase(session, [(product, 1) for product in products]).orders[0]
    advance(session, order, S.READY)
    body = maker.get(f"/inbox/{order.number}/label").text
    assert "SUHU RUANG" in body
    assert body.count("<li>1 × ") == 5
    assert "dan 2 jenis lagi" in body
    products[6].storage, products[6].max_transit_days = Storage.CHILLED, 2
    assert "DINGIN: simpan di kulkas" in maker.get(f"/inbox/{order.number}/label").text


def test_papers(maker: FlaskClient, session: Session, producer: Producer) -> None:
    product = make_product(session, producer, capacity=500)
    for _ in range(5):
        make_order(session, S.READY, product=product)
    body = maker.get("/inbox/labels").text
    assert body.count('class="sheet"') == 2
    assert 'href="/inbox/labels?paper=a6"' in body
    body = maker.get("/inbox/labels?paper=a6").text
    assert body.count('class="sheet"') == 5
    assert maker.get("/inbox/labels?paper=x").status_code == 200


def test_an_order_by_a_real_number_alone(app: Flask, session: Session) -> None:
    """The pattern of numbers is that of all numbers that are made."""
    order = make_order(session)
    assert session.scalars(select(Order.number)).one() == order.number
    assert re.fullmatch(r"[0-9A-Z-]{1,20}", order.number)
