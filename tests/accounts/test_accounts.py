"""Signing in and out, registering, and who is let in where."""

from __future__ import annotations

from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import services
from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.core.errors import Unusable
from tests.factories import NOW, PASSWORD, make_user, sign_in
from tests.pages import token_in, value_of


def attempt(client: FlaskClient, **fields: str):  # type: ignore[no-untyped-def]
    return client.send("/sign-in", "/sign-in", **fields)


@pytest.mark.parametrize("login", ["Ibu@OVOP.example", "0812 3456 7890", "+62 812-3456-7890"])
def test_one_signs_in_by_email_or_phone(client: FlaskClient, session: Session, login: str) -> None:
    for known in ("ibu@ovop.example", "081234567890"):
        services.register(
            session, login=known, password=PASSWORD, name="Ibu", role=Role.BUYER, now=NOW
        )
    answer = attempt(client, login=login, password=PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("login", "password"),
    [("ibu@ovop.example", "salah-sandi"), ("tidak@ada.example", PASSWORD), ("bukan", PASSWORD)],
)
def test_unknown_and_wrong_look_the_same(
    client: FlaskClient, session: Session, login: str, password: str
) -> None:
    make_user(session, login="ibu@ovop.example")
    answer = attempt(client, login=login, password=password)
    assert answer.status_code == 422
    assert "<li>Email, nomor HP, atau kata sandi tidak cocok" in answer.text
    assert client.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("target", "lands"),
    [
        ("/account/purchases", "/account/purchases"),
        ("https://evil.example/", "/account"),
        ("//evil.example/", "/account"),
        ("/\\evil.example", "/account"),
        ("/\t/evil.example", "/account"),
        ("javascript:alert(1)", "/account"),
        ("", "/account"),
    ],
)
def test_afterwards_one_stays_on_this_site(
    client: FlaskClient, session: Session, target: str, lands: str
) -> None:
    user = make_user(session)
    answer = attempt(client, login=str(user.email), password=PASSWORD, next=target)
    assert answer.headers["Location"] == lands


@pytest.mark.parametrize(
    ("role", "home"),
    [
        (Role.BUYER, "/account"),
        (Role.PRODUCER, "/inbox"),
        (Role.OFFICIAL, "/reach"),
        (Role.OPERATOR, "/desk"),
    ],
)
def test_each_role_begins_at_its_own_page(
    client: FlaskClient, session: Session, role: Role, home: str
) -> None:
    user = make_user(session, role)
    answer = attempt(client, login=str(user.email), password=PASSWORD)
    assert answer.headers["Location"] == home


def test_a_cookie_is_worthless_after_the_epoch_has_moved(
    client: FlaskClient, session: Session
) -> None:
    user = make_user(session)
    sign_in(client, user)
    assert client.get("/account").status_code == 200
    user.epoch += 1
    assert client.get("/account").status_code == 303


def test_a_disabled_account_is_out_at_once(client: FlaskClient, session: Session) -> None:
    user = make_user(session)
    sign_in(client, user)
    user.disabled_at = NOW
    assert client.get("/account").status_code == 303
    assert attempt(client, login=str(user.email), password=PASSWORD).status_code == 422


def test_signing_out(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_user(session))
    assert client.send("/account", "/sign-out").headers["Location"] == "/sign-in"
    assert "Anda sudah keluar" in client.get("/sign-in").text
    assert "Anda sudah keluar" not in client.get("/sign-in").text, "said once"
    assert client.get("/account").status_code == 303


def test_whoever_has_the_wrong_account_can_change_it(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_user(session, Role.PRODUCER, name="Ibu Teratai"))
    refused = client.get("/reach?year=2016")
    assert refused.status_code == 403
    # The top is that of somebody who is signed in, and leads on.
    assert ">Masuk</a>" not in refused.text
    assert "Pesanan masuk" in refused.text
    assert "Anda masuk sebagai Ibu Teratai" in refused.text
    assert client.get("/sign-in").headers["Location"] == "/inbox", "where the button leads"
    target = value_of(refused.text, "next")
    token = token_in(refused.text)
    left = client.post("/sign-out", data={"csrf_token": token, "next": unescape(target)})
    assert left.headers["Location"] == "/sign-in?next=/reach?year%3D2016"
    assert client.get("/account").status_code == 303
    assert 'value="/reach?year=2016"' in client.get(left.headers["Location"]).text


def test_signing_out_leads_to_no_other_site(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_user(session))
    answer = client.send("/account", "/sign-out", next="//evil.example/")
    assert answer.headers["Location"] == "/sign-in"


def test_who_has_forgotten_the_password_finds_the_way(client: FlaskClient) -> None:
    assert 'href="/password/reset"' in client.get("/sign-in").text


def test_a_buyer_registers(client: FlaskClient, session: Session) -> None:
    fields = {"name": "Sari", "login": "sari@ovop.example", "password": "panjang-sekali"}
    extra = {"role": "operator", "verified_at": "2026-01-01", "totp_since": "x"}
    answer = client.send("/register?next=/cart", "/register", **fields, **extra, next="/cart")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/register/sent")
    user = session.scalars(select(User)).one()
    assert user.role is Role.BUYER, "extra fields change nothing"
    assert user.verified_at is None
    assert "argon2id" in user.password_hash
    assert session.scalars(select(AuditEvent.action)).all() == ["account made", "signed in"]
    # The page that comes next leads to where they were going, and they are in.
    assert 'href="/cart">Lanjut' in client.get("/register/sent").text
    assert "Sari" in client.get("/account").text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"login": "bukan"}, "nomor HP"),
        ({"password": "pendek"}, "8 sampai 128"),
        ({"password": "x" * 129}, "8 sampai 128"),
        ({"name": ""}, "Isi bagian ini"),
        ({"name": "a\x00b"}, "tidak terbaca"),
    ],
)
def test_what_cannot_be_registered(
    client: FlaskClient, session: Session, fields: dict[str, str], message: str
) -> None:
    given = {"name": "Sari", "login": "sari@ovop.example", "password": "panjang-sekali", **fields}
    answer = client.send("/register", "/register", **given)
    assert answer.status_code == 422
    assert message in answer.text


def test_a_login_is_taken_once_whatever_its_case(session: Session) -> None:
    make_user(session, login="ibu@ovop.example")
    with pytest.raises(Unusable):
        make_user(session, login="IBU@ovop.example")


def test_a_fragment_is_sent_to_sign_in_by_a_header(client: FlaskClient) -> None:
    answer = client.get("/inbox", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"].startswith("/sign-in?next=")


def test_the_cart_comes_along(app: Flask, session: Session) -> None:
    from tests.factories import make_product

    product = make_product(session, ready=3)
    user = make_user(session)
    client = app.test_client()
    data = {"variant_id": product.variants[0].id, "quantity": 1}
    client.post("/cart/lines", data=data, headers={"Sec-Fetch-Site": "same-origin"})
    sign_in(client, user)
    assert product.name in client.get("/cart").text


def test_the_token_before_signing_in_is_no_good_after(
    client: FlaskClient, session: Session
) -> None:
    user = make_user(session)
    before = token_in(client.get("/sign-in").text)
    sign_in(client, user)
    assert client.post("/sign-out", data={"csrf_token": before}).status_code == 400
