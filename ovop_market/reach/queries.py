"""What officials read, from the rollup alone: sums by place, month, village and product. What the
website has verified and what sellers report stand beside each other and are never added together.

Shares and the ladder are of units (packs), not of orders: an order of several products is counted
at one of them only, while each of its packs is counted where it belongs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Product
from ovop_market.reach import places, policy
from ovop_market.reach.figures import (
    MEASURES,
    Ladder,
    MonthLine,
    Overview,
    ProductLine,
    Sums,
    VillageLine,
    YearLine,
)
from ovop_market.reach.filters import Filters, add_months
from ovop_market.reach.models import (
    Channel,
    Counts,
    ReachDay,
    ReachProductMonth,
    ReachVillageMonth,
    ReachVillagePlace,
)
from ovop_market.reach.parts import Both, both, narrowed, pair, through, total, visible, within
from ovop_market.reach.recount import PROVINCE_LENGTH, REGENCY_LENGTH
from ovop_market.villages.areas import in_area
from ovop_market.villages.models import Designation, Producer, Village

PRODUCTS_OFFERED = 300  # in the filter; a village's own are always fewer
PRODUCTS_LISTED = 20
VILLAGES_LISTED = 25


@dataclass(frozen=True, slots=True)
class VillageChoice:
    """A village as the filter and the tables need it."""

    id: int
    slug: str
    name: str
    years: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters can be set to. Slugs that are not here are not known."""

    villages: tuple[VillageChoice, ...]
    # Slug and name.
    products: tuple[tuple[str, str], ...]
    years: tuple[int, ...] = field(default=())


# What the filters offer


def choices(session: Session, actor: User, village: str, product: str) -> Choices:
    """All villages and years; products of the chosen village or the first by name.

    The chosen product is always among them, if there is such a one.
    """
    if not policy.can_see_reach(actor):
        return Choices((), ())
    years: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    rows = session.execute(
        select(Village.id, Village.slug, Village.name, Designation.year)
        .join(Designation, Designation.village_id == Village.id, isouter=True)
        .where(in_area(actor))
        .order_by(Village.name, Village.id, Designation.year)
    )
    for village_id, slug, name, year in rows:
        years[village_id, slug, name] += [] if year is None else [year]
    villages = tuple(VillageChoice(*key, tuple(found)) for key, found in years.items())
    offered = (
        select(Product.slug, Product.name)
        .join(Producer, Product.producer_id == Producer.id)
        .join(Village, Producer.village_id == Village.id)
        .where(in_area(actor))
    )
    if any(choice.slug == village for choice in villages):
        offered = offered.where(or_(Village.slug == village, Product.slug == product))
    # The chosen one first, so that the limit never cuts it off.
    offered = offered.order_by((Product.slug == product).desc(), Product.name, Product.id)
    products = session.execute(offered.limit(PRODUCTS_OFFERED)).all()
    return Choices(
        villages,
        tuple(sorted(((row.slug, row.name) for row in products), key=lambda pair: pair[1])),
        tuple(sorted({year for choice in villages for year in choice.years})),
    )


# The page


def overview(session: Session, actor: User, filters: Filters, known: Choices) -> Overview:
    """The page's numbers, in six statements however much there is (seven for what is reported)."""
    counts = places.counted(session, actor, filters)
    regions = places.regions(session)
    verified = places.provinces(regions, places.of_channels(counts, reported=False))
    reported = places.provinces(regions, places.of_channels(counts, reported=True))
    villages = _villages(session, actor, filters, known, reported=False)
    # What sellers report is shown in the place of the other when it is asked for.
    shown, listed = verified, villages
    if filters.reported:
        shown, listed = reported, _villages(session, actor, filters, known, reported=True)
    products = _products(session, actor, filters)
    return Overview(
        filters=filters,
        total=places.added("", "", verified),
        regencies=places.reached(verified),
        regencies_before=places.reached(verified, before=True),
        provinces_reached=sum(province.now.units > 0 for province in verified),
        villages_reaching=sum(village.now.units > 0 for village in villages),
        reported=places.told(counts, reported),
        provinces=shown,
        province=places.opened(shown, filters.province),
        ladder=sum((village.ladder for village in villages), Ladder()),
        ladder_before=sum((village.ladder_before for village in villages), Ladder()),
        months=_months(session, actor, filters),
        villages=_with_regencies(session, filters, known, listed),
        years=_years(listed, known, filters),
        products=products[:PRODUCTS_LISTED],
        more_products=len(products) > PRODUCTS_LISTED,
    )


def regencies_reached(session: Session, village_id: int) -> int:
    """To how many regencies and cities a village's products have gone so far by what the website
    has verified; for its own page.

    The one number of this feature that everybody may see: it tells nothing about single buyers.
    """
    reached = func.count(ReachVillagePlace.region_code.distinct())
    return (
        session.scalar(
            select(reached).where(
                ReachVillagePlace.village_id == village_id,
                ReachVillagePlace.orders > 0,
                through(False, ReachVillagePlace),
            )
        )
        or 0
    )


def _months(session: Session, actor: User, filters: Filters) -> tuple[MonthLine, ...]:
    rollup: type[Counts] = ReachProductMonth if filters.product else ReachVillageMonth
    sides = both(actor, filters, rollup=rollup)
    nows: dict[date, Sums] = defaultdict(Sums)
    befores: dict[date, Sums] = defaultdict(Sums)
    reported: dict[date, Sums] = defaultdict(Sums)
    for channel, month, *numbers in session.execute(sides.by(sides.c.channel, sides.c.month)):
        now, before = pair(numbers)
        if Channel(channel).reported:
            reported[month] += now
            continue
        nows[month] += now
        befores[month] += before
    lines = []
    for first in filters.period.months:
        now, before = nows[first], befores[add_months(first, -12)]
        lines.append(MonthLine(f"{first:%Y-%m}", "", now, before, first, reported[first]))
    return tuple(lines)


def _villages(
    session: Session, actor: User, filters: Filters, known: Choices, *, reported: bool
) -> tuple[VillageLine, ...]:
    """The villages that sent something in the period or a year before, those with most first."""
    rollup: type[Counts] = ReachDay if filters.product else ReachVillageMonth
    sides = both(actor, filters, reported, rollup)
    more = (*_rungs(sides, sides.c.now), *_rungs(sides, sides.c.before))
    rows = session.execute(
        sides.by(sides.c.village_id, more=more).join(Village, sides.c.village_id == Village.id)
    )
    village_of = {choice.id: choice for choice in known.villages}
    lines = []
    for village_id, *numbers in rows:
        village = village_of[village_id]
        lines.append(
            VillageLine(
                village.slug,
                village.name,
                *pair(numbers),
                ladder=Ladder(*numbers[6:10]),
                ladder_before=Ladder(*numbers[10:14]),
                years=village.years,
            )
        )
    return tuple(sorted(lines, key=places.most_first))


def _with_regencies(
    session: Session,
    filters: Filters,
    known: Choices,
    listed: Sequence[VillageLine],
) -> tuple[VillageLine, ...]:
    """The first of them with the number of regencies that they sent something to."""
    top, rest = listed[:VILLAGES_LISTED], listed[VILLAGES_LISTED:]
    ids = {choice.slug: choice.id for choice in known.villages}
    rollup: type[Any] = ReachDay if filters.product else ReachVillagePlace
    found = session.execute(
        select(rollup.village_id, func.count(rollup.region_code.distinct()))
        .where(
            rollup.village_id.in_([ids[line.key] for line in top]),
            *narrowed(filters, rollup),
            within(filters.period, rollup),
            through(filters.reported, rollup),
            rollup.units > 0,
        )
        .group_by(rollup.village_id)
    )
    counts = {village_id: number for village_id, number in found.all()}  # noqa: C416 (rows)
    return (*(replace(line, regencies=counts.get(ids[line.key], 0)) for line in top), *rest)


def _rungs(sides: Both, weight: ColumnElement[int]) -> tuple[ColumnElement[int], ...]:
    """Units by distance; a regency's or province's without those of the rung below."""
    units, at_home = sides.c.units * weight, sides.c.home_units * weight
    if "near_units" in sides.c:
        near, province = sides.c.near_units * weight, sides.c.province_units * weight
        return (
            total(at_home),
            total(near),
            total(province),
            total(units - at_home - near - province),
        )
    home, away = Village.region_code, sides.c.region_code
    in_regency = func.substr(home, 1, REGENCY_LENGTH) == away
    in_province = func.substr(home, 1, PROVINCE_LENGTH) == func.substr(away, 1, PROVINCE_LENGTH)
    return (
        total(at_home),
        total(case((in_regency, units - at_home), else_=0)),
        total(case((in_regency, 0), (in_province, units), else_=0)),
        total(case((in_province, 0), else_=units)),
    )


def _years(
    villages: Sequence[VillageLine], known: Choices, filters: Filters
) -> tuple[YearLine, ...]:
    lines = []
    for year in known.years:
        if filters.year in (None, year):
            sums = places.added(str(year), str(year), (v for v in villages if year in v.years))
            designated = sum(year in choice.years for choice in known.villages)
            lines.append(YearLine(sums.key, sums.name, sums.now, sums.before, designated))
    return tuple(lines)


def _products(session: Session, actor: User, filters: Filters) -> tuple[ProductLine, ...]:
    """The products with the largest revenue; one more than are shown, if there are more."""
    rollup = ReachProductMonth
    chosen = [
        visible(actor, rollup),
        *narrowed(filters, rollup),
        through(filters.reported, rollup),
        # One range, so that an index serves it; what lies between the two periods weighs nothing.
        rollup.month.between(filters.period.year_before.start, filters.period.end),
    ]
    now, before = within(filters.period, rollup), within(filters.period.year_before, rollup)
    earned = func.sum(case((now, rollup.revenue), else_=0))
    top = (
        select(rollup.product_id)
        .where(*chosen)
        .group_by(rollup.product_id)
        .order_by(earned.desc(), rollup.product_id)
        .limit(PRODUCTS_LISTED + 1)
        .subquery()
    )
    columns = [
        total(case((when, getattr(rollup, name)), else_=0))
        for when in (now, before)
        for name in MEASURES
    ]
    rows = session.execute(
        select(Product.slug, Product.name, Village.name, *columns)
        .join(top, Product.id == top.c.product_id)
        .join(rollup, rollup.product_id == Product.id)
        .join(Producer, Product.producer_id == Producer.id)
        .join(Village, Producer.village_id == Village.id)
        .where(*chosen)
        .group_by(Product.id, Product.slug, Product.name, Village.name)
        .order_by(columns[2].desc(), Product.id)
    )
    lines = [
        ProductLine(slug, name, *pair(numbers), village) for slug, name, village, *numbers in rows
    ]
    return tuple(line for line in lines if line.now.units or line.before.units)
