"""Back and forth over the coarser rollups and the areas of officials, with data in them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.extensions import db
from ovop_market.orders.models import Order, Purchase
from ovop_market.orders.states import OrderState
from ovop_market.reach import services
from ovop_market.reach.models import ReachPlaceMonth, ReachVillageMonth
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
from tests.reach.test_rollup import craft, village_in

pytestmark = pytest.mark.rebuilds
REPEATS = (ReachVillageMonth, ReachPlaceMonth)


def rows(session: Session) -> list[set[tuple[object, ...]]]:
    """All rows, but for how many buyers came back, which is forgotten on the way back to 0022, and
    for the marks of years, which follow from nothing."""
    return [
        {
            tuple(row)
            for row in session.execute(
                select(*(c for c in rollup.model.__table__.c if c.name not in ("repeats", "mark")))
            )
        }
        for rollup in ROLLUPS
    ]


def back_and_forth(session: Session, target: str) -> None:
    session.commit()
    db.session.remove()
    downgrade(revision=target)
    upgrade()
    check()


def test_the_rollups_are_counted_anew(app: Flask, session: Session) -> None:
    makers = [make_producer(session, make_village(session)) for _ in range(2)]
    both = purchase(session, [(craft(session, maker), 2) for maker in makers]).orders
    advance(session, both[0], OrderState.RECEIVED, NOW)
    advance(session, both[1], OrderState.RECEIVED, NOW + timedelta(days=40))
    for region in (BELO_LAUT, village_in(session, "19.05"), village_in(session, "19.71")):
        make_order(session, OrderState.RECEIVED, product=craft(session), region=region)
    make_sale(session, craft(session), make_user(session, Role.PRODUCER))
    session.commit()
    before = rows(session)
    assert all(before)
    for target in ("0021", "0018"):
        back_and_forth(session, target)
        assert rows(session) == before
        assert list(services.differences(session)) == []


def test_officials_of_before_are_those_of_bangka_barat(app: Flask, session: Session) -> None:
    official = make_user(session, Role.OFFICIAL, area="16")
    buyer = make_user(session)
    ids = official.id, buyer.id
    back_and_forth(session, "0017")
    areas = [session.get_one(User, number).region_code for number in ids]
    assert areas == ["19.05", None]
    for wrong in (
        f"UPDATE user_account SET region_code = NULL WHERE id = {ids[0]}",
        f"UPDATE user_account SET region_code = '19.05' WHERE id = {ids[1]}",
        f"UPDATE user_account SET region_code = '99' WHERE id = {ids[0]}",
    ):
        with pytest.raises(IntegrityError):
            session.execute(text(wrong))
            session.commit()
        session.rollback()


def test_what_was_bought_before_has_no_key_and_nobody_came_back(
    app: Flask, session: Session
) -> None:
    product = craft(session)
    for _ in range(3):
        make_order(session, OrderState.RECEIVED, product=product)
    session.commit()
    before = rows(session)
    assert session.scalar(select(func.sum(ReachPlaceMonth.repeats))) == 2
    there = triggers(session)
    back_and_forth(session, "0022")
    assert triggers(session) == there
    assert session.scalar(select(func.count(Purchase.buyer_key))) == 0
    for column in (Purchase.repeat, Order.repeat):
        assert set(session.scalars(select(column))) == {False}
    assert rows(session) == before
    for model in REPEATS:
        assert session.scalar(select(func.sum(model.repeats))) == 0
    assert list(services.differences(session)) == []
    # From here on, the first purchase is the first again.
    product = craft(session)
    for expected in (False, True):
        order = make_order(session, OrderState.RECEIVED, product=product)
        assert (order.repeat, order.purchase.repeat) == (expected, expected)
    session.commit()
    assert list(services.differences(session)) == []
    for wrong in (
        "UPDATE purchase SET buyer_key = 'abc' WHERE buyer_key IS NOT NULL",
        "UPDATE purchase SET repeat = NULL",
        "UPDATE reach_place_month SET repeats = purchases + 1",
    ):
        with pytest.raises(IntegrityError):
            session.execute(text(wrong))
        session.rollback()


def triggers(session: Session) -> set[tuple[str, str]]:
    """All triggers by the table that they guard."""
    if session.get_bind().dialect.name == "sqlite":
        statement = "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"
    else:
        statement = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"
    found = {tuple(row) for row in session.execute(text(statement))}
    assert len(found) > 10
    session.rollback()
    return found
