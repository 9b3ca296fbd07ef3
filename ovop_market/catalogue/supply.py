"""Who makes how many packs of an order by when: pure arithmetic on supplies.

Ready packs are taken where most are ready, so that few households have to pack. What must be made
fills the earliest weeks that have capacity left, shared out fairly in each (catalogue.fairness); an
order that is larger than this week's capacity gets a later date at once instead of a refusal.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ovop_market.catalogue import calendar
from ovop_market.catalogue.calendar import FULL_WEEK, Closure
from ovop_market.catalogue.fairness import Taker, split
from ovop_market.catalogue.models import StockKind
from ovop_market.core.clock import monday

# How far ahead an order may be promised.
HORIZON_WEEKS = 12


@dataclass(frozen=True, slots=True)
class Supply:
    """One offer's means: packs ready now, packs it can make in a full week, working days it needs
    for one; the days on which its maker is closed, and weeks (by their Monday) for which the maker
    said a number of packs.

    `lately`: packs that it had in the last 90 days; `batch`: the fewest that are worth beginning.
    """

    offer_id: int
    ready: int
    weekly_capacity: int
    lead_days: int
    closures: tuple[Closure, ...] = ()
    plans: tuple[tuple[date, int], ...] = ()
    lately: int = 0
    batch: int = 1

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
    """Packs that one offer contributes: ready ones (`week` is None) or of a week's capacity.

    `ready_by` is the day on which they are there; None where it does not matter.
    """

    offer_id: int
    kind: StockKind
    week: date | None
    quantity: int
    ready_by: date | None = None


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
    for week in _weeks(today):
        free = _free(supplies, held, week, today)
        if until is not None:
            free = {s: _in_time(s, held, week, today, left, until) for s, left in free.items()}
        by_offer = {supply.offer_id: supply for supply in free}
        taken = _split(free, missing, given)
        for offer_id, packs in taken.items():
            day = _ready_day(by_offer[offer_id], held, week, today, packs)
            shares.append(Share(offer_id, StockKind.CAPACITY, week, packs, day))
        given.update(taken)
        missing -= sum(taken.values())
        if not missing:
            break
    return shares, missing


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


def _split(free: Mapping[Supply, int], wanted: int, given: Mapping[int, int]) -> dict[int, int]:
    """Who makes how many packs of a week, by offer; `given` is what each had already."""
    takers = [
        # Of who says a number for each week, that is all that is known.
        Taker(s.offer_id, s.weekly_capacity or left, left, given[s.offer_id], s.batch)
        for s, left in free.items()
    ]
    return split(wanted, takers)


def _in_time(
    supply: Supply,
    held: Mapping[tuple[int, date], int],
    week: date,
    today: date,
    most: int,
    until: date,
) -> int:
    """How many of at most so many packs of the week are ready until a day."""
    later = range(1, most + 1)
    return bisect_right(later, until, key=lambda n: _ready_day(supply, held, week, today, n))


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
