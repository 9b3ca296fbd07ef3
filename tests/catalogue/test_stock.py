"""Whatever is held, given back, counted, planned and closed, in whatever order: stock and capacity
agree with their movements, and nothing is promised beyond what can be made."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate, downgrade, upgrade
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from ovop_market.catalogue import services, shop_services
from ovop_market.catalogue.models import (
    CapacityWeek,
    Offer,
    StockKind,
    StockMovement,
    StockReason,
)
from ovop_market.catalogue.services import Cause
from ovop_market.catalogue.supply import Plan, Share, from_stock, to_be_made
from ovop_market.core.clock import monday, wib_date
from ovop_market.core.errors import OutOfStock, Unusable
from ovop_market.extensions import db
from ovop_market.orders import queries
from tests.factories import NOW, make_producer, make_product, make_user

STEPS = ("make", "lose", "count", "take", "order", "give back", "means", "plan", "close", "open")
steps = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 1), st.integers(0, 30), st.integers(0, 4)),
    max_size=25,
)


class World:
    """Two households that supply one variant, and the orders that hold of it."""

    def __init__(self, session: Session) -> None:
        self.session, self.now = session, NOW
        product = make_product(session, ready=6, capacity=12)
        variant = product.variants[0]
        variant.offers.append(Offer(producer=make_producer(session), weekly_capacity=7))
        session.flush()
        self.actor = make_user(session).id
        self.variant_id, self.offers = variant.id, list(variant.offers)
        self.plans: list[Plan] = []

    def take_step(self, step: str, which: int, number: int, ahead: int) -> None:
        session, offer = self.session, self.offers[which]
        today = wib_date(self.now)
        by: dict[str, Any] = {"actor_id": self.actor, "now": self.now}
        if step in ("make", "lose"):
            reason = StockReason.MADE if step == "make" else StockReason.SPOILED
            change = number if step == "make" else -number
            services.note_packs(session, offer, change, Cause(reason, self.now, self.actor))
        elif step == "count":
            cause = Cause(StockReason.COUNTED, self.now, self.actor)
            services.count_ready(session, offer, counted=number, seen=offer.ready, cause=cause)
        elif step in ("take", "order"):
            self.order(max(number * (1 + ahead), 1), from_shelf=step == "take", today=today)
        elif step == "give back" and self.plans:
            plan = self.plans.pop(number % len(self.plans))
            services.release(session, plan.shares, Cause(StockReason.RELEASED, self.now))
        elif step == "means":
            shop_services.set_means(session, offer, weekly_capacity=number, lead_days=ahead, **by)
        elif step == "plan":
            week = monday(today) + timedelta(weeks=ahead)
            packs = None if number > 25 else number
            shop_services.plan_week(session, offer, week, packs, today=today, **by)
        elif step == "close":
            offer.producer.closed_from = today + timedelta(days=ahead)
            offer.producer.closed_to = (
                None if number > 25 else today + timedelta(days=ahead + number)
            )
            session.flush()
        elif step == "open":
            offer.producer.closed_from = offer.producer.closed_to = None
            session.flush()
            self.now += timedelta(days=ahead)

    def order(self, quantity: int, *, from_shelf: bool, today: date) -> None:
        means = services.supplies(self.session, [self.variant_id], today, lock=True)
        many = means.get(self.variant_id, [])
        held = services.held_weeks(self.session, [s.offer_id for s in many], today)
        plan = from_stock(many, quantity, today) if from_shelf else None
        plan = plan or to_be_made(many, held, quantity, today)
        if plan is None:
            return
        # What has been planned can be held: both ask the same.
        services.hold(self.session, plan.shares, Cause(StockReason.HELD, self.now))
        self.plans.append(plan)
        bound = {s.offer_id: s for s in many}
        for share in plan.shares:
            if share.week is not None:
                row = self.session.get_one(CapacityWeek, (share.offer_id, share.week))
                self.session.refresh(row)
                assert row.held <= bound[share.offer_id].capacity_in(share.week, today)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(taken=steps)
def test_stock_and_capacity_always_agree(
    session: Session, taken: list[tuple[str, int, int, int]]
) -> None:
    try:
        world = World(session)
        for step in taken:
            room = session.begin_nested()
            try:
                world.take_step(*step)
                room.commit()
            except (OutOfStock, Unusable):
                room.rollback()
            session.flush()
            session.expire_all()
            # Without orders' own holds: those are compared in tests/orders.
            said = [line for line in queries.stock_differences(session) if "order" not in line]
            assert not said
            assert (session.scalar(select(func.min(Offer.ready))) or 0) >= 0
            for row in session.scalars(select(CapacityWeek)):
                key = (row.offer_id, row.week)
                promised = [share for plan in world.plans for share in plan.shares]
                mine = [s.quantity for s in promised if (s.offer_id, s.week) == key]
                assert row.held == sum(mine)
    finally:
        session.rollback()


def hold_this_week(session: Session, offer: Offer, packs: int) -> None:
    share = Share(offer.id, StockKind.CAPACITY, monday(wib_date(NOW)), packs)
    services.hold(session, [share], Cause(StockReason.HELD, NOW))


def plan_this_week(session: Session, offer: Offer, packs: int | None) -> None:
    today = wib_date(NOW)
    shop_services.plan_week(
        session,
        offer,
        monday(today),
        packs,
        actor_id=make_user(session).id,
        now=NOW,
        today=today,
    )


def test_what_was_said_of_a_week_is_the_bound(session: Session) -> None:
    offer = make_product(session, capacity=6).variants[0].offers[0]
    # It is Tuesday: five of six days are left.
    with pytest.raises(OutOfStock):
        hold_this_week(session, offer, 6)
    plan_this_week(session, offer, 20)
    hold_this_week(session, offer, 20)
    # Promised stays promised; nothing more comes on top.
    plan_this_week(session, offer, 3)
    with pytest.raises(OutOfStock):
        hold_this_week(session, offer, 1)
    row = session.get_one(CapacityWeek, (offer.id, monday(wib_date(NOW))))
    assert (row.held, row.planned) == (20, 3)
    session.rollback()


def test_a_household_that_closes_meanwhile_holds_nothing(session: Session) -> None:
    offer = make_product(session, capacity=6).variants[0].offers[0]
    offer.producer.closed_from = wib_date(NOW)
    session.flush()
    with pytest.raises(OutOfStock):
        hold_this_week(session, offer, 1)
    session.rollback()


def test_the_same_tap_counts_once(session: Session) -> None:
    offer = make_product(session, ready=1).variants[0].offers[0]
    actor = make_user(session).id
    cause = Cause(StockReason.MADE, NOW, actor, key="ketukan")
    assert services.note_packs(session, offer, 10, cause)
    assert not services.note_packs(session, offer, 10, cause)
    assert offer.ready == 11
    with pytest.raises(Unusable):
        services.note_packs(session, offer, -12, Cause(StockReason.USED, NOW, actor))
    with pytest.raises(Unusable):
        services.note_packs(session, offer, services.MOST_PACKS, Cause(StockReason.MADE, NOW))
    session.rollback()


def test_movements_cannot_be_rewritten(session: Session) -> None:
    """Also after the migration that copied their table."""
    make_product(session, ready=1)
    session.commit()
    for statement in (
        update(StockMovement).values(change=5),
        delete(StockMovement),
    ):
        with pytest.raises(DatabaseError, match="append-only"):
            session.execute(statement)
        session.rollback()


@pytest.mark.parametrize(
    "values",
    [
        "'ready', NULL, 1, 'gone', NULL",
        "'ready', NULL, 0, 'used', NULL",
        "'ready', '2026-11-23', 1, 'used', NULL",
        "'nothing', NULL, 1, 'used', NULL",
    ],
)
def test_the_database_knows_what_a_movement_is(session: Session, values: str) -> None:
    offer = make_product(session).variants[0].offers[0]
    session.commit()
    columns = "offer_id, at, kind, week, change, reason, idempotency_key"
    with pytest.raises(DatabaseError):
        session.execute(
            text(
                f"INSERT INTO stock_movement ({columns}) "
                f"VALUES ({offer.id}, '2026-11-24 03:05:00', {values})"
            )
        )
    session.rollback()


@pytest.mark.rebuilds
def test_older_tables_keep_the_sums(app: Flask, session: Session) -> None:
    offer = make_product(session, ready=5, capacity=6).variants[0].offers[0]
    services.note_packs(session, offer, -2, Cause(StockReason.SPOILED, NOW, key="ketukan"))
    plan_this_week(session, offer, 20)
    hold_this_week(session, offer, 20)
    session.commit()
    db.session.remove()
    migrate: Migrate = app.extensions["migrate"].migrate
    before = ScriptDirectory.from_config(migrate.get_config()).get_revision("0014").down_revision
    downgrade(revision=str(before))
    upgrade()
    said = [line for line in queries.stock_differences(session) if "order" not in line]
    assert not said
    reasons = session.scalars(select(StockMovement.reason).order_by(StockMovement.id)).all()
    assert reasons == [StockReason.OPENING, StockReason.COUNTED, StockReason.HELD]
    with pytest.raises(DatabaseError, match="append-only"):
        session.execute(delete(StockMovement))
    session.rollback()
