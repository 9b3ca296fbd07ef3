"""Asking to sell, and what operators decide of producers."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MoveRefused, Unusable
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.orders.models import Cart, Order, PaymentMethod
from ovop_market.orders.services import cart as carts
from ovop_market.orders.services import checkout, lifecycle, membership, quotes
from ovop_market.orders.services.checkout import CheckoutRefused, Details
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.villages import producer_queries, producer_services, staff_services
from ovop_market.villages.models import Permit, Producer, ProducerKind, ProducerStaff
from ovop_market.villages.policy import StaffRole
from ovop_market.villages.producer_models import ProducerEvent
from ovop_market.villages.producer_services import Application
from ovop_market.villages.producer_states import (
    MOVES,
    WITH_REASON,
    ProducerAction,
    ProducerState,
)
from tests.counting import counted
from tests.factories import (
    BANDUNG,
    NOW,
    make_delivery,
    make_group,
    make_order,
    make_producer,
    make_product,
    make_user,
    make_village,
    sign_in,
)
from tests.villages.test_staff import at_once

A, S = ProducerAction, ProducerState
FORM = {
    "kind": "household",
    "name": "Dapur Ibu Melati",
    "about": "Pempek udang dan kerupuk.",
    "phone": "0812 3456 7890",
    "nib": "0000000000123",
}


def send(client: FlaskClient, action: str, page: str = "/register", **fields: Any) -> TestResponse:
    return client.post(action, data={"csrf_token": client.csrf(page), **fields})


def body(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


def in_state(session: Session, state: ProducerState, **values: Any) -> Producer:
    if state is S.CLOSED:
        values.setdefault("closed_from", date(2026, 1, 1))
    return make_producer(session, state=state, **values)


@pytest.fixture
def operator(session: Session) -> User:
    return make_user(session, Role.OPERATOR)


@pytest.fixture
def desk(client: FlaskClient, operator: User) -> FlaskClient:
    sign_in(client, operator)
    return client


def test_a_household_applies_and_is_told_what_becomes_of_it(
    app: Flask, client: FlaskClient, session: Session, operator: User
) -> None:
    person, village = make_user(session), make_village(session)
    assert "Buat akun" in body(client.get("/sell"))
    sign_in(client, person)
    fields = {**FORM, "village": str(village.id)}
    for _twice in range(2):
        answer = send(client, "/sell", **fields)
    # The second tap finds the first one's answer, and makes no second producer.
    assert answer.status_code == 409
    producer = session.scalars(select(Producer)).one()
    assert (producer.state, producer.kind, producer.phone) == (
        S.APPLIED,
        ProducerKind.HOUSEHOLD,
        "+6281234567890",
    )
    assert producer.on_probation
    assert [p.number for p in producer.permits] == ["0000000000123"]
    assert session.get_one(User, person.id).role is Role.PRODUCER
    assert session.scalars(select(ProducerStaff.user_id)).all() == [person.id]
    assert "Sedang dilihat" in body(client.get("/sell"))
    mine = body(client.get("/account"))
    assert "Pendaftaran penjual: Dapur Ibu Melati" in mine and "Sedang dilihat" in mine
    # It may prepare its listings, which nobody else sees.
    assert "sedang dilihat. Pengelola menjawab" in body(client.get("/shop/products"))
    makers = body(client.get(f"/villages/{village.slug}"))
    assert "Dapur Ibu Melati" not in makers
    other = app.test_client()
    sign_in(other, operator)
    page = f"/desk/producers/{producer.slug}"
    assert "Dapur Ibu Melati" in body(other.get("/desk/producers"))
    assert send(other, f"{page}/refusal").status_code == 422
    assert send(other, f"{page}/refusal", reason="Foto NIB belum ada.").status_code == 303
    told = body(client.get("/sell"))
    assert "Foto NIB belum ada." in told
    assert 'value="Dapur Ibu Melati"' in told
    again = {**fields, "name": "Dapur Ibu Melati Dua", "nib": "", "pirt": "000000000000123"}
    assert send(client, "/sell", **again).status_code == 303
    session.expire_all()
    assert producer.state is S.APPLIED and producer.name == "Dapur Ibu Melati Dua"
    assert [str(p.kind) for p in session.scalars(select(Permit))] == ["pirt"]
    assert send(other, f"{page}/approval").status_code == 303
    session.expire_all()
    assert producer.state is S.APPROVED
    assert "Dapur Ibu Melati Dua" in body(client.get(f"/villages/{village.slug}"))
    history = [event.action for event in session.scalars(select(ProducerEvent))]
    assert history == [A.APPLY, A.REFUSE, A.APPLY, A.APPROVE]
    # The history names people by their accounts alone: what is erased there is gone here.
    details = session.scalars(select(AuditEvent.details)).all()
    assert "Melati" not in str(details)


@pytest.mark.parametrize("removed", [True, False])
def test_who_is_no_owner_any_more_applies_in_nobodys_name(
    client: FlaskClient, session: Session, operator: User, removed: bool
) -> None:
    person, village = make_user(session), make_village(session)
    fields = {**FORM, "village": str(village.id)}
    sign_in(client, person)
    assert send(client, "/sell", **fields).status_code == 303
    first = session.scalars(select(Producer)).one()
    producer_services.move(
        session, first, A.REFUSE, actor_id=operator.id, now=NOW, reason="Foto NIB belum ada."
    )
    other = make_user(session, Role.PRODUCER)
    row = session.get_one(ProducerStaff, (person.id, first.id))
    session.add(ProducerStaff(user_id=other.id, producer_id=first.id))
    session.flush()
    if removed:
        session.delete(row)
    else:
        row.role = StaffRole.PACKER
    session.commit()
    assert "Foto NIB belum ada." not in body(client.get("/sell"))
    again = {**fields, "name": "Nama Lain", "phone": "0812 9999 9999"}
    assert send(client, "/sell", **again).status_code == 303
    session.expire_all()
    assert (first.name, first.phone, first.state) == (
        "Dapur Ibu Melati",
        "+6281234567890",
        S.REFUSED,
    )
    # It is an application of their own.
    made = session.scalars(select(Producer).where(Producer.id != first.id)).one()
    assert (made.name, made.state) == ("Nama Lain", S.APPLIED)


def said_of(session: Session, name: str = "Dapur Ibu Melati") -> Application:
    return Application(
        village_id=make_village(session).id,
        kind=ProducerKind.HOUSEHOLD,
        name=name,
        about="",
        phone="+6281234567890",
        permits={},
    )


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_two_of_one_name_apply_at_once(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have found the address free before either has taken it. (SQLite has one writer.)"""
    ids, said = [make_user(session).id for _ in range(2)], said_of(session)
    session.commit()
    real, calls, both = producer_services._free_slug, itertools.count(), threading.Barrier(2)

    def found_at_once(own: Session, name: str) -> str:
        found = real(own, name)
        if next(calls) < 2:
            both.wait(20)
        return found

    monkeypatch.setattr(producer_services, "_free_slug", found_at_once)

    def applying(user_id: int) -> Callable[[Session], object]:
        return lambda own: producer_services.apply(own, own.get_one(User, user_id), said, now=NOW)

    assert at_once(app, *map(applying, ids)) == ["done", "done"]
    slugs = sorted(session.scalars(select(Producer.slug)), key=len)
    assert slugs[0] == "dapur-ibu-melati" and slugs[1].startswith("dapur-ibu-melati-")


def test_an_address_that_is_always_taken_is_a_refusal(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = make_producer(session).slug
    monkeypatch.setattr(producer_services, "_free_slug", lambda _session, _name: taken)
    with pytest.raises(Conflict, match="sedang dipakai"):
        producer_services.apply(session, make_user(session), said_of(session), now=NOW)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_who_is_removed_while_applying_again(
    app: Flask, session: Session, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form has found the producer; before it locks it, its sender owns it no more. (SQLite has
    one writer at a time.)"""
    person, other = make_user(session), make_user(session, Role.PRODUCER)
    said = said_of(session)
    producer = producer_services.apply(session, person, said, now=NOW)
    producer_services.move(session, producer, A.REFUSE, actor_id=operator.id, now=NOW, reason="x")
    session.add(ProducerStaff(user_id=other.id, producer_id=producer.id))
    ids = person.id, producer.id, other.id
    session.commit()
    session.close()
    real, calls = producer_services.latest_of, itertools.count()

    def find_then_remove(own: Session, user_id: int) -> Producer | None:
        found = real(own, user_id)
        if next(calls) == 0:
            with app.app_context(), Session(db.engine) as theirs:
                there = theirs.get_one(Producer, ids[1])
                staff_services.remove(theirs, there, ids[0], actor_id=ids[2], now=NOW)
                theirs.commit()
        return found

    monkeypatch.setattr(producer_services, "latest_of", find_then_remove)
    with Session(db.engine) as own:
        with pytest.raises(Conflict):
            producer_services.apply(
                own, own.get_one(User, ids[0]), replace(said, name="Lain"), now=NOW
            )
        own.rollback()
    assert session.scalars(select(Producer.name)).one() == "Dapur Ibu Melati"


def test_two_operators_who_close_and_suspend(desk: FlaskClient, session: Session) -> None:
    """For good is decided on what is so, not on what was on the screen."""
    producer = make_producer(session)
    session.commit()
    seen = producer_services.mark(producer)
    other = make_user(session, Role.OPERATOR)
    producer_services.move(
        session, producer, A.SUSPEND, actor_id=other.id, now=clock.now(), reason="Izin berakhir."
    )
    session.commit()
    page = f"/desk/producers/{producer.slug}"
    answer = send(desk, f"{page}/closure", seen=seen, reason="Pindah.")
    assert answer.status_code == 409 and "sudah berubah" in body(answer)
    session.expire_all()
    assert producer.state is S.SUSPENDED
    now = producer_services.mark(producer)
    for _twice in range(2):
        assert send(desk, f"{page}/closure", seen=now, reason="Pindah.").status_code == 303
    session.expire_all()
    assert producer.state is S.CLOSED


@pytest.mark.parametrize(
    "wrong",
    [
        {"village": ""},
        {"village": "0"},
        {"village": "99999999999999999999"},
        {"village": "x"},
        {"kind": "shop"},
        {"name": ""},
        {"name": "x" * 101},
        {"about": "x" * 1001},
        {"phone": "abc"},
        {"phone": "+1 202 555 0100"},
        {"nib": "9" * 61},
        {"name": "Ibu\x00Melati"},
        {"about": "\u202egnp.exe"},
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    client: FlaskClient, session: Session, wrong: dict[str, str]
) -> None:
    person, village = make_user(session), make_village(session)
    sign_in(client, person)
    extra = {"state": "approved", "role": "operator", "on_probation": "", "group_id": "1"}
    answer = send(client, "/sell", **{**FORM, "village": str(village.id), **extra, **wrong})
    assert answer.status_code == 422
    (field,) = wrong
    assert f'id="{field}-error"' in body(answer)
    assert session.scalar(select(func.count()).select_from(Producer)) == 0


def test_extra_fields_change_nothing(client: FlaskClient, session: Session) -> None:
    person, village = make_user(session), make_village(session)
    sign_in(client, person)
    extra = {"state": "approved", "role": "operator", "on_probation": "", "slug": "belo-laut"}
    assert send(client, "/sell", **FORM, village=str(village.id), **extra).status_code == 303
    producer = session.scalars(select(Producer)).one()
    assert (producer.state, producer.on_probation) == (S.APPLIED, True)
    assert session.get_one(User, person.id).role is Role.PRODUCER


@pytest.mark.parametrize("role", [Role.OFFICIAL, Role.OPERATOR])
def test_who_watches_over_others_does_not_sell(
    client: FlaskClient, session: Session, role: Role
) -> None:
    village = make_village(session)
    sign_in(client, make_user(session, role))
    assert "Daftar dengan akun lain" in body(client.get("/sell"))
    assert send(client, "/sell", **FORM, village=str(village.id)).status_code == 403
    assert session.scalar(select(func.count()).select_from(Producer)) == 0


@pytest.mark.parametrize(("state", "action"), [*itertools.product(S, A)])
def test_every_move_and_no_other(
    session: Session, operator: User, state: ProducerState, action: ProducerAction
) -> None:
    producer = in_state(session, state)
    if action is A.CLOSE:
        producer.closed_from = date(2026, 1, 1)
        session.flush()
    if (state, action) not in MOVES:
        with pytest.raises(MoveRefused):
            producer_services.move(
                session, producer, action, actor_id=operator.id, now=NOW, reason="sebab"
            )
        assert producer.state is state
        assert session.scalar(select(func.count()).select_from(ProducerEvent)) == 0
        return
    if action in WITH_REASON:
        with pytest.raises(Unusable):
            producer_services.move(session, producer, action, actor_id=operator.id, now=NOW)
    for _twice in range(2):
        producer_services.move(
            session, producer, action, actor_id=operator.id, now=NOW, reason="sebab"
        )
    assert producer.state is MOVES[state, action]
    event = session.scalars(select(ProducerEvent)).one()
    assert (event.action, event.state, event.actor_id) == (action, producer.state, operator.id)


def test_nobody_but_the_moves_writes_it(session: Session) -> None:
    producer = make_producer(session)
    session.add(ProducerEvent(producer_id=producer.id, at=NOW, action=A.APPLY, state=S.APPLIED))
    session.commit()
    for statement in (
        "UPDATE producer_event SET reason = 'x'",
        "DELETE FROM producer_event",
        "UPDATE producer SET state = 'famous'",
        "UPDATE producer SET state = 'closed'",
        "INSERT INTO producer_event (producer_id, at, action, state, reason)"
        f" VALUES ({producer.id}, '2026-01-01', 'suspend', 'suspended', '')",
        "INSERT INTO producer_event (producer_id, at, action, state, reason)"
        " VALUES (999, '2026-01-01', 'apply', 'applied', '')",
    ):
        with pytest.raises((DBAPIError, IntegrityError)):
            session.execute(text(statement))
            session.commit()
        session.rollback()


@pytest.mark.parametrize("state", [S.APPLIED, S.REFUSED, S.SUSPENDED, S.CLOSED])
def test_who_may_not_sell_is_seen_nowhere(
    client: FlaskClient, session: Session, state: ProducerState
) -> None:
    producer = in_state(session, state, name="Rumah Rahasia")
    product = make_product(session, producer, ready=9, name="Lempok Rahasia", slug="lempok")
    make_product(session, make_producer(session), ready=9, name="Lempok Terang", slug="terang")
    village = producer.village.slug
    session.commit()
    from ovop_market.catalogue import search

    search.index_all(session)
    for page in (
        "/",
        "/products",
        "/products?q=lempok",
        "/products?ready=1",
        f"/products?village={village}",
        f"/villages/{village}",
        "/sitemap.xml",
        "/api/v1/products",
        f"/api/v1/villages/{village}",
    ):
        answer = client.get(page)
        assert answer.status_code == 200, page
        assert "Rahasia" not in body(answer) and "/products/lempok" not in body(answer), page
    assert "Lempok Terang" in body(client.get("/products?q=lempok"))
    assert client.get("/products/lempok").status_code == 404
    assert client.get(f"/products/lempok/delivery?to={BANDUNG}").status_code == 404
    assert client.get("/api/v1/products/lempok").status_code == 404
    origin = {"Origin": "http://localhost"}
    lines = {"variant_id": str(product.variants[0].id), "quantity": "1"}
    assert client.post("/cart/lines", data=lines, headers=origin).status_code == 422


def test_a_suspension_hides_and_running_orders_go_on(
    desk: FlaskClient, session: Session, operator: User
) -> None:
    producer = make_producer(session)
    product = make_product(session, producer, ready=20)
    order = make_order(session, OrderState.PREPARING, product=product)
    page = f"/desk/producers/{producer.slug}"
    shown = body(desk.get(page))
    assert "1 produk tidak terlihat lagi, 1 pesanan berjalan tetap diselesaikan" in shown
    assert desk.get(f"/products/{product.slug}").status_code == 200
    assert send(desk, f"{page}/suspension", reason="Izin berakhir.").status_code == 303
    assert desk.get(f"/products/{product.slug}").status_code == 404
    session.expire_all()
    lifecycle.act(session, order, Action.FINISH, By(Actor.PRODUCER), NOW)
    assert order.state is OrderState.READY
    assert send(desk, f"{page}/resumption").status_code == 303
    assert desk.get(f"/products/{product.slug}").status_code == 200
    told = body(desk.get(page))
    assert "Izin berakhir." in told and "Boleh berjualan lagi" in told


@pytest.mark.parametrize("reason", ["", "   ", "\u2003", "x" * 501, "a\x00b", "\u202egnp"])
@pytest.mark.parametrize("verb", ["refusal", "suspension"])
def test_a_reason_that_cannot_be(
    desk: FlaskClient, session: Session, verb: str, reason: str
) -> None:
    state = S.APPLIED if verb == "refusal" else S.APPROVED
    producer = in_state(session, state)
    answer = send(desk, f"/desk/producers/{producer.slug}/{verb}", reason=reason)
    assert answer.status_code == 422
    at = "refuse" if verb == "refusal" else "suspend"
    assert f'id="{at}-reason-error"' in body(answer)
    session.expire_all()
    assert producer.state is state


def test_two_operators_at_once(desk: FlaskClient, session: Session) -> None:
    """The second decides on what is no longer so, and is shown what is."""
    producer = in_state(session, S.APPLIED)
    page = f"/desk/producers/{producer.slug}"
    session.commit()
    seen = producer_services.mark(producer)
    other = make_user(session, Role.OPERATOR)
    producer_services.move(
        session, producer, A.REFUSE, actor_id=other.id, now=clock.now(), reason="Bukan di sini."
    )
    session.commit()
    answer = send(desk, f"{page}/approval", seen=seen)
    assert answer.status_code == 409
    assert "sudah berubah" in body(answer) and "Bukan di sini." in body(answer)
    session.expire_all()
    assert producer.state is S.REFUSED


def test_closing_by_an_operator_is_the_closing_there_was(
    desk: FlaskClient, session: Session
) -> None:
    producer = make_producer(session)
    product = make_product(session, producer, capacity=50)
    order = make_order(session, product=product)
    page = f"/desk/producers/{producer.slug}/closure"
    answer = send(desk, page, reason="Pindah.")
    assert answer.status_code == 409 and "Masih ada 1 pesanan" in body(answer)
    session.expire_all()
    lifecycle.act(session, order, Action.DECLINE, By(Actor.PRODUCER), NOW, reason="x")
    for _twice in range(2):
        assert send(desk, page, reason="Pindah.").status_code == 303
    session.expire_all()
    assert producer.state is S.CLOSED and producer.ended_at == producer.state_since
    assert not product.listed
    (event,) = session.scalars(select(ProducerEvent))
    assert (event.action, event.reason) == (A.CLOSE, "Pindah.")


def test_a_suspended_member_supplies_nothing_to_its_group(session: Session, operator: User) -> None:
    product, _people = make_group(session, (40, 40))
    household = product.variants[0].offers[0].producer
    producer_services.move(
        session, household, A.SUSPEND, actor_id=operator.id, now=NOW, reason="Kebersihan."
    )
    session.flush()
    from ovop_market.catalogue.services import supplies

    (found,) = supplies(session, [product.variants[0].id], clock.wib_date(NOW)).values()
    assert [supply.offer_id for supply in found] == [product.variants[0].offers[1].id]


def test_who_may_not_sell_joins_no_group(session: Session) -> None:
    product, _people = make_group(session, (40,))
    group = product.producer
    household = in_state(session, S.APPLIED, village=group.village)
    with pytest.raises(Conflict):
        membership.ask_to_join(session, household, group, actor_id=1, now=NOW)


def test_the_list_is_found_by_state_and_words(desk: FlaskClient, session: Session) -> None:
    first = in_state(session, S.APPLIED, name="Dapur 50%_A", state_since=NOW - timedelta(days=2))
    in_state(session, S.APPLIED, name="Dapur Lain", state_since=NOW - timedelta(days=9))
    page = body(desk.get("/desk/producers"))
    assert page.index("Dapur Lain") < page.index("Dapur 50%_A")
    for q, found in (("50%_", True), ("%", True), ("belo laut", True), ("08120000", True)):
        assert ("Dapur 50%_A" in body(desk.get("/desk/producers", query_string={"q": q}))) is found
    only = body(desk.get("/desk/producers", query_string={"q": "%"}))
    assert "Dapur Lain" not in only
    assert first.name not in body(desk.get("/desk/producers?state=suspended"))
    for odd in ("?state=x&page=-1", "?page=99999999999999", "?q=" + "a" * 500, "?q=%27%22%3C"):
        assert desk.get(f"/desk/producers{odd}").status_code == 200
    for slug in ("0", "-1", str(2**63), "kata", "%00"):
        assert desk.get(f"/desk/producers/{slug}").status_code in (400, 404)


def test_the_list_costs_the_same_however_long_it_is(desk: FlaskClient, session: Session) -> None:
    in_state(session, S.APPLIED)
    desk.get("/desk/producers")
    with counted() as few:
        desk.get("/desk/producers")
    for _ in range(5):
        in_state(session, S.APPLIED)
    session.commit()
    with counted() as many:
        desk.get("/desk/producers")
    assert len(many) == len(few)


def _cart(session: Session, *producers: Producer) -> tuple[str, Details]:
    make_delivery(session)
    products = [make_product(session, producer, ready=9) for producer in producers]
    token = secret_token()
    cart = carts.create(session, token, NOW)
    for product in products:
        carts.add(session, cart, product.variants[0], 1, NOW)
    return token, Details(
        name="Sari Contoh",
        phone="+6281234567890",
        email=None,
        region_code=BANDUNG,
        street="Jalan Contoh 2",
        postal_code="40131",
        note="",
        payment_method=PaymentMethod.TRANSFER,
        delivery={producer.slug: "jne-reg" for producer in producers},
    )


def _place(session: Session, token: str, details: Details) -> None:
    cart = carts.find(session, token, lock=True)
    assert cart is not None
    checkout.place(
        session, cart, details, submission=secret_token(), buyer_id=None, now=clock.now()
    )


def test_a_checkout_after_a_suspension_is_refused_in_words(
    session: Session, operator: User
) -> None:
    producer = make_producer(session)
    token, details = _cart(session, producer)
    producer_services.move(
        session, producer, A.SUSPEND, actor_id=operator.id, now=NOW, reason="Izin."
    )
    with pytest.raises(CheckoutRefused, match="tidak dijual"):
        _place(session, token, details)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_a_suspension_while_a_checkout_is_under_way(
    app: Flask, session: Session, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has been quoted on a producer that sells; before it locks the producer, it no longer
    does. (SQLite has one writer at a time.)"""
    producer = make_producer(session)
    token, details = _cart(session, producer)
    ids = producer.id, operator.id
    session.commit()
    session.close()
    real = quotes.make

    def make_then_suspend(*args: Any, **more: Any) -> Any:
        found = real(*args, **more)

        def suspend() -> None:
            with app.app_context(), Session(db.engine) as own:
                producer_services.move(
                    own,
                    own.get_one(Producer, ids[0]),
                    A.SUSPEND,
                    actor_id=ids[1],
                    now=clock.now(),
                    reason="Izin.",
                )
                own.commit()

        thread = threading.Thread(target=suspend)
        thread.start()
        thread.join(20)
        return found

    monkeypatch.setattr(checkout.quotes, "make", make_then_suspend)
    with Session(db.engine) as own:
        with pytest.raises(CheckoutRefused, match="tidak berjualan lagi"):
            _place(own, token, details)
        own.rollback()
    assert session.scalar(select(func.count()).select_from(Order)) == 0
    assert session.scalars(select(Producer.state)).one() is S.SUSPENDED


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_a_checkout_and_a_suspension_at_once(app: Flask, session: Session, operator: User) -> None:
    """Whichever is first: an order exists only if it was placed before."""
    producer = make_producer(session)
    token, details = _cart(session, producer)
    ids = producer.id, operator.id
    session.commit()
    session.close()
    gate, raised = threading.Barrier(2), []

    def run(act: Any) -> None:
        with app.app_context(), Session(db.engine) as own:
            gate.wait(20)
            try:
                act(own)
                own.commit()
            except CheckoutRefused as refusal:
                raised.append(refusal)

    def suspend(own: Session) -> None:
        producer_services.move(
            own, own.get_one(Producer, ids[0]), A.SUSPEND, actor_id=ids[1], now=NOW, reason="x"
        )

    threads = [
        threading.Thread(target=run, args=(act,))
        for act in (suspend, lambda own: _place(own, token, details))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    placed = session.scalar(select(func.count()).select_from(Order))
    assert placed == 1 - len(raised)
    assert session.scalars(select(Producer.state)).one() is S.SUSPENDED


def test_a_cart_says_it_too(session: Session, operator: User) -> None:
    producer = make_producer(session)
    token, _details = _cart(session, producer)
    producer_services.move(
        session, producer, A.SUSPEND, actor_id=operator.id, now=NOW, reason="Izin."
    )
    cart = session.scalars(select(Cart)).one()
    (quote,) = quotes.make(session, cart, None, NOW)
    assert "tidak dijual" in quote.lines[0].problem and token


def test_standings_say_why(session: Session, operator: User) -> None:
    person = make_user(session, Role.PRODUCER)
    producer = make_producer(session, staff=person, name="Rumah A")
    make_producer(session, name="Rumah orang")
    assert producer_queries.standings(session, person) == []
    producer_services.move(
        session, producer, A.SUSPEND, actor_id=operator.id, now=NOW, reason="Izin."
    )
    (found,) = producer_queries.standings(session, person)
    assert (found.name, found.state, found.reason) == ("Rumah A", S.SUSPENDED, "Izin.")
