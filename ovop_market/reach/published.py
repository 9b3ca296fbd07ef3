"""What is shown of a year's reach: every number of the pages, the files and the open data is one of
these, or a sum or difference of some of them (ADR 27).

From the coarse to the fine: provinces, then regencies, by month; villages, then products, by month;
villages and products by province and regency, for the year. `withholding` decides on each table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from ovop_market.reach import raw, snapshots
from ovop_market.reach.figures import Sums
from ovop_market.reach.grids import HELD, Cells, Grid, added_up, of_columns, of_rows, summed
from ovop_market.reach.raw import Raw, Tree
from ovop_market.reach.read_once import ReadOnce, province_of
from ovop_market.reach.withholding import (
    Withheld,
    ends,
    is_small,
    reserve,
    withhold,
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
        return {month: sums for (_, month), sums in self.month_grid().cells.items()}

    def whole(self) -> Sums:
        """The year."""
        return self.month_grid().totals.get("", Sums())

    def places(self) -> Mapping[str, Sums]:
        """By destination."""
        return self.place_grid().totals

    def place_months(self) -> Mapping[tuple[str, date], Sums]:
        """By destination and month."""
        return self.place_grid().cells

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
        return self._keep("months", self._months)

    def place_grid(self) -> Grid[str, date]:
        """Provinces and regencies."""
        return self._keep("places", lambda: self._places()[0])

    def channel_grid(self) -> Grid[str, date]:
        """What sellers report, by the way of selling."""
        return self._keep("channels", self._channels)

    def village_grid(self) -> Grid[int, date]:
        """Villages."""
        return self._keep("villages", lambda: self._villages()[0])

    def product_grid(self, village_id: int) -> Grid[int, date]:
        """Products of a village."""
        self.read_products([village_id])
        return self.kept["products", village_id][0]  # type: ignore[no-any-return]

    def read_products(self, villages: Collection[int]) -> None:
        """Makes the tables of some villages' products, in one statement."""
        missing = [village for village in villages if ("products", village) not in self.kept]
        if missing:
            cells = raw.products(self.session, self.tree, missing)
            sold = self.sold()
            parts: dict[int, dict[tuple[int, date], Raw]] = {village: {} for village in missing}
            for (product, month), numbers in cells.items():
                # What was first sold since `sold` was read is for the next tables.
                village = sold[product].village_id if product in sold else 0
                if village in parts:
                    parts[village][product, month] = numbers
            for village, part in parts.items():
                self.kept.setdefault(("products", village), self._products(village, part))

    def _months(self) -> Grid[str, date]:
        by_month = of_columns(self.raw_places())
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

    def _top(self) -> Withheld[str, date]:
        return self._keep("top", self._decide_provinces)

    def _decide_provinces(self) -> Withheld[str, date]:
        _, where, ends_ = self._reserves()
        table = _numbers(added_up(self.raw_places(), province_of))
        return withhold(
            table,
            whole=is_small(sum(table.values())),
            reserve_rows=set(map(province_of, where)),
            reserve_columns=ends_,
        )

    def _places(self) -> tuple[Grid[str, date], frozenset[str]]:
        """Provinces and regencies by month; and those whose year is withheld."""
        return self._keep("decided places", self._decide_places)

    def _decide_places(self) -> tuple[Grid[str, date], frozenset[str]]:
        top = self._top()
        _, where, ends_ = self._reserves()
        cells = self.raw_places()
        found: list[Withheld[str, date]] = [top]
        for province, part in _split(cells, province_of).items():
            found.append(
                withhold(
                    _numbers(part),
                    columns=[month for row, month in top.cells if row == province],
                    whole=province in top.rows,
                    reserve_rows=where,
                    reserve_columns=ends_,
                )
            )
        rows = frozenset().union(*(each.rows for each in found))
        every = Withheld(
            frozenset().union(*(each.cells for each in found)), rows, top.columns, top.whole
        )
        return Grid.of({**added_up(cells, province_of), **cells}, every), rows

    def _channels(self) -> Grid[str, date]:
        cells = raw.channels(self.session, self.tree)
        top = self._top()
        _, _, ends_ = self._reserves()
        found = withhold(
            _numbers(cells), columns=top.columns, whole=top.whole, reserve_columns=ends_
        )
        return Grid.of(cells, found)

    def _villages(self) -> tuple[Grid[int, date], Withheld[int, date]]:
        return self._keep("decided villages", self._decide_villages)

    def _decide_villages(self) -> tuple[Grid[int, date], Withheld[int, date]]:
        top = self._top()
        what, _, ends_ = self._reserves()
        cells = raw.villages(self.session, self.tree)
        found = withhold(
            _numbers(cells),
            overlap=True,
            columns=top.columns,
            whole=top.whole,
            reserve_rows={self.sold()[product].village_id for product in what},
            reserve_columns=ends_,
        )
        return Grid.of(cells, found), found

    def _products(
        self, village_id: int, cells: Mapping[tuple[int, date], Raw]
    ) -> tuple[Grid[int, date], frozenset[int]]:
        villages = self._villages()[1]
        what, _, ends_ = self._reserves()
        found = withhold(
            _numbers(cells),
            overlap=True,
            columns=[month for village, month in villages.cells if village == village_id],
            whole=village_id in villages.rows,
            reserve_rows=what,
            reserve_columns=ends_,
        )
        return Grid.of(cells, found), found.rows

    def _reserves(self) -> tuple[tuple[int, ...], tuple[str, ...], tuple[date, ...]]:
        """The products, the regencies and the months that are kept in reserve."""

        def find() -> tuple[tuple[int, ...], tuple[str, ...], tuple[date, ...]]:
            cells = self.raw_places()
            sent, by_month = _numbers(of_rows(cells)), _numbers(of_columns(cells))
            sold = self.sold()
            what = reserve(
                {product: each.purchases for product, each in sold.items()},
                {product: each.village_id for product, each in sold.items()},
            )
            return what, reserve(sent, {code: province_of(code) for code in sent}), ends(by_month)

        return self._keep("reserves", find)

    # By destination, for the year

    def village_places(self, village_id: int) -> Mapping[str, Sums]:
        """What a village sent, by destination: provinces and regencies."""
        self.raw_village_places()  # all of them at once
        parts = [self.village_provinces().of_row(village_id)]
        parts += [self.village_regencies(code).of_row(village_id) for code in parts[0]]
        return {code: sums for part in parts for code, sums in part.items()}

    def village_provinces(self) -> Grid[int, str]:
        """Villages by province that they sent to."""
        return self._keep("village provinces", lambda: self._village_provinces()[0])

    def village_regencies(self, province: str) -> Grid[int, str]:
        """Villages by regency of one province."""
        return self._keep(("finer", province), lambda: self._village_regencies(province))[0]

    def stayed(self, village_id: int) -> Sums:
        """The packs that stayed in the village itself; they are part of those of its regency. Only
        `units` says something."""
        there = self.village_regencies(province_of(self.tree.area)).cell(village_id, self.tree.area)
        if there.held:
            return HELD
        homes = self._keep("at home", lambda: raw.at_home(self.session, self.tree))
        purchases, units = homes.get(village_id, (0, 0))
        here = self.places_in(province_of(self.tree.area)).get((village_id, self.tree.area), Raw())
        home = purchases or (raw.TRACE if units else 0)
        parts = {"home": home, "near": here.purchases - purchases}
        return HELD if "home" in withhold_line(parts) else Sums(units=units)

    def all_stayed(self) -> Sums:
        """The packs that stayed in the villages themselves, of all of them."""
        return self._keep("stayed", lambda: sum(map(self.stayed, self.villages()), Sums()))

    def product_places(self, village_id: int) -> Mapping[tuple[int, str], Sums]:
        """What was sent of a village's products, by product and destination."""
        return self._keep(("product places", village_id), lambda: self._product_places(village_id))

    def _village_provinces(self) -> tuple[Grid[int, str], Withheld[int, str]]:
        return self._keep("decided village provinces", self._decide_village_provinces)

    def _decide_village_provinces(self) -> tuple[Grid[int, str], Withheld[int, str]]:
        top, (what, where, _) = self._top(), self._reserves()
        if "raw village places" in self.kept:
            cells = _columns_added_up(self.raw_village_places())
        else:
            cells = raw.village_provinces(self.session, self.tree)
        found = withhold(
            _numbers(cells),
            overlap=True,
            rows=self._villages()[1].rows,
            columns=top.rows,
            whole=top.whole,
            reserve_rows={self.sold()[product].village_id for product in what},
            reserve_columns=set(map(province_of, where)),
        )
        return Grid.of(cells, found), found

    def _village_regencies(self, province: str) -> tuple[Grid[int, str], Withheld[int, str]]:
        coarse, (what, where, _) = self._village_provinces()[1], self._reserves()
        cells = self.places_in(province)
        found = withhold(
            _numbers(cells),
            overlap=True,
            rows=[village for village, code in coarse.cells if code == province],
            columns=[
                code
                for code in self._places()[1]
                if code != province and province_of(code) == province
            ],
            whole=province in self._top().rows,
            reserve_rows={self.sold()[product].village_id for product in what},
            reserve_columns=where,
        )
        return Grid.of(cells, found), found

    def _product_places(self, village_id: int) -> Mapping[tuple[int, str], Sums]:
        what, where, _ = self._reserves()
        cells = self.raw_product_places(village_id)
        self.read_products([village_id])
        no_products: frozenset[int] = self.kept["products", village_id][1]
        of_village = self._village_provinces()[1]
        coarse_cells = _columns_added_up(cells)
        coarse = withhold(
            _numbers(coarse_cells),
            overlap=True,
            rows=no_products,
            columns=[code for village, code in of_village.cells if village == village_id],
            whole=village_id in of_village.rows,
            reserve_rows=what,
            reserve_columns=set(map(province_of, where)),
        )
        shown = dict(Grid.of(coarse_cells, coarse).cells)
        for province in sorted({code for _, code in (*coarse_cells, *coarse.cells)}):
            self.village_regencies(province)
            finer: Withheld[int, str] = self.kept["finer", province][1]
            part = {key: n for key, n in cells.items() if province_of(key[1]) == province}
            found = withhold(
                _numbers(part),
                overlap=True,
                rows=[product for product, code in coarse.cells if code == province],
                columns=[code for village, code in finer.cells if village == village_id],
                whole=(village_id, province) in of_village.cells,
                reserve_rows=what,
                reserve_columns=where,
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


def _numbers(cells: Mapping[Any, Raw]) -> dict[Any, float]:
    return {key: numbers.weight for key, numbers in cells.items()}


def _split(cells: Cells[str, date], parent: Callable[[str], str]) -> Mapping[str, Cells[str, date]]:
    parts: dict[str, dict[tuple[str, date], Raw]] = {}
    for (row, month), numbers in cells.items():
        parts.setdefault(parent(row), {})[row, month] = numbers
    return parts


def _columns_added_up(cells: Cells[int, str]) -> dict[tuple[int, str], Raw]:
    return summed(((row, province_of(code)), n) for (row, code), n in cells.items())
