"""Who makes how many packs of an order by when: pure arithmetic on supplies.

Ready packs are taken where most are ready, so that few households have to pack. What must be made
fills the earliest weeks that have capacity left, shared out fairly in each (catalogue.fairness); an
order that is larger than this week's capacity gets a later date at once instead of a refusal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ovop_market.catalogue.fairness import Taker, split
from ovop_market.catalogue.models import StockKind
from ovop_market.core.clock import monday

# How far ahead an order may be promised.
HORIZON_WEEKS = 12


@dataclass(frozen=True, slots=True)
class Supply:
    """One offer's means: packs ready now, packs it can make in a week, days it needs for one.

    `lately`: packs that it had in the last 90 days; `batch`: the fewest that are worth beginning.
    """

    offer_id: int
    ready: int
    weekly_capacity: int
    lead_days: int
    lately: int = 0
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Share:
    """Packs that one offer contributes: ready ones (`week` is None) or of a week's capacity.

    `ready_by` is the day on which they are there; None where it does not matter.
    """

    offer_id: int
    kind: StockKind
    week: date | None
    quantity: int
    ready_by: date | None = None


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
    shares, missing = taken_from_stock(supplies, quantity, today)
    return None if missing else Plan(tuple(shares), today)


def taken_from_stock(
    supplies: Sequence[Supply], quantity: int, today: date
) -> tuple[list[Share], int]:
    """As many ready packs as there are, up to a quantity; and how many are missing."""
    shares, missing = [], quantity
    for supply in sorted(supplies, key=lambda s: (-s.ready, s.offer_id)):
        taken = min(supply.ready, missing)
        if taken > 0:
            shares.append(Share(supply.offer_id, StockKind.READY, None, taken, today))
            missing -= taken
    return shares, missing


def to_be_made(
    supplies: Sequence[Supply],
    held: Mapping[tuple[int, date], int],
    quantity: int,
    today: date,
) -> Plan | None:
    """A plan of weekly capacity, the earliest weeks first, or None beyond the horizon.

    `held` says how many packs of an offer's capacity are already taken in the week of a Monday.
    """
    shares, missing = made_by(supplies, held, quantity, today)
    if missing:
        return None
    ready = [share.ready_by for share in shares if share.ready_by is not None]
    return Plan(tuple(shares), max(ready, default=today))


def made_by(
    supplies: Sequence[Supply],
    held: Mapping[tuple[int, date], int],
    quantity: int,
    today: date,
    until: date | None = None,
) -> tuple[list[Share], int]:
    """As many packs as can be made until a day (None: within the horizon), the earliest weeks
    first; and how many are missing."""
    shares: list[Share] = []
    missing = quantity
    given = Counter({supply.offer_id: supply.lately for supply in supplies})
    for number in range(HORIZON_WEEKS):
        week = monday(today) + timedelta(weeks=number)
        ready = {s.offer_id: max(today, week) + timedelta(days=s.lead_days) for s in supplies}
        takers = [
            Taker(
                key=s.offer_id,
                capacity=s.weekly_capacity,
                free=s.weekly_capacity - held.get((s.offer_id, week), 0),
                lately=given[s.offer_id],
                batch=s.batch,
            )
            for s in supplies
            if until is None or ready[s.offer_id] <= until
        ]
        taken = split(missing, takers)
        shares += [
            Share(offer_id, StockKind.CAPACITY, week, packs, ready[offer_id])
            for offer_id, packs in taken.items()
        ]
        given.update(taken)
        missing -= sum(taken.values())
        if not missing:
            break
    return shares, missing
