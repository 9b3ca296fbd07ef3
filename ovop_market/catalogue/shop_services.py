"""What a producer can make in a week, and how long one pack takes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.catalogue.models import Offer


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
