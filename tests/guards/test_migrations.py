"""One head; down and up again with data in them; in step with the models, on both databases."""

from __future__ import annotations

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate, check, downgrade, upgrade
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.extensions import db
from ovop_market.orders.maker_models import MakerPage
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.services import lifecycle, notes
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.queries import books
from ovop_market.payments.services import refunds
from ovop_market.payments.states import RefundKind
from ovop_market.regions.models import Region
from tests.factories import NOW, advance, make_order, make_user
from tests.payments.test_books import everything

S = OrderState
pytestmark = pytest.mark.rebuilds


def _script(app: Flask) -> ScriptDirectory:
    migrate: Migrate = app.extensions["migrate"].migrate
    return ScriptDirectory.from_config(migrate.get_config())


def test_there_is_one_head(app: Flask) -> None:
    assert len(_script(app).get_heads()) == 1


def test_the_models_are_in_step(app: Flask) -> None:
    check()


def test_back_and_forth_with_data_in_them(app: Flask, session: Session) -> None:
    make_order(session, OrderState.RECEIVED)
    session.commit()
    orders = session.scalar(select(func.count(Order.id)))
    regions = session.scalar(select(func.count(Region.code)))
    db.session.remove()
    revisions = [script.revision for script in _script(app).walk_revisions()]
    # To the tables alone and back: search structures and triggers go and come over live data.
    downgrade(revision=revisions[-1])
    upgrade()
    check()
    assert session.scalar(select(func.count(Order.id))) == orders
    assert session.scalar(select(func.count(Region.code))) == regions


def test_all_the_way_down_leaves_nothing(app: Flask, session: Session) -> None:
    make_order(session, OrderState.RECEIVED)
    session.commit()
    db.session.remove()
    downgrade(revision="base")
    left = set(inspect(db.engine).get_table_names()) - {"alembic_version"}
    assert not left
    upgrade()
    check()


@pytest.mark.parametrize("state", [S.ACCEPTED, S.PREPARING, S.READY, S.SHIPPED, S.CANCELLED])
def test_orders_from_before_get_their_maker_page(app: Flask, session: Session, state: S) -> None:
    """0015: whatever may be made or was, and the day (WIB) on which it was finished; a history
    with new words in it goes back without them, and is append-only again."""
    late = NOW.replace(hour=17, minute=30)  # the next day in Bangka Barat
    order = make_order(session, S.PLACED)
    if state is S.CANCELLED:
        advance(session, order, S.DISPUTED, late)
        lifecycle.settle(session, order, By(Actor.OPERATOR), late, for_buyer=True, reason="pecah")
    else:
        advance(session, order, state, late)
    if state is S.SHIPPED:
        by = By(Actor.PRODUCER)
        notes.track(session, order, by, late, courier="JNE", tracking_number="JP999")
    unpaid = make_order(session, S.ACCEPTED)
    session.commit()
    made = select(MakerPage.order_id, MakerPage.made_on)
    before = dict(session.execute(made).tuples().all())
    codes = set(session.scalars(select(MakerPage.code)))
    assert unpaid.id not in before and (order.id in before) is (state is not S.ACCEPTED)
    db.session.remove()
    downgrade(revision="0009")
    with pytest.raises(DatabaseError, match="append-only"):
        db.session.execute(text("UPDATE order_event SET reason = 'x'"))
    db.session.remove()
    upgrade()
    session = db.session()
    after = dict(session.execute(made).tuples().all())
    assert after == before
    assert not codes & set(session.scalars(select(MakerPage.code)))
    tracked = select(func.count()).where(OrderEvent.action == Action.TRACK)
    assert session.scalar(tracked) == 0
    with pytest.raises(DatabaseError, match="append-only"):
        session.execute(text("DELETE FROM order_event"))


@pytest.mark.parametrize("target", ["0004", "0005", "0006", "0007"])
def test_books_are_right_again(app: Flask, session: Session, target: str) -> None:
    """Whatever has happened of money: down and up again, what is left of it agrees."""
    operator = make_user(session, Role.OPERATOR)
    everything(session, operator)
    _part_then_whole(session, By(Actor.OPERATOR, operator.id))
    session.commit()
    assert list(books.differences(session)) == []
    paid = session.execute(select(Order.number, Order.paid).order_by(Order.number)).all()
    db.session.remove()
    downgrade(revision=target)
    upgrade()
    assert list(books.differences(session)) == []
    assert session.execute(select(Order.number, Order.paid).order_by(Order.number)).all() == paid


def _part_then_whole(session: Session, by: By) -> None:
    """A part is given back, and then, as the complaint is decided for the buyer, the rest."""
    order = make_order(session, OrderState.SHIPPED)
    refunds.owe_part(
        session, order, RefundKind.SHIPPING, order.shipping, by, NOW, reason="terlambat"
    )
    refunds.owe_part(session, order, RefundKind.GOODS, order.goods - 1, by, NOW, reason="pecah")
    lifecycle.act(session, order, Action.DISPUTE, By(Actor.BUYER), NOW, reason="rusak")
    lifecycle.settle(session, order, by, NOW, for_buyer=True, reason="rusak")
