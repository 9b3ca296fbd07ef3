"""Before and after: what villages sold once designated, measured by what they sold before.

Pure arithmetic. It shows what came after what, and never why: that villages not yet designated
stand beside them, in the same months, is what can be said against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from ovop_market.reach.figures import Sums
from ovop_market.reach.filters import add_months
from ovop_market.reach.grids import HELD, known
from ovop_market.reach.withholding import FEWEST

WINDOW = 12  # months
# With less than this nothing can be concluded.
LEAST_MONTHS, LEAST_VILLAGES, LEAST_HOUSEHOLDS = 6, 3, 5


class Sales:
    """What villages sold, as it is shown: by village and first day of the month, and by village and
    calendar year. Where nothing is named nothing was sold."""

    def __init__(
        self,
        months: Mapping[tuple[int, date], Sums],
        years: Mapping[tuple[int, int], Sums] | None = None,
    ) -> None:
        self._months, self._years = months, years or {}
        # Villages are compared over the same months again and again.
        self._known: dict[tuple[int, tuple[date, ...]], Sums] = {}

    def month(self, village: int, month: date) -> Sums:
        """One month of a village."""
        return self._months.get((village, month), Sums())

    def over(self, village: int, months: Iterable[date]) -> Sums:
        """Some months together; held where a part of them is withheld and does not follow."""
        key = village, tuple(months)
        if key not in self._known:
            self._known[key] = self._over(village, set(key[1]))
        return self._known[key]

    def _over(self, village: int, asked: set[date]) -> Sums:
        found = Sums()
        for year in {month.year for month in asked}:
            inside = self._sum(village, (month for month in asked if month.year == year))
            if inside.held:
                months = (date(year, number, 1) for number in range(1, 13))
                outside = self._sum(village, (month for month in months if month not in asked))
                inside = known(inside, outside, self._years.get((village, year), HELD))
            found += inside
        return found

    def _sum(self, village: int, months: Iterable[date]) -> Sums:
        told = [sums for month in months if (sums := self._months.get((village, month)))]
        return Sums(
            sum(sums.orders for sums in told),
            sum(sums.units for sums in told),
            sum(sums.revenue for sums in told),
            any(sums.held for sums in told),
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """A village: the first whole month in which it was designated (None: it is not), its sales a
    month before (rupiah), its households."""

    id: int
    name: str
    start: date | None
    baseline: int | None
    households: int


@dataclass(frozen=True, slots=True)
class Beside:
    """Villages not yet designated in the same months, by what they sold before; None: there is
    none whose months before are known."""

    index: int | None
    villages: int
    households: int


@dataclass(frozen=True, slots=True)
class VillageEffect:
    """A designated village. `late`: months between the designation and the first that counts,
    because sales have not been recorded for so long."""

    village: Subject
    months: tuple[date, ...]
    late: int
    average: int
    index: int | None
    beside: Beside

    @property
    def few(self) -> bool:
        """Whether nothing can be concluded."""
        return len(self.months) < LEAST_MONTHS or self.village.households < LEAST_HOUSEHOLDS


@dataclass(frozen=True, slots=True)
class Point:
    """A month since the designation: the indices, and how many villages are behind each."""

    number: int
    own: int | None
    own_villages: int
    other: int | None
    other_villages: int


@dataclass(frozen=True, slots=True)
class Effect:
    """Everything on the page."""

    villages: tuple[VillageEffect, ...]
    points: tuple[Point, ...]
    index: int | None
    beside: Beside
    without_baseline: int

    @property
    def counted(self) -> list[VillageEffect]:
        return [each for each in self.villages if each.index is not None]

    @property
    def months(self) -> int:
        """The months that the village with most of them has."""
        return max((len(each.months) for each in self.counted), default=0)

    @property
    def households(self) -> int:
        return sum(each.village.households for each in self.counted)

    @property
    def few(self) -> bool:
        """Whether nothing can be concluded from the whole."""
        few_villages = len(self.counted) < LEAST_VILLAGES
        few_households = self.households < LEAST_HOUSEHOLDS
        return few_villages or few_households or self.months < LEAST_MONTHS


def effect(subjects: Sequence[Subject], sales: Sales, first: date | None, today: date) -> Effect:
    """`first`: the first whole month of which sales are recorded (None: of none). The month of
    today is not whole, so it does not count."""
    last = add_months(today.replace(day=1), -1)
    designated = [each for each in subjects if each.start is not None]
    measured = [each for each in designated if each.baseline]
    windows = [_window(each, first, last) for each in measured]
    # Whoever is compared with a village depends on its months alone.
    of_window = {window: _others(window, subjects, sales, first) for window in set(windows)}
    beside_of = {window: _beside(window, others, sales) for window, others in of_window.items()}
    villages = tuple(
        _village(each, window, beside_of[window], sales)
        for each, window in zip(measured, windows, strict=True)
    )
    shown = [(found, of_window[found.months]) for found in villages if found.index is not None]
    compared = {other.id: other for _found, beside in shown for other in beside}
    besides = [found.beside.index for found, _ in shown if found.beside.index is not None]
    return Effect(
        villages=villages,
        points=tuple(_points(shown, sales)),
        index=_mean(1000 * found.index for found, _ in shown if found.index is not None),
        beside=Beside(
            _mean(1000 * index for index in besides),
            len(compared),
            sum(other.households for other in compared.values()),
        ),
        without_baseline=len(designated) - len(measured),
    )


def _window(subject: Subject, first: date | None, last: date) -> tuple[date, ...]:
    """Its first months since the designation of which sales are recorded."""
    if subject.start is None or first is None:
        return ()
    begin = max(subject.start, first)
    return tuple(m for m in (add_months(begin, n) for n in range(WINDOW)) if m <= last)


@lru_cache(maxsize=1000)
def _before(window: tuple[date, ...]) -> tuple[date, ...]:
    """As many months before them."""
    return tuple(add_months(month, -len(window)) for month in window)


def _others(
    window: tuple[date, ...],
    subjects: Sequence[Subject],
    sales: Sales,
    first: date | None,
) -> list[Subject]:
    """Who was not designated until after these months, and sold enough before and within them."""
    if not window or first is None or _before(window)[0] < first:
        return []
    return [
        other
        for other in subjects
        if (other.start is None or other.start > window[-1])
        and enough(sales.over(other.id, _before(window)))
        and not sales.over(other.id, window).held
    ]


def _beside(window: tuple[date, ...], others: Sequence[Subject], sales: Sales) -> Beside:
    before = _before(window)
    indices = [_index(sales.over(o.id, window), sales.over(o.id, before), 1) for o in others]
    return Beside(_mean(indices), len(others), sum(other.households for other in others))


def _village(
    subject: Subject, window: tuple[date, ...], beside: Beside, sales: Sales
) -> VillageEffect:
    sold = sales.over(subject.id, window)
    told = bool(window) and not sold.held
    baseline, start = subject.baseline or 0, subject.start or date.min
    late = (window[0].year - start.year) * 12 + window[0].month - start.month if window else 0
    return VillageEffect(
        village=subject,
        months=window,
        late=late,
        average=sold.revenue // len(window) if told else 0,
        index=_mean([_part(sold.revenue, baseline * len(window))]) if told else None,
        beside=beside,
    )


def _points(
    shown: Sequence[tuple[VillageEffect, Sequence[Subject]]], sales: Sales
) -> Iterable[Point]:
    """Months of which a village's sales are withheld leave that village out."""
    others = {found.months: beside for found, beside in shown}
    villages: dict[tuple[date, ...], list[Subject]] = {window: [] for window in others}
    for found, _ in shown:
        villages[found.months].append(found.village)
    for number in range(max(map(len, others), default=0)):
        own: list[int] = []
        other: list[int] = []
        compared: set[int] = set()
        for window, beside in others.items():
            if number >= len(window):
                continue
            for village in villages[window]:
                sold = sales.month(village.id, window[number])
                if not sold.held:
                    own.append(_part(sold.revenue, village.baseline or 1))
            besides = _month_of(window, number, beside, sales)
            # Each village has its own beside it.
            other += [*besides.values()] * len(villages[window])
            compared.update(besides)
        yield Point(number + 1, _mean(own), len(own), _mean(other), len(compared))


def _month_of(
    window: tuple[date, ...], number: int, others: Sequence[Subject], sales: Sales
) -> dict[int, int]:
    """One month of the villages beside, each by what it sold before."""
    found = {}
    for each in others:
        sold = sales.month(each.id, window[number])
        if not sold.held:
            before = sales.over(each.id, _before(window))
            found[each.id] = _index(sold, before, len(window))
    return found


def _index(sold: Sums, before: Sums, months: int) -> int:
    return _part(sold.revenue * months, before.revenue or 1)


def _part(part: int, whole: int) -> int:
    """In thousandths of a hundredth."""
    return 100_000 * part // whole


def enough(sold: Sums) -> bool:
    """Whether something can be measured by it."""
    return not sold.held and sold.orders >= FEWEST


def _mean(values: Iterable[int]) -> int | None:
    """Of parts in thousandths of a hundredth, the mean in hundredths."""
    found = list(values)
    return round(sum(found) / (1000 * len(found))) if found else None
