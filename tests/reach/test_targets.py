"""What villages reached in a year, beside their targets: what is shown, or that it is not."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from ovop_market.reach import targets
from ovop_market.villages.programme_queries import Reached
from tests.factories import make_producer, make_village
from tests.reach import dense
from tests.reach.dense import OF_2026, World
from tests.reach.rolled import roll
from tests.reach.test_rollup import craft


def test_what_villages_reached_is_what_the_page_says(session: Session, thin: World) -> None:
    """Of a year, whatever is withheld of its months."""
    expected = {}
    for found in (thin.lenjer, thin.basket):
        sums = thin.sums(OF_2026, dense.village(found.producer.village.slug))
        village = found.producer.village_id
        expected[village] = Reached(sums.orders, len(dense.REGENCIES), sums.revenue)
    silent = make_village(session, "19.05.04.2006", name="Air Putih").id
    expected[silent] = Reached()
    assert targets.reached(session, list(expected), 2026) == expected
    assert targets.reached(session, [silent], 2024) == {silent: Reached()}


def test_of_few_purchases_it_is_not_told(session: Session, world: World) -> None:
    """Nor is what another village reached, from which it would follow."""
    village = make_village(session, "19.05.04.2006", name="Air Putih")
    roll(session, craft(session, make_producer(session, village)), date(2026, 5, 4), 4, 40_000)
    belo_laut, dendang = world.lenjer.producer.village_id, world.basket.producer.village_id
    found = targets.reached(session, [belo_laut, dendang, village.id], 2026)
    assert found[village.id] == Reached(withheld=True)
    assert found[dendang] == Reached(withheld=True), "the smallest of the others"
    sums = world.sums(OF_2026, dense.village("belo-laut"))
    assert found[belo_laut] == Reached(sums.orders, len(dense.REGENCIES), sums.revenue)


def test_where_few_purchases_went_is_at_least(session: Session) -> None:
    """Eight purchases to four regencies: one could tell how many went to each."""
    product = craft(session, make_producer(session, make_village(session)))
    for code, orders in zip(dense.REGENCIES, (5, 1, 1, 1), strict=True):
        roll(session, product, date(2026, 5, 4), orders, orders * 10_000, code)
    village = product.producer.village_id
    (found,) = targets.reached(session, [village], 2026).values()
    assert (found.orders, found.revenue, found.withheld) == (8, 80_000, False)
    assert found.more and found.regencies < len(dense.REGENCIES)
