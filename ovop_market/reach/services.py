"""The only writer of the rollups: in step with every order that is received, or disputed again, and
with every sale that is reported, or withdrawn.

What an order or a note adds is said in `recount`. Listeners ask it for one purchase, with the moved
order and without; `rebuild` and `differences` ask it for all.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import (
    BigInteger,
    Column,
    FromClause,
    MetaData,
    Row,
    Select,
    Table,
    and_,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product
from ovop_market.extensions.database import insert_into
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.signals import order_moved
from ovop_market.orders.states import OrderState
from ovop_market.reach import recount, settling
from ovop_market.reach.models import ReachDay
from ovop_market.reach.recount import ROLLUPS, Rollup
from ovop_market.sales.models import ReportedSale
from ovop_market.sales.signals import sale_moved
from ovop_market.villages.models import Producer, Village

log = structlog.get_logger("ovop")

SORT_MEMORY = "256MB"
_Deltas = dict[tuple[Any, ...], dict[str, int]]
_statements: dict[tuple[str, str], Any] = {}


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
    parts = session.execute(recount.of_sales(ReportedSale.id == sale.id)).all()
    sides = ((), parts) if sale.withdrawn_at is None else (parts, ())
    _move(session, *sides, reported_sale=sale.id)


def count(session: Session, order: Order, sign: int) -> None:
    """Adds what the order brought (`sign` 1), or takes it away again (-1).

    What it brings depends on the other orders of its purchase: a purchase counts once. So what they
    add without it is compared with what they add with it; whoever moves one of them holds the
    purchase's lock. The order has its `received_at`, which it keeps through a dispute: so both meet
    the same day.
    """
    session.flush()
    others = and_(
        Order.purchase_id == order.purchase_id,
        Order.id != order.id,
        Order.state == OrderState.RECEIVED,
        Order.received_at.is_not(None),
    )
    without = session.execute(recount.of_orders(others)).all()
    together = session.execute(recount.of_orders(or_(others, Order.id == order.id))).all()
    sides = (without, together) if sign > 0 else (together, without)
    _move(session, *sides, order=order.number)


def _move(
    session: Session, before: Sequence[Row[Any]], after: Sequence[Row[Any]], **whose: str | int
) -> None:
    """Brings the rollups from what some parts add to what others add."""
    for rollup in ROLLUPS:
        deltas = recount.added(rollup, after)
        for key, numbers in recount.added(rollup, before).items():
            mine = deltas.setdefault(key, dict.fromkeys(rollup.measures, 0))
            for name, number in numbers.items():
                mine[name] -= number
        _write(session, rollup, deltas, whose)


def _write(session: Session, rollup: Rollup, deltas: _Deltas, whose: dict[str, str | int]) -> None:
    """In the order of the keys, so that two transactions never wait for each other."""
    for key, numbers in sorted(deltas.items()):
        if min(numbers.values()) < 0:
            _take_away(session, rollup, key, numbers, whose)
        elif max(numbers.values()) > 0:
            _add(session, rollup, key, numbers)


def _add(session: Session, rollup: Rollup, key: tuple[Any, ...], numbers: dict[str, int]) -> None:
    values = dict(zip((*rollup.key, *rollup.follows), key, strict=True)) | numbers
    session.execute(_adding(session, rollup), values | _mark(rollup))


def _adding(session: Session, rollup: Rollup) -> Any:
    """The statement that adds to a row, or makes it. Kept: to build one takes longer than to carry
    it out, and each received order asks for all of them."""
    which = session.get_bind().dialect.name, rollup.model.__tablename__
    if which not in _statements:
        insertion = insert_into(session, rollup.model)
        there, more = rollup.model.__table__.c, insertion.excluded
        sums = {name: there[name] + more[name] for name in rollup.measures}
        sums |= {name: more[name] for name in _mark(rollup)}
        _statements[which] = insertion.on_conflict_do_update(index_elements=rollup.key, set_=sums)
    return _statements[which]


def _take_away(
    session: Session,
    rollup: Rollup,
    key: tuple[Any, ...],
    numbers: dict[str, int],
    whose: dict[str, str | int],
) -> None:
    columns = {name: getattr(rollup.model, name) for name in rollup.columns}
    there = [columns[name] == part for name, part in zip(rollup.key, key, strict=False)]
    enough = [columns[name] + number >= 0 for name, number in numbers.items()]
    changed = session.execute(
        update(rollup.model)
        .where(*there, *enough)
        .values({name: columns[name] + number for name, number in numbers.items()} | _mark(rollup))
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount == 0:  # type: ignore[attr-defined]
        # A count that is out of step must not keep a buyer from complaining.
        table = rollup.model.__tablename__
        log.error("reach is out of step: run `reach rebuild`", table=table, **whose)


def _mark(rollup: Rollup) -> dict[str, int]:
    """A mark that no row has had. Of several rows together it still fits into 64 bits."""
    return {"mark": secrets.randbits(60)} if rollup.marked else {}


# All of it


def rebuild(session: Session) -> int:
    """Recomputes the rollups from orders and notes; returns the number of rows of the finest.

    Orders may move meanwhile: whoever would write to a rollup waits for the end of this
    transaction, and what was written before is seen (each statement reads what is committed).
    """
    if session.get_bind().dialect.name == "postgresql":
        for rollup in ROLLUPS:
            table = rollup.model.__tablename__
            session.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
    with _all_parts(session) as parts:
        for rollup in ROLLUPS:
            _put_right(session, rollup, parts)
            if rollup.marked:
                # Whatever was decided before is to be decided again.
                session.execute(update(rollup.model).values(_mark(rollup)))
    settling.forget(session)
    return session.scalars(select(func.count()).select_from(ReachDay)).one()


def _put_right(session: Session, rollup: Rollup, parts: FromClause) -> None:
    """Writes the rows that say other than they should, and takes away those of nothing. To write a
    row that is right already would only cost time: each is checked against three other tables."""
    differing = _differing(rollup, parts)
    with _temporary(session, "reach_differing", differing.order_by(None)) as wrong:
        columns = {name: getattr(rollup.model, name) for name in rollup.columns}
        keys = select(*(wrong.c[name] for name in rollup.key))
        none = and_(*(columns[name] == 0 for name in rollup.measures))
        there = tuple_(*(columns[name] for name in rollup.key)).in_(keys)
        for rows in (there, none):
            session.execute(
                delete(rollup.model).where(rows).execution_options(synchronize_session=False)
            )
        due = {name: wrong.c[f"due_{name}"] for name in rollup.measures}
        right = select(
            *(wrong.c[name] for name in (*rollup.key, *rollup.follows)), *due.values()
        ).where(or_(*(number != 0 for number in due.values())))
        session.execute(insert(rollup.model).from_select(rollup.columns, right))


def differences(session: Session) -> Iterator[str]:
    """A line for each row of a rollup that says other than the orders, or than the sellers' notes.

    A row of zeros says the same as none.
    """
    with _all_parts(session) as parts:
        slugs = {
            "village_id": _slugs(session, Village),
            "product_id": _slugs(session, Product),
            "producer_id": _slugs(session, Producer),
        }
        for rollup in ROLLUPS:
            for row in session.execute(_differing(rollup, parts)).mappings():
                yield _told(rollup, row, slugs)


@contextmanager
def _all_parts(session: Session) -> Iterator[FromClause]:
    """The parts of everything there is, computed once, for this transaction."""
    parts = recount.all_parts(
        and_(Order.state == OrderState.RECEIVED, Order.received_at.is_not(None)),
        ReportedSale.withdrawn_at.is_(None),
    )
    bind = session.get_bind()
    if bind.dialect.name == "postgresql":
        # A million lines are sorted three times: in memory, not on disk. For this transaction only.
        session.execute(text(f"SET LOCAL work_mem = '{SORT_MEMORY}'"))
    with _temporary(session, "reach_part", parts) as table:
        yield table


@contextmanager
def _temporary(session: Session, name: str, rows: Select[Any]) -> Iterator[FromClause]:
    """Some rows in a table of this transaction."""
    bind = session.get_bind()
    said = rows.compile(bind, compile_kwargs={"literal_binds": True})
    session.execute(text(f"DROP TABLE IF EXISTS {name}"))
    session.connection().exec_driver_sql(f"CREATE TEMPORARY TABLE {name} AS {said}")
    if bind.dialect.name == "postgresql":
        session.execute(text(f"ANALYZE {name}"))
    columns = [Column(c.name, c.type) for c in rows.selected_columns]
    yield Table(name, MetaData(), *columns)
    session.execute(text(f"DROP TABLE IF EXISTS {name}"))


def _differing(rollup: Rollup, parts: FromClause) -> Select[Any]:
    due = recount.gathered(rollup, parts).subquery()
    kept = rollup.model.__table__
    sides = union_all(_side(rollup, due, kept=0), _side(rollup, kept, kept=1)).subquery()
    key = [sides.c[name] for name in (*rollup.key, *rollup.follows)]
    sums = [
        cast(func.sum(sides.c[f"{side}_{name}"]), BigInteger).label(f"{side}_{name}")
        for name in rollup.measures
        for side in ("kept", "due")
    ]
    differs = [had != owed for had, owed in zip(sums[::2], sums[1::2], strict=True)]
    return select(*key, *sums).group_by(*key).having(or_(*differs)).order_by(*key)


def _side(rollup: Rollup, rows: FromClause, kept: int) -> Select[Any]:
    key = [rows.c[name] for name in (*rollup.key, *rollup.follows)]
    measures = []
    for name in rollup.measures:
        value = cast(rows.c[name], BigInteger)
        measures.append((value * kept).label(f"kept_{name}"))
        measures.append((value * (1 - kept)).label(f"due_{name}"))
    return select(*key, *measures)


def _told(rollup: Rollup, row: Any, slugs: dict[str, dict[int, str]]) -> str:
    where = []
    for name in (*rollup.key, *rollup.follows):
        value = slugs.get(name, {}).get(row[name], row[name])
        where.append(f"{name.removesuffix('_id').removesuffix('_code')} {value}")
    others = "notes" if row["channel"].reported else "orders"
    return (
        f"{rollup.model.__tablename__}, {', '.join(where)}: the rollup has {_said(row, 'kept')}; "
        f"the {others} say {_said(row, 'due')}"
    )


def _slugs(
    session: Session, model: type[Product] | type[Village] | type[Producer]
) -> dict[int, str]:
    return dict(session.execute(select(model.id, model.slug)).all())


def _said(row: Any, side: str) -> str:
    numbers = {
        name.removeprefix(f"{side}_"): value
        for name, value in row.items()
        if name.startswith(f"{side}_")
    }
    some = ("home_purchases", "repeats", "weight")
    more = [f"{numbers[name]} {name}" for name in some if name in numbers]
    return ", ".join(
        (
            f"{numbers['orders']} orders",
            f"{numbers['units']} packs ({numbers['home_units']} at home)",
            *more,
            f"{numbers['revenue']} rupiah",
            f"{numbers['purchases']} purchases",
        )
    )
