"""What is shown of a year's reach: every number of the pages, the files and the open data is one of
these, or a sum or difference of some of them (ADR 27).

From the coarse to the fine: provinces, then regencies, by month; villages, then products, by month;
villages and products by province and regency, for the year. `withholding` decides on each table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from functools import partial

from sqlalchemy.orm import Session

from ovop_market.reach import raw, snapshots, stored
from ovop_market.reach.deciding import decide, numbers_of
from ovop_market.reach.figures import Sums
from ovop_market.reach.grids import HELD, Cells, Grid, of_columns, summed
from ovop_market.reach.raw import Raw, Tree
from ovop_market.reach.read_once import ReadOnce, Reserves, province_of
from ovop_market.reach.withholding import (
    Withheld,
    ends,
    is_small,
    reserve,
    withhold_line,
)

__all__ = ["Published", "Tree", "of", "province_of"]


class Published(ReadOnce):
    """The tables of one tree. Who is not named sold nothing, or nothing went there.

    Places are by code, of provinces (19) and of regencies (19.05) alike. Months are their first
    days. A number that is withheld is `Sums(held=True)`.
    """

    # What is shown

    def months(self) -> Mapping[date, Sums]:
        """By month."""
        return self.month_grid().of_row("")

    def whole(self) -> Sums:
        """The year."""
        return self.month_grid().totals.get("", Sums())

    def places(self) -> Mapping[str, Sums]:
        """By destination."""
        return {**self.province_grid().totals, **self.place_grid().totals}

    def place_months(self) -> Mapping[tuple[str, date], Sums]:
        """By destination and month."""
        return {**self.province_grid().cells, **self.place_grid().cells}

    def villages(self) -> Mapping[int, Sums]:
        """By village (its id)."""
        return self.village_grid().totals

    def village_months(self) -> Mapping[tuple[int, date], Sums]:
        """By village and month."""
        return self.village_grid().cells

    def products(self, village_id: int) -> Mapping[int, Sums]:
        """By product of a village (its id)."""
        return self.product_grid(village_id).totals

    def product_months(self, village_id: int) -> Mapping[tuple[int, date], Sums]:
        """By product of a village and month."""
        return self.product_grid(village_id).cells

    # By month

    def month_grid(self) -> Grid[str, date]:
        """One line: all of the months."""
        return self.kept.keep("months", self._months)

    def province_grid(self) -> Grid[str, date]:
        """Provinces."""
        return self.kept.keep("provinces", self._provinces)

    def place_grid(self) -> Grid[str, date]:
        """Regencies."""
        return self.kept.keep("places", self._places)

    def channel_grid(self) -> Grid[str, date]:
        """What sellers report, by the way of selling."""
        return self.kept.keep("channels", self._channels)

    def village_grid(self) -> Grid[int, date]:
        """Villages."""
        return self.kept.keep("villages", self._villages)

    def all_products(self) -> Grid[int, date]:
        """Products of all villages."""
        return self.kept.keep("products", self._all_products)

    def product_grid(self, village_id: int) -> Grid[int, date]:
        """Products of a village."""
        name = f"products:{village_id}"
        if not self.kept.has(name):
            self.read_products([village_id])
        return self.kept.keep(name, lambda: self._products(village_id, {}))

    def read_products(self, villages: Collection[int]) -> None:
        """Makes the tables of some villages' products, in one statement."""
        missing = {v for v in villages if not self.kept.has(f"products:{v}")}
        if not missing or not self.kept.stamp:
            return
        sold = self.sold()
        if self.kept.has("products"):
            every = self.all_products()
            for village in missing:
                some = [product for product, each in sold.items() if each.village_id == village]
                self.kept.keep(f"products:{village}", partial(every.only, some))
            return
        parts: dict[int, dict[tuple[int, date], Raw]] = {village: {} for village in missing}
        for (product, month), numbers in raw.products(self.session, self.tree, missing).items():
            # What was first sold since `sold` was read is for the next tables.
            village = sold[product].village_id if product in sold else 0
            if village in parts:
                parts[village][product, month] = numbers
        for village, part in parts.items():
            self.kept.keep(f"products:{village}", partial(self._products, village, part))

    def _all_products(self) -> Grid[int, date]:
        villages = self.villages()
        self.read_products(villages)
        grids = [self.product_grid(village) for village in villages]
        return Grid.stacked(grids)

    def _months(self) -> Grid[str, date]:
        by_month = of_columns(self.raw_provinces())
        no_months, whole = self._top().columns, self._top().whole
        return Grid.of(
            {("", month): numbers for month, numbers in by_month.items()},
            Withheld(
                frozenset(("", month) for month in no_months),
                frozenset([""] if whole else ()),
                no_months,
                whole,
            ),
        )

    def _provinces(self) -> Grid[str, date]:
        return Grid.of(self.raw_provinces(), self._top())

    def _top(self) -> Withheld[str, date]:
        """What is withheld of provinces and months: all other tables are inside of it."""
        return self.kept.keep("top", self._decide_top)

    def _decide_top(self) -> Withheld[str, date]:
        if self.kept.has("months") and self.kept.has("provinces"):
            months, provinces = self.month_grid(), self.province_grid()
            return Withheld(
                provinces.held_cells(),
                provinces.held_rows(),
                frozenset(month for _, month in months.held_cells()),
                bool(months.held_rows()),
            )
        cells = self.raw_provinces()
        return decide(
            self.kept,
            "provinces",
            cells,
            whole=is_small(sum(numbers.weight for numbers in cells.values())),
            reserve_rows=set(map(province_of, self.reserves().regencies)),
            reserve_columns=self.reserves().months,
        )

    def _places(self) -> Grid[str, date]:
        top, cells = self._top(), self.raw_places()
        found = [
            decide(
                self.kept,
                f"places of {province}",
                part,
                columns=[month for row, month in top.cells if row == province],
                whole=province in top.rows,
                reserve_rows=self.reserves().regencies,
                reserve_columns=self.reserves().months,
            )
            for province, part in _split(cells, province_of).items()
        ]
        rows = frozenset().union(*(each.rows for each in found))
        all_cells = frozenset().union(*(each.cells for each in found))
        return Grid.of(cells, Withheld(all_cells, rows, top.columns, top.whole))

    def _channels(self) -> Grid[str, date]:
        cells, top = raw.channels(self.session, self.tree), self._top()
        found = decide(
            self.kept,
            "channels",
            cells,
            columns=top.columns,
            whole=top.whole,
            reserve_columns=self.reserves().months,
        )
        return Grid.of(cells, found)

    def _villages(self) -> Grid[int, date]:
        cells, top = raw.villages(self.session, self.tree), self._top()
        found = decide(
            self.kept,
            "villages",
            cells,
            overlap=True,
            columns=top.columns,
            whole=top.whole,
            reserve_rows=self._reserve_villages(),
            reserve_columns=self.reserves().months,
        )
        return Grid.of(cells, found)

    def _products(self, village_id: int, cells: Cells[int, date]) -> Grid[int, date]:
        villages = self.village_grid()
        found = decide(
            self.kept,
            f"products:{village_id}",
            cells,
            overlap=True,
            columns=[month for month, sums in villages.of_row(village_id).items() if sums.held],
            whole=village_id in villages.held_rows(),
            reserve_rows=self.reserves().products,
            reserve_columns=self.reserves().months,
        )
        return Grid.of(cells, found)

    def reserves(self) -> Reserves:
        """What is kept in reserve."""

        def find() -> Reserves:
            sold, sent = self.sold(), numbers_of(self.raw_sent())
            by_month = numbers_of(of_columns(self.raw_provinces()))
            what = reserve(
                {product: each.purchases for product, each in sold.items()},
                {product: each.village_id for product, each in sold.items()},
            )
            where = reserve(sent, {code: province_of(code) for code in sent})
            return Reserves(what, where, ends(by_month))

        return self.kept.keep("reserves", find)

    def _reserve_villages(self) -> set[int]:
        return {self.sold()[product].village_id for product in self.reserves().products}

    # By destination, for the year

    def village_places(self, village_id: int) -> Mapping[str, Sums]:
        """What a village sent, by destination: provinces and regencies."""
        return self.sent_by([village_id])

    def sent_by(self, villages: Collection[int]) -> Mapping[str, Sums]:
        """What some villages sent together, by destination: provinces and regencies."""
        if not self.kept.has("village provinces"):
            self.raw_village_places()  # all of them at once
        provinces = self.village_provinces().down(villages)
        self.read_regencies(provinces)
        parts = [self.village_regencies(code).down(villages) for code in provinces]
        return {code: sums for part in (provinces, *parts) for code, sums in part.items()}

    def village_provinces(self) -> Grid[int, str]:
        """Villages by province that they sent to."""
        return self.kept.keep("village provinces", self._village_provinces)

    def village_regencies(self, province: str) -> Grid[int, str]:
        """Villages by regency of one province."""
        return self.kept.keep(f"villages in:{province}", lambda: self._village_regencies(province))

    def read_regencies(self, provinces: Collection[str]) -> None:
        """Makes the tables of some provinces, in one statement."""
        names = [f"villages in:{code}" for code in provinces]
        stored.read(self.session, {self.tree: self.kept}, lambda _tree: names)
        if sum(not self.kept.has(name) for name in names) > 1:
            self.raw_village_places()

    def stayed(self, village_id: int) -> Sums:
        """The packs that stayed in the village itself; they are part of those of its regency. Only
        `units` says something."""
        return self.all_stayed().get(village_id, Sums())

    def all_stayed(self) -> Mapping[int, Sums]:
        """The same of all villages that sold something."""
        return self.kept.keep("stayed", self._stayed)

    def product_places(self, village_id: int) -> Mapping[tuple[int, str], Sums]:
        """What was sent of a village's products, by product and destination."""
        return self.kept.keep(
            f"product places:{village_id}", lambda: self._product_places(village_id)
        )

    def _stayed(self) -> Mapping[int, Sums]:
        area = self.tree.area
        near = self.village_regencies(province_of(area)).of_column(area)
        counted = self.places_in(province_of(area))
        homes = raw.at_home(self.session, self.tree)
        found = {}
        for village in self.villages():
            purchases, units = homes.get(village, (0, 0))
            here = counted.get((village, area), Raw())
            home = purchases or (raw.TRACE if units else 0)
            parts = {"home": home, "near": here.purchases - purchases}
            held = near.get(village, Sums()).held or "home" in withhold_line(parts)
            found[village] = HELD if held else Sums(units=units)
        return found

    def _village_provinces(self) -> Grid[int, str]:
        top = self._top()
        if "raw village places" in self.kept.parts:
            cells = _columns_added_up(self.raw_village_places())
        else:
            cells = raw.village_provinces(self.session, self.tree)
        found = decide(
            self.kept,
            "village provinces",
            cells,
            overlap=True,
            rows=self.village_grid().held_rows(),
            columns=top.rows,
            whole=top.whole,
            reserve_rows=self._reserve_villages(),
            reserve_columns=set(map(province_of, self.reserves().regencies)),
        )
        return Grid.of(cells, found)

    def _village_regencies(self, province: str) -> Grid[int, str]:
        coarse, cells = self.village_provinces(), self.places_in(province)
        found = decide(
            self.kept,
            f"villages in:{province}",
            cells,
            overlap=True,
            rows=[village for village, sums in coarse.of_column(province).items() if sums.held],
            columns=[
                code for code in self.place_grid().held_rows() if province_of(code) == province
            ],
            whole=province in self._top().rows,
            reserve_rows=self._reserve_villages(),
            reserve_columns=self.reserves().regencies,
        )
        return Grid.of(cells, found)

    def _product_places(self, village_id: int) -> Mapping[tuple[int, str], Sums]:
        cells, reserves = self.raw_product_places(village_id), self.reserves()
        coarse_cells = _columns_added_up(cells)
        of_village = self.village_provinces().of_row(village_id)
        coarse = decide(
            self.kept,
            f"product provinces:{village_id}",
            coarse_cells,
            overlap=True,
            rows=self.product_grid(village_id).held_rows(),
            columns=[code for code, sums in of_village.items() if sums.held],
            whole=village_id in self.village_provinces().held_rows(),
            reserve_rows=reserves.products,
            reserve_columns=set(map(province_of, reserves.regencies)),
        )
        shown = dict(Grid.of(coarse_cells, coarse).cells)
        provinces = sorted({code for _, code in (*coarse_cells, *coarse.cells)})
        self.read_regencies(provinces)
        for province in provinces:
            finer = self.village_regencies(province).of_row(village_id)
            part = {key: n for key, n in cells.items() if province_of(key[1]) == province}
            found = decide(
                self.kept,
                f"products of {village_id} in {province}",
                part,
                overlap=True,
                rows=[product for product, code in coarse.cells if code == province],
                columns=[code for code, sums in finer.items() if sums.held],
                whole=of_village.get(province, Sums()).held,
                reserve_rows=reserves.products,
                reserve_columns=reserves.regencies,
            )
            shown.update(Grid.of(part, found).cells)
        return shown


def of(session: Session, tree: Tree) -> Published:
    """The tables of a tree, as they are now."""
    return all_of(session, [tree])[tree]


def all_of(session: Session, trees: Iterable[Tree]) -> Mapping[Tree, Published]:
    """Of several, in one statement and those that have changed."""
    found = snapshots.fresh(session, list(trees))
    return {tree: Published(session, tree, kept) for tree, kept in found.items()}


def _split(cells: Cells[str, date], parent: Callable[[str], str]) -> Mapping[str, Cells[str, date]]:
    parts: dict[str, dict[tuple[str, date], Raw]] = {}
    for (row, month), numbers in cells.items():
        parts.setdefault(parent(row), {})[row, month] = numbers
    return parts


def _columns_added_up(cells: Cells[int, str]) -> dict[tuple[int, str], Raw]:
    return summed(((row, province_of(code)), n) for (row, code), n in cells.items())
