"""Back and forth over the coarser rollups and the areas of officials, with data in them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.extensions import db
from ovop_market.orders.states import OrderState
from ovop_market.reach import services
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


def rows(session: Session) -> list[set[tuple[object, ...]]]:
    return [
        {tuple(row) for row in session.execute(select(*rollup.model.__table__.c))}
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
