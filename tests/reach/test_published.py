"""What is shown of a year is what the scheme of ADR 27 says, which test_withholding attacks; it is
kept until something changes, and no longer."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.orders.services import lifecycle
from ovop_market.orders.states import OrderState
from ovop_market.reach import published, snapshots
from ovop_market.reach.figures import Sums
from ovop_market.reach.grids import HELD, Grid, known, without
from ovop_market.reach.models import Channel, ReachPlaceMonth
from ovop_market.reach.published import Published, Tree
from tests.factories import (
    BELO_LAUT,
    advance,
    make_order,
    make_producer,
    make_purchase,
    make_user,
    make_village,
)
from tests.reach.rolled import roll
from tests.reach.test_rollup import BUYER, craft, village_in
from tests.reach.test_withholding import Node, Place, Year

DENDANG = "19.05.04.2005"
CODES = {(0,): "19", (0, 0): "19.05", (0, 1): "19.71", (1,): "32", (1, 0): "32.73", (1, 1): "32.76"}
TREE = Tree(2026, "19.05")


def month(number: int) -> date:
    return date(2026, number, 1)


class World:
    """The same purchases in the rollups and in the scheme of test_withholding."""

    def __init__(self, session: Session, seed: int) -> None:
        chance = random.Random(seed)
        self.village: dict[int, int] = {}
        self.product: dict[Node, int] = {}
        made = {}
        for number, code in enumerate((BELO_LAUT, village_in(session, "19.05"), DENDANG)):
            village = make_village(session, code, name=f"Desa {number}", slug=f"desa-{number}")
            producer = make_producer(session, village)
            self.village[number] = village.id
            for each in range(chance.randint(1, 2)):
                product = craft(session, producer)
                made[number, each] = product
                self.product[number, each] = product.id
        purchases: dict[Place, int] = {}
        often, most = chance.choice([(0.3, 5), (0.6, 12), (0.9, 30)])
        for node, product in made.items():
            for where in ((0, 0), (0, 1), (1, 0), (1, 1)):
                for number in (1, 4, 12):
                    if chance.random() < often:
                        orders = chance.randint(1, most)
                        roll(session, product, month(number), orders, orders, CODES[where])
                        purchases[node, where, number] = orders
        session.flush()
        regencies = sorted({where for _, where, _ in purchases})
        self.year = Year(purchases, sorted(made), regencies, [1, 4, 12])
        self.year.publish()
        self.found = published.of(session, TREE)

    def shown(self, what: Node, where: Node, when: int | None) -> Sums:
        """The same box of the published tables."""
        found = self.found
        if when is not None:
            return self.by_month(found, what, where, month(when))
        if not what:
            return found.places().get(CODES[where], Sums()) if where else found.whole()
        village = self.village[what[0]]
        if len(what) == 1:
            sold, places = found.villages().get(village), found.village_places(village)
            return places.get(CODES[where], Sums()) if where else sold or Sums()
        product = self.product[what]
        if where:
            return found.product_places(village).get((product, CODES[where]), Sums())
        return found.products(village).get(product, Sums())

    def by_month(self, found: Published, what: Node, where: Node, when: date) -> Sums:
        if where:
            return found.place_months().get((CODES[where], when), Sums())
        if not what:
            return found.months().get(when, Sums())
        village = self.village[what[0]]
        if len(what) == 1:
            return found.village_months().get((village, when), Sums())
        return found.product_months(village).get((self.product[what], when), Sums())


@pytest.mark.parametrize("seed", range(12))
def test_it_is_the_scheme_that_is_attacked(session: Session, seed: int) -> None:
    world = World(session, seed)
    assert world.year.shown
    for box, number in world.year.shown.items():
        found = world.shown(*box)
        if number is None and box[2] is None and found == Sums():
            continue  # nothing was sold at all: nothing is said of it
        assert found == (HELD if number is None else Sums(number, number, number)), box


# Kept until something changes


def test_what_changes_is_seen_at_once(session: Session) -> None:
    product = craft(session)
    roll(session, product, month(3), 9, 9_000)
    first = published.of(session, TREE)
    assert first.whole() == Sums(9, 9, 9_000)
    assert published.of(session, TREE).kept is first.kept
    roll(session, product, month(4), 6, 6_000)
    assert published.of(session, TREE).whole() == Sums(15, 15, 15_000)
    # To another place, with the same numbers.
    second = published.of(session, TREE)
    assert second.places()["31.74"] == Sums(15, 15, 15_000)
    roll(session, product, month(4), -6, -6_000)
    roll(session, product, month(4), 6, 6_000, "32.73")
    assert published.of(session, TREE).places()["32.73"] == Sums(6, 6, 6_000)


def test_other_trees_are_kept(session: Session) -> None:
    product = craft(session)
    roll(session, product, date(2025, 3, 1), 9, 9_000)
    roll(session, product, month(3), 9, 9_000, channel=Channel.FAIR)
    trees = [Tree(2025, "19.05"), Tree(2026, "19.05", reported=True), TREE]
    before = published.all_of(session, trees)
    assert [found.whole().orders for found in before.values()] == [9, 9, 0]
    roll(session, product, month(5), 7, 7_000)
    after = published.all_of(session, trees)
    assert [after[tree].kept is before[tree].kept for tree in trees] == [True, True, False]


def test_no_more_is_kept_than_there_is_room_for(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "MOST", 2)
    trees = [Tree(year, "19.05") for year in (2024, 2025, 2026)]
    kept = [published.of(session, tree).kept for tree in trees]
    assert published.of(session, trees[2]).kept is kept[2]
    assert published.of(session, trees[0]).kept is not kept[0]


def test_one_more_receipt_is_one_more_order(session: Session) -> None:
    product = craft(session)
    roll(session, product, month(11), 9, 9_000, "32.73")
    before = published.of(session, TREE).whole()
    order = make_order(session, OrderState.SHIPPED, product=product)
    lifecycle.receive(session, order, BUYER, order.purchase.placed_at)
    assert published.of(session, TREE).whole().orders == before.orders + 1


def test_the_rest_of_a_purchase_that_comes_later_is_of_few(session: Session) -> None:
    """A purchase is counted in the month of its first receipt. In that of its second order
    it counts none, and still the one order there is not shown."""
    product = craft(session)
    for number in (10, 12):
        roll(session, product, month(number), 9, 9_000)
    first, second = make_purchase(session, [(craft(session), 1), (craft(session), 1)]).orders
    advance(session, first, OrderState.RECEIVED, datetime(2026, 10, 5, tzinfo=UTC))
    advance(session, second, OrderState.RECEIVED, datetime(2026, 11, 5, tzinfo=UTC))
    rollup = ReachPlaceMonth
    counted = select(rollup.purchases, rollup.orders).where(rollup.month == month(11))
    assert [tuple(row) for row in session.execute(counted)] == [(0, 1)]
    assert published.of(session, TREE).months()[month(11)] == HELD


# Sums of what is shown


def test_a_part_is_what_is_shown_of_it_or_all_without_the_rest() -> None:
    assert known(Sums(9), Sums(7), Sums(16)) == Sums(9)
    assert known(Sums(5, held=True), Sums(7), Sums(16)) == Sums(9)
    assert known(Sums(5, held=True), Sums(7, held=True), Sums(16)) == Sums(5, held=True)
    assert known(Sums(5, held=True), Sums(7), HELD) == Sums(5, held=True)
    assert without(Sums(9), Sums(4)) == Sums(5)
    assert without(Sums(9), HELD) == without(HELD, Sums(4)) == HELD


def test_a_grid_over_some_columns() -> None:
    cells = {("a", 1): Sums(9), ("a", 2): HELD, ("a", 3): HELD, ("b", 1): HELD, ("c", 3): Sums(6)}
    grid: Grid[str, int] = Grid.shown(cells, {"a": Sums(20), "b": HELD, "c": Sums(6)})
    assert grid.over(frozenset([2, 3])) == {
        "a": Sums(11),
        "b": Sums(),
        "c": Sums(6),
    }
    assert grid.over(frozenset([1, 2]))["a"] == Sums(9, held=True)
    assert grid.over(frozenset([1]))["b"] == HELD
    assert grid.of_row("a") == {1: Sums(9), 2: HELD, 3: HELD} and grid.of_row("z") == {}


def test_an_official_alone_decides_nothing(session: Session) -> None:
    """What is shown of a regency is the same, whoever asks, and whatever else there is."""
    product = craft(session)
    roll(session, product, month(3), 9, 9_000)
    before = published.of(session, TREE)
    shown = dict(before.place_months())
    neighbour = make_village(session, DENDANG, name="Dendang", slug="dendang")
    other = craft(session, make_producer(session, neighbour))
    neighbour.region_code = village_in(session, "19.71")
    session.flush()
    roll(session, other, month(3), 2, 2_000)
    make_user(session, Role.OFFICIAL, area="19.71")
    assert dict(published.of(session, TREE).place_months()) == shown
