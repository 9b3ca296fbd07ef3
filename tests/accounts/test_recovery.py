"""A forgotten password: by mail, by a person's hand, once, and into no other account."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts import links, passwords, recovery
from ovop_market.accounts.models import AuditEvent, HelpRequest, Link, Purpose, Role, User
from ovop_market.accounts.signals import Told
from ovop_market.core import clock
from ovop_market.extensions import db
from tests.accounts.conftest import Word, give_password, set_up
from tests.factories import NOW, make_user, sign_in
from tests.pages import token_in

Later = Callable[[timedelta], None]
NEW = "perahu-hijau-di-teluk"


def ask(client: FlaskClient, login: str):  # type: ignore[no-untyped-def]
    return client.send("/password/reset", "/password/reset", login=login)


def test_known_and_unknown_get_the_same_answer(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    make_user(session, login="ibu@ovop.example")
    closed = make_user(session, login="tutup@ovop.example")
    closed.disabled_at = NOW
    session.commit()
    logins = ("ibu@ovop.example", "tidak@ada.example", "tutup@ovop.example")
    answers = [ask(client, login) for login in logins]
    assert {answer.headers["Location"] for answer in answers} == {"/password/reset/sent"}
    assert "Kalau ada akun dengan email itu" in client.get("/password/reset/sent").text
    assert [(word.what, word.to) for word in told] == [(Told.RESET, "ibu@ovop.example")]


@pytest.mark.parametrize("login", ["", "bukan", "a@", "1234"])
def test_what_is_no_login_is_said_beside_the_field(client: FlaskClient, login: str) -> None:
    answer = ask(client, login)
    assert answer.status_code == 422
    assert 'id="login-error"' in answer.text


def test_a_new_password_by_a_link(
    app: Flask, client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    user = make_user(session)
    sign_in(client, user)
    elsewhere = app.test_client()
    ask(elsewhere, str(user.email))
    url = f"/password/reset/{told[0].link}"
    page = elsewhere.get(url)
    assert str(user.email) in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page.headers["Cache-Control"]
    answer = elsewhere.send(url, url, password=NEW)
    assert answer.headers["Location"] == "/sign-in"
    assert "Kata sandi sudah diganti" in elsewhere.get("/sign-in").text
    # All are out, the old password opens nothing, and the link is used up.
    assert client.get("/account").status_code == 303
    assert elsewhere.get("/account").status_code == 303, "who has the link signs in"
    assert give_password(app.test_client(), user).status_code == 422
    assert give_password(elsewhere, user, NEW).status_code == 303
    assert elsewhere.get(url).status_code == 404
    session.refresh(user)
    assert user.verified_at is not None, "it came by mail"
    assert [word.what for word in told] == [Told.RESET, Told.PASSWORD_CHANGED]
    actions = session.scalars(select(AuditEvent.action)).all()
    assert {"password reset asked", "password reset", "sessions ended"} <= set(actions)
    details = str(session.scalars(select(AuditEvent.details)).all())
    assert str(user.email) not in details and told[0].link not in details


@pytest.mark.parametrize(
    ("password", "why"), [("pendek", "8 sampai 128"), ("rahasia123", "mudah"), ("", "Isi bagian")]
)
def test_a_bad_one_costs_nothing(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word], password: str, why: str
) -> None:
    user = make_user(session)
    ask(client, str(user.email))
    url = f"/password/reset/{told[0].link}"
    answer = client.send(url, url, password=password)
    assert (answer.status_code, why in answer.text) == (422, True)
    assert client.send(url, url, password=NEW).status_code == 303


@pytest.mark.parametrize("token", ["x", "x" * 32, "x" * 5000, "%F0%9F%90%9F", "..", "a%00b"])
def test_what_is_no_link(client: FlaskClient, token: str) -> None:
    for path in (f"/password/reset/{token}", f"/verify/{token}"):
        assert client.get(path).status_code in (400, 404)


def test_a_link_is_for_one_thing(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    user = make_user(session)
    recovery.ask_to_verify(session, user, clock.now())
    session.commit()
    ask(client, str(user.email))
    verify, reset = (word.link for word in told)
    assert client.get(f"/password/reset/{verify}").status_code == 404
    assert client.get(f"/verify/{reset}").status_code == 404
    # Asked again: the older link is over.
    ask(client, str(user.email))
    assert client.get(f"/password/reset/{reset}").status_code == 404
    assert client.get(f"/password/reset/{told[2].link}").status_code == 200


def test_it_lasts_an_hour(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word], later: Later
) -> None:
    ask(client, str(make_user(session).email))
    url = f"/password/reset/{told[0].link}"
    page = client.get(url).text
    later(recovery.RESET_LIFETIME)
    assert client.get(url).status_code == 404
    fields = {"csrf_token": token_in(page), "password": NEW}
    assert client.post(url, data=fields).status_code == 404


def test_of_two_who_use_it_at_once_one_sets_the_password(app: Flask, session: Session) -> None:
    user = make_user(session)
    token = links.make(
        session, Purpose.RESET, now=NOW, user_id=user.id, lifetime=timedelta(hours=1)
    )
    session.commit()
    ready = Barrier(2)

    def go(password: str) -> bool:
        with app.app_context():
            link = links.find(db.session(), Purpose.RESET, token, NOW)
            assert link is not None
            db.session.rollback()
            kept = passwords.hashed(password)
            ready.wait(20)
            done = recovery.reset(db.session(), link, kept, NOW)
            db.session.commit()
            return done is not None

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(go, ("perahu-pertama", "perahu-kedua")))
    assert sorted(done) == [False, True]
    session.expire_all()
    winner = ("perahu-pertama", "perahu-kedua")[done.index(True)]
    assert passwords.fits(session.get_one(User, user.id).password_hash, winner)


def test_a_link_does_not_outlive_a_new_password_or_a_shut_account(
    client: FlaskClient, session: Session
) -> None:
    user, now = make_user(session), clock.now()
    hour = timedelta(hours=1)
    old = links.make(session, Purpose.RESET, now=now, user_id=user.id, lifetime=hour)
    recovery.change(session, user, passwords.hashed("perahu-baru-di-teluk"), now)
    session.commit()
    assert client.get(f"/password/reset/{old}").status_code == 404
    token = links.make(session, Purpose.RESET, now=now, user_id=user.id, lifetime=hour)
    link = links.find(session, Purpose.RESET, token, now)
    assert link is not None
    user.disabled_at = now
    session.commit()
    assert client.get(f"/password/reset/{token}").status_code == 404
    assert recovery.reset(session, link, "hash", now) is None


def test_a_link_does_not_go_around_the_second_factor(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    user = make_user(session)
    set_up(session, user)
    told.clear()
    ask(client, str(user.email))
    url = f"/password/reset/{told[0].link}"
    client.send(url, url, password=NEW)
    answer = give_password(client, user, NEW)
    assert answer.headers["Location"] == "/sign-in/code"
    assert client.get("/account").status_code == 303


@pytest.mark.parametrize("login", ["081234567890", "ibu@ovop.example"])
def test_whom_no_machine_reaches_a_person_helps(
    client: FlaskClient, session: Session, told: list[Word], login: str
) -> None:
    """Accounts with a telephone number; and all, where the site sends no mail."""
    user = make_user(session, login=login)
    operator = make_user(session, Role.OPERATOR)
    for written in (login, login):
        answer = ask(client, written)
        assert answer.headers["Location"] == "/password/reset/waiting"
    assert ask(client, "081299999999").headers["Location"] == "/password/reset/waiting"
    assert "lewat WhatsApp" in client.get("/password/reset/waiting").text
    assert told == []
    (waiting,) = recovery.waiting_for_help(session)
    assert waiting.user is user, "once, however often it is asked"
    token = recovery.reset_link(session, user, operator.id, clock.now())
    assert recovery.waiting_for_help(session) == []
    url = f"/password/reset/{token}"
    assert client.send(url, url, password=NEW).status_code == 303
    assert give_password(client, user, NEW).status_code == 303
    session.refresh(user)
    assert user.verified_at is None, "it did not come by mail"
    made = session.scalars(select(AuditEvent).where(AuditEvent.action == "password link made"))
    assert [event.actor_id for event in made] == [operator.id]
    # Later again.
    recovery.ask_to_reset(session, user, clock.now())
    assert len(recovery.waiting_for_help(session)) == 1
    assert session.scalar(select(func.count(HelpRequest.id))) == 2


def test_who_remembers_waits_no_more(
    client: FlaskClient, session: Session, configure: Callable[..., None], told: list[Word]
) -> None:
    user = make_user(session)
    ask(client, str(user.email))
    assert recovery.waiting_for_help(session)
    configure(smtp_url="smtp://127.0.0.1:9")
    ask(client, str(user.email))
    url = f"/password/reset/{told[0].link}"
    client.send(url, url, password=NEW)
    assert recovery.waiting_for_help(session) == []


def test_no_link_is_in_the_database_or_in_a_log(
    client: FlaskClient,
    session: Session,
    by_mail: None,
    told: list[Word],
    capfd: pytest.CaptureFixture[str],
) -> None:
    ask(client, str(make_user(session).email))
    client.get(f"/password/reset/{told[0].link}")
    from ovop_market.notices.models import Notice

    kept = session.scalars(select(Link)).one()
    notice = session.scalars(select(Notice)).one()
    assert told[0].link not in f"{vars(kept)} {vars(notice)}"
    assert told[0].link not in "".join(capfd.readouterr())
