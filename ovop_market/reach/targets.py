"""What villages reached in a year, for the targets of the programme: verified sales only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.reach.filters import Period
from ovop_market.reach.models import ReachVillageMonth, ReachVillagePlace
from ovop_market.reach.parts import through, total, within
from ovop_market.reach.withholding import is_small
from ovop_market.villages.programme_queries import Reached


def reached(session: Session, villages: Sequence[int], year: int) -> Mapping[int, Reached]:
    """Of each village: orders, different regencies, revenue. Those with nothing have zeros."""
    months, places = ReachVillageMonth, ReachVillagePlace
    whole = Period.of_months(date(year, 1, 1), date(year, 12, 1))
    sold = (
        select(months.village_id, total(months.orders), total(months.revenue))
        .where(
            months.village_id.in_(villages),
            through(False, months),
            within(whole, months),
        )
        .group_by(months.village_id)
    )
    went = (
        select(places.village_id, func.count(places.region_code.distinct()))
        .where(
            places.village_id.in_(villages),
            within(whole, places),
            places.units > 0,
            through(False, places),
        )
        .group_by(places.village_id)
    )
    regencies = dict(row._tuple() for row in session.execute(went))
    rows = [
        (village, orders, regencies.get(village, 0), revenue)
        for village, orders, revenue in session.execute(sold)
    ]
    found = {village: shown(*numbers) for village, *numbers in rows}
    return {village: found.get(village, Reached()) for village in villages}


def shown(orders: int, regencies: int, revenue: int) -> Reached:
    """The numbers, or that they are withheld."""
    if is_small(orders):
        return Reached(withheld=True)
    return Reached(orders, regencies, revenue)
