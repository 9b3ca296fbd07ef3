"""A sale is noted once, can be withdrawn once, and stock and the rollup go along."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from ovop_market.accounts.models import AuditEvent
from ovop_market.catalogue.models import StockMovement, StockReason, Variant
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, OutOfStock, Unusable
from ovop_market.extensions import db
from ovop_market.orders.queries import stock_differences
from ovop_market.orders.states import OrderState
from ovop_market.reach import queries as reach_queries
from ovop_market.reach import services as reach
from ovop_market.reach.models import Channel, ReachDay
from ovop_market.regions.models import Region
from ovop_market.sales import services
from ovop_market.sales.models import ReportedSale, SaleChannel, TakenPacks
from ovop_market.sales.services import Sold
from ovop_market.villages.models import Producer
from tests.factories import NOW, make_order
from tests.reach.rolled import roll
from tests.sales.conftest import World

TODAY = clock.wib_date(NOW)


def sold(**values: Any) -> Sold:
    return Sold(
        **{
            "quantity": 3,
            "total": 100_000,
            "channel": SaleChannel.FAIR,
            "region_code": "31.74",
            "day": TODAY,
            **values,
        }
    )


def note(session: Session, world: World, key: str = "tap", **values: Any) -> ReportedSale:
    seller = values.pop("seller", world.member)
    return services.note(
        session,
        seller,
        world.variant,
        sold(**values),
        key=key,
        actor_id=world.household.id,
        now=NOW,
    )


def ready(session: Session, world: World) -> list[int]:
    session.expire_all()
    return [world.offer(world.member).ready, world.offer(world.other).ready]


def rollup(session: Session) -> list[tuple[Any, ...]]:
    session.expire_all()
    return [
        (day.channel, day.region_code, day.orders, day.units, day.home_units, day.revenue)
        for day in session.scalars(select(ReachDay).order_by(ReachDay.channel, ReachDay.day))
        if day.orders or day.units or day.revenue
    ]


def test_a_note_says_who_and_when_and_is_counted_apart(session: Session, world: World) -> None:
    sale = note(session, world)
    assert (sale.noted_by_id, sale.noted_at, sale.producer_id) == (
        world.household.id,
        NOW,
        world.member.id,
    )
    assert rollup(session) == [(Channel.FAIR, "31.74", 1, 3, 0, 100_000)]
    assert list(reach.differences(session)) == []
    assert session.scalar(select(func.count(StockMovement.id))) == 2, "stock is as it was"
    actions = session.scalars(select(AuditEvent.action).where(AuditEvent.subject.like("rep%")))
    assert actions.all() == ["sale noted"]


def test_channels_of_the_two_features_agree() -> None:
    assert {str(c) for c in Channel if c.reported} == {str(c) for c in SaleChannel}


def test_the_village_is_that_of_the_product(session: Session, world: World) -> None:
    note(session, world)
    assert session.scalars(select(ReachDay.village_id)).one() == world.group.village_id


def test_without_a_total_the_list_price_counts(session: Session, world: World) -> None:
    assert note(session, world, total=None).total == 120_000


def test_a_district_stands_for_its_regency(session: Session, world: World) -> None:
    assert note(session, world, region_code="32.73.02").region_code == "32.73"
    assert note(session, world, "2", region_code="19.05.01.2006").region_code == "19.05"


@pytest.mark.parametrize(
    "code", ["", "31", "99.99", "31.7", "x", "31.74.", "' OR 1", "٣١.٧٤", "19.05.01.2006.1"]
)
def test_an_area_that_is_none(session: Session, world: World, code: str) -> None:
    with pytest.raises(Unusable) as refusal:
        note(session, world, region_code=code)
    assert refusal.value.details["field"] == "region_code"


@pytest.mark.parametrize(("days", "fits"), [(1, False), (0, True), (-90, True), (-91, False)])
def test_the_day_is_today_or_lately(session: Session, world: World, days: int, fits: bool) -> None:
    day = TODAY + timedelta(days=days)
    if fits:
        assert note(session, world, day=day).day == day
        return
    with pytest.raises(Unusable) as refusal:
        note(session, world, day=day)
    assert refusal.value.details["field"] == "day"


def test_today_is_that_of_bangka_barat(session: Session, world: World) -> None:
    late = NOW.replace(hour=17, minute=0)
    sale = services.note(
        session,
        world.member,
        world.variant,
        sold(day=TODAY + timedelta(days=1)),
        key="tap",
        actor_id=world.household.id,
        now=late,
    )
    assert sale.day == TODAY + timedelta(days=1)


def test_the_same_tap_notes_once(session: Session, world: World) -> None:
    first = note(session, world)
    assert note(session, world).id == first.id
    assert rollup(session) == [(Channel.FAIR, "31.74", 1, 3, 0, 100_000)]
    with pytest.raises(Conflict):
        note(session, world, quantity=4)
    # Another person's key is another tap.
    services.note(
        session,
        world.group,
        world.variant,
        sold(),
        key="tap",
        actor_id=world.coordinator.id,
        now=NOW,
    )
    assert session.scalar(select(func.count(ReportedSale.id))) == 2


def test_ready_packs_go_and_come_back(session: Session, world: World) -> None:
    sale = note(session, world, quantity=5, from_stock=True)
    assert ready(session, world) == [0, 3]
    movement = session.scalars(select(StockMovement).order_by(StockMovement.id.desc())).first()
    assert movement is not None
    assert (movement.change, movement.reason, movement.actor_id) == (
        -5,
        StockReason.SOLD_ELSEWHERE,
        world.household.id,
    )
    assert services.withdraw(session, sale, actor_id=world.coordinator.id, now=NOW)
    assert ready(session, world) == [5, 3]
    assert list(stock_differences(session)) == []


def test_a_member_takes_its_own_packs_alone(session: Session, world: World) -> None:
    with pytest.raises(OutOfStock) as refusal:
        note(session, world, quantity=6, from_stock=True)
    assert refusal.value.details == {"field": "from_stock", "left": 5}
    session.rollback()
    assert ready(session, world) == [5, 3]
    assert rollup(session) == []
    assert session.scalar(select(func.count(ReportedSale.id))) == 0


def test_a_group_takes_its_members_packs(session: Session, world: World) -> None:
    sale = note(session, world, seller=world.group, quantity=7, from_stock=True)
    assert ready(session, world) == [0, 1]
    services.withdraw(session, sale, actor_id=world.household.id, now=NOW)
    assert ready(session, world) == [5, 3]
    assert list(stock_differences(session)) == []


def test_withdrawing_twice_is_withdrawing_once(session: Session, world: World) -> None:
    sale = note(session, world, quantity=2, from_stock=True)
    later = NOW + timedelta(hours=1)
    assert services.withdraw(session, sale, actor_id=world.coordinator.id, now=later)
    assert not services.withdraw(session, sale, actor_id=world.household.id, now=NOW)
    assert (sale.withdrawn_by_id, sale.withdrawn_at) == (world.coordinator.id, later)
    assert ready(session, world) == [5, 3]
    assert rollup(session) == []
    assert list(reach.differences(session)) == []


def test_a_tap_that_comes_late_does_not_note_again(session: Session, world: World) -> None:
    sale = note(session, world)
    services.withdraw(session, sale, actor_id=world.household.id, now=NOW)
    assert note(session, world).withdrawn_at is not None
    assert rollup(session) == []


@pytest.mark.parametrize(
    "wrong",
    [{"quantity": 0, "total": 1}, {"quantity": 10_000, "total": 1}],
)
def test_the_database_refuses_what_no_form_lets_through(
    session: Session, world: World, wrong: dict[str, int]
) -> None:
    with pytest.raises(IntegrityError):
        note(session, world, **wrong)


@pytest.mark.parametrize(
    "wrong",
    # Also a price that nobody typed: packs times the list price.
    [{"total": 0}, {"total": 1_000_000_001}, {"quantity": 9_999, "total": None}],
)
def test_a_sum_that_cannot_be_is_said_beside_the_price(
    session: Session, world: World, wrong: dict[str, int]
) -> None:
    world.variant.price = 150_000
    with pytest.raises(Unusable) as refused:
        note(session, world, **wrong)
    assert refused.value.details["field"] == "total"


@pytest.mark.parametrize(
    "statement",
    [
        update(ReportedSale).values(quantity=9),
        update(ReportedSale).values(total=9),
        update(ReportedSale).values(region_code="19.05"),
        update(ReportedSale).values(withdrawn_at=NOW, withdrawn_by_id=None),
        delete(TakenPacks),
        update(TakenPacks).values(quantity=1),
        text("DELETE FROM reported_sale"),
    ],
)
def test_the_database_lets_nobody_rewrite_a_note(
    session: Session, world: World, statement: Any
) -> None:
    note(session, world, from_stock=True)
    session.commit()
    with pytest.raises(DBAPIError):
        session.execute(statement)
    session.rollback()


def test_a_withdrawal_stays(session: Session, world: World) -> None:
    sale = note(session, world)
    services.withdraw(session, sale, actor_id=world.household.id, now=NOW)
    session.commit()
    with pytest.raises(DBAPIError):
        session.execute(update(ReportedSale).values(withdrawn_at=None, withdrawn_by_id=None))
    session.rollback()


def test_rebuild_says_the_same_as_following_did(session: Session, world: World) -> None:
    make_order(session, OrderState.RECEIVED)
    for number in range(12):
        sale = note(
            session,
            world,
            f"tap {number}",
            quantity=1 + number,
            day=TODAY - timedelta(days=number % 4),
            channel=list(SaleChannel)[number % 3],
            region_code=("31.74", "19.05", "32.73")[number % 3],
        )
        if number % 5 == 0:
            services.withdraw(session, sale, actor_id=world.household.id, now=NOW)
    followed = rollup(session)
    assert {row[0] for row in followed} > {Channel.WEB, Channel.OFFICE}
    assert list(reach.differences(session)) == []
    reach.rebuild(session)
    assert rollup(session) == followed
    assert list(reach.differences(session)) == []


@pytest.mark.parametrize("column", ["orders", "units", "revenue"])
def test_verify_finds_a_single_altered_row(session: Session, world: World, column: str) -> None:
    note(session, world)
    note(session, world, "2", channel=SaleChannel.DOOR)
    altered = ReachDay.channel == Channel.DOOR
    session.execute(update(ReachDay).where(altered).values({column: getattr(ReachDay, column) + 1}))
    (line,) = reach.differences(session)
    assert "door" in line and world.product.slug in line and "the notes say 1 orders" in line
    session.execute(delete(ReachDay).where(altered))
    (line,) = reach.differences(session)
    assert "has 0 orders" in line
    reach.rebuild(session)
    assert list(reach.differences(session)) == []


def test_the_villages_own_page_counts_what_was_verified(session: Session, world: World) -> None:
    for _note in range(6):
        note(session, world)

    def reached() -> int:
        return reach_queries.regencies_reached(session, world.group.village_id)

    assert reached() == 0
    day = clock.wib_date(NOW)
    codes = session.scalars(select(Region.code).where(Region.level == 2).limit(12)).all()
    for code in codes[:5]:
        roll(session, world.product, day, 9, 405_000, code)
        assert reached() == 0, "never as many as there are, lest one can tell what went to each"
    roll(session, world.product, day.replace(year=day.year - 1), 1, 45_000, codes[5])
    assert reached() == 5, "of all years"
    for code in codes[6:11]:
        roll(session, world.product, day, 1, 45_000, code)
    assert reached() == 10


def at_once(app: Flask, times: int, verb: Callable[[Session], object]) -> list[BaseException]:
    failed: list[BaseException] = []

    def run() -> None:
        with app.app_context():
            try:
                verb(db.session())
                db.session.commit()
            except BaseException as error:
                failed.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def test_many_taps_at_once_note_one(app: Flask, session: Session, world: World) -> None:
    seller_id, variant_id, user_id = world.member.id, world.variant.id, world.household.id
    session.commit()
    session.close()

    def tap(mine: Session) -> None:
        services.note(
            mine,
            mine.get_one(Producer, seller_id),
            mine.get_one(Variant, variant_id),
            sold(from_stock=True),
            key="tap",
            actor_id=user_id,
            now=NOW,
        )

    assert at_once(app, 6, tap) == []
    assert session.scalar(select(func.count(ReportedSale.id))) == 1
    assert rollup(session) == [(Channel.FAIR, "31.74", 1, 3, 0, 100_000)]
    assert list(stock_differences(session)) == []


def test_many_withdrawals_at_once_give_back_once(
    app: Flask, session: Session, world: World
) -> None:
    sale_id = note(session, world, quantity=4, from_stock=True).id
    user_id = world.household.id
    session.commit()
    session.close()

    def withdraw(mine: Session) -> None:
        services.withdraw(mine, mine.get_one(ReportedSale, sale_id), actor_id=user_id, now=NOW)

    assert at_once(app, 6, withdraw) == []
    assert rollup(session) == []
    assert list(stock_differences(session)) == []
    assert (
        session.scalar(
            select(func.sum(StockMovement.change)).where(
                StockMovement.reason == StockReason.SOLD_ELSEWHERE
            )
        )
        == 0
    )
