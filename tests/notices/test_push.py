"""Web Push: what a phone is shown, whom our server calls, and what the answers mean."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from flask.testing import FlaskClient
from py_vapid import Vapid02
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import sessions
from ovop_market.accounts.models import User, UserSession
from ovop_market.core.errors import ConfigurationError, Conflict
from ovop_market.extensions import db
from ovop_market.notices import browsers, services
from ovop_market.notices.channels import Browser, Outgoing
from ovop_market.notices.channels.push import Pusher, are_keys, is_push_service, public_key
from ovop_market.notices.models import Notice, PushSubscription
from ovop_market.notices.states import BACK_OFF, Channel, Failure, NoticeAction
from ovop_market.notices.texts import Message
from ovop_market.privacy import breach
from ovop_market.villages.models import Producer
from tests.factories import NOW, PASSWORD, make_order, make_user, sign_in
from tests.notices.browsers import ENDPOINT, encoded, make_keys, opened, session_of
from tests.notices.conftest import SITE, Configure, Send
from tests.notices.push_service import PushService
from tests.process.server import HOST, free_port

KEY = encoded(bytes(range(1, 33)))
SENDER = "OVOP Market <surat@ovop.example>"
MESSAGE = Message("Pesanan baru 7K4M-2XQ9", "Jawab.", SITE, "/inbox/7K4M-2XQ9", "Buka")


def trusting(_endpoint: str) -> bool:
    """For the service under test, which is on this machine."""
    return True


@pytest.fixture
def push_service() -> Iterator[PushService]:
    with PushService() as service:
        yield service


@pytest.fixture
def pusher() -> Pusher:
    return Pusher(KEY, SENDER, trusted=trusting)


def subscribed(
    session: Session, user: User, endpoint: str, language: str = "id"
) -> ec.EllipticCurvePrivateKey:
    key, point, secret = make_keys()
    browsers.subscribe(
        session,
        user,
        session_id=session_of(session, user),
        endpoint=endpoint,
        p256dh=point,
        auth=secret,
        language=language,
        now=NOW,
    )
    return key


def outgoing(endpoint: str, name: str = "notice-7.abc") -> Outgoing:
    _key, point, secret = make_keys()
    return Outgoing(7, name, MESSAGE, "id", NOW, browser=Browser(endpoint, point, secret))


@pytest.mark.parametrize(("language", "title"), [("id", "Pesanan baru"), ("en", "New order")])
def test_the_phone_shows_number_and_what_to_do(
    session: Session,
    configure: Configure,
    push_service: PushService,
    pusher: Pusher,
    household: Producer,
    maker: User,
    send: Send,
    language: str,
    title: str,
) -> None:
    configure(smtp_url="", vapid_key=KEY, public_url=SITE)
    key = subscribed(session, maker, push_service.endpoint, language)
    order = make_order(session, producer=household)
    assert send(couriers={Channel.PUSH: pusher}) == 1
    (pushed,) = push_service.pushed
    shown = opened(key, pushed.body)
    prefix = "/en" if language == "en" else ""
    assert shown["title"] == f"{title} {order.number}"
    assert shown["path"] == f"{prefix}/inbox/{order.number}"
    assert shown["lang"] == language
    assert set(shown) == {"title", "body", "path", "lang", "tag"}
    assert order.purchase.token not in json.dumps(shown)
    assert order.number.encode() not in pushed.body
    headers = {name.lower(): value for name, value in pushed.headers.items()}
    assert headers["content-encoding"] == "aes128gcm"
    assert headers["ttl"] == "86400" and headers["urgency"] == "high"
    assert len(headers["topic"]) == 32
    check_signature(headers["authorization"], push_service.endpoint)


def check_signature(header: str, endpoint: str) -> None:
    """RFC 8292: signed by our key, for this service, with whom to ask."""
    fields = dict(part.strip().split("=", 1) for part in header.removeprefix("vapid ").split(","))
    assert fields["k"] == public_key(KEY)
    assert Vapid02.verify(header)
    middle = fields["t"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    assert claims["sub"] == "mailto:surat@ovop.example"
    assert claims["aud"] == endpoint.removesuffix("/push/abc")


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(
    session: Session,
    configure: Configure,
    push_service: PushService,
    pusher: Pusher,
    household: Producer,
    maker: User,
    send: Send,
    status: int,
) -> None:
    configure(smtp_url="", vapid_key=KEY)
    subscribed(session, maker, push_service.endpoint)
    for _ in range(2):
        make_order(session, producer=household)
    push_service.status = status
    assert send(couriers={Channel.PUSH: pusher}) == 2
    assert session.query(PushSubscription).count() == 0
    found = session.scalars(select(Notice)).all()
    assert [(n.state, n.failure) for n in found] == [("DROPPED", "gone")] * 2
    # The next order is told to nobody: there is no browser any more.
    make_order(session, producer=household)
    assert session.query(Notice).count() == 2


@pytest.mark.parametrize(
    ("status", "headers", "action", "after"),
    [
        (429, {"Retry-After": "3600"}, NoticeAction.POSTPONE, timedelta(hours=1)),
        (503, {"Retry-After": "99999999999"}, NoticeAction.POSTPONE, timedelta(hours=12)),
        (500, {"Retry-After": "tomorrow"}, NoticeAction.POSTPONE, timedelta()),
        (400, {}, NoticeAction.GIVE_UP, timedelta()),
        (403, {}, NoticeAction.GIVE_UP, timedelta()),
        (413, {}, NoticeAction.GIVE_UP, timedelta()),
    ],
)
def test_answers(
    push_service: PushService,
    pusher: Pusher,
    status: int,
    headers: dict[str, str],
    action: NoticeAction,
    after: timedelta,
) -> None:
    push_service.status, push_service.headers = status, headers
    with pusher:
        outcome = pusher.send(outgoing(push_service.endpoint))
    assert (outcome.action, outcome.code, outcome.after) == (action, status, after)


def test_a_service_that_asks_for_time_gets_it(
    session: Session,
    configure: Configure,
    push_service: PushService,
    pusher: Pusher,
    household: Producer,
    maker: User,
    send: Send,
) -> None:
    configure(smtp_url="", vapid_key=KEY)
    subscribed(session, maker, push_service.endpoint)
    make_order(session, producer=household)
    push_service.status, push_service.headers = 429, {"Retry-After": "3600"}
    assert send(couriers={Channel.PUSH: pusher}) == 1
    assert send(NOW + BACK_OFF[0], couriers={Channel.PUSH: pusher}) == 0
    push_service.status = 201
    assert send(NOW + timedelta(hours=1), couriers={Channel.PUSH: pusher}) == 1


def test_no_redirect_is_followed(push_service: PushService, pusher: Pusher) -> None:
    with PushService() as inside:
        push_service.status = 307
        push_service.headers = {"Location": inside.endpoint}
        with pusher:
            outcome = pusher.send(outgoing(push_service.endpoint))
        assert outcome.action is NoticeAction.GIVE_UP
        assert inside.pushed == []


def test_a_service_out_of_reach_is_called_once_in_a_batch(
    pusher: Pusher, push_service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = f"http://{HOST}:{free_port()}/push"
    called: list[str] = []
    real = pusher._post
    monkeypatch.setattr(
        pusher, "_post", lambda browser, out: called.append(browser.endpoint) or real(browser, out)
    )
    with pusher:
        found = [
            pusher.send(outgoing(address)).action for address in (dead, dead, push_service.endpoint)
        ]
    assert found == [NoticeAction.POSTPONE, NoticeAction.POSTPONE, NoticeAction.DELIVER]
    assert called == [dead, push_service.endpoint]


def test_an_endpoint_is_checked_again_when_something_is_sent(push_service: PushService) -> None:
    """Whatever stands in the database, only push services are called."""
    with Pusher(KEY, SENDER) as pusher:
        outcome = pusher.send(outgoing(push_service.endpoint))
    assert (outcome.action, outcome.failure) == (NoticeAction.GIVE_UP, Failure.ADDRESS)
    assert push_service.pushed == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://eu.push.services.mozilla.com/wpush/v2/abc",
        "https://wns2-par02p.notify.windows.com/w/?token=abc%2f",
        "https://web.push.apple.com/abc",
        "https://eu.push.apple.com/abc",
    ],
)
def test_push_services(endpoint: str) -> None:
    assert is_push_service(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://fcm.googleapis.com",
        "https://a..push.apple.com/x",
        "https://.notify.windows.com/x",
        "https://evil.example;.push.apple.com/x",
        "https://evil.example%23.push.apple.com/x",
        f"https://{'a' * 64}.push.apple.com/x",
        "https://evil.example/fcm.googleapis.com",
        "https://evilnotify.windows.com.example/x",
        "https://xpush.apple.com/x",
        "https://notify.windows.com/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/x",
        "https://fcm.googleapis.com:8080/x",
        "https://fcm.googleapis.com:443/x",
        "https://fcm.googleapis.com:/x",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://evil.example\\@fcm.googleapis.com/x",
        "https://evil.example#@fcm.googleapis.com/x",
        "https://fcm.googleapis.com\t/x",
        "https://fcm.googleapis.com/x\r\nHost: evil.example",
        "https://fcm.googleapis.com/ x",
        "https://fcm.googleapis.com%2eevil.example/x",
        "https://fcm.googleapis.com./x",
        "https://fcm.googleapis.ⓒom/x",
        "https://fcm.googleapis.com/" + "x" * 1000,
        "file:///etc/passwd",
        "https:fcm.googleapis.com",
        "//fcm.googleapis.com/x",
        "https://fcm.googleapis.com:99999999/x",
        "https://[fcm.googleapis.com/x",
    ],
)
def test_everything_else_is_no_push_service(endpoint: str) -> None:
    assert not is_push_service(endpoint)


def test_keys_of_a_browser() -> None:
    _key, point, secret = make_keys()
    assert are_keys(point, secret)
    assert are_keys(point + "=", secret)
    assert not are_keys(point, secret[:-2])
    assert not are_keys(point[:-2], secret)
    assert not are_keys(encoded(b"\x04" + bytes(64)), secret)
    assert not are_keys("!" * 87, secret)
    assert not are_keys("", "")


@pytest.mark.parametrize("key", ["", "x", "A" * 44, encoded(bytes(32)), encoded(b"\xff" * 32), "é"])
def test_a_key_that_is_none_stops_the_start(key: str) -> None:
    with pytest.raises(ConfigurationError, match="OVOP_VAPID_KEY"):
        public_key(key)


def test_a_browser_of_another_account_now_is_not_told(
    app: Flask,
    session: Session,
    configure: Configure,
    pusher: Pusher,
    push_service: PushService,
    household: Producer,
    maker: User,
    send: Send,
) -> None:
    """Between the event and its sending somebody else signed in on that phone."""
    configure(smtp_url="", vapid_key=KEY)
    subscribed(session, maker, push_service.endpoint)
    make_order(session, producer=household)
    subscribed(session, make_user(session), push_service.endpoint)
    assert send(couriers={Channel.PUSH: pusher}) == 1
    assert push_service.pushed == []
    assert session.scalars(select(Notice.failure)).one() == "not needed"
    assert session.query(PushSubscription).count() == 1


def test_ten_browsers_of_an_account(session: Session, maker: User) -> None:
    for number in range(12):
        browsers.subscribe(
            session,
            maker,
            session_id=session_of(session, maker),
            endpoint=f"{ENDPOINT}{number}",
            p256dh=make_keys()[1],
            auth=make_keys()[2],
            language="id",
            now=NOW + timedelta(minutes=number),
        )
    kept = session.scalars(select(PushSubscription.endpoint)).all()
    assert sorted(kept) == sorted(f"{ENDPOINT}{number}" for number in range(2, 12))


# For as long as the session lasts


def ask(client: FlaskClient, name: str) -> None:
    _key, point, secret = make_keys()
    fields = {"endpoint": ENDPOINT + name, "p256dh": point, "auth": secret}
    answer = client.send("/register", "/inbox/notifications", **fields)
    assert answer.status_code == 303


def told(session: Session) -> set[str]:
    session.expire_all()
    endpoints = session.scalars(select(PushSubscription.endpoint))
    return {endpoint.removeprefix(ENDPOINT) for endpoint in endpoints}


@pytest.fixture
def phones(
    app: Flask, session: Session, household: Producer, maker: User, configure: Configure
) -> tuple[FlaskClient, FlaskClient]:
    """Two phones of one person, who is told on both."""
    configure(vapid_key=KEY)
    found = app.test_client(), app.test_client()
    for phone, name in zip(found, "ab", strict=True):
        sign_in(phone, maker)
        ask(phone, name)
    assert told(session) == {"a", "b"}
    return found


def test_who_signs_out_is_told_nothing_more_there(
    session: Session, household: Producer, phones: tuple[FlaskClient, FlaskClient]
) -> None:
    phones[0].send("/register", "/sign-out")
    assert told(session) == {"b"}
    make_order(session, producer=household)
    recipients = session.scalars(select(Notice.recipient).where(Notice.channel == Channel.PUSH))
    (left,) = session.scalars(select(PushSubscription.id))
    assert set(recipients) == {f"browser {left}"}


def test_a_phone_that_is_signed_out_from_elsewhere(
    session: Session, phones: tuple[FlaskClient, FlaskClient]
) -> None:
    lost = session.scalars(select(UserSession.id).order_by(UserSession.id)).first()
    phones[1].send("/register", f"/account/sessions/{lost}/removal")
    assert told(session) == {"b"}
    phones[1].send("/register", "/account/sessions/removal")
    assert told(session) == set()


def test_a_new_password_ends_what_other_phones_are_told(
    session: Session, maker: User, phones: tuple[FlaskClient, FlaskClient]
) -> None:
    new = "kata sandi yang baru 77"
    fields = {"current": PASSWORD, "password": new, "again": new}
    page = phones[0].get("/inbox").get_data(as_text=True)
    answer = phones[0].send("/account/password", "/account/password", **fields)
    assert answer.status_code == 303
    assert told(session) == set()
    # This one is in a session of its own now, which its page says: the script asks anew.
    again = phones[0].get("/inbox").get_data(as_text=True)
    mark = 'data-session="'
    assert mark in page and page.split(mark)[1].split('"')[0] != again.split(mark)[1].split('"')[0]
    ask(phones[0], "a")
    assert told(session) == {"a"}


def test_after_a_leak_nobody_is_told_before_signing_in(
    session: Session, phones: tuple[FlaskClient, FlaskClient]
) -> None:
    breach.end_all_sessions(session, NOW)
    session.commit()
    assert told(session) == set()


def test_a_session_that_has_just_ended_cannot_ask(session: Session, maker: User) -> None:
    _key, point, secret = make_keys()
    own = session_of(session, maker)
    sessions.sign_out(session, maker.id, own, NOW)
    for wrong in (own, 0, session_of(session, make_user(session))):
        with pytest.raises(Conflict):
            browsers.subscribe(
                session,
                maker,
                session_id=wrong,
                endpoint=ENDPOINT,
                p256dh=point,
                auth=secret,
                language="id",
                now=NOW,
            )
    assert told(session) == set()


def test_a_session_that_ran_out_takes_its_browser_along(session: Session, maker: User) -> None:
    subscribed(session, maker, ENDPOINT)
    session.commit()
    sessions.sweep(session, NOW + timedelta(days=400))
    session.commit()
    assert told(session) == set()


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_who_signs_out_undoes_nobodys_order(
    session: Session,
    configure: Configure,
    household: Producer,
    maker: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The browser is forgotten between being looked up and being told."""
    configure(smtp_url="", vapid_key=KEY, public_url=SITE)
    for name in ("gone", "there"):
        subscribed(session, maker, f"{ENDPOINT}{name}")
    session.commit()
    asked_in, maker_id = session.scalars(select(PushSubscription.session_id)).first(), maker.id
    usual = services._staff_of

    def meanwhile(*given: Any) -> Any:
        found = usual(*given)
        with Session(db.engine) as other:
            sessions.sign_out(other, maker_id, asked_in or 0, NOW)
            other.commit()
        return found

    monkeypatch.setattr(services, "_staff_of", meanwhile)
    make_order(session, producer=household)
    session.commit()
    (there,) = session.scalars(select(PushSubscription.id))
    assert session.scalars(select(Notice.subscription_id)).all() == [there]
