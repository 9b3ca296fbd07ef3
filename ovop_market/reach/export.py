"""The officials' numbers as rows of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Integer, cast, extract, select
from sqlalchemy.orm import Session, aliased

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Product
from ovop_market.reach.figures import MEASURES, ExportRow
from ovop_market.reach.filters import Filters
from ovop_market.reach.models import Channel, ReachDay
from ovop_market.reach.parts import narrowed, through, total, visible, within
from ovop_market.regions.models import Region
from ovop_market.villages.models import Village

AT_ONCE = 1000  # rows that are taken from the database at a time


def rows(session: Session, actor: User, filters: Filters) -> Iterator[ExportRow]:
    """The rows that the page's totals are the sums of (channel `web`); or, if they are asked for,
    those that sellers report (`reported-…`): never both in one file, lest somebody adds them.

    Asked at once, and read while they are taken: there may be more than should be held."""
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
    sums = [total(getattr(ReachDay, name)) for name in MEASURES]
    found: Iterable[Any] = session.execute(
        select(*key, *sums)
        .join_from(ReachDay, Village, ReachDay.village_id == Village.id)
        .join(Product, ReachDay.product_id == Product.id)
        .join(Region, ReachDay.region_code == Region.code)
        .join(province, Region.parent_code == province.code)
        .where(
            visible(actor), *narrowed(filters), through(filters.reported), within(filters.period)
        )
        .where(ReachDay.units > 0)
        .group_by(*key, Product.id)
        .order_by(
            year, month, Village.region_code, Product.id, ReachDay.region_code, ReachDay.channel
        ),
        execution_options={"yield_per": AT_ONCE},
    )
    return (_row(*row) for row in found)


def _row(year: int, month: int, *others: Any) -> ExportRow:
    *names, channel, orders, units, revenue = others
    values = (*names, _written(Channel(channel)), orders, units, revenue)
    return ExportRow(f"{year:04}-{month:02}", *values)


def _written(channel: Channel) -> str:
    """A channel that says, in a file read without this page beside it, whose word it is."""
    return f"reported-{channel}" if channel.reported else str(channel)
