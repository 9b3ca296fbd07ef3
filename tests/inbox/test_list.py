"""The inbox: which orders lie where, what is counted, and how it stays up to date."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.inbox import queries
from ovop_market.inbox.tabs import SHELVES, Tab
from ovop_market.orders.models import PaymentMethod
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.villages.models import Producer
from tests.counting import counted
from tests.factories import make_order, make_product, make_user, sign_in

S = OrderState
HTMX = {"HX-Request": "true"}


def shown(body: str) -> list[str]:
    return re.findall(r'data-order="([^"]+)"', body)


def count_of(body: str, tab: str) -> int:
    query = "" if tab == "now" else rf"\?tab={tab}"
    found = re.search(rf'href="/inbox{query}"[^>]*>[^<]*<b class="count">(\d+)', body)
    assert found, tab
    return int(found.group(1))


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("gate", [True, False])
def test_every_order_lies_in_one_tab(state: S, gate: bool) -> None:
    tabs = [tab for tab, shelf in SHELVES.items() if tab is not Tab.NOW]
    assert sum(SHELVES[tab].holds(state, gate) for tab in tabs) == 1


# tab → the states of the orders below that lie there
WHERE = {
    "now": {S.PLACED, S.PREPARING, S.READY, S.DISPUTED, "cash"},
    "new": {S.PLACED, S.COUNTERED},
    "unpaid": {S.ACCEPTED},
    "to_make": {S.PREPARING, "cash"},
    "to_ship": {S.READY},
    "shipped": {S.SHIPPED, S.DISPUTED},
    "done": {S.RECEIVED},
    "cancelled": {S.DECLINED, S.EXPIRED, S.CANCELLED},
}


def test_tabs_and_counts(maker: FlaskClient, session: Session, producer: Producer) -> None:
    product = make_product(session, producer, capacity=500)
    numbers = {state: make_order(session, state, product=product).number for state in S}
    numbers["cash"] = make_order(
        session, S.ACCEPTED, product=product, method=PaymentMethod.COD
    ).number
    make_order(session, product=make_product(session, capacity=50))  # somebody else's
    session.commit()
    for tab, states in WHERE.items():
        body = maker.get("/inbox" if tab == "now" else f"/inbox?tab={tab}").get_data(True)
        assert set(shown(body)) == {numbers[state] for state in states}, tab
        assert count_of(body, tab) == len(states), tab
    assert count_of(body, "now") == len(WHERE["now"])


def test_an_unknown_tab_or_page_is_the_first(maker: FlaskClient) -> None:
    for query in (
        "tab=nothing",
        "page=-1",
        "page=99999999999999999999",
        "page=x",
        "tab=done&page=7",
    ):
        assert maker.get(f"/inbox?{query}").status_code == 200


def test_a_row_says_who_what_by_when_and_how_much(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, producer=producer, now=clock.now(), name="Siti Contoh Sekali")
    session.commit()
    body = maker.get("/inbox").get_data(as_text=True)
    assert "<b>Siti</b>, Bandung" in body
    assert "Contoh Sekali" not in body
    assert f"2 × {order.lines[0].product_name} 500 g" in body
    assert "Jawab sebelum" in body
    assert f'value="{order.total}"' in body
    assert f'action="/inbox/{order.number}/acceptance"' in body
    assert ">Terima</button>" in body


@pytest.mark.parametrize(
    ("state", "button"),
    [
        (S.PLACED, "acceptance"),
        (S.PREPARING, "readiness"),
        (S.READY, "#shipment"),
        (S.DISPUTED, ""),
    ],
)
def test_the_usual_step(
    maker: FlaskClient, session: Session, producer: Producer, state: S, button: str
) -> None:
    order = make_order(session, state, producer=producer)
    session.commit()
    body = maker.get("/inbox").get_data(as_text=True)
    forms = re.findall(rf'action="/inbox/{order.number}(?:/)?([^"]*)"', body)
    assert forms == ([button] if button else [])


def test_pickup_is_handed_over_in_one_tap(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, S.READY, producer=producer, way="pickup")
    session.commit()
    assert f"/inbox/{order.number}/handover" in maker.get("/inbox").get_data(as_text=True)


def test_what_must_be_answered_first_comes_first(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    product = make_product(session, producer, capacity=500)
    now = clock.now()
    making = make_order(session, S.PREPARING, product=product, now=now)
    late = make_order(session, product=product, now=now)
    early = make_order(session, product=product, now=now - timedelta(hours=5))
    session.commit()
    body = maker.get("/inbox").get_data(as_text=True)
    assert shown(body) == [early.number, late.number, making.number]


def test_closed_orders_come_in_pages(
    maker: FlaskClient, session: Session, producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ovop_market.inbox.queries.CLOSED_PER_PAGE", 2)
    product = make_product(session, producer, capacity=500)
    numbers = [make_order(session, S.RECEIVED, product=product).number for _ in range(5)]
    session.commit()
    pages = [shown(maker.get(f"/inbox?tab=done&page={n}").get_data(True)) for n in (1, 2, 3)]
    assert [number for page in pages for number in page] == numbers[::-1]
    assert "page=2" in maker.get("/inbox?tab=done").get_data(as_text=True)


def test_names_are_text(maker: FlaskClient, session: Session, producer: Producer) -> None:
    product = make_product(session, producer, capacity=9, name="<script>alert(1)</script>")
    order = make_order(session, product=product, name="<img/src=x/onerror=alert(1)> Jahat")
    session.commit()
    for page in ("/inbox", f"/inbox/{order.number}"):
        body = maker.get(page).get_data(as_text=True)
        assert "<script>alert" not in body
        assert "<img/src" not in body
        assert "&lt;script&gt;alert(1)" in body


def test_nothing_to_do(maker: FlaskClient) -> None:
    assert "Tidak ada yang perlu dikerjakan" in maker.get("/inbox").get_data(as_text=True)


def test_statements_do_not_grow_with_the_rows(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    product = make_product(session, producer, capacity=900)
    make_order(session, product=product, name="Pertama Satu")
    session.commit()
    with counted() as few:
        maker.get("/inbox")
    for state in (S.PLACED, S.PREPARING, S.READY, S.DISPUTED) * 3:
        make_order(session, state, product=product)
    session.commit()
    with counted() as many:
        assert len(shown(maker.get("/inbox").get_data(as_text=True))) == 13
    assert len(many) == len(few)


# The poll


def since(body: str) -> str:
    found = re.search(r"/inbox/poll\?since=(\d+)", body)
    assert found
    return found.group(1)


def test_poll_is_silent_until_something_happens(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, producer=producer)
    session.commit()
    cursor = since(maker.get("/inbox").get_data(as_text=True))
    assert maker.get(f"/inbox/poll?since={cursor}", headers=HTMX).status_code == 204
    make_order(session, product=make_product(session, capacity=50))  # somebody else's
    session.commit()
    assert maker.get(f"/inbox/poll?since={cursor}", headers=HTMX).status_code == 204
    another = make_order(session, product=order.lines[0].variant.product)
    session.commit()
    answer = maker.get(f"/inbox/poll?since={cursor}", headers=HTMX)
    body = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "<html" not in body
    assert set(shown(body)) == {order.number, another.number}
    assert maker.get(f"/inbox/poll?since={since(body)}", headers=HTMX).status_code == 204


def test_poll_keeps_the_tab(maker: FlaskClient, session: Session, producer: Producer) -> None:
    order = make_order(session, S.READY, producer=producer)
    make_order(session, product=order.lines[0].variant.product)
    session.commit()
    body = maker.get("/inbox/poll?since=0&tab=to_ship", headers=HTMX).get_data(as_text=True)
    assert shown(body) == [order.number]
    assert "tab=to_ship" in body


@pytest.mark.parametrize(
    "value", ["", "x", "-1", "1.5", "99999999999999999999999", "2147483648", "٣", "1e3"]
)
def test_poll_survives_any_since(maker: FlaskClient, value: str) -> None:
    assert maker.get(f"/inbox/poll?since={value}", headers=HTMX).status_code in (200, 204)


def test_poll_without_htmx_is_the_page(maker: FlaskClient) -> None:
    answer = maker.get("/inbox/poll?since=1&tab=done")
    assert (answer.status_code, answer.location) == (303, "/inbox?tab=done")


# Who comes in


def test_one_signs_in_first(client: FlaskClient) -> None:
    assert client.get("/inbox").status_code == 303
    assert client.get("/inbox", headers=HTMX).headers["HX-Redirect"].startswith("/sign-in")


@pytest.mark.parametrize("role", [Role.BUYER, Role.OFFICIAL, Role.OPERATOR])
def test_other_roles_are_refused(client: FlaskClient, session: Session, role: Role) -> None:
    user = make_user(session, role)
    session.commit()
    sign_in(client, user)
    for page in ("/inbox", "/inbox/poll?since=0", "/inbox/AAAA-BBBB", "/shop/offers"):
        assert client.get(page).status_code == 403


def test_a_producer_without_a_shop_sees_an_empty_inbox(
    client: FlaskClient, session: Session
) -> None:
    user = make_user(session, Role.PRODUCER)
    make_order(session)
    session.commit()
    sign_in(client, user)
    assert shown(client.get("/inbox").get_data(as_text=True)) == []


def test_an_event_shows_what_is_waited_for(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, S.COUNTERED, producer=producer)
    lifecycle.act(session, order, Action.CANCEL, By(Actor.BUYER), clock.now(), reason="Tidak jadi")
    session.commit()
    body = maker.get(f"/inbox/{order.number}").get_data(as_text=True)
    assert "Tidak jadi" in body
    assert "Pembeli membatalkan" in body


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("Siti Contoh", "Siti"),
        ("Ibu Siti Contoh", "Ibu Siti"),
        ("H. Ali", "H. Ali"),
        ("Pak", "Pak"),
    ],
)
def test_people_are_called_by_their_first_name(name: str, called: str) -> None:
    assert queries.first_name(name) == called


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Lebakgede, Coblong, Kota Bandung, Jawa Barat", "Bandung"),
        ("Mentok, Kabupaten Bangka Barat, Kepulauan Bangka Belitung", "Kab. Bangka Barat"),
        ("Tebet, Kota Administrasi Jakarta Selatan, DKI Jakarta", "Jakarta Selatan"),
    ],
)
def test_cities_are_named_shortly(path: str, name: str) -> None:
    assert queries.regency(path) == name
