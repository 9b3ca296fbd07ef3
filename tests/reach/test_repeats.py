"""How many of the purchases were a return is in step with the orders, as all that rollups count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.orders.models import Order
from ovop_market.orders.services import lifecycle
from ovop_market.orders.states import Action, OrderState
from ovop_market.reach import services
from ovop_market.reach.models import ReachPlaceMonth, ReachVillageMonth
from ovop_market.reach.recount import ROLLUPS
from tests.factories import (
    NOW,
    advance,
    make_order,
    make_producer,
    make_sale,
    make_user,
    make_village,
)
from tests.factories import make_purchase as purchase
from tests.reach.test_rollup import BUYER, craft
from tests.reach.test_rollups_by_month import DENDANG, in_step

MODELS = (ReachVillageMonth, ReachPlaceMonth)


def rolled(session: Session) -> list[set[tuple[object, ...]]]:
    """All rows of all rollups, but for those of zeros."""
    tables = [rollup.model.__table__ for rollup in ROLLUPS]
    # The mark of a year is another one each time.
    return [
        {
            tuple(row)
            for row in session.execute(
                select(*(c for c in table.c if c.name != "mark")).where(table.c.units > 0)
            )
        }
        for table in tables
    ]


@pytest.fixture
def three_orders(session: Session) -> list[Order]:
    """One purchase: two producers of one village, one of another."""
    belo_laut, dendang = make_village(session), make_village(session, DENDANG, name="Dendang")
    makers = [make_producer(session, belo_laut) for _ in range(2)]
    makers.append(make_producer(session, dendang))
    return purchase(session, [(craft(session, maker), 1) for maker in makers]).orders


def repeats(session: Session, model: Any) -> tuple[int, int]:
    found = session.execute(select(func.sum(model.purchases), func.sum(model.repeats))).one()
    return int(found[0]), int(found[1])


def test_who_comes_back_is_counted_in_the_village_and_in_all(session: Session) -> None:
    here, there = (make_producer(session, make_village(session)) for _ in range(2))
    dendang = make_producer(session, make_village(session, DENDANG, name="Dendang"))
    first, again, away = (craft(session, maker) for maker in (here, there, dendang))
    for wanted in ([first], [again, away], [away], [first]):
        phone = "+6281299990000" if len(wanted) == 1 and wanted[0] is away else "+6281299990001"
        for order in purchase(session, [(p, 1) for p in wanted], phone=phone).orders:
            advance(session, order, OrderState.RECEIVED)
            assert in_step(session)
    # One number bought in Belo Laut three times, and in Dendang with the second; the other once.
    assert repeats(session, ReachVillageMonth) == (5, 2)
    assert repeats(session, ReachPlaceMonth) == (4, 2)
    by_village = dict(
        session.execute(
            select(ReachVillageMonth.village_id, ReachVillageMonth.repeats).order_by("village_id")
        ).all()
    )
    assert by_village == {here.village_id: 2, dendang.village_id: 0}
    kept = rolled(session)
    services.rebuild(session)
    assert rolled(session) == kept


def test_a_return_goes_with_its_purchase(session: Session, three_orders: list[Order]) -> None:
    """As the first order of a purchase is disputed, the next one is where it is counted."""
    again = purchase(session, [(line.variant.product, 1) for o in three_orders for line in o.lines])
    first, *rest = again.orders
    advance(session, first, OrderState.RECEIVED, NOW)
    for order in rest:
        advance(session, order, OrderState.RECEIVED, NOW + timedelta(days=31))
    assert repeats(session, ReachVillageMonth) == (2, 2)
    lifecycle.act(session, first, Action.DISPUTE, BUYER, NOW + timedelta(days=2), reason="rusak")
    assert in_step(session)
    months = session.execute(
        select(ReachPlaceMonth.month, ReachPlaceMonth.purchases, ReachPlaceMonth.repeats).order_by(
            "month"
        )
    )
    assert [tuple(row)[1:] for row in months] == [(0, 0), (1, 1)]


def test_no_more_come_back_than_buy(session: Session) -> None:
    make_order(session, OrderState.RECEIVED, product=craft(session))
    session.commit()
    for model in MODELS:
        for wrong in (-1, 2):
            with pytest.raises(IntegrityError):
                session.execute(update(model).values(repeats=wrong))
            session.rollback()


def test_of_a_note_nobody_knows_who_bought(session: Session) -> None:
    product = craft(session)
    make_sale(session, product, make_user(session, Role.PRODUCER), quantity=3)
    for _ in range(2):
        make_order(session, OrderState.RECEIVED, product=product)
    assert in_step(session)
    told = select(ReachPlaceMonth.channel, ReachPlaceMonth.repeats)
    assert {str(channel): number for channel, number in session.execute(told)} == {
        "fair": 0,
        "web": 1,
    }


def test_verify_finds_an_altered_one(session: Session) -> None:
    make_order(session, OrderState.RECEIVED, product=craft(session))
    for model in MODELS:
        session.execute(update(model).values(repeats=model.repeats + 1))
        (found,) = services.differences(session)
        assert found.startswith(model.__tablename__)
        assert "1 repeats" in found and "0 repeats" in found
        services.rebuild(session)
        assert in_step(session)
