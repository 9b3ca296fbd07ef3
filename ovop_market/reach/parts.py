"""Parts of the statements that officials' numbers come from: what may be seen of the rollup, what
is chosen of it, and a period beside the year before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    cast,
    false,
    func,
    literal_column,
    select,
    true,
    union_all,
)

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Product
from ovop_market.reach import policy
from ovop_market.reach.figures import MEASURES, Sums
from ovop_market.reach.filters import Filters, Period
from ovop_market.reach.models import Channel, ReachDay
from ovop_market.villages.models import Designation, Village


def visible(actor: User) -> ColumnElement[bool]:
    """What this person may see of the rollup."""
    return true() if policy.can_see_reach(actor) else false()


def through(reported: bool) -> ColumnElement[bool]:
    """What the website has verified, or what sellers report: they are never added together."""
    return ReachDay.channel != Channel.WEB if reported else ReachDay.channel == Channel.WEB


def within(period: Period) -> ColumnElement[bool]:
    return ReachDay.day.between(period.start, period.end)


def narrowed(filters: Filters) -> list[ColumnElement[bool]]:
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


def total(value: Any) -> ColumnElement[int]:
    # PostgreSQL adds 64-bit integers up to a numeric, which would arrive as Decimal.
    return cast(func.sum(value), BigInteger)


@dataclass(frozen=True, slots=True)
class Both:
    """The rollup of the period and that of the year before, one under the other.

    Each row is weighted: `now` and `before` are 1 or 0. A day that belongs to both (of a period
    longer than a year) stands there twice.
    """

    c: Any

    def by(self, *key: Any, more: Sequence[Any] = ()) -> Select[Any]:
        """The key, its sums now and before (see `pair`), and `more` columns after them."""
        sums = [
            total(self.c[name] * self.c[when]).label(f"{name}_{when}")
            for when in ("now", "before")
            for name in MEASURES
        ]
        return select(*key, *sums, *more).group_by(*key)


def both(actor: User, filters: Filters, reported: bool | None = None) -> Both:
    """Of what was verified, of what is reported, or (None) of both: then the channel is a key."""
    only = [] if reported is None else [through(reported)]
    sides = [
        select(
            literal_column(now).label("now"),
            literal_column(before).label("before"),
            ReachDay.__table__,
        ).where(visible(actor), *narrowed(filters), *only, within(days))
        for now, before, days in (
            ("1", "0", filters.period),
            ("0", "1", filters.period.year_before),
        )
    ]
    return Both(union_all(*sides).subquery("both").c)


def pair(numbers: Sequence[int]) -> tuple[Sums, Sums]:
    """The sums of the period and of the year before, from a row of `Both.by`."""
    return Sums(*numbers[:3]), Sums(*numbers[3:6])
