"""Weeks for which the demo's households said a number: one is away, one makes twice as much."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue import shop_services
from ovop_market.catalogue.models import Offer
from ovop_market.core.clock import monday, wib_date
from ovop_market.seeds.demo_market import Market
from ovop_market.seeds.demo_producers import GROUP

# Which member (by number), how many weeks ahead, and how many percent of the usual.
_SAID = ((2, 1, 0), (5, 1, 200), (5, 2, 200))


def plan(session: Session, market: Market, now: datetime) -> None:
    """Writes them as the group's coordinator, and flushes."""
    today = wib_date(now)
    coordinator = market.users["produsen@ovop.example"].id
    members = market.producers[GROUP].members
    for number, ahead, percent in _SAID:
        mine = select(Offer.id).where(Offer.producer_id == members[number].id)
        shop_services.plan_weeks(
            session,
            session.scalars(mine).all(),
            [monday(today) + timedelta(weeks=ahead)],
            percent,
            actor_id=coordinator,
            now=now,
            today=today,
        )
