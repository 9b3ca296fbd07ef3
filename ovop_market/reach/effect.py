"""What the question "did it help?" is answered from, for the villages of the person's area."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.reach import effect_figures as figures
from ovop_market.reach import published
from ovop_market.reach.figures import Sums
from ovop_market.reach.filters import add_months
from ovop_market.reach.models import ReachPlaceMonth
from ovop_market.reach.parts import through
from ovop_market.reach.published import Tree
from ovop_market.reach.recount import REGENCY_LENGTH
from ovop_market.villages.areas import in_area
from ovop_market.villages.models import Designation, Producer, ProducerKind, Stage, Village
from ovop_market.villages.producer_states import IN_PROGRAMME
from ovop_market.villages.programme_models import DesignationStep
from ovop_market.villages.programme_states import DESIGNATED


def effect(session: Session, user: User, today: date) -> figures.Effect:
    """The page's figures."""
    sales, first = _sales(session, user, today)
    return figures.effect(_subjects(session, user), sales, first, today)


def _sales(session: Session, user: User, today: date) -> tuple[figures.Sales, date | None]:
    """What is shown of each village's months, and the first whole month of which it is known."""
    areas = session.scalars(
        select(func.substr(Village.region_code, 1, REGENCY_LENGTH)).where(in_area(user)).distinct()
    ).all()
    begun = session.scalar(
        select(func.min(ReachPlaceMonth.month)).where(
            through(False, ReachPlaceMonth), ReachPlaceMonth.area_code.in_(areas)
        )
    )
    if begun is None:
        return figures.Sales({}), None
    months: dict[tuple[int, date], Sums] = {}
    years: dict[tuple[int, int], Sums] = {}
    trees = [Tree(year, area) for area in areas for year in range(begun.year, today.year + 1)]
    for tree, found in published.all_of(session, trees).items():
        months.update(found.village_months())
        years.update({(village, tree.year): sums for village, sums in found.villages().items()})
    return figures.Sales(months, years), add_months(begun, 1)


def _subjects(session: Session, user: User) -> list[figures.Subject]:
    """Villages with their first designation that came so far, and their households."""
    day = (
        select(func.min(DesignationStep.day))
        .where(
            DesignationStep.designation_id == Designation.id,
            DesignationStep.stage == Stage.DESIGNATION,
        )
        .correlate(Designation)
        .scalar_subquery()
    )
    designated = session.execute(
        select(Designation.village_id, Designation.year, Designation.baseline_sales, day)
        .join(Village, Village.id == Designation.village_id)
        .where(Designation.stage.in_(DESIGNATED), in_area(user))
        .order_by(Designation.year.desc())
    )
    # The earliest stays.
    first = {village: (on or date(year, 1, 1), sales) for village, year, sales, on in designated}
    households = (
        select(func.count())
        .where(
            Producer.village_id == Village.id,
            Producer.kind == ProducerKind.HOUSEHOLD,
            Producer.state.in_(IN_PROGRAMME),
        )
        .correlate(Village)
        .scalar_subquery()
    )
    villages = session.execute(
        select(Village.id, Village.name, households).where(in_area(user)).order_by(Village.name)
    )
    found = []
    for village, name, count in villages:
        on, sales = first.get(village, (None, None))
        found.append(figures.Subject(village, name, on and whole_month(on), sales, count))
    return found


def whole_month(day: date) -> date:
    """The first month that lies wholly on and after the day."""
    first = day.replace(day=1)
    return first if day == first else add_months(first, 1)
