"""What villages reached in a year, for the targets of the programme: verified sales only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from ovop_market.reach.filters import Period
from ovop_market.reach.models import ReachDay
from ovop_market.reach.parts import through, total, within
from ovop_market.villages.programme_queries import Reached

# Fewer orders than this would tell of single purchases.
FEWEST = 5


def reached(session: Session, villages: Sequence[int], year: int) -> Mapping[int, Reached]:
    """Of each village: orders, different regencies, revenue. Those with nothing have zeros."""
    rows = session.execute(
        select(
            ReachDay.village_id,
            total(ReachDay.orders),
            func.count(distinct(ReachDay.region_code)),
            total(ReachDay.revenue),
        )
        .where(
            ReachDay.village_id.in_(villages),
            through(reported=False),
            within(Period(date(year, 1, 1), date(year, 12, 31))),
        )
        .group_by(ReachDay.village_id)
    )
    found = {village: shown(*numbers) for village, *numbers in rows}
    return {village: found.get(village, Reached()) for village in villages}


def shown(orders: int, regencies: int, revenue: int) -> Reached:
    """The numbers, or that they are withheld."""
    if 0 < orders < FEWEST:
        return Reached(withheld=True)
    return Reached(orders, regencies, revenue)
