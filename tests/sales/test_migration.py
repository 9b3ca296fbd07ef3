"""Back and forth over notes that took stock: what is left agrees, and the histories are guarded."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import StockMovement, StockReason
from ovop_market.extensions import db
from ovop_market.orders.queries import stock_differences
from ovop_market.orders.states import OrderState
from ovop_market.reach import services as reach
from ovop_market.reach.models import ReachDay
from tests.factories import make_order, make_sale
from tests.sales.conftest import World

pytestmark = pytest.mark.rebuilds


def test_back_and_forth(app: Flask, session: Session, world: World) -> None:
    make_order(session, OrderState.RECEIVED)
    make_sale(session, world.product, world.household, seller=world.member, from_stock=True)
    session.commit()
    days = session.scalar(select(func.count()).select_from(ReachDay))
    db.session.remove()
    # To before this migration, whatever it is chained to.
    downgrade(revision="0009")
    upgrade()
    check()
    assert list(stock_differences(session)) == []
    assert list(reach.differences(session)) == []
    assert session.scalar(select(func.count()).select_from(ReachDay)) == (days or 0) - 1
    assert session.scalar(text("SELECT count(*) FROM reported_sale")) == 0
    counted = select(func.count(StockMovement.id)).where(
        StockMovement.reason == StockReason.COUNTED
    )
    assert session.scalar(counted) == 1
    with pytest.raises(DBAPIError):
        session.execute(update(StockMovement).values(change=7))
    session.rollback()
