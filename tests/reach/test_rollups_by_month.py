"""The coarser rollups say what the orders say: after every move, and at every commit under load."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.extensions import db
from ovop_market.orders.models import Order
from ovop_market.orders.services import lifecycle
from ovop_market.orders.states import Action, OrderState
from ovop_market.reach import services
from ovop_market.reach.models import (
    ReachPlaceMonth,
    ReachProductMonth,
    ReachVillageMonth,
    ReachVillageYear,
)
from ovop_market.reach.recount import ROLLUPS
from tests.factories import (
    BELO_LAUT,
    NOW,
    advance,
    make_order,
    make_producer,
    make_sale,
    make_user,
    make_village,
)
from tests.factories import make_purchase as purchase
from tests.reach.test_rollup import BUYER, OPERATOR, craft, village_in

DENDANG = "19.05.04.2005"
MODELS = [rollup.model for rollup in ROLLUPS]


def in_step(session: Session) -> bool:
    session.flush()
    return list(services.differences(session)) == []


def sums(session: Session, model: Any, name: str) -> int:
    return session.scalar(select(func.coalesce(func.sum(getattr(model, name)), 0))) or 0


def test_a_month_of_wib(session: Session) -> None:
    # 1 January 2027 in WIB.
    moment = datetime(2026, 12, 31, 17, tzinfo=UTC)
    make_order(session, OrderState.RECEIVED, product=craft(session), now=moment)
    place = session.scalars(select(ReachPlaceMonth)).one()
    assert (place.month, place.area_code, place.region_code) == (
        date(2027, 1, 1),
        "19.05",
        "32.73",
    )
    assert session.scalars(select(ReachVillageYear.year)).one() == 2027
    assert session.scalars(select(ReachProductMonth.month)).one() == date(2027, 1, 1)
    assert in_step(session)


def test_what_stays_in_a_village(session: Session) -> None:
    product = craft(session)
    for region, packs in (
        (BELO_LAUT, 1),
        (village_in(session, "19.05"), 2),
        (village_in(session, "19.71"), 3),
        (village_in(session, "32.73"), 4),
    ):
        make_order(session, OrderState.RECEIVED, product=product, quantity=packs, region=region)
    make_order(session, OrderState.RECEIVED, product=craft(session), region=BELO_LAUT)
    found = session.scalars(select(ReachVillageYear).order_by(ReachVillageYear.region_code))
    told = [(row.region_code, row.units, row.home_units, row.home_purchases) for row in found]
    assert told == [("19.05", 5, 3, 2), ("19.71", 3, 0, 0), ("32.73", 4, 0, 0)]
    assert in_step(session)


@pytest.fixture
def three_orders(session: Session) -> list[Order]:
    """One purchase: two producers of one village, one of another."""
    belo_laut, dendang = make_village(session), make_village(session, DENDANG, name="Dendang")
    makers = [make_producer(session, belo_laut) for _ in range(2)]
    makers.append(make_producer(session, dendang))
    return purchase(session, [(craft(session, maker), 1) for maker in makers]).orders


def test_a_purchase_counts_once_in_a_village_and_in_a_regency(
    session: Session, three_orders: list[Order]
) -> None:
    for order in three_orders:
        advance(session, order, OrderState.RECEIVED)
        assert in_step(session)
    assert sums(session, ReachProductMonth, "purchases") == 3
    assert sums(session, ReachVillageMonth, "purchases") == 2
    assert sums(session, ReachVillageYear, "purchases") == 2
    assert sums(session, ReachPlaceMonth, "purchases") == 1
    assert {sums(session, model, "orders") for model in MODELS} == {3}


def test_a_purchase_moves_to_the_order_that_is_left(
    session: Session, three_orders: list[Order]
) -> None:
    """The first order is received in one month, the others in the next; then it is disputed."""
    first, second, third = three_orders
    advance(session, first, OrderState.RECEIVED, NOW)
    later = NOW + timedelta(days=2)
    for order in (second, third):
        advance(session, order, OrderState.RECEIVED, NOW + timedelta(days=31))
    assert in_step(session)
    lifecycle.act(session, first, Action.DISPUTE, BUYER, later, reason="rusak")
    assert in_step(session)
    by_month = session.execute(
        select(ReachPlaceMonth.month, ReachPlaceMonth.purchases).order_by(ReachPlaceMonth.month)
    ).all()
    assert [row.purchases for row in by_month] == [0, 1]
    lifecycle.settle(session, first, OPERATOR, later, for_buyer=False, reason=None)
    assert in_step(session)
    assert sums(session, ReachPlaceMonth, "purchases") == 1


def test_notes_of_sellers_stand_apart(session: Session) -> None:
    product = craft(session)
    make_sale(session, product, make_user(session, Role.PRODUCER), quantity=3)
    make_order(session, OrderState.RECEIVED, product=product)
    assert in_step(session)
    by_channel = session.execute(
        select(ReachPlaceMonth.channel, ReachPlaceMonth.purchases, ReachPlaceMonth.units).order_by(
            ReachPlaceMonth.channel
        )
    ).all()
    assert [tuple(row) for row in by_channel] == [("fair", 1, 3), ("web", 1, 2)]


@pytest.mark.parametrize("rollup", ROLLUPS, ids=lambda rollup: rollup.model.__tablename__)
def test_verify_finds_a_single_altered_row_of_each(session: Session, rollup: Any) -> None:
    for number in range(4):
        region = village_in(session, ("31.74", "16.71", "32.73", "19.05")[number])
        make_order(session, OrderState.RECEIVED, product=craft(session), region=region)
    session.flush()
    for name in rollup.measures:
        if name == "home_units":
            continue
        key = [getattr(rollup.model, part) for part in rollup.key]
        one = session.execute(select(*key).order_by(*key).limit(1)).one()
        column = getattr(rollup.model, name)
        here = [part == value for part, value in zip(key, one, strict=True)]
        # One more of the packs near the village needs one more of all packs, and one more of the
        # purchases that were a return one more of all purchases.
        whole = rollup.model.purchases if name == "repeats" else rollup.model.units
        both = {column: column + 1, whole: whole + 1}
        session.execute(update(rollup.model).where(*here).values(both))
        found = list(services.differences(session))
        assert len(found) == 1 and found[0].startswith(rollup.model.__tablename__), name
        services.rebuild(session)
        assert in_step(session)


def work(app: Flask, task: Callable[[Session], None], failed: list[BaseException]) -> None:
    with app.app_context():
        try:
            task(db.session())
        except BaseException as error:
            failed.append(error)
        finally:
            db.session.remove()


@contextmanager
def one_snapshot(session: Session) -> Iterator[None]:
    """All statements see the same commits: SQLite's transactions do, PostgreSQL's when asked."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    yield
    session.rollback()


def test_at_every_commit_the_rollups_are_the_recount(app: Flask, session: Session) -> None:
    """Buyers receive and complain, two orders a purchase, while somebody counts anew and again."""
    makers = [make_producer(session, make_village(session)) for _ in range(2)]
    products = [craft(session, maker) for maker in makers]
    numbers = []
    for count in range(6):
        region = village_in(session, ("31.74", "19.71")[count % 2])
        bought = purchase(session, [(product, 1) for product in products], region=region)
        for order in bought.orders:
            advance(session, order, OrderState.SHIPPED)
        numbers.append([order.id for order in bought.orders])
    session.commit()
    session.close()
    failed: list[BaseException] = []
    differing: list[str] = []
    running = threading.Event()
    running.set()
    looked: list[int] = []

    def move(mine: Session, ids: list[int], luck: Random) -> None:
        for number in luck.sample(ids, len(ids)):
            order = mine.get_one(Order, number)
            lifecycle.receive(mine, order, BUYER, NOW)
            mine.commit()
            if luck.random() < 0.5:
                order = mine.get_one(Order, number)
                lifecycle.act(mine, order, Action.DISPUTE, BUYER, NOW, reason="rusak")
                mine.commit()

    def watch(mine: Session) -> None:
        while True:
            last = not running.is_set()
            with one_snapshot(mine):
                differing.extend(services.differences(mine))
            looked.append(1)
            if last:
                return

    movers = [
        threading.Thread(
            target=work,
            args=(app, lambda mine, i=ids, n=n: move(mine, i, Random(n)), failed),
        )
        for n, ids in enumerate(numbers)
    ]
    watcher = threading.Thread(target=work, args=(app, watch, failed))
    watcher.start()
    for thread in movers:
        thread.start()
    for thread in movers:
        thread.join()
    running.clear()
    watcher.join()
    assert failed == []
    assert differing == []
    assert len(looked) > 1
    assert sums(session, ReachPlaceMonth, "purchases") > 0
