"""What is withheld cannot be found: small tables and whole years are attacked by linear algebra.

The attacker adds and subtracts everything that is shown, with any factors, and knows to be zero
whatever is shown as zero, or must be zero since the rest of its line is all of the total.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovop_market.reach.withholding import (
    FEWEST,
    Withheld,
    at_least,
    ends,
    is_small,
    reserve,
    withhold,
    withhold_line,
)

Table = dict[tuple[int, int], int]
PRIME = 2**61 - 1


class Span:
    """What follows from rows of numbers by adding and subtracting, modulo a large prime or,
    without one, exactly."""

    def __init__(self, prime: int | None = PRIME) -> None:
        self.prime = prime
        self.basis: dict[int, dict[int, int | Fraction]] = {}

    def rest(self, vector: Iterable[int]) -> dict[int, int | Fraction]:
        """Of a sum of unknowns, what does not follow."""
        left: dict[int, int | Fraction] = dict.fromkeys(vector, 1 if self.prime else Fraction(1))
        done: dict[int, int | Fraction] = {}
        while left:
            pivot = min(left)
            if pivot not in self.basis:
                done[pivot] = left.pop(pivot)
                continue
            factor = left[pivot]
            for key, value in self.basis[pivot].items():
                number = left.get(key, 0) - factor * value
                number = number % self.prime if self.prime else number
                if number:
                    left[key] = number
                else:
                    left.pop(key, None)
        return done

    def add(self, vector: Iterable[int]) -> None:
        rest = self.rest(vector)
        if rest:
            pivot = min(rest)
            first = rest[pivot]
            inverse = pow(int(first), -1, self.prime) if self.prime else 1 / first
            self.basis[pivot] = {
                key: value * inverse % self.prime if self.prime else value * inverse
                for key, value in rest.items()
            }

    def holds(self, vector: Iterable[int]) -> bool:
        return not self.rest(vector)


# One line


@pytest.mark.parametrize(
    ("parts", "withheld"),
    [
        ({}, ""),
        ({"a": 0, "b": 0}, ""),
        ({"a": 5, "b": 70, "c": 0}, ""),
        ({"a": 3, "b": 70, "c": 9, "d": 0}, "ac"),
        ({"a": 2, "b": 2, "c": 9, "d": 8}, "abd"),  # four together are as small as two
        ({"a": 2, "b": 3, "c": 9}, "ab"),
        ({"a": 1, "b": 3}, "ab"),
        ({"a": 3}, "a"),
        ({"a": 3, "b": 0}, "a"),
        ({"b": 8, "a": 8, "c": 4}, "ac"),  # of equals, the first
    ],
)
def test_parts_of_one_total(parts: dict[str, int], withheld: str) -> None:
    assert withhold_line(parts) == set(withheld)


def test_all_parts_of_a_withheld_total() -> None:
    assert withhold_line({"a": 50, "b": 70, "c": 0}, whole=True) == {"a", "b"}


def test_what_is_kept_in_reserve() -> None:
    inside = {"a": 1, "b": 1, "c": 2, "d": 2}
    assert reserve({"a": 9, "b": 8, "c": 3, "d": 4}, inside) == ("a", "d")
    assert reserve({"a": 9, "b": 8, "c": 0}, inside) == ("a", "b")
    assert reserve({"a": 0, "b": 8}, inside) == ("b",)
    assert reserve({"a": 0}, inside) == ()
    assert ends({1: 0, 2: 7, 3: 0, 4: 1, 5: 0}) == (2, 4)
    assert ends({1: 0, 2: 7}) == (2,)
    assert ends({}) == ()


# One table

numbers = st.one_of(st.just(0), st.integers(0, 12))


@st.composite
def tables(draw: st.DrawFn, number: st.SearchStrategy[int] = numbers) -> Table:
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    return {(row, col): draw(number) for row in range(height) for col in range(width)}


def row_totals(table: Table) -> dict[int, int]:
    return {key: sum(n for (row, _), n in table.items() if row == key) for key, _ in table}


def column_totals(table: Table) -> dict[int, int]:
    return {key: sum(n for (_, col), n in table.items() if col == key) for _, key in table}


def attack(table: Table, found: Withheld[int, int]) -> None:
    """Nothing of one to four follows, and no line hides cells of one to four together."""
    rows, columns = row_totals(table), column_totals(table)
    entries = {
        (row, col): ({(row, col)}, n, (row, col) in found.cells) for (row, col), n in table.items()
    }
    lines = {
        **{
            ("row", k): ({c for c in table if c[0] == k}, n, k in found.rows)
            for k, n in rows.items()
        },
        **{
            ("col", k): ({c for c in table if c[1] == k}, n, k in found.columns)
            for k, n in columns.items()
        },
        "whole": (set(table), sum(table.values()), found.whole),
    }
    shown = [cells for cells, _, hidden in [*entries.values(), *lines.values()] if not hidden]
    zeros = set().union(
        *(
            cells
            for cells, n, hidden in [*entries.values(), *lines.values()]
            if not hidden and not n
        )
    )
    number = {cell: place for place, cell in enumerate(sorted(set(table) - zeros))}
    span = Span(prime=None)
    for cells in shown:
        span.add(number[cell] for cell in cells - zeros)
    for cells, n, _ in [*entries.values(), *lines.values()]:
        if is_small(n):
            assert not span.holds(number[cell] for cell in cells - zeros)
    for line in [*(("row", k) for k in rows), *(("col", k) for k in columns)]:
        cells = sorted(lines[line][0])
        for first in range(len(cells)):
            for last in range(first + 1, len(cells)):
                period = cells[first : last + 1]
                if is_small(sum(table[cell] for cell in period)):
                    assert not span.holds(number[cell] for cell in period if cell in number)
    for cells, _, hidden in lines.values():
        assert hidden or not is_small(sum(table[cell] for cell in cells & found.cells))


@given(tables())
def test_no_small_number_follows_from_a_table(table: Table) -> None:
    attack(table, withhold(table))


@given(tables(), st.data())
def test_nor_when_lines_do_not_say_where_they_are_zero(table: Table, data: st.DataObject) -> None:
    rows = data.draw(st.sets(st.sampled_from(sorted({row for row, _ in table})), max_size=2))
    columns = data.draw(st.sets(st.sampled_from(sorted({col for _, col in table})), max_size=2))
    found = withhold(table, reserve_rows=rows, reserve_columns=columns)
    attack(table, found)
    if len(found.rows) < 2 and min(map(len, (live_rows(table), live_columns(table)))) > 1:
        for row, col in table:
            if (
                (row in rows or col in columns)
                and row_totals(table)[row]
                and column_totals(table)[col]
            ):
                assert table[row, col] >= FEWEST or (row, col) in found.cells


def live_rows(table: Table) -> list[int]:
    return [row for row, n in row_totals(table).items() if n]


def live_columns(table: Table) -> list[int]:
    return [col for col, n in column_totals(table).items() if n]


@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_the_cells_does_not_matter(table: Table, chance: random.Random) -> None:
    cells = list(table.items())
    chance.shuffle(cells)
    assert withhold(dict(cells)) == withhold(table)
    assert withhold({key: n for key, n in cells if n}) == withhold(table)


@given(tables(st.one_of(st.just(0), st.integers(FEWEST, 20))))
def test_nothing_is_withheld_where_nothing_is_small(table: Table) -> None:
    assert withhold(table) == Withheld(frozenset(), frozenset(), frozenset(), False)


@given(tables(), st.data())
def test_lines_and_wholes_that_are_withheld_already(table: Table, data: st.DataObject) -> None:
    rows = withhold_line(row_totals(table), whole=True)
    found = withhold(table, whole=True)
    assert found.whole and found.rows == rows
    assert found.cells >= {cell for cell, n in table.items() if n}
    # As a parent's table withholds them: never one alone, and never so little.
    columns = column_totals(table)
    chosen = data.draw(st.sets(st.sampled_from(sorted(columns)), max_size=3))
    chosen |= {key for key, n in columns.items() if is_small(n)}
    found = withhold(table, columns=chosen)
    assert found.columns == chosen
    live = set(live_rows(table))
    assert found.cells >= {(row, col) for row, col in table if col in chosen and row in live}


def test_a_small_cell_needs_three_more() -> None:
    table = {(row, col): 10 * (row + 1) + col for row in range(3) for col in range(3)}
    table[0, 0] = 2
    assert withhold(table).cells == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_bridge_between_circles_is_no_protection() -> None:
    table = {(row, col): 20 for row in range(4) for col in range(4)}
    table |= {(row, col): 3 for row in (0, 1) for col in (0, 1)}
    table |= {(row, col): 3 for row in (2, 3) for col in (2, 3)}
    table[0, 2] = 3
    found = withhold(table)
    assert len(found.cells) == 10  # one more, back from there
    attack(table, found)


def test_what_a_line_withholds_in_one_block_is_not_small_either() -> None:
    table = {(row, col): 20 for row in range(3) for col in range(4)}
    table |= {(0, 0): 2, (0, 1): 2, (1, 0): 3, (1, 1): 3}
    table |= {(0, 2): 4, (0, 3): 4, (2, 2): 4, (2, 3): 4}
    found = withhold(table)
    assert len(found.cells) > 8
    attack(table, found)


def test_where_zeros_would_give_it_away_they_are_not_said_either() -> None:
    assert withhold({("a", 1): 3, ("a", 2): 10, ("b", 1): 5}).cells == {
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("b", 2),
    }


def test_of_one_line_the_totals_across_say_it_all() -> None:
    found = withhold({("a", 1): 3, ("a", 2): 10, ("a", 3): 12})
    assert found.columns == {1, 2}
    assert found.cells == {("a", 1), ("a", 2)}


# A purchase in several rows


def test_one_buyer_of_five_products_is_one_buyer() -> None:
    """Twenty bought A; one bought B to F at once. Without A's, the total would be that one's."""
    parts = {"A": 20, **dict.fromkeys("BCDEF", 1)}
    assert withhold_line(parts) == set("BCDEF")
    assert withhold_line(parts, overlap=True) == set("ABCDEF")
    found = withhold({(name, month): n for name, n in parts.items() for month in (1, 2)})
    assert ("A", 1) not in found.cells
    found = withhold(
        {(name, month): n for name, n in parts.items() for month in (1, 2)},
        overlap=True,
        rows=withhold_line({name: 2 * n for name, n in parts.items()}, overlap=True),
    )
    assert {("A", 1), ("A", 2)} <= found.cells


@given(st.data())
def test_no_few_buyers_follow_where_a_purchase_is_in_several_rows(data: st.DataObject) -> None:
    """What a column's shown total and cells leave over was bought by five or more, or by all."""
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    baskets = [
        (chance.sample(range(5), chance.randint(1, 5)), chance.randint(0, 2))
        for _ in range(chance.randint(6, 80))
    ]
    cells = Counter((row, column) for rows, column in baskets for row in rows)
    buyers = Counter(column for _rows, column in baskets)
    no_columns = withhold_line(buyers)
    found = withhold(cells, overlap=True, columns=no_columns, whole=is_small(len(baskets)))
    for column in set(buyers) - found.columns:
        hidden = {row for row in range(5) if (row, column) in found.cells}
        left = sum(column == at and bool(hidden.intersection(rows)) for rows, at in baskets)
        shown = {row for row in range(5) if cells[row, column]} - hidden
        assert not hidden or not shown or left >= FEWEST, (column, hidden)
    hidden_rows = {row for row in range(5) if row in found.rows}
    left = sum(bool(hidden_rows.intersection(rows)) for rows, _at in baskets)
    some_shown = {row for rows, _at in baskets for row in rows} - hidden_rows
    assert not hidden_rows or not some_shown or left >= FEWEST


def test_a_trace_is_hidden_and_counts_for_nothing() -> None:
    """The rest of a purchase that is counted elsewhere: four buyers stay four."""
    assert is_small(4 + 1e-6) and is_small(1e-6) and not is_small(5 + 1e-6)
    found = withhold({("a", 1): 4, ("a", 2): 1e-6, ("b", 1): 9, ("b", 2): 9})
    assert found.rows == {"a", "b"}


@pytest.mark.parametrize(
    ("places", "told"), [(0, 0), (1, 0), (5, 0), (6, 5), (10, 5), (11, 10), (54, 50)]
)
def test_of_places_fives_are_told_and_never_all(places: int, told: int) -> None:
    assert at_least(places) == told


# A year: months, selections and destinations together

Node = tuple[int, ...]  # () is all; (1,) a village or province; (1, 0) a product or regency
Place = tuple[Node, Node, int]  # product, regency, month
Box = tuple[Node, Node, int | None]  # any nodes, a month or the year


@dataclass
class Year:
    """Purchases, and how the reach pages show them: from the top down, no number in three ways."""

    purchases: Mapping[Place, int]
    products: list[Node]
    regencies: list[Node]
    months: list[int]
    # None is withheld.
    shown: dict[Box, int | None] = field(default_factory=dict)

    def places(self, what: Node, where: Node, months: Iterable[int]) -> Iterator[Place]:
        inside = [d for d in self.regencies if d[: len(where)] == where]
        for product in self.products:
            if product[: len(what)] == what:
                yield from ((product, d, month) for month in months for d in inside)

    def of(self, box: Box) -> Iterator[Place]:
        return self.places(box[0], box[1], self.months if box[2] is None else (box[2],))

    def number(self, box: Box) -> int:
        return sum(self.purchases.get(place, 0) for place in self.of(box))

    def put(self, box: Box, withheld: bool) -> None:
        number = None if withheld else self.number(box)
        assert self.shown.setdefault(box, number) == number, "tables disagree"

    def publish(self) -> None:
        sold = {key: self.number((key, (), None)) for key in self.products}
        sent = {key: self.number(((), key, None)) for key in self.regencies}
        by_month = {month: self.number(((), (), month)) for month in self.months}
        what = reserve(sold, {key: key[:1] for key in sold})
        where = reserve(sent, {key: key[:1] for key in sent})
        self.first_and_last = ends(by_month)
        whole = is_small(sum(sold.values()))
        self.put(((), (), None), whole)
        self.by_month(self.regencies, where, whole, lambda d, month: ((), d, month))
        self.by_month(self.products, what, whole, lambda s, month: (s, (), month), overlap=True)
        self.by_place(what, where, whole)

    def table(
        self, rows: list, columns: list, at: Callable[..., Box], /, **known: object
    ) -> Withheld:
        cells = {(row, col): self.number(at(row, col)) for row in rows for col in columns}
        found = withhold(cells, **known)
        for row, col in cells:
            self.put(at(row, col), (row, col) in found.cells)
        return found

    def by_month(
        self,
        leaves: list[Node],
        kept: tuple[Node, ...],
        whole: bool,
        at: Callable[..., Box],
        *,
        overlap: bool = False,
    ) -> None:
        """Provinces, then regencies of each; or villages, then products of each; by month."""
        tops = above(leaves)
        reserved: dict[str, object] = {"overlap": overlap}
        reserved |= {"reserve_rows": above(kept), "reserve_columns": self.first_and_last}
        top = self.table(tops, self.months, at, whole=whole, **reserved)
        for row in tops:
            self.put(at(row, None), row in top.rows)
        for month in self.months:
            self.put(at((), month), month in top.columns)
        reserved["reserve_rows"] = kept
        for parent in tops:
            children = [leaf for leaf in leaves if leaf[:1] == parent]
            columns = [month for month in self.months if (parent, month) in top.cells]
            whole = parent in top.rows
            table = self.table(children, self.months, at, columns=columns, whole=whole, **reserved)
            for row in children:
                self.put(at(row, None), row in table.rows)

    def by_place(self, what: tuple[Node, ...], where: tuple[Node, ...], whole: bool) -> None:
        """Villages by province; then by regency; then products by province, and by regency."""
        villages, provinces = above(self.products), above(self.regencies)

        def at(row: Node, col: Node) -> Box:
            return (row, col, None)

        coarse: dict[str, object] = {"overlap": True}
        coarse |= {"reserve_rows": above(what), "reserve_columns": above(where)}
        top = self.table(villages, provinces, at, whole=whole, **coarse)
        finer = {}
        for province in provinces:
            finer[province] = self.table(
                villages,
                [d for d in self.regencies if d[:1] == province],
                at,
                rows=[village for village in villages if (village, province) in top.cells],
                whole=province in top.columns,
                overlap=True,
                reserve_rows=above(what),
                reserve_columns=where,
            )
        for village in villages:
            products = [product for product in self.products if product[:1] == village]
            own = self.table(
                products,
                provinces,
                at,
                columns=[province for province in provinces if (village, province) in top.cells],
                whole=village in top.rows,
                overlap=True,
                reserve_rows=what,
                reserve_columns=above(where),
            )
            for province in provinces:
                regencies = [d for d in self.regencies if d[:1] == province]
                self.table(
                    products,
                    regencies,
                    at,
                    rows=[s for s in products if (s, province) in own.cells],
                    columns=[d for d in regencies if (village, d) in finer[province].cells],
                    whole=(village, province) in top.cells,
                    overlap=True,
                    reserve_rows=what,
                    reserve_columns=where,
                )

    def possible(self) -> set[Place]:
        """Where the attacker does not know that there is nothing."""
        places = set(self.of(((), (), None)))
        known = [(set(self.of(box)), n) for box, n in self.shown.items() if n is not None]
        while True:
            before = len(places)
            known = [(box & places, number) for box, number in known]
            for box, number in known:
                if not number:
                    places -= box
                for axis in range(3):
                    # Of a line through the box, what is shown; greatest first.
                    counted: set[Place] = set()
                    together = 0
                    for part, n in sorted(known, key=lambda part: (-part[1], -len(part[0]))):
                        if n and part < box and not part & counted and spans(part, box, axis):
                            counted |= part
                            together += n
                    if together == number:
                        places -= box - counted
            if len(places) == before:
                return places

    def attacked(self) -> Iterator[tuple[Node, Node, list[int]]]:
        """All that the filters can ask for and that has one to four purchases."""
        for what in [(), *above(self.products), *self.products]:
            for where in [(), *above(self.regencies), *self.regencies]:
                for first in range(len(self.months)):
                    for last in range(first, len(self.months)):
                        months = self.months[first : last + 1]
                        places = self.places(what, where, months)
                        if is_small(sum(self.purchases.get(place, 0) for place in places)):
                            yield what, where, months

    def recovered(self) -> list[tuple[Node, Node, list[int]]]:
        """What the attacker finds."""
        unknown = {place: number for number, place in enumerate(sorted(self.possible()))}
        quick, exact = Span(), Span(prime=None)

        def vector(places: Iterable[Place]) -> list[int]:
            return [unknown[place] for place in places if place in unknown]

        shown = [vector(self.of(box)) for box, n in self.shown.items() if n is not None]
        for places in shown:
            quick.add(places)
        found = [box for box in self.attacked() if quick.holds(vector(self.places(*box)))]
        if found:
            for places in shown:
                exact.add(places)
        return [box for box in found if exact.holds(vector(self.places(*box)))]


def above(leaves: Iterable[Node]) -> list[Node]:
    return sorted({leaf[:1] for leaf in leaves})


def spans(part: set[Place], box: set[Place], axis: int) -> bool:
    """Whether the part goes as far as the box in all but one direction."""
    return all(
        {place[other] for place in part} == {place[other] for place in box}
        for other in range(3)
        if other != axis
    )


@st.composite
def years(draw: st.DrawFn) -> Year:
    products = [
        (village, product)
        for village, some in enumerate(draw(st.lists(st.integers(1, 2), min_size=2, max_size=4)))
        for product in range(some)
    ]
    some = (draw(st.integers(1, 3)), draw(st.integers(1, 2)))
    regencies = [(province, d) for province in (0, 1) for d in range(some[province])]
    months = list(range(1, draw(st.integers(1, 4)) + 1))
    # Drawn from one seed: a hundred draws each would cost more than the attack.
    chance = random.Random(draw(st.integers(0, 2**32)))
    often, most = draw(st.sampled_from([0.15, 0.4, 0.8, 1])), draw(st.sampled_from([4, 12, 40]))
    purchases = {
        (product, regency, month): chance.randint(1, most)
        for product in products
        for regency in regencies
        for month in months
        if chance.random() < often
    }
    return Year(purchases, products, regencies, months)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(years())
def test_nothing_small_follows_from_all_tables_of_a_year_together(year: Year) -> None:
    year.publish()
    assert year.recovered() == []


def test_the_attack_finds_what_is_not_withheld() -> None:
    """Lest the test above proves nothing: without partners, a small number is found."""
    products, regencies = [(0, 0), (1, 0)], [(0, 0), (1, 0)]
    numbers = zip([(s, d) for s in products for d in regencies], (3, 20, 30, 40), strict=True)
    year = Year({(s, d, 1): n for (s, d), n in numbers}, products, regencies, [1])
    for what in ((), (0,), (1,)):
        for where in ((), (0,), (1,)):
            year.put((what, where, None), (what, where) == ((0,), (0,)))
    assert ((0,), (0,), [1]) in year.recovered()


def test_what_is_known_to_be_zero_elsewhere_finds_nothing() -> None:
    """Village 0 sold in one month only. Were that shown, what it sent to a regency would be that
    month's, and the rest of the month's purchases there the four of village 1."""
    purchases = {
        ((0, 0), (0, 1), 1): 11,
        ((1, 0), (0, 1), 3): 12,
        ((1, 0), (0, 2), 3): 7,
        ((1, 1), (0, 1), 1): 4,
        ((1, 1), (0, 2), 1): 10,
        ((1, 1), (0, 2), 4): 8,
    }
    year = Year(purchases, [(0, 0), (1, 0), (1, 1)], [(0, 1), (0, 2), (1, 0)], [1, 2, 3, 4])
    year.publish()
    assert year.recovered() == []
