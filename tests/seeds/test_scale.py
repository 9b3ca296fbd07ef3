"""Bulk data agrees with itself, can be ordered, and can be added to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Offer, Product
from ovop_market.orders import queries as orders
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.states import OrderState
from ovop_market.payments.models import Payment
from ovop_market.payments.queries import books, payouts
from ovop_market.payments.states import PaymentState
from ovop_market.reach import services as reach
from ovop_market.seeds import bulk, scale
from ovop_market.villages.models import Village
from tests.factories import NOW, make_order, make_product
from tests.seeds.returning import returns


def _plant(session: Session, seed: int) -> None:
    scale.plant(session, NOW, villages=5, products=30, orders=700, seed=seed)


def _count(session: Session, model: type) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def test_bulk_data(session: Session) -> None:
    _plant(session, 1)
    assert _count(session, Village) == 5
    assert _count(session, Product) == 30
    assert _count(session, Order) == 700
    _agrees(session)
    _plant(session, 2)
    assert _count(session, Village) == 10
    assert _count(session, Order) == 1_400
    _agrees(session)
    assert 0.1 < returns(session) < 0.4


def _agrees(session: Session) -> None:
    assert list(orders.stock_differences(session)) == []
    assert list(reach.differences(session)) == []
    assert list(books.differences(session)) == []
    due = payouts.due(session, NOW)
    assert due.payable and not due.waiting and not due.carried
    assert all(item.since > NOW - timedelta(days=14) for item in due.payable)
    received = session.scalar(
        select(func.count(Order.id)).where(Order.state == OrderState.RECEIVED)
    )
    assert received is not None and received > 0.85 * _count(session, Order)
    last = select(func.max(OrderEvent.id)).group_by(OrderEvent.order_id)
    wrong = (
        select(Order.number)
        .join(OrderEvent)
        .where(OrderEvent.id.in_(last), OrderEvent.state != Order.state)
    )
    assert session.scalars(wrong).all() == []
    unpaid = select(Payment.id).where(
        Payment.state == PaymentState.CONFIRMED, Payment.confirmed_by_id.is_(None)
    )
    assert session.scalars(unpaid).all() == []
    assert session.scalar(select(func.count(Offer.id)).where(Offer.ready <= 0)) == 0


def test_the_market_goes_on_after_it(session: Session) -> None:
    """Ids that were given in bulk are not given again."""
    _plant(session, 1)
    assert (
        make_order(
            session,
            product=make_product(session, capacity=9, storage="ambient", max_transit_days=None),
            way="kurir-contoh",
        ).state
        is OrderState.PLACED
    )
    session.commit()


def test_more_villages_than_there_are(session: Session) -> None:
    with pytest.raises(LookupError, match="villages are left"):
        scale.plant(session, NOW, villages=5_000, products=1, orders=0, seed=1)


def test_order_numbers_differ() -> None:
    numbers = {bulk.order_number(order_id) for order_id in range(0, 3_000_000, 37)}
    assert len(numbers) == len(range(0, 3_000_000, 37))
    assert all(len(number) == len("7K4M-2XQ9A") for number in list(numbers)[:50])
