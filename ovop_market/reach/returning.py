"""Of a year's purchases, how many were by buyers who came back: what of it may be shown.

A table of its own, villages × {new, returning}, and of calendar years only (ADR 33). Neither part
of a number that is shown is one to four, and none can be found from the others (`withholding`).
Longer periods, and areas of several regencies, add up what is shown of each year and regency.
Sellers' notes do not say who bought.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Integer, Select, cast, extract, func, select
from sqlalchemy.orm import Session

from ovop_market.reach import published
from ovop_market.reach.figures import Returning, Share
from ovop_market.reach.filters import Period
from ovop_market.reach.models import ReachPlaceMonth, ReachVillageMonth
from ovop_market.reach.parts import through, total, within
from ovop_market.reach.published import Published, Tree
from ovop_market.reach.recount import REGENCY_LENGTH
from ovop_market.reach.withholding import is_small, withhold, withhold_line
from ovop_market.villages.models import Village


class Split(NamedTuple):
    """Purchases, and those of them by buyers who had bought before: as counted, not to be shown."""

    purchases: int = 0
    returning: int = 0

    @property
    def new(self) -> int:
        return self.purchases - self.returning

    @property
    def few(self) -> bool:
        """Whether they are too few to be named at all."""
        return is_small(self.purchases)

    @property
    def small(self) -> bool:
        """Whether one of the parts says too much about too few."""
        return is_small(self.new) or is_small(self.returning)


HELD = Share(held=True)


def shown(session: Session, tree: Tree, *years: int) -> Returning:
    """What is shown of a regency's year, or of several years instead."""
    return over(session, [replace(tree, year=year) for year in years or (tree.year,)])


def over(
    session: Session, trees: Iterable[Tree], tables: Mapping[Tree, Published] | None = None
) -> Returning:
    """What is shown of some regencies and years together, in a few statements for all of them.

    `tables`: what is published of their purchases, where a page has it already.
    """
    wanted = list(trees)
    if any(tree.reported for tree in wanted):
        raise ValueError("of what sellers report nobody knows who bought")
    tables = published.all_of(session, wanted) if tables is None else tables
    # Kept with the tables: whatever moves a purchase moves them.
    missing = [tree for tree in wanted if not tables[tree].kept.has("returning")]
    if missing:
        areas, years = {tree.area for tree in missing}, {tree.year for tree in missing}
        villages = returning_by_village(session, areas, years)
        wholes = returning_in_all(session, areas, years)
        for tree in missing:
            closed = {village for village, sums in tables[tree].villages().items() if sums.held}
            found = decided(
                villages.get(tree, {}),
                wholes.get(tree, Split()),
                closed,
                all_closed=tables[tree].whole().held,
            )
            tables[tree].kept.parts.setdefault("returning", found)
    return together(tables[tree].kept.keep("returning", Returning) for tree in wanted)


def together(parts: Iterable[Returning]) -> Returning:
    """The sums of some regencies and years."""
    whole, villages = Share(), dict[int, Share]()
    for part in parts:
        whole += part.whole
        for village, share in part.villages.items():
            villages[village] = villages[village] + share if village in villages else share
    return Returning(whole, villages)


# The rule: pure


def decided(
    splits: Mapping[int, Split],
    whole: Split,
    closed: Collection[int] = (),
    *,
    all_closed: bool = False,
) -> Returning:
    """What is shown of the villages of one regency in a year, and of the regency.

    `closed`: villages whose purchases are withheld, and `all_closed` whether those of the regency
    are; what a line of the total withholds is so anyway.

    `whole` counts a purchase once that several villages count, so it is not their sum. It is shown
    where that could be, and where it is not small itself.
    """
    purchases = {village: split.purchases for village, split in splits.items()}
    cells = {
        (village, part): number
        for village, split in splits.items()
        for part, number in (("new", split.new), ("returning", split.returning))
    }
    none = all_closed or whole.few
    found = withhold(
        cells,
        overlap=True,
        rows=withhold_line(purchases, whole=none, overlap=True).union(closed).intersection(splits),
        whole=none,
    )
    # So many bought from more than one village.
    several = is_small(sum(purchases.values()) - whole.purchases)
    held = {village for village, _ in found.cells} | found.rows
    return Returning(
        _share(whole, found.whole or bool(found.columns) or whole.small or several),
        {village: _share(split, village in held) for village, split in splits.items()},
    )


def _share(split: Split, held: bool) -> Share:
    return HELD if held else Share(split.purchases, split.returning)


# What the rollups say


def returning_by_village(
    session: Session, areas: Collection[str], years: Collection[int]
) -> dict[Tree, dict[int, Split]]:
    """By regency and year, and by village (its id), of those that sold anything. A village counts
    who had bought from it before."""
    area = func.substr(Village.region_code, 1, REGENCY_LENGTH)
    of_year = cast(extract("year", ReachVillageMonth.month), Integer)
    found: dict[Tree, dict[int, Split]] = defaultdict(dict)
    rows = session.execute(
        _counted(ReachVillageMonth, years, of_year, area, Village.id)
        .join(Village, ReachVillageMonth.village_id == Village.id)
        .where(area.in_(areas))
    )
    for year, code, village, purchases, returning in rows:
        if purchases:
            found[Tree(year, code)][village] = Split(purchases, returning)
    return found


def returning_in_all(
    session: Session, areas: Collection[str], years: Collection[int]
) -> dict[Tree, Split]:
    """By regency of villages and year: who had bought anything before."""
    area = ReachPlaceMonth.area_code
    # By month, in the order of the key: a year of each row would be worked out first.
    rows = session.execute(
        _counted(ReachPlaceMonth, years, ReachPlaceMonth.month, area).where(area.in_(areas))
    )
    found: dict[Tree, Split] = {}
    for month, code, purchases, returning in rows:
        tree = Tree(month.year, code)
        before = found.get(tree, Split())
        found[tree] = Split(before.purchases + purchases, before.returning + returning)
    return found


def _counted(
    rollup: type[ReachPlaceMonth | ReachVillageMonth], years: Collection[int], *key: Any
) -> Select[Any]:
    months = Period(date(min(years), 1, 1), date(max(years), 12, 31))
    return (
        select(*key, total(rollup.purchases), total(rollup.repeats))
        .where(within(months, rollup), through(reported=False, rollup=rollup))
        .group_by(*key)
    )
