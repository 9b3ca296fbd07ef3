"""Tables of shown numbers, and sums over some of their columns or rows."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from heapq import nsmallest
from itertools import chain, compress, starmap
from typing import Any, Generic, TypeVar

from ovop_market.reach.figures import Sums
from ovop_market.reach.raw import Raw
from ovop_market.reach.withholding import Ordered, Withheld, is_small

Row = TypeVar("Row", bound=Ordered)
Col = TypeVar("Col", bound=Ordered)
Other = TypeVar("Other", bound=Ordered)
Cells = Mapping[tuple[Row, Col], Raw]

# Orders, units, revenue, and how many of those added up are withheld.
_Numbers = tuple[int, int, int, int]

NONE = Sums()
HELD = Sums(held=True)


class Grid(Generic[Row, Col]):
    """Shown cells with the totals of their rows. Where nothing is named there is nothing.

    Cells and totals are kept as arrays, one column after the other: a page adds up ten thousands.
    """

    def __init__(
        self,
        rows: Collection[Row],
        columns: Collection[Col],
        numbers: Collection[Iterable[int]],
        whole: Collection[Iterable[int]],
    ) -> None:
        """`numbers` of the cells and of the `whole` rows: orders, units, revenue, and 1 where it is
        withheld."""
        self.rows, self.columns = tuple(rows), tuple(columns)
        self.numbers = tuple(map(_packed, numbers))
        self.whole = tuple(map(_packed, whole))
        self._added: dict[frozenset[Col], Sequence[_Numbers]] = {}

    @classmethod
    def shown(
        cls, cells: Mapping[tuple[Row, Col], Sums], totals: Mapping[Row, Sums]
    ) -> Grid[Row, Col]:
        """One of these cells."""
        rows = sorted({row for row, _ in cells}.union(totals))
        columns = sorted({column for _, column in cells})
        at = {row: number for number, row in enumerate(rows)}
        starts = {column: number * len(rows) for number, column in enumerate(columns)}
        orders, units, revenue, held = ([0] * (len(rows) * len(columns)) for _ in range(4))
        for (row, column), sums in cells.items():
            cell = starts[column] + at[row]
            orders[cell], units[cell] = sums.orders, sums.units
            revenue[cell], held[cell] = sums.revenue, int(sums.held)
        whole = [totals.get(row, NONE) for row in rows]
        return cls(
            rows,
            columns,
            (orders, units, revenue, held),
            (
                [sums.orders for sums in whole],
                [sums.units for sums in whole],
                [sums.revenue for sums in whole],
                [int(sums.held) for sums in whole],
            ),
        )

    @classmethod
    def of(cls, cells: Cells[Row, Col], withheld: Withheld[Row, Col]) -> Grid[Row, Col]:
        """Numbers as what is withheld of them lets them be seen."""
        rows = sorted(
            {row for row, _ in cells}.union(withheld.rows, (r for r, _ in withheld.cells))
        )
        columns = sorted({column for _, column in (*cells, *withheld.cells)})
        at = {row: number for number, row in enumerate(rows)}
        starts = {column: number * len(rows) for number, column in enumerate(columns)}
        numbers = [array("q", bytes(8 * len(rows) * len(columns))) for _ in range(4)]
        whole = [array("q", bytes(8 * len(rows))) for _ in range(4)]
        for (row, column), raw in cells.items():
            number = at[row]
            cell = starts[column] + number
            for totals, each, value in zip(whole, numbers, raw[1:], strict=False):
                totals[number] += value
                each[cell] = value
        # Of rows that changed between two statements nothing may have been decided.
        small = (key for key, raw in cells.items() if is_small(raw.weight))
        for row, column in chain(withheld.cells, small):
            _hide(numbers, starts[column] + at[row])
        for row in withheld.rows:
            _hide(whole, at[row])
        return cls(rows, columns, numbers, whole)

    @classmethod
    def stacked(cls, grids: Sequence[Grid[Row, Col]]) -> Grid[Row, Col]:
        """Several of other rows as one."""
        return cls.shown(
            {key: sums for grid in grids for key, sums in grid.cells.items()},
            {row: sums for grid in grids for row, sums in grid.totals.items()},
        )

    def only(self, rows: Collection[Row]) -> Grid[Row, Col]:
        """Some of its rows."""
        some = sorted(row for row in rows if row in self._at)
        at = [self._at[row] for row in some]
        starts = self._starts.values()
        return Grid(
            some,
            self.columns,
            [[each[start + row] for start in starts for row in at] for each in self.numbers],
            [[each[row] for row in at] for each in self.whole],
        )

    @cached_property
    def totals(self) -> Mapping[Row, Sums]:
        """Of each row."""
        return dict(zip(self.rows, map(_sums, *self.whole), strict=True))

    @cached_property
    def cells(self) -> Mapping[tuple[Row, Col], Sums]:
        """Those that say anything."""
        keys = ((row, column) for column in self.columns for row in self.rows)
        some = zip(keys, zip(*self.numbers, strict=True), strict=True)
        return {key: _sums(*numbers) for key, numbers in some if any(numbers)}

    def cell(self, row: Row, column: Col) -> Sums:
        """One of them."""
        if row not in self._at or column not in self._starts:
            return NONE
        cell = self._starts[column] + self._at[row]
        return _sums(*(each[cell] for each in self.numbers))

    def of_row(self, row: Row) -> Mapping[Col, Sums]:
        """Of a row, what says anything."""
        if row not in self._at:
            return {}
        line = slice(self._at[row], None, len(self.rows))
        return dict(_said(self.columns, *(each[line] for each in self.numbers)))

    def along(self, row: Row, columns: Iterable[Col]) -> tuple[Sums, ...]:
        """A row's numbers in some columns, one after the other."""
        if row not in self._at:
            return tuple(NONE for _ in columns)
        orders, units, revenue, held = self.numbers
        at = self._at[row]
        return tuple(
            NONE
            if start is None
            else _sums(orders[start + at], units[start + at], revenue[start + at], held[start + at])
            for start in map(self._starts.get, columns)
        )

    def of_column(self, column: Col) -> Mapping[Row, Sums]:
        """Of a column, what says anything."""
        if column not in self._starts:
            return {}
        line = slice(self._starts[column], self._starts[column] + len(self.rows))
        return dict(_said(self.rows, *(each[line] for each in self.numbers)))

    def reached(self, column: Col) -> tuple[set[Row], bool]:
        """The rows of which something is shown in a column; and whether it is withheld of any."""
        if column not in self._starts:
            return set(), False
        line = slice(self._starts[column], self._starts[column] + len(self.rows))
        units, held = self.numbers[1][line], self.numbers[3][line]
        return set(compress(self.rows, units)), any(held)

    def held_rows(self) -> frozenset[Row]:
        """Those whose totals are withheld."""
        return frozenset(compress(self.rows, self.whole[3]))

    def held_cells(self) -> frozenset[tuple[Row, Col]]:
        """Those that are withheld."""
        height, held = len(self.rows), self.numbers[3]
        return frozenset(
            (self.rows[cell % height], self.columns[cell // height])
            for cell, is_held in enumerate(held)
            if is_held
        )

    def over(self, columns: frozenset[Col]) -> Mapping[Row, Sums]:
        """Each row's sum over some columns: of the cells; or, where one of those is withheld and
        none of the others, the total without the others. Else it is held, and at least so much."""
        return dict(zip(self.rows, starmap(_sums, self.added(columns)), strict=True))

    def added(self, columns: frozenset[Col]) -> Sequence[_Numbers]:
        """The same as numbers, in the order of the rows."""
        if columns not in self._added:
            whole = zip(*self.whole, strict=True)
            if columns.issuperset(self.columns):
                # All of them together are the total, where it is known.
                told = [
                    self._cells_of(number) if total[3] else total
                    for number, total in enumerate(whole)
                ]
            else:
                inside = self._across(columns.__contains__)
                outside = self._across(lambda column: column not in columns)
                told = list(map(_known, inside, outside, whole))
            self._added[columns] = told
        return self._added[columns]

    def _cells_of(self, number: int) -> _Numbers:
        """What is shown of a row's cells, added up."""
        orders, units, revenue, held = (
            sum(each[number :: len(self.rows)]) for each in self.numbers
        )
        return orders, units, revenue, held

    def down(self, rows: Collection[Row]) -> Mapping[Col, Sums]:
        """Each column's sum over some rows, where it says anything."""
        at, height = [self._at[row] for row in rows if row in self._at], len(self.rows)
        if not at:
            return {}
        lines = [[each[start::height] for start in at] for each in self.numbers]
        return dict(_said(self.columns, *(map(sum, zip(*line, strict=True)) for line in lines)))

    def _across(self, wanted: Callable[[Col], bool]) -> Iterator[_Numbers]:
        """Each row's four numbers over some columns."""
        height = len(self.rows)
        starts = [start for column, start in self._starts.items() if wanted(column)]
        if not starts:
            return iter([(0, 0, 0, 0)] * height)
        lines = [[each[start : start + height] for start in starts] for each in self.numbers]
        return zip(*(map(sum, zip(*line, strict=True)) for line in lines), strict=True)

    @cached_property
    def _at(self) -> Mapping[Row, int]:
        return {row: number for number, row in enumerate(self.rows)}

    @cached_property
    def _starts(self) -> Mapping[Col, int]:
        return {column: number * len(self.rows) for number, column in enumerate(self.columns)}


def _packed(numbers: Iterable[int]) -> array[int]:
    return numbers if isinstance(numbers, array) else array("q", numbers)


def _hide(numbers: Sequence[array[int]], cell: int) -> None:
    *some, held = numbers
    for each in some:
        each[cell] = 0
    held[cell] = 1


def _sums(orders: int, units: int, revenue: int, held: int) -> Sums:
    return Sums(orders, units, revenue, held > 0)


def _said(keys: Iterable[Other], *numbers: Iterable[int]) -> Iterator[tuple[Other, Sums]]:
    for key, some in zip(keys, zip(*numbers, strict=True), strict=True):
        if any(some):
            yield key, _sums(*some)


def known(inside: Sums, outside: Sums, total: Sums) -> Sums:
    """What is known of a part: the sum of what is shown of it, or all without the rest."""
    return _sums(*_known(_numbers(inside), _numbers(outside), _numbers(total)))


def _known(inside: _Numbers, outside: _Numbers, total: _Numbers) -> _Numbers:
    if inside[3] and not outside[3] and not total[3]:
        return (total[0] - outside[0], total[1] - outside[1], total[2] - outside[2], 0)
    return inside


def _numbers(sums: Sums) -> _Numbers:
    return sums.orders, sums.units, sums.revenue, int(sums.held)


def without(total: Sums, part: Sums) -> Sums:
    """What is left of it; if one of the two is withheld, so is the rest."""
    if total.held or part.held:
        return HELD
    return Sums(total.orders - part.orders, total.units - part.units, total.revenue - part.revenue)


def together(parts: Iterable[Mapping[Other, Sums]]) -> dict[Other, Sums]:
    """Several of them added up."""
    found: dict[Other, list[Any]] = {}
    for part in parts:
        for key, each in part.items():
            sums = found.get(key)
            if sums is None:
                found[key] = [each.orders, each.units, each.revenue, each.held]
            else:
                # Written out: a page adds up some ten thousand.
                sums[0] += each.orders
                sums[1] += each.units
                sums[2] += each.revenue
                sums[3] = sums[3] or each.held
    return {key: Sums(*sums) for key, sums in found.items()}


def over_all(grids: Iterable[tuple[Grid[Other, Any], frozenset[Any]]]) -> dict[Other, Sums]:
    """Of several, each over some of its columns, all rows added up."""
    return {row: _sums(*sums) for row, sums in _added_up(grids).items()}


def most_revenue(
    grids: Iterable[tuple[Grid[Other, Any], frozenset[Any]]],
    most: int,
    among: Collection[Other] | None = None,
) -> dict[Other, Sums]:
    """The same of those rows alone that show most revenue, the first of them first; `among` some.
    Of equal ones those with the smaller key; rows of nothing are left out."""
    found = _added_up(grids)
    some = (row for row, sums in found.items() if any(sums) and (among is None or row in among))
    best = nsmallest(most, some, key=lambda row: (-found[row][2], row))
    return {row: _sums(*found[row]) for row in best}


def _added_up(
    grids: Iterable[tuple[Grid[Other, Any], frozenset[Any]]],
) -> dict[Other, _Numbers]:
    found: dict[Other, _Numbers] = {}
    for grid, columns in grids:
        for row, more in zip(grid.rows, grid.added(columns), strict=True):
            sums = found.get(row)
            # Written out: a page adds up some ten thousand.
            found[row] = (
                more
                if sums is None
                else (sums[0] + more[0], sums[1] + more[1], sums[2] + more[2], sums[3] + more[3])
            )
    return found


def summed(parts: Iterable[tuple[Other, Raw]]) -> dict[Other, Raw]:
    """The sums of each key."""
    found: dict[Other, list[int]] = {}
    for key, numbers in parts:
        sums = found.get(key)
        if sums is None:
            found[key] = list(numbers)
        else:
            # Written out: it is done for each cell of a year, a few times.
            sums[0] += numbers[0]
            sums[1] += numbers[1]
            sums[2] += numbers[2]
            sums[3] += numbers[3]
    return {key: Raw(*sums) for key, sums in found.items()}


def of_rows(cells: Cells[Row, Col]) -> dict[Row, Raw]:
    """The sums of rows."""
    return summed((row, numbers) for (row, _column), numbers in cells.items())


def of_columns(cells: Cells[Row, Col]) -> dict[Col, Raw]:
    """The sums of columns."""
    return summed((column, numbers) for (_row, column), numbers in cells.items())


def added_up(
    cells: Cells[Row, Col], parent: Callable[[Row], Other]
) -> dict[tuple[Other, Col], Raw]:
    """The rows of each parent together."""
    parents = {row: parent(row) for row, _column in cells}
    return summed(((parents[row], column), n) for (row, column), n in cells.items())
