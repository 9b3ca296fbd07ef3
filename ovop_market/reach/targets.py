"""What villages reached in a year, for the targets of the programme: verified sales only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.reach import shown
from ovop_market.reach.figures import Spread, Sums
from ovop_market.reach.filters import Period
from ovop_market.reach.recount import REGENCY_LENGTH
from ovop_market.reach.shown import Chosen
from ovop_market.villages.models import Village
from ovop_market.villages.programme_queries import Reached


def reached(session: Session, villages: Sequence[int], year: int) -> Mapping[int, Reached]:
    """Of each village: orders, different regencies, revenue. Those with nothing have zeros."""
    rows = session.execute(
        select(Village.id, func.substr(Village.region_code, 1, REGENCY_LENGTH)).where(
            Village.id.in_(villages)
        )
    )
    areas: dict[int, str] = {village: area for village, area in rows}  # noqa: C416 (rows)
    whole = Period.of_months(date(year, 1, 1), date(year, 12, 1))
    found = shown.read(session, Chosen((), areas), [whole])[whole, False]
    sums, spreads = found.by_village(), found.spreads(areas)
    return {village: _told(sums.get(village), spreads.get(village)) for village in villages}


def _told(sold: Sums | None, spread: Spread | None) -> Reached:
    if sold is None or spread is None:
        return Reached()
    if sold.held:
        return Reached(withheld=True)
    return Reached(sold.orders, spread.regencies, sold.revenue, more=spread.held)
