"""What is ahead of a producer: the next Lebaran with the weeks before it, and the holidays soon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ovop_market.catalogue import calendar
from ovop_market.catalogue.calendar import Feast
from ovop_market.core.clock import monday

# From when on producers are told of Lebaran, and how many weeks before it they may plan at once.
NOTICE = timedelta(weeks=12)
SURGE_WEEKS = 4
# How far ahead holidays are listed, and weeks can be chosen one by one.
SOON = timedelta(weeks=5)
WEEKS = 6


@dataclass(frozen=True, slots=True)
class Week:
    """A week by its Monday, and how many working days it has."""

    first: date
    days: int

    @property
    def last(self) -> date:
        return self.first + timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Season:
    """`lebaran` is None unless it is near; `weeks` are those before it."""

    lebaran: date | None
    weeks_left: int
    weeks: Sequence[Week]
    feasts: Sequence[Feast]
    unknown_year: int | None


def season(today: date) -> Season:
    """What is ahead on this day. `unknown_year`: one within the horizon without known holidays."""
    lebaran = calendar.next_lebaran(today)
    if lebaran is not None and lebaran - today > NOTICE:
        lebaran = None
    before = calendar.weeks_before(lebaran, SURGE_WEEKS, today) if lebaran else []
    year = (today + NOTICE).year
    return Season(
        lebaran=lebaran,
        weeks_left=(lebaran - today).days // 7 if lebaran else 0,
        weeks=[_week(day) for day in before],
        feasts=calendar.feasts(today, today + SOON),
        unknown_year=None if calendar.knows(year) else year,
    )


def plannable(today: date) -> list[date]:
    """The Mondays of the weeks that a producer plans one by one: the next ones, and those before
    Lebaran when it is near."""
    weeks = {monday(today) + timedelta(weeks=n) for n in range(WEEKS)}
    return sorted(weeks | {week.first for week in season(today).weeks})


def _week(first: date) -> Week:
    return Week(first, len(calendar.working_days(first)))
