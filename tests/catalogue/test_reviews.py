"""Listings between their producer and an operator."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.listings import desk_queries, reviews, services
from ovop_market.catalogue.listings.desk_queries import Tab
from ovop_market.catalogue.listings.models import ListingEvent
from ovop_market.catalogue.listings.states import (
    MOVES,
    WITH_REASON,
    ListingAction,
    ListingState,
    state_of,
)
from ovop_market.catalogue.models import Category, Product, ProductPhoto, Review
from ovop_market.core.errors import MoveRefused, Unusable
from ovop_market.villages.models import PermitKind, Producer
from tests.counting import counted
from tests.factories import NOW, make_producer, make_product, make_user, sign_in
from tests.pages import value_of

A, S = ListingAction, ListingState
NEW = {"listed": False}
WAITING = {**NEW, "review": Review.SUBMITTED, "review_since": NOW}
STATES: dict[ListingState, dict[str, Any]] = {
    S.DRAFT: NEW,
    S.SUBMITTED: WAITING,
    S.RETURNED: {**NEW, "review": Review.RETURNED},
    S.SHOWN: {},
    S.HIDDEN: {**NEW, "review": Review.HIDDEN},
}


def send(client: FlaskClient, action: str, **fields: Any) -> TestResponse:
    return client.post(action, data={"csrf_token": client.csrf("/register"), **fields})


def body(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


@pytest.fixture
def operator(session: Session) -> User:
    return make_user(session, Role.OPERATOR)


@pytest.fixture
def owner(session: Session) -> User:
    return make_user(session, Role.PRODUCER)


@pytest.fixture
def newcomer(session: Session, owner: User) -> Producer:
    return make_producer(session, staff=owner, on_probation=True)


@pytest.fixture
def desk(app: Flask, operator: User) -> FlaskClient:
    client = app.test_client()
    sign_in(client, operator)
    return client


@pytest.fixture
def shop(client: FlaskClient, owner: User) -> FlaskClient:
    sign_in(client, owner)
    return client


def fresh(session: Session, product: Product) -> Product:
    session.expire_all()
    return session.get_one(Product, product.id)


def test_the_first_listing_is_looked_at_before_buyers_see_it(
    shop: FlaskClient, desk: FlaskClient, session: Session, newcomer: Producer
) -> None:
    product = make_product(session, newcomer, ready=3, name="Keripik kelor", **NEW)
    own, page = f"/shop/products/{product.slug}", f"/desk/listings/{product.slug}"
    assert "Kirim untuk diperiksa" in body(shop.get(own))
    for _twice in range(2):
        assert send(shop, f"{own}/publication").status_code == 303
    assert state_of(fresh(session, product)) is S.SUBMITTED
    assert shop.get(f"/products/{product.slug}").status_code == 404
    assert "Keripik kelor" in body(desk.get("/desk/listings"))
    assert 'data-stuck="listings"' in body(desk.get("/desk"))
    assert "Tanpa NIB" in body(desk.get(page))
    refused = send(desk, f"{page}/return", reason=" ")
    assert refused.status_code == 422 and 'id="return-reason-error"' in body(refused)
    for _twice in range(2):
        assert send(desk, f"{page}/return", reason="Tambah foto.").status_code == 303
    assert "Tambah foto." in body(shop.get(own))
    assert newcomer.on_probation
    assert send(shop, f"{own}/publication").status_code == 303
    for _twice in range(2):
        assert send(desk, f"{page}/approval").status_code == 303
    assert shop.get(f"/products/{product.slug}").status_code == 200
    session.refresh(newcomer)
    assert not newcomer.on_probation
    # The next one is shown at once, and looked at afterwards.
    second = make_product(session, newcomer, ready=3, name="Mi kelor", **NEW)
    assert send(shop, f"/shop/products/{second.slug}/publication").status_code == 303
    assert shop.get(f"/products/{second.slug}").status_code == 200
    assert "Mi kelor" not in body(desk.get("/desk/listings"))
    assert "Mi kelor" in body(desk.get("/desk/listings?tab=unseen"))
    actions = [e.action for e in session.scalars(select(ListingEvent).order_by(ListingEvent.id))]
    assert actions == [A.SUBMIT, A.RETURN, A.SUBMIT, A.APPROVE, A.SHOW]


def test_what_an_operator_hides_its_producer_mends(
    shop: FlaskClient, desk: FlaskClient, session: Session, owner: User
) -> None:
    product = make_product(session, make_producer(session, staff=owner), ready=3)
    own, page = f"/shop/products/{product.slug}", f"/desk/listings/{product.slug}"
    assert send(desk, f"{page}/hiding").status_code == 422
    assert send(desk, f"{page}/hiding", reason="Fotonya milik orang lain.").status_code == 303
    assert shop.get(f"/products/{product.slug}").status_code == 404
    assert "Fotonya milik orang lain." in body(shop.get(own))
    assert "Disembunyikan pengelola" in body(shop.get("/shop/products"))
    # It cannot be shown past the operator.
    assert send(shop, f"{own}/publication").status_code == 303
    assert state_of(fresh(session, product)) is S.SUBMITTED
    assert send(shop, f"{own}/withdrawal").status_code == 303
    assert send(desk, f"{page}/approval").status_code == 409


@pytest.mark.parametrize("word", [A.HIDE, A.RETURN, A.RECALL])
def test_what_was_turned_down_does_not_come_back_past_an_operator(
    shop: FlaskClient, session: Session, owner: User, operator: User, word: ListingAction
) -> None:
    """Not by submitting it and taking it back, which makes it a draft."""
    seen = STATES[S.SUBMITTED if word is A.RETURN else S.SHOWN]
    product = make_product(session, make_producer(session, staff=owner), ready=3, **seen)
    reviews.decide(session, product, word, actor_id=operator.id, now=NOW, reason="Foto orang.")
    session.commit()
    own = f"/shop/products/{product.slug}"
    for _round in range(2):
        assert send(shop, f"{own}/publication").status_code == 303
        assert state_of(fresh(session, product)) is S.SUBMITTED
        assert send(shop, f"{own}/withdrawal").status_code == 303
        assert state_of(fresh(session, product)) is S.DRAFT
        page = body(shop.get(own))
        assert "Kirim untuk diperiksa" in page and "pernah menolak" in page
    assert send(shop, f"{own}/publication").status_code == 303
    reviews.decide(session, fresh(session, product), A.APPROVE, actor_id=operator.id, now=NOW)
    session.commit()
    # An operator has looked: from here on it is the producer's to hide and to show.
    assert send(shop, f"{own}/withdrawal").status_code == 303
    assert send(shop, f"{own}/publication").status_code == 303
    assert state_of(fresh(session, product)) is S.SHOWN


@pytest.mark.parametrize(("state", "action"), [*itertools.product(S, A)])
def test_every_move_and_no_other(
    session: Session, operator: User, state: ListingState, action: ListingAction
) -> None:
    product = make_product(session, **STATES[state])

    def act(reason: str = "sebab") -> None:
        reviews.decide(session, product, action, actor_id=operator.id, now=NOW, reason=reason)

    if (state, action) not in MOVES:
        with pytest.raises(MoveRefused):
            act()
        assert state_of(product) is state
        return
    if action in WITH_REASON:
        with pytest.raises(Unusable):
            act("  ")
    act()
    assert state_of(product) is MOVES[state, action]
    event = session.scalars(select(ListingEvent)).one()
    assert (event.action, event.state) == (action, state_of(product))


def test_the_history_stays(session: Session) -> None:
    product = make_product(session)
    session.add(ListingEvent(product_id=product.id, at=NOW, action=A.SHOW, state=S.SHOWN))
    session.commit()
    for statement in (
        "UPDATE listing_event SET reason = 'x'",
        "DELETE FROM listing_event",
        "INSERT INTO listing_event (product_id, at, action, state, reason)"
        f" VALUES ({product.id}, '2026-01-01', 'hide', 'hidden', '')",
        "UPDATE product SET review = 'hidden'",
    ):
        with pytest.raises(DBAPIError):
            session.execute(text(statement))
        session.rollback()


def test_two_operators_at_once(desk: FlaskClient, session: Session, operator: User) -> None:
    product = make_product(session, **WAITING)
    seen = reviews.mark(product)
    other = make_user(session, Role.OPERATOR)
    reviews.decide(session, product, A.RETURN, actor_id=other.id, now=NOW, reason="Foto.")
    session.commit()
    answer = send(desk, f"/desk/listings/{product.slug}/approval", seen=seen)
    assert answer.status_code == 409 and "sudah berubah" in body(answer)
    assert state_of(fresh(session, product)) is S.RETURNED


@pytest.mark.parametrize("seen_in", [WAITING, {"review_since": NOW}])
@pytest.mark.parametrize("changed", ["description", "price", "photo"])
def test_an_operator_approves_what_was_on_the_screen(
    desk: FlaskClient, session: Session, owner: User, seen_in: dict[str, Any], changed: str
) -> None:
    """Whatever its producer puts there after that, while it waits."""
    from dataclasses import replace

    from ovop_market.catalogue.listings import pack_services, values

    product = make_product(session, **seen_in)
    session.commit()
    page = f"/desk/listings/{product.slug}"
    seen = value_of(body(desk.get(page)), "seen")
    word: dict[str, Any] = {"seen": None, "actor_id": owner.id, "now": NOW}
    if changed == "description":
        said = replace(values.listing_of(product), description="Racun tikus.")
        services.revise(session, product, said, **word)
    elif changed == "price":
        (pack,) = product.variants
        said_of_pack = replace(values.pack_of(pack), price=45_001)
        pack_services.revise(session, pack, said_of_pack, **word)
    else:
        session.add(
            ProductPhoto(product_id=product.id, key="ab" * 16, alt="Lain", width=9, height=9)
        )
    session.commit()
    was = state_of(product)
    answer = send(desk, f"{page}/approval", seen=seen)
    assert answer.status_code == 409 and "sudah berubah" in body(answer)
    assert (state_of(fresh(session, product)), product.review_since) == (was, NOW)
    # What is on the screen now can be approved.
    now = value_of(body(answer), "seen")
    assert send(desk, f"{page}/approval", seen=now).status_code == 303
    assert state_of(fresh(session, product)) is S.SHOWN


def test_an_operator_sees_every_picture(desk: FlaskClient, session: Session) -> None:
    product = make_product(session, **WAITING)
    keys = [letter * 32 for letter in "abc"]
    for key in keys:
        session.add(ProductPhoto(product_id=product.id, key=key, alt="Lain", width=9, height=9))
    session.commit()
    page = body(desk.get(f"/desk/listings/{product.slug}"))
    assert [key for key in keys if key in page] == keys


def test_the_queue_tells_what_is_lacking(session: Session) -> None:
    make_product(session, category=Category.CRAFT, name="Bakul", **WAITING)
    late = {**WAITING, "review_since": NOW - timedelta(days=1)}
    make_product(session, category=Category.SNACK, name="Keripik", **late)
    found = desk_queries.queue(session, Tab.WAITING, 1, NOW)
    assert [(row.name, row.lacking) for row in found.rows] == [
        ("Keripik", (PermitKind.NIB, PermitKind.PIRT, PermitKind.HALAL)),
        ("Bakul", (PermitKind.NIB,)),
    ]
    assert found.counts[Tab.WAITING] == 2


def test_the_queue_costs_the_same_however_long_it_is(desk: FlaskClient, session: Session) -> None:
    make_product(session, **WAITING)
    desk.get("/desk/listings")
    with counted() as few:
        desk.get("/desk/listings")
    for _ in range(5):
        make_product(session, **WAITING)
    session.commit()
    with counted() as many:
        desk.get("/desk/listings")
    assert len(many) == len(few)


def test_other_peoples_listings_and_odd_addresses(
    shop: FlaskClient, desk: FlaskClient, session: Session
) -> None:
    product = make_product(session, **WAITING)
    session.commit()
    assert shop.get(f"/shop/products/{product.slug}").status_code == 404
    assert send(shop, f"/shop/products/{product.slug}/publication").status_code == 404
    assert send(shop, f"/desk/listings/{product.slug}/approval").status_code == 403
    for slug in ("0", "-1", str(2**63), "kata"):
        assert desk.get(f"/desk/listings/{slug}").status_code == 404
    for odd in ("?tab=x", "?tab=hidden&page=-4", "?page=99999999999"):
        assert desk.get(f"/desk/listings{odd}").status_code == 200
    assert session.scalar(select(func.count()).select_from(ListingEvent)) == 0
