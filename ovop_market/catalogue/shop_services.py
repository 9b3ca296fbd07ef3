"""What a producer can make in a week, or in one week of its own, and how long one pack takes; where
it takes cash."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.catalogue import calendar
from ovop_market.catalogue.models import CapacityWeek, Offer
from ovop_market.catalogue.services import MOST_PACKS
from ovop_market.core.clock import monday
from ovop_market.core.errors import Unusable
from ovop_market.extensions.database import insert_into
from ovop_market.villages.models import Producer


def set_means(
    session: Session,
    offer: Offer,
    *,
    weekly_capacity: int,
    lead_days: int,
    smallest_batch: int | None = None,
    actor_id: int,
    now: datetime,
) -> None:
    """Sets packs per week, days of lead, and the fewest packs that are worth beginning (None: as
    they were), and records it.

    Packs of a week that are promised already stay promised, also beyond the new capacity.
    """
    session.refresh(offer, with_for_update=True)
    before = (offer.weekly_capacity, offer.lead_days, offer.smallest_batch)
    after = (weekly_capacity, lead_days, smallest_batch or offer.smallest_batch)
    if before == after:
        return
    offer.weekly_capacity, offer.lead_days, offer.smallest_batch = after
    names = ("weekly_capacity", "lead_days", "smallest_batch")
    details: dict[str, object] = {
        name: [old, new] for name, old, new in zip(names, before, after, strict=True)
    }
    record(session, "capacity changed", f"offer {offer.id}", now, actor_id, details)
    session.flush()


# How far ahead a week may be planned.
FURTHEST_PLAN = timedelta(weeks=53)


def plan_week(
    session: Session,
    offer: Offer,
    week: date,
    packs: int | None,
    *,
    actor_id: int,
    now: datetime,
    today: date,
) -> None:
    """Says how many packs can be made in the week that begins on this Monday, and records it; None
    is as the days of the week allow. Packs that are promised already stay promised.

    Raises Unusable for a week that is over, too far away, or does not begin on a Monday.
    """
    _refuse_unless_ahead(week, today)
    session.refresh(offer, with_for_update=True)
    _plan(session, offer, [week], {week: packs}, actor_id, now)
    session.flush()


def plan_weeks(
    session: Session,
    offer_ids: Collection[int],
    weeks: Collection[date],
    percent: int | None,
    *,
    actor_id: int,
    now: datetime,
    today: date,
) -> None:
    """The same for many offers and weeks: so many percent of what the days of the week allow, in
    whole packs; None is as they allow. Offers that are not made to order stay as they are."""
    for week in weeks:
        _refuse_unless_ahead(week, today)
    offers = session.scalars(
        select(Offer)
        .where(Offer.id.in_(offer_ids), Offer.weekly_capacity > 0)
        .order_by(Offer.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for offer in offers:
        planned: dict[date, int | None] = {}
        for week in weeks:
            days = len(calendar.working_days(week))
            usual = offer.weekly_capacity * days // calendar.FULL_WEEK
            planned[week] = None if percent is None else min(usual * percent // 100, MOST_PACKS)
        _plan(session, offer, sorted(weeks), planned, actor_id, now)
    session.flush()


def _refuse_unless_ahead(week: date, today: date) -> None:
    if week != monday(week) or not monday(today) <= week <= today + FURTHEST_PLAN:
        raise Unusable(_("Pilih minggu ini atau minggu yang akan datang."), field="week")


def _plan(
    session: Session,
    offer: Offer,
    weeks: Sequence[date],
    planned: dict[date, int | None],
    actor_id: int,
    now: datetime,
) -> None:
    """Writes what has changed; the offer is locked."""
    rows = {
        row.week: row
        for row in session.scalars(
            select(CapacityWeek)
            .where(CapacityWeek.offer_id == offer.id, CapacityWeek.week.in_(weeks))
            .execution_options(populate_existing=True)
        )
    }
    for week in weeks:
        row, packs = rows.get(week), planned[week]
        before = row.planned if row else None
        if before == packs:
            continue
        if row:
            row.planned = packs
        else:
            session.execute(
                insert_into(session, CapacityWeek)
                .values(offer_id=offer.id, week=week, held=0, planned=packs)
                .on_conflict_do_nothing()
            )
        details: dict[str, object] = {"week": week.isoformat(), "packs": [before, packs]}
        record(session, "capacity planned", f"offer {offer.id}", now, actor_id, details)


def set_cash(
    session: Session,
    producer: Producer,
    *,
    on_delivery: bool,
    at_pickup: bool,
    limit: int | None,
    actor_id: int,
    now: datetime,
) -> None:
    """Says where buyers may pay the producer in cash, and records it.

    `limit` is the highest total of an order in rupiah; None is any. Orders that are placed already
    stay as they are.
    """
    session.refresh(producer, with_for_update=True)
    before = (producer.cash_on_delivery, producer.cash_at_pickup, producer.cash_limit)
    after = (on_delivery, at_pickup, limit)
    if before == after:
        return
    producer.cash_on_delivery, producer.cash_at_pickup, producer.cash_limit = after
    details: dict[str, object] = {
        name: [old, new]
        for name, old, new in zip(("on_delivery", "at_pickup", "limit"), before, after, strict=True)
        if old != new
    }
    record(session, "cash changed", f"producer {producer.id}", now, actor_id, details)
    session.flush()
