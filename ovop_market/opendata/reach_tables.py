"""Reach as the open data tell it: the tables of closed calendar years, as `reach.published` has
them. Nothing is counted, added up or compared here, so nothing is shown that is not shown there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product
from ovop_market.catalogue.queries import listed
from ovop_market.core.errors import NotFound
from ovop_market.opendata import reach_records as records
from ovop_market.opendata import resources
from ovop_market.opendata.parameters import Asked
from ovop_market.opendata.queries import Rows
from ovop_market.opendata.reach_records import Kind, Level
from ovop_market.opendata.records import Area
from ovop_market.opendata.resources import Resource
from ovop_market.opendata.texts import without_contacts
from ovop_market.reach import published
from ovop_market.reach.figures import Sums
from ovop_market.reach.models import ReachPlaceMonth
from ovop_market.reach.published import Published, Tree
from ovop_market.regions.models import Region
from ovop_market.villages.models import Producer, Village

OPEN_FROM = 4  # the month in which the year before is opened
REGENCY = 2  # the level of regencies and cities; provinces are 1
# What a row is about (a code or an id), its month, and its numbers.
Cell = tuple[Any, date | None, Sums]
# What a row says of what it is about.
Names = dict[Any, dict[str, Any]]


def tables(session: Session, asked: Asked, today: date) -> Rows:
    """The regencies that have villages, and the years that are over. Two statements."""
    area = func.substr(Village.region_code, 1, 5)
    found = session.execute(
        select(area, Region.name, func.count())
        .join(Region, Region.code == area)
        .group_by(area, Region.name)
        .order_by(area)
    ).all()
    first = session.scalar(select(func.min(ReachPlaceMonth.month)))
    years = tuple(range(last_year(today), first.year - 1, -1)) if first else ()
    rows = [records.Tables(Area(code, name), years, count) for code, name, count in found]
    return _page_of(asked, rows)


def totals(session: Session, asked: Asked, today: date) -> Rows:
    """All villages to everywhere."""
    _check_area(session, asked, today, resources.REACH_TOTALS)
    shown = _published(session, asked)
    months = {("", month): sums for month, sums in shown.months().items()}
    page = _page_of(asked, _cells({"": shown.whole()}, months))
    return Rows(
        page.total,
        [
            records.TotalRow(**_of(asked), **_figures(s), month=_month(m))
            for _key, m, s in page.rows
        ],
    )


def places(session: Session, asked: Asked, today: date) -> Rows:
    """All villages to each destination."""
    _check_area(session, asked, today, resources.REACH_PLACES)
    shown = _published(session, asked)
    page = _page_of(asked, _cells(shown.places(), shown.place_months()))
    codes = {code for code, _month, _sums in page.rows}
    found = session.execute(
        select(Region.code, Region.name, Region.level).where(Region.code.in_(codes))
    )
    names = _named(iter(found))
    return Rows(
        page.total,
        [
            records.PlaceRow(**_of(asked), **names[code], **_figures(sums), month=_month(month))
            for code, month, sums in page.rows
        ],
    )


def villages(session: Session, asked: Asked, today: date) -> Rows:
    """Each village to everywhere."""
    _check_area(session, asked, today, resources.REACH_VILLAGES)
    shown = _published(session, asked)
    page = _page_of(asked, _cells(shown.villages(), shown.village_months()))
    ids = {key for key, _month, _sums in page.rows}
    found = session.execute(
        select(Village.id, Village.slug, Village.name).where(Village.id.in_(ids))
    )
    names: Names = {key: {"village": slug, "village_name": name} for key, slug, name in found}
    return Rows(
        page.total,
        [
            records.VillageReachRow(**_of(asked), **names[key], **_figures(sums), month=_month(m))
            for key, m, sums in page.rows
        ],
    )


def products(session: Session, asked: Asked, today: date) -> Rows:
    """Each product of a village to everywhere: of those that are on sale now."""
    on_sale = (
        select(Product.id, Product.slug, Product.name, Producer.village_id)
        .join(Producer, Producer.id == Product.producer_id)
        .where(*listed())
        .subquery()
    )
    found = session.execute(
        _the_village(asked)
        .add_columns(on_sale.c.id, on_sale.c.slug, on_sale.c.name)
        .outerjoin(on_sale, on_sale.c.village_id == Village.id)
    ).all()
    village, said = _village(found, asked, today, resources.REACH_PRODUCTS)
    names: Names = {
        key: {"product": slug, "product_name": without_contacts(name)}
        for *_village, key, slug, name in found
        if key is not None
    }
    shown = _published(session, asked)
    cells = _cells(shown.products(village), shown.product_months(village))
    page = _page_of(asked, [cell for cell in cells if cell[0] in names])
    return Rows(
        page.total,
        [
            records.ProductReachRow(**said, **names[key], **_figures(sums), month=_month(month))
            for key, month, sums in page.rows
        ],
    )


def village_places(session: Session, asked: Asked, today: date) -> Rows:
    """A village to each destination, in the year."""
    # With the names of all places, few hundred: the tables need as many statements as there may be.
    found = session.execute(
        _the_village(asked)
        .add_columns(Region.code, Region.name, Region.level)
        .join(Region, Region.level <= REGENCY)
    ).all()
    village, said = _village(found, asked, today, resources.REACH_VILLAGE_PLACES)
    names = _named((code, name, level) for *_village, code, name, level in found)
    page = _page_of(asked, _cells(_published(session, asked).village_places(village), {}))
    return Rows(
        page.total,
        [
            records.VillagePlaceRow(**said, **names[code], **_figures(sums))
            for code, _month, sums in page.rows
        ],
    )


def _published(session: Session, asked: Asked) -> Published:
    return published.of(session, Tree(asked["year"], asked["area"], asked["kind"] == Kind.REPORTED))


def _check_area(session: Session, asked: Asked, today: date, resource: Resource) -> None:
    """Raises NotFound where the area has no villages, and as _check_year. One statement."""
    within = select(func.count()).where(Village.region_code.startswith(f"{asked['area']}."))
    count, begun = session.execute(select(within.scalar_subquery(), _begun())).one()
    if not count:
        raise NotFound(str(resource.missing))
    _check_year(begun, asked, today, resource)


def last_year(today: date) -> int:
    """The last year that nothing moves in any more: sellers note and withdraw their sales for 90
    days, buyers complain for less."""
    return today.year - 1 if today.month >= OPEN_FROM else today.year - 2


def _check_year(begun: date | None, asked: Asked, today: date, resource: Resource) -> None:
    """Raises NotFound where the year is not over, or was before the first purchase."""
    if begun is None or not begun.year <= asked["year"] <= last_year(today):
        raise NotFound(str(resource.missing))


def _begun() -> Any:
    """The first month of which anything is known."""
    return select(func.min(ReachPlaceMonth.month)).scalar_subquery()


def _the_village(asked: Asked) -> Select[Any]:
    """The village that is asked for, if it lies in the area; as _village reads it."""
    columns: Sequence[Any] = (_begun(), Village.id, Village.slug, Village.name)
    return select(*columns).where(
        Village.slug == asked["village"],
        Village.region_code.startswith(f"{asked['area']}."),
    )


def _village(
    found: Sequence[Any], asked: Asked, today: date, resource: Resource
) -> tuple[int, dict[str, Any]]:
    """Its id, and what each row says of it. Raises NotFound."""
    if not found:
        raise NotFound(str(resource.missing))
    begun, key, slug, name = found[0][:4]
    _check_year(begun, asked, today, resource)
    return key, {**_of(asked), "village": slug, "village_name": name}


def _cells(years: Mapping[Any, Sums], months: Mapping[tuple[Any, date], Sums]) -> list[Cell]:
    """By what they are about, the year before its months."""
    cells: list[Cell] = [(key, None, sums) for key, sums in years.items()]
    cells += [(key, month, sums) for (key, month), sums in months.items()]
    return sorted(cells, key=lambda cell: (cell[0], cell[1] or date.min))


def _page_of(asked: Asked, rows: Sequence[Any]) -> Rows:
    start = (asked["page"] - 1) * asked["per_page"]
    return Rows(len(rows), rows[start : start + asked["per_page"]])


def _named(places: Iterable[Any]) -> Names:
    """What each of some places is called: of their codes, names and levels."""
    return {
        code: {
            "place": code,
            "place_name": name,
            "level": Level.REGENCY if level == REGENCY else Level.PROVINCE,
        }
        for code, name, level in places
    }


def _of(asked: Asked) -> dict[str, Any]:
    return {"area": asked["area"], "year": asked["year"], "kind": Kind(asked["kind"])}


def _month(month: date | None) -> str | None:
    return month.strftime("%Y-%m") if month else None


def _figures(sums: Sums) -> dict[str, Any]:
    """Numbers, or that they are withheld: then nothing of them is said."""
    if sums.held:
        return {"orders": None, "units": None, "revenue": None, "withheld": True}
    return {
        "orders": sums.orders,
        "units": sums.units,
        "revenue": sums.revenue,
        "withheld": False,
    }
