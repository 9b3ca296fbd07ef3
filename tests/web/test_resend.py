"""What was typed comes back with the page for 503 and 507, and nothing that must not."""

from __future__ import annotations

import errno
import html
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from wtforms import PasswordField
from wtforms.fields.core import UnboundField

from ovop_market.web import resend
from ovop_market.web.forms import BaseForm
from tests.factories import make_product

HOSTILE = "\"><script>alert(1)</script>'&"


def out_of_reach(*_args: object, **_more: object) -> None:
    raise OperationalError("SELECT 1", {}, Exception("no connection"))


def full(*_args: object, **_more: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def fields(page: str) -> dict[str, str]:
    form = page.partition('class="stack tight resend"')[2].partition("</form>")[0]
    tags = [dict(re.findall(r'([a-z-]+)="([^"]*)"', t)) for t in re.findall(r"<input[^>]*>", form)]
    return {tag["name"]: html.unescape(tag.get("value", "")) for tag in tags}


@pytest.fixture
def checkout(client: FlaskClient, session: Session) -> dict[str, str]:
    product = make_product(session, ready=3)
    line = {"variant_id": product.variants[0].id}
    client.post("/cart/lines", data=line, headers={"Sec-Fetch-Site": "same-origin"})
    return {
        "csrf_token": client.csrf("/checkout"),
        "idempotency_key": "a-key",
        "name": HOSTILE,
        "street": "Jalan Contoh 2\nRT 3",
        "odd_field": HOSTILE,
        "proof": "",
    }


@pytest.mark.parametrize(("fault", "status"), [(out_of_reach, 503), (full, 507)])
def test_the_same_form_again(
    client: FlaskClient,
    checkout: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    fault: Any,
    status: int,
) -> None:
    monkeypatch.setattr("ovop_market.orders.services.cart.find", fault)
    answer = client.post("/checkout?a=1", data=checkout)
    assert answer.status_code == status
    assert answer.headers["Retry-After"] == "5"
    assert "no-store" in answer.headers["Cache-Control"]
    again = fields(answer.text)
    assert again.pop("csrf_token")
    assert again == {k: v for k, v in checkout.items() if k != "csrf_token"}
    assert 'action="/checkout?a=1"' in answer.text
    assert 'autocomplete="off"' in answer.text
    assert "<script>alert" not in answer.text
    assert "dihitung sekali" in answer.text
    assert "<dt>Nama penerima</dt>" in answer.text, "as the form calls it"


def test_in_english_it_is_sent_to_english(
    client: FlaskClient, checkout: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ovop_market.orders.services.cart.find", out_of_reach)
    answer = client.post("/en/checkout", data=checkout)
    assert 'action="/en/checkout"' in answer.text


def test_a_password_is_asked_for_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = client.csrf("/sign-in")
    monkeypatch.setattr("ovop_market.accounts.services.user_of", out_of_reach)
    monkeypatch.setattr("ovop_market.extensions.db.session.execute", out_of_reach)
    monkeypatch.setattr("ovop_market.extensions.db.session.scalar", out_of_reach)
    monkeypatch.setattr("ovop_market.extensions.db.session.scalars", out_of_reach)
    data = {"csrf_token": token, "login": "sari@ovop.example", "password": "hush-hush"}
    answer = client.post("/sign-in", data=data)
    assert answer.status_code == 503
    assert "hush-hush" not in answer.text
    again = fields(answer.text)
    assert (again["login"], again["password"]) == ("sari@ovop.example", "")


@pytest.mark.parametrize("how", ["forged", "fragment", "read"])
def test_nothing_is_offered(
    client: FlaskClient, checkout: dict[str, str], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """To whoever was not sent here by one of our pages, and where the form is still there."""
    monkeypatch.setattr("ovop_market.orders.services.cart.find", out_of_reach)
    if how == "forged":
        answer = client.post("/checkout", data={**checkout, "csrf_token": "forged"})
        assert answer.status_code == 400
    elif how == "fragment":
        answer = client.post("/checkout", data=checkout, headers={"HX-Request": "true"})
        assert answer.headers["HX-Retarget"] == "#notices"
    else:
        answer = client.get("/cart")
    assert "Kirim lagi" not in answer.text
    assert "odd_field" not in answer.text
    assert "alert(1)" not in answer.text


def test_no_page_repeats_what_stands_in_a_password_field(app: Flask) -> None:
    """Whatever form has one: its name is among those that are asked for again."""
    forms, names = [BaseForm], set()
    while forms:
        form = forms.pop()
        forms += form.__subclasses__()
        for name in dir(form):
            field = getattr(form, name)
            if isinstance(field, UnboundField) and field.field_class is PasswordField:
                names.add(name)
    assert names
    assert names <= resend.SECRETS
