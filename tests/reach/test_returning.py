"""What is shown of buyers who come back, and that nothing small can be found from it."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from ovop_market.orders.models import Order
from ovop_market.orders.states import OrderState
from ovop_market.reach import published
from ovop_market.reach.models import Channel
from ovop_market.reach.published import Tree
from ovop_market.reach.returning import (
    HELD,
    Returning,
    Share,
    Split,
    decided,
    over,
    returning_by_village,
    returning_in_all,
    shown,
)
from ovop_market.reach.withholding import is_small, withhold_line
from tests.counting import counted
from tests.factories import NOW, advance, make_producer, make_purchase, make_village
from tests.reach.rolled import roll
from tests.reach.test_rollup import craft, village_in
from tests.reach.test_withholding import Span

DENDANG = "19.05.04.2005"
YEAR = 2026


def whole_of(splits: Iterable[Split]) -> Split:
    some = list(splits)
    return Split(sum(split.purchases for split in some), sum(split.returning for split in some))


def area(*splits: tuple[int, int]) -> Returning:
    """A regency of these villages, by whom nothing is bought together."""
    found = {number: Split(*split) for number, split in enumerate(splits, 1)}
    return decided(found, whole_of(found.values()))


# One regency


@pytest.mark.parametrize(
    ("splits", "held"),
    [
        ([(50, 20), (60, 30)], []),
        ([(50, 0), (60, 60)], []),  # nobody at all says nothing about anybody
        ([(50, 3), (60, 30), (90, 40)], [1, 2]),  # with another, lest it follow from the whole
        ([(50, 47), (60, 30), (90, 40)], [1, 2]),  # nor how few were new
        ([(50, 2), (60, 2), (90, 40)], [1, 2, 3]),  # two and two are four
        ([(3, 0), (60, 30), (70, 30), (90, 0)], [1, 2]),
        ([(50, 3), (60, 0)], [0, 1, 2]),  # three came back in all: not even to whom not is said
        ([(50, 3)], [0, 1]),
        ([(4, 4)], [0, 1]),
        ([(50, 20)], []),
        ([], []),
    ],
)
def test_of_a_regency(splits: list[tuple[int, int]], held: list[int]) -> None:
    found = area(*splits)
    every = {0: found.whole, **found.villages}
    assert [key for key, share in every.items() if share.held] == held
    for number, split in enumerate(splits, 1):
        assert found.villages[number] == (HELD if number in held else Share(*split))


def test_villages_whose_purchases_are_withheld() -> None:
    """Else what they sold would be said here."""
    splits = {number: Split(40 + number, 10 + number) for number in range(4)}
    found = decided(splits, whole_of(splits.values()), {1, 2, 99})
    assert [key for key, share in found.villages.items() if share.held] == [1, 2]
    assert not found.whole.held


def test_the_whole_is_not_small_itself() -> None:
    """Two villages sold in one purchase what they sold in two, and only four of those were new."""
    splits = {1: Split(20, 15), 2: Split(20, 15)}
    found = decided(splits, Split(34, 30))
    assert found.whole == HELD
    assert found.villages == {1: Share(20, 15), 2: Share(20, 15)}
    assert decided(splits, Split(30, 20)).whole == Share(30, 20)


# The attack


class Market:
    """Villages of a regency. The attacker has what is shown, and what else is published of the
    year: purchases by village, and all."""

    def __init__(self, villages: dict[int, Split]) -> None:
        self.villages = villages
        self.whole = whole_of(villages.values())
        closed = withhold_line({key: split.purchases for key, split in villages.items()})
        self.shown = decided(villages, self.whole, closed)
        # Of cells (village, part): those of a number that is known, and the number.
        self.known: list[tuple[frozenset[tuple[int, str]], int]] = []
        self.small: list[frozenset[tuple[int, str]]] = []
        for key, split in villages.items():
            self.put([key], split, self.shown.villages[key], key in closed)
        self.put(villages, self.whole, self.shown.whole, self.whole.few)

    def put(self, keys: Iterable[int], split: Split, share: Share, closed: bool) -> None:
        parts = {"new": split.new, "returning": split.returning}
        cells = {part: frozenset((key, part) for key in keys) for part in parts}
        for part, number in parts.items():
            if is_small(number):
                self.small.append(cells[part])
                assert share.held
            if not share.held:
                self.known.append((cells[part], number))
        assert share == (HELD if share.held else Share(split.purchases, split.returning))
        assert share.held or not closed
        if not closed:
            self.known.append((cells["new"] | cells["returning"], split.purchases))

    def recovered(self) -> list[frozenset[tuple[int, str]]]:
        zeros = self.zeros()
        cells = sorted({(key, part) for key in self.villages for part in ("new", "returning")})
        number = {cell: place for place, cell in enumerate(cells) if cell not in zeros}
        span = Span(prime=None)
        for some, _ in self.known:
            span.add(number[cell] for cell in some - zeros)
        return [some for some in self.small if span.holds(number[c] for c in some - zeros)]

    def zeros(self) -> set[tuple[int, str]]:
        """What is shown to be nothing, or must be, since others are all of the number."""
        zeros: set[tuple[int, str]] = set()
        while True:
            before = len(zeros)
            for some, number in self.known:
                counted: set[tuple[int, str]] = set()
                together = 0
                for part, n in sorted(self.known, key=lambda known: (-known[1], len(known[0]))):
                    if n and part < some and not part & counted:
                        counted |= part
                        together += n
                if together == number:
                    zeros |= some - counted
            if len(zeros) == before:
                return zeros


@st.composite
def markets(draw: st.DrawFn) -> Market:
    size = draw(st.integers(1, 7))
    chance = random.Random(draw(st.integers(0, 2**32)))
    most, none = draw(st.sampled_from([6, 15, 60])), draw(st.sampled_from([0, 0.3, 0.8]))

    def split() -> Split:
        purchases = chance.randint(1, most)
        back = 0 if chance.random() < none else chance.randint(0, purchases)
        return Split(purchases, back)

    return Market({village: split() for village in range(size)})


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(markets())
def test_nothing_small_follows_from_what_is_shown(market: Market) -> None:
    assert market.recovered() == []


def test_the_attack_finds_what_is_not_withheld() -> None:
    """Lest the test above proves nothing: with no other beside it, a village is found."""
    market = Market({1: Split(50, 3), 2: Split(60, 30), 3: Split(90, 40)})
    assert market.recovered() == []
    cells = {part: frozenset({(2, part)}) for part in ("new", "returning")}
    market.known += [(cells["new"], 30), (cells["returning"], 30)]
    assert frozenset({(1, "returning")}) in market.recovered()


# From orders to what is shown


def test_of_orders(session: Session) -> None:
    here = craft(session, make_producer(session, make_village(session)))
    there = craft(session, make_producer(session, make_village(session, DENDANG, name="Dendang")))

    def buy(number: int, *products: object) -> list[Order]:
        phone = f"+62812999900{number:02d}"
        orders = make_purchase(session, [(p, 1) for p in products], phone=phone).orders  # type: ignore[misc]
        for order in orders:
            advance(session, order, OrderState.RECEIVED)
        return orders

    for number in range(6):
        buy(number, here)
    for number in range(6):
        buy(number, here)
    for number in range(5):
        buy(number, here, there)
    session.commit()
    ours, theirs = here.producer.village_id, there.producer.village_id
    splits = {ours: Split(17, 11), theirs: Split(5, 0)}
    tree = Tree(YEAR, "19.05")
    assert returning_by_village(session, ["19.05"], [YEAR]) == {tree: splits}
    # Each of the five who bought from both had bought before.
    assert returning_in_all(session, ["19.05"], [YEAR]) == {tree: Split(17, 11)}
    told = Returning(Share(17, 11), {ours: Share(17, 11), theirs: Share(5, 0)})
    assert shown(session, tree) == shown(session, tree, YEAR) == told
    assert shown(session, tree, YEAR - 1, YEAR) == told
    assert shown(session, Tree(YEAR - 1, "19.05")) == Returning()
    assert shown(session, Tree(YEAR, "19.01")) == over(session, []) == Returning()
    with pytest.raises(ValueError, match="nobody knows who bought"):
        shown(session, Tree(YEAR, "19.05", reported=True))


def test_several_years_add_up_and_a_withheld_one_says_so(session: Session) -> None:
    product = craft(session)
    village = product.producer.village_id
    for year, purchases, repeats in ((2024, 20, 0), (2025, 30, 2), (2026, 40, 15)):
        roll(session, product, date(year, 5, 3), purchases, 1_000, repeats=repeats)
        roll(session, product, date(year, 6, 3), 9, 1_000, channel=Channel.FAIR)
    tree = Tree(YEAR, "19.05")
    assert shown(session, tree).villages == {village: Share(40, 15)}
    assert shown(session, tree, 2025) == Returning(HELD, {village: HELD})
    together = Share(60, 15, held=True)
    assert shown(session, tree, 2024, 2025, 2026) == Returning(together, {village: together})
    assert shown(session, tree, 2024, 2026).whole == Share(60, 15)


def test_several_regencies_are_the_sum_of_what_each_shows(session: Session) -> None:
    """Each decides for itself: the first purchases in one withhold nothing of another."""
    products = [
        craft(session, make_producer(session, make_village(session, code, name=name)))
        for code, name in (
            ("19.05.01.2006", "Belo Laut"),
            (DENDANG, "Dendang"),
            (village_in(session, "19.71"), "Lain"),
        )
    ]
    for product, (purchases, repeats) in zip(products, ((40, 20), (50, 30), (9, 2)), strict=True):
        roll(session, product, NOW.date() - timedelta(days=3), purchases, 1_000, repeats=repeats)
    first, second, third = (product.producer.village_id for product in products)
    shares = {first: Share(40, 20), second: Share(50, 30)}
    here, there = Tree(YEAR, "19.05"), Tree(YEAR, "19.71")
    assert shown(session, here) == Returning(Share(90, 50), shares)
    assert shown(session, there) == Returning(HELD, {third: HELD})
    both = Returning(Share(90, 50, held=True), {**shares, third: HELD})
    assert over(session, [here, there]) == both


def test_what_is_published_of_purchases_is_not_contradicted(session: Session) -> None:
    """A village whose year is withheld there shows nothing here, nor does its company."""
    villages = {}
    for code, name, purchases in (
        ("19.05.01.2006", "Belo Laut", 40),
        (DENDANG, "Dendang", 30),
        ("19.05.02.2005", "Air Nyatoh", 3),
    ):
        product = craft(session, make_producer(session, make_village(session, code, name=name)))
        roll(session, product, NOW.date(), purchases, 1_000, repeats=purchases // 2)
        villages[name] = product.producer.village_id
    tree = Tree(YEAR, "19.05")
    held = {key for key, sums in published.of(session, tree).villages().items() if sums.held}
    assert held == {villages["Dendang"], villages["Air Nyatoh"]}
    found = shown(session, tree)
    assert {key for key, share in found.villages.items() if share.held} >= held


def test_it_costs_a_few_statements_however_many_years(session: Session) -> None:
    product = craft(session)
    for year in (2024, 2025, 2026):
        roll(session, product, date(year, 5, 3), 40, 1_000, repeats=15)
    session.flush()
    tree = Tree(YEAR, "19.05")
    shown(session, tree, 2024, 2025, 2026)
    with counted() as statements:
        shown(session, tree, 2024, 2025, 2026)
    # What is decided is kept (reach.snapshots): its stamp alone.
    assert len(statements) == 1
