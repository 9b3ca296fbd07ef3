"""Default deny: every view names its door, and the doors do what they say."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from ovop_market.web import access
from ovop_market.web.access import SAFE_METHODS

# The one URL to which another machine posts.
SIGNED = "/gateway/midtrans/notification"


def test_every_view_names_its_door(app: Flask) -> None:
    undeclared = [
        endpoint for endpoint, view in app.view_functions.items() if not hasattr(view, "door")
    ]
    assert not undeclared


def test_no_public_page_changes_anything(app: Flask) -> None:
    changing = [
        str(rule)
        for rule in app.url_map.iter_rules()
        if access.door_of(rule.endpoint).kind == "public" and rule.methods - SAFE_METHODS  # type: ignore[union-attr, operator]
    ]
    assert not changing


def test_only_the_cart_trusts_the_origin_alone(app: Flask) -> None:
    by_origin = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if access.door_of(rule.endpoint).guard == "origin"  # type: ignore[union-attr]
    }
    assert by_origin == {"/cart/lines"}


def test_only_the_gateway_is_let_in_by_a_signature(app: Flask) -> None:
    """Its view checks it (tests/payments/test_gateway_notifications.py); nobody else has a key."""
    guards = {access.door_of(rule.endpoint).guard for rule in app.url_map.iter_rules()}  # type: ignore[union-attr]
    assert guards == {"csrf", "origin", "signature"}
    signed = {
        (rule.rule, *sorted(rule.methods - {"OPTIONS"}))  # type: ignore[operator]
        for rule in app.url_map.iter_rules()
        if access.door_of(rule.endpoint).guard == "signature"  # type: ignore[union-attr]
    }
    assert signed == {(SIGNED, "POST")}


def test_an_undeclared_view_is_refused(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.view_functions, "health.alive", lambda: "open")
    assert client.get("/healthz").status_code == 403


PARTS = {"number": "AAAA-BBBB", "what": "receipt", "login": "email"}
WORDS = ("token", "slug", "name", "address", "code", "version")


def address(app: Flask, rule: Rule, method: str) -> str:
    """An address by a rule, of a thing that there is not."""
    parts = {**dict.fromkeys(rule.arguments, 1), **dict.fromkeys(WORDS, "x"), **PARTS}
    arguments = {name: parts[name] for name in rule.arguments}
    return app.url_map.bind("localhost").build(rule.endpoint, arguments, method=method)


def test_every_post_without_a_token_is_refused(app: Flask, client: FlaskClient) -> None:
    for rule in app.url_map.iter_rules():
        if "POST" not in rule.methods:  # type: ignore[operator]
            continue
        status = client.post(
            address(app, rule, "POST"), data={"quantity": "1", "variant_id": "1"}
        ).status_code
        # 400: no token; 403: not from our own page; 404: there is no gateway here.
        expected = {"/cart/lines": 403, SIGNED: 404}.get(rule.rule, 400)
        assert status == expected, (rule.rule, status)


FOREIGN = [
    {"Origin": "https://elsewhere.example"},
    {"Origin": "http://localhost.elsewhere.example"},
    {"Origin": "http://localhost:8001"},
    {"Origin": "localhost"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_every_post_from_another_site_is_refused_even_with_a_token(
    app: Flask, client: FlaskClient, headers: dict[str, str]
) -> None:
    token = client.csrf("/register")
    for rule in app.url_map.iter_rules():
        if "POST" not in rule.methods or rule.rule == SIGNED:  # type: ignore[operator]
            continue
        path = address(app, rule, "POST")
        answer = client.post(path, data={"csrf_token": token}, headers=headers)
        assert answer.status_code == 403, (rule.rule, answer.status_code)


def test_every_get_answers_as_a_whole_page_and_never_fails(app: Flask, client: FlaskClient) -> None:
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods:  # type: ignore[operator]
            continue
        path = address(app, rule, "GET")
        answer = client.get(path)
        # 400: a table of the open data, which does not guess which one is meant.
        good = (400,) if path.startswith("/api/v1/reach/") else (200, 303, 404)
        # No worker runs here.
        good = (200, 503) if path == "/readyz" else good
        assert answer.status_code in good, (path, answer.status_code)
