"""Since when, rungs and villages beside each other, from what the rollups hold."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.catalogue.models import Product
from ovop_market.reach import deeper, queries
from ovop_market.reach.figures import Overview, Sums
from ovop_market.reach.filters import Filters, Period
from ovop_market.reach.first import FirstLine
from ovop_market.regions.models import Region
from ovop_market.villages.models import Village
from tests.factories import make_producer, make_user, make_village
from tests.reach.rolled import roll
from tests.reach.test_rollup import craft

YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))


def product_of(session: Session, name: str, slug: str) -> Product:
    taken = session.scalar(select(func.count()).select_from(Village)) or 0
    codes = select(Region.code).where(Region.level == 4, Region.code.startswith("19.05."))
    code = session.scalars(codes.order_by(Region.code)).all()[taken]
    village = make_village(session, code, name=name, slug=slug, also_known_as="")
    return craft(session, make_producer(session, village), name=f"Madu {name}", price=10_000)


def overview(session: Session, **filters) -> Overview:
    actor = make_user(session, Role.OFFICIAL)
    asked = Filters(YEAR, **filters)
    known = queries.choices(session, actor, asked.village, asked.product)
    found = queries.overview(session, actor, asked, known)
    return deeper.completed(session, found, known)


def sell(session: Session, product: Product, year: int, region: str, orders: int) -> None:
    for month in (3, 9):
        roll(session, product, date(year, month, 5), orders, orders * 1000, region)


def test_since_when_something_goes_somewhere(session) -> None:
    honey = product_of(session, "Pangkal Beras", "pangkal-beras")
    sell(session, honey, 2024, "31.74", 20)
    for year in (2025, 2026):
        for region in ("31.74", "32.73", "16.71", "19.05"):
            sell(session, honey, year, region, 20)
    sell(session, honey, 2025, "91.71", 1)
    sell(session, honey, 2026, "91.71", 9)
    session.commit()
    found = {line.key: line for line in overview(session, measure="first").first}
    assert (found["31"].year, found["31"].or_earlier) == (2024, False)
    assert (found["32"].year, found["32.73"].year) == (2025, 2025)
    assert found["91.71"] == FirstLine("91.71", found["91.71"].name, 2026, or_earlier=True)
    assert overview(session).first == (), "years are read when they are asked for"


@pytest.mark.parametrize(
    ("home", "shown"),
    [
        (0, True),
        (1, False),
        (4, False),
        (5, True),
        (15, True),
        (16, False),
        (19, False),
        (20, True),
    ],
)
def test_home_is_withheld_with_a_neighbour_that_would_follow_from_it(
    session, home: int, shown: bool
) -> None:
    """Twenty purchases in its own regency: home and the rest of it are a line of two."""
    honey = product_of(session, "Pangkal Beras", "pangkal-beras")
    tea = product_of(session, "Ketap", "ketap")
    for product in (honey, tea):
        for region in ("19.71", "31.74", "32.73"):
            sell(session, product, 2026, region, 20)
    sell(session, tea, 2026, "19.05", 20)
    roll(session, honey, date(2026, 3, 5), home, 1_000 * home, "19.05", at_home=True)
    roll(session, honey, date(2026, 9, 5), 20 - home, 1_000 * (20 - home), "19.05")
    session.commit()
    found = overview(session)
    rungs = {line.slug: line.rungs for line in found.rungs}["pangkal-beras"]
    at_home, near, province, nation = (rung.sums for rung in rungs)
    assert (province.units, nation.units) == (40, 80)
    assert (at_home.held, near.held) == (not shown, not shown)
    assert (at_home.units, near.units) == ((home, 20 - home) if shown else (0, 0))
    # The ladder of that village alone says the same.
    ladder = overview(session, village="pangkal-beras").ladder
    assert ({"village", "regency"} & ladder.unknown == set()) is shown


def test_the_rungs_are_of_the_years_and_of_all_since_when(session) -> None:
    honey = product_of(session, "Pangkal Beras", "pangkal-beras")
    tea = product_of(session, "Ketap", "ketap")
    for product in (honey, tea):
        for region in ("19.05", "19.71", "31.74", "32.73"):
            sell(session, product, 2026, region, 20)
    sell(session, honey, 2025, "31.74", 30)
    sell(session, tea, 2025, "31.74", 30)
    session.commit()
    rungs = {line.slug: line.rungs for line in overview(session).rungs}
    assert set(rungs) == {"pangkal-beras", "ketap"}
    assert [(rung.name, rung.sums.units, rung.since) for rung in rungs["ketap"]] == [
        ("village", 0, None),
        ("regency", 40, 2026),
        ("province", 40, 2026),
        ("nation", 80, 2025),
    ]
    for narrower in ({"product": honey.slug}, {"channel": "reported"}):
        assert overview(session, **narrower).rungs == ()


def test_months_of_a_village_are_those_of_the_period(session) -> None:
    honey = product_of(session, "Pangkal Beras", "pangkal-beras")
    tea = product_of(session, "Ketap", "ketap")
    for product, orders in ((honey, 30), (tea, 20)):
        sell(session, product, 2025, "31.74", 50)
        sell(session, product, 2026, "31.74", orders)
    session.commit()
    first, second = overview(session).multiples
    assert (first.slug, second.slug) == ("pangkal-beras", "ketap")
    assert [point.orders for point in first.points] == [0, 0, 30, 0, 0, 0, 0, 0, 30, 0, 0, 0]
    assert second.total == Sums(40, 40, 40_000)


def test_without_anything_there_is_nothing(session) -> None:
    found = overview(session, measure="first")
    assert (found.first, found.rungs, found.multiples) == ((), (), ())


@pytest.mark.parametrize("page", [1, 2, 99])
def test_each_page_of_the_villages_tells_how_far_they_reach(session, page) -> None:
    for number in range(27):
        product = product_of(session, f"Desa {number:02}", f"desa-{number}")
        roll(session, product, date(2026, 3, 5), 40 - number, 1000, "31.74")
        roll(session, product, date(2026, 9, 5), 40 - number, 1000, "32.73")
    session.commit()
    found = overview(session, vpage=page)
    shown = found.villages[deeper.paged(found.villages, page)]
    assert len(shown) == (25 if page == 1 else 2)
    assert all(line.ladder.nation > 0 and line.regencies == 2 for line in shown)
    assert [line.slug for line in found.rungs] == [line.key for line in shown]
