"""What the page of reach tells beyond one period and the year before: since when, of all years; and
the villages of one page of their table, each by itself. Of what is shown alone (ADR 27).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.reach import queries, shown
from ovop_market.reach.figures import Ladder, Overview, Spread, VillageLine
from ovop_market.reach.filters import Period
from ovop_market.reach.first import FirstLine, first_reached
from ovop_market.reach.models import ReachPlaceMonth
from ovop_market.reach.queries import Choices, VillageChoice
from ovop_market.reach.returning import Share, over
from ovop_market.reach.rungs import VillageRungs, rungs
from ovop_market.reach.series import Multiple, ReturningLine
from ovop_market.reach.shown import Shown

VILLAGES = queries.VILLAGES_LISTED  # a page
MOST_YEARS = 20


def completed(session: Session, found: Overview, known: Choices) -> Overview:
    """The overview with what it leaves out."""
    filters = found.filters
    chosen = queries.chosen(session, filters, known)
    years = {year: _whole(year) for year in _years(session)}
    read = shown.read(session, chosen, (filters.period, *years.values()))
    of_period = read[filters.period, filters.reported]
    by_year = {year: read[whole, filters.reported] for year, whole in years.items()}
    of = {choice.slug: choice for choice in known.villages}
    page = paged(found.villages, filters.vpage)
    return replace(
        found,
        villages=_with_ladders(found.villages, page, of_period, of),
        first=_first(found, by_year) if filters.by_first else (),
        # Of a product, and of what sellers report, it is not known what stayed at home.
        rungs=()
        if filters.product or filters.reported
        else _rungs(found.villages[page], by_year, found, of),
        multiples=() if filters.product else _multiples(found, of_period, of),
        # Nor of these who bought.
        returning=()
        if filters.product or filters.reported
        else _returning(session, found, of_period),
    )


def _returning(session: Session, found: Overview, side: Shown) -> tuple[ReturningLine, ...]:
    """Of each calendar year of the period: of all villages, or of the chosen ones."""
    chosen = side.chosen.villages
    lines = []
    for year in found.calendar:
        tables = {tree.tree: tree for tree in side.trees if tree.tree.year == year}
        told = over(session, tables, tables)
        shares = [told.whole]
        if chosen is not None:
            shares = [share for village, share in told.villages.items() if village in chosen]
        share = sum(shares, Share())
        if share.purchases or share.held:
            lines.append(ReturningLine(year, share.purchases, share.returning, share.held))
    return tuple(lines)


def paged(villages: Sequence[VillageLine], page: int) -> slice:
    """The villages that stand on a page of their table; of the last one, if it is beyond."""
    last = max(1, -(-len(villages) // VILLAGES))
    first = (min(page, last) - 1) * VILLAGES
    return slice(first, first + VILLAGES)


def _years(session: Session) -> range:
    """The years of which anything is known."""
    month = ReachPlaceMonth.month
    # Each by itself, as an index gives it at once; both together would be looked for row by row.
    first, last = session.execute(
        select(select(func.min(month)).scalar_subquery(), select(func.max(month)).scalar_subquery())
    ).one()
    if first is None or last is None:
        return range(0)
    return range(max(first.year, last.year + 1 - MOST_YEARS), last.year + 1)


def _whole(year: int) -> Period:
    return Period.of_months(date(year, 1, 1), date(year, 12, 1))


def _first(found: Overview, by_year: Mapping[int, Shown]) -> tuple[FirstLine, ...]:
    """Of all provinces, and of the regencies that the page names."""
    lines = [each for province in found.provinces for each in (province, *province.places)]
    return first_reached(
        {year: side.by_place for year, side in by_year.items()},
        {line.key: line.name for line in lines},
    )


def _rungs(
    lines: Sequence[VillageLine],
    by_year: Mapping[int, Shown],
    found: Overview,
    of: Mapping[str, VillageChoice],
) -> tuple[VillageRungs, ...]:
    """Their packs in the calendar years of the period."""
    trees = {(year, tree.tree.area): tree for year, side in by_year.items() for tree in side.trees}
    made = []
    for line in lines:
        village = of[line.key]
        steps = {
            year: shown.steps(trees[year, village.area], village.id)
            for year in by_year
            if (year, village.area) in trees
        }
        made.append(VillageRungs(line.key, line.name, rungs(steps, found.calendar)))
    return tuple(made)


def _multiples(
    found: Overview, side: Shown, of: Mapping[str, VillageChoice]
) -> tuple[Multiple, ...]:
    trees = defaultdict(list)
    for tree in side.trees:
        trees[tree.tree.area].append((tree.village_grid(), side.months_of(tree)))
    return tuple(
        Multiple(
            line.key,
            line.name,
            tuple(
                point
                for grid, months in trees[of[line.key].area]
                for point in grid.along(of[line.key].id, months)
            ),
        )
        for line in found.villages
    )


def _with_ladders(
    villages: tuple[VillageLine, ...],
    page: slice,
    side: Shown,
    of: Mapping[str, VillageChoice],
) -> tuple[VillageLine, ...]:
    """The overview tells how far the first of them reach; this, how far those of the page do."""
    if page.start == 0:
        return villages
    ids = {line.key: of[line.key].id for line in villages[page]}
    ladders, spreads = side.ladders(ids.values()), side.spreads(ids.values())
    return tuple(
        line
        if line.key not in ids
        else replace(
            line,
            ladder=ladders.get(ids[line.key], Ladder()),
            spread=spreads.get(ids[line.key], Spread()),
        )
        for line in villages
    )
