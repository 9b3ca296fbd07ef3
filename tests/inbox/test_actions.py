"""What a producer does to an order, over HTTP: each action, twice, too late, and wrongly."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.core import clock
from ovop_market.orders.models import Order, OrderEvent, PaymentMethod
from ovop_market.orders.queries import offered_terms, stock_differences
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.villages.models import Producer
from tests.counting import counted
from tests.factories import NOW, advance, make_order, make_product, make_purchase
from tests.pages import value_of

S = OrderState
HTMX = {"HX-Request": "true"}


def do(client: FlaskClient, order: Order, action: str, **fields: Any) -> TestResponse:
    """Sends an action's form as the order's page has it."""
    headers = fields.pop("headers", {})
    token = client.csrf("/shop/offers")
    return client.post(
        f"/inbox/{order.number}/{action}",
        data={"csrf_token": token, **fields},
        headers=headers,
    )


def state_of(session: Session, order: Order) -> OrderState:
    session.expire_all()
    return order.state


def later(days: int = 5) -> str:
    return (clock.wib_date(clock.now()) + timedelta(days=days)).isoformat()


# action, from, to, fields
ACTIONS = [
    ("acceptance", S.PLACED, S.ACCEPTED, {}),
    ("acceptance", S.PLACED, S.ACCEPTED, {"ready_by": later(9)}),
    ("counteroffer", S.PLACED, S.COUNTERED, {"ready_by": later(30)}),
    ("decline", S.PLACED, S.DECLINED, {"reason": "Rotan habis"}),
    ("cancellation", S.ACCEPTED, S.CANCELLED, {"reason": "Tidak diangkat"}),
    ("cancellation", S.PREPARING, S.CANCELLED, {"reason": "Tidak diangkat"}),
    ("cancellation", S.READY, S.CANCELLED, {"reason": "Tidak diangkat"}),
    ("preparation", S.ACCEPTED, S.PREPARING, {}),
    ("readiness", S.ACCEPTED, S.READY, {}),
    ("readiness", S.PREPARING, S.READY, {}),
    ("shipment", S.READY, S.SHIPPED, {"courier": "JNE", "tracking_number": "JP1"}),
    ("shipment", S.READY, S.SHIPPED, {"courier": "Travel Bu Ani"}),
    ("handover", S.READY, S.RECEIVED, {}),
]


@pytest.mark.parametrize(("action", "before", "after", "fields"), ACTIONS)
def test_each_action(
    maker: FlaskClient,
    session: Session,
    producer: Producer,
    action: str,
    before: S,
    after: S,
    fields: dict[str, str],
) -> None:
    way = "pickup" if action == "handover" else "jne-reg"
    order = make_order(
        session, before, producer=producer, method=PaymentMethod.COD, way=way, now=clock.now()
    )
    session.commit()
    page = maker.get(f"/inbox/{order.number}").get_data(as_text=True)
    assert f'action="/inbox/{order.number}/{action}"' in page
    key = value_of(page, "idempotency_key")
    answer = do(maker, order, action, idempotency_key=key, **fields)
    assert (answer.status_code, answer.location) == (303, f"/inbox/{order.number}")
    assert state_of(session, order) is after
    assert order.number in maker.get(f"/inbox/{order.number}").get_data(as_text=True)
    event = order.events[-1]
    assert (event.actor, event.idempotency_key) == (Actor.PRODUCER, key)
    assert event.actor_id is not None


@pytest.mark.parametrize(("action", "before", "after", "fields"), ACTIONS)
def test_a_repeated_tap_counts_once(
    maker: FlaskClient,
    session: Session,
    producer: Producer,
    action: str,
    before: S,
    after: S,
    fields: dict[str, str],
) -> None:
    way = "pickup" if action == "handover" else "jne-reg"
    order = make_order(
        session, before, producer=producer, method=PaymentMethod.COD, way=way, now=clock.now()
    )
    session.commit()
    events = len(order.events)
    for headers in ({"Idempotency-Key": "one-tap"}, {"Idempotency-Key": "one-tap"}, {}):
        answer = do(maker, order, action, headers=headers, **fields)
        assert answer.status_code == 303
    assert state_of(session, order) is after
    count = select(func.count()).where(OrderEvent.order_id == order.id)
    assert session.scalar(count) == events + 1


def test_a_key_of_another_action_is_refused(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, producer=producer, method=PaymentMethod.COD)
    session.commit()
    do(maker, order, "acceptance", headers={"Idempotency-Key": "k"})
    answer = do(maker, order, "preparation", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 409
    assert state_of(session, order) is S.ACCEPTED


@pytest.mark.parametrize("key", ["x" * 5000, "ключ", "a\tb"])
def test_any_key_will_do(
    maker: FlaskClient, session: Session, producer: Producer, key: str
) -> None:
    order = make_order(session, producer=producer)
    session.commit()
    answer = do(maker, order, "acceptance", idempotency_key=key)
    assert answer.status_code == 303
    assert state_of(session, order) is S.ACCEPTED


@pytest.mark.parametrize("back", ["", "list"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_overtaken_by_the_buyer(
    maker: FlaskClient,
    session: Session,
    producer: Producer,
    back: str,
    headers: dict[str, str],
) -> None:
    order = make_order(session, producer=producer)
    session.commit()
    token = maker.csrf(f"/inbox/{order.number}")
    lifecycle.act(session, order, Action.CANCEL, By(Actor.BUYER), clock.now(), reason="Salah")
    session.commit()
    answer = maker.post(
        f"/inbox/{order.number}/acceptance",
        data={"csrf_token": token, "back": back},
        headers=headers,
    )
    body = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "sudah berubah: Dibatalkan" in body
    assert ("<html" in body) is not bool(headers)
    assert ('data-state="CANCELLED"' in body) is not bool(back)
    assert state_of(session, order) is S.CANCELLED


def test_the_answer_to_htmx_is_the_fragment(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, producer=producer)
    session.commit()
    answer = do(maker, order, "acceptance", headers=HTMX)
    body = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert body.lstrip().startswith('<div id="order"')
    assert 'data-state="ACCEPTED"' in body
    assert "diterima." in body


def test_from_the_list_back_to_the_list(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    product = make_product(session, producer, capacity=90)
    first, second = (
        make_order(session, S.PREPARING, product=product, method=PaymentMethod.COD)
        for _ in range(2)
    )
    session.commit()
    fields = {"back": "list", "tab": "to_make"}
    answer = do(maker, first, "readiness", **fields)
    assert (answer.status_code, answer.location) == (303, "/inbox?tab=to_make")
    assert first.number in maker.get("/inbox?tab=to_make").get_data(as_text=True)  # the notice
    answer = do(maker, second, "readiness", headers=HTMX, **fields)
    body = answer.get_data(as_text=True)
    assert body.lstrip().startswith('<div id="inbox"')
    assert "data-order=" not in body
    assert f"{second.number} sudah siap" in body


def test_nothing_is_made_before_it_is_paid(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, S.ACCEPTED, producer=producer, now=clock.now())
    session.commit()
    page = maker.get(f"/inbox/{order.number}").get_data(as_text=True)
    assert "Jangan dibuat dulu" in page
    assert "/preparation" not in page
    for action in ("preparation", "readiness"):
        answer = do(maker, order, action)
        assert answer.status_code == 409
        assert "belum dibayar" in answer.get_data(as_text=True)
    assert state_of(session, order) is S.ACCEPTED


def test_fewer_packs(maker: FlaskClient, session: Session, producer: Producer) -> None:
    order = make_order(session, producer=producer, quantity=5, now=clock.now())
    session.commit()
    name = f"quantity-{order.lines[0].id}"
    assert do(maker, order, "counteroffer", **{name: "3"}).status_code == 303
    assert state_of(session, order) is S.COUNTERED
    assert order.lines[0].offered_quantity == 3
    assert "Ditawarkan: 3" in maker.get(f"/inbox/{order.number}").get_data(as_text=True)


def test_an_offer_that_changes_nothing_is_told_at_the_packs(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, producer=producer, quantity=5, now=clock.now())
    session.commit()
    name = f"quantity-{order.lines[0].id}"
    answer = do(maker, order, "counteroffer", **{name: "5", "ready_by": ""})
    assert answer.status_code == 422 and "Ubah jumlah atau tanggalnya" in answer.text
    assert f'id="counteroffer-{name}-error"' in answer.text
    assert state_of(session, order) is S.PLACED


@pytest.mark.parametrize("value", ["6", "-1", "0", "1.5", "tiga", "9" * 500, "٣", "1e3", "\x00"])
def test_wrong_quantities(
    maker: FlaskClient, session: Session, producer: Producer, value: str
) -> None:
    order = make_order(session, producer=producer, quantity=5, now=clock.now())
    session.commit()
    answer = do(maker, order, "counteroffer", **{f"quantity-{order.lines[0].id}": value})
    assert answer.status_code == 422
    assert state_of(session, order) is S.PLACED
    assert order.lines[0].offered_quantity is None


@pytest.mark.parametrize("action", ["acceptance", "counteroffer"])
@pytest.mark.parametrize(
    "value",
    ["besok", "2026-02-30", "0001-01-01", "9999-12-31", "2020-01-01", "x" * 50_000, "\x00"],
)
def test_wrong_dates(
    maker: FlaskClient, session: Session, producer: Producer, action: str, value: str
) -> None:
    order = make_order(session, producer=producer, now=clock.now())
    promised = order.ready_by
    session.commit()
    for headers in ({}, HTMX):
        answer = do(maker, order, action, ready_by=value, headers=headers)
        assert answer.status_code == 422
        assert "acceptance-ready_by-error" in answer.get_data(
            as_text=True
        ) or "counteroffer-ready_by-error" in answer.get_data(as_text=True)
    assert state_of(session, order) is S.PLACED
    assert order.ready_by == promised


def test_dates_as_people_write_them(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, producer=producer, now=clock.now())
    session.commit()
    day = date.fromisoformat(later(8))
    assert do(maker, order, "acceptance", ready_by=f"{day:%d-%m-%Y}").status_code == 303
    session.expire_all()
    assert order.ready_by == day


def test_declining_says_why(maker: FlaskClient, session: Session, producer: Producer) -> None:
    order = make_order(session, producer=producer)
    session.commit()
    for reason in ("", "   ", "x" * 501):
        answer = do(maker, order, "decline", reason=reason)
        assert answer.status_code == 422
        assert 'id="decline-reason-error"' in answer.get_data(as_text=True)
    assert reason in answer.get_data(as_text=True)
    assert state_of(session, order) is S.PLACED


@pytest.mark.parametrize("state", [S.ACCEPTED, S.PREPARING, S.READY])
def test_a_buyer_for_cash_who_does_not_come(
    maker: FlaskClient, session: Session, producer: Producer, state: S
) -> None:
    """What was kept for them can be sold again; without a reason nothing happens."""
    product = make_product(session, producer, ready=3)
    order = make_purchase(session, [(product, 3)], method=PaymentMethod.COD).orders[0]
    assert order.state is S.ACCEPTED
    advance(session, order, state)
    session.commit()
    offer = product.variants[0].offers[0]
    assert (offer.ready, order.due_at) == (0, None)
    page = maker.get(f"/inbox/{order.number}").get_data(as_text=True)
    assert "Pembeli tidak datang atau tidak bisa dihubungi" in page
    answer = do(maker, order, "cancellation", reason=" ")
    assert answer.status_code == 422
    assert 'id="cancellation-reason-error"' in answer.get_data(as_text=True)
    assert do(maker, order, "cancellation", reason="Tidak diangkat").status_code == 303
    assert state_of(session, order) is S.CANCELLED
    assert (order.events[-1].action, order.events[-1].reason) == (Action.GIVE_UP, "Tidak diangkat")
    session.expire_all()
    assert offer.ready == 3
    assert not list(stock_differences(session))
    assert order.number in maker.get("/inbox?tab=cancelled").get_data(as_text=True)


@pytest.mark.parametrize("state", [S.ACCEPTED, S.PREPARING, S.READY])
def test_what_is_paid_or_is_to_be_paid_first_is_not_given_up(
    maker: FlaskClient, session: Session, producer: Producer, state: S
) -> None:
    order = make_order(session, state, producer=producer)
    session.commit()
    assert "/cancellation" not in maker.get(f"/inbox/{order.number}").get_data(as_text=True)
    assert do(maker, order, "cancellation", reason="Tidak mau").status_code == 409
    assert state_of(session, order) is state


def test_shipping_needs_a_courier_and_keeps_what_was_typed(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, S.READY, producer=producer)
    session.commit()
    page = maker.get(f"/inbox/{order.number}").get_data(as_text=True)
    assert 'value="JNE"' in page
    answer = do(maker, order, "shipment", courier="", tracking_number="JP-77")
    assert answer.status_code == 422
    assert 'value="JP-77"' in answer.get_data(as_text=True)
    assert do(maker, order, "shipment", courier="JNE", tracking_number="x" * 61).status_code == 422
    assert state_of(session, order) is S.READY
    assert do(maker, order, "shipment", courier="JNE", tracking_number="JP-77").status_code == 303
    assert "JP-77" in maker.get(f"/inbox/{order.number}").get_data(as_text=True)


def test_the_order_page_tells_everything(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, producer=producer, now=clock.now(), name="Siti Contoh")
    session.commit()
    body = maker.get(f"/inbox/{order.number}").get_data(as_text=True)
    for text in (
        "Siti Contoh",
        "https://wa.me/6281234567890",
        "Jalan Contoh 2",
        "40131",
        "Kota Bandung",
        "JNE REG",
        "1,2 kg",
        "Belum dibayar",
        "Pesanan dibuat",
        " WIB",
    ):
        assert text in body, text


def test_somebody_elses_order_is_not_there(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, product=make_product(session, capacity=9))
    session.commit()
    for number in (order.number, "AAAA-BBBB", "x" * 300, "%F0%9F%90%9F"):
        assert maker.get(f"/inbox/{number}").status_code == 404
    own = make_order(session, producer=producer)
    session.commit()
    token = maker.csrf(f"/inbox/{own.number}")
    for action, *_rest in ACTIONS:
        answer = maker.post(f"/inbox/{order.number}/{action}", data={"csrf_token": token})
        assert answer.status_code == 404
    assert state_of(session, order) is S.PLACED


def test_without_a_token_nothing_happens(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, producer=producer)
    session.commit()
    assert maker.post(f"/inbox/{order.number}/acceptance").status_code == 400
    assert maker.get(f"/inbox/{order.number}/acceptance").status_code == 405
    assert state_of(session, order) is S.PLACED


def test_statements_of_an_order_do_not_grow(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    order = make_order(session, producer=producer)
    done = make_order(session, S.RECEIVED, producer=producer)
    session.commit()
    with counted() as few:
        maker.get(f"/inbox/{order.number}")
    with counted() as many:
        maker.get(f"/inbox/{done.number}")
    assert len(many) == len(few)


def test_what_an_offer_comes_to_is_what_is_agreed(client: FlaskClient, session: Session) -> None:
    """The buyer sees the new price, shipping and all, and until when they may answer."""
    order = make_order(session, quantity=9)
    (line,) = order.lines
    producer = By(Actor.PRODUCER)
    lifecycle.counter(session, order, producer, NOW, quantities={line.id: 4}, ready_by=None)
    session.commit()
    offer = offered_terms(session, order)
    assert offer.goods == 4 * line.unit_price and offer.shipping < order.shipping
    body = client.get(f"/purchases/{order.purchase.token}").get_data(as_text=True)
    assert f'value="{offer.total}"' in body and f'value="{order.total}"' in body
    assert "Jawab tawarannya paling lambat" in body
    lifecycle.agree(session, order, By(Actor.BUYER), NOW)
    assert (order.goods, order.shipping, order.total) == (offer.goods, offer.shipping, offer.total)
