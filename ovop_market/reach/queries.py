"""What officials read: sums by place, month, village and product, of what is shown (ADR 27). What
the website has verified and what sellers report stand beside each other, never added together.

Shares and the ladder are of units (packs), not of orders: an order of several products is counted
at one of them only, while each of its packs is counted where it belongs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Product
from ovop_market.reach import places, policy, shown
from ovop_market.reach.figures import (
    Ladder,
    Line,
    MonthLine,
    Overview,
    ProductLine,
    Spread,
    Sums,
    VillageLine,
    YearLine,
)
from ovop_market.reach.filters import Filters, add_months
from ovop_market.reach.models import ReachVillageYear
from ovop_market.reach.parts import through
from ovop_market.reach.recount import REGENCY_LENGTH
from ovop_market.reach.shown import Chosen, Shown
from ovop_market.reach.withholding import at_least
from ovop_market.villages.areas import in_area
from ovop_market.villages.models import Designation, Producer, Village

PRODUCTS_OFFERED = 300  # in the filter; a village's own are always fewer
PRODUCTS_LISTED = 20
# Of a list of villages, those that are told with how far they reach.
VILLAGES_LISTED = 25


@dataclass(frozen=True, slots=True)
class VillageChoice:
    """A village as the filter and the tables need it."""

    id: int
    slug: str
    name: str
    years: tuple[int, ...]
    # The code of its regency.
    area: str = ""


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
    years: dict[tuple[int, str, str, str], list[int]] = defaultdict(list)
    rows = session.execute(
        select(Village.id, Village.slug, Village.name, Village.region_code, Designation.year)
        .join(Designation, Designation.village_id == Village.id, isouter=True)
        .where(in_area(actor))
        .order_by(Village.name, Village.id, Designation.year)
    )
    for village_id, slug, name, code, year in rows:
        years[village_id, slug, name, code[:REGENCY_LENGTH]] += [] if year is None else [year]
    villages = tuple(
        VillageChoice(village_id, slug, name, tuple(found), area)
        for (village_id, slug, name, area), found in years.items()
    )
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


def chosen(session: Session, filters: Filters, known: Choices) -> Chosen:
    """What the filters choose, of what the person may see."""
    areas = tuple(sorted({choice.area for choice in known.villages}))
    if not filters.narrowed:
        return Chosen(areas)
    villages = {
        choice.id: choice.area
        for choice in known.villages
        if filters.village in ("", choice.slug)
        and (not filters.year or filters.year in choice.years)
    }
    if not filters.product:
        return Chosen(areas, villages)
    product, village = session.execute(
        select(Product.id, Producer.village_id)
        .join(Producer, Product.producer_id == Producer.id)
        .where(Product.slug == filters.product)
    ).one()
    mine = {v: area for v, area in villages.items() if v == village}
    return Chosen(areas, mine, frozenset([product]))


@dataclass(frozen=True, slots=True)
class Sides:
    """The same of a period and of the year before."""

    now: Shown
    before: Shown


def overview(
    session: Session,
    actor: User,
    filters: Filters,
    known: Choices,
    listed: int | None = VILLAGES_LISTED,
) -> Overview:
    """The page's numbers: a statement for what has changed since they were last asked for, and
    those that read it anew. `listed`: of so many villages (None: of all) it is told how far."""
    period = filters.period
    found = shown.read(session, chosen(session, filters, known), (period, period.year_before))
    verified, reported = (
        Sides(found[period, said], found[period.year_before, said]) for said in (False, True)
    )
    asked = reported if filters.reported else verified
    regions = places.regions(session)
    of_verified, of_reported = (
        places.provinces(regions, side.now.by_place, side.before.by_place)
        for side in (verified, reported)
    )
    villages = _villages(asked, known, listed)
    products = _products(session, asked)
    sent = verified.now.by_village().values()
    return Overview(
        filters=filters,
        total=Line("", "", verified.now.total, verified.before.total),
        spread=verified.now.spread,
        spread_before=verified.before.spread,
        villages_reaching=sum(sums.units > 0 for sums in sent),
        more_villages=any(sums.held and not sums.units for sums in sent),
        reported=places.told(reported.now, reported.before, of_reported),
        provinces=of_reported if filters.reported else of_verified,
        province=places.opened(of_reported if filters.reported else of_verified, filters.province),
        ladder=verified.now.ladder(),
        ladder_before=verified.before.ladder(),
        months=_months(filters, verified, reported),
        villages=villages,
        years=_years(villages, known, filters),
        products=products[:PRODUCTS_LISTED],
        more_products=len(products) > PRODUCTS_LISTED,
        calendar=tuple(sorted({month.year for month in period.months})),
        by_years=verified.now.by_years,
        spreads=verified.now.spread_by_month(),
    )


def _months(filters: Filters, verified: Sides, reported: Sides) -> tuple[MonthLine, ...]:
    now, before = verified.now.by_month(), verified.before.by_month()
    said = reported.now.by_month()
    none = Sums()
    return tuple(
        MonthLine(
            f"{first:%Y-%m}",
            "",
            now.get(first, none),
            before.get(add_months(first, -12), none),
            first,
            said.get(first, none),
        )
        for first in filters.period.months
    )


def _villages(asked: Sides, known: Choices, listed: int | None) -> tuple[VillageLine, ...]:
    """The villages that sent something in the period or a year before, those with most first; the
    first of them with how far."""
    now, before = asked.now.by_village(), asked.before.by_village()
    lines = {
        choice.id: VillageLine(
            choice.slug,
            choice.name,
            now.get(choice.id, Sums()),
            before.get(choice.id, Sums()),
            years=choice.years,
        )
        for choice in known.villages
        if now.get(choice.id, Sums()) != Sums() or before.get(choice.id, Sums()) != Sums()
    }
    ids = sorted(lines, key=lambda village: places.most_first(lines[village]))
    ladders = asked.now.ladders(ids[:listed])
    spreads = asked.now.spreads(ids[:listed])
    return tuple(
        replace(
            lines[village],
            ladder=ladders.get(village, Ladder()),
            spread=spreads.get(village, Spread()),
        )
        for village in ids
    )


def _years(
    villages: Sequence[VillageLine], known: Choices, filters: Filters
) -> tuple[YearLine, ...]:
    lines = []
    for year in known.years:
        if filters.year in (None, year):
            mine = [village for village in villages if year in village.years]
            now = sum((village.now for village in mine), Sums())
            before = sum((village.before for village in mine), Sums())
            designated = sum(year in choice.years for choice in known.villages)
            lines.append(YearLine(str(year), str(year), now, before, designated))
    return tuple(lines)


def _products(session: Session, asked: Sides) -> tuple[ProductLine, ...]:
    """The products with the largest revenue that is shown; one more than are listed, if there are
    more."""
    now = asked.now.best_products(PRODUCTS_LISTED + 1)
    before, some = asked.before.by_product(now), list(now)
    rows = session.execute(
        select(Product.id, Product.slug, Product.name, Village.name)
        .join(Producer, Product.producer_id == Producer.id)
        .join(Village, Producer.village_id == Village.id)
        .where(Product.id.in_(some))
    )
    names = {product: (slug, name, village) for product, slug, name, village in rows}
    lines = []
    for product in some:
        slug, name, village = names[product]
        sums = now[product], before.get(product, Sums())
        lines.append(ProductLine(slug, name, *sums, village))
    return tuple(lines)


def regencies_reached(session: Session, village_id: int) -> int:
    """A village's products have gone to more regencies and cities than this, by what the website
    has verified; for its own page, which everybody may see. 0 where no more may be told."""
    rollup = ReachVillageYear
    regencies = session.scalar(
        select(func.count(rollup.region_code.distinct())).where(
            rollup.village_id == village_id, rollup.units > 0, through(False, rollup)
        )
    )
    return at_least(regencies or 0)
