"""The only writer of the rollup: in step with every order that is received, or disputed again, and
with every sale that is reported, or withdrawn.

What an order adds is said once, in `_due`, and what a reported sale adds in `_reported`: listeners
ask them for one, `rebuild` and `differences` for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import structlog
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Integer,
    Row,
    Select,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import GenericFunction

from ovop_market.catalogue.models import Product, Variant
from ovop_market.extensions.database import insert_into
from ovop_market.orders.models import Order, OrderEvent, OrderLine, Purchase
from ovop_market.orders.signals import order_moved
from ovop_market.orders.states import OrderState
from ovop_market.reach.models import Channel, ReachDay
from ovop_market.sales.models import ReportedSale
from ovop_market.sales.signals import sale_moved
from ovop_market.villages.models import Producer, Village

REGENCY_LENGTH = 5  # characters of 19.05
KEYS = ("day", "product_id", "region_code", "channel")
MEASURES = ("orders", "units", "home_units", "revenue")
COLUMNS = (*KEYS, "village_id", *MEASURES)

log = structlog.get_logger("ovop")


class wib_day(GenericFunction[date]):
    """The calendar day of a moment in WIB, as `clock.wib_date` has it (UTC+7 all year)."""

    type = Date()
    inherit_cache = True


@compiles(wib_day, "postgresql")
def _wib_day_on_postgresql(element: wib_day, compiler: Any, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"CAST(timezone(INTERVAL '7 hours', {moment}) AS DATE)"


@compiles(wib_day, "sqlite")
def _wib_day_on_sqlite(element: wib_day, compiler: Any, **options: Any) -> str:
    # Without the fraction: SQLite rounds it, and the last millisecond would be tomorrow's.
    return f"date(substr({compiler.process(element.clauses, **options)}, 1, 19), '+7 hours')"


def listen() -> None:
    """Follows the orders and the reported sales. Saying it twice is the same as once."""
    order_moved.connect(_follow)
    sale_moved.connect(_follow_sale)


def _follow(
    order: Order, *, session: Session, event: OrderEvent, before: OrderState | None, **_: object
) -> None:
    fulfilled = event.state is OrderState.RECEIVED
    was_fulfilled = before is OrderState.RECEIVED
    if fulfilled != was_fulfilled:
        count(session, order, 1 if fulfilled else -1)


def _follow_sale(sale: ReportedSale, *, session: Session, **_: object) -> None:
    rows = session.execute(_reported(ReportedSale.id == sale.id)).all()
    if sale.withdrawn_at is None:
        _add(session, rows)
    else:
        _take_away(session, rows, reported_sale=sale.id)


def count(session: Session, order: Order, sign: int) -> None:
    """Adds what the order brought (`sign` 1), or takes it away again (-1).

    The order has its `received_at`, which it keeps through a dispute: so both meet the same day.
    """
    session.flush()
    rows = session.execute(_due(Order.id == order.id)).all()
    if sign > 0:
        _add(session, rows)
    else:
        _take_away(session, rows, order=order.number)


def _add(session: Session, rows: Sequence[Row[Any]]) -> None:
    if not rows:
        return
    insertion = insert_into(session, ReachDay).values([row._asdict() for row in rows])
    sums = {name: getattr(ReachDay, name) + insertion.excluded[name] for name in MEASURES}
    session.execute(insertion.on_conflict_do_update(index_elements=KEYS, set_=sums))


def _take_away(session: Session, rows: Sequence[Row[Any]], **whose: str | int) -> None:
    for row in rows:
        there = [getattr(ReachDay, key) == getattr(row, key) for key in KEYS]
        enough = [getattr(ReachDay, name) >= getattr(row, name) for name in MEASURES]
        changed = session.execute(
            update(ReachDay)
            .where(*there, *enough)
            .values({name: getattr(ReachDay, name) - getattr(row, name) for name in MEASURES})
            .execution_options(synchronize_session=False)
        )
        if changed.rowcount == 0:  # type: ignore[attr-defined]
            # A count that is out of step must not keep a buyer from complaining.
            log.error("reach is out of step: run `reach rebuild`", **whose)


def rebuild(session: Session) -> int:
    """Recomputes the whole rollup from orders and notes; returns the number of its rows.

    Orders may move meanwhile: whoever would write to the rollup waits for the end of this
    transaction, and what was written before is seen (each statement reads what is committed).
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE reach_day IN SHARE ROW EXCLUSIVE MODE"))
    session.execute(delete(ReachDay).execution_options(synchronize_session=False))
    session.execute(insert(ReachDay).from_select(COLUMNS, _due_by_day()))
    return session.scalars(select(func.count()).select_from(ReachDay)).one()


def differences(session: Session) -> Iterator[str]:
    """A line for each day, product, regency and channel of which the rollup says other than the
    orders, or than the sellers' notes.

    A row of zeros says the same as none.
    """
    due = _due_by_day().subquery()
    sides = union_all(_side(due.c, kept=0), _side(ReachDay.__table__.c, kept=1)).subquery()
    key = [sides.c[name] for name in (*KEYS, "village_id")]
    sums = [func.sum(sides.c[f"{side}_{name}"]) for name in MEASURES for side in ("kept", "due")]
    differs = [kept != owed for kept, owed in zip(sums[::2], sums[1::2], strict=True)]
    compared = select(*key, *sums).group_by(*key).having(or_(*differs)).subquery()
    named = select(Product.slug, compared).join(compared, Product.id == compared.c.product_id)
    for slug, day, _product, region, channel, village, *numbers in session.execute(
        named.order_by(compared.c.day, Product.slug, compared.c.region_code)
    ):
        others = "notes" if channel.reported else "orders"
        yield (
            f"{day} {slug} (village {village}) to {region} by {channel}: "
            f"the rollup has {_said(numbers[::2])}; the {others} say {_said(numbers[1::2])}"
        )


def _side(columns: Any, kept: int) -> Select[Any]:
    key = [columns[name] for name in (*KEYS, "village_id")]
    measures = []
    for name in MEASURES:
        value = cast(columns[name], BigInteger)
        measures.append((value * kept).label(f"kept_{name}"))
        measures.append((value * (1 - kept)).label(f"due_{name}"))
    return select(*key, *measures)


def _said(numbers: Sequence[int]) -> str:
    orders, units, home_units, revenue = numbers
    return f"{orders} orders, {units} packs ({home_units} at home), {revenue} rupiah"


def _due_by_day() -> Select[Any]:
    """What the rollup must hold, row by row."""
    received = and_(Order.state == OrderState.RECEIVED, Order.received_at.is_not(None))
    # Each in a subquery: SQLite takes no ORDER BY within a UNION.
    sources = [_due(received).subquery(), _reported(ReportedSale.withdrawn_at.is_(None)).subquery()]
    due = union_all(*(select(*(s.c[name] for name in COLUMNS)) for s in sources)).subquery()
    key = [due.c[name] for name in (*KEYS, "village_id")]
    sums = [cast(func.sum(due.c[name]), BigInteger).label(name) for name in MEASURES]
    return select(*key, *sums).group_by(*key)


def _due(orders: ColumnElement[bool]) -> Select[Any]:
    """What each of the orders adds, product by product, in the order of the products.

    The order itself is counted at the product with the largest amount (of equal ones the first).
    """
    part = _parts(orders)
    rank = func.row_number().over(
        partition_by=part.c.order_id, order_by=(part.c.revenue.desc(), part.c.product_id)
    )
    return (
        select(
            part.c.day,
            part.c.product_id,
            part.c.region_code,
            literal(Channel.WEB, ReachDay.channel.type).label("channel"),
            part.c.village_id,
            case((rank == 1, 1), else_=0).label("orders"),
            part.c.units,
            case((part.c.at_home, part.c.units), else_=0).label("home_units"),
            part.c.revenue,
        )
        # A counteroffer of none leaves a line without packs: it has gone nowhere.
        .where(part.c.units > 0)
        .order_by(part.c.product_id)
    )


def _reported(sales: ColumnElement[bool]) -> Select[Any]:
    """What each of the reported sales adds, in the columns of `_due`.

    The village is that of the product, as it is for orders, whoever of its group sold it.
    """
    return (
        select(
            ReportedSale.day,
            Variant.product_id,
            ReportedSale.region_code,
            type_coerce(ReportedSale.channel, ReachDay.channel.type).label("channel"),
            Producer.village_id,
            literal(1, Integer).label("orders"),
            ReportedSale.quantity.label("units"),
            literal(0, Integer).label("home_units"),
            cast(ReportedSale.total, BigInteger).label("revenue"),
        )
        .join_from(ReportedSale, Variant, ReportedSale.variant_id == Variant.id)
        .join(Product, Variant.product_id == Product.id)
        .join(Producer, Product.producer_id == Producer.id)
        .where(sales)
    )


def _parts(orders: ColumnElement[bool]) -> FromClause:
    """One row for each product of each order."""
    home = Purchase.region_code == Village.region_code
    key: list[ColumnElement[Any]] = [
        Order.id.label("order_id"),
        wib_day(Order.received_at).label("day"),
        Variant.product_id.label("product_id"),
        func.substr(Purchase.region_code, 1, REGENCY_LENGTH).label("region_code"),
        Village.id.label("village_id"),
        home.label("at_home"),
    ]
    amount = cast(OrderLine.quantity, BigInteger) * OrderLine.unit_price
    return (
        select(
            *key,
            func.sum(OrderLine.quantity).label("units"),
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
            Order.received_at,
            Variant.product_id,
            Purchase.region_code,
            Village.id,
            Village.region_code,
        )
        .subquery()
    )
