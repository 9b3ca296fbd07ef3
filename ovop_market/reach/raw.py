"""What the rollups hold of a year, before anything is withheld: for reach.published alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    case,
    cast,
    extract,
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
    ReachVillageMonth,
    ReachVillageYear,
)
from ovop_market.reach.parts import through, total, within
from ovop_market.villages.models import Village

Key = TypeVar("Key")


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

    def plus(self, other: Raw) -> Raw:
        """Both together."""
        return Raw(*map(int.__add__, self, other))


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
    )


def village_places(session: Session, tree: Tree) -> dict[tuple[int, str], Raw]:
    """By village and regency that it sent to."""
    rollup = ReachVillageYear
    return _read(
        session,
        rollup,
        (rollup.village_id, rollup.region_code),
        rollup.year == tree.year,
        through(tree.reported, rollup),
        rollup.village_id.in_(_villages(tree.area)),
    )


def at_home(session: Session, tree: Tree) -> dict[int, tuple[int, int]]:
    """By village, what of it stayed there: purchases and packs."""
    rollup = ReachVillageYear
    rows = session.execute(
        select(rollup.village_id, total(rollup.home_purchases), total(rollup.home_units))
        .where(
            rollup.year == tree.year,
            through(tree.reported, rollup),
            rollup.village_id.in_(_villages(tree.area)),
            rollup.region_code == tree.area,
        )
        .group_by(rollup.village_id)
    )
    return {village: (purchases, units) for village, purchases, units in rows}


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
    session: Session, areas: Sequence[str], years: Iterable[int]
) -> Mapping[Tree, tuple[int, ...]]:
    """Of each tree that holds anything, numbers that do not stay the same when it changes.

    What moves moves the sums; only what moves there and back again between two looks, to another
    place of equal weight, does not.
    """
    rollup = ReachPlaceMonth
    year = cast(extract("year", rollup.month), Integer)
    reported = case((through(reported=True, rollup=rollup), 1), else_=0)
    place = cast(func.replace(rollup.region_code, ".", ""), Integer)
    rows = session.execute(
        select(
            year,
            rollup.area_code,
            reported,
            func.count(),
            *(
                total(number)
                for number in (
                    rollup.purchases,
                    rollup.orders,
                    rollup.revenue,
                    cast(rollup.units, BigInteger) * place,
                    cast(rollup.units, BigInteger) * extract("month", rollup.month),
                )
            ),
        )
        .where(rollup.area_code.in_(areas), within(_years(years), rollup))
        .group_by(year, rollup.area_code, reported)
    )
    return {Tree(year, area, bool(said)): tuple(numbers) for year, area, said, *numbers in rows}


def _years(years: Iterable[int]) -> Period:
    found = list(years)
    return Period(date(min(found), 1, 1), date(max(found), 12, 31))


def _of(tree: Tree, rollup: type[Counts]) -> tuple[ColumnElement[bool], ...]:
    return within(_years([tree.year]), rollup), through(tree.reported, rollup)


def _villages(area: str) -> Any:
    return select(Village.id).where(Village.region_code.startswith(f"{area}.", autoescape=True))


def _read(
    session: Session, rollup: type[Counts], key: tuple[Any, ...], *conditions: ColumnElement[bool]
) -> dict[tuple[Any, ...], Raw]:
    measures = (rollup.purchases, rollup.orders, rollup.units, rollup.revenue)
    rows = session.execute(select(*key, *map(total, measures)).where(*conditions).group_by(*key))
    found = {}
    for first, second, purchases, orders, units, revenue in rows:
        if orders or units or revenue or purchases:
            # A purchase is counted where it was first received: the rest of it elsewhere is of a
            # few buyers, for all that is known.
            found[first, second] = Raw(purchases or 1, orders, units, revenue)
    return found
