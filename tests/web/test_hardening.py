"""What attackers' tools try first."""

from __future__ import annotations

import os
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.test import EnvironBuilder, run_wsgi_app

from ovop_market.accounts.services import email_of
from ovop_market.config import from_environment
from ovop_market.core.errors import ConfigurationError
from ovop_market.orders.models import CartLine
from ovop_market.orders.states import OrderState
from ovop_market.payments.models import Payment
from ovop_market.payments.states import PaymentState
from ovop_market.web.hosts import KnownHosts
from tests.factories import make_order, make_product, make_user, sign_in
from tests.pages import token_in

HTTPS = "https://localhost"


@pytest.mark.parametrize(
    "host",
    ["..", "a..b", "a" * 64 + ".id", "[", "a b", "", "x/../y", "é", "-a", "a:b", "a@b"],
)
def test_a_malformed_host_is_400(client: FlaskClient, host: str) -> None:
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code == 400


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(
    "host", ["[:::::]", "[::ffff:1.2.3.4.5]", "[1.2.3.4]", "[12345::]", "[::1::]:80", "[.:]"]
)
def test_what_only_looks_like_an_address_is_400(app: Flask, host: str, named: bool) -> None:
    """Any page, and the page of an error: none is made for it."""
    serve = app.wsgi_app
    known = KnownHosts(serve.wrapped, "https://ovop.example" if named else "", lambda: "?")
    environ = EnvironBuilder(path="/products", headers={"Host": host}).get_environ()
    assert run_wsgi_app(known, environ)[1] == "400 BAD REQUEST"


@pytest.mark.parametrize("host", ["[::1]", "[2001:db8::7]:8000", "[::ffff:1.2.3.4]"])
def test_an_address_of_the_other_kind_is_fine(client: FlaskClient, host: str) -> None:
    assert client.get("/products", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "ovop.example"])
def test_a_plain_host_is_fine(client: FlaskClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["http://[", "http://[::1", "http://a]", "https://localhost", "ftp://localhost", "null"],
)
def test_an_odd_origin_is_refused(client: FlaskClient, origin: str) -> None:
    answer = client.post("/cart/lines", data={"variant_id": 1}, headers={"Origin": origin})
    assert answer.status_code == 403


def test_a_page_that_sends_no_referer_works_over_https(app: Flask, session: Session) -> None:
    order = make_order(session, OrderState.SHIPPED)
    client = app.test_client()
    page = f"/purchases/{order.purchase.token}"
    token = token_in(client.get(page, base_url=HTTPS).text)
    answer = client.post(
        f"{page}/orders/{order.number}/receipt",
        data={"csrf_token": token},
        base_url=HTTPS,
        headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 303


def test_another_site_cannot_post_even_with_a_token(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_user(session))
    token = client.csrf("/account")
    answer = client.post(
        "/sign-out", data={"csrf_token": token}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert client.get("/account").status_code == 200


def photo(width: int = 1200, height: int = 1600) -> bytes:
    """A picture that compresses as badly as a photo does."""
    image = Image.frombytes("RGB", (width, height), os.urandom(width * height * 3))
    file = BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


def test_photos_of_several_megabytes_are_taken(client: FlaskClient, session: Session) -> None:
    order = make_order(session, OrderState.ACCEPTED)
    page = f"/purchases/{order.purchase.token}"
    token = client.csrf(page)
    payment = session.scalars(select(Payment)).one()
    picture = photo()
    assert len(picture) > 1_000_000
    answer = client.post(
        f"{page}/payments/{payment.id}/claim",
        data={
            "csrf_token": token,
            "reference": "BCA Sari",
            "proof": (BytesIO(picture), "bukti.jpg"),
        },
        content_type="multipart/form-data",
    )
    assert answer.status_code == 303
    session.expire_all()
    assert payment.state is PaymentState.CLAIMED
    assert payment.proof_key


def test_a_claim_that_comes_too_late_is_told_with_what_was_typed(
    client: FlaskClient, session: Session
) -> None:
    order = make_order(session, OrderState.PREPARING)
    page = f"/purchases/{order.purchase.token}"
    payment = session.scalars(select(Payment)).one()
    data = {"csrf_token": client.csrf("/sign-in"), "reference": "BCA Sari"}
    answer = client.post(f"{page}/payments/{payment.id}/claim", data=data)
    assert answer.status_code == 409
    assert "Sudah dibayar" in answer.text


@pytest.mark.parametrize("address", ["/sign-in", "/register"])
def test_a_file_in_a_text_fields_place_is_no_text(client: FlaskClient, address: str) -> None:
    names = ("name", "login", "password", "next")
    files = {name: (BytesIO(b"x"), "a.txt") for name in names}
    answer = client.post(
        address,
        data={"csrf_token": client.csrf(address), **files},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "text", ["a\n@x.example", '"><x>@a.example', "a@b@c.example", "a b@c.example", "@c.example"]
)
def test_what_is_no_email_address(text: str) -> None:
    assert email_of(text) is None


@pytest.mark.parametrize(
    "environment",
    [
        {"OVOP_ENV": "production"},
        {"OVOP_ENV": "production", "SECRET_KEY": "x" * 31},
        {"OVOP_ENV": "staging"},
        {"TRUSTED_PROXIES": "-1"},
        {"TRUSTED_PROXIES": "x"},
        {"OVOP_MEDIA": "s3://bucket"},
    ],
)
def test_what_it_refuses_to_start_with(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        from_environment(environment)


def test_errors_are_kept_by_nobody(client: FlaskClient) -> None:
    assert client.get("/products/tidak-ada").headers["Cache-Control"] == "no-store"


def test_a_body_in_pieces_is_refused_whole(client: FlaskClient, session: Session) -> None:
    """Without its length it must not be cut where the limit is, and then be believed."""
    product = make_product(session, ready=20)
    session.commit()
    variant = product.variants[0].id
    for size, status in ((1_000, 303), (80_000, 413)):
        body = f"variant_id={variant}&pad={'x' * size}&quantity=12".encode()
        answer = client.post(
            "/cart/lines",
            input_stream=BytesIO(body),
            content_type="application/x-www-form-urlencoded",
            headers={"Origin": "http://localhost", "Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True},
        )
        assert answer.status_code == status
    assert [line.quantity for line in session.scalars(select(CartLine))] == [12]


def test_a_page_about_the_database_does_without_it(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_reach(*_args: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("no connection"))

    product = make_product(session, ready=1)
    data = {"variant_id": product.variants[0].id}
    client.post("/cart/lines", data=data, headers={"Sec-Fetch-Site": "same-origin"})
    monkeypatch.setattr("ovop_market.orders.services.cart.find", out_of_reach)
    monkeypatch.setattr("ovop_market.orders.queries.cart_count", out_of_reach)
    answer = client.get("/cart")
    assert answer.status_code == 503
    assert "Sedang sibuk" in answer.text
