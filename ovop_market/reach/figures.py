"""What the reach page shows, as frozen values: sums, and lines that compare two periods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ovop_market.reach.filters import Filters

MEASURES = ("orders", "units", "revenue")


@dataclass(frozen=True, slots=True)
class Change:
    """From one number to a later one. `kind`: none, new, same, up, down; `percent` is whole."""

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
    """Orders, units (packs) and revenue (rupiah, goods without shipping)."""

    orders: int = 0
    units: int = 0
    revenue: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.orders + other.orders, self.units + other.units, self.revenue + other.revenue
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
        return Change.between(self.before.orders, self.now.orders)


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


@dataclass(frozen=True, slots=True)
class Ladder:
    """Units by how far they went from their village; each rung without the one below it."""

    village: int = 0
    regency: int = 0
    province: int = 0
    nation: int = 0

    def __add__(self, other: Ladder) -> Ladder:
        return Ladder(
            self.village + other.village,
            self.regency + other.regency,
            self.province + other.province,
            self.nation + other.nation,
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
    def units(self) -> int:
        """All of them."""
        return self.village + self.regency + self.province + self.nation

    @property
    def outside_regency(self) -> float:
        """The share that left the village's own regency."""
        return (self.province + self.nation) / self.units if self.units else 0.0

    @property
    def outside_province(self) -> float:
        """The share that left the village's own province."""
        return self.nation / self.units if self.units else 0.0


@dataclass(frozen=True, slots=True)
class VillageLine(Line):
    """A village, how far its products went, and the programme years it was designated in."""

    regencies: int = 0
    ladder: Ladder = Ladder()
    ladder_before: Ladder = Ladder()
    years: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class YearLine(Line):
    """A programme year: the sums of the villages designated in it (one may be in several)."""

    villages: int = 0


@dataclass(frozen=True, slots=True)
class ProductLine(Line):
    """A product and its village."""

    village: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """What sellers report of their sales beyond the website; nobody has checked it. `orders` of its
    sums are notes."""

    total: Line
    regencies: int
    regencies_before: int
    # By channel (the key of each), and by regency, those with most first.
    channels: tuple[Line, ...]
    places: tuple[PlaceLine, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the page, for one set of filters.

    Totals, ladder and the counts of what was reached are of what the website has verified; the
    provinces and the tables of what the filters ask for.
    """

    filters: Filters
    total: Line
    regencies: int
    regencies_before: int
    provinces_reached: int
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


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A month of one product in one regency, as the export writes it."""

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
