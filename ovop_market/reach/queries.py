"""What officials read, from the rollup alone: sums by place, month, village and product. What the
website has verified and what sellers report stand beside each other and are never added together.

Shares and the ladder are of units (packs), not of orders: an order of several products is counted
at one of them only, while each of its packs is counted where it belongs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import (
    ColumnElement,
    case,
    distinct,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Product
from ovop_market.reach import policy
from ovop_market.reach.figures import (
    MEASURES,
    Ladder,
    Line,
    MonthLine,
    Overview,
    PlaceLine,
    ProductLine,
    Reported,
    Sums,
    VillageLine,
    YearLine,
)
from ovop_market.reach.filters import Filters, add_months
from ovop_market.reach.models import Channel, ReachDay
from ovop_market.reach.parts import Both, both, pair, through, total
from ovop_market.regions.models import Region
from ovop_market.villages.models import Designation, Producer, Village

PROVINCE_LENGTH, REGENCY_LENGTH = 2, 5  # characters of 19 and 19.05
PRODUCTS_OFFERED = 300  # in the filter; a village's own are always fewer
PRODUCTS_LISTED = 20

# By channel and regency: the sums of the period, and of the year before.
_Counts = Mapping[tuple[Channel, str], tuple[Sums, Sums]]
_Region = tuple[str, str, int]


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
    """The page's numbers, in five statements however much there is (six for what is reported)."""
    counts = _places(session, actor, filters)
    regions = _regions(session)
    verified = _provinces(regions, _of_channels(counts, reported=False))
    reported = _provinces(regions, _of_channels(counts, reported=True))
    villages = _villages(session, actor, filters, known, reported=False)
    # What sellers report is shown in the place of the other when it is asked for.
    shown, listed = verified, villages
    if filters.reported:
        shown, listed = reported, _villages(session, actor, filters, known, reported=True)
    products = _products(session, actor, filters)
    return Overview(
        filters=filters,
        total=_added("", "", verified),
        regencies=_reached(verified),
        regencies_before=_reached(verified, before=True),
        provinces_reached=sum(province.now.units > 0 for province in verified),
        villages_reaching=sum(village.now.units > 0 for village in villages),
        reported=_reported(counts, reported),
        provinces=shown,
        province=_opened(shown, filters.province),
        ladder=sum((village.ladder for village in villages), Ladder()),
        ladder_before=sum((village.ladder_before for village in villages), Ladder()),
        months=_months(session, actor, filters),
        villages=listed,
        years=_years(listed, known, filters),
        products=products[:PRODUCTS_LISTED],
        more_products=len(products) > PRODUCTS_LISTED,
    )


def regencies_reached(session: Session, village_id: int) -> int:
    """To how many regencies and cities a village's products have gone so far by what the website
    has verified; for its own page.

    The one number of this feature that everybody may see: it tells nothing about single buyers.
    """
    distinct = func.count(ReachDay.region_code.distinct())
    return (
        session.scalar(
            select(distinct).where(
                ReachDay.village_id == village_id, ReachDay.orders > 0, through(reported=False)
            )
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


def _places(session: Session, actor: User, filters: Filters) -> _Counts:
    """What went where, through which channel."""
    sides = both(actor, filters)
    rows = session.execute(sides.by(sides.c.channel, sides.c.region_code))
    return {(Channel(channel), code): pair(numbers) for channel, code, *numbers in rows}


def _of_channels(counts: _Counts, *, reported: bool) -> dict[str, tuple[Sums, Sums]]:
    found: dict[str, tuple[Sums, Sums]] = {}
    for (channel, code), (now, before) in counts.items():
        if channel.reported is reported:
            sums = found.get(code, (Sums(), Sums()))
            found[code] = (sums[0] + now, sums[1] + before)
    return found


def _regions(session: Session) -> Sequence[_Region]:
    rows = session.execute(
        select(Region.code, Region.name, Region.level)
        .where(Region.level <= 2)
        .order_by(Region.code)
    )
    return [(code, name, level) for code, name, level in rows]


def _provinces(
    regions: Sequence[_Region], counts: Mapping[str, tuple[Sums, Sums]]
) -> tuple[PlaceLine, ...]:
    """All provinces with those regencies that something went to."""
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
    return tuple(provinces)


def _reached(provinces: Iterable[PlaceLine], *, before: bool = False) -> int:
    """How many regencies something went to."""
    return sum(
        (place.before if before else place.now).units > 0
        for province in provinces
        for place in province.places
    )


def _reported(counts: _Counts, provinces: Sequence[PlaceLine]) -> Reported:
    """What sellers report, with its own sums."""
    channels = []
    for channel in Channel:
        if channel.reported:
            sums = [Line("", "", *found) for (of, _), found in counts.items() if of is channel]
            channels.append(_added(channel, "", sums))
    places = [place for province in provinces for place in province.places]
    return Reported(
        total=_added("", "", provinces),
        regencies=_reached(provinces),
        regencies_before=_reached(provinces, before=True),
        channels=tuple(channels),
        places=tuple(sorted(places, key=_most_first)),
    )


def _months(session: Session, actor: User, filters: Filters) -> tuple[MonthLine, ...]:
    sides = both(actor, filters)
    # Days are added up to months here: it saves the database a conversion for every row.
    nows: dict[date, Sums] = defaultdict(Sums)
    befores: dict[date, Sums] = defaultdict(Sums)
    reported: dict[date, Sums] = defaultdict(Sums)
    for channel, day, *numbers in session.execute(sides.by(sides.c.channel, sides.c.day)):
        now, before = pair(numbers)
        if Channel(channel).reported:
            reported[day.replace(day=1)] += now
            continue
        nows[day.replace(day=1)] += now
        befores[day.replace(day=1)] += before
    lines = []
    for first in filters.period.months:
        now, before = nows[first], befores[add_months(first, -12)]
        lines.append(MonthLine(f"{first:%Y-%m}", "", now, before, first, reported[first]))
    return tuple(lines)


def _villages(
    session: Session, actor: User, filters: Filters, known: Choices, *, reported: bool
) -> tuple[VillageLine, ...]:
    """The villages that sent something in the period or a year before, those with most first."""
    sides = both(actor, filters, reported)
    sent_now = sides.c.now * sides.c.units > 0
    reached = func.count(distinct(case((sent_now, sides.c.region_code))))
    more = (reached, *_rungs(sides, sides.c.now), *_rungs(sides, sides.c.before))
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
                regencies=numbers[6],
                ladder=Ladder(*numbers[7:11]),
                ladder_before=Ladder(*numbers[11:15]),
                years=village.years,
            )
        )
    return tuple(sorted(lines, key=_most_first))


def _rungs(sides: Both, weight: ColumnElement[int]) -> tuple[ColumnElement[int], ...]:
    """Units by distance; a regency's or province's without those of the rung below."""
    home, away = Village.region_code, sides.c.region_code
    units, at_home = sides.c.units * weight, sides.c.home_units * weight
    regency = func.substr(home, 1, REGENCY_LENGTH) == away
    province = func.substr(home, 1, PROVINCE_LENGTH) == func.substr(away, 1, PROVINCE_LENGTH)
    return (
        total(at_home),
        total(case((regency, units - at_home), else_=0)),
        total(case((regency, 0), (province, units), else_=0)),
        total(case((province, 0), else_=units)),
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
    sides = both(actor, filters, filters.reported)
    counted = sides.by(sides.c.product_id)
    largest = counted.selected_columns["revenue_now"].desc()
    top = counted.order_by(largest, sides.c.product_id).limit(PRODUCTS_LISTED + 1).subquery()
    columns = [top.c[f"{name}_{when}"] for when in ("now", "before") for name in MEASURES]
    rows = session.execute(
        select(Product.slug, Product.name, Village.name, *columns)
        .join(top, Product.id == top.c.product_id)
        .join(Producer, Product.producer_id == Producer.id)
        .join(Village, Producer.village_id == Village.id)
        .order_by(top.c.revenue_now.desc(), Product.id)
    )
    return tuple(
        ProductLine(slug, name, *pair(numbers), village) for slug, name, village, *numbers in rows
    )


def _most_first(line: Line) -> tuple[int, int, str]:
    return (-line.now.orders, -line.now.units, line.name)
