"""Tables of shown numbers, and sums over some of their columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from ovop_market.reach.figures import Sums
from ovop_market.reach.raw import Raw
from ovop_market.reach.withholding import Ordered, Withheld, is_small

Row = TypeVar("Row", bound=Ordered)
Col = TypeVar("Col", bound=Ordered)
Other = TypeVar("Other", bound=Ordered)
Cells = Mapping[tuple[Row, Col], Raw]

HELD = Sums(held=True)


class Grid(Generic[Row, Col]):
    """Shown cells with the totals of their rows. Where nothing is named there is nothing."""

    def __init__(self, cells: Mapping[tuple[Row, Col], Sums], totals: Mapping[Row, Sums]) -> None:
        self.cells, self.totals = cells, totals
        self._rows: dict[Row, dict[Col, Sums]] | None = None
        self._columns: dict[Col, dict[Row, Sums]] | None = None
        self._over: dict[frozenset[Col], Mapping[Row, Sums]] = {}

    @classmethod
    def of(cls, cells: Cells[Row, Col], withheld: Withheld[Row, Col]) -> Grid[Row, Col]:
        """Numbers as what is withheld of them lets them be seen."""
        shown = {
            key: Sums(*numbers[1:]) for key, numbers in cells.items() if key not in withheld.cells
        }
        # Of rows that changed between two statements nothing may have been decided.
        shown.update((key, HELD) for key, numbers in cells.items() if is_small(numbers.weight))
        shown.update(dict.fromkeys(withheld.cells, HELD))
        totals = {row: Sums(*numbers[1:]) for row, numbers in of_rows(cells).items()}
        totals.update(dict.fromkeys(withheld.rows, HELD))
        return cls(shown, totals)

    def cell(self, row: Row, column: Col) -> Sums:
        """One of them."""
        return self.cells.get((row, column), Sums())

    def of_row(self, row: Row) -> Mapping[Col, Sums]:
        """A row."""
        if self._rows is None:
            rows: dict[Row, dict[Col, Sums]] = defaultdict(dict)
            for (each, column), sums in self.cells.items():
                rows[each][column] = sums
            self._rows = dict(rows)
        return self._rows.get(row, {})

    def of_column(self, column: Col) -> Mapping[Row, Sums]:
        """A column."""
        if self._columns is None:
            columns: dict[Col, dict[Row, Sums]] = defaultdict(dict)
            for (row, each), sums in self.cells.items():
                columns[each][row] = sums
            self._columns = dict(columns)
        return self._columns.get(column, {})

    def over(self, columns: frozenset[Col]) -> Mapping[Row, Sums]:
        """Each row's sum over some columns: of the cells; or, where one of those is withheld and
        none of the others, the total without the others. Else it is held, and at least so much."""
        if columns not in self._over:
            inside: dict[Row, Sums] = dict.fromkeys(self.totals, Sums())
            outside: dict[Row, Sums] = dict.fromkeys(self.totals, Sums())
            for (row, column), sums in self.cells.items():
                side = inside if column in columns else outside
                side[row] = side.get(row, Sums()) + sums
            self._over[columns] = {
                row: known(sums, outside.get(row, Sums()), self.totals.get(row, Sums()))
                for row, sums in inside.items()
            }
        return self._over[columns]


def known(inside: Sums, outside: Sums, total: Sums) -> Sums:
    """What is known of a part: the sum of what is shown of it, or all without the rest."""
    if inside.held and not outside.held and not total.held:
        return without(total, outside)
    return inside


def without(total: Sums, part: Sums) -> Sums:
    """What is left of it; if one of the two is withheld, so is the rest."""
    if total.held or part.held:
        return HELD
    return Sums(total.orders - part.orders, total.units - part.units, total.revenue - part.revenue)


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
