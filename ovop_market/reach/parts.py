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
    or_,
    select,
    true,
    union_all,
)

from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.models import Product
from ovop_market.reach import policy
from ovop_market.reach.figures import MEASURES, Sums
from ovop_market.reach.filters import Filters, Period
from ovop_market.reach.models import Channel, Counts, ReachDay, ReachPlaceMonth
from ovop_market.villages.areas import in_area
from ovop_market.villages.models import Designation, Village


def visible(actor: User, rollup: type[Counts] = ReachDay) -> ColumnElement[bool]:
    """What this person may see of a rollup: the villages of the account's area."""
    if not policy.can_see_reach(actor):
        return false()
    if actor.role is Role.OPERATOR:
        return true()
    if rollup is ReachPlaceMonth:
        # A regency's own code, or those of a province.
        area = ReachPlaceMonth.area_code
        return or_(area == actor.region_code, area.startswith(f"{actor.region_code}."))
    return _village(rollup).in_(select(Village.id).where(in_area(actor)))


def through(reported: bool, rollup: type[Counts] = ReachDay) -> ColumnElement[bool]:
    """What the website has verified, or what sellers report: they are never added together."""
    channel: Any = rollup.channel
    return channel != Channel.WEB if reported else channel == Channel.WEB  # type: ignore[no-any-return]


def within(period: Period, rollup: type[Counts] = ReachDay) -> ColumnElement[bool]:
    """Days, or months (each by its first day)."""
    moment: Any = ReachDay.day if rollup is ReachDay else rollup.month  # type: ignore[attr-defined]
    return moment.between(period.start, period.end)  # type: ignore[no-any-return]


def narrowed(filters: Filters, rollup: type[Counts] = ReachDay) -> list[ColumnElement[bool]]:
    """Village, programme year and product, as conditions."""
    conditions: list[ColumnElement[bool]] = []
    if filters.village:
        village = select(Village.id).where(Village.slug == filters.village)
        conditions.append(_village(rollup) == village.scalar_subquery())
    if filters.year:
        designated = select(Designation.village_id).where(Designation.year == filters.year)
        conditions.append(_village(rollup).in_(designated))
    if filters.product:
        product = select(Product.id).where(Product.slug == filters.product)
        of_product: Any = rollup.product_id  # type: ignore[attr-defined]
        conditions.append(of_product == product.scalar_subquery())
    return conditions


def _village(rollup: type[Counts]) -> Any:
    return rollup.village_id  # type: ignore[attr-defined]


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


def both(
    actor: User,
    filters: Filters,
    reported: bool | None = None,
    rollup: type[Counts] = ReachDay,
) -> Both:
    """Of what was verified, of what is reported, or (None) of both: then the channel is a key."""
    only = [] if reported is None else [through(reported, rollup)]
    only += [visible(actor, rollup), *narrowed(filters, rollup)]
    sides: list[Any] = [
        select(
            literal_column(now).label("now"),
            literal_column(before).label("before"),
            rollup.__table__,  # type: ignore[attr-defined]
        ).where(*only, within(days, rollup))
        for now, before, days in (
            ("1", "0", filters.period),
            ("0", "1", filters.period.year_before),
        )
    ]
    return Both(union_all(*sides).subquery("both").c)


def pair(numbers: Sequence[int]) -> tuple[Sums, Sums]:
    """The sums of the period and of the year before, from a row of `Both.by`."""
    return Sums(*numbers[:3]), Sums(*numbers[3:6])
