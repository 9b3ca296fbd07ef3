"""Worlds in which enough was bought for numbers to be shown, and what they add up to.

The fixture `world` has five purchases or more wherever anything can be asked for, so nothing of it
is withheld. `thin` is the same but for a few cells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import product as every

from sqlalchemy import insert
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product
from ovop_market.reach import recount
from ovop_market.reach.figures import Sums
from ovop_market.reach.models import Channel
from ovop_market.villages.models import Designation, Stage
from tests.factories import make_producer, make_village
from tests.reach.test_rollup import craft

OCTOBER = "from=2026-10-01&to=2026-10-31"
YEAR = "from=2026-01-01&to=2026-12-31"
HOME, NEAR, JAKARTA, BANDUNG = REGENCIES = ("19.05", "19.71", "31.74", "32.73")
SAID = tuple(channel for channel in Channel if channel.reported)


@dataclass(frozen=True, slots=True)
class Part:
    """Of one product, in one month, to one regency, through one channel."""

    product: Product
    month: date
    region_code: str
    channel: Channel
    orders: int
    units: int
    revenue: int
    # Of those, the ones that stayed in the village.
    home_orders: int = 0
    home_units: int = 0

    @property
    def sums(self) -> Sums:
        return Sums(self.orders, self.units, self.revenue)

    # What a rollup asks of it. Each order is a purchase of its own.

    @property
    def day(self) -> date:
        return self.month.replace(day=8)

    @property
    def year(self) -> int:
        return self.month.year

    @property
    def product_id(self) -> int:
        return self.product.id

    @property
    def producer_id(self) -> int:
        return self.product.producer_id

    @property
    def village_id(self) -> int:
        return self.product.producer.village_id

    @property
    def area_code(self) -> str:
        return self.product.producer.village.region_code[: recount.REGENCY_LENGTH]

    @property
    def one(self) -> int:
        return self.orders

    @property
    def first_of_village(self) -> int:
        return self.orders

    @property
    def first_of_area(self) -> int:
        return self.orders

    @property
    def home_purchases(self) -> int:
        return self.home_orders

    @property
    def repeat_in_village(self) -> int:
        return 0

    @property
    def repeat_in_area(self) -> int:
        return 0

    @property
    def weight(self) -> int:
        place = int(self.region_code.replace(".", ""))
        return self.units * ((self.product_id * 10_000 + place) * 12 + self.month.month)


Which = Callable[[Part], bool]


@dataclass(frozen=True, slots=True)
class World:
    """Two villages: Belo Laut (Lenjer, Telur) and Dendang (Keranjang; alone of the year 2021)."""

    lenjer: Product
    telur: Product
    basket: Product
    parts: tuple[Part, ...]

    def of(self, *which: Which, reported: bool = False) -> Iterator[Part]:
        for part in self.parts:
            if part.channel.reported == reported and all(asked(part) for asked in which):
                yield part

    def sums(self, *which: Which, reported: bool = False) -> Sums:
        return sum((part.sums for part in self.of(*which, reported=reported)), Sums())

    def totals(self, *which: Which) -> dict[str, int]:
        """What the page says of what the website has verified, and of what sellers report."""
        found = {}
        for prefix, reported in (("", False), ("reported-", True)):
            sums = self.sums(*which, reported=reported)
            places = {part.region_code for part in self.of(*which, reported=reported)}
            found[f"{prefix}orders"] = sums.orders
            found[f"{prefix}units"] = sums.units
            found[f"{prefix}revenue"] = sums.revenue
            found[f"{prefix}regencies"] = len(places)
            if not reported:
                found["provinces"] = len({code[:2] for code in places})
        return found


def months(first: str, last: str) -> Which:
    """From a month to another, as 2026-10."""
    return lambda part: first <= f"{part.month:%Y-%m}" <= last


OF_OCTOBER, OF_2026 = months("2026-10", "2026-10"), months("2026-01", "2026-12")


def village(slug: str) -> Which:
    return lambda part: part.product.producer.village.slug == slug


def product(found: Product) -> Which:
    return lambda part: part.product is found


def region(code: str) -> Which:
    return lambda part: part.region_code == code


def write(session: Session, parts: Iterable[Part]) -> None:
    """Puts parts into the rollups, as if their orders had been received."""
    parts = list(parts)
    for rollup in recount.ROLLUPS:
        names = (*rollup.key, *rollup.follows)
        rows = [
            dict(zip(names, key, strict=True)) | numbers
            for key, numbers in recount.added(rollup, parts).items()  # type: ignore[arg-type]
        ]
        session.execute(insert(rollup.model), rows)
    session.commit()


def dense_parts(products: tuple[Product, ...]) -> Iterator[Part]:
    """Five orders or more of each product in each month of two years to each regency, verified and
    reported; every number is another one, and packs are more than orders."""
    days = [date(year, month, 1) for year in (2025, 2026) for month in range(1, 13)]
    for (i, made), (j, code), month in every(enumerate(products), enumerate(REGENCIES), days):
        price = made.variants[0].price
        seed = 7 * i + 3 * j + month.month + 5 * (month.year - 2025)
        orders = 5 + seed % 6
        units = 2 * orders + seed % 4
        home = (1, 2) if code == HOME else (0, 0)
        yield Part(made, month, code, Channel.WEB, orders, units, units * price, *home)
        told = 5 + (seed + 2) % 5
        packs, channel = 3 * told + j, SAID[(i + j + month.month) % len(SAID)]
        yield Part(made, month, code, channel, told, packs, packs * price - 500)


def make(session: Session, change: Callable[[Part], Part | None] = lambda part: part) -> World:
    """A world of dense parts, each changed, or left out."""
    belo_laut = make_village(session)
    dendang = make_village(session, "19.05.04.2005", name="Dendang", also_known_as="")
    dendang.designations.append(
        Designation(year=2021, flagship="anyaman resam", stage=Stage.MENTORING)
    )
    lenjer = craft(session, make_producer(session, belo_laut), name="Lenjer", price=40_000)
    telur = craft(session, lenjer.producer, name="Telur", price=30_000)
    basket = craft(session, make_producer(session, dendang), name="Keranjang", price=100_000)
    changed = map(change, dense_parts((lenjer, telur, basket)))
    found = World(lenjer, telur, basket, tuple(part for part in changed if part is not None))
    write(session, found.parts)
    return found


def few(part: Part, orders: int) -> Part:
    """The same with fewer orders, of two packs each."""
    price = part.product.variants[0].price
    fields = {"orders": orders, "units": 2 * orders, "revenue": 2 * orders * price}
    return replace(part, **fields, home_orders=0, home_units=0)


def thin_part(part: Part) -> Part | None:
    """In February 2026 three orders of all, and three notes of sellers; in October three to
    Jakarta; of August little, but enough."""
    said, basket = f"{part.month:%Y-%m}", part.product.name == "Keranjang"
    if said == "2026-02":
        return few(part, 3) if basket and part.region_code == BANDUNG else None
    if said == "2026-10" and part.region_code == JAKARTA:
        return few(part, 3) if basket else None
    if said == "2026-08":
        return few(part, 5)
    return part


def totals(body: str) -> dict[str, int]:
    """The totals of a page, those of what sellers report among them."""
    found = re.findall(r'data-total="([\w-]+)" data-value="(\d+)"', body)
    assert len(found) == len(dict(found))
    return {name: int(value) for name, value in found}


def verified(found: dict[str, int]) -> dict[str, int]:
    """Those of what the website has verified."""
    return {name: number for name, number in found.items() if not name.startswith("reported-")}
