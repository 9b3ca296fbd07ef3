"""The number of a parcel that is under way: added or corrected, once, and told to the buyer."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.core.errors import Conflict, MoveRefused
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.services import lifecycle, notes
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import WRITTEN, Action, Actor, OrderState
from ovop_market.villages.models import Producer
from tests.factories import NOW, make_order

S = OrderState


def tracked(session: Session, order: Order) -> list[OrderEvent]:
    return list(
        session.scalars(
            select(OrderEvent)
            .where(OrderEvent.order_id == order.id, OrderEvent.action == Action.TRACK)
            .execution_options(populate_existing=True)
        )
    )


def path(order: Order) -> str:
    return f"/inbox/{order.number}/tracking"


def test_a_number_is_corrected(maker: FlaskClient, session: Session, producer: Producer) -> None:
    order = make_order(session, S.SHIPPED, producer=producer)
    page = f"/inbox/{order.number}"
    body = maker.get(page).text
    assert "Tambah atau ubah nomor resi" in body
    assert 'value="JP123"' in body
    answer = maker.send(page, path(order), courier="JNE", tracking_number="JP999", seen="SHIPPED")
    assert answer.status_code == 303
    (event,) = tracked(session, order)
    assert (event.actor, event.state) == (Actor.PRODUCER, S.SHIPPED)
    assert event.actor_id is not None
    assert event.details == {
        "courier": "JNE",
        "tracking_number": "JP999",
        "before": {"courier": "JNE", "tracking_number": "JP123"},
    }
    session.refresh(order)
    assert (order.state, order.tracking_number) == (S.SHIPPED, "JP999")
    for shown in (maker.get(page).text, maker.get(f"/purchases/{order.purchase.token}").text):
        assert "Nomor resi diperbarui" in shown
        assert "JNE, JP999 (tadinya JNE, JP123)" in shown


def test_the_same_again_is_nothing_new(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, S.SHIPPED, producer=producer)
    page = f"/inbox/{order.number}"
    fields = {"courier": "JNE", "tracking_number": "JP999", "idempotency_key": "tap"}
    for _time in range(2):
        assert maker.send(page, path(order), **fields).status_code == 303
    # Another tap that changes nothing, with a key of its own.
    again = {**fields, "idempotency_key": "other"}
    assert maker.send(page, path(order), **again).status_code == 303
    assert len(tracked(session, order)) == 1
    # The answer was lost, and something else is in the form by now.
    other = {**fields, "tracking_number": "JP000"}
    assert maker.send(page, path(order), **other).status_code == 409
    # There and back are two corrections.
    for number in ("JP000", "JP999"):
        fields = {"courier": "JNE", "tracking_number": number, "idempotency_key": number}
        assert maker.send(page, path(order), **fields).status_code == 303
    assert len(tracked(session, order)) == 3


def test_a_courier_is_needed(maker: FlaskClient, session: Session, producer: Producer) -> None:
    order = make_order(session, S.SHIPPED, producer=producer)
    page = f"/inbox/{order.number}"
    answer = maker.send(page, path(order), courier="", tracking_number="JP" + "9" * 60)
    assert answer.status_code == 422
    assert "Isi bagian ini." in answer.text
    assert "JP999" in answer.text
    assert tracked(session, order) == []


@pytest.mark.parametrize("state", sorted(set(S) - {S.SHIPPED}))
def test_only_under_way(app: Flask, session: Session, state: S) -> None:
    order = make_order(session, state)
    with pytest.raises(MoveRefused, match="perjalanan"):
        notes.track(session, order, By(Actor.PRODUCER), NOW, courier="JNE", tracking_number="JP999")
    assert tracked(session, order) == []


def test_only_the_producer(app: Flask, session: Session) -> None:
    order = make_order(session, S.SHIPPED)
    assert {actor for _state, _action, actor in WRITTEN} == {Actor.PRODUCER}
    for actor in (Actor.BUYER, Actor.OPERATOR, Actor.CLOCK):
        with pytest.raises(MoveRefused):
            notes.track(session, order, By(actor), NOW, courier="J", tracking_number="1")


def test_a_correction_is_no_move(app: Flask, session: Session) -> None:
    """What is done twice in a row is still known as such across it, and the clock runs on."""
    order = make_order(session, S.SHIPPED)
    due = order.due_at
    notes.track(session, order, By(Actor.PRODUCER), NOW, courier="Pos", tracking_number="P1")
    assert order.due_at == due
    again = lifecycle.ship(
        session, order, By(Actor.PRODUCER), NOW, courier="JNE", tracking_number="JP123"
    )
    assert again.action is Action.SHIP
    lifecycle.receive(session, order, By(Actor.BUYER), NOW)
    with pytest.raises(Conflict):
        notes.track(session, order, By(Actor.PRODUCER), NOW, courier="J", tracking_number="2")
