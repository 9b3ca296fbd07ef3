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
from ovop_market.notices.kinds import Kind
from ovop_market.notices.models import Notice
from ovop_market.notices.states import Channel, NoticeState
from ovop_market.orders.maker_models import MakerPage
from ovop_market.orders.models import Order, OrderEvent, PaymentMethod
from ovop_market.orders.services import lifecycle, notes
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.queries import books
from ovop_market.payments.services import refunds
from ovop_market.payments.states import RefundKind
from ovop_market.regions.models import Region
from tests.factories import (
    NOW,
    advance,
    make_order,
    make_producer,
    make_product,
    make_user,
)
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


def pending(kind: str, recipient: str, **whose: int) -> Notice:
    """A mail that is owed."""
    return Notice(
        kind=kind,
        key=f"{kind} 1",
        channel=Channel.EMAIL,
        recipient=recipient,
        details={},
        language="id",
        state=NoticeState.PENDING,
        made_at=NOW,
        due_at=NOW,
        **whose,
    )


def test_what_was_given_up_is_known_again(app: Flask, session: Session) -> None:
    """0033: the release before calls it a refusal; what guards the history stands on both ways."""
    producer = make_producer(session, cash_on_delivery=True)
    product = make_product(session, producer, capacity=100)
    given_up, declined = (
        make_order(session, state, product=product, method=PaymentMethod.COD)
        for state in (S.READY, S.DECLINED)
    )
    by = By(Actor.PRODUCER)
    lifecycle.act(session, given_up, Action.GIVE_UP, by, NOW, reason="tidak datang")
    for order, kind in ((given_up, "given_up"), (declined, "declined")):
        session.add(
            pending(
                kind,
                f"buyer {order.purchase_id}",
                purchase_id=order.purchase_id,
                order_id=order.id,
            )
        )
    session.commit()
    actions = select(OrderEvent.id, OrderEvent.action).order_by(OrderEvent.id)
    kinds = select(Notice.id, Notice.kind).order_by(Notice.id)
    before = [session.execute(each).all() for each in (actions, kinds)]
    db.session.remove()
    downgrade(revision="0032")
    _is_guarded()
    last = "SELECT action FROM order_event WHERE state = 'CANCELLED'"
    assert db.session.scalars(text(last)).all() == ["decline"]
    assert not db.session.scalar(text("SELECT count(*) FROM notice WHERE kind = 'given_up'"))
    db.session.remove()
    upgrade()
    check()
    assert [db.session.execute(each).all() for each in (actions, kinds)] == before
    db.session.remove()
    _is_guarded()
    with pytest.raises(DatabaseError, match="action_known"):
        db.session.execute(
            text(
                "INSERT INTO order_event (order_id, producer_id, at, actor, action, state)"
                " SELECT order_id, producer_id, at, actor, 'forget', state FROM order_event LIMIT 1"
            )
        )
    db.session.remove()


def _is_guarded() -> None:
    for change in ("UPDATE order_event SET reason = 'x'", "DELETE FROM order_event"):
        with pytest.raises(DatabaseError, match="append-only"):
            db.session.execute(text(change))
        db.session.remove()


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


def test_notices_that_the_release_before_has_no_words_for_are_gone(
    app: Flask, session: Session
) -> None:
    """0035"""
    owner = make_user(session, Role.PRODUCER)
    for kind in (Kind.PAYOUT_ACCOUNT, Kind.PAYOUT):
        session.add(pending(kind, f"user {owner.id}", user_id=owner.id))
    session.commit()
    db.session.remove()
    downgrade(revision="0034")
    upgrade()
    assert session.scalars(select(Notice.kind)).all() == [Kind.PAYOUT]
