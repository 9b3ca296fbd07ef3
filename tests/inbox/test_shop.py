"""The shop: stock in two taps, what can be made in a week, days without orders."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import AuditEvent
from ovop_market.catalogue.models import (
    Offer,
    Product,
    StockKind,
    StockMovement,
    StockReason,
)
from ovop_market.core import clock
from ovop_market.villages.models import Producer
from ovop_market.villages.producer_models import ProducerEvent
from ovop_market.villages.producer_states import ProducerAction, ProducerState
from tests.counting import counted
from tests.factories import make_producer, make_product

HTMX = {"HX-Request": "true"}
SHOP = "/shop/offers"


def send(client: FlaskClient, action: str, **fields: Any) -> TestResponse:
    headers = fields.pop("headers", {})
    return client.post(action, data={"csrf_token": client.csrf(SHOP), **fields}, headers=headers)


def offer_of(session: Session, product: Product) -> Offer:
    session.expire_all()
    return product.variants[0].offers[0]


def audited(session: Session) -> list[str]:
    actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    return [action for action in actions if action.startswith(("capacity", "producer"))]


def day(days: int) -> str:
    return (clock.wib_date(clock.now()) + timedelta(days=days)).isoformat()


def test_the_shop_begins_with_the_offers(maker: FlaskClient) -> None:
    answer = maker.get("/shop")
    assert (answer.status_code, answer.location) == (303, SHOP)
    assert "Belum ada produk" in maker.get(SHOP).get_data(as_text=True)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_counting_stock(
    maker: FlaskClient, session: Session, producer: Producer, headers: dict[str, str]
) -> None:
    product = make_product(session, producer, ready=5)
    session.commit()
    offer = offer_of(session, product)
    answer = send(maker, f"{SHOP}/{offer.id}/count", counted="12", seen="5", headers=headers)
    if headers:
        assert (
            answer.get_data(as_text=True)
            .lstrip()
            .startswith(f'<li class="panel" id="offer-{offer.id}"')
        )
        assert 'name="seen" value="12"' in answer.get_data(as_text=True)
    else:
        assert (answer.status_code, answer.location) == (303, f"{SHOP}#offer-{offer.id}")
    assert offer_of(session, product).ready == 12
    movement = session.scalars(select(StockMovement).order_by(StockMovement.id.desc())).first()
    assert movement is not None
    assert (movement.kind, movement.reason, movement.change) == (
        StockKind.READY,
        StockReason.COUNTED,
        7,
    )
    assert movement.actor_id is not None


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_old_count_does_not_bring_sold_packs_back(
    maker: FlaskClient, session: Session, producer: Producer, headers: dict[str, str]
) -> None:
    product = make_product(session, producer, ready=5)
    session.commit()
    offer = offer_of(session, product)
    answer = send(maker, f"{SHOP}/{offer.id}/count", counted="9", seen="8", headers=headers)
    body = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "baru saja berubah" in body
    assert 'name="seen" value="5"' in body
    assert 'name="counted" value="9"' in body
    assert offer_of(session, product).ready == 5


@pytest.mark.parametrize("value", ["", "-1", "1.5", "x", "9" * 400, "100000", "\x00", "٣"])
def test_wrong_numbers(
    maker: FlaskClient, session: Session, producer: Producer, value: str
) -> None:
    product = make_product(session, producer, ready=5, capacity=7)
    session.commit()
    offer = offer_of(session, product)
    path = f"{SHOP}/{offer.id}"
    for headers in ({}, HTMX):
        answer = send(maker, f"{path}/count", counted=value, seen="5", headers=headers)
        assert answer.status_code == 422
        assert f'id="offer-{offer.id}-counted-error"' in answer.get_data(as_text=True)
        fields = {"weekly_capacity": value, "lead_days": value}
        answer = send(maker, f"{path}/capacity", headers=headers, **fields)
        assert answer.status_code == 422
    assert send(maker, f"{path}/count", counted="6", seen=value).status_code == 422
    offer = offer_of(session, product)
    assert (offer.ready, offer.weekly_capacity, offer.lead_days) == (5, 7, 2)


def test_capacity_is_set_and_recorded_once(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    product = make_product(session, producer, capacity=7)
    session.commit()
    path = f"{SHOP}/{offer_of(session, product).id}/capacity"
    for _ in range(2):
        answer = send(maker, path, weekly_capacity="30", lead_days="4")
        assert answer.status_code == 303
    offer = offer_of(session, product)
    assert (offer.weekly_capacity, offer.lead_days) == (30, 4)
    assert audited(session) == ["capacity changed"]


def test_closing_and_opening(maker: FlaskClient, session: Session, producer: Producer) -> None:
    path = f"/shop/producers/{producer.slug}"
    fields = {"closed_from": day(0), "closed_to": day(5)}
    for headers in ({}, HTMX):
        answer = send(maker, f"{path}/closure", headers=headers, **fields)
        assert answer.status_code == (200 if headers else 303)
    session.expire_all()
    assert producer.closed_on(clock.wib_date(clock.now()))
    assert "Tutup sampai" in maker.get(SHOP).get_data(as_text=True)
    for _ in range(2):
        assert send(maker, f"{path}/reopening").status_code == 303
    session.expire_all()
    assert producer.closed_from is None
    assert audited(session) == ["producer closed", "producer opened"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"closed_from": "besok"},
        {"closed_from": "0001-01-01"},
        {"closed_from": "9999-12-31"},
        {"closed_from": day(5), "closed_to": day(2)},
        {"closed_from": day(-9), "closed_to": day(-2)},
        {"closed_from": day(0), "closed_to": "9999-12-31"},
        {"closed_from": day(0), "closed_to": "2026-13-01"},
    ],
)
def test_wrong_days(
    maker: FlaskClient, session: Session, producer: Producer, fields: dict[str, str]
) -> None:
    for headers in ({}, HTMX):
        answer = send(maker, f"/shop/producers/{producer.slug}/closure", headers=headers, **fields)
        assert answer.status_code == 422
        assert 'class="error"' in answer.get_data(as_text=True)
    session.expire_all()
    assert producer.closed_from is None


def test_a_group_keeps_its_members_offers_too(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    producer.kind = "group"
    member = make_producer(session, group_id=producer.id, name="Rumah Anggota")
    product = make_product(session, producer, ready=1)
    product.variants[0].offers.append(Offer(producer=member))
    session.commit()
    body = maker.get(SHOP).get_data(as_text=True)
    assert "Rumah Anggota" in body
    session.expire_all()
    offer = next(o for o in product.variants[0].offers if o.producer_id == member.id)
    answer = send(maker, f"{SHOP}/{offer.id}/count", counted="4", seen="0")
    assert answer.status_code == 303


def test_other_producers_things_are_not_there(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    other = make_producer(session)
    product = make_product(session, other, ready=5)
    session.commit()
    offer = offer_of(session, product)
    assert product.name not in maker.get(SHOP).get_data(as_text=True)
    for offer_id in (offer.id, 10**12):
        path = f"{SHOP}/{offer_id}"
        assert send(maker, f"{path}/count", counted="9", seen="5").status_code == 404
        fields = {"weekly_capacity": "9", "lead_days": "1"}
        assert send(maker, f"{path}/capacity", **fields).status_code == 404
    for action in ("closure", "reopening"):
        path = f"/shop/producers/{other.slug}/{action}"
        assert send(maker, path, closed_from=day(0)).status_code == 404
    assert offer_of(session, product).ready == 5


def test_statements_do_not_grow(maker: FlaskClient, session: Session, producer: Producer) -> None:
    make_product(session, producer, ready=5)
    session.commit()
    with counted() as few:
        maker.get(SHOP)
    for _ in range(5):
        make_product(session, producer, ready=5, capacity=3)
    session.commit()
    with counted() as many:
        maker.get(SHOP)
    assert len(many) == len(few)


@pytest.mark.parametrize(
    ("state", "badge", "next_step"),
    [
        (ProducerState.APPLIED, "Menunggu disetujui", "siapkan produk dan stok"),
        (ProducerState.REFUSED, "Belum bisa", "Perbaiki dan kirim lagi"),
        (ProducerState.SUSPENDED, "Dihentikan sementara", "Hubungi pengelola"),
        (ProducerState.CLOSED, "Tutup untuk seterusnya", "tetap dibayar"),
    ],
)
def test_who_may_not_sell_reads_why_and_what_comes_next(
    maker: FlaskClient,
    session: Session,
    producer: Producer,
    state: ProducerState,
    badge: str,
    next_step: str,
) -> None:
    session.add(
        ProducerEvent(
            producer_id=producer.id,
            at=clock.now(),
            action=ProducerAction.SUSPEND,
            state=state,
            reason="Fotonya kabur.",
        )
    )
    producer.state = state
    producer.closed_from = clock.wib_date(clock.now()) if state is ProducerState.CLOSED else None
    session.commit()
    page = maker.get(SHOP).get_data(as_text=True)
    assert badge in page and next_step in page and "Fotonya kabur." in page
    assert "Tutup sementara" not in page and "Buka lagi" not in page
    if state is not ProducerState.CLOSED:
        answer = send(maker, f"/shop/producers/{producer.slug}/cash", headers=HTMX)
        assert badge in answer.get_data(as_text=True)
