"""What is withheld does not decide which products are listed."""

from __future__ import annotations

import random
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.catalogue.models import Product
from ovop_market.reach import queries, shown
from ovop_market.reach.filters import Filters, Period
from ovop_market.regions.models import Region
from tests.factories import make_producer, make_user, make_village
from tests.reach.rolled import roll
from tests.reach.test_rollup import craft

OCTOBER = Period(date(2026, 10, 1), date(2026, 10, 31))


def settle(session: Session, villages: int, each: int) -> list[Product]:
    codes = select(Region.code).where(Region.level == 4, Region.code.startswith("19.05."))
    made = []
    for number, code in enumerate(session.scalars(codes.order_by(Region.code).limit(villages))):
        village = make_village(session, code, name=f"Desa {number}", slug=f"desa-{number}")
        producer = make_producer(session, village)
        made += [craft(session, producer) for _ in range(each)]
    return made


def listed(session: Session, actor, period: Period) -> list[tuple[str, int, bool]]:
    known = queries.choices(session, actor, "", "")
    found = queries.overview(session, actor, Filters(period), known)
    return [(line.key, line.now.revenue, line.now.held) for line in found.products]


def test_who_is_listed_tells_nothing_of_what_is_withheld(session: Session) -> None:
    """Seventy products whose revenue is shown, and one of three purchases: were it listed by what
    it brought, one would know beside whose revenue that stands."""
    secret, *known = settle(session, 8, 9)
    for number, product in enumerate(known):
        for month in (1, 2, 3):
            roll(session, product, date(2026, month, 5), 10, 10_000 * (number + 1), "31.74")
    actor = make_user(session, Role.OFFICIAL)
    seen = set()
    for revenue in (1, 126_000, 4_000_000):
        roll(session, secret, date(2026, 10, 5), 3, revenue)
        session.commit()
        seen.add(tuple(listed(session, actor, OCTOBER)))
        roll(session, secret, date(2026, 10, 5), -3, -revenue)
    assert len(seen) == 1


@pytest.mark.parametrize("seed", range(3))
def test_those_that_show_most_are_listed(session: Session, seed: int) -> None:
    chance = random.Random(seed)
    products = settle(session, 12, 4)
    for product in products:
        for month in (1, 2, 10):
            if chance.random() < 0.8:
                orders = chance.randint(1, 30)
                revenue = chance.randint(1, 900) * orders
                roll(session, product, date(2026, month, 5), orders, revenue)
    session.commit()
    actor = make_user(session, Role.OFFICIAL)
    for period in (OCTOBER, Period(date(2026, 1, 1), date(2026, 12, 31))):
        known = queries.choices(session, actor, "", "")
        side = shown.read(session, queries.chosen(session, Filters(period), known), [period])[
            period, False
        ]
        villages = side.by_village()
        every = side.by_product([product.id for product in products])
        for product in products:
            own, whole = every.get(product.id), villages.get(product.producer.village_id)
            assert own is None or own.revenue <= whole.revenue
        best = sorted(-sums.revenue for sums in every.values() if sums.revenue)[:20]
        found = [revenue for _key, revenue, _held in listed(session, actor, period) if revenue]
        assert found == [-each for each in best]
