"""Whom to visit next, and why: pure rules over what is known of a producer. Days are those of WIB.

| reason | when |
| --- | --- |
| unvisited | no visit for 90 days, or never; a visit to its group counts for a member |
| permit | a permit ends within 60 days, or has ended |
| star | eligible for a star: see `_star` |
| falling | revenue has fallen by 30 % or more: see `_falling` |
| unanswered | an order waits for over 12 hours, or has lapsed without an answer in 30 days |
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from ovop_market.reach.figures import Sums
from ovop_market.reach.filters import add_months
from ovop_market.reach.withholding import FEWEST
from ovop_market.villages.models import PermitKind
from ovop_market.villages.permit_rules import SOON

UNVISITED_DAYS = 90
STAR_MONTHS, STAR_WITHIN = 6, 12
# Stars 1 and 2 are mentored by the regency (Permenperin 14/2021); with the third a village leaves
# its care for the province's, so that is what its producers are prepared for.
STAR_AIMED_AT = 3
FALL_PERCENT, FALL_MONTHS = 30, 3
UNANSWERED_HOURS, LAPSED_DAYS = 12, 30
LINE_MONTHS = 24
# How high a month stands on the line whose orders are withheld: in the middle of what it may be.
WITHHELD_HEIGHT = 2.5


class Reason(StrEnum):
    """Why a producer needs a visit."""

    UNVISITED = "unvisited"
    PERMIT = "permit"
    STAR = "star"
    FALLING = "falling"
    UNANSWERED = "unanswered"


class Sold(NamedTuple):
    """Verified orders and revenue (rupiah) of some months."""

    orders: int = 0
    revenue: int = 0


class Sales(NamedTuple):
    """What was sold in the months of Spans: now its revenue; of `star`, in how many of them there
    were orders."""

    revenue: int = 0
    before: Sold = Sold()
    year_before: Sold = Sold()
    star_months: int = 0


NONE = Sales()


class Known(NamedTuple):
    """What is known of a producer. `permits` have their last day, None for those without an end;
    `needed` are the permits for what it lists (nothing: it lists nothing); `stars` those of its
    village's latest programme year. A tuple, as a page makes thousands."""

    last_visit: date | None = None
    permits: Mapping[PermitKind, date | None] = MappingProxyType({})
    needed: Set[PermitKind] = frozenset()
    stars: int | None = None
    sales: Sales = NONE
    waiting: bool = False
    lapsed: bool = False


class Span(NamedTuple):
    """Whole months, from one to another, each by its first day."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Spans:
    """Which months the rules look at: the last 3, the 3 before, the same 3 of the year before, and
    the last 12, of which a star is asked."""

    now: Span
    before: Span
    year_before: Span
    star: Span

    @property
    def all(self) -> Span:
        every = (self.now, self.before, self.year_before, self.star)
        return Span(min(span.first for span in every), max(span.last for span in every))


def spans(today: date) -> Spans:
    """Those of a day."""
    return Spans(
        now=_span(today, 0, FALL_MONTHS),
        before=_span(today, FALL_MONTHS, FALL_MONTHS),
        year_before=_span(today, 12, FALL_MONTHS),
        star=_span(today, 0, STAR_WITHIN),
    )


class Due(NamedTuple):
    """A reason with what it rests on; which of the others are filled in depends on it.

    `days` since the last visit (None: never); `permit` and its last day `until`, `ended`; a fall
    against the `year` before or the months before (how deep, the line of sales shows, as far as it
    may be told); `waiting` and `lapsed` orders.
    """

    reason: Reason
    days: int | None = None
    permit: PermitKind | None = None
    until: date | None = None
    ended: bool = False
    year: bool = False
    waiting: bool = False
    lapsed: bool = False


def reasons(known: Known, today: date) -> tuple[Due, ...]:
    """Why the producer needs a visit, in the order of Reason; of permits each."""
    found = [_unvisited(known, today), *_permits(known, today), _star(known, today)]
    found += [_falling(known.sales), _unanswered(known)]
    return tuple(due for due in found if due is not None)


def _unvisited(known: Known, today: date) -> Due | None:
    if known.last_visit is None:
        return Due(Reason.UNVISITED)
    days = (today - known.last_visit).days
    return Due(Reason.UNVISITED, days=days) if days >= UNVISITED_DAYS else None


def _permits(known: Known, today: date) -> list[Due]:
    if not known.permits:
        return []
    soon = today + timedelta(days=SOON)
    return [
        Due(Reason.PERMIT, permit=kind, until=until, ended=until < today)
        for kind in PermitKind
        if (until := known.permits.get(kind)) and until <= soon
    ]


def _star(known: Known, today: date) -> Due | None:
    """All permits that it needs are valid today; received orders in at least 6 of the last 12 whole
    months; and its village has no star in its latest programme year, or fewer than 3."""
    if not known.needed or (known.stars or 0) >= STAR_AIMED_AT:
        return None
    for kind in known.needed:
        if kind not in known.permits:
            return None
        until = known.permits[kind]
        if until is not None and until < today:
            return None
    return Due(Reason.STAR) if known.sales.star_months >= STAR_MONTHS else None


def _falling(sales: Sales) -> Due | None:
    """Revenue of the last 3 whole months is 30 % or more under that of the same months a year
    before; where those had fewer than 5 orders, under that of the 3 months before, if these had 5.
    """
    earlier, year = sales.year_before, True
    if earlier.orders < FEWEST:
        earlier, year = sales.before, False
    if earlier.orders < FEWEST or earlier.revenue == 0:
        return None
    fall = earlier.revenue - sales.revenue
    if fall * 100 < earlier.revenue * FALL_PERCENT:
        return None
    return Due(Reason.FALLING, year=year)


def _unanswered(known: Known) -> Due | None:
    if not (known.waiting or known.lapsed):
        return None
    return Due(Reason.UNANSWERED, waiting=known.waiting, lapsed=known.lapsed)


def _span(today: date, back: int, count: int) -> Span:
    """So many whole months, the last of them `back` months before the month that is over."""
    this = today.replace(day=1)
    return Span(add_months(this, -back - count), add_months(this, -back - 1))


@dataclass(frozen=True, slots=True)
class LineMonth:
    """A month on the line of sales. Orders and revenue (rupiah) are None where withheld: then it is
    drawn `hollow`, as high as is said."""

    first: date
    orders: int | None
    revenue: int | None

    @property
    def hollow(self) -> bool:
        return self.orders is None

    @property
    def height(self) -> float:
        """In orders."""
        return WITHHELD_HEIGHT if self.orders is None else self.orders


def line(months: Mapping[date, Sums], today: date) -> list[LineMonth]:
    """The last 24 months, the present one so far among them, as they may be told."""
    this = today.replace(day=1)
    found = []
    for back in range(LINE_MONTHS - 1, -1, -1):
        first = add_months(this, -back)
        sold = months.get(first, Sums())
        orders, revenue = (None, None) if sold.held else (sold.orders, sold.revenue)
        found.append(LineMonth(first, orders, revenue))
    return found
