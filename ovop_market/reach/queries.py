"""What officials read, from the rollup alone: sums by place, month, village and product.

Shares and the ladder are of units (packs), not of orders: an order of several products is counted
at one of them only, while each of its packs is counted where it belongs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    case,
    cast,
    distinct,
    extract,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Product
from ovop_market.reach import policy
from ovop_market.reach.figures import (
    MEASURES,
    ExportRow,
    Ladder,
    Line,
    MonthLine,
    Overview,
    PlaceLine,
    ProductLine,
    Sums,
    VillageLine,
    YearLine,
)
from ovop_market.reach.filters import Filters, Period, add_months
from ovop_market.reach.models import ReachDay
from ovop_market.regions.models import Region
from ovop_market.villages.models import Designation, Producer, Village

PROVINCE_LENGTH, REGENCY_LENGTH = 2, 5  # characters of 19 and 19.05
PRODUCTS_OFFERED = 300  # in the filter; a village's own are always fewer
PRODUCTS_LISTED = 20


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
        .order_by(Village.name, Village.id, Designation.year)
    )
    for village_id, slug, name, year in rows:
        years[village_id, slug, name] += [] if year is None else [year]
    villages = tuple(VillageChoice(*key, tuple(found)) for key, found in years.items())
    offered = select(Product.slug, Product.name)
    if any(choice.slug == village for choice in villages):
        offered = (
            offered.join(Producer, Product.producer_id == Producer.id)
            .join(Village, Producer.village_id == Village.id)
            .where(or_(Village.slug == village, Product.slug == product))
        )
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
    """The page's numbers, in five statements however much there is."""
    provinces, before = _provinces(session, actor, filters)
    villages = _villages(session, actor, filters, known)
    products = _products(session, actor, filters)
    return Overview(
        filters=filters,
        total=_added("", "", provinces),
        regencies=sum(province.reached for province in provinces),
        regencies_before=before,
        provinces=provinces,
        province=_opened(provinces, filters.province),
        ladder=sum((village.ladder for village in villages), Ladder()),
        ladder_before=sum((village.ladder_before for village in villages), Ladder()),
        months=_months(session, actor, filters),
        villages=villages,
        years=_years(villages, known, filters),
        products=products[:PRODUCTS_LISTED],
        more_products=len(products) > PRODUCTS_LISTED,
    )


def regencies_reached(session: Session, village_id: int) -> int:
    """To how many regencies and cities a village's products have gone so far; for its own page.

    The one number of this feature that everybody may see: it tells nothing about single buyers.
    """
    distinct = func.count(ReachDay.region_code.distinct())
    return (
        session.scalar(
            select(distinct).where(ReachDay.village_id == village_id, ReachDay.orders > 0)
        )
        or 0
    )


def _opened(provinces: Sequence[PlaceLine], code: str) -> PlaceLine | None:
    """The chosen province, or the one that most went to."""
    for province in provinces:
        if province.key == code:
            return province
    most = max(provinces, key=lambda province: province.now.orders, default=None)
    return most if most and most.now.units else None


def _added(key: str, name: str, lines: Iterable[Line]) -> Line:
    lines = tuple(lines)
    return Line(
        key,
        name,
        sum((line.now for line in lines), Sums()),
        sum((line.before for line in lines), Sums()),
    )


def _provinces(
    session: Session, actor: User, filters: Filters
) -> tuple[tuple[PlaceLine, ...], int]:
    """All provinces with those regencies that something went to; and the regencies before."""
    both = _both(actor, filters)
    counts = {row[0]: _pair(row[1:]) for row in session.execute(both.by(both.c.region_code))}
    regions = session.execute(
        select(Region.code, Region.name, Region.level)
        .where(Region.level <= 2)
        .order_by(Region.code)
    ).all()
    places: dict[str, list[PlaceLine]] = defaultdict(list)
    size: dict[str, int] = defaultdict(int)
    for code, name, level in regions:
        if level == 2:
            size[code[:PROVINCE_LENGTH]] += 1
        if code in counts:
            places[code[:PROVINCE_LENGTH]].append(PlaceLine(code, name, *counts[code]))
    provinces = []
    for code, name, level in regions:
        if level == 1:
            inside = sorted(places[code], key=_most_first)
            sums = _added(code, name, inside)
            provinces.append(
                PlaceLine(code, name, sums.now, sums.before, size[code], tuple(inside))
            )
    return tuple(provinces), sum(before.units > 0 for _, before in counts.values())


def _months(session: Session, actor: User, filters: Filters) -> tuple[MonthLine, ...]:
    both = _both(actor, filters)
    # Days are added up to months here: it saves the database a conversion for every row.
    nows: dict[date, Sums] = defaultdict(Sums)
    befores: dict[date, Sums] = defaultdict(Sums)
    for day, *numbers in session.execute(both.by(both.c.day)):
        now, before = _pair(numbers)
        nows[day.replace(day=1)] += now
        befores[day.replace(day=1)] += before
    lines = []
    for first in filters.period.months:
        now, before = nows[first], befores[add_months(first, -12)]
        lines.append(MonthLine(f"{first:%Y-%m}", "", now, before, first))
    return tuple(lines)


def _villages(
    session: Session, actor: User, filters: Filters, known: Choices
) -> tuple[VillageLine, ...]:
    """The villages that sent something in the period or a year before, those with most first."""
    both = _both(actor, filters)
    sent_now = both.c.now * both.c.units > 0
    reached = func.count(distinct(case((sent_now, both.c.region_code))))
    more = (reached, *_rungs(both, both.c.now), *_rungs(both, both.c.before))
    rows = session.execute(
        both.by(both.c.village_id, more).join(Village, both.c.village_id == Village.id)
    )
    village_of = {choice.id: choice for choice in known.villages}
    lines = []
    for village_id, *numbers in rows:
        village = village_of[village_id]
        lines.append(
            VillageLine(
                village.slug,
                village.name,
                *_pair(numbers),
                regencies=numbers[6],
                ladder=Ladder(*numbers[7:11]),
                ladder_before=Ladder(*numbers[11:15]),
                years=village.years,
            )
        )
    return tuple(sorted(lines, key=_most_first))


def _rungs(both: _Both, weight: ColumnElement[int]) -> tuple[ColumnElement[int], ...]:
    """Units by distance; a regency's or province's without those of the rung below."""
    home, away = Village.region_code, both.c.region_code
    units, at_home = both.c.units * weight, both.c.home_units * weight
    regency = func.substr(home, 1, REGENCY_LENGTH) == away
    province = func.substr(home, 1, PROVINCE_LENGTH) == func.substr(away, 1, PROVINCE_LENGTH)
    return (
        _sum(at_home),
        _sum(case((regency, units - at_home), else_=0)),
        _sum(case((regency, 0), (province, units), else_=0)),
        _sum(case((province, 0), else_=units)),
    )


def _years(
    villages: Sequence[VillageLine], known: Choices, filters: Filters
) -> tuple[YearLine, ...]:
    lines = []
    for year in known.years:
        if filters.year in (None, year):
            sums = _added(str(year), str(year), (v for v in villages if year in v.years))
            designated = sum(year in choice.years for choice in known.villages)
            lines.append(YearLine(sums.key, sums.name, sums.now, sums.before, designated))
    return tuple(lines)


def _products(session: Session, actor: User, filters: Filters) -> tuple[ProductLine, ...]:
    """The products with the largest revenue; one more than are shown, if there are more."""
    both = _both(actor, filters)
    counted = both.by(both.c.product_id)
    largest = counted.selected_columns["revenue_now"].desc()
    top = counted.order_by(largest, both.c.product_id).limit(PRODUCTS_LISTED + 1).subquery()
    columns = [top.c[f"{name}_{when}"] for when in ("now", "before") for name in MEASURES]
    rows = session.execute(
        select(Product.slug, Product.name, Village.name, *columns)
        .join(top, Product.id == top.c.product_id)
        .join(Producer, Product.producer_id == Producer.id)
        .join(Village, Producer.village_id == Village.id)
        .order_by(top.c.revenue_now.desc(), Product.id)
    )
    return tuple(
        ProductLine(slug, name, *_pair(numbers), village) for slug, name, village, *numbers in rows
    )


def _most_first(line: Line) -> tuple[int, int, str]:
    return (-line.now.orders, -line.now.units, line.name)


# The export


def export(session: Session, actor: User, filters: Filters) -> list[ExportRow]:
    """The rows that the page's totals are the sums of."""
    province = aliased(Region)
    year, month = (cast(extract(p, ReachDay.day), Integer) for p in ("year", "month"))
    regency_name, province_name = Region.name, province.name
    key = [
        year,
        month,
        Village.region_code,
        Village.name,
        Product.name,
        ReachDay.region_code,
        regency_name,
        province_name,
        ReachDay.channel,
    ]
    sums = [_sum(getattr(ReachDay, name)) for name in MEASURES]
    rows = session.execute(
        select(*key, *sums)
        .join_from(ReachDay, Village, ReachDay.village_id == Village.id)
        .join(Product, ReachDay.product_id == Product.id)
        .join(Region, ReachDay.region_code == Region.code)
        .join(province, Region.parent_code == province.code)
        .where(_visible(actor), *_narrowed(filters), _within(filters.period), ReachDay.units > 0)
        .group_by(*key, Product.id)
        .order_by(year, month, Village.region_code, Product.id, ReachDay.region_code)
    )
    return [ExportRow(f"{y:04}-{m:02}", *rest) for y, m, *rest in rows]


# Parts of statements


def _visible(actor: User) -> ColumnElement[bool]:
    """What this person may see of the rollup."""
    return true() if policy.can_see_reach(actor) else false()


def _within(period: Period) -> ColumnElement[bool]:
    return ReachDay.day.between(period.start, period.end)


def _narrowed(filters: Filters) -> list[ColumnElement[bool]]:
    """Village, programme year and product, as conditions."""
    conditions: list[ColumnElement[bool]] = []
    if filters.village:
        village = select(Village.id).where(Village.slug == filters.village)
        conditions.append(ReachDay.village_id == village.scalar_subquery())
    if filters.year:
        designated = select(Designation.village_id).where(Designation.year == filters.year)
        conditions.append(ReachDay.village_id.in_(designated))
    if filters.product:
        product = select(Product.id).where(Product.slug == filters.product)
        conditions.append(ReachDay.product_id == product.scalar_subquery())
    return conditions


def _sum(value: Any) -> ColumnElement[int]:
    # PostgreSQL adds 64-bit integers up to a numeric, which would arrive as Decimal.
    return cast(func.sum(value), BigInteger)


@dataclass(frozen=True, slots=True)
class _Both:
    """The rollup of the period and that of the year before, one under the other.

    Each row is weighted: `now` and `before` are 1 or 0. A day that belongs to both (of a period
    longer than a year) stands there twice.
    """

    c: Any

    def by(self, key: Any, more: Sequence[Any] = ()) -> Select[Any]:
        """The key, its sums now and before (see `_pair`), and `more` columns after them."""
        sums = [
            _sum(self.c[name] * self.c[when]).label(f"{name}_{when}")
            for when in ("now", "before")
            for name in MEASURES
        ]
        return select(key, *sums, *more).group_by(key)


def _both(actor: User, filters: Filters) -> _Both:
    sides = [
        select(
            literal_column(now).label("now"),
            literal_column(before).label("before"),
            ReachDay.__table__,
        ).where(_visible(actor), *_narrowed(filters), _within(days))
        for now, before, days in (
            ("1", "0", filters.period),
            ("0", "1", filters.period.year_before),
        )
    ]
    return _Both(union_all(*sides).subquery("both").c)


def _pair(numbers: Sequence[int]) -> tuple[Sums, Sums]:
    """The sums of the period and of the year before, from a row of `_Both.by`."""
    return Sums(*numbers[:3]), Sums(*numbers[3:6])
