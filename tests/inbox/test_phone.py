"""What the server gives a phone that keeps the inbox; what the phone does is in tests/browser."""

from __future__ import annotations

import io
import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.inbox.phone_views import owner_mark
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.villages.models import Producer
from tests.factories import NOW, make_order, make_user
from tests.inbox.conftest import LOGIN

HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize(("prefix", "word"), [("", "Pesanan"), ("/en", "orders")])
def test_the_manifest(client: FlaskClient, prefix: str, word: str) -> None:
    answer = client.get(f"{prefix}/manifest.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert "Set-Cookie" not in answer.headers
    manifest = json.loads(answer.data)
    assert manifest["start_url"] == f"{prefix}/inbox"
    assert word in manifest["short_name"]
    assert {key: manifest[key] for key in ("id", "scope", "display")} == {
        "id": "/inbox",
        "scope": "/",
        "display": "standalone",
    }
    found = set()
    for icon in manifest["icons"]:
        picture = client.get(icon["src"])
        assert picture.mimetype == icon["type"] == "image/png"
        assert "immutable" in picture.headers["Cache-Control"]
        side = Image.open(io.BytesIO(picture.data)).size
        assert icon["sizes"] == f"{side[0]}x{side[1]}"
        found.add((icon["sizes"], icon["purpose"]))
    assert {(f"{side}x{side}", use) for side in (192, 512) for use in ("any", "maskable")} == found


def test_whose_session_it_is(maker: FlaskClient, session: Session, producer: Producer) -> None:
    answer = maker.get("/inbox/session")
    user = session.scalars(select(User).where(User.email == LOGIN)).one()
    assert answer.json is not None
    assert answer.json["account"] == owner_mark(user)
    assert answer.headers["Cache-Control"] == "private, no-store"
    # Its token is as good as one from a form.
    number = make_order(session, producer=producer).number
    sent = {"csrf_token": answer.json["csrf_token"]}
    assert maker.post(f"/inbox/{number}/acceptance", data=sent).status_code == 303


def test_a_session_that_is_over_says_so(client: FlaskClient) -> None:
    answer = client.get("/inbox/session", headers=HTMX)
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"].startswith("/sign-in")


def test_accounts_have_marks_of_their_own(app: Flask, session: Session) -> None:
    users = [make_user(session) for _ in range(3)]
    marks = [owner_mark(user) for user in users]
    assert len(set(marks)) == 3
    assert all(re.fullmatch(r"[0-9a-f]{24}", mark) for mark in marks)
    # It is the same when it is read again: what waits on a phone is found by it.
    session.commit()
    session.expire_all()
    assert [owner_mark(user) for user in users] == marks


def test_what_may_wait_says_so(maker: FlaskClient, session: Session, producer: Producer) -> None:
    order = make_order(session, producer=producer)
    number = order.number
    for path in ("/inbox", f"/inbox/{number}", f"/en/inbox/{number}"):
        body = maker.get(path).get_data(as_text=True)
        taps = re.findall(r"<form[^>]*hx-post[^>]*>", body)
        assert taps
        assert all(f" · {number}" in form and "data-queue=" in form for form in taps)
        assert f'data-thing="{path.partition("/inbox")[0]}/inbox/{number}"' in body
        # By these the worker knows that it may keep the page, and whose it is.
        kind = "list" if path.endswith("/inbox") else "page"
        assert re.search(rf'id="taps"[^>]*data-kind="{kind}"[^>]*data-account="\w+"', body)
        assert 'id="kept-copy" hidden' in body


def test_no_other_page_is_kept(maker: FlaskClient) -> None:
    for path in ("/", "/products", "/account", "/shop/offers", "/shop/statement", "/cart"):
        body = maker.get(path).get_data(as_text=True)
        assert 'id="taps"' not in body, path
        assert "taps" not in body, path


def test_a_refusal_has_words_that_a_phone_can_show(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, producer=producer)
    number = order.number
    fields = {"csrf_token": maker.csrf("/inbox"), "seen": "PLACED", "back": "list"}
    lifecycle.act(session, order, Action.CANCEL, By(Actor.BUYER), NOW, reason="salah")
    session.commit()
    for address, status in ((f"/inbox/{number}/acceptance", 409), ("/inbox/X/acceptance", 404)):
        answer = maker.post(address, data=fields, headers=HTMX)
        assert answer.status_code == status
        assert re.search(r'role="alert"[^>]*>[^<]+<', answer.get_data(as_text=True))
    assert order.state is OrderState.CANCELLED
