"""The officials' numbers as rows of a file: what is shown, and what is left of each total.

All villages together: by month and destination, a regency of villages (its code stands where a
village's would) after the other. Of chosen villages or a product: by month and product, to all
destinations; or, by place, by calendar year and destination. No file has two of these, as nobody
could tell which rows to add; within one, all rows add up to the page's totals. What is withheld is
in one row a month, or a year, that says so: no more than the total without the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Product
from ovop_market.reach import places, queries, shown
from ovop_market.reach.figures import ExportRow, Sums
from ovop_market.reach.filters import Filters
from ovop_market.reach.grids import Grid
from ovop_market.reach.models import Channel
from ovop_market.reach.published import Published, province_of
from ovop_market.reach.shown import Shown
from ovop_market.villages.models import Village

# What is reported is no channel of its own: all ways of selling together.
REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Names:
    """What codes and ids are called: regions; villages with their codes; products."""

    regions: Mapping[str, str]
    villages: Mapping[int, tuple[str, str]]
    products: Mapping[int, str]
    channel: str

    def row(
        self, month: str, where: tuple[str, str], product: str, code: str, sums: Sums
    ) -> ExportRow:
        """A row; what has no code in `regions` is written as it is."""
        region, province = self.regions.get(code, ""), self.regions.get(province_of(code), "")
        known = bool(region)
        return ExportRow(
            month,
            *where,
            product,
            code if known else "",
            region or code,
            province if known else "",
            self.channel,
            sums.orders,
            sums.units,
            sums.revenue,
        )


def rows(
    session: Session, actor: User, filters: Filters, *, by_place: bool = False
) -> Iterator[ExportRow]:
    """The rows that the page's totals are the sums of (channel `web`); or, if they are asked for,
    those that sellers report (`reported`): never both in one file, lest somebody adds them."""
    known = queries.choices(session, actor, filters.village, filters.product)
    chosen = queries.chosen(session, filters, known)
    found = shown.read(session, chosen, [filters.period])[filters.period, filters.reported]
    names = _names(session, found, filters.reported)
    if not filters.narrowed:
        return _by_destination(found, names)
    return _by_year(found, names) if by_place else _by_product(found, names)


def _names(session: Session, found: Shown, reported: bool) -> Names:
    chosen = found.chosen.villages or {}
    villages = session.execute(
        select(Village.id, Village.region_code, Village.name).where(Village.id.in_(chosen))
    )
    sold = {p for tree in found.trees for p in tree.sold()} if found.by_years else set()
    products = session.execute(select(Product.id, Product.name).where(Product.id.in_(sold)))
    return Names(
        {code: name for code, name, _level in places.regions(session)},
        {village: (code, name) for village, code, name in villages},
        {product: name for product, name in products},  # noqa: C416 (rows)
        REPORTED if reported else str(Channel.WEB),
    )


def _by_destination(found: Shown, names: Names) -> Iterator[ExportRow]:
    held = _("ditahan")
    for tree in found.trees:
        where = (tree.tree.area, "")
        months, lines = tree.month_grid(), tree.place_grid()
        counted = Sums()
        for month in found.months_of(tree):
            rest = months.cell("", month)
            counted += rest
            for code in sorted(lines.totals):
                sums = lines.cell(code, month)
                if sums.units and code != province_of(code):
                    rest = left(rest, sums)
                    yield names.row(f"{month:%Y-%m}", where, "", code, sums)
            if rest.units:
                yield names.row(f"{month:%Y-%m}", where, "", held, rest)
        rest = _rest_of_year(tree, found, months, "", counted)
        if rest.units:
            yield names.row(str(tree.tree.year), where, "", held, rest)


def _by_product(found: Shown, names: Names) -> Iterator[ExportRow]:
    held, asked = _("ditahan"), found.chosen.products
    for tree in found.trees:
        # Of all of them at once, not a statement for each.
        tree.read_products([village for of, village in _villages(found) if of is tree])
    for tree, village in _villages(found):
        where = names.villages[village]
        products = tree.product_grid(village)
        if asked is not None:
            for product in sorted(asked & products.totals.keys()):
                name, counted = names.products[product], Sums()
                for month in found.months_of(tree):
                    sums = products.cell(product, month)
                    counted += sums
                    if sums.units:
                        yield names.row(f"{month:%Y-%m}", where, name, "", sums)
                rest = _rest_of_year(tree, found, products, product, counted)
                if rest.units:
                    yield names.row(str(tree.tree.year), where, name, held, rest)
            continue
        months, counted = tree.village_grid(), Sums()
        for month in found.months_of(tree):
            rest = months.cell(village, month)
            counted += rest
            for product in sorted(products.totals):
                sums = products.cell(product, month)
                if sums.units:
                    rest = left(rest, sums)
                    yield names.row(f"{month:%Y-%m}", where, names.products[product], "", sums)
            if rest.units:
                yield names.row(f"{month:%Y-%m}", where, held, "", rest)
        rest = _rest_of_year(tree, found, months, village, counted)
        if rest.units:
            yield names.row(str(tree.tree.year), where, held, "", rest)


def _by_year(found: Shown, names: Names) -> Iterator[ExportRow]:
    """Of whole calendar years: the month is the year."""
    held, asked = _("ditahan"), found.chosen.products
    for tree, village in _villages(found):
        where, year = names.villages[village], str(tree.tree.year)
        rest = tree.villages().get(village, Sums())
        name = ""
        if asked is not None:
            sold = tree.products(village)
            rest = sum((sold.get(product, Sums()) for product in asked), Sums())
            name = ", ".join(names.products.get(product, "") for product in asked)
        for code, sums in sorted(found.sent(tree, village).items()):
            if sums.units and not sums.held and code != province_of(code):
                rest = left(rest, sums)
                yield names.row(year, where, name, code, sums)
        if rest.units:
            yield names.row(year, where, name, held, rest)


def _villages(found: Shown) -> Iterator[tuple[Published, int]]:
    for tree in found.trees:
        for village, area in sorted((found.chosen.villages or {}).items()):
            if area == tree.tree.area and village in tree.village_grid().totals:
                yield tree, village


def _rest_of_year(
    tree: Published, found: Shown, lines: Grid[Any, date], row: Any, counted: Sums
) -> Sums:
    """What of the year is known, and of none of its months."""
    return left(lines.over(found.of_year(tree)).get(row, Sums()), counted)


def left(total: Sums, part: Sums) -> Sums:
    """What is shown of a total, without what is shown of a part."""
    return Sums(
        max(total.orders - part.orders, 0),
        max(total.units - part.units, 0),
        max(total.revenue - part.revenue, 0),
    )
