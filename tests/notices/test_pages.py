"""The phone panel and its service worker, failed messages on the desk, and WhatsApp."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import PersonalDataView, Role, User
from ovop_market.core import clock
from ovop_market.core import whatsapp as chats
from ovop_market.notices.models import Notice, PushSubscription
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import Refund
from ovop_market.payments.services import refunds
from ovop_market.villages.models import Producer
from tests.factories import BELO_LAUT, NOW, make_order, make_producer, make_user, sign_in
from tests.notices.browsers import ENDPOINT, make_keys
from tests.notices.conftest import BUYER, Configure
from tests.notices.post_office import PostOffice

S = OrderState
SUBSCRIBE, REMOVE = "/inbox/notifications", "/inbox/notifications/removal"


@pytest.fixture
def inbox(client: FlaskClient, household: Producer, maker: User) -> FlaskClient:
    """The browser of the household's staff."""
    sign_in(client, maker)
    return client


@pytest.fixture
def desk(client: FlaskClient, session: Session) -> FlaskClient:
    """The operator's browser."""
    sign_in(client, make_user(session, Role.OPERATOR))
    return client


def browser(number: int = 1) -> dict[str, str]:
    _key, point, secret = make_keys()
    return {"endpoint": f"{ENDPOINT}{number}", "p256dh": point, "auth": secret}


def kept(session: Session) -> list[tuple[str, int, str]]:
    session.expire_all()
    rows = session.scalars(select(PushSubscription).order_by(PushSubscription.id))
    return [(row.endpoint.removeprefix(ENDPOINT), row.user_id, row.language) for row in rows]


def test_the_inbox_offers_it_where_there_is_a_key(
    inbox: FlaskClient, configure: Configure, app: Flask
) -> None:
    page = inbox.get("/inbox").get_data(as_text=True)
    panel = re.search(r'<section id="phone"[^>]*>', page)
    assert panel and " hidden" in panel.group(0)
    assert f'data-key="{app.jinja_env.globals["push_key"]}"' in panel.group(0)
    assert len(str(app.jinja_env.globals["push_key"])) == 87
    # The part that is asked for every few seconds does not bring it again.
    part = inbox.get("/inbox", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert 'id="phone"' not in part


def test_subscribing_and_leaving(inbox: FlaskClient, session: Session, maker: User) -> None:
    first = browser()
    assert inbox.send("/inbox", SUBSCRIBE, **first).location == "/inbox"
    again = inbox.post(
        "/en" + SUBSCRIBE,
        data={"csrf_token": inbox.csrf("/inbox"), **first},
        headers={"HX-Request": "true"},
    )
    assert again.status_code == 204
    assert kept(session) == [("1", maker.id, "en")]
    inbox.send("/inbox", SUBSCRIBE, **browser(2))
    assert len(kept(session)) == 2
    for _ in range(2):
        answer = inbox.send("/inbox", REMOVE, endpoint=first["endpoint"])
        assert answer.status_code == 303
    assert [name for name, *_rest in kept(session)] == ["2"]


def test_a_browser_has_one_account(
    app: Flask, inbox: FlaskClient, session: Session, maker: User
) -> None:
    mine = browser()
    inbox.send("/inbox", SUBSCRIBE, **mine)
    other = make_user(session, Role.PRODUCER)
    session.commit()
    theirs = app.test_client()
    sign_in(theirs, other)
    # Others cannot turn mine off by its address.
    theirs.send("/inbox", REMOVE, endpoint=mine["endpoint"])
    assert kept(session) == [("1", maker.id, "id")]
    theirs.send("/inbox", SUBSCRIBE, **mine)
    assert kept(session) == [("1", other.id, "id")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "https://169.254.169.254/latest"},
        {"endpoint": "http://fcm.googleapis.com/x"},
        {"endpoint": ""},
        {"endpoint": ENDPOINT + "x" * 1000},
        {"endpoint": ENDPOINT + "\x00"},
        {"p256dh": "AAAA"},
        {"p256dh": ""},
        {"auth": "AAAA"},
        {"auth": "x" * 41},
    ],
)
def test_what_is_no_subscription_is_refused(
    inbox: FlaskClient, session: Session, wrong: dict[str, str]
) -> None:
    answer = inbox.send("/inbox", SUBSCRIBE, **{**browser(), **wrong})
    assert answer.status_code == 422
    assert kept(session) == []


def test_without_a_key_there_is_nothing_to_subscribe_to(
    inbox: FlaskClient, session: Session, configure: Configure
) -> None:
    configure(vapid_key="")
    assert inbox.send("/inbox", SUBSCRIBE, **browser()).status_code == 409
    assert kept(session) == []


def test_the_service_worker_stands_at_the_root(client: FlaskClient) -> None:
    answer = client.get("/sw.js")
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Set-Cookie" not in answer.headers
    assert b"showNotification" in answer.data
    again = client.get("/sw.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.fixture
def failing(session: Session, by_mail: PostOffice, household: Producer) -> list[Notice]:
    """To the buyer, and to the producer, of a recent order; and one of long ago."""
    now = clock.now()
    make_order(session, producer=household, email=BUYER, now=now)
    make_order(session, producer=household, now=now - timedelta(days=4))
    session.query(Notice).update({"state": "FAILED", "failure": "address 550"})
    session.commit()
    return list(session.scalars(select(Notice).order_by(Notice.made_at, Notice.id)))


def test_failures_are_on_the_desk(desk: FlaskClient, failing: list[Notice]) -> None:
    order = failing[-1].order or failing[-1].purchase.orders[0]  # type: ignore[union-attr]
    page = desk.get("/desk?kind=notices").get_data(as_text=True)
    assert page.count('data-stuck="notices"') == 3
    assert f"Pembeli pesanan {order.number}" in page
    assert f'href="/desk/notices#notice-{failing[-1].id}"' in page
    page = unescape(desk.get("/desk/notices").get_data(as_text=True))
    assert f"Pembeli pesanan {order.number}" in page
    assert f"Penjual pesanan {order.number}" in page
    assert "Alamatnya salah atau tidak ada (550)" in page
    assert BUYER not in page
    english = desk.get("/en/desk?kind=notices").get_data(as_text=True)
    assert "/en/desk/notices#notice-" in english and "Buyer of order" in english


def test_whose_names_are_listed_is_noted(
    desk: FlaskClient, session: Session, failing: list[Notice]
) -> None:
    user = make_user(session, Role.PRODUCER, name="Ibu Contoh")
    now = clock.now()
    session.add(
        Notice(
            kind="password_changed",
            key="x",
            channel="email",
            recipient=f"user {user.id}",
            user_id=user.id,
            details={},
            language="id",
            state="FAILED",
            made_at=now,
            due_at=now,
        )
    )
    session.commit()
    assert "Ibu Contoh" in desk.get("/desk/notices").text
    seen = session.execute(select(PersonalDataView.page, PersonalDataView.subject)).all()
    assert ("failed messages", f"user {user.id}") in [tuple(row) for row in seen]


def test_what_is_too_old_can_only_be_removed(desk: FlaskClient, failing: list[Notice]) -> None:
    page = desk.get("/desk/notices").get_data(as_text=True)
    old, *recent = (str(notice.id) for notice in failing)
    assert re.findall(r'<form method="post" action="/desk/notices/(\d+)/retry"', page) == recent
    assert f'action="/desk/notices/{old}/drop"' in page
    answer = desk.send("/desk/notices", f"/desk/notices/{old}/retry")
    assert answer.status_code == 409
    assert "lebih dari 3 hari" in answer.get_data(as_text=True)


@pytest.mark.parametrize(("verb", "state"), [("retry", "PENDING"), ("drop", "DROPPED")])
@pytest.mark.parametrize("by_script", [True, False])
def test_an_operator_decides(
    desk: FlaskClient,
    session: Session,
    failing: list[Notice],
    verb: str,
    state: str,
    by_script: bool,
) -> None:
    notice_id = failing[-1].id
    token = desk.csrf("/desk/notices")
    headers = {"HX-Request": "true"} if by_script else {}
    for _ in range(2):
        answer = desk.post(
            f"/desk/notices/{notice_id}/{verb}", data={"csrf_token": token}, headers=headers
        )
        assert answer.status_code == (200 if by_script else 303)
    session.expire_all()
    assert session.get_one(Notice, notice_id).state == state
    page = desk.get("/desk/notices").get_data(as_text=True)
    assert f'data-notice="{notice_id}"' not in page


def test_no_such_notice(desk: FlaskClient, failing: list[Notice]) -> None:
    for verb in ("retry", "drop"):
        assert desk.send("/desk/notices", f"/desk/notices/999999/{verb}").status_code == 404


def test_nothing_has_failed(desk: FlaskClient) -> None:
    page = desk.get("/desk/notices").get_data(as_text=True)
    assert "Tidak ada pesan yang gagal" in page


def whatsapps(page: str) -> list[tuple[str, str]]:
    """Number and text of each prefilled message on a page."""
    found = []
    for address in re.findall(r'href="(https://wa\.me/[^"]+)"', page):
        parts = urlsplit(unescape(address))
        text = parse_qs(parts.query).get("text", [""])[0]
        if text:
            found.append((parts.path.strip("/"), text))
    return found


@pytest.mark.parametrize(
    ("state", "values", "says"),
    [
        (S.ACCEPTED, {}, "Bayar sampai"),
        (S.COUNTERED, {}, "kami sanggup: 2 × Pempek"),
        (S.DECLINED, {}, "alasan contoh"),
        (S.PREPARING, {}, "sedang kami buat"),
        (S.READY, {}, "segera kami kirim"),
        (S.READY, {"way": "pickup", "region": BELO_LAUT}, "Galeri OVOP Mentok"),
        (S.SHIPPED, {}, "JNE, nomor resi JP123"),
        (S.DISPUTED, {}, "Boleh kirim foto"),
        (S.RECEIVED, {}, "terima kasih"),
    ],
)
def test_a_producer_tells_the_buyer(
    inbox: FlaskClient,
    session: Session,
    household: Producer,
    state: OrderState,
    values: dict[str, str],
    says: str,
) -> None:
    order = make_order(session, state, producer=household, **values)
    page = inbox.get(f"/inbox/{order.number}").get_data(as_text=True)
    ((number, text),) = whatsapps(page)
    assert number == "6281234567890"
    assert text.startswith("Halo Sari Contoh,") and says in text and order.number in text
    assert order.purchase.token not in page


def test_a_producer_tells_the_buyer_who_did_not_come(
    inbox: FlaskClient, session: Session, household: Producer
) -> None:
    order = make_order(session, S.READY, producer=household, method=PaymentMethod.COD)
    by = By(Actor.PRODUCER)
    lifecycle.act(session, order, Action.GIVE_UP, by, NOW, reason="Tidak diangkat")
    session.commit()
    ((_number, text),) = whatsapps(inbox.get(f"/inbox/{order.number}").get_data(as_text=True))
    assert "tidak kami tunggu lagi" in text and "Tidak diangkat" in text
    buyers = inbox.get(f"/purchases/{order.purchase.token}").get_data(as_text=True)
    assert "Penjual membatalkan pesanan ini karena Anda tidak datang" in buyers
    assert "Tidak diangkat" in buyers


@pytest.mark.parametrize("state", [S.PLACED, S.EXPIRED, S.CANCELLED])
def test_there_is_not_always_something_to_tell(
    inbox: FlaskClient, session: Session, household: Producer, state: OrderState
) -> None:
    order = make_order(session, state, producer=household)
    assert whatsapps(inbox.get(f"/inbox/{order.number}").get_data(as_text=True)) == []


def test_the_text_is_in_the_readers_language_and_the_button_in_the_writers(
    inbox: FlaskClient, session: Session, household: Producer
) -> None:
    order = make_order(session, S.SHIPPED, producer=household)
    order.purchase.language = "en"
    page = inbox.get(f"/inbox/{order.number}").get_data(as_text=True)
    ((_number, text),) = whatsapps(page)
    assert text.startswith("Hello Sari Contoh, we have sent order")
    assert "Kabari pembeli" in page
    english = inbox.get(f"/en/inbox/{order.number}").get_data(as_text=True)
    assert "Tell the buyer" in english
    order.purchase.language = "id"
    english = inbox.get(f"/en/inbox/{order.number}").get_data(as_text=True)
    ((_number, text),) = whatsapps(english)
    assert text.startswith("Halo Sari Contoh, pesanan")


@pytest.mark.parametrize(
    ("state", "to", "says"),
    [
        (S.PLACED, ["6281200000000"], "menunggu jawaban Anda sampai"),
        (S.COUNTERED, ["6281234567890"], "penjual menawar"),
        (S.ACCEPTED, ["6281234567890"], "menunggu pembayaran sampai"),
        (S.SHIPPED, ["6281234567890"], "sudah sampai?"),
        (S.DISPUTED, ["6281234567890", "6281200000000"], "keluhan Anda"),
    ],
)
def test_an_operator_asks(
    desk: FlaskClient,
    session: Session,
    household: Producer,
    state: OrderState,
    to: list[str],
    says: str,
) -> None:
    order = make_order(session, state, producer=household)
    page = desk.get(f"/desk/orders/{order.number}").get_data(as_text=True)
    messages = whatsapps(page)
    assert [number for number, _text in messages] == to
    assert says in messages[0][1]
    assert order.purchase.token not in page


def test_an_operator_tells_of_money_that_goes_back(
    desk: FlaskClient, session: Session, household: Producer
) -> None:
    order = make_order(session, S.PREPARING, producer=household)
    lifecycle.act(session, order, Action.REVOKE, By(Actor.OPERATOR), NOW, reason="banjir")
    address = f"/desk/orders/{order.number}"
    refund = session.scalars(select(Refund)).one()

    def said() -> str:
        ((number, text),) = whatsapps(desk.get(address).get_data(as_text=True))
        assert number == "6281234567890"
        return text

    assert "Tulis rekening tujuannya" in said()
    refunds.name_destination(session, refund, "BRI 0123", NOW)
    assert "segera kami kirim" in said() and "0123" not in said()
    refunds.send(session, refund, make_user(session, Role.OPERATOR).id, NOW, reference="TRX")
    assert "sudah kami kirim kembali" in said()


@pytest.mark.parametrize(
    ("state", "language", "number", "says"),
    [
        (S.PLACED, "en", "6281200000000", "Halo Rumah Mawar, ada pesanan"),
        (S.ACCEPTED, "id", "6281234567890", "Halo Sari Contoh, pesanan"),
        (S.ACCEPTED, "en", "6281234567890", "Hello Sari Contoh, order"),
    ],
)
def test_an_operator_asks_straight_from_the_desk(
    desk: FlaskClient,
    session: Session,
    household: Producer,
    state: OrderState,
    language: str,
    number: str,
    says: str,
) -> None:
    order = make_order(session, state, producer=household, now=clock.now() - timedelta(hours=60))
    order.purchase.language = language
    page = desk.get("/desk").get_data(as_text=True)
    ((to, text),) = whatsapps(page)
    assert to == number
    assert text.startswith(says) and order.number in text
    assert order.purchase.token not in page


def test_whatever_stands_in_a_text_stays_in_it(app: Flask) -> None:
    text = "a&b=c #d\n<e> 100% “f” ?g+h"
    link = chats.address("+6281234567890", text)
    assert link.isascii()
    assert parse_qs(urlsplit(link).query) == {"text": [text]}
    assert urlsplit(link).path == "/6281234567890"


def test_a_name_cannot_break_out_of_the_link(
    inbox: FlaskClient, session: Session, household: Producer
) -> None:
    order: Order = make_order(session, S.SHIPPED, producer=household, name='"><b>&text=lain</b>')
    page = inbox.get(f"/inbox/{order.number}").get_data(as_text=True)
    ((_number, text),) = whatsapps(page)
    assert text.startswith('Halo "><b>&text=lain</b>, pesanan')


def test_other_producers_see_neither(app: Flask, session: Session, household: Producer) -> None:
    order = make_order(session, S.SHIPPED, producer=household)
    other = make_user(session, Role.PRODUCER)
    make_producer(session, staff=other)
    client = app.test_client()
    sign_in(client, other)
    assert client.get(f"/inbox/{order.number}").status_code == 404
