"""What buyers are told before they order: how many packs by when, and until when to order for
Lebaran. All of it comes from the same arithmetic as the plan of an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ovop_market.catalogue import calendar
from ovop_market.catalogue.models import Variant
from ovop_market.catalogue.supply import (
    Milestone,
    Plan,
    Supply,
    ready_now,
    timetable,
    to_be_made,
)
from ovop_market.core.quantity import MAX_PACKS

# How long before Lebaran buyers are told until when to order.
RUSH = timedelta(weeks=6)
# Lines about one variant, what is ready now included: more would be read by nobody.
_LINES = 3

Held = Mapping[tuple[int, date], int]


@dataclass(frozen=True, slots=True)
class Timetable:
    """By when packs of a variant are ready: so many now, then so many in all by so many days."""

    name: str
    ready: int
    stages: Sequence[Milestone]


@dataclass(frozen=True, slots=True)
class Rush:
    """The next Lebaran, and the last day on which one pack ordered is still ready before it; None
    when that is past or full."""

    feast: date
    order_by: date | None


def timetables(means: Mapping[Variant, list[Supply]], held: Held, today: date) -> list[Timetable]:
    """For each variant that can be made: one pack, and the larger quantities of the next weeks."""
    found = []
    for variant, many in means.items():
        stages = _stages(many, held, today)
        if stages:
            found.append(Timetable(variant.name, ready_now(many), stages))
    return found


def _stages(many: Sequence[Supply], held: Held, today: date) -> list[Milestone]:
    ready = ready_now(many)
    weeks = [Milestone(min(m.packs, MAX_PACKS), m.ready_by) for m in timetable(many, held, today)]
    # The first week that reaches the greatest order is the last one that says anything.
    weeks = [week for n, week in enumerate(weeks) if n == 0 or weeks[n - 1].packs < week.packs]
    weeks = [week for week in weeks if week.packs > ready]
    first = to_be_made(many, held, 1, today) if weeks and not ready else None
    if first and first.ready_by < weeks[0].ready_by:
        weeks.insert(0, Milestone(1, first.ready_by))
    return weeks[: _LINES - (1 if ready else 0)]


def sooner(means: Sequence[Supply], held: Held, plan: Plan | None, today: date) -> Milestone | None:
    """How many packs of a plan that takes several weeks could be ready in the first of them."""
    if plan is None or plan.weeks < 2:
        return None
    first = timetable(means, held, today)[0]
    return first if first.ready_by < plan.ready_by else None


def rush(means: Sequence[Sequence[Supply]], held: Held, today: date) -> Rush | None:
    """What to say before Lebaran, if it is near and anything is made to order."""
    feast = calendar.next_lebaran(today)
    if not means or feast is None or feast - today > RUSH:
        return None
    last = [_last_day(many, held, feast, today) for many in means]
    # Of several sizes the one that takes longest: the day must be right for each that can be had.
    return Rush(feast, min((day for day in last if day), default=None))


def _last_day(many: Sequence[Supply], held: Held, feast: date, today: date) -> date | None:
    """The last day on which one pack ordered is ready before the feast."""

    def in_time(day: date) -> bool:
        plan = to_be_made(many, held, 1, day)
        return plan is not None and plan.ready_by < feast

    # Whoever is late today is late tomorrow: a full maker is not asked for every day.
    if not in_time(today):
        return None
    days = ((feast - timedelta(days=n)) for n in range(1, (feast - today).days + 1))
    return next(day for day in days if in_time(day))
