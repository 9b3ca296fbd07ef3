"""Which passwords are taken, and how they are kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import passwords, services
from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.accounts.signals import Told
from ovop_market.core.errors import Unusable
from ovop_market.extensions import db
from tests.accounts.conftest import Word, give_password
from tests.factories import NOW, PASSWORD, make_user, sign_in
from tests.pages import value_of

NEW = "perahu-hijau-di-teluk"


@pytest.fixture
def speaking(app: Flask) -> Iterator[None]:
    """Refusals are said in some language."""
    with app.test_request_context("/"):
        yield


@pytest.mark.parametrize(
    "password",
    [
        "ovop-demo-2016",
        PASSWORD,
        "x1" * 20 + "yz",
        "delapan8",
        "kuda baterai jepit benar",
        "密码是一个秘密吧",
        "  dengan spasi  ",
        "🐟🐠🐡🦐🦑🐙🦀🦞",
        "a" * 64 + "b" * 32 + "c" * 32,
    ],
)
def test_what_is_taken(speaking: None, password: str) -> None:
    passwords.check(password, login="ibu@ovop.example", name="Ibu Teratai")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "8 sampai 128"),
        ("pendek7", "8 sampai 128"),
        ("x1y" * 43, "8 sampai 128"),
        ("密码密码", "8 sampai 128"),
        # Eight bytes are not eight letters; eight marks on one letter are.
        ("🐟🐠", "8 sampai 128"),
        ("password", "mudah ditebak"),
        ("Password1!", "mudah ditebak"),
        ("12345678", "mudah ditebak"),
        ("qwertyuiop", "mudah ditebak"),
        ("aaaaaaaaaaaa", "mudah ditebak"),
        ("abababababab", "mudah ditebak"),
        ("rahasia123", "mudah ditebak"),
        ("RAHASIA2024", "mudah ditebak"),
        ("bangkabarat", "mudah ditebak"),
        ("Indonesia1945!", "mudah ditebak"),
        ("bismillah", "mudah ditebak"),
        ("ovopmarket2026", "mudah ditebak"),
        ("sayangku99", "mudah ditebak"),
        ("ibu.teratai@ovop.example", "Jangan pakai nama"),
        ("ibuteratai", "Jangan pakai nama"),
        ("Ibu-Teratai-1980", "Jangan pakai nama"),
        ("teratai123", "Jangan pakai nama"),
    ],
)
def test_what_is_not(speaking: None, password: str, why: str) -> None:
    with pytest.raises(Unusable, match=why) as refused:
        passwords.check(password, login="ibu.teratai@ovop.example", name="Ibu Teratai")
    assert refused.value.details["field"] == "password"


@pytest.mark.parametrize("password", ["081234567890", "6281234567890", "+62 812-3456-7890"])
def test_ones_own_number_is_not_taken_however_it_is_written(speaking: None, password: str) -> None:
    with pytest.raises(Unusable, match="Jangan pakai nama"):
        passwords.check(password, login="+6281234567890", name="Ibu")


def test_it_is_counted_in_code_points_of_one_form() -> None:
    composed, apart = "é" * 8, unicodedata.normalize("NFD", "é" * 8)
    assert len(apart) == 16
    assert passwords.normal(apart) == composed
    assert passwords.normal("kata\u00a0sandi\u3000ku") == "kata sandi ku"
    # Other letters stay what they are: nobody has asked that ² be 2.
    assert passwords.normal("x²") != passwords.normal("x2")


def test_two_keyboards_that_write_a_letter_in_two_ways(
    client: FlaskClient, session: Session
) -> None:
    word = "kopi-héé-lezat-sekali"
    user = services.register(
        session,
        login="a@ovop.example",
        password=unicodedata.normalize("NFD", word),
        name="A",
        role=Role.BUYER,
        now=NOW,
    )
    session.commit()
    assert give_password(client, user, unicodedata.normalize("NFC", word)).status_code == 303


def test_128_are_looked_at_to_the_last(client: FlaskClient, session: Session) -> None:
    long = ("kapal-" * 22)[:128]
    user = services.register(
        session, login="a@ovop.example", password=long, name="A", role=Role.BUYER, now=NOW
    )
    session.commit()
    for wrong in (long[:-1], long[:-1] + "x", long + "x", long + "x" * 800):
        assert give_password(client, user, wrong).status_code == 422, len(wrong)
    assert give_password(client, user, long + "x" * 2000).status_code == 422, "more than is read"
    session.execute(db.text("DELETE FROM throttle"))
    assert give_password(client, user, long).status_code == 303


def test_it_is_hashed_anew_when_that_costs_another_time(
    client: FlaskClient, session: Session
) -> None:
    user = make_user(session)
    before = user.password_hash
    assert give_password(client, user).status_code == 303
    session.refresh(user)
    assert user.password_hash == before
    client.send("/account", "/sign-out")
    usual = passwords._hasher
    passwords._hasher = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    try:
        assert give_password(client, user).status_code == 303
    finally:
        passwords._hasher = usual
    session.refresh(user)
    assert "m=16,t=2" in user.password_hash
    assert passwords.fits(user.password_hash, PASSWORD)


def change(client: FlaskClient, current: str, password: str):  # type: ignore[no-untyped-def]
    return client.send("/account/password", "/account/password", current=current, password=password)


def test_changing_it(app: Flask, client: FlaskClient, session: Session, told: list[Word]) -> None:
    user = make_user(session)
    sign_in(client, user)
    phone, copy = app.test_client(), app.test_client()
    sign_in(phone, user)
    copy.set_cookie("session", client.get_cookie("session").value)  # type: ignore[union-attr]
    answer = change(client, PASSWORD, NEW)
    assert answer.headers["Location"] == "/account"
    assert "Kata sandi sudah diganti" in client.get("/account").text, "who changed it stays"
    assert phone.get("/account").status_code == 303
    assert copy.get("/account").status_code == 303, "by a session of a new name"
    assert [word.what for word in told] == [Told.PASSWORD_CHANGED]
    assert give_password(app.test_client(), user).status_code == 422
    assert give_password(app.test_client(), user, NEW).status_code == 303
    actions = session.scalars(select(AuditEvent.action)).all()
    assert "password changed" in actions


@pytest.mark.parametrize(
    ("current", "password", "message"),
    [
        ("bukan-yang-ini", NEW, "Kata sandi sekarang tidak cocok"),
        (PASSWORD, "pendek", "8 sampai 128"),
        (PASSWORD, "rahasia123", "mudah ditebak"),
        ("", NEW, "Isi bagian ini"),
        (PASSWORD, "", "Isi bagian ini"),
    ],
)
def test_what_is_not_changed(
    client: FlaskClient, session: Session, current: str, password: str, message: str
) -> None:
    user = make_user(session)
    kept = user.password_hash
    sign_in(client, user)
    answer = change(client, current, password)
    assert answer.status_code == 422
    assert message in answer.text
    session.refresh(user)
    assert user.password_hash == kept
    assert client.get("/account").status_code == 200


def test_whoever_finds_an_open_phone_guesses_slowly(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_user(session))
    statuses = [change(client, "tebak-saja", NEW).status_code for _ in range(7)]
    assert statuses == [422] * 5 + [429] * 2


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        ("/sign-in", {"login": "username", "password": "current-password"}),
        ("/register", {"name": "name", "login": "username", "password": "new-password"}),
        ("/password/reset", {"login": "username"}),
        ("/account/password", {"current": "current-password", "password": "new-password"}),
    ],
)
def test_browsers_are_told_what_to_fill_in(
    client: FlaskClient, session: Session, page: str, fields: dict[str, str]
) -> None:
    if page.startswith("/account"):
        sign_in(client, make_user(session))
    body = client.get(page).text
    for name, autocomplete in fields.items():
        tag = next(
            part
            for part in body.split("<input")
            if f'name="{name}"' in part and "hidden" not in part
        )
        assert f'autocomplete="{autocomplete}"' in tag
    # Pasting is nobody's to forbid, and what is typed can be looked at.
    assert "onpaste" not in body
    assert body.count("data-reveal") == sum("password" in f for f in fields.values())


def test_what_was_typed_comes_back_but_for_the_password(client: FlaskClient) -> None:
    fields = {"name": "Sari", "login": "sari@ovop.example", "password": "rahasia123"}
    answer = client.send("/register", "/register", **fields)
    assert answer.status_code == 422
    assert value_of(answer.text, "login") == "sari@ovop.example"
    assert "rahasia123" not in answer.text


def test_accounts_of_before_still_open(client: FlaskClient, session: Session) -> None:
    user = make_user(session)
    user.password_hash = passwords._hasher.hash("pendek")
    session.commit()
    assert session.scalars(select(User.id)).one()
    assert give_password(client, user, "pendek").status_code == 303
