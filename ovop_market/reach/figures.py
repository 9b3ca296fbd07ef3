"""What the reach page shows, as frozen values: sums, and lines that compare two periods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from ovop_market.reach.filters import Filters

if TYPE_CHECKING:  # they are made of the sums below
    from ovop_market.reach.first import FirstLine
    from ovop_market.reach.rungs import VillageRungs
    from ovop_market.reach.series import Multiple, ReturningLine

MEASURES = ("orders", "units", "revenue")


@dataclass(frozen=True, slots=True)
class Change:
    """From one number to a later one. `percent` is whole.

    `kind`: none, new, same, up, down; or held, where one of the two is not known.
    """

    kind: str
    percent: int = 0

    @classmethod
    def between(cls, before: int, now: int) -> Change:
        """Less than half a percent is the same."""
        if before == 0:
            return cls("new" if now else "none")
        percent = round(100 * (now - before) / before)
        if percent == 0:
            return cls("same")
        return cls("up" if percent > 0 else "down", abs(percent))


@dataclass(frozen=True, slots=True)
class Sums:
    """Orders, units (packs) and revenue (rupiah, goods without shipping).

    `held`: something of it is withheld (ADR 27); the numbers are what is shown of it, so it is at
    least as much. A single number that is withheld is 0 and held.
    """

    orders: int = 0
    units: int = 0
    revenue: int = 0
    held: bool = False

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.orders + other.orders,
            self.units + other.units,
            self.revenue + other.revenue,
            self.held or other.held,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table: what it is about, its sums, and those of a year before.

    `key` is what a link or a cell says of it: a region's code, a slug, a year.
    """

    key: str
    name: str
    now: Sums = Sums()
    before: Sums = Sums()

    @property
    def change(self) -> Change:
        """Of orders, against the year before."""
        return self.changed("orders")

    def changed(self, measure: str) -> Change:
        """Of one of MEASURES, against the year before."""
        if self.now.held or self.before.held:
            return Change("held")
        return Change.between(getattr(self.before, measure), getattr(self.now, measure))


@dataclass(frozen=True, slots=True)
class MonthLine(Line):
    """A month of the period; as far as the period covers it, and the year before likewise.

    `reported` is what sellers report of it, which `now` does not hold.
    """

    first: date = date.min
    reported: Sums = Sums()


@dataclass(frozen=True, slots=True)
class PlaceLine(Line):
    """A province with its regencies, or a regency. `reached` of `regencies` had an order."""

    regencies: int = 0
    places: tuple[PlaceLine, ...] = ()

    @property
    def reached(self) -> int:
        """How many of its regencies something went to."""
        return sum(place.now.units > 0 for place in self.places)

    @property
    def reached_held(self) -> bool:
        """Whether it may be more, because nothing is shown of some of them."""
        return self.now.held and any(p.now.held and not p.now.units for p in self.places)


@dataclass(frozen=True, slots=True)
class Spread:
    """How many regencies and provinces something went to. `held`: at least so many."""

    regencies: int = 0
    provinces: int = 0
    held: bool = False


@dataclass(frozen=True, slots=True)
class Ladder:
    """Units by how far they went from their village; each rung without the one below it. `beyond`
    the regency and `all` of them are known sooner than each rung is.

    `unknown`: those of which something is withheld; they are at least so much.
    """

    village: int = 0
    regency: int = 0
    province: int = 0
    nation: int = 0
    beyond: int = 0
    all: int = 0
    unknown: frozenset[str] = frozenset()

    @classmethod
    def of(cls, village: int, regency: int, province: int, nation: int) -> Ladder:
        """One of which everything is known."""
        beyond = province + nation
        return cls(village, regency, province, nation, beyond, village + regency + beyond)

    def __add__(self, other: Ladder) -> Ladder:
        return Ladder(
            self.village + other.village,
            self.regency + other.regency,
            self.province + other.province,
            self.nation + other.nation,
            self.beyond + other.beyond,
            self.all + other.all,
            self.unknown | other.unknown,
        )

    @property
    def rungs(self) -> tuple[tuple[str, int], ...]:
        """From home outwards."""
        return (
            ("village", self.village),
            ("regency", self.regency),
            ("province", self.province),
            ("nation", self.nation),
        )

    @property
    def held(self) -> bool:
        """Whether something of it is withheld."""
        return bool(self.unknown)

    def share(self, name: str) -> float | None:
        """Of all units, those of a rung or `beyond` the regency; None where that is not known."""
        if not self.all or not self.unknown.isdisjoint((name, "all")):
            return None
        part: int = getattr(self, name)
        return part / self.all


@dataclass(frozen=True, slots=True)
class VillageLine(Line):
    """A village, how far its products went (in whole calendar years, of the first of a list), and
    the programme years it was designated in."""

    spread: Spread = Spread()
    ladder: Ladder = Ladder()
    years: tuple[int, ...] = ()

    @property
    def regencies(self) -> int:
        """How many regencies it sent something to."""
        return self.spread.regencies


@dataclass(frozen=True, slots=True)
class YearLine(Line):
    """A programme year: the sums of the villages designated in it (one may be in several)."""

    villages: int = 0


@dataclass(frozen=True, slots=True)
class ProductLine(Line):
    """A product and its village."""

    village: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """Purchases, and those of them by buyers who had bought before.

    `held`: something of it is withheld; both numbers are of the years that are shown, and so is
    their proportion: it is at least as much. A single year that is withheld is 0 of 0, and held.
    """

    purchases: int = 0
    returning: int = 0
    held: bool = False

    def __add__(self, other: Share) -> Share:
        return Share(
            self.purchases + other.purchases,
            self.returning + other.returning,
            self.held or other.held,
        )


@dataclass(frozen=True, slots=True)
class Returning:
    """Of all villages of a regency together, who had bought anything before; of each village (by
    id), who had bought from it before. A village that is not named sold nothing."""

    whole: Share = Share()
    villages: Mapping[int, Share] = field(default_factory=dict)


class Reaching:
    """How many regencies something went to, by its `spread` and that of the year before."""

    __slots__ = ()
    spread: Spread
    spread_before: Spread

    @property
    def regencies(self) -> int:
        """In the period."""
        return self.spread.regencies

    @property
    def regencies_before(self) -> int:
        """In the year before."""
        return self.spread_before.regencies


@dataclass(frozen=True, slots=True)
class Reported(Reaching):
    """What sellers report of their sales beyond the website; nobody has checked it. `orders` of its
    sums are notes."""

    total: Line
    spread: Spread
    spread_before: Spread
    # By channel (the key of each; of all villages alone), and by regency, those with most first.
    channels: tuple[Line, ...]
    places: tuple[PlaceLine, ...]


@dataclass(frozen=True, slots=True)
class Overview(Reaching):
    """Everything on the page, for one set of filters.

    Totals, ladder and the counts of what was reached are of what the website has verified; the
    provinces and the tables of what the filters ask for. `calendar` are the years that the ladder
    is of, and, if `by_years`, all that is told of destinations.
    """

    filters: Filters
    total: Line
    spread: Spread
    spread_before: Spread
    villages_reaching: int
    reported: Reported
    provinces: tuple[PlaceLine, ...]
    province: PlaceLine | None
    ladder: Ladder
    ladder_before: Ladder
    months: tuple[MonthLine, ...]
    villages: tuple[VillageLine, ...]
    years: tuple[YearLine, ...]
    products: tuple[ProductLine, ...]
    more_products: bool
    # Of some villages it is not known whether they sent something.
    more_villages: bool = False
    calendar: tuple[int, ...] = ()
    by_years: bool = False
    # Of each month, of all villages together; nothing where villages are chosen.
    spreads: Mapping[date, Spread] = field(default_factory=dict)
    # Provinces and regencies, by when something first went there.
    first: tuple[FirstLine, ...] = ()
    # Purchases of buyers who came back, by year.
    returning: tuple[ReturningLine, ...] = ()
    # The villages of this page of the table, each with its ladder.
    rungs: tuple[VillageRungs, ...] = ()
    # The villages, month by month, those with most first.
    multiples: tuple[Multiple, ...] = ()

    @property
    def provinces_reached(self) -> int:
        """How many provinces."""
        return self.spread.provinces


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A row of the export (which rows there are: see `export`)."""

    month: str
    village_code: str
    village: str
    product: str
    region_code: str
    region: str
    province: str
    channel: str
    orders: int
    units: int
    revenue: int
