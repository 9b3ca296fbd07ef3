"""What the rollups hold of a year, before anything is withheld: for those who decide on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    case,
    cast,
    func,
    select,
)
from sqlalchemy.orm import Session

from ovop_market.reach.filters import Period
from ovop_market.reach.models import (
    Channel,
    Counts,
    ReachDay,
    ReachPlaceMonth,
    ReachProductMonth,
    ReachShownYear,
    ReachVillageMonth,
    ReachVillageYear,
    ReachYear,
)
from ovop_market.reach.parts import through, total, within
from ovop_market.reach.recount import PROVINCE_LENGTH
from ovop_market.villages.models import Village

Key = TypeVar("Key")
# A power of two: sums of it are exact, in whatever order they are added up.
TRACE = 2.0**-20


@dataclass(frozen=True, slots=True)
class Tree:
    """A calendar year of the villages of one regency (its code); of what the website has verified,
    or of what sellers report. What is shown of one is decided without looking at any other."""

    year: int
    area: str
    reported: bool = False


class Raw(NamedTuple):
    """A cell: purchases, by which it is decided, and the numbers that are shown or not."""

    purchases: int = 0
    orders: int = 0
    units: int = 0
    revenue: int = 0

    @property
    def weight(self) -> float:
        """How many purchases it counts as. Of orders there can be fewer, where they are counted at
        another product: then so few are shown. A purchase is counted where its first order was
        received: the rest of it elsewhere adds to no count, and is not nothing."""
        if self.purchases and self.orders:
            return min(self.purchases, self.orders)
        return self.purchases or (TRACE if any(self) else 0)


class Sold(NamedTuple):
    """What a product sold in the year, and its village."""

    village_id: int
    purchases: int
    revenue: int


def places(session: Session, tree: Tree) -> dict[tuple[str, date], Raw]:
    """By regency that it went to, and month."""
    rollup = ReachPlaceMonth
    return _read(
        session,
        rollup,
        (rollup.region_code, rollup.month),
        rollup.area_code == tree.area,
        *_of(tree, rollup),
        single=not tree.reported,
    )


def channels(session: Session, tree: Tree) -> dict[tuple[str, date], Raw]:
    """By channel and month."""
    rollup = ReachPlaceMonth
    found: dict[tuple[Channel, date], Raw] = _read(
        session,
        rollup,
        (rollup.channel, rollup.month),
        rollup.area_code == tree.area,
        *_of(tree, rollup),
    )
    return {(str(channel), month): raw for (channel, month), raw in found.items()}


def villages(session: Session, tree: Tree) -> dict[tuple[int, date], Raw]:
    """By village and month."""
    rollup = ReachVillageMonth
    return _read(
        session,
        rollup,
        (rollup.village_id, rollup.month),
        rollup.village_id.in_(_villages(tree.area)),
        *_of(tree, rollup),
        single=not tree.reported,
    )


def sold(session: Session, tree: Tree) -> dict[int, Sold]:
    """By product, with its village."""
    rollup = ReachProductMonth
    rows = session.execute(
        select(
            rollup.product_id,
            rollup.village_id,
            total(rollup.purchases),
            total(rollup.revenue),
        )
        .where(rollup.village_id.in_(_villages(tree.area)), *_of(tree, rollup))
        .group_by(rollup.product_id, rollup.village_id)
    )
    return {product: Sold(*numbers) for product, *numbers in rows}


def products(session: Session, tree: Tree, villages: Iterable[int]) -> dict[tuple[int, date], Raw]:
    """By product of some villages, and month."""
    rollup = ReachProductMonth
    return _read(
        session,
        rollup,
        (rollup.product_id, rollup.month),
        rollup.village_id.in_(list(villages)),
        *_of(tree, rollup),
        single=not tree.reported,
    )


def village_places(session: Session, tree: Tree, province: str = "") -> dict[tuple[int, str], Raw]:
    """By village and regency that it sent to; of one province, or of all."""
    rollup = ReachVillageYear
    inside = [rollup.region_code.startswith(f"{province}.")] if province else []
    key = (rollup.village_id, rollup.region_code)
    return _read(session, rollup, key, *_whole(tree), *inside, single=not tree.reported)


def village_provinces(session: Session, tree: Tree) -> dict[tuple[int, str], Raw]:
    """By village and province that it sent to."""
    rollup = ReachVillageYear
    province = func.substr(rollup.region_code, 1, PROVINCE_LENGTH)
    return _read(session, rollup, (rollup.village_id, province), *_whole(tree))


def spreads(
    session: Session, villages: Collection[int], years: Collection[int], *, reported: bool
) -> dict[int, tuple[int, int]]:
    """By village, over some years: how many regencies and provinces it sent to."""
    rollup = ReachVillageYear
    code = rollup.region_code
    rows = session.execute(
        select(
            rollup.village_id,
            func.count(code.distinct()),
            func.count(func.substr(code, 1, PROVINCE_LENGTH).distinct()),
        )
        .where(
            rollup.year.in_(years),
            rollup.village_id.in_(villages),
            through(reported, rollup),
            rollup.units > 0,
        )
        .group_by(rollup.village_id)
    )
    return {village: (regencies, provinces) for village, regencies, provinces in rows}


def at_home(session: Session, tree: Tree) -> dict[int, tuple[int, int]]:
    """By village, what of it stayed there: purchases and packs."""
    rollup = ReachVillageYear
    rows = session.execute(
        select(rollup.village_id, total(rollup.home_purchases), total(rollup.home_units))
        .where(*_whole(tree), rollup.region_code == tree.area)
        .group_by(rollup.village_id)
    )
    return {village: (purchases, units) for village, purchases, units in rows}


def reached_by(
    session: Session, villages: Collection[int], years: Collection[int], *, reported: bool
) -> frozenset[str]:
    """The regencies that some villages sent to in some years."""
    rollup = ReachVillageYear
    return frozenset(
        session.scalars(
            select(rollup.region_code)
            .where(
                rollup.year.in_(years),
                rollup.village_id.in_(villages),
                through(reported, rollup),
                rollup.units > 0,
            )
            .distinct()
        )
    )


def reached_by_each(
    session: Session, villages: Collection[int], years: Collection[int], *, reported: bool
) -> dict[int, set[str]]:
    """By village: the regencies that it sent to in some years."""
    rollup = ReachVillageYear
    rows = session.execute(
        select(rollup.village_id, rollup.region_code).where(
            rollup.year.in_(years),
            rollup.village_id.in_(villages),
            through(reported, rollup),
            rollup.units > 0,
        )
    )
    found: dict[int, set[str]] = {}
    for village, code in rows:
        found.setdefault(village, set()).add(code)
    return found


def product_places(session: Session, tree: Tree, village_id: int) -> dict[tuple[int, str], Raw]:
    """By product of a village, and regency that it went to."""
    rollup = ReachDay
    return _read(
        session,
        rollup,
        (rollup.product_id, rollup.region_code),
        rollup.village_id == village_id,
        *_of(tree, rollup),
    )


def stamps(
    session: Session, areas: Sequence[str] | None = None, years: Collection[int] | None = None
) -> Mapping[Tree, tuple[int, ...]]:
    """Of each tree that holds anything (of some areas and years, or of all), numbers that do not
    stay the same when it changes."""
    return {tree: stamp for tree, stamp, _ in with_stored(session, areas, years)}


def with_stored(
    session: Session, areas: Sequence[str] | None = None, years: Collection[int] | None = None
) -> Iterator[tuple[Tree, tuple[int, ...], str | None]]:
    """The same, with the stamp of what is stored of it, if anything is."""
    rollup = ReachYear
    some = [] if years is None else [rollup.year.between(min(years), max(years))]
    if areas is not None:
        some.append(rollup.area_code.in_(areas))
    said = case((through(reported=True, rollup=rollup), 1), else_=0)
    numbers = (rollup.purchases, rollup.orders, rollup.units, rollup.revenue, rollup.mark)
    found = (
        select(rollup.year, rollup.area_code, said.label("said"), *map(total, numbers))
        .where(*some)
        .group_by(rollup.year, rollup.area_code, said)
        .subquery()
    )
    header = ReachShownYear
    rows = session.execute(
        select(header.stamp, *found.c).join_from(
            found,
            header,
            and_(
                header.year == found.c.year,
                header.area_code == found.c.area_code,
                cast(header.reported, Integer) == found.c.said,
            ),
            isouter=True,
        )
    )
    for stamp, year, area, reported, *counted in rows:
        yield Tree(year, area, bool(reported)), tuple(counted), stamp


def _years(years: Iterable[int]) -> Period:
    found = list(years)
    return Period(date(min(found), 1, 1), date(max(found), 12, 31))


def _whole(tree: Tree) -> tuple[ColumnElement[bool], ...]:
    return (
        ReachVillageYear.year == tree.year,
        through(tree.reported, ReachVillageYear),
        ReachVillageYear.village_id.in_(_villages(tree.area)),
    )


def _of(tree: Tree, rollup: type[Counts]) -> tuple[ColumnElement[bool], ...]:
    return within(_years([tree.year]), rollup), through(tree.reported, rollup)


def _villages(area: str) -> Any:
    return select(Village.id).where(Village.region_code.startswith(f"{area}.", autoescape=True))


def _read(
    session: Session,
    rollup: type[Counts],
    key: tuple[Any, ...],
    *conditions: ColumnElement[bool],
    single: bool = False,
) -> dict[tuple[Any, ...], Raw]:
    """`single`: there is one row of each key, as all that is verified came through one channel."""
    measures = (rollup.purchases, rollup.orders, rollup.units, rollup.revenue)
    if single:
        rows = session.execute(select(*key, *measures).where(*conditions))
    else:
        sums = map(total, measures)
        rows = session.execute(select(*key, *sums).where(*conditions).group_by(*key))
    return {(row[0], row[1]): Raw._make(row[2:]) for row in rows if any(row[2:])}
