"""The privacy notice: every version that somebody agreed to can be read, and consent is real."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.orders.models import Purchase
from ovop_market.orders.services.checkout import CONSENT_VERSION
from ovop_market.privacy import versions
from tests.factories import NOW, make_delivery, make_producer, make_product, make_purchase
from tests.orders.test_checkout_pages import begin


@pytest.mark.parametrize("prefix", ["", "/en"])
@pytest.mark.parametrize("version", versions.VERSIONS, ids=lambda version: version.name)
def test_every_version_is_readable_in_both_languages(
    client: FlaskClient, prefix: str, version: versions.Version
) -> None:
    page = client.get(f"{prefix}/privacy/{version.name}")
    assert page.status_code == 200 and version.name in page.text
    # A page for everybody: no cookie, and caches may keep it.
    assert "Set-Cookie" not in page.headers


def test_the_latest_is_the_one_that_is_agreed_to(client: FlaskClient) -> None:
    assert versions.VERSIONS[0] == versions.LATEST
    assert versions.LATEST.name == CONSENT_VERSION
    assert f"Versi {CONSENT_VERSION}" in client.get("/privacy").text
    assert "versi lama" in client.get("/privacy/2026-11").text
    assert client.get("/privacy/2019-01").status_code == 404


def test_it_says_who_answers_and_how_long(app: Flask, client: FlaskClient) -> None:
    kept = app.config["OVOP"]
    app.config["OVOP"] = replace(
        kept,
        privacy_controller="Koperasi Contoh",
        privacy_contact="privasi@ovop.example",
        retention_days=400,
    )
    try:
        for address in ("/privacy?a=1", "/en/privacy?a=1"):
            page = client.get(address).text
            assert all(t in page for t in ("Koperasi Contoh", "privasi@ovop.example", "400"))
    finally:
        app.config["OVOP"] = kept
    assert "Koperasi Contoh" not in client.get("/privacy?a=2").text


def test_it_is_linked_from_every_page_and_beside_the_consent(
    client: FlaskClient, session: Session
) -> None:
    make_delivery(session)
    product = make_product(session, make_producer(session, slug="toko"), ready=5)
    session.commit()
    assert 'href="/privacy"' in client.get("/").text
    assert 'href="/en/privacy"' in client.get("/en/").text
    begin(client, product)
    page = client.get("/checkout").text
    form = page[page.index('id="send"') : page.index("</form>", page.index('id="send"'))]
    assert 'href="/privacy"' in form


def test_consent_is_given_by_the_buyer_and_kept_with_version_and_time(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    make_delivery(session)
    product = make_product(session, make_producer(session, slug="toko"), ready=5)
    session.commit()
    fields = begin(client, product)
    box = next(
        tag for tag in client.get("/checkout").text.split("<input") if 'name="consent"' in tag
    )
    assert "checked" not in box.partition(">")[0]
    for given in (None, "", "0", "false"):
        asked = {k: v for k, v in fields.items() if k != "consent"}
        asked |= {} if given is None else {"consent": given}
        refused = client.post("/checkout", data=asked)
        assert refused.status_code == 422 and "Centang dulu persetujuan" in refused.text
        again = next(t for t in refused.text.split("<input") if 'name="consent"' in t)
        assert "checked" not in again.partition(">")[0]
    assert session.scalar(select(Purchase.id)) is None
    assert client.post("/checkout", data=fields).status_code == 303
    purchase = session.scalars(select(Purchase)).one()
    assert purchase.consent_version == CONSENT_VERSION
    assert purchase.consent_at == purchase.placed_at


def test_whoever_agreed_earlier_finds_what_they_agreed_to(
    client: FlaskClient, session: Session
) -> None:
    bought = make_purchase(session, [(make_product(session, ready=5), 1)], now=NOW)
    bought.consent_version = "2026-11"
    session.commit()
    assert 'href="/privacy/2026-11"' in client.get(f"/purchases/{bought.token}/privacy").text
