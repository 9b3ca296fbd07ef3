"""Who makes how many packs of an order by when: pure arithmetic on supplies.

Ready packs are taken where most are ready, so that few households have to pack. What must be made
fills the earliest weeks that have capacity left; an order that is larger than this week's capacity
gets a later date at once instead of a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ovop_market.catalogue.models import StockKind
from ovop_market.core.clock import monday

# How far ahead an order may be promised.
HORIZON_WEEKS = 12


@dataclass(frozen=True, slots=True)
class Supply:
    """One offer's means: packs ready now, packs it can make in a week, days it needs for one."""

    offer_id: int
    ready: int
    weekly_capacity: int
    lead_days: int


@dataclass(frozen=True, slots=True)
class Share:
    """Packs that one offer contributes: ready ones (`week` is None) or of a week's capacity."""

    offer_id: int
    kind: StockKind
    week: date | None
    quantity: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The shares that make up a quantity, and the day on which the last of them is ready."""

    shares: tuple[Share, ...]
    ready_by: date

    @property
    def from_stock(self) -> bool:
        """Whether everything is ready now, so that nobody has to be asked."""
        return all(share.kind is StockKind.READY for share in self.shares)


def ready_now(supplies: Iterable[Supply]) -> int:
    """Packs that can leave at once."""
    return sum(supply.ready for supply in supplies)


def from_stock(supplies: Sequence[Supply], quantity: int, today: date) -> Plan | None:
    """A plan of ready packs alone, or None if there are too few."""
    shares, missing = [], quantity
    for supply in sorted(supplies, key=lambda s: (-s.ready, s.offer_id)):
        taken = min(supply.ready, missing)
        if taken:
            shares.append(Share(supply.offer_id, StockKind.READY, None, taken))
            missing -= taken
    return None if missing else Plan(tuple(shares), today)


def to_be_made(
    supplies: Sequence[Supply],
    held: Mapping[tuple[int, date], int],
    quantity: int,
    today: date,
) -> Plan | None:
    """A plan of weekly capacity, the earliest weeks first, or None beyond the horizon.

    `held` says how many packs of an offer's capacity are already taken in the week of a Monday.
    """
    shares, missing, ready_by = [], quantity, today
    for number in range(HORIZON_WEEKS):
        week = monday(today) + timedelta(weeks=number)
        free = {s: s.weekly_capacity - held.get((s.offer_id, week), 0) for s in supplies}
        for supply in sorted(supplies, key=lambda s: (-free[s], s.offer_id)):
            taken = min(free[supply], missing)
            if taken > 0:
                shares.append(Share(supply.offer_id, StockKind.CAPACITY, week, taken))
                missing -= taken
                ready_by = max(ready_by, max(today, week) + timedelta(days=supply.lead_days))
        if not missing:
            return Plan(tuple(shares), ready_by)
    return None
