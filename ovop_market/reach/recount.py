"""What orders and notes add to the rollups, said once: for one purchase as it moves, and for all of
them when they are counted anew.

A part is one product of one order, or one note of a seller. Each rollup adds up the same parts,
under its own key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Row,
    Select,
    and_,
    case,
    cast,
    extract,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)

from ovop_market.catalogue.models import Product, Variant
from ovop_market.extensions.database import Model
from ovop_market.orders.models import Order, OrderLine, Purchase
from ovop_market.reach.models import (
    Channel,
    ReachDay,
    ReachPlaceMonth,
    ReachProducerMonth,
    ReachProductMonth,
    ReachVillageMonth,
    ReachVillageYear,
    ReachYear,
)
from ovop_market.reach.moments import first_of_month, wib_day
from ovop_market.sales.models import ReportedSale
from ovop_market.villages.models import Producer, Village

PROVINCE_LENGTH, REGENCY_LENGTH = 2, 5  # characters of 19 and 19.05

_ALWAYS = ("orders", "units", "home_units", "revenue")


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table, what its rows are told apart by, what follows from that, and what it counts: the
    name of each column, and that of the part's number which it adds up."""

    model: type[Model]
    key: tuple[str, ...]
    follows: tuple[str, ...]
    measures: Mapping[str, str]
    # Whether its rows bear a mark, which is another one whenever they are written.
    marked: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.key, *self.follows, *self.measures)


def _rollup(
    model: type[Model],
    key: str,
    purchases: str,
    follows: str = "",
    more: Sequence[str] = (),
    repeats: str = "",
    marked: bool = False,
) -> Rollup:
    measures = {"purchases": purchases} | {name: name for name in (*_ALWAYS, *more)}
    if repeats:
        measures["repeats"] = repeats
    return Rollup(model, tuple(key.split()), tuple(follows.split()), measures, marked)


# In this order they are written, so that two transactions never wait for each other. A purchase is
# counted once for a product and for a producer (it has one order of each), for a village and for a
# regency of villages, however many orders it has.
ROLLUPS = (
    _rollup(ReachDay, "day product_id region_code channel", "one", "village_id"),
    _rollup(ReachProductMonth, "month product_id channel", "one", "village_id"),
    _rollup(ReachProducerMonth, "producer_id month channel", "orders"),
    _rollup(
        ReachVillageMonth,
        "month village_id channel",
        "first_of_village",
        repeats="repeat_in_village",
    ),
    _rollup(
        ReachVillageYear,
        "year village_id region_code channel",
        "first_of_village",
        more=("home_purchases",),
    ),
    _rollup(
        ReachPlaceMonth,
        "month area_code region_code channel",
        "first_of_area",
        repeats="repeat_in_area",
    ),
    _rollup(ReachYear, "year area_code channel", "first_of_area", more=("weight",), marked=True),
)

# In which cells of its own a part is the one that its purchase is counted at.
FLAGS = ("one", "first_of_village", "first_of_area")
# Where it is that one, and the buyer had bought before.
REPEATS = ("repeat_in_village", "repeat_in_area")
PART = (
    *("day", "month", "year", "product_id", "producer_id"),
    *("village_id", "area_code", "region_code", "channel"),
    *FLAGS,
    *REPEATS,
    "home_purchases",
    *("orders", "units", "home_units", "revenue", "weight"),
)


def gathered(rollup: Rollup, parts: FromClause) -> Select[Any]:
    """The rows of a rollup that these parts add up to."""
    key = [parts.c[name] for name in (*rollup.key, *rollup.follows)]
    sums = [
        cast(func.sum(parts.c[of]), BigInteger).label(name) for name, of in rollup.measures.items()
    ]
    return select(*key, *sums).group_by(*key)


def added(rollup: Rollup, parts: Iterable[Row[Any]]) -> dict[tuple[Any, ...], dict[str, int]]:
    """The same for the few parts of one purchase: the numbers by key and what follows from it."""
    names = tuple(rollup.measures)
    found: dict[tuple[Any, ...], dict[str, int]] = defaultdict(lambda: dict.fromkeys(names, 0))
    for part in parts:
        numbers = found[tuple(getattr(part, name) for name in (*rollup.key, *rollup.follows))]
        for name, of in rollup.measures.items():
            numbers[name] += getattr(part, of)
    return found


def all_parts(orders: ColumnElement[bool], sales: ColumnElement[bool]) -> Select[Any]:
    """The parts of these orders and of these notes."""
    # Each in a subquery: SQLite takes no ORDER BY within a UNION.
    sources = (of_orders(orders).subquery(), of_sales(sales).subquery())
    both = union_all(*(select(*(s.c[name] for name in PART)) for s in sources)).subquery()
    return select(*(both.c[name] for name in PART))


def of_orders(orders: ColumnElement[bool]) -> Select[Any]:
    """The parts of orders, all of which have their moment of receipt.

    An order is counted at the product with the largest amount (of equal ones the first), a purchase
    at the order that was received first, and there at the first product.
    """
    line = _lines(orders)
    area, region = line.c.area_code, line.c.region_code
    largest = func.row_number().over(
        partition_by=line.c.order_id, order_by=(line.c.revenue.desc(), line.c.product_id)
    )
    arrived = (line.c.received_at, line.c.order_id, line.c.product_id)
    whose = (line.c.purchase_id, line.c.channel)
    of_village = func.row_number().over(partition_by=(*whose, line.c.village_id), order_by=arrived)
    of_area = func.row_number().over(partition_by=(*whose, area), order_by=arrived)
    home = case((line.c.at_home, line.c.units), else_=0)
    day = line.c.day
    return select(
        day,
        first_of_month(day).label("month"),
        cast(extract("year", day), Integer).label("year"),
        line.c.product_id,
        line.c.producer_id,
        line.c.village_id,
        area,
        region,
        line.c.channel,
        literal(1, Integer).label("one"),
        case((of_village == 1, 1), else_=0).label("first_of_village"),
        case((of_area == 1, 1), else_=0).label("first_of_area"),
        _if(of_village == 1, line.c.known_in_village).label("repeat_in_village"),
        _if(of_area == 1, line.c.known).label("repeat_in_area"),
        _if(of_village == 1, line.c.at_home).label("home_purchases"),
        case((largest == 1, 1), else_=0).label("orders"),
        line.c.units,
        home.label("home_units"),
        line.c.revenue,
        weight(line.c.units, line.c.product_id, region, day).label("weight"),
    ).order_by(line.c.product_id)


def of_sales(sales: ColumnElement[bool]) -> Select[Any]:
    """The parts of reported sales, in the columns of `of_orders`.

    The village is that of the product, as it is for orders, whoever of its group sold it.
    """
    area = func.substr(Village.region_code, 1, REGENCY_LENGTH)
    region, day = ReportedSale.region_code, ReportedSale.day
    one = literal(1, Integer)
    return (
        select(
            day,
            first_of_month(day).label("month"),
            cast(extract("year", day), Integer).label("year"),
            Variant.product_id,
            Product.producer_id,
            Producer.village_id,
            area.label("area_code"),
            region,
            type_coerce(ReportedSale.channel, ReachDay.channel.type).label("channel"),
            *(one.label(name) for name in FLAGS),
            *(literal(0, Integer).label(name) for name in (*REPEATS, "home_purchases")),
            one.label("orders"),
            ReportedSale.quantity.label("units"),
            literal(0, Integer).label("home_units"),
            cast(ReportedSale.total, BigInteger).label("revenue"),
            weight(ReportedSale.quantity, Variant.product_id, region, day).label("weight"),
        )
        .join_from(ReportedSale, Variant, ReportedSale.variant_id == Variant.id)
        .join(Product, Variant.product_id == Product.id)
        .join(Producer, Product.producer_id == Producer.id)
        .join(Village, Producer.village_id == Village.id)
        .where(sales)
    )


def weight(units: Any, product: Any, region: Any, day: Any) -> ColumnElement[int]:
    """Of some packs, what they weigh: another product, regency or month, another weight."""
    place = cast(func.replace(region, ".", ""), BigInteger)
    month = cast(extract("month", day), BigInteger)
    what = (cast(product, BigInteger) * 10_000 + place) * 12 + month
    return cast(units, BigInteger) * what


def _if(first: ColumnElement[bool], also: ColumnElement[bool]) -> ColumnElement[int]:
    """1 where a purchase is counted and this holds of it, else 0."""
    return case((and_(first, also), 1), else_=0)


def _lines(orders: ColumnElement[bool]) -> FromClause:
    """One row for each product of each order."""
    key: list[ColumnElement[Any]] = [
        Order.id.label("order_id"),
        Order.purchase_id.label("purchase_id"),
        Order.received_at.label("received_at"),
        wib_day(Order.received_at).label("day"),
        Variant.product_id.label("product_id"),
        Order.producer_id.label("producer_id"),
        Village.id.label("village_id"),
        func.substr(Village.region_code, 1, REGENCY_LENGTH).label("area_code"),
        func.substr(Purchase.region_code, 1, REGENCY_LENGTH).label("region_code"),
        (Purchase.region_code == Village.region_code).label("at_home"),
        Order.repeat.label("known_in_village"),
        Purchase.repeat.label("known"),
    ]
    amount = cast(OrderLine.quantity, BigInteger) * OrderLine.unit_price
    units = func.sum(OrderLine.quantity)
    return (
        select(
            *key,
            literal(Channel.WEB, ReachDay.channel.type).label("channel"),
            units.label("units"),
            cast(func.sum(amount), BigInteger).label("revenue"),
        )
        .join_from(OrderLine, Order, OrderLine.order_id == Order.id)
        .join(Purchase, Order.purchase_id == Purchase.id)
        .join(Producer, Order.producer_id == Producer.id)
        .join(Village, Producer.village_id == Village.id)
        .join(Variant, OrderLine.variant_id == Variant.id)
        .where(orders)
        .group_by(
            Order.id,
            Order.purchase_id,
            Order.received_at,
            Variant.product_id,
            Order.producer_id,
            Purchase.region_code,
            Order.repeat,
            Purchase.repeat,
            Village.id,
            Village.region_code,
        )
        # A counteroffer of none leaves a line without packs: it has gone nowhere.
        .having(units > 0)
        .subquery()
    )
