"""Whatever goes wrong is said in the site's own look, in both languages, with what to do next."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from ovop_market.config import ROOT
from ovop_market.web import access, plain_errors
from tests.pages import check_html

# What can be answered, by whom: the application (A), gunicorn where what came is no request (G),
# the proxy where the application is down, slow, or spared (P).
MADE_BY = {
    400: "AGP",
    403: "AGP",
    404: "AP",
    405: "AP",
    408: "AGP",
    409: "A",
    410: "A",
    411: "G",
    413: "AP",
    414: "AGP",
    415: "A",
    421: "AP",
    422: "A",
    429: "AP",
    431: "AGP",
    500: "AGP",
    501: "AGP",
    502: "P",
    503: "AP",
    504: "P",
    507: "AG",
}
FALLBACK = "Ada yang salah di pihak kami"


class _Error(HTTPException):
    def __init__(self, code: int) -> None:
        super().__init__(HTTPStatus(code).phrase)
        self.code = code


@pytest.fixture
def failing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A client of which each request fails with the status in X-Fail."""

    def fail() -> None:
        status = int(request.headers.get("X-Fail", 0))
        if status:
            raise _Error(status)

    before = app.before_request_funcs.setdefault(None, [])
    # Before the doors: who is asked to sign in has not failed.
    doors = before.index(access._admit)
    funcs = [*before[:doors], fail, *before[doors:]]
    monkeypatch.setitem(app.before_request_funcs, None, funcs)
    return app.test_client()


@pytest.mark.parametrize("status", [s for s, who in MADE_BY.items() if "A" in who])
def test_the_application_says_it_in_both_languages(failing: FlaskClient, status: int) -> None:
    told = {}
    for language, root in (("id", ""), ("en", "/en")):
        answer = failing.get(f"{root}/villages", headers={"X-Fail": str(status)})
        assert answer.status_code == status
        assert answer.mimetype == "text/html"
        assert f'<html lang="{language}">' in answer.text
        assert '<main id="main"' in answer.text
        assert "no-store" in answer.headers["Cache-Control"]
        told[language] = answer.text.partition("<h1>")[2].partition("</h1>")[0]
    assert told["id"] != told["en"], told
    if status != 500:
        assert told["id"] != FALLBACK


@pytest.mark.parametrize(
    ("address", "referrer", "back"),
    [
        ("/shop/products/pempek/photos", "", "/shop/products/pempek"),
        ("/shop/products/pempek/photos", "http://localhost/shop/products/x", "/shop/products/x"),
        ("/shop/products/a/photos", "http://localhost/products?q=a", "/products?q=a"),
        # Only posted to: what is above it.
        ("/checkout", "http://localhost/shop/products/x/photos", "/shop/products/x"),
        ("/en/checkout", "http://localhost/en/cart", "/en/cart"),
        ("/en/shop/products/pempek/photos", "", "/en/shop/products/pempek"),
        ("/purchases/abc/payments/1/claim", "", "/purchases/abc"),
        # No other site, and nothing that might be one.
        ("/checkout", "https://elsewhere.example/cart", "/checkout"),
        ("/checkout", "http://localhost.elsewhere.example/cart", "/checkout"),
        ("/checkout", "http://localhost//elsewhere.example/cart", "/checkout"),
        ("/checkout", "http://localhost/\\elsewhere.example", "/checkout"),
        ("/checkout", "javascript:alert(1)", "/checkout"),
        ("/checkout", "http://[", "/checkout"),
        ("/checkout", "http://localhost/" + "x" * 900, "/checkout"),
    ],
)
def test_what_is_too_large_leads_back(
    failing: FlaskClient, address: str, referrer: str, back: str
) -> None:
    headers = {"X-Fail": "413"} | ({"Referer": referrer} if referrer else {})
    page = failing.post(address, headers=headers).text
    button = page.partition('class="empty"')[2].partition('class="button primary" href="')[2]
    assert button.partition('"')[0] == back


def test_what_is_too_large_is_told_how_large_it_may_be(client: FlaskClient) -> None:
    headers = {"Sec-Fetch-Site": "same-origin"}
    assert (
        "65.000 huruf" in client.post("/checkout", data={"a": "x" * 99_000}, headers=headers).text
    )
    body = {"data": b"x" * 100, "content_type": "multipart/form-data; boundary=x"}
    large: dict[str, Any] = {"environ_overrides": {"CONTENT_LENGTH": str(10**9)}}
    page = client.post("/shop/products/pempek/photos", headers=headers, **body, **large).text
    assert "24 MB" in page and "10 MB" in page


def test_a_status_that_nobody_thought_of(failing: FlaskClient) -> None:
    answer = failing.get("/villages", headers={"X-Fail": "418"})
    assert "Permintaan ini tidak bisa dibaca" in answer.text
    assert FALLBACK in failing.get("/villages", headers={"X-Fail": "506"}).text


@pytest.mark.parametrize("status", plain_errors.STATUSES)
def test_pages_for_where_nobody_can_be_asked(app: Flask, status: int) -> None:
    page = plain_errors.page(app, status, "/errors/site.css")
    check_html(page, whole=True)
    assert page.startswith("<!doctype html>")
    assert 'lang="en"' in page
    assert "<script" not in page
    assert "style=" not in page
    assert page.count("/errors/site.css") == 1
    head, _blank, body = plain_errors.whole_answer(app, status).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode())
    assert f"Content-Length: {len(body)}\r\n".encode() in head


def test_the_lists_agree() -> None:
    outside = {status for status, who in MADE_BY.items() if set(who) & set("GP")}
    assert set(plain_errors.STATUSES) == outside


def test_they_are_written_for_a_proxy(app: Flask, tmp_path: Path) -> None:
    answer = app.test_cli_runner().invoke(args=["error-pages", str(tmp_path / "errors")])
    assert answer.exit_code == 0, answer.output
    names = {path.name for path in (tmp_path / "errors").iterdir()}
    assert names == {f"{status}.html" for status in plain_errors.STATUSES} | {"site.css"}
    style = (tmp_path / "errors" / "site.css").read_bytes()
    assert style == (ROOT / "static" / "css" / "site.css").read_bytes()
    # And again, after a release.
    assert (
        app.test_cli_runner().invoke(args=["error-pages", str(tmp_path / "errors")]).exit_code == 0
    )


def test_a_foreign_host_is_told_so(client: FlaskClient) -> None:
    answer = client.get("/", headers={"Host": "a..b"})
    assert answer.status_code == 400
    assert "Permintaan ini tidak bisa dibaca" in answer.text
    assert "a..b" not in answer.text
