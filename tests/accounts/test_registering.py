"""Registering, and showing that an address is one's own; nobody learns who has an account."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts import recovery
from ovop_market.accounts.models import AuditEvent, Link, User
from ovop_market.accounts.signals import Told
from ovop_market.orders.models import Purchase
from tests.accounts.conftest import Word, give_password
from tests.factories import make_product, make_purchase, make_user, sign_in

Later = Callable[[timedelta], None]
GOOD = "perahu-hijau-di-teluk"


def register(client: FlaskClient, login: str, **fields: str):  # type: ignore[no-untyped-def]
    given = {"name": "Sari", "login": login, "password": GOOD, **fields}
    return client.send("/register", "/register", **given)


def without_names(page: str) -> str:
    """A page without what differs from visit to visit: tokens, and the login that was typed."""
    page = re.sub(r'name="csrf_token" value="[^"]+"', "", page)
    return re.sub(r"[a-z]+@ovop\.example|0812\d+", "LOGIN", page)


@pytest.mark.parametrize(
    ("taken", "new"), [("ada@ovop.example", "baru@ovop.example"), ("081234567890", "081234567891")]
)
@pytest.mark.parametrize("mail", [True, False])
def test_a_login_that_is_taken_gets_the_same_answer(
    app: Flask,
    session: Session,
    request: pytest.FixtureRequest,
    told: list[Word],
    taken: str,
    new: str,
    mail: bool,
) -> None:
    if mail:
        request.getfixturevalue("by_mail")
    owner = make_user(session, login=taken)
    kept = owner.password_hash
    answers = []
    for login in (taken, new):
        client = app.test_client()
        answer = register(client, login)
        page = client.get(answer.headers["Location"]).text
        answers.append((answer.status_code, answer.headers["Location"], without_names(page)))
        # Whoever has made the account is in; whoever has not is asked for its password.
        assert client.get("/account").status_code == (303 if login == taken else 200)
    assert answers[0] == answers[1]
    by_mail = mail and "@" in taken
    assert ("Kami sudah mengirim email" in answers[0][2]) is by_mail
    session.refresh(owner)
    assert owner.password_hash == kept
    assert [word.what for word in told] == [Told.TAKEN, *([Told.VERIFY] if by_mail else [])]
    assert session.scalar(select(func.count(User.id))) == 2


def test_what_is_wrong_with_the_password_is_said_whoever_it_is(
    client: FlaskClient, session: Session
) -> None:
    make_user(session, login="ada@ovop.example")
    pages = [
        register(client, login, password="rahasia123")
        for login in ("ada@ovop.example", "b@ovop.example")
    ]
    assert [page.status_code for page in pages] == [422, 422]
    assert without_names(pages[0].text) == without_names(pages[1].text)


def test_an_address_is_confirmed_by_a_button_behind_the_link(
    app: Flask, client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    register(client, "sari@ovop.example")
    (word,) = told
    assert word.to == "sari@ovop.example" and word.link
    url = f"/verify/{word.link}"
    page = client.get(url)
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page.headers["Cache-Control"]
    user = session.scalars(select(User)).one()
    assert user.verified_at is None, "looking changes nothing: programs open links as well"
    # It signs nobody in: the password may be somebody else's.
    elsewhere = app.test_client()
    answer = elsewhere.send(url, url)
    assert answer.headers["Location"] == "/sign-in"
    assert "sudah dipastikan" in elsewhere.get("/sign-in").text
    assert elsewhere.get("/account").status_code == 303
    session.refresh(user)
    assert user.verified_at is not None
    assert client.get(url).status_code == 404
    assert client.post(url, data={"csrf_token": client.csrf("/register")}).status_code == 404
    assert "address verified" in session.scalars(select(AuditEvent.action)).all()


def test_a_link_lasts_a_day(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word], later: Later
) -> None:
    register(client, "sari@ovop.example")
    url = f"/verify/{told[0].link}"
    later(recovery.VERIFY_LIFETIME - timedelta(minutes=1))
    assert client.get(url).status_code == 200
    later(timedelta(minutes=1))
    answer = client.get(url)
    assert answer.status_code == 404
    assert "Tautan sudah tidak berlaku" in answer.text


def test_unconfirmed_accounts_buy_and_are_asked_gently(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    user = make_user(session)
    sign_in(client, user)
    assert "belum dipastikan" in client.get("/account").text
    answer = client.send("/account", "/account/verification")
    assert answer.headers["Location"] == "/account"
    assert "Emailnya segera sampai" in client.get("/account").text
    assert [word.what for word in told] == [Told.VERIFY]
    for _ in range(3):
        client.send("/account", "/account/verification")
    assert "baru saja dikirim" in client.get("/account").text
    assert len(told) == 3
    assert session.scalar(select(func.count(Link.id))) == 1, "the latest counts"
    client.send(f"/verify/{told[-1].link}", f"/verify/{told[-1].link}")
    assert "belum dipastikan" not in client.get("/account").text
    client.send("/account", "/account/verification")
    assert len(told) == 3


def test_who_cannot_be_reached_by_mail_is_not_asked(
    client: FlaskClient, session: Session, configure: Callable[..., None], told: list[Word]
) -> None:
    user = make_user(session, login="081234567890")
    give_password(client, user)
    assert "belum dipastikan" not in client.get("/account").text
    client.send("/account", "/account/verification")
    configure(smtp_url="smtp://127.0.0.1:9")
    assert "belum dipastikan" not in client.get("/account").text
    client.send("/account", "/account/verification")
    assert told == []


def test_purchases_of_a_guest_are_not_given_to_whoever_registers_with_the_address(
    app: Flask, client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    purchase = make_purchase(session, [(make_product(session, ready=5), 1)])
    purchase.email = "korban@ovop.example"
    session.commit()
    register(client, "korban@ovop.example")
    user = session.scalars(select(User).where(User.email == "korban@ovop.example")).one()
    assert give_password(client, user, GOOD).status_code == 303
    assert purchase.token not in client.get("/account/purchases").text
    client.send(f"/verify/{told[0].link}", f"/verify/{told[0].link}")
    assert purchase.token not in client.get("/account/purchases").text, "nor by mail alone"
    assert session.scalars(select(Purchase.buyer_id)).all() == [None]


def test_in_english_as_well(client: FlaskClient, session: Session, by_mail: None) -> None:
    fields = {"name": "Sari", "login": "sari@ovop.example", "password": GOOD}
    answer = client.send("/en/register", "/en/register", **fields)
    assert answer.headers["Location"] == "/en/register/sent"
    assert client.get("/en/register/sent").status_code == 200
