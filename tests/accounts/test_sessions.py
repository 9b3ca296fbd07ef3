"""Sessions that the server knows: what ends them, and what a copied cookie is worth then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ovop_market import create_app
from ovop_market.accounts import services, sessions
from ovop_market.accounts.devices import named, words
from ovop_market.accounts.models import AuditEvent, Role, UserSession
from ovop_market.config import from_environment
from ovop_market.extensions import db
from tests.counting import counted
from tests.factories import NOW, PASSWORD, make_user, sign_in
from tests.pages import token_in, value_of

Later = Callable[[timedelta], None]
PHONE = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
HTMX = {"HX-Request": "true"}


def thief(app: Flask, of: FlaskClient) -> FlaskClient:
    """Another browser with a copy of the cookie."""
    copy = app.test_client()
    cookie = of.get_cookie("session")
    assert cookie is not None
    copy.set_cookie("session", cookie.value)
    return copy


def is_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def test_a_copied_cookie_is_dead_after_signing_out(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    sign_in(client, make_user(session))
    copy = thief(app, client)
    assert is_in(copy)
    client.send("/account", "/sign-out")
    assert not is_in(copy)
    # To HTMX it is said by a header, as to anybody who is not signed in.
    answer = copy.get("/account/sessions", headers=HTMX)
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"].startswith("/sign-in")


def test_the_cookie_holds_a_secret_that_the_database_does_not(
    client: FlaskClient, session: Session
) -> None:
    sign_in(client, make_user(session))
    with client.session_transaction("/account") as cookie:
        secret = cookie["_user_id"]
    assert len(secret) == 32
    kept = session.scalars(select(UserSession)).one()
    assert secret not in str(vars(kept))
    # And the database's own is no key to it.
    with client.session_transaction("/account") as cookie:
        cookie["_user_id"] = kept.digest
    assert not is_in(client)


@pytest.mark.parametrize("forged", ["", "1", "1.0", "x" * 5000, "\ud800", "0"])
def test_what_is_no_session_is_none(client: FlaskClient, session: Session, forged: str) -> None:
    make_user(session)
    with client.session_transaction("/account") as cookie:
        cookie["_user_id"] = forged
    assert not is_in(client)


def test_a_session_that_was_planted_before_signing_in_is_worthless(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    """Somebody gives me his cookie, and I sign in with it: he gets nothing (fixation)."""
    planted = app.test_client()
    planted.get("/sign-in")
    client.set_cookie("session", planted.get_cookie("session").value)  # type: ignore[union-attr]
    sign_in(client, make_user(session))
    assert is_in(client)
    assert not is_in(planted)


def test_signing_in_again_is_another_session_and_ends_the_first(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    ibu, other = make_user(session), make_user(session)
    sign_in(client, ibu)
    first = thief(app, client)
    page = client.get("/register").text
    fields = {"csrf_token": token_in(page), "login": other.email, "password": PASSWORD}
    assert client.post("/sign-in", data=fields).status_code == 303
    assert str(other.email) in client.get("/account").text
    assert not is_in(first)


def test_who_is_signed_in_on_which_device(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    ibu = make_user(session)
    make_user(session)
    sign_in(client, ibu)
    phone = app.test_client()
    phone.environ_base["HTTP_USER_AGENT"] = PHONE
    sign_in(phone, ibu)
    page = client.get("/account/sessions").text
    assert page.count("data-device=") == 2
    assert "Chrome di Android" in page
    assert page.index("Perangkat ini") < page.index("Chrome di Android"), "this one first"
    other = session.scalars(select(UserSession).where(UserSession.browser == "Chrome")).one()
    answer = client.send("/account/sessions", f"/account/sessions/{other.id}/removal")
    assert answer.headers["Location"] == "/account/sessions"
    assert not is_in(phone)
    assert is_in(client)
    assert client.get("/account/sessions").text.count("data-device=") == 1
    again = client.send("/account/sessions", f"/account/sessions/{other.id}/removal")
    assert again.status_code == 404


def test_a_device_is_ended_in_place(app: Flask, client: FlaskClient, session: Session) -> None:
    ibu = make_user(session)
    phone = app.test_client()
    sign_in(phone, ibu)
    other = session.scalars(select(UserSession)).one()
    sign_in(client, ibu)
    fields = {"csrf_token": client.csrf("/account/sessions")}
    url = f"/account/sessions/{other.id}/removal"
    answer = client.post(url, data=fields, headers=HTMX)
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div id="devices"')
    assert "Perangkat itu sudah keluar." in answer.text
    mine = session.scalars(select(UserSession.id).where(UserSession.ended_at.is_(None))).one()
    answer = client.post(f"/account/sessions/{mine}/removal", data=fields, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/sign-in")
    assert not is_in(client)


@pytest.mark.parametrize("which", ["another's", "0", "2147483647", "2147483648", "x"])
def test_other_peoples_sessions_are_404(client: FlaskClient, session: Session, which: str) -> None:
    sessions.begin(session, make_user(session), "", NOW)
    theirs = session.scalars(select(UserSession)).one()
    sign_in(client, make_user(session))
    number = theirs.id if which == "another's" else which
    url = f"/account/sessions/{number}/removal"
    assert client.send("/account/sessions", url).status_code == 404
    session.refresh(theirs)
    assert theirs.ended_at is None
    assert f'data-device="{theirs.id}"' not in client.get("/account/sessions").text


def test_signing_out_everywhere(app: Flask, client: FlaskClient, session: Session) -> None:
    ibu, other = make_user(session), make_user(session)
    phones = [app.test_client() for _ in range(2)]
    for phone in phones:
        sign_in(phone, ibu)
    stranger = app.test_client()
    sign_in(stranger, other)
    sign_in(client, ibu)
    copy = thief(app, client)
    answer = client.send("/account/sessions", "/account/sessions/removal")
    assert answer.headers["Location"] == "/sign-in"
    assert "Semua perangkat sudah keluar." in client.get("/sign-in").text
    assert [is_in(each) for each in (*phones, client, copy)] == [False] * 4
    assert is_in(stranger)


@pytest.mark.parametrize(
    ("page", "action"),
    [
        ("/account/sessions", "/account/sessions/removal"),
        ("/account/sessions", "/account/sessions/1/removal"),
        ("/account/second-factor", "/account/second-factor"),
    ],
)
def test_what_a_thief_of_the_phone_would_do_asks_for_the_password_again(
    client: FlaskClient, session: Session, later: Later, page: str, action: str
) -> None:
    user = make_user(session)
    sign_in(client, user)
    later(timedelta(minutes=16))
    asked = f"/account/confirmation?next={page}"
    assert client.send(page, action).headers["Location"] == asked
    fields = {"csrf_token": client.csrf(page)}
    answer = client.post(action, data=fields, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, asked)
    session.expire_all()
    assert session.scalars(select(UserSession.ended_at)).all() == [None]
    assert user.totp_secret is None
    url = "/account/confirmation"
    wrong = client.send(asked, url, current="bukan-yang-ini", next=page)
    assert (wrong.status_code, value_of(wrong.text, "next")) == (422, page)
    assert client.send(page, action).headers["Location"] == asked
    right = client.send(asked, url, current=PASSWORD, next=page)
    assert right.headers["Location"] == page
    elsewhere = client.send(asked, url, current=PASSWORD, next="//evil.example")
    assert elsewhere.headers["Location"] == "/account"
    assert client.send(page, action).headers["Location"] != asked


@pytest.mark.parametrize(
    ("role", "idle", "absolute"),
    [
        (Role.BUYER, timedelta(days=30), timedelta(days=90)),
        (Role.PRODUCER, timedelta(days=30), timedelta(days=90)),
        (Role.OFFICIAL, timedelta(hours=12), timedelta(days=7)),
        (Role.OPERATOR, timedelta(hours=12), timedelta(days=7)),
    ],
)
def test_a_session_lasts_so_long(
    session: Session, role: Role, idle: timedelta, absolute: timedelta
) -> None:
    user = make_user(session, role)
    token = sessions.begin(session, user, "", NOW)
    session.commit()

    def lasts(at: timedelta) -> bool:
        return sessions.find(session, token, NOW + at) is not None

    second = timedelta(seconds=1)
    assert (lasts(idle - second), lasts(idle)) == (True, False)
    # It is used all the time.
    now = NOW
    row = session.scalars(select(UserSession)).one()
    while now < NOW + absolute - idle:
        now += idle / 2
        sessions.note_seen(session.connection(), row.id, now)
    sessions.note_seen(session.connection(), row.id, NOW + absolute - second)
    session.expire_all()
    assert (lasts(absolute - second), lasts(absolute)) == (True, False)
    assert (sessions.devices_of(session, user, None, NOW + absolute) == []) is True


def test_being_seen_is_written_seldom_and_never_for_public_pages(
    client: FlaskClient, session: Session, later: Later
) -> None:
    sign_in(client, make_user(session))

    def seen() -> object:
        session.expire_all()
        return session.scalars(select(UserSession.seen_at)).one()

    began = seen()
    client.get("/account")
    later(sessions.SEEN_EVERY - timedelta(minutes=1))
    client.get("/account")
    assert seen() == began
    later(timedelta(minutes=2))
    client.get("/")
    client.get("/products")
    assert seen() == began
    with counted() as statements:
        assert client.get("/account").status_code == 200
    assert [each.split()[0] for each in statements].count("UPDATE") == 1
    assert seen() != began
    with counted() as statements:
        client.get("/account")
    assert not any(each.startswith("UPDATE") for each in statements)


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_page_does_not_wait_for_a_writer_to_say_who_was_seen(
    client: FlaskClient, session: Session, later: Later
) -> None:
    sign_in(client, make_user(session))
    later(timedelta(hours=1))
    began = session.scalars(select(UserSession.seen_at)).one()
    session.commit()
    with db.engine.connect() as writer:
        writer.execute(text("UPDATE user_account SET name = name"))
        with client.application.app_context():
            assert client.get("/account").status_code == 200
        writer.rollback()
    session.expire_all()
    assert session.scalars(select(UserSession.seen_at)).one() == began
    client.get("/account")
    session.expire_all()
    assert session.scalars(select(UserSession.seen_at)).one() > began


def test_a_session_is_looked_up_by_one_statement(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_user(session))
    client.get("/account")
    with counted() as statements:
        client.get("/account")
    assert sum("user_session" in each for each in statements) == 1
    # That, what is awaited of the account, and whether it has asked to sell.
    assert len(statements) <= 3, statements


def test_public_pages_look_at_no_session(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_user(session))
    with counted() as statements:
        client.get("/villages")
    assert not any("user_session" in each for each in statements)


def test_what_is_over_is_swept(session: Session) -> None:
    user = make_user(session)
    for _ in range(3):
        sessions.begin(session, user, "", NOW)
    first, second, _third = session.scalars(select(UserSession.id).order_by(UserSession.id))
    sessions.end_one(session, user, first, NOW)
    sessions.sign_out(session, user.id, second, NOW + timedelta(days=1))
    assert sessions.sweep(session, NOW + timedelta(hours=1)) == 1
    # The second has ended; the third, and a fourth that is used, have not.
    sessions.begin(session, user, "", NOW)
    fourth = session.scalars(select(UserSession).order_by(UserSession.id.desc())).first()
    assert fourth is not None
    fourth.seen_at = NOW + timedelta(days=80)
    session.flush()
    unused, longest = timedelta(days=30), timedelta(days=90)
    assert sessions.sweep(session, NOW + unused) == 1
    assert sessions.sweep(session, NOW + unused + timedelta(days=1)) == 1
    assert sessions.sweep(session, NOW + longest) == 0
    assert sessions.sweep(session, NOW + longest + timedelta(days=1)) == 1


def test_all_that_is_audited(client: FlaskClient, session: Session) -> None:
    user = make_user(session)
    sign_in(client, user)
    client.send("/account", "/sign-out")
    client.send("/sign-in", "/sign-in", login=str(user.email), password="bukan-yang-ini")
    sign_in(client, user)
    client.send("/account/sessions", "/account/sessions/removal")
    found = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [event.action for event in found] == [
        "account made",
        "signed in",
        "signed out",
        "sign-in failed",
        "signed in",
        "sessions ended",
    ]
    assert str(user.email) not in str([(event.subject, event.details) for event in found])
    assert found[3].subject == "sign-in" and found[3].actor_id is None


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (PHONE, "Chrome di Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) Version/17.5 Safari/604.1", "Safari di iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/126 Safari/537.36 Edg/126", "Edge di Windows"),
        ("Mozilla/5.0 (Linux; Android 13) SamsungBrowser/25 Chrome/121", "Samsung Internet di"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko Firefox/127.0", "Firefox di Linux"),
        ("curl/8", "Perangkat lain"),
        ("", "Perangkat lain"),
        ("<script>Chrome</script>", "Chrome"),
    ],
)
def test_a_device_by_its_name(app: Flask, user_agent: str, name: str) -> None:
    with app.test_request_context("/"):
        assert words(*named(user_agent)).startswith(name)


def test_the_cookies_of_production(tmp_path: Path, session: Session) -> None:
    """`__Host-`, Secure, HttpOnly and SameSite=Lax: no other site of the same name plants one, no
    script reads one, and none goes over a plain line."""
    environment = {
        "OVOP_ENV": "production",
        "SECRET_KEY": "k9Qz-4mWv7Rt2Xc8Lp5Ns1Jd6Hb3Gf0Ya",
        "DATABASE_URL": session.get_bind().url.render_as_string(False),  # type: ignore[union-attr]
        "OVOP_MEDIA": str(tmp_path),
        "PUBLIC_URL": "https://pasar.example",
    }
    app = create_app(from_environment(environment))
    services.register(
        session, login="a@ovop.example", password=PASSWORD, name="A", role=Role.BUYER, now=NOW
    )
    session.commit()
    client = app.test_client()
    base = "https://pasar.example"
    page = client.get("/sign-in", base_url=base).get_data(as_text=True)
    fields = {"csrf_token": token_in(page), "login": "a@ovop.example", "password": PASSWORD}
    headers = {"Referer": base + "/sign-in"}
    answer = client.post("/sign-in", data=fields, base_url=base, headers=headers)
    assert answer.status_code == 303
    found = {each.partition("=")[0]: each for each in answer.headers.getlist("Set-Cookie")}
    assert set(found) == {"__Host-session", "__Host-device"}
    for cookie in found.values():
        attributes = {part.strip() for part in cookie.split(";")[1:]}
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= attributes
        assert "Domain" not in cookie
    app.extensions["kept pages"].version.close()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
