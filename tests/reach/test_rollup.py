"""The rollup says what the orders say, whatever happens to them."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product, Storage
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.orders.models import Order
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.reach import services
from ovop_market.reach.models import ReachDay
from ovop_market.regions.models import Region
from tests.factories import BELO_LAUT, NOW, advance, make_order, make_producer, make_product
from tests.factories import make_purchase as purchase

BUYER, OPERATOR = By(Actor.BUYER), By(Actor.OPERATOR)


def craft(session: Session, producer=None, **values) -> Product:
    """A product that may go anywhere."""
    values = {"storage": Storage.AMBIENT, "max_transit_days": None, "capacity": 900, **values}
    return make_product(session, producer, **values)


def village_in(session: Session, prefix: str) -> str:
    """The first village of an area."""
    found = session.scalar(
        select(Region.code)
        .where(Region.level == 4, Region.code.startswith(prefix + "."), Region.code != BELO_LAUT)
        .order_by(Region.code)
        .limit(1)
    )
    assert found, prefix
    return found


def rows(session: Session) -> list[tuple]:
    session.expire_all()
    return [
        tuple(row)
        for row in session.execute(
            select(
                ReachDay.day,
                ReachDay.product_id,
                ReachDay.region_code,
                ReachDay.orders,
                ReachDay.units,
                ReachDay.home_units,
                ReachDay.revenue,
            )
            .where((ReachDay.orders > 0) | (ReachDay.units > 0) | (ReachDay.revenue > 0))
            .order_by(ReachDay.day, ReachDay.product_id, ReachDay.region_code)
        )
    ]


@pytest.mark.parametrize(
    "state", [state for state in OrderState if state is not OrderState.RECEIVED]
)
def test_only_received_orders_count(session, state):
    make_order(session, state)
    assert rows(session) == []


def test_a_received_order_counts_packs_and_goods_without_shipping(session):
    product = craft(session, price=45_000)
    order = make_order(session, OrderState.RECEIVED, product=product, quantity=3)
    assert order.shipping > 0
    assert rows(session) == [(clock.wib_date(NOW), product.id, "32.73", 1, 3, 0, 135_000)]
    assert list(services.differences(session)) == []


def test_orders_of_a_day_add_up(session):
    product = craft(session)
    for quantity in (1, 2, 3):
        make_order(session, OrderState.RECEIVED, product=product, quantity=quantity)
    assert [row[3:5] for row in rows(session)] == [(3, 6)]


def test_a_dispute_takes_away_and_a_settlement_for_the_producer_puts_back(session):
    order = make_order(session, OrderState.RECEIVED)
    counted = rows(session)
    later = NOW + timedelta(days=1)
    lifecycle.act(session, order, Action.DISPUTE, BUYER, later, reason="rusak")
    assert rows(session) == []
    assert list(services.differences(session)) == []
    lifecycle.settle(session, order, OPERATOR, later, for_buyer=False, reason=None)
    assert rows(session) == counted, "it stays on the day of the first receipt"
    assert list(services.differences(session)) == []


def test_a_dispute_settled_for_the_buyer_leaves_nothing(session):
    order = make_order(session, OrderState.RECEIVED)
    later = NOW + timedelta(days=1)
    lifecycle.act(session, order, Action.DISPUTE, BUYER, later, reason="rusak")
    lifecycle.settle(session, order, OPERATOR, later, for_buyer=True, reason="rusak")
    assert rows(session) == []
    assert list(services.differences(session)) == []


def test_a_dispute_on_the_way_counts_once_settled_for_the_producer(session):
    order = make_order(session, OrderState.DISPUTED)
    assert rows(session) == []
    lifecycle.settle(session, order, OPERATOR, NOW, for_buyer=False, reason=None)
    assert [row[3] for row in rows(session)] == [1]
    assert list(services.differences(session)) == []


def test_a_repeated_tap_counts_once(session):
    order = make_order(session, OrderState.SHIPPED)
    for _ in range(3):
        lifecycle.receive(session, order, BUYER, NOW)
    assert [row[3] for row in rows(session)] == [1]


def test_rolled_back_is_not_counted(session):
    order = make_order(session, OrderState.SHIPPED)
    session.commit()
    lifecycle.receive(session, order, BUYER, NOW)
    session.rollback()
    assert rows(session) == []


def test_an_order_of_several_products_counts_at_the_largest(session):
    producer = make_producer(session)
    small, large, equal = (
        craft(session, producer, price=price) for price in (50_000, 120_000, 60_000)
    )
    order = purchase(session, [(small, 1), (large, 1), (equal, 2)]).orders[0]
    advance(session, order, OrderState.RECEIVED)
    assert [(row[1], row[3], row[6]) for row in rows(session)] == [
        (small.id, 0, 50_000),
        # Two of the same amount: the smaller id has it.
        (large.id, 1, 120_000),
        (equal.id, 0, 120_000),
    ]
    assert list(services.differences(session)) == []


def test_a_line_that_a_counteroffer_left_empty_has_gone_nowhere(session):
    producer = make_producer(session)
    first, second = craft(session, producer), craft(session, producer)
    order = purchase(session, [(first, 2), (second, 2)]).orders[0]
    left_out = next(line for line in order.lines if line.variant.product_id == second.id)
    lifecycle.counter(
        session, order, By(Actor.PRODUCER), NOW, quantities={left_out.id: 0}, ready_by=None
    )
    lifecycle.agree(session, order, BUYER, NOW)
    advance(session, order, OrderState.RECEIVED)
    assert [row[1] for row in rows(session)] == [first.id]
    assert list(services.differences(session)) == []


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 10, 31, 16, 59, 59, 999_999, tzinfo=UTC), date(2026, 10, 31)),
        (datetime(2026, 10, 31, 17, 0, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2026, 10, 31, 23, 30, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2026, 12, 31, 17, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2028, 2, 28, 20, 0, tzinfo=UTC), date(2028, 2, 29)),
    ],
)
def test_a_day_is_one_of_bangka_barat(session, moment, day):
    make_order(session, OrderState.RECEIVED, now=moment)
    assert clock.wib_date(moment) == day
    assert [row[0] for row in rows(session)] == [day]
    services.rebuild(session)
    assert [row[0] for row in rows(session)] == [day]


def test_what_stays_in_the_village_is_counted_as_home(session):
    product = craft(session)
    make_order(session, OrderState.RECEIVED, product=product, quantity=2, region=BELO_LAUT)
    near = village_in(session, "19.05")
    make_order(session, OrderState.RECEIVED, product=product, quantity=5, region=near)
    # A district alone does not say that it was this village.
    district = BELO_LAUT[:8]
    make_order(session, OrderState.RECEIVED, product=product, quantity=1, region=district)
    assert [row[2:6] for row in rows(session)] == [("19.05", 3, 8, 2)]
    assert list(services.differences(session)) == []


def test_rebuild_says_the_same_as_following_did(session):
    producer = make_producer(session)
    products = [craft(session, producer) for _ in range(3)]
    for number in range(8):
        region = village_in(session, ("19.05", "31.74", "16.71", "32.73")[number % 4])
        wanted = [(products[i], 1 + (number * i) % 4) for i in range(1 + number % 3)]
        moment = NOW + timedelta(hours=7 * number)
        order = purchase(session, wanted, region=region, now=moment).orders[0]
        advance(session, order, OrderState.RECEIVED, moment)
        if number % 3 == 0:
            lifecycle.act(session, order, Action.DISPUTE, BUYER, moment, reason="rusak")
    followed = rows(session)
    assert list(services.differences(session)) == []
    assert services.rebuild(session) == len(followed)
    assert rows(session) == followed
    assert list(services.differences(session)) == []


def test_verify_finds_what_was_changed_lost_or_made_up(session):
    first, second = craft(session), craft(session)
    make_order(session, OrderState.RECEIVED, product=first)
    make_order(session, OrderState.RECEIVED, product=second)
    session.execute(
        update(ReachDay).where(ReachDay.product_id == first.id).values(units=ReachDay.units + 1)
    )
    session.execute(delete(ReachDay).where(ReachDay.product_id == second.id))
    made_up = ReachDay(
        day=date(2020, 1, 1),
        product_id=first.id,
        region_code="31.74",
        channel="web",
        village_id=first.producer.village_id,
        purchases=0,
        orders=0,
        units=0,
        home_units=0,
        revenue=1,
    )
    session.add(made_up)
    session.flush()
    found = list(services.differences(session))
    assert len(found) == 3
    assert first.slug in found[0] and "31.74" in found[0] and "2020-01-01" in found[0]
    assert any(second.slug in line and "has 0 orders" in line for line in found)
    assert any("3 packs" in line and "say 1 orders, 2 packs" in line for line in found)
    made_up.revenue = 0
    session.flush()
    assert len(list(services.differences(session))) == 2, "a row of zeros is like none"
    services.rebuild(session)
    assert list(services.differences(session)) == []


def test_a_lost_row_does_not_keep_a_buyer_from_complaining(session):
    order = make_order(session, OrderState.RECEIVED)
    session.execute(delete(ReachDay))
    lifecycle.act(session, order, Action.DISPUTE, BUYER, NOW, reason="rusak")
    assert order.state is OrderState.DISPUTED
    assert rows(session) == []
    assert list(services.differences(session)) == []


def test_the_commands(app, session):
    make_order(session, OrderState.RECEIVED)
    session.execute(update(ReachDay).values(revenue=ReachDay.revenue + 1))
    session.commit()
    runner = app.test_cli_runner()
    result = runner.invoke(args=["reach", "verify"])
    assert result.exit_code == 1 and "rupiah" in result.output
    assert runner.invoke(args=["reach", "rebuild"]).exit_code == 0
    assert runner.invoke(args=["reach", "verify"]).exit_code == 0


def test_many_at_once_add_up(app, session):
    product = craft(session)
    numbers = [
        make_order(session, OrderState.SHIPPED, product=product, quantity=1).id for _ in range(8)
    ]
    session.commit()
    session.close()
    failed: list[BaseException] = []

    def receive(order_id: int) -> None:
        with app.app_context():
            try:
                mine = db.session()
                lifecycle.receive(mine, mine.get_one(Order, order_id), BUYER, NOW)
                mine.commit()
            except BaseException as error:
                failed.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=receive, args=[number]) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [row[3:5] for row in rows(session)] == [(8, 8)]
    assert list(services.differences(session)) == []
