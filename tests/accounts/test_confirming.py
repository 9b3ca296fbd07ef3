"""A session that was left open lets nobody in for good: who it is is asked again first."""

from __future__ import annotations

import base64
import html
import zlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts import passwords, recovery
from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.models import Link, Role, User
from ovop_market.core import clock
from ovop_market.core.errors import Conflict
from tests.accounts.conftest import give_password, set_up
from tests.factories import NOW, PASSWORD, make_user, sign_in
from tests.pages import value_of

Later = Callable[[timedelta], None]
HTMX = {"HX-Request": "true"}
ASKED = "/account/confirmation"
A_WHILE = timedelta(minutes=16)


@pytest.fixture
def operator(client: FlaskClient, session: Session, later: Later) -> User:
    """Signed in, and gone from the desk for a while."""
    user = make_user(session, Role.OPERATOR, name="Pengelola Satu")
    sign_in(client, user)
    later(A_WHILE)
    return user


def confirm(client: FlaskClient, location: str, **fields: str) -> str:
    """Says who one is, where an answer has led; returns where that leads back to."""
    back = html.unescape(value_of(client.get(location).text, "next"))
    answer = client.send(location, ASKED, next=back, **{"current": PASSWORD, **fields})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("reset-link", {}),
        ("second-factor/removal", {}),
        ("enabling", {"reason": "ketemu"}),
        ("role", {"role": "operator", "reason": "SK"}),
        ("invitations", {"login": "teman@ovop.example", "role": "operator"}),
    ],
)
def test_who_is_let_in_is_let_in_by_somebody_who_is_there(
    client: FlaskClient, session: Session, operator: User, what: str, fields: dict[str, str]
) -> None:
    user = make_user(session, Role.OPERATOR, name="Pengelola Dua")
    set_up(session, user)
    if what == "enabling":
        user.disabled_at = NOW
    if what == "role":
        user = make_user(session)
    page = "/desk/users" if what == "invitations" else f"/desk/users/{user.id}"
    action = f"{page}/{what}"
    before = (user.role, user.totp_since, user.disabled_at)
    answer = client.send(page, action, **fields)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{ASKED}?next={page}")
    by_htmx = client.post(action, data={"csrf_token": client.csrf(page), **fields}, headers=HTMX)
    assert by_htmx.status_code == 204
    assert by_htmx.headers["HX-Redirect"] == answer.headers["Location"]
    session.expire_all()
    assert (user.role, user.totp_since, user.disabled_at) == before
    assert session.scalar(select(func.count(Link.id))) == 0
    assert session.scalar(select(func.count(Invitation.id))) == 0
    back = confirm(client, answer.headers["Location"])
    assert back.startswith(page)
    done = client.send(back, action, **fields)
    assert done.status_code in (200, 303)
    assert ASKED not in done.headers.get("Location", "")


@pytest.mark.parametrize("what", ["disabling", "sessions/removal"])
def test_who_is_shut_out_is_shut_out_at_once(
    client: FlaskClient, session: Session, operator: User, what: str
) -> None:
    path = f"/desk/users/{make_user(session).id}"
    answer = client.send(path, f"{path}/{what}", reason="HP hilang")
    assert answer.headers["Location"] == path


def test_nobody_makes_a_link_for_their_own_password(
    client: FlaskClient, session: Session, operator: User
) -> None:
    path = f"/desk/users/{operator.id}"
    back = confirm(client, f"{ASKED}?next={path}")
    answer = client.send("/account", f"{path}/reset-link")
    assert (back, answer.status_code) == (path, 409)
    assert "lewat halaman Akun" in answer.text
    assert "/password/reset/" not in answer.text
    with pytest.raises(Conflict):
        recovery.reset_link(session, operator, operator.id, clock.now())
    assert session.scalar(select(func.count(Link.id))) == 0


def test_a_reason_that_was_typed_is_there_again(
    client: FlaskClient, session: Session, operator: User, later: Later
) -> None:
    user, other = make_user(session), make_user(session)
    user.disabled_at = other.disabled_at = NOW
    path = f"/desk/users/{user.id}"
    typed = "Bu Contoh sudah menelepon"
    asked = client.send(path, f"{path}/enabling", reason=typed).headers["Location"]
    cookie = client.get_cookie("session")
    assert cookie is not None
    assert "Contoh" not in opened(cookie.value), "the browser keeps it sealed"
    assert typed not in client.get(f"/desk/users/{other.id}").text
    back = confirm(client, asked)
    page = client.get(back)
    assert typed in page.text and "Belum tersimpan" in page.text
    assert typed not in client.get(back).text, "once"
    # Nor is it there for whoever comes later.
    later(A_WHILE)
    client.send(path, f"{path}/enabling", reason=typed)
    later(A_WHILE)
    assert '"typed"' in opened_now(client)
    page = client.get(path).text
    assert typed not in page and "Belum tersimpan" not in page
    assert '"typed"' not in opened_now(client), "it is thrown away"


def opened_now(client: FlaskClient) -> str:
    cookie = client.get_cookie("session")
    assert cookie is not None
    return opened(cookie.value)


def opened(cookie: str) -> str:
    """What anybody can read of a session's cookie."""
    packed = cookie.startswith(".")
    payload = cookie.lstrip(".").split(".")[0]
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    return (zlib.decompress(raw) if packed else raw).decode()


def test_a_change_of_role_and_an_invitation_are_there_again(
    client: FlaskClient, session: Session, operator: User, later: Later
) -> None:
    user = make_user(session)
    path = f"/desk/users/{user.id}"
    fields = {"role": "official", "region_code": "19.05", "reason": "SK Bupati 12"}
    asked = client.send(path, f"{path}/role", **fields).headers["Location"]
    page = client.get(confirm(client, asked)).text
    assert "SK Bupati 12" in page and value_of(page, "region_code") == "19.05"
    later(A_WHILE)
    invited = {"login": "teman@ovop.example", "role": "official", "region_code": "19.05"}
    asked = client.send("/desk/users", "/desk/users/invitations", **invited).headers["Location"]
    page = client.get(confirm(client, asked)).text
    assert value_of(page, "login") == "teman@ovop.example"
    assert '<option selected value="official">' in page


def test_a_code_is_asked_for_where_the_second_factor_is_on(
    app: Flask, client: FlaskClient, session: Session, later: Later
) -> None:
    user = make_user(session, Role.OPERATOR)
    _totp, codes = set_up(session, user)
    give_password(client, user)
    client.send("/sign-in/code", "/sign-in/code", code=codes[0])
    later(A_WHILE)
    location = f"{ASKED}?next=/desk/users"
    assert 'name="code"' in client.get(location).text
    for fields in (
        {"current": PASSWORD},
        {"current": PASSWORD, "code": "000000"},
        {"current": "bukan-yang-ini", "code": codes[1]},
    ):
        refused = client.send(location, ASKED, next="/desk/users", **fields)
        assert refused.status_code == 422
        assert codes[1] not in refused.text or "code" in fields
    path = f"/desk/users/{make_user(session).id}"
    still = client.send(path, f"{path}/reset-link")
    assert still.headers["Location"].startswith(ASKED)
    assert confirm(client, location, code=codes[1]) == "/desk/users"
    assert "/password/reset/" in client.send(path, f"{path}/reset-link").text
    # Without a second factor there is nothing to ask for.
    plain = app.test_client()
    sign_in(plain, make_user(session))
    assert 'name="code"' not in plain.get(location).text


def test_a_new_password_takes_two_factors_where_there_are_two(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    user = make_user(session)
    _totp, codes = set_up(session, user)
    give_password(client, user)
    client.send("/sign-in/code", "/sign-in/code", code=codes[0])
    page, new = "/account/password", "perahu-hijau-di-teluk"
    for fields in ({}, {"code": "000000"}):
        answer = client.send(page, page, current=PASSWORD, password=new, **fields)
        assert answer.status_code == 422
    session.refresh(user)
    assert passwords.fits(user.password_hash, PASSWORD)
    answer = client.send(page, page, current=PASSWORD, password=new, code=codes[1])
    assert answer.headers["Location"] == "/account"
    session.refresh(user)
    assert passwords.fits(user.password_hash, new)
    plain = app.test_client()
    sign_in(plain, make_user(session))
    assert 'name="code"' not in plain.get(page).text


def test_a_link_that_was_held_up_says_that_nothing_has_happened(
    client: FlaskClient, session: Session, operator: User
) -> None:
    path = f"/desk/users/{make_user(session).id}"
    asked = client.send(path, f"{path}/reset-link").headers["Location"]
    page = client.get(confirm(client, asked)).text
    assert "Belum tersimpan" in page and "/password/reset/" not in page
