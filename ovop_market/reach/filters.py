"""What an official looks at: a period, and perhaps one village, programme year or product.

Pure arithmetic of the calendar. Days are those of WIB, and both ends of a period belong to it. What
is shown is of whole months: of single days one could tell single buyers (ADR 27).
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

VERIFIED, REPORTED = CHANNELS = ("web", "reported")
# What the map can show: how much went there, or since when something does.
MAPS = ("orders", "units", "revenue", "first")
MONTHS_SHOWN = 12  # up to a day, when nothing but that is asked for
YEAR_ALONE_FROM = 4  # the month from which on a year says something by itself
MOST_MONTHS = 60  # a longer period is cut: a chart of more bars tells nothing


@dataclass(frozen=True, slots=True)
class Period:
    """From one day to another, both included."""

    start: date
    end: date

    @property
    def year_before(self) -> Period:
        """The same months one year earlier."""
        first, last = self.start.replace(day=1), self.end.replace(day=1)
        return Period.of_months(add_months(first, -12), add_months(last, -12))

    @property
    def months(self) -> Iterator[date]:
        """The first day of each month that the period touches."""
        month = self.start.replace(day=1)
        while month <= self.end:
            yield month
            month = add_months(month, 1)

    @property
    def one_month(self) -> bool:
        """Whether it is one calendar month."""
        return self.start == self.end.replace(day=1)

    @property
    def whole_years(self) -> bool:
        """Whether it is whole calendar years."""
        return self.start.month == 1 and self.end.month == 12

    @classmethod
    def of_months(cls, first: date, last: date) -> Period:
        """The whole months of these days and of all between."""
        return cls(first.replace(day=1), last_of_month(last))


@dataclass(frozen=True, slots=True)
class Filters:
    """What is counted. `year` is a programme year: the villages designated in it.

    `province` chooses what is opened beside the map; it leaves nothing out of the totals. Nor does
    `channel`: map and tables are of what the website has verified, unless it says `reported`. Nor
    do `measure`, which the map is drawn by, and `vpage`.
    """

    period: Period
    village: str = ""
    year: int | None = None
    product: str = ""
    province: str = ""
    # One of CHANNELS, or nothing.
    channel: str = ""
    # One of MAPS, or nothing: orders.
    measure: str = ""
    # Which page of the villages is opened.
    vpage: int = 1

    @property
    def reported(self) -> bool:
        """Whether map and tables are of what sellers report."""
        return self.channel == REPORTED

    @property
    def by_first(self) -> bool:
        """Whether the map tells since when something goes somewhere."""
        return self.measure == "first"

    @property
    def counted(self) -> str:
        """What is counted on the map and in its bars: orders, units or revenue."""
        return "orders" if self.by_first else self.measure or "orders"

    @property
    def narrowed(self) -> bool:
        """Whether anything but the period is chosen."""
        return bool(self.village or self.year or self.product)


def usual(today: date) -> Period:
    """The period when none is asked for: the calendar year so far; in its first months with the
    year before. Of whole years most can be shown (ADR 27)."""
    year = today.year if today.month >= YEAR_ALONE_FROM else today.year - 1
    return Period.of_months(date(year, 1, 1), today)


def add_months(first: date, months: int) -> date:
    """The first day of the month that lies so many months later (or earlier)."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)


def last_of_month(day: date) -> date:
    """The last day of the day's month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
