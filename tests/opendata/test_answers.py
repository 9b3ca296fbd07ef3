"""How the open data are answered: pages, ETags, refusals, limits, for any website."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.middleware.proxy_fix import ProxyFix

from ovop_market.config import from_environment
from ovop_market.core.errors import ConfigurationError
from ovop_market.extensions.addresses import sender
from ovop_market.opendata import queries
from ovop_market.web.paging import LAST_PAGE
from tests.factories import make_producer, make_product, make_user, make_village, sign_in

PROBLEM = "application/problem+json"
Limit = Callable[[str], None]


@pytest.fixture
def seven(session: Session) -> Session:
    maker = make_producer(session)
    for number in range(7):
        make_product(session, maker, slug=f"produk-{number}")
    session.commit()
    return session


@pytest.fixture
def limited(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Limit:
    def limit(rate: str) -> None:
        monkeypatch.setitem(app.config, "OVOP", replace(app.config["OVOP"], api_rate=rate))

    return limit


def links(answer: Any) -> dict[str, str]:
    found = re.findall(r'<([^>]+)>; rel="(\w+)"', ", ".join(answer.headers.getlist("Link")))
    return {relation: address.replace("http://localhost", "") for address, relation in found}


def slugs(answer: Any) -> list[str]:
    return [row["slug"] for row in answer.json["data"]]


def test_pages_follow_one_another(client: FlaskClient, seven: Session) -> None:
    address, seen, turns = "/api/v1/products?per_page=3&category=frozen", [], 0
    while address:
        answer = client.get(address)
        seen += slugs(answer)
        turns += 1
        assert answer.json["meta"] == {"page": turns, "per_page": 3, "pages": 3, "total": 7}
        found = links(answer)
        assert found["first"].endswith("page=1")
        assert found["last"].endswith("page=3")
        assert ("prev" in found) == (turns > 1)
        address = found.get("next", "")
        assert not address or "category=frozen" in address
    assert seen == [f"produk-{number}" for number in range(7)]
    assert turns == 3


@pytest.mark.parametrize(
    ("query", "slugs_there", "relations"),
    [
        ("page=1&per_page=7", 7, {"first", "last"}),
        ("page=2&per_page=7", 0, {"first", "last", "prev"}),
        ("page=4&per_page=2", 1, {"first", "last", "prev"}),
        (f"page={LAST_PAGE}&per_page=200", 0, {"first", "last", "prev"}),
        ("page=0000001&per_page=1", 1, {"first", "last", "next"}),
    ],
)
def test_the_edges_of_a_list(
    client: FlaskClient, seven: Session, query: str, slugs_there: int, relations: set[str]
) -> None:
    answer = client.get(f"/api/v1/products?{query}")
    assert len(slugs(answer)) == slugs_there
    found = links(answer)
    assert set(found) - {"license"} == relations
    if "prev" in relations and not slugs_there:
        assert slugs(client.get(found["prev"])), "back to where something is"


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("page=0", ["page"]),
        (f"page={LAST_PAGE + 1}", ["page"]),
        ("page=99999999999999999999", ["page"]),
        ("page=-1", ["page"]),
        ("page=1.0", ["page"]),
        ("page=%EF%BC%91", ["page"]),
        ("page=", ["page"]),
        ("page=1&page=2", ["page"]),
        ("per_page=0", ["per_page"]),
        ("per_page=201", ["per_page"]),
        ("category=ikan", ["category"]),
        ("village=Belo%20Laut", ["village"]),
        ("village=belo-laut%0A", ["village"]),
        ("halaman=2", ["halaman"]),
        ("sort=price&page=x&per_page=y", ["page", "per_page", "sort"]),
    ],
)
def test_what_cannot_be_used_is_named(
    client: FlaskClient, seven: Session, query: str, wrong: list[str]
) -> None:
    answer = client.get(f"/api/v1/products?{query}")
    assert (answer.status_code, answer.mimetype) == (400, PROBLEM)
    said = json.loads(answer.data)
    assert sorted(each["name"] for each in said["parameters"]) == wrong
    assert all(each["detail"] and each["name"] in said["detail"] for each in said["parameters"])
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_single_thing_is_asked_nothing(client: FlaskClient, seven: Session) -> None:
    for address in ("products/produk-1", "openapi.json", ""):
        url = f"/api/v1/{address}".rstrip("/")
        assert client.get(url).status_code == 200
        assert client.get(f"{url}?page=1").status_code == 400


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_what_has_not_changed_is_not_sent_again(
    client: FlaskClient, seven: Session, encoding: str
) -> None:
    headers = {"Accept-Encoding": encoding}
    first = client.get("/api/v1/products", headers=headers)
    etag = first.headers["ETag"]
    assert re.fullmatch('"[^"]+"', etag), "a strong one"
    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert first.headers.get("Content-Encoding", "") == encoding
    body = gzip.decompress(first.data) if encoding else first.data
    assert json.loads(body)["meta"]["total"] == 7
    again = client.get("/api/v1/products", headers={**headers, "If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    assert again.headers["Access-Control-Allow-Origin"] == "*"
    assert client.get("/api/v1/products", headers={"If-None-Match": "*"}).status_code == 304
    make_product(seven, make_producer(seven))
    seven.commit()
    changed = client.get("/api/v1/products", headers={**headers, "If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


def test_head_says_what_get_would(client: FlaskClient, seven: Session) -> None:
    got, head = client.get("/api/v1/products"), client.head("/api/v1/products")
    assert (head.status_code, head.data) == (200, b"")
    for name in ("ETag", "Content-Length", "Content-Type", "Link", "Cache-Control"):
        assert head.headers.getlist(name) == got.headers.getlist(name)


def test_no_cookie_for_anybody(client: FlaskClient, seven: Session) -> None:
    before = client.get("/api/v1/products")
    sign_in(client, make_user(seven))
    for address in ("", "/products", "/villages/belo-laut", "/tidak-ada", "/products?x=1"):
        answer = client.get(f"/api/v1{address}")
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")
    assert client.get("/api/v1/products").data == before.data


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(client: FlaskClient, seven: Session, method: str) -> None:
    for address in ("/api/v1", "/api/v1/products", "/api/v1/products/produk-1"):
        answer = client.open(address, method=method)
        assert (answer.status_code, answer.mimetype) == (405, PROBLEM)
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "address", ["/api/v1/", "/api/v1/tidak-ada", "/api/v2", "/api/v1/products/x", "/en/api/v1/x"]
)
def test_what_is_not_there(client: FlaskClient, session: Session, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (404, PROBLEM)
    said = json.loads(answer.data)
    assert said["status"] == 404
    assert said["title"] and said["detail"]
    assert "<" not in answer.text


def test_control_characters(client: FlaskClient, session: Session) -> None:
    answer = client.get("/api/v1/products?village=%00")
    assert (answer.status_code, answer.mimetype) == (400, PROBLEM)


def test_scripts_of_any_site_may_read(client: FlaskClient, seven: Session) -> None:
    answer = client.get("/api/v1/products", headers={"Origin": "https://koran.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Link" in answer.headers["Access-Control-Expose-Headers"]
    asked = {"Origin": "https://koran.example", "Access-Control-Request-Method": "GET"}
    before = client.options("/api/v1/products", headers=asked)
    assert before.status_code == 200
    assert before.headers["Access-Control-Allow-Headers"] == "If-None-Match"
    assert "Access-Control-Allow-Origin" not in client.get("/products").headers


def test_whoever_asks_too_often_waits(client: FlaskClient, seven: Session, limited: Limit) -> None:
    limited("3 per minute")
    for address in ("/api/v1", "/api/v1/products", "/api/v1/products?page=x"):
        assert client.get(address).status_code in (200, 400)
    answer = client.get("/api/v1/villages")
    assert (answer.status_code, answer.mimetype) == (429, PROBLEM)
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in answer.headers
    assert json.loads(answer.data)["status"] == 429
    assert client.get("/products").status_code == 200, "pages are not counted"
    assert client.get("/data").status_code == 200
    other = client.get("/api/v1/villages", environ_overrides={"REMOTE_ADDR": "203.0.113.9"})
    assert other.status_code == 200, "each address by itself"


def test_behind_a_proxy_each_visitor_by_himself(
    app: Flask, seven: Session, limited: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited("1 per minute")
    client = app.test_client()

    def ask(forwarded: str) -> int:
        return client.get("/api/v1", headers={"X-Forwarded-For": forwarded}).status_code

    assert [ask("203.0.113.1"), ask("203.0.113.2")] == [200, 429], (
        "no proxy is trusted: one address"
    )
    monkeypatch.setattr(app, "wsgi_app", ProxyFix(app.wsgi_app, x_for=1))
    assert [ask("203.0.113.1"), ask("203.0.113.2"), ask("203.0.113.1")] == [200, 200, 429]
    assert ask("203.0.113.9, 203.0.113.1") == 429, (
        "what stands before the proxy's word is anybody's"
    )


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("unix:", "unix:"),
    ],
)
def test_who_counts_as_one(app: Flask, address: str, counted_as: str) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert sender() == counted_as


def test_the_limit_is_set_and_checked() -> None:
    assert from_environment({"OVOP_ENV": "testing"}).api_rate == "120 per minute"
    with pytest.raises(ConfigurationError, match="OVOP_API_RATE"):
        from_environment({"OVOP_API_RATE": "sering"})
    one, two = (
        from_environment({"DATABASE_URL": url, "REDIS_URL": "redis://localhost"}).flask()
        for url in ("postgresql://a:geheim@h/x", "postgresql://a:geheim@h/y")
    )
    assert one["RATELIMIT_STORAGE_URI"] == "redis://localhost"
    assert one["RATELIMIT_KEY_PREFIX"] != two["RATELIMIT_KEY_PREFIX"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(OperationalError("SELECT", {}, Exception("away")), 503), (ZeroDivisionError("oh"), 500)],
)
def test_our_own_faults(
    client: FlaskClient,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
) -> None:
    def fail(*_given: object) -> None:
        raise error

    make_village(session)
    monkeypatch.setattr(queries, "villages", fail)
    answer = client.get("/api/v1/villages")
    assert (answer.status_code, answer.mimetype) == (status, PROBLEM)
    assert "away" not in answer.text
    assert ("Retry-After" in answer.headers) == (status == 503)
