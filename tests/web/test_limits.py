"""How often something may be asked, and what people read when it was too often."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.config import from_environment
from ovop_market.core.errors import ConfigurationError
from ovop_market.extensions import limiter
from ovop_market.orders.models import Purchase
from ovop_market.orders.services import hoarding
from ovop_market.web import access, limits
from tests.factories import make_order, make_product, make_purchase, make_user, sign_in
from tests.process.visitor import filled

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
# Someone who is not at this machine (TEST-NET-3, RFC 5737), and somebody else.
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}
FURTHER = {"REMOTE_ADDR": "203.0.113.8"}
# POSTs that nobody has to sign in for and that name no limit, and why that is so.
UNLIMITED = {
    "/sign-in/code": "its own delays as well; without a password that was right there is no page",
    "/sign-in": "its own delays grow in the database, by account and by address",
    "/sign-out": "changes nothing but the visitor's own cookie",
    "/gateway/midtrans/notification": "signed; a limit would lose what was paid",
}

Rates = Callable[..., None]


@pytest.fixture
def rates(app: Flask) -> Iterator[Rates]:
    """Sets limits for this test: rates(checkout_person="2 per minute"); all others are off."""

    def change(**changed: str) -> None:
        named = {name.replace("_", "."): rate for name, rate in changed.items()}
        app.extensions["limits"] = limits._rates({"all": "off", **named})

    limiter.storage.reset()
    usual = app.extensions["limits"]
    yield change
    app.extensions["limits"] = usual
    limiter.storage.reset()


def test_what_nobody_signs_in_for_names_its_limit(app: Flask) -> None:
    silent = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.methods - access.SAFE_METHODS  # type: ignore[operator]
        and access.door_of(rule.endpoint).kind in ("visitor", "link")  # type: ignore[union-attr]
        and not limits.names_of(rule.endpoint)
    }
    assert silent == set(UNLIMITED), "name its limit: @limits.on(…) beside its door"


def test_secret_links_exports_and_uploads_name_theirs(app: Flask) -> None:
    views = app.view_functions
    for rule in app.url_map.iter_rules():
        names = limits.names_of(rule.endpoint)
        if "<token>" in rule.rule:
            assert "tracking" in names, rule.rule
        if "/export." in rule.rule:
            assert "export" in names, rule.rule
        if hasattr(views[rule.endpoint], "max_body"):
            assert "upload" in names, rule.rule


def test_a_limit_that_does_not_exist_cannot_be_named() -> None:
    with pytest.raises(ValueError, match="checkuot"):
        limits.on("checkuot")


@pytest.mark.parametrize("given", ["checkout.address", "checkout.address=often", "x=off"])
def test_settings_that_are_none(given: str) -> None:
    with pytest.raises(ConfigurationError, match="OVOP_LIMITS"):
        limits._rates(from_environment({"OVOP_ENV": "testing", "OVOP_LIMITS": given}).limits)


def test_settings() -> None:
    given = "checkout.address=5 per minute, search.address=off"
    changed = from_environment({"OVOP_ENV": "testing", "OVOP_LIMITS": given}).limits
    got = limits._rates(changed)
    assert [str(item) for item in got["checkout"]["address"]] == ["5 per 1 minute"]
    assert got["search"]["address"] == ()
    assert got["checkout"]["person"]


def test_one_visitor_is_stopped_and_the_neighbours_are_not(
    app: Flask, session: Session, rates: Rates
) -> None:
    variant = make_product(session, ready=50).variants[0].id
    rates(cart_person="3 per minute")
    for _visitor in range(2):
        client = app.test_client()
        sent = [
            client.post("/cart/lines", data={"variant_id": variant}, headers=SAME_ORIGIN)
            for _ in range(5)
        ]
        # The first one makes the cart by which the visitor is known.
        assert [answer.status_code for answer in sent] == [303, 303, 303, 303, 429]
        assert 1 <= int(sent[-1].headers["Retry-After"]) <= 60
        assert sent[-1].headers["Cache-Control"] == "private, no-store"


def test_an_account_is_one_from_everywhere(app: Flask, session: Session, rates: Rates) -> None:
    person = make_user(session)
    variant = make_product(session, ready=50).variants[0].id
    rates(cart_person="2 per minute")
    got = []
    for place in (ELSEWHERE, FURTHER, ELSEWHERE):
        client = app.test_client()
        sign_in(client, person)
        answer = client.post(
            "/cart/lines",
            data={"variant_id": variant},
            headers=SAME_ORIGIN,
            environ_overrides=place,
        )
        got.append(answer.status_code)
    assert got == [303, 303, 429]


def test_addresses_are_counted_apart(client: FlaskClient, rates: Rates) -> None:
    rates(search_address="2 per minute")
    asked = [
        client.get(f"/products?q={place['REMOTE_ADDR']}+{n}", environ_overrides=place)
        for place in (ELSEWHERE, FURTHER)
        for n in range(3)
    ]
    assert [answer.status_code for answer in asked] == [200, 200, 429] * 2


def test_what_is_kept_costs_nothing_and_lists_without_words_neither(
    client: FlaskClient, rates: Rates
) -> None:
    rates(search_address="1 per minute")
    for _ in range(3):
        assert client.get("/products?q=udang").status_code == 200
        assert client.get("/products?sort=newest").status_code == 200
        assert client.get("/").status_code == 200
    assert client.get("/products?q=rotan").status_code == 429
    # What is refused is kept by nobody, and does not drop what was kept.
    assert client.get("/products?q=rotan").headers["Cache-Control"] == "no-store"
    assert client.get("/products?q=udang").status_code == 200


def test_programs_and_htmx_are_told_in_their_own_way(client: FlaskClient, rates: Rates) -> None:
    rates(areas_address="1 per minute")
    client.get("/regions?q=mentok")
    as_json = client.get("/regions?q=kelapa", headers={"Accept": "application/json"})
    assert (as_json.status_code, as_json.mimetype) == (429, "application/problem+json")
    assert as_json.json["status"] == 429
    part = client.get("/regions?q=kelapa", headers={"HX-Request": "true"})
    assert part.status_code == 429
    # The notice is put on top of the page: what was typed stays where it is.
    assert part.headers["HX-Retarget"] == "#notices"
    assert 'role="alert"' in part.text
    assert "<html" not in part.text
    for answer in (as_json, part):
        assert int(answer.headers["Retry-After"]) >= 1


def hidden(page: str) -> dict[str, str]:
    """What is sent again by the page's form; its token is a new one."""
    form = page.partition('class="stack tight resend"')[2].partition("</form>")[0]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def but_for_the_token(form: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in form.items() if name != "csrf_token"}


def test_a_checkout_that_is_refused_keeps_what_was_typed(
    client: FlaskClient, session: Session, rates: Rates
) -> None:
    product = make_purchase(session, [(make_product(session, ready=9), 1)]).orders[0].lines[0]
    line = {"variant_id": product.variant_id}
    client.post("/cart/lines", data=line, headers=SAME_ORIGIN)
    form = filled(client.get("/checkout?region_code=32.73.02.1001").text, 'Sari "x" <b>')
    form["street"] = "Jalan Contoh 2\nRT 3 & 4"
    rates(checkout_person="1 per minute")
    first = client.post("/checkout", data={**form, "consent": "", "update": "1"})
    assert first.status_code == 200
    refused = client.post("/checkout", data=form)
    assert refused.status_code == 429
    assert "Terlalu sering dicoba" in refused.text
    assert but_for_the_token(hidden(refused.text)) == but_for_the_token(form)
    before = session.scalar(select(func.count(Purchase.id)))
    rates()
    again = client.post("/checkout", data=hidden(refused.text))
    assert again.status_code == 303
    assert session.scalar(select(func.count(Purchase.id))) == (before or 0) + 1


def test_a_password_is_in_no_page(client: FlaskClient, session: Session, rates: Rates) -> None:
    rates(register_person="1 per minute")
    token = client.csrf("/register")
    fields = {"csrf_token": token, "name": "Sari", "login": "sari@ovop.example"}
    client.post("/register", data={**fields, "password": ""})
    refused = client.post("/register", data={**fields, "password": "rahasia-sekali-77"})
    assert refused.status_code == 429
    assert "rahasia-sekali-77" not in refused.text
    assert but_for_the_token(hidden(refused.text)) == but_for_the_token(fields)
    assert 'type="password"' in refused.text
    assert session.scalar(select(func.count(User.id))) == 0


def test_guessing_links_is_dearer_than_following_one(
    client: FlaskClient, session: Session, rates: Rates
) -> None:
    token = make_order(session).purchase.token
    rates(tracking_address=f"{3 * limits.UNKNOWN_LINK + 5} per minute")
    for _ in range(5):
        assert client.get(f"/purchases/{token}").status_code == 200
    guesses = [client.get(f"/purchases/{n}").status_code for n in range(5)]
    assert guesses == [404, 404, 404, 429, 429]
    # Whoever has a link is at another address.
    assert client.get(f"/purchases/{token}", environ_overrides=FURTHER).status_code == 200


def test_uploads_are_counted_by_their_size(
    client: FlaskClient, session: Session, rates: Rates
) -> None:
    order = make_order(session)
    page = f"/purchases/{order.purchase.token}"
    token = client.csrf(page)
    rates(upload_size="40 per day")
    got = [
        client.post(
            f"{page}/payments/1/claim", data={"csrf_token": token, "reference": "x" * 18_000}
        )
        for _ in range(3)
    ]
    assert [answer.status_code for answer in got][-1] == 429
    assert 429 not in [answer.status_code for answer in got][:2]
    assert "hari ini" in got[-1].text
    assert int(got[-1].headers["Retry-After"]) <= 24 * 3600


def test_without_redis_each_process_counts_alone(
    app: Flask, client: FlaskClient, rates: Rates, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        def hit(self, *_args: object, **_named: object) -> bool:
            raise ConnectionError

    monkeypatch.setattr(type(limiter), "limiter", property(lambda _self: Gone()))
    counter = app.extensions["limits counter"]
    rates(search_address="2 per minute")
    try:
        got = [client.get(f"/products?q=a{n}").status_code for n in range(3)]
    finally:
        counter.until = 0.0
        counter.alone.storage.reset()
    assert got == [200, 200, 429]


def test_whoever_pays_for_nothing_cannot_hold_everything(
    app: Flask, client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hoarding, "MOST_OPEN", 2)
    product = make_product(session, ready=50)
    for _ in range(2):
        make_purchase(session, [(product, 1)], phone="+6281234567890")
    line = {"variant_id": product.variants[0].id}
    client.post("/cart/lines", data=line, headers=SAME_ORIGIN)
    form = filled(client.get("/checkout?region_code=32.73.02.1001").text, "Sari")
    refused = client.post("/checkout", data=form, environ_overrides=ELSEWHERE)
    assert refused.status_code == 409
    assert "belum dibayar" in refused.text
    assert 'value="Sari"' in refused.text
    # Somebody else may have written this number, and has the links.
    assert "Hubungi pengelola OVOP Market." in refused.text
    config = app.config["OVOP"]
    monkeypatch.setitem(app.config, "OVOP", replace(config, privacy_contact="+62 812-0000-1111"))
    refused = client.post("/checkout", data=form, environ_overrides=ELSEWHERE)
    assert refused.status_code == 409
    assert "Hubungi +62 812-0000-1111." in refused.text
    assert session.scalar(select(func.count(Purchase.id))) == 2
    # Another number is another person; and from the machine itself everybody may come.
    other = {**form, "phone": "0812-9999-0000"}
    answer = client.post("/checkout", data=other, environ_overrides=ELSEWHERE)
    assert answer.status_code == 303
    client.post("/cart/lines", data=line, headers=SAME_ORIGIN)
    form = filled(client.get("/checkout?region_code=32.73.02.1001").text, "Sari")
    assert client.post("/checkout", data=form).status_code == 303


def test_an_upload_in_chunks_counts_as_the_largest(app: Flask) -> None:
    """Nobody says beforehand how long it is, so that it would count as nothing."""
    most = app.view_functions["payments.claim"].max_body  # type: ignore[attr-defined]
    url = "/purchases/x/payments/1/claim"
    with app.test_request_context(url, method="POST"):
        assert limits._kibibytes() == most // 1024
    with app.test_request_context(url, method="POST", content_length=5_000):
        assert limits._kibibytes() == 5


def test_asking_for_another_login_is_limited_by_account(
    app: Flask, session: Session, rates: Rates
) -> None:
    person = make_user(session)
    rates(**{"login change_person": "2 per minute"})
    got = []
    for _device in range(3):
        client = app.test_client()
        sign_in(client, person)
        fields = {"email": "baru@ovop.example", "current": "salah-sekali"}
        got.append(client.send("/account/email", "/account/email", **fields))
    assert [answer.status_code for answer in got] == [422, 422, 429]
    assert "baru@ovop.example" in got[-1].text and "salah-sekali" not in got[-1].text
    assert "<dt>Email baru</dt>" in got[-1].text, "as the form calls it"
