"""Public pages: the same for everybody, kept by anyone, and fresh within two seconds."""

from __future__ import annotations

import gzip

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, update
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from ovop_market.catalogue.models import Product, Variant
from ovop_market.web.assets import encoded
from tests.factories import make_product, make_user, sign_in

PUBLIC = (
    "/",
    "/products",
    "/products?q=pempek",
    "/products/pempek",
    "/villages/belo-laut",
    "/data",
)
BUDGET = 60 * 1024  # bytes of HTML, CSS and JavaScript, compressed


@pytest.fixture
def product(session: Session) -> Product:
    return make_product(session, ready=5, slug="pempek", name="Pempek udang")


@pytest.mark.parametrize("address", PUBLIC)
def test_no_cookie_and_any_cache(client: FlaskClient, product: Product, address: str) -> None:
    for _time in ("first", "kept"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers["Vary"]
        assert answer.headers["Cache-Control"] == "public, max-age=1"
        etag = answer.headers["ETag"]
        again = client.get(address, headers={"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b"")


def test_signed_in_or_not_the_page_is_the_same(
    app: Flask, client: FlaskClient, session: Session, product: Product
) -> None:
    before = client.get("/products/pempek").data
    app.extensions["kept pages"].clear()
    sign_in(client, make_user(session, name="Nama Rahasia"))
    after = client.get("/products/pempek")
    assert after.data == before
    assert "Set-Cookie" not in after.headers


def test_a_change_is_seen_at_once_in_the_same_process(
    client: FlaskClient, session: Session, product: Product
) -> None:
    assert "Rp45.000" in client.get("/products/pempek").text
    product.variants[0].price = 47_500
    session.commit()
    assert "Rp47.500" in client.get("/products/pempek").text


def test_a_page_is_never_older_than_the_database_after_a_new_connection(
    app: Flask, client: FlaskClient, session: Session, product: Product
) -> None:
    """A connection that watched the database breaks; it changes; the next one counts anew."""
    version = app.extensions["kept pages"].version
    session.commit()
    version.close()
    engine = create_engine(app.config["OVOP"].database_url, poolclass=NullPool)
    for price in (46_001, 46_002, 46_003):
        shown = client.get("/products/pempek").text
        version._connection.close()
        version.forget()
        kept = client.get("/products/pempek")
        assert (kept.text, "Age" in kept.headers) == (shown, True)  # not to be asked just now
        with engine.begin() as another:
            another.execute(update(Variant).values(price=price))
        version.forget()
        assert f"Rp{price:,}".replace(",", ".") in client.get("/products/pempek").text


def test_page_and_fragment_are_kept_apart(client: FlaskClient, product: Product) -> None:
    for _time in ("first", "kept"):
        whole = client.get("/products").text
        part = client.get("/products", headers={"HX-Request": "true"}).text
        boosted = client.get("/products", headers={"HX-Request": "true", "HX-Boosted": "true"})
        assert "<html" in whole
        assert "<html" not in part
        assert "<html" in boosted.text


def test_the_languages_are_kept_apart(client: FlaskClient, product: Product) -> None:
    for _time in ("first", "kept"):
        assert '<html lang="id">' in client.get("/").text
        assert '<html lang="en">' in client.get("/en/").text
        assert 'href="/en/products"' in client.get("/en/").text


def test_compressed_forms_hold_the_same(client: FlaskClient, product: Product) -> None:
    plain = client.get("/").data
    for _time in ("first", "kept"):
        packed = client.get("/", headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == plain


@pytest.mark.parametrize("address", PUBLIC)
def test_a_page_with_all_it_loads_is_light(
    app: Flask, client: FlaskClient, product: Product, address: str
) -> None:
    page = client.get(address, headers={"Accept-Encoding": "br"})
    assets = app.extensions["assets"]
    used = [assets[name] for name in ("css/site.css", "js/site.js", "htmx.js")]
    assert all(asset.address in client.get(address).text for asset in used)
    loaded = len(page.data) + sum(len(encoded(asset.body, "br")) for asset in used)
    assert loaded <= BUDGET


def test_an_asset_may_be_kept_for_ever(app: Flask, client: FlaskClient) -> None:
    asset = app.extensions["assets"]["css/site.css"]
    answer = client.get(f"/assets/{asset.address}")
    assert "immutable" in answer.headers["Cache-Control"]
    etag = answer.headers["ETag"]
    again = client.get(f"/assets/{asset.address}", headers={"If-None-Match": etag})
    assert again.status_code == 304
    assert client.get("/assets/css/site.000000000000.css").status_code == 404


@pytest.mark.parametrize("address", ["/?q=%00", "/products?q=a%01b", "/products/%00", "/en/%00"])
def test_control_characters_are_refused(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code in (400, 404)


def test_the_policy_allows_nothing_inline(client: FlaskClient, product: Product) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_kept_pages_have_all_headers(client: FlaskClient, session: Session) -> None:
    """A page that is answered from what is kept is as well protected as one that is rendered."""
    product = make_product(session)
    session.commit()
    own = {"X-Request-ID", "Content-Length", "Date"}
    for page in ("/", "/products", f"/products/{product.slug}", "/en/", "/regions?q=mentok"):
        first, kept = client.get(page).headers, client.get(page).headers
        assert "X-Request-ID" not in kept, f"{page} is not kept"
        # In whatever order its parts are named.
        first["Vary"], kept["Vary"] = (
            ", ".join(sorted(h["Vary"].split(", "))) for h in (first, kept)
        )
        assert {k: v for k, v in first if k not in own} == {k: v for k, v in kept if k not in own}
        for name in ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options"):
            assert kept[name]
