"""What is sent in addresses, headers and bodies besides what a form asks for."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.accounts.views import local
from ovop_market.core import whatsapp
from ovop_market.notices.channels.push import is_push_service
from ovop_market.orders.states import OrderState
from ovop_market.web import access, exports
from tests.factories import make_order, make_producer, make_product, make_user, sign_in
from tests.pages import token_in

# What an id is never: of any route, whoever asks.
NO_IDS = (
    "0",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "x" * 3000,
    "kata",
    "1.0",
    "٣",
    "'%20OR%20'1'='1",
    "..%2f..%2fetc%2fpasswd",
    "%F0%28%8C%28",
)


def addresses(app: Flask, role: Role, word: str) -> Iterator[tuple[str, str]]:
    """Each route of a role that names a thing, with a word in place of each name in turn."""
    for rule in app.url_map.iter_rules():
        door = access.door_of(rule.endpoint)
        assert door is not None
        # What is everybody's is looked at once.
        if role not in door.roles and (door.roles or role is not Role.OPERATOR):
            continue
        pattern = re.sub(r"<any\(([a-z]+)[^>]*>", r"\1", rule.rule)
        for name in re.findall(r"<[^>]*>", pattern):
            address = re.sub(r"<int[^>]*>", "999999", pattern.replace(name, word))
            address = re.sub(r"<[^>]*>", "tidak-ada", address)
            for method in {"GET", "POST"} & (rule.methods or set()):
                yield method, address


@pytest.mark.parametrize("role", [Role.PRODUCER, Role.OFFICIAL, Role.OPERATOR])
def test_what_is_no_id_is_nothing(
    app: Flask, client: FlaskClient, session: Session, role: Role
) -> None:
    user = make_user(session, role)
    if role is Role.PRODUCER:
        make_producer(session, staff=user)
    sign_in(client, user)
    token = client.csrf("/account")
    wrong = []
    for word in NO_IDS:
        for method, address in addresses(app, role, word):
            answer = client.open(address, method=method, data={"csrf_token": token})
            # 405: no number, so that only the other way of asking has such an address. To remove
            # what is not there looks like having removed it (303), and changes nothing.
            gone = method == "POST" and address.endswith("/removal") and answer.status_code == 303
            if answer.status_code not in (404, 405) and not gone:
                wrong.append((method, address[:90], answer.status_code))
    assert wrong == []


LOCAL = ("/", "/account", "/inbox?tab=new&page=2", "/purchases/abc#x", "/a/../b", "/a%0d%0ab")
ELSEWHERE = (
    "",
    "//elsewhere.example",
    "///elsewhere.example",
    "/\\elsewhere.example",
    "/\\/elsewhere.example",
    "\\/\\/elsewhere.example",
    "/\t/elsewhere.example",
    "/\n/elsewhere.example",
    "/\r\n/elsewhere.example",
    " /account",
    "/ /elsewhere.example",
    "https://elsewhere.example",
    "https:elsewhere.example",
    "http:/elsewhere.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "elsewhere.example",
    "account",
    "?next=//elsewhere.example",
    "/／elsewhere.example",
    "／／elsewhere.example",
    "/é",
    "/\x00/elsewhere.example",
    "/account\r\nSet-Cookie: a=b",
    "/account\u2028",
)


@pytest.mark.parametrize("path", LOCAL)
def test_a_path_of_this_site_is_gone_back_to(path: str) -> None:
    assert local(path) == path


@pytest.mark.parametrize("path", ELSEWHERE)
def test_nobody_is_sent_to_another_site(client: FlaskClient, session: Session, path: str) -> None:
    assert local(path) == ""
    user = make_user(session)
    page = client.get("/sign-in", query_string={"next": path})
    if page.status_code == 400:
        return  # Control characters are in no address.
    fields = {"login": user.email, "password": "kata-sandi-contoh", "next": path}
    answer = client.post("/sign-in", data={"csrf_token": token_in(page.text), **fields})
    assert answer.headers["Location"] == "/account"
    answer = client.get("/sign-in", query_string={"next": path})
    assert answer.headers["Location"] == "/account"
    answer = client.post("/sign-out", data={"csrf_token": client.csrf("/account"), "next": path})
    assert answer.headers["Location"] == "/sign-in"


def test_no_other_view_takes_an_address_to_go_to(app: Flask, client: FlaskClient) -> None:
    """Whatever a redirect might be read from: no page sends anybody elsewhere for it."""
    names = ("next", "url", "redirect", "return", "return_to", "back", "continue", "to", "ref")
    there = "https://elsewhere.example/"
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.arguments:
            continue
        answer = client.get(rule.rule, query_string=dict.fromkeys(names, there))
        assert "elsewhere" not in answer.headers.get("Location", "").split("?")[0], rule.rule


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_413_everywhere(
    app: Flask, client: FlaskClient, session: Session, chunked: bool
) -> None:
    user = make_user(session, Role.OPERATOR)
    sign_in(client, user)
    for rule in app.url_map.iter_rules():
        # Without a gateway there is nobody who might notify us (tests/payments).
        if "POST" not in (rule.methods or ()) or rule.endpoint == "payments.gateway_notification":
            continue
        pattern = re.sub(r"<any\(([a-z]+)[^>]*>", r"\1", rule.rule)
        address = re.sub(r"<[^>]*>", "x", re.sub(r"<int[^>]*>", "1", pattern))
        body: dict[str, Any] = {"data": "a=" + "x" * 70_000}
        if chunked:
            body = {
                "input_stream": io.BytesIO(body["data"].encode()),
                "environ_overrides": {"wsgi.input_terminated": True},
            }
        headers = {"Sec-Fetch-Site": "same-origin"}
        headers |= {"Transfer-Encoding": "chunked"} if chunked else {}
        kind = "application/x-www-form-urlencoded"
        answer = client.post(address, content_type=kind, headers=headers, **body)
        assert answer.status_code == 413, (rule.rule, answer.status_code)


# What others might take for a command: each must stay a text.
FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "  =1",
    "＝1+1",
    "\u200b=1",
    '=cmd|"/c x"!A1',
)


def test_no_cell_is_a_formula() -> None:
    rows = [[text, 5, -5] for text in FORMULAS]
    got = exports.csv_file("a.csv", ["teks", "a", "b"], rows).get_data(as_text=True)
    cells = list(csv.reader(io.StringIO(got.removeprefix("\ufeff"))))
    assert [row[0][0] for row in cells[1:]] == ["'"] * len(FORMULAS)
    # Numbers stay numbers.
    assert {tuple(row[1:]) for row in cells[1:]} == {("5", "-5")}


def test_a_name_like_a_formula_is_a_text_in_every_export(
    client: FlaskClient, session: Session
) -> None:
    name = '=HYPERLINK("http://elsewhere.example")'
    owner = make_user(session, Role.PRODUCER)
    product = make_product(
        session, make_producer(session, staff=owner, name=name), name=name, ready=9
    )
    make_order(session, OrderState.RECEIVED, product=product)
    sign_in(client, make_user(session, Role.OFFICIAL))
    for answer in (client.get("/reach/export.csv"),):
        assert answer.status_code == 200
        cells = [c for row in csv.reader(io.StringIO(answer.text)) for c in row]
        assert not [c for c in cells if c.startswith("=")]
    book = load_workbook(io.BytesIO(client.get("/reach/export.xlsx").data))
    for sheet in book:
        for row in sheet.iter_rows():
            assert not [c for c in row if c.data_type == "f" and "HYPERLINK" in str(c.value)]


def test_texts_of_people_stay_in_their_place_in_a_link() -> None:
    address = whatsapp.address("+6281234567890", "a&text=b#c\r\nd <script> ü")
    assert address.startswith("https://wa.me/6281234567890?text=")
    assert not set(address.partition("?text=")[2]) & set("&#<> \r\n")


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://2130706433/x",
        "https://10.0.0.1/x",
        "https://fcm.googleapis.com.elsewhere.example/x",
        "https://fcm.googleapis.com@elsewhere.example/x",
        "https://elsewhere.example/fcm.googleapis.com",
        "https://fcm.googleapis.com:8443/x",
        "https://xfcm.googleapis.com/x",
        "https://fcm.googleapis.com\\@elsewhere.example/x",
        "https://fcm.googleapis.com\t.elsewhere.example/x",
        "gopher://fcm.googleapis.com/x",
        "file:///etc/passwd",
    ],
)
def test_the_server_asks_nothing_in_a_visitors_name(endpoint: str) -> None:
    assert not is_push_service(endpoint)
