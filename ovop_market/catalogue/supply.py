"""Who makes how many packs of an order by when: pure arithmetic on supplies.

Ready packs are taken where most are ready, so that few households have to pack. What must be made
fills the earliest weeks that have capacity left; an order that is larger than this week's capacity
gets a later date at once instead of a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ovop_market.catalogue import calendar
from ovop_market.catalogue.calendar import FULL_WEEK, Closure
from ovop_market.catalogue.models import StockKind
from ovop_market.core.clock import monday

# How far ahead an order may be promised.
HORIZON_WEEKS = 12


@dataclass(frozen=True, slots=True)
class Supply:
    """One offer's means: packs ready now, packs it can make in a full week, working days it needs
    for one; the days on which its maker is closed, and weeks (by their Monday) for which the maker
    said a number of packs."""

    offer_id: int
    ready: int
    weekly_capacity: int
    lead_days: int
    closures: tuple[Closure, ...] = ()
    plans: tuple[tuple[date, int], ...] = ()

    def days_in(self, week: date, today: date) -> Sequence[date]:
        """The working days that are left of the week, today included."""
        days = calendar.working_days(week)
        if week < today:
            days = tuple(day for day in days if day >= today)
        return tuple(day for day in days if not self._closed(day)) if self.closures else days

    def capacity_in(self, week: date, today: date) -> int:
        """Packs that can be made in what is left of the week: the number that the maker said, or
        the share of the weekly capacity that falls on the working days left, in whole packs.

        A maker that is closed on all days left makes nothing, whatever was said before.
        """
        planned = next((packs for monday_, packs in self.plans if monday_ == week), None)
        if planned is None:
            return self.weekly_capacity * len(self.days_in(week, today)) // FULL_WEEK
        return planned if self._open_days(week, today) else 0

    def ready_day(self, week: date, today: date, packs: int, capacity: int) -> date | None:
        """The day on which the week's first `packs` of `capacity` are ready: its work is spread
        evenly over its days, and nothing is ready before the lead time is over. None: a closure
        without an end comes first."""
        days = self.days_in(week, today) or self._open_days(week, today)
        by_lead = calendar.add_working_days(days[0], self.lead_days, self.closures)
        by_pace = days[-(-packs * len(days) // capacity) - 1]
        return by_lead and max(by_lead, by_pace)

    def _open_days(self, week: date, today: date) -> Sequence[date]:
        """Days left on which the maker may work at all: a number said for a week of holidays means
        that the maker works on them."""
        return [d for d in calendar.days_of(week) if d >= today and not self._closed(d)]

    def _closed(self, day: date) -> bool:
        return any(closure.covers(day) for closure in self.closures)


@dataclass(frozen=True, slots=True)
class Share:
    """Packs that one offer contributes: ready ones (`week` is None) or of a week's capacity."""

    offer_id: int
    kind: StockKind
    week: date | None
    quantity: int


@dataclass(frozen=True, slots=True)
class Milestone:
    """So many packs in all can be made by this day."""

    packs: int
    ready_by: date


@dataclass(frozen=True, slots=True)
class Plan:
    """The shares that make up a quantity, and the day on which the last of them is ready."""

    shares: tuple[Share, ...]
    ready_by: date

    @property
    def from_stock(self) -> bool:
        """Whether everything is ready now, so that nobody has to be asked."""
        return all(share.kind is StockKind.READY for share in self.shares)

    @property
    def weeks(self) -> int:
        """Over how many weeks the making is spread."""
        return len({share.week for share in self.shares if share.week})


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
    for week in _weeks(today):
        free = _free(supplies, held, week, today)
        for supply, taken in _split(free, missing).items():
            shares.append(Share(supply.offer_id, StockKind.CAPACITY, week, taken))
            missing -= taken
            ready_by = max(ready_by, _ready_day(supply, held, week, today, taken))
        if not missing:
            return Plan(tuple(shares), ready_by)
    return None


def timetable(
    supplies: Sequence[Supply], held: Mapping[tuple[int, date], int], today: date
) -> list[Milestone]:
    """How many packs in all can be made by when, week by week up to the horizon: whoever orders so
    many gets this very day from `to_be_made`. Empty if nothing can be made."""
    found: list[Milestone] = []
    packs, ready_by = 0, today
    for week in _weeks(today):
        free = _free(supplies, held, week, today)
        for supply, left in free.items():
            packs += left
            ready_by = max(ready_by, _ready_day(supply, held, week, today, left))
        if free:
            found.append(Milestone(packs, ready_by))
    return found


def _weeks(today: date) -> Iterable[date]:
    return (monday(today) + timedelta(weeks=n) for n in range(HORIZON_WEEKS))


def _free(
    supplies: Sequence[Supply], held: Mapping[tuple[int, date], int], week: date, today: date
) -> dict[Supply, int]:
    """Who can still make how many packs in the week; whoever can make none is left out."""
    free: dict[Supply, int] = {}
    for supply in supplies:
        capacity = supply.capacity_in(week, today)
        taken = held.get((supply.offer_id, week), 0)
        if capacity <= taken:
            continue
        # What would be ready only after a closure without an end cannot be promised.
        if supply.closures and not supply.ready_day(week, today, taken + 1, capacity):
            continue
        free[supply] = capacity - taken
    return free


def _split(free: Mapping[Supply, int], wanted: int) -> Mapping[Supply, int]:
    """Who makes how many packs of a week: where most can be made first, so that few are asked.

    `free` holds only those who can make any; the answer only those who make some.
    """
    split: dict[Supply, int] = {}
    for supply in sorted(free, key=lambda s: (-free[s], s.offer_id)):
        taken = min(free[supply], wanted)
        if taken:
            split[supply] = taken
            wanted -= taken
    return split


def _ready_day(
    supply: Supply,
    held: Mapping[tuple[int, date], int],
    week: date,
    today: date,
    packs: int,
) -> date:
    """When `packs` more of the week are ready, after those that are promised already."""
    before = held.get((supply.offer_id, week), 0)
    day = supply.ready_day(week, today, before + packs, supply.capacity_in(week, today))
    assert day is not None  # _free leaves out who never gets ready
    return day
