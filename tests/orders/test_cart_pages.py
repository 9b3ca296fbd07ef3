"""The cart over HTTP."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product
from ovop_market.orders.models import Cart, CartLine
from tests.factories import NOW, make_producer, make_product

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def product(session: Session) -> Product:
    product = make_product(session, ready=5, name="Pempek <b>udang</b>")
    session.commit()
    return product


def add(client: FlaskClient, product: Product, quantity: object = 1):  # type: ignore[no-untyped-def]
    return client.post(
        "/cart/lines",
        data={"variant_id": product.variants[0].id, "quantity": quantity},
        headers=OURS,
    )


def test_an_empty_cart_says_where_to_begin(client: FlaskClient) -> None:
    answer = client.get("/cart")
    assert answer.status_code == 200
    assert "masih kosong" in answer.text


def test_the_cart_is_born_with_the_first_post(
    client: FlaskClient, session: Session, product: Product
) -> None:
    client.get("/cart")
    assert session.scalar(select(func.count(Cart.id))) == 0
    answer = add(client, product, 2)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cart")
    page = client.get("/cart").text
    assert "Pempek &lt;b&gt;udang&lt;/b&gt;" in page
    assert "Rp90.000" in page
    assert "no-store" in client.get("/cart").headers["Cache-Control"]


def test_adding_again_adds_up(client: FlaskClient, session: Session, product: Product) -> None:
    add(client, product, 1)
    add(client, product, 2)
    assert session.scalars(select(CartLine.quantity)).one() == 3


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost"}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
    ],
)
def test_a_form_on_another_site_cannot_fill_carts(
    client: FlaskClient, product: Product, headers: dict[str, str], status: int
) -> None:
    data = {"variant_id": product.variants[0].id, "quantity": 1}
    assert client.post("/cart/lines", data=data, headers=headers).status_code == status


@pytest.mark.parametrize(
    "quantity", ["0", "-1", "1000", "99999999999999999999", "dua", "1.5", "", "1e3", "٣", "1\x00"]
)
def test_a_quantity_that_makes_no_sense_is_shown_again(
    client: FlaskClient, session: Session, product: Product, quantity: str
) -> None:
    for already in (0, 3):
        if already:
            add(client, product, already)
        answer = add(client, product, quantity)
        assert answer.status_code == 422
        assert "Isi jumlah 1 sampai 999" in answer.text
        assert session.scalar(select(func.coalesce(func.sum(CartLine.quantity), 0))) == already


@pytest.mark.parametrize("variant", ["0", "-1", "9223372036854775808", "x", "", "999999"])
def test_an_unknown_variant_is_404(client: FlaskClient, variant: str) -> None:
    answer = client.post("/cart/lines", data={"variant_id": variant}, headers=OURS)
    assert answer.status_code == 404


def test_what_is_not_for_sale_cannot_be_added(
    client: FlaskClient, session: Session, product: Product
) -> None:
    product.listed = False
    session.commit()
    answer = add(client, product)
    assert answer.status_code == 422
    assert "sudah tidak dijual" in answer.text


def test_a_closed_producer_says_so(client: FlaskClient, session: Session) -> None:
    producer = make_producer(session, closed_from=NOW.date())
    product = make_product(session, producer, ready=5)
    session.commit()
    answer = add(client, product)
    assert answer.status_code == 422
    assert "sedang tutup" in answer.text


def test_lines_are_changed_and_removed(
    client: FlaskClient, session: Session, product: Product
) -> None:
    add(client, product)
    line = session.scalars(select(CartLine)).one()
    assert client.send("/cart", f"/cart/lines/{line.id}", quantity="3").status_code == 303
    session.expire_all()
    assert line.quantity == 3
    refused = client.send("/cart", f"/cart/lines/{line.id}", quantity="-7")
    assert refused.status_code == 422
    assert 'value="-7"' in refused.text
    assert f'id="error-{line.id}">Isi jumlah 1 sampai 999' in refused.text
    assert "/checkout" not in refused.text, "nobody orders another number than the one in sight"
    assert client.send("/cart", f"/cart/lines/{line.id}/removal").status_code == 303
    session.expire_all()
    assert session.scalar(select(func.count(CartLine.id))) == 0


def test_other_peoples_lines_are_404(
    app,
    client: FlaskClient,
    session: Session,
    product: Product,  # type: ignore[no-untyped-def]
) -> None:
    add(client, product)
    line = session.scalars(select(CartLine)).one()
    stranger = app.test_client()
    add(stranger, product)
    for action in (f"/cart/lines/{line.id}", f"/cart/lines/{line.id}/removal"):
        assert stranger.send("/cart", action, quantity="9").status_code == 404
    session.expire_all()
    assert line.quantity == 1


def test_a_line_too_many_is_told_in_the_cart(client: FlaskClient, product: Product) -> None:
    add(client, product, 9)
    page = client.get("/cart").text
    assert "Stok tinggal 5 bungkus" in page
    assert "/checkout" not in page


def test_htmx_gets_the_changed_part(
    client: FlaskClient, session: Session, product: Product
) -> None:
    add(client, product)
    line = session.scalars(select(CartLine)).one()
    token = client.csrf("/cart")
    answer = client.post(
        f"/cart/lines/{line.id}",
        data={"csrf_token": token, "quantity": "2"},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert 'id="cart"' in answer.text
    # The count at the top of the page comes along.
    assert 'hx-swap-oob="true"' in answer.text
    assert '<b class="count">2</b>' in answer.text


def test_the_price_of_one_is_said_where_it_is_not_the_amount(
    client: FlaskClient, product: Product
) -> None:
    add(client, product, 1)
    page = client.get("/cart").text
    assert page.count("Rp45.000") == 2, "the line, and the sum"
    add(client, product, 1)
    assert "2 × Rp45.000" in client.get("/cart").text


def test_the_badge_counts_packs_and_sets_no_cookie(client: FlaskClient, product: Product) -> None:
    headers = {"HX-Request": "true"}
    first = client.get("/cart/badge", headers=headers)
    assert "Set-Cookie" not in first.headers
    add(client, product, 4)
    assert ">4</b>" in client.get("/cart/badge", headers=headers).text
    assert client.get("/cart/badge").status_code == 303


def test_a_wrong_token_is_told_and_nothing_happens(
    client: FlaskClient, session: Session, product: Product
) -> None:
    add(client, product)
    line = session.scalars(select(CartLine)).one()
    answer = client.post(f"/cart/lines/{line.id}/removal", data={"csrf_token": "wrong"})
    assert answer.status_code == 400
    assert "terlalu lama terbuka" in answer.text
    assert session.scalar(select(func.count(CartLine.id))) == 1
