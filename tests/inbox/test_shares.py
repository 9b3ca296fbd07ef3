"""A household's shares over HTTP, and the coordinator's page: answers, repeats, strangers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import Role, User
from ovop_market.core import clock
from ovop_market.orders.models import Allocation, Order, OrderEvent
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.share_states import ShareState
from ovop_market.orders.states import Action, Actor, OrderState
from tests.counting import counted
from tests.factories import make_group, make_purchase, make_user, pay, sign_in

HTMX = {"HX-Request": "true"}


@pytest.fixture
def coordinator(session: Session) -> User:
    return make_user(session, Role.PRODUCER)


@pytest.fixture
def members(session: Session, coordinator: User) -> list[User]:
    _product, people = make_group(session, (400, 400), staff=coordinator)
    session.commit()
    return [person for person in people if person is not None]


@pytest.fixture
def order(session: Session, members: list[User]) -> Order:
    """60 packs, of which each household is asked for 30; placed now: deadlines are real."""
    from ovop_market.catalogue.models import Product

    product = session.scalars(select(Product)).one()
    placed = make_purchase(session, [(product, 60)], now=clock.now()).orders[0]
    session.commit()
    return placed


def shares(session: Session) -> list[Allocation]:
    session.expire_all()
    return list(session.scalars(select(Allocation).order_by(Allocation.id)))


def do(client: FlaskClient, url: str, **fields: Any) -> TestResponse:
    headers = fields.pop("headers", {})
    token = client.csrf("/shop/offers")
    return client.post(url, data={"csrf_token": token, **fields}, headers=headers)


def test_nobody_is_looked_for_once_an_order_came_to_nothing(
    client: FlaskClient, session: Session, order: Order, coordinator: User
) -> None:
    sign_in(client, coordinator)
    page = f"/inbox/{order.number}"
    assert do(client, f"{page}/decline", reason="Udang habis").status_code == 303
    body = client.get(page).text
    assert "Pembagian kelompok" in body and "belum ada yang sanggup" not in body.lower()


def test_a_household_finds_its_share_in_its_inbox(
    client: FlaskClient, session: Session, order: Order, members: list[User]
) -> None:
    sign_in(client, members[0])
    page = client.get("/inbox").text
    share = shares(session)[0]
    assert f'data-allocation="{share.id}" data-state="OFFERED"' in page
    assert "30 × Pempek udang" in page
    # Neither who buys it nor where it goes.
    own = client.get(f"/inbox/allocations/{share.id}").text
    for text in (page, own):
        assert "Sari" not in text
        assert "Bandung" not in text
        assert order.purchase.phone not in text
    # And the order itself is not theirs.
    assert client.get(f"/inbox/{order.number}").status_code == 404


def test_one_tap_takes_all_of_it(
    client: FlaskClient, session: Session, order: Order, members: list[User]
) -> None:
    first, second = shares(session)
    sign_in(client, members[0])
    answer = do(client, f"/inbox/allocations/{first.id}/acceptance", back="list")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inbox")
    assert [share.state for share in shares(session)] == [ShareState.TAKEN, ShareState.OFFERED]
    client.post("/sign-out", data={"csrf_token": client.csrf("/shop/offers")})
    sign_in(client, members[1])
    answer = do(client, f"/inbox/allocations/{second.id}/acceptance", headers=HTMX)
    assert answer.status_code == 200
    assert 'data-state="TAKEN"' in answer.text
    session.expire_all()
    assert order.state is OrderState.ACCEPTED


def test_a_part_and_a_refusal(
    client: FlaskClient, session: Session, order: Order, members: list[User]
) -> None:
    first = shares(session)[0]
    sign_in(client, members[0])
    refused = do(client, f"/inbox/allocations/{first.id}/acceptance", quantity="31")
    assert refused.status_code == 422
    assert "1 sampai 30" in refused.text
    do(client, f"/inbox/allocations/{first.id}/acceptance", quantity="20")
    assert do(client, f"/inbox/allocations/{first.id}/acceptance", quantity="").status_code == 422
    (first, second) = shares(session)
    assert (first.state, first.taken) == (ShareState.TAKEN, 20)
    # The other household is being asked already: for ten more.
    assert (second.state, second.offered) == (ShareState.OFFERED, 40)
    do(client, f"/inbox/allocations/{first.id}/decline", reason="Anak sakit")
    assert shares(session)[0].state is ShareState.DECLINED


@pytest.mark.parametrize("quantity", ["0", "-1", "31", "1e3", "dua", "9" * 30, "\x00", "５"])
def test_hostile_quantities_change_nothing(
    client: FlaskClient, session: Session, order: Order, members: list[User], quantity: str
) -> None:
    sign_in(client, members[0])
    share = shares(session)[0]
    answer = do(client, f"/inbox/allocations/{share.id}/acceptance", quantity=quantity)
    assert answer.status_code == 422
    assert shares(session)[0].state is ShareState.OFFERED


def test_the_same_tap_twice_is_one_answer(
    client: FlaskClient, session: Session, order: Order, members: list[User]
) -> None:
    sign_in(client, members[0])
    url = f"/inbox/allocations/{shares(session)[0].id}/acceptance"
    for _time in range(2):
        answer = do(client, url, quantity="20", headers={"Idempotency-Key": "k", **HTMX})
        assert answer.status_code == 200
    other = do(client, url, quantity="10", headers={"Idempotency-Key": "k", **HTMX})
    assert other.status_code == 409
    taken = select(func.count()).where(OrderEvent.idempotency_key == "k")
    assert session.scalar(taken) == 1


def test_what_was_overtaken_is_said(
    client: FlaskClient, session: Session, order: Order, members: list[User]
) -> None:
    sign_in(client, members[0])
    share = shares(session)[0]
    lifecycle.act(session, order, Action.CANCEL, By(Actor.BUYER), clock.now(), reason="tidak jadi")
    session.commit()
    answer = do(client, f"/inbox/allocations/{share.id}/acceptance", seen="OFFERED", back="list")
    assert answer.status_code == 409
    assert "Ditarik kembali" in answer.text


def test_others_find_nothing(
    client: FlaskClient, session: Session, order: Order, members: list[User]
) -> None:
    mine, others = shares(session)
    sign_in(client, members[0])
    assert client.get(f"/inbox/allocations/{others.id}").status_code == 404
    for verb in ("acceptance", "decline", "completion"):
        assert do(client, f"/inbox/allocations/{others.id}/{verb}").status_code == 404
    assert do(client, f"/inbox/{order.number}/shares", reason="ya").status_code == 404
    assert do(client, f"/inbox/{order.number}/offers").status_code == 404
    for nothing in ("0", "-1", "2147483648", "9" * 40, "kata"):
        assert client.get(f"/inbox/allocations/{nothing}").status_code == 404
    assert {share.state for share in shares(session)} == {ShareState.OFFERED}
    assert mine.id != others.id


def test_the_poll_tells_a_household_of_news(
    client: FlaskClient, session: Session, order: Order, members: list[User]
) -> None:
    sign_in(client, members[0])
    last = session.scalar(select(func.max(OrderEvent.id)))
    assert client.get(f"/inbox/poll?since={last}", headers=HTMX).status_code == 204
    lifecycle.accept(session, order, By(Actor.PRODUCER), clock.now())
    session.commit()
    assert client.get(f"/inbox/poll?since={last}", headers=HTMX).status_code == 200


def test_handing_in(
    client: FlaskClient, session: Session, order: Order, members: list[User]
) -> None:
    lifecycle.accept(session, order, By(Actor.PRODUCER), clock.now())
    session.commit()
    sign_in(client, members[0])
    share = shares(session)[0]
    early = do(client, f"/inbox/allocations/{share.id}/completion")
    assert early.status_code == 409
    assert "belum dibayar" in early.text
    pay(session, order, clock.now())
    session.commit()
    assert "Sudah disetor semua" in client.get("/inbox?tab=to_make").text
    do(client, f"/inbox/allocations/{share.id}/completion", quantity="25")
    first = shares(session)[0]
    assert (first.state, first.made) == (ShareState.MADE, 25)
    assert order.state is OrderState.PREPARING


def test_the_coordinator_sees_coverage_and_shares_it_out_otherwise(
    client: FlaskClient, session: Session, order: Order, coordinator: User
) -> None:
    sign_in(client, coordinator)
    page = client.get(f"/inbox/{order.number}").text
    assert page.count('data-state="OFFERED"') == 2
    first, second = shares(session)
    fields = {
        f"packs-{first.line_id}-{first.offer_id}": "40",
        f"packs-{first.line_id}-{second.offer_id}": "20",
    }
    without = do(client, f"/inbox/{order.number}/shares", **fields)
    assert without.status_code == 422
    assert 'value="20"' in without.text
    over = do(
        client,
        f"/inbox/{order.number}/shares",
        reason="libur",
        **(
            fields
            | {
                f"packs-{first.line_id}-{first.offer_id}": "60",
            }
        ),
    )
    assert over.status_code == 422
    assert do(client, f"/inbox/{order.number}/shares", reason="libur", **fields).status_code == 303
    session.expire_all()
    assert order.state is OrderState.PLACED, "the second household has not answered yet"
    live = {s.offer_id: 0 for s in shares(session)}
    for share in shares(session):
        live[share.offer_id] += share.packs
    assert list(live.values()) == [40, 20]
    assert "libur" in client.get(f"/inbox/{order.number}").text


def test_the_coordinator_counts_what_is_handed_in(
    client: FlaskClient, session: Session, order: Order, coordinator: User
) -> None:
    lifecycle.accept(session, order, By(Actor.PRODUCER), clock.now())
    pay(session, order, clock.now())
    session.commit()
    sign_in(client, coordinator)
    share = shares(session)[0]
    answer = do(client, f"/inbox/allocations/{share.id}/completion", quantity="28", back="order")
    assert answer.headers["Location"] == f"/inbox/{order.number}"
    assert shares(session)[0].made == 28


def test_nobody_else_learns_how_it_was_shared(
    client: FlaskClient, session: Session, order: Order
) -> None:
    """The buyer's page says nothing of households."""
    page = client.get(f"/purchases/{order.purchase.token}").text
    assert "Dibagi" not in page
    for share in shares(session):
        assert share.offer.producer.name not in page


def test_fairness_is_shown_to_members_and_officials(
    client: FlaskClient, session: Session, order: Order, members: list[User]
) -> None:
    slug = order.producer.slug
    sign_in(client, members[0])
    with counted() as statements:
        page = client.get(f"/groups/{slug}/sharing")
    assert page.status_code == 200
    assert 'data-total="fairness" data-value="100"' in page.text
    assert len(statements) <= 8
    client.post("/sign-out", data={"csrf_token": client.csrf("/shop/offers")})
    sign_in(client, make_user(session, Role.OFFICIAL))
    assert client.get(f"/groups/{slug}/sharing").status_code == 200
    assert client.get("/groups/tidak-ada/sharing").status_code == 404


def test_an_official_watches_over_the_own_area_alone(
    app: Flask, session: Session, order: Order
) -> None:
    slug = order.producer.slug
    officials = {area: make_user(session, Role.OFFICIAL, area=area) for area in ("19", "19.71")}
    session.commit()
    for area, official in officials.items():
        client = app.test_client()
        sign_in(client, official)
        expected = (303, 200) if area == "19" else (404, 404)
        found = client.get("/groups").status_code, client.get(f"/groups/{slug}/sharing").status_code
        assert found == expected, area


def test_the_inbox_asks_as_much_for_many_shares_as_for_one(
    client: FlaskClient, session: Session, order: Order, members: list[User]
) -> None:
    sign_in(client, members[0])
    client.get("/inbox")
    with counted() as one:
        client.get("/inbox")
    for _n in range(5):
        make_purchase(
            session,
            [(order.lines[0].variant.product, 2)],
            now=clock.now() + timedelta(seconds=1),
        )
    session.commit()
    with counted() as many:
        client.get("/inbox")
    assert len(many) <= len(one)
