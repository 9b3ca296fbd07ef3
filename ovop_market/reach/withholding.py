"""Which numbers of purchases are withheld, so that no number of one to four can be found.

Pure: tables go in, the keys of what is not shown come out. Why this is enough, also for all
tables of a year taken together, is told in docs/adr/0027-cells-under-five-are-withheld.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, Generic, Protocol, TypeVar

FEWEST = 5
LAST_RESORT = 10**9  # more than all purchases together


class Ordered(Protocol):
    """What can be sorted and be a key: codes, days, numbers."""

    def __lt__(self, other: Any, /) -> bool: ...
    def __hash__(self) -> int: ...


Key = TypeVar("Key", bound=Ordered)
Row = TypeVar("Row", bound=Ordered)
Col = TypeVar("Col", bound=Ordered)

# Lines are numbered: rows first, then columns. An entry is a pair of a row's number and a column's.
_Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Withheld(Generic[Row, Col]):
    """What is not shown of a table: cells, and totals of rows, of columns and of all.

    Cells can be withheld that nothing was sold in; what is named nowhere here is shown.
    """

    cells: frozenset[tuple[Row, Col]]
    rows: frozenset[Row]
    columns: frozenset[Col]
    whole: bool


def is_small(purchases: float) -> bool:
    """Whether a number says too much about too few. None at all says nothing about anybody."""
    return 0 < purchases < FEWEST


def at_least(places: int) -> int:
    """Of how many places may be told, where of some nothing is shown: fives, and never all of them.

    As many places as purchases would say that one went to each; with one less, each may be none,
    one or two.
    """
    return max(places - 1, 0) // FEWEST * FEWEST


def tells_enough(places: int, purchases: int) -> bool:
    """Whether one may say how many places purchases went to of which no place is shown: with five
    more than places, each of them may have had as many as are shown."""
    return purchases - places >= FEWEST


def withhold_line(
    parts: Mapping[Key, float], *, whole: bool = False, overlap: bool = False
) -> frozenset[Key]:
    """Which parts of one total are not shown; `whole`: nor is the total; `overlap`: a purchase can
    be in several parts, so together they may be no more than the largest.

    A total of one to four counts as withheld. Parts of nothing are shown. Where parts of one to
    four are among others, the smallest others keep them company, until no part follows from the
    rest and all that is withheld makes five or more.
    """
    some = sorted((number, key) for key, number in parts.items() if number)
    total = sum(number for number, _ in some)
    if whole or is_small(total):
        return frozenset(key for _, key in some)
    hidden = {key for number, key in some if number < FEWEST}
    left = together((number for number, key in some if key in hidden), overlap)
    for number, key in some:
        if not hidden or (len(hidden) > 1 and left >= FEWEST):
            break
        if key not in hidden:
            hidden.add(key)
            left = together((left, number), overlap)
    return frozenset(hidden)


def together(numbers: Iterable[float], overlap: bool) -> float:
    """How many purchases some numbers of them are at least."""
    return max(numbers, default=0) if overlap else sum(numbers)


def withhold(
    cells: Mapping[tuple[Row, Col], float],
    *,
    overlap: bool = False,
    rows: Collection[Row] | None = None,
    columns: Collection[Col] | None = None,
    whole: bool = False,
    reserve_rows: Collection[Row] = (),
    reserve_columns: Collection[Col] = (),
) -> Withheld[Row, Col]:
    """What is not shown of a table of purchases; cells that are not named are nothing.

    `rows` or `columns`: where totals are cells of a table that this one is inside of, those that
    are withheld there. Else `withhold_line` decides on them, from the totals and `whole` alone, so
    that all tables with this margin agree without knowing of each other. `whole`: the grand total
    is withheld already. All cells of a line whose total is withheld are withheld too. `overlap`: a
    purchase can be in several rows (products, villages), though in one column only.

    `reserve_rows` and `reserve_columns`: lines (of `reserve` and `ends`, or what holds them) that
    do not say where they are zero. No total is ever withheld for the sake of a cell: in the worst
    case all cells are, zeros too.
    """
    row_totals: dict[Row, float] = dict.fromkeys(rows or (), 0)
    column_totals: dict[Col, float] = dict.fromkeys(columns or (), 0)
    for (row, column), number in cells.items():
        row_totals[row] = row_totals.get(row, 0) + number
        column_totals[column] = column_totals.get(column, 0) + number
    whole = whole or is_small(sum(row_totals.values()))
    no_rows = _line(row_totals, rows, whole, overlap)
    no_columns = _line(column_totals, columns, whole, False)
    # A line that is shown to be nothing neither needs protection nor gives any.
    some_rows = sorted(row for row, total in row_totals.items() if total or row in no_rows)
    some_columns = sorted(key for key, total in column_totals.items() if total or key in no_columns)
    table = _Table(
        [[cells.get((row, column), 0) for column in some_columns] for row in some_rows],
        [key not in no_rows for key in some_rows] + [key not in no_columns for key in some_columns],
        [key in reserve_rows for key in some_rows]
        + [key in reserve_columns for key in some_columns],
        overlap,
    )
    table.protect()
    width = len(some_rows)
    return Withheld(
        frozenset((some_rows[row], some_columns[col - width]) for row, col in table.hidden),
        no_rows,
        no_columns,
        whole,
    )


def _line(
    totals: Mapping[Key, float], withheld: Collection[Key] | None, whole: bool, overlap: bool
) -> frozenset[Key]:
    if withheld is None:
        return withhold_line(totals, whole=whole, overlap=overlap)
    return frozenset(withheld).union(key for key, total in totals.items() if is_small(total))


def reserve(parts: Mapping[Key, float], inside: Mapping[Key, Row]) -> tuple[Key, ...]:
    """The two parts that tables of a year keep in reserve: the largest, and the largest other.

    `parts` are the year's purchases by product or by regency, `inside` their villages or provinces.
    The second is of another village or province than the first, if anything was sold there.
    """
    some = sorted((-number, key) for key, number in parts.items() if number)
    if not some:
        return ()
    first = some[0][1]
    others = [key for _, key in some[1:]]
    return (first, *sorted(others, key=lambda key: inside[key] == inside[first])[:1])


def ends(months: Mapping[Key, float]) -> tuple[Key, ...]:
    """The months kept in reserve: the first and the last with purchases; no period but the
    whole has both."""
    some = sorted(month for month, number in months.items() if number)
    return tuple(dict.fromkeys((*some[:1], *some[-1:])))


class _Table:
    """Numbers, and which of them are hidden: edges between the lines they are in."""

    def __init__(
        self, numbers: list[list[float]], shown: list[bool], kept: list[bool], overlap: bool
    ) -> None:
        self.numbers, self.height, self.overlap = numbers, len(numbers), overlap
        self.size = len(shown)
        # Lines whose totals are shown.
        self.open = shown
        # What is hidden, by line: the lines it crosses.
        self.crossed: list[set[int]] = [set() for _ in range(self.size)]
        self.hidden: set[_Edge] = set()
        self.together: list[float] = [0] * self.size
        # Of one line only the totals across it say the same as its cells: they are protected.
        self.flat = min(self.height, self.size - self.height) < 2
        for row, line in enumerate(numbers):
            for column, number in enumerate(line, self.height):
                closed = not (self.open[row] and self.open[column])
                small = number < FEWEST and (number or kept[row] or kept[column])
                if closed or (small and not self.flat):
                    self.hide(row, column)

    def number(self, line: int, other: int) -> float:
        row, column = (line, other) if line < other else (other, line)
        return self.numbers[row][column - self.height]

    def hide(self, line: int, other: int) -> None:
        self.crossed[line].add(other)
        self.crossed[other].add(line)
        self.hidden.add((line, other) if line < other else (other, line))
        number = self.number(line, other)
        for each in (line, other):
            self.together[each] = together((self.together[each], number), self.overlaps(each))

    def overlaps(self, line: int) -> bool:
        """Whether a purchase can be in several numbers of a line: it may be, of a column."""
        return self.overlap and line >= self.height

    def across(self, line: int) -> range:
        return range(self.height, self.size) if line < self.height else range(self.height)

    def protect(self) -> None:
        """Hide until no hidden number, and no small sum of them, follows from what is shown.

        It ends: each step hides more, and of two lines by two or more with everything hidden
        nothing follows; a line whose total is shown then hides all of its five or more, and what it
        hides is its total, which is known anyway.
        """
        if self.flat:
            return
        self.pair()
        while weak := self.weak():
            seen: set[int] = set()
            for line, block in weak:
                if seen.isdisjoint(block):
                    seen.update(self.mend(line, block))

    def pair(self) -> None:
        """Give each line's hidden numbers enough company: the usual case, without a search."""
        waiting = list(range(self.size))
        while waiting:
            line = waiting.pop()
            while self.lonely(line):
                partner = min(
                    (other for other in self.across(line) if other not in self.crossed[line]),
                    key=lambda other: (not self.crossed[other], self.cost(line, other), other),
                )
                self.hide(line, partner)
                waiting.append(partner)

    def lonely(self, line: int) -> bool:
        """Whether what a line hides is alone, or too little beside a total that is shown."""
        hidden = len(self.crossed[line])
        some = 1 < hidden < len(self.across(line))
        return hidden == 1 or (some and self.open[line] and self.together[line] < FEWEST)

    def cost(self, line: int, other: int) -> float:
        """A withheld zero is the last resort: it is the more easily guessed."""
        return self.number(line, other) or LAST_RESORT

    def weak(self) -> list[tuple[int, set[int]]]:
        """Lines with what they cross in one block, where that is alone or small together.

        Two hidden numbers of a line can make up for each other where a circle of hidden numbers
        goes through both: where they are of one block (a biconnected component).
        """
        found = []
        for edges in self.blocks():
            lines: dict[int, list[int]] = defaultdict(list)
            for line, other in edges:
                lines[line].append(other)
                lines[other].append(line)
            for line, others in lines.items():
                numbers = (self.number(line, other) for other in others)
                some = self.open[line] and len(others) < len(self.across(line))
                few = some and together(numbers, self.overlaps(line)) < FEWEST
                if len(edges) == 1 or few:
                    found.append((line, set(lines)))
        return found

    def blocks(self) -> Iterator[list[_Edge]]:
        """The blocks of what is hidden (Hopcroft and Tarjan 1973), without recursion."""
        order = [0] * self.size
        low = [0] * self.size
        count = 0
        for root in range(self.size):
            if order[root]:
                continue
            count += 1
            order[root] = low[root] = count
            edges: list[_Edge] = []
            path = [(root, -1, 0, iter(sorted(self.crossed[root])))]
            while path:
                line, before, start, others = path[-1]
                for other in others:
                    if not order[other]:
                        count += 1
                        order[other] = low[other] = count
                        path.append((other, line, len(edges), iter(sorted(self.crossed[other]))))
                        edges.append((line, other))
                        break
                    if other != before and order[other] < order[line]:
                        edges.append((line, other))
                        low[line] = min(low[line], order[other])
                else:
                    path.pop()
                    if before >= 0:
                        low[before] = min(low[before], low[line])
                        if low[line] >= order[before]:
                            yield edges[start:]
                            del edges[start:]

    def mend(self, start: int, block: set[int]) -> set[int]:
        """Hide the cheapest way from a line around to its block; the lines on that way.

        What is hidden already costs nothing.
        """
        goals = block - {start}
        best: dict[int, float] = {start: 0}
        came: dict[int, int] = {}
        queue: list[tuple[float, int]] = [(0, start)]
        while queue:
            cost, line = heappop(queue)
            if cost > best[line]:
                continue
            if line in goals:
                break
            for other in self.across(line):
                hidden = other in self.crossed[line]
                # The block's own numbers are what is to be got around.
                if hidden and line == start and other in block:
                    continue
                further = cost + (0 if hidden else self.cost(line, other))
                if further < best.get(other, further + 1):
                    best[other], came[other] = further, line
                    heappush(queue, (further, other))
        on_way = {line}
        while line != start:
            if line not in self.crossed[came[line]]:
                self.hide(line, came[line])
            line = came[line]
            on_way.add(line)
        return on_way | block
