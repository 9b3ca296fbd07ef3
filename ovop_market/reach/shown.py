"""What the filters ask for, added up from what is shown of each year and area.

A person who sees several regencies of villages sees the sums of what is shown of each. By month one
can ask for any months; by destination only all villages together can: of a village or product, it
is the whole calendar years that the period touches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeVar

from sqlalchemy.orm import Session

from ovop_market.reach import published, raw
from ovop_market.reach.figures import Ladder, Spread, Sums
from ovop_market.reach.filters import Period
from ovop_market.reach.grids import HELD, Grid, most_revenue, over_all, together, without
from ovop_market.reach.published import Published, Tree, province_of
from ovop_market.reach.recount import PROVINCE_LENGTH
from ovop_market.reach.withholding import at_least, tells_enough

Key = TypeVar("Key")
FEW_VILLAGES = 25


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is counted: all villages of some areas, some villages (each with its area), or some
    products of them."""

    areas: tuple[str, ...]
    # By id. None: all.
    villages: Mapping[int, str] | None = None
    products: frozenset[int] | None = None


class Shown:
    """The numbers of one channel in one period."""

    def __init__(self, trees: Iterable[Published], chosen: Chosen, period: Period) -> None:
        self.chosen, self.period = chosen, period
        self.trees = tuple(trees)
        months = list(period.months)
        self._months = {
            tree.tree.year: frozenset(m for m in months if m.year == tree.tree.year)
            for tree in self.trees
        }

    def of_year(self, tree: Published) -> frozenset[date]:
        """The months of a tree's year that belong to the period."""
        return self._months[tree.tree.year]

    def months_of(self, tree: Published) -> list[date]:
        """The same in their order."""
        return sorted(self.of_year(tree))

    def _lines(self) -> Iterator[tuple[Published, Grid, Collection]]:  # type: ignore[type-arg]
        """The tables by month, and which of their rows are chosen."""
        chosen = self.chosen
        for tree in self.trees:
            if chosen.villages is None:
                yield tree, tree.month_grid(), ("",)
                continue
            mine = self._mine(tree)
            if chosen.products is None:
                yield tree, tree.village_grid(), mine
            else:
                for village in mine:
                    yield tree, tree.product_grid(village), chosen.products

    @cached_property
    def total(self) -> Sums:
        """Of the period."""
        found = Sums()
        for tree, grid, rows in self._lines():
            over = grid.over(self._months[tree.tree.year])
            found = sum((over[row] for row in rows if row in over), found)
        return found

    def by_month(self) -> Mapping[date, Sums]:
        """Of each month."""
        found: dict[date, Sums] = {}
        for tree, grid, rows in self._lines():
            for month in self._months[tree.tree.year]:
                some = grid.of_column(month)
                for row in some.keys() & rows:
                    found[month] = found.get(month, Sums()) + some[row]
        return found

    def by_channel(self) -> Mapping[str, Sums]:
        """Of each way of selling; of all villages alone."""
        if self.chosen.villages is not None:
            return {}
        return over_all((tree.channel_grid(), self.of_year(tree)) for tree in self.trees)

    def by_village(self) -> Mapping[int, Sums]:
        """Of each chosen village; of the products of one, its own."""
        chosen = self.chosen.villages
        if self.chosen.products is not None:
            return dict.fromkeys(chosen or (), self.total)
        all_of_them = over_all((tree.village_grid(), self.of_year(tree)) for tree in self.trees)
        if chosen is None:
            return all_of_them
        return {village: sums for village, sums in all_of_them.items() if village in chosen}

    def best_products(self, most: int) -> Mapping[int, Sums]:
        """The chosen products that show most revenue: nothing that is withheld decides which."""
        return most_revenue(self._products(), most, self.chosen.products)

    def by_product(self, products: Collection[int]) -> Mapping[int, Sums]:
        """Of some of the chosen products."""
        return most_revenue(self._products(), len(products), products)

    def _products(self) -> Iterator[tuple[Grid[int, date], frozenset[date]]]:
        """The tables of products, with the months that are asked for."""
        for tree in self.trees:
            months = self.of_year(tree)
            if self.chosen.villages is None:
                yield tree.all_products(), months
                continue
            mine = tree.villages().keys() & self._mine(tree)
            tree.read_products(mine)
            for village in mine:
                yield tree.product_grid(village), months

    # By destination

    @property
    def by_years(self) -> bool:
        """Whether destinations are of whole calendar years."""
        return self.chosen.villages is not None

    @cached_property
    def by_place(self) -> Mapping[str, Sums]:
        """Of each province and regency."""
        if self.chosen.villages is None:
            return over_all(
                (grid, self.of_year(tree))
                for tree in self.trees
                for grid in (tree.province_grid(), tree.place_grid())
            )
        if self.chosen.products is None:
            return together(tree.sent_by(self._mine(tree)) for tree in self.trees)
        return together(
            self.sent(tree, village) for tree in self.trees for village in self._mine(tree)
        )

    def _mine(self, tree: Published) -> list[int]:
        """The chosen villages of a tree."""
        chosen = self.chosen.villages or {}
        return [village for village, area in chosen.items() if area == tree.tree.area]

    def sent(self, tree: Published, village: int) -> Mapping[str, Sums]:
        """What a village sent in a year of what is chosen."""
        chosen = self.chosen.products
        if chosen is None:
            return tree.village_places(village)
        places = tree.product_places(village).items()
        return together({code: sums} for (product, code), sums in places if product in chosen)

    @cached_property
    def spread(self) -> Spread:
        """How many regencies and provinces something went to."""
        reached, held = self._reached(), self.total.held
        if self.by_years:
            held = any(
                grid.totals.get(row, Sums()).held for _, grid, rows in self._lines() for row in rows
            )
        if not held and self._tells_all():
            return Spread(len(reached), len(set(map(province_of, reached))))
        return _spread(reached, self.by_place, held)

    def _tells_all(self) -> bool:
        """Whether it may be told exactly how many: of all villages in one calendar year, once, so
        that no two such counts can be compared."""
        if self.by_years or len(self.years) != 1:
            return False
        if any(set(tree.reached().months) - self.of_year(tree) for tree in self.trees):
            return False
        hidden: dict[str, int] = {}
        for tree in self.trees:
            for code, purchases in tree.reached().purchases.items():
                if self.by_place[code].held:
                    hidden[code] = hidden.get(code, 0) + purchases
        return not hidden or tells_enough(len(hidden), sum(hidden.values()))

    def spread_by_month(self) -> Mapping[date, Spread]:
        """Of each month, of all villages alone."""
        if self.chosen.villages is not None:
            return {}
        return {month: self._month_spread(month, sums) for month, sums in self.by_month().items()}

    def _month_spread(self, month: date, sums: Sums) -> Spread:
        here = [tree for tree in self.trees if tree.tree.year == month.year]
        reached: set[str] = set().union(*(tree.reached_in(month) for tree in here))
        grids = [grid for tree in here for grid in (tree.province_grid(), tree.place_grid())]
        told = [grid.reached(month) for grid in grids]
        some: set[str] = set().union(*(codes for codes, _ in told))
        return _counted(reached, some, any(held for _, held in told), sums.held)

    def _reached(self) -> Collection[str]:
        """The regencies that something went to: never shown."""
        villages, products = self.chosen.villages, self.chosen.products
        if not self.trees:
            return frozenset()
        if villages is None:
            each = (tree.reached().over(self.of_year(tree)) for tree in self.trees)
            return frozenset().union(*each)
        if products is None:
            tree = self.trees[0]
            return raw.reached_by(tree.session, villages, self.years, reported=tree.tree.reported)
        return {
            code
            for tree in self.trees
            for village in self._mine(tree)
            for product, code in tree.raw_product_places(village)
            if product in products
        }

    # From the village outwards, for the calendar years

    def ladder(self) -> Ladder:
        """How far all that is chosen went."""
        found = Ladder()
        for tree in self.trees:
            area = tree.tree.area
            mine = self._mine(tree)
            if self.chosen.products is not None:
                found = sum((_rungs(*self._of_product(tree, village)) for village in mine), found)
            elif self.chosen.villages is None:
                provinces, places = tree.province_grid().totals, tree.place_grid().totals
                found += _rungs(
                    sum(tree.all_stayed().values(), Sums()),
                    places.get(area, Sums()),
                    provinces.get(province_of(area), Sums()),
                    tree.whole(),
                )
            else:
                found = sum((_rungs(*steps(tree, village)) for village in mine), found)
        return found

    def ladders(self, villages: Collection[int]) -> Mapping[int, Ladder]:
        """How far what each of some villages sent went."""
        found: dict[int, Ladder] = {}
        for tree in self.trees:
            sold = tree.villages()
            for village in villages:
                if village in sold:
                    rungs = _rungs(*steps(tree, village))
                    found[village] = found.get(village, Ladder()) + rungs
        return found

    def spreads(self, villages: Collection[int]) -> Mapping[int, Spread]:
        """How many places each of some villages sent something to, in the calendar years. Where few
        villages sold, each destination is looked at; of many, which would take long, it is told
        that it is at least so many."""
        if not self.trees:
            return {}
        first = self.trees[0]
        sold = {village for tree in self.trees for village in tree.villages()}
        if len(sold) <= FEW_VILLAGES:
            some = sold.intersection(villages)
            codes = raw.reached_by_each(
                first.session, some, self.years, reported=first.tree.reported
            )
            return {village: self._looked_at(village, codes.get(village, ())) for village in some}
        counts = raw.spreads(first.session, villages, self.years, reported=first.tree.reported)
        return {village: self._at_least(village, *counts[village]) for village in counts}

    def _looked_at(self, village: int, reached: Collection[str]) -> Spread:
        places = together(tree.village_places(village) for tree in self.trees)
        held = any(tree.villages().get(village, Sums()).held for tree in self.trees)
        return _spread(reached, places, held)

    def _at_least(self, village: int, regencies: int, provinces: int) -> Spread:
        """What is withheld of its regencies is not asked, which takes long: at least so many."""
        rows = (tree.village_provinces().of_row(village) for tree in self.trees)
        some = len({code for row in rows for code, sums in row.items() if sums.units})
        if any(tree.villages().get(village, Sums()).held for tree in self.trees):
            return Spread(some, some, held=True)
        return Spread(max(some, at_least(regencies)), max(some, at_least(provinces)), held=True)

    @property
    def years(self) -> set[int]:
        """The calendar years that the period touches."""
        return {tree.tree.year for tree in self.trees}

    def _of_product(self, tree: Published, village: int) -> tuple[Sums, Sums, Sums, Sums]:
        places, area = self.sent(tree, village), tree.tree.area
        sold, chosen = tree.products(village), self.chosen.products or ()
        near = places.get(area, Sums())
        # That a product's packs stayed in its village is not counted.
        return (
            HELD if near.units or near.held else Sums(),
            near,
            places.get(province_of(area), Sums()),
            sum((sold[product] for product in chosen if product in sold), Sums()),
        )


def steps(tree: Published, village: int) -> tuple[Sums, Sums, Sums, Sums]:
    """What a village sent within itself, its regency, its province, the nation: each with the one
    before."""
    area = tree.tree.area
    province = province_of(area)
    return (
        tree.stayed(village),
        tree.village_regencies(province).cell(village, area),
        tree.village_provinces().cell(village, province),
        tree.villages().get(village, Sums()),
    )


def _spread(reached: Collection[str], places: Mapping[str, Sums], held: bool) -> Spread:
    some = {code for code, sums in places.items() if sums.units}
    return _counted(reached, some, any(sums.held for sums in places.values()), held)


def _counted(reached: Collection[str], some: Collection[str], hidden: bool, held: bool) -> Spread:
    """The count, if nothing of it is withheld (`hidden`): else one could tell from it how many went
    to each. Then at least so many as something is shown of (`some`: provinces and regencies), or
    some fives; `held`: or no more than that."""
    # Of what is shown of a regency, its province is shown.
    wide = sum(len(code) == PROVINCE_LENGTH for code in some)
    least = len(some) - wide
    if not held and not hidden:
        return Spread(least, wide)
    if not held:
        least = max(least, at_least(len(reached)))
        wide = max(wide, at_least(len(set(map(province_of, reached)))))
    return Spread(least, wide, held=True)


def _rungs(home: Sums, regency: Sums, province: Sums, total: Sums) -> Ladder:
    parts = {
        "village": home,
        "regency": without(regency, home),
        "province": without(province, regency),
        "nation": without(total, province),
        "beyond": without(total, regency),
        "all": total,
    }
    unknown = frozenset(name for name, part in parts.items() if part.held)
    return Ladder(**{name: part.units for name, part in parts.items()}, unknown=unknown)


def read(
    session: Session, chosen: Chosen, periods: Collection[Period]
) -> Mapping[tuple[Period, bool], Shown]:
    """The numbers of some periods, verified (False) and reported (True): one statement, and those
    for what has changed."""
    years = {month.year for period in periods for month in period.months}
    areas = chosen.areas
    if chosen.villages is not None:
        areas = tuple(sorted(set(chosen.villages.values())))
    trees = published.all_of(
        session, [Tree(year, area, r) for year in years for area in areas for r in (False, True)]
    )
    return {
        (period, reported): Shown(
            (
                trees[Tree(year, area, reported)]
                for year in sorted({month.year for month in period.months})
                for area in areas
            ),
            chosen,
            period,
        )
        for period in periods
        for reported in (False, True)
    }
