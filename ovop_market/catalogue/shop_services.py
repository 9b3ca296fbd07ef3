"""What a producer can make in a week and how long one pack takes; where it takes cash."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.catalogue.models import Offer
from ovop_market.villages.models import Producer


def set_means(
    session: Session,
    offer: Offer,
    *,
    weekly_capacity: int,
    lead_days: int,
    actor_id: int,
    now: datetime,
) -> None:
    """Sets packs per week and days of lead, and records it.

    Packs of a week that are promised already stay promised, also beyond the new capacity.
    """
    session.refresh(offer, with_for_update=True)
    before = (offer.weekly_capacity, offer.lead_days)
    if before == (weekly_capacity, lead_days):
        return
    offer.weekly_capacity, offer.lead_days = weekly_capacity, lead_days
    details: dict[str, object] = {
        "weekly_capacity": [before[0], weekly_capacity],
        "lead_days": [before[1], lead_days],
    }
    record(session, "capacity changed", f"offer {offer.id}", now, actor_id, details)
    session.flush()


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
