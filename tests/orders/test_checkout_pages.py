"""Checkout and the purchase page over HTTP."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Offer, Product
from ovop_market.orders.models import Cart, Order, Purchase
from ovop_market.orders.services import checkout
from ovop_market.orders.states import OrderState
from tests.factories import (
    BANDUNG,
    make_delivery,
    make_order,
    make_producer,
    make_product,
    make_purchase,
)
from tests.pages import token_in, value_of

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def product(session: Session) -> Product:
    make_delivery(session)
    product = make_product(session, make_producer(session, slug="toko"), ready=5)
    session.commit()
    return product


def begin(client: FlaskClient, product: Product, quantity: int = 1) -> dict[str, str]:
    """Fills the cart and the form, as a buyer would who makes no mistake."""
    client.post(
        "/cart/lines",
        data={"variant_id": product.variants[0].id, "quantity": quantity},
        headers=OURS,
    )
    page = client.get(f"/checkout?region_code={BANDUNG}").text
    return {
        "csrf_token": token_in(page),
        "idempotency_key": value_of(page, "idempotency_key"),
        "seen": value_of(page, "seen"),
        "name": "Sari Contoh",
        "phone": "0812-3456-7890",
        "email": "",
        "region_code": BANDUNG,
        "street": "Jalan Contoh 2",
        "postal_code": "",
        "note": "",
        "payment_method": "transfer",
        "delivery-toko": "jne-reg",
        "consent": "1",
    }


def test_a_guest_orders_on_one_page(
    client: FlaskClient, session: Session, product: Product
) -> None:
    form = begin(client, product, 2)
    answer = client.post("/checkout", data=form)
    assert answer.status_code == 303
    purchase = session.scalars(select(Purchase)).one()
    assert answer.headers["Location"] == f"/purchases/{purchase.token}"
    assert purchase.phone == "+6281234567890"
    assert purchase.postal_code == purchase.region.postal_code
    page = client.get(answer.headers["Location"])
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page.headers["Cache-Control"]
    (order,) = purchase.orders
    assert f'data-order="{order.number}"' in page.text
    assert 'data-state="ACCEPTED"' in page.text
    assert "Rp166.000" in page.text  # 2 × 45.000 + 2 kg × 38.000


def test_a_total_without_shipping_is_called_so(client: FlaskClient, product: Product) -> None:
    begin(client, product)
    before = client.get("/checkout").text
    assert "belum dihitung" in before
    assert "Total sementara" in before
    assert "Total sementara" not in client.get(f"/checkout?region_code={BANDUNG}").text


def test_sent_twice_it_is_one_purchase(
    client: FlaskClient, session: Session, product: Product
) -> None:
    form = begin(client, product, 2)
    first = client.post("/checkout", data=form)
    again = client.post("/checkout", data=form)
    assert (again.status_code, again.headers["Location"]) == (303, first.headers["Location"])
    assert session.scalar(select(func.count(Purchase.id))) == 1
    assert session.scalar(select(Offer.ready)) == 3


def test_the_same_key_in_another_cart_is_another_purchase(
    app: Flask, client: FlaskClient, session: Session, product: Product
) -> None:
    stranger = app.test_client()
    mine = begin(client, product) | {"idempotency_key": "1"}
    theirs = begin(stranger, product) | {"idempotency_key": "1"}
    first, second = client.post("/checkout", data=mine), stranger.post("/checkout", data=theirs)
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] != second.headers["Location"]


def test_prices_come_from_the_database(
    client: FlaskClient, session: Session, product: Product
) -> None:
    lies = {
        "price": "1",
        "total": "1",
        "goods": "1",
        "shipping": "0",
        "quantity": "1",
        "state": "READY",
    }
    client.post("/checkout", data=begin(client, product, 2) | lies)
    order = session.scalars(select(Order)).one()
    assert (order.goods, order.total, order.state) == (90_000, 166_000, OrderState.ACCEPTED)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "", "Isi bagian ini"),
        ("name", "x" * 101, "paling banyak 100"),
        ("name", "Sa\x00ri", "tidak terbaca"),
        ("phone", "12", "nomor HP Indonesia"),
        ("email", "bukan email", "alamat email"),
        ("region_code", "", "Isi bagian ini"),
        ("region_code", "32", "dari daftar"),
        ("region_code", "99.99.99", "dari daftar"),
        ("region_code", "' OR 1=1", "dari daftar"),
        ("street", "  ", "Isi bagian ini"),
        ("postal_code", "123", "5 angka"),
        ("postal_code", "abcde", "5 angka"),
        ("payment_method", "hutang", "Pilih cara bayar"),
        ("payment_method", "cod", "tidak menerima bayar di tempat"),
        ("payment_method", "gateway", "Pilih cara bayar"),
        ("delivery-toko", "gratis", "Pilih cara kirim"),
        ("delivery-toko", "pos-kargo", "Pilih cara kirim"),
        ("consent", None, "Centang dulu persetujuan"),
        ("idempotency_key", "", "Isi bagian ini"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    client: FlaskClient,
    session: Session,
    product: Product,
    field: str,
    value: str | None,
    message: str,
) -> None:
    form = begin(client, product)
    if value is None:
        del form[field]
    else:
        form[field] = value
    answer = client.post("/checkout", data=form)
    assert answer.status_code == 422
    assert message in answer.text
    for kept in ("name", "phone", "street"):
        if kept != field:
            assert form[kept] in answer.text
    assert session.scalar(select(func.count(Purchase.id))) == 0
    assert session.scalar(select(Offer.ready)) == 5


def test_sold_out_between_page_and_order(
    client: FlaskClient, session: Session, product: Product
) -> None:
    form = begin(client, product, 4)
    make_purchase(session, [(product, 3)])
    session.commit()
    answer = client.post("/checkout", data=form)
    assert answer.status_code == 409
    assert "Stok tinggal 2 bungkus" in answer.text
    assert "Sari Contoh" in answer.text


def test_a_changed_price_is_shown_before_it_is_paid(
    client: FlaskClient, session: Session, product: Product
) -> None:
    form = begin(client, product)
    product.variants[0].price = 50_000
    session.commit()
    answer = client.post("/checkout", data=form)
    assert answer.status_code == 409
    assert "baru saja berubah" in answer.text
    form["seen"] = value_of(answer.text, "seen")
    assert client.post("/checkout", data=form).status_code == 303


def test_a_lapsed_cart(client: FlaskClient, session: Session, product: Product) -> None:
    form = begin(client, product)
    session.delete(session.scalars(select(Cart)).one())
    session.commit()
    answer = client.post("/checkout", data=form)
    assert answer.status_code == 409
    assert "sudah kosong" in answer.text
    assert client.get("/checkout").status_code == 303


def test_another_tab_was_quicker(
    client: FlaskClient, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cart is gone by the time that a refused submit's page is made again."""

    def refuse(session: Session, *_args: object, **_values: object) -> None:
        session.rollback()  # lets go of the lock, as the view is about to
        session.execute(delete(Cart))
        session.commit()
        raise checkout.CheckoutRefused("Terlambat.")

    form = begin(client, product)
    monkeypatch.setattr(checkout, "place", refuse)
    answer = client.post("/checkout", data=form)
    assert answer.status_code == 409
    assert "sudah kosong" in answer.text


def test_too_large_a_body_is_413(client: FlaskClient, product: Product) -> None:
    form = begin(client, product) | {"note": "x" * 100_000}
    assert client.post("/checkout", data=form).status_code == 413


def test_without_script_the_area_is_found_and_the_price_shown(
    client: FlaskClient, product: Product
) -> None:
    form = begin(client, product) | {"region_code": "", "region_q": "coblong", "find_region": "1"}
    answer = client.post("/checkout", data=form)
    assert answer.status_code == 200
    assert "Coblong" in answer.text
    assert "Sari Contoh" in answer.text
    del form["find_region"]
    form |= {"region_code": BANDUNG, "update": "1"}
    answer = client.post("/checkout", data=form)
    assert answer.status_code == 200
    assert "JNE REG" in answer.text
    assert "hanya tahan 3 hari di jalan" in answer.text


def test_htmx_gets_the_part_that_depends_on_the_address(
    client: FlaskClient, product: Product
) -> None:
    begin(client, product)
    answer = client.get(f"/checkout?region_code={BANDUNG}", headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert "Rp38.000" in answer.text
    # What is renewed at each choice holds no word given: two answers at once would lose it.
    assert "consent" not in answer.text and "hx-preserve" not in answer.text
    assert 'name="consent"' in client.get("/checkout").text


@pytest.mark.parametrize("token", ["x", "a" * 32, "a" * 5000, "é" * 20])
def test_a_wrong_token_opens_nothing(client: FlaskClient, session: Session, token: str) -> None:
    make_order(session)
    session.commit()
    assert client.get(f"/purchases/{token}").status_code == 404


@pytest.mark.parametrize(
    ("state", "what", "after"),
    [
        (OrderState.PLACED, "cancellation", OrderState.CANCELLED),
        (OrderState.COUNTERED, "agreement", OrderState.ACCEPTED),
        (OrderState.SHIPPED, "receipt", OrderState.RECEIVED),
        (OrderState.SHIPPED, "dispute", OrderState.DISPUTED),
    ],
)
@pytest.mark.parametrize("script", [True, False])
def test_what_a_buyer_can_do(
    client: FlaskClient,
    session: Session,
    state: OrderState,
    what: str,
    after: OrderState,
    script: bool,
) -> None:
    order = make_order(session, state)
    session.commit()
    page = f"/purchases/{order.purchase.token}"
    headers = {"HX-Request": "true"} if script else {}
    data = {"csrf_token": client.csrf(page), "reason": "alasan saya"}
    for _ in range(2):
        answer = client.post(f"{page}/orders/{order.number}/{what}", data=data, headers=headers)
        assert answer.status_code == (200 if script else 303)
    session.expire_all()
    assert order.state is after
    assert [event.state for event in order.events].count(after) == 1


def test_a_reason_that_is_missing_is_asked_for(client: FlaskClient, session: Session) -> None:
    order = make_order(session)
    session.commit()
    page = f"/purchases/{order.purchase.token}"
    answer = client.send(page, f"{page}/orders/{order.number}/cancellation", reason=" ")
    assert answer.status_code == 422
    assert "Tulis alasannya" in answer.text
    error = f"cancellation-{order.number}-error"
    assert f'id="{error}"' in answer.text
    assert f'aria-invalid="true" aria-describedby="{error}"' in answer.text


def test_overtaken_by_events(client: FlaskClient, session: Session) -> None:
    order = make_order(session, OrderState.PREPARING)
    session.commit()
    page = f"/purchases/{order.purchase.token}"
    data = {"csrf_token": client.csrf("/sign-in"), "reason": "batal"}
    answer = client.post(f"{page}/orders/{order.number}/cancellation", data=data)
    assert answer.status_code == 409
    assert "Sedang dibuat" in answer.text
    assert 'data-state="PREPARING"' in answer.text


def test_an_order_of_another_purchase_is_404(client: FlaskClient, session: Session) -> None:
    mine, theirs = make_order(session), make_order(session)
    session.commit()
    page = f"/purchases/{mine.purchase.token}"
    answer = client.send(page, f"{page}/orders/{theirs.number}/cancellation", reason="jahat")
    assert answer.status_code == 404
    session.expire_all()
    assert theirs.state is OrderState.PLACED


def test_the_token_is_never_logged(
    client: FlaskClient, session: Session, capfd: pytest.CaptureFixture[str]
) -> None:
    order = make_order(session)
    session.commit()
    client.get(f"/purchases/{order.purchase.token}")
    logged = "".join(capfd.readouterr())
    assert order.purchase.token not in logged
    assert not re.search("Sari", logged)
