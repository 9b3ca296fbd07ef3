"""Many rows at once: what the ORM would take minutes for, written as fast as the database can.

Rows are tuples in the order of the columns, with values as the database keeps them: `moment` for
moments, ISO text for days, JSON as text. Ids are given by whoever makes the rows, so that rows can
refer to each other before they are written; `settle` tells PostgreSQL where to go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from ovop_market.extensions.database import Model

Row = Sequence[Any]
# Rows in one statement: SQLite builds the lists of CHECK (… IN …) anew for every statement.
_BATCH = 50
_SQLITE_MOMENT = len("2026-11-24 03:05:00.000000")


def on_postgresql(session: Session) -> bool:
    """Whether this session talks to PostgreSQL; if not, then to SQLite."""
    return session.get_bind().dialect.name == "postgresql"


def moment_writer(session: Session) -> Callable[[datetime], str]:
    """How a moment is written for this database. It must be timezone-aware."""
    length = None if on_postgresql(session) else _SQLITE_MOMENT

    def write(at: datetime) -> str:
        return at.astimezone(UTC).isoformat(" ", "microseconds")[:length]

    return write


def next_id(session: Session, model: type[Model]) -> int:
    """The first id that is free in a table with an integer `id`."""
    highest = session.scalar(select(func.max(model.__table__.c.id)))
    return (highest or 0) + 1


def insert(
    session: Session, model: type[Model], columns: Sequence[str], rows: Iterable[Row]
) -> None:
    """Writes the rows in the session's transaction; all constraints are checked as ever."""
    name, listed = model.__tablename__, ", ".join(columns)
    driver: Any = session.connection().connection.driver_connection
    if on_postgresql(session):
        copy_in = f"COPY {name} ({listed}) FROM STDIN"
        with driver.cursor() as cursor, cursor.copy(copy_in) as copy:
            for row in rows:
                copy.write_row(row)
        return
    marks = f"({', '.join('?' * len(columns))})"
    rows = iter(rows)
    while batch := list(islice(rows, _BATCH)):
        # The names are those of our own models.
        statement = f"INSERT INTO {name} ({listed}) VALUES {', '.join([marks] * len(batch))}"  # noqa: S608
        driver.execute(statement, list(chain.from_iterable(batch)))


def settle(session: Session, models: Iterable[type[Model]]) -> None:
    """Makes PostgreSQL number on from the highest id, and tells planners what tables now hold."""
    if on_postgresql(session):
        for model in models:
            name = model.__tablename__
            highest = select(func.max(model.__table__.c.id)).scalar_subquery()
            sequence = func.pg_get_serial_sequence(name, "id")
            session.execute(select(func.setval(sequence, func.coalesce(highest, 1))))
    session.execute(text("ANALYZE"))


def look_at(session: Session, models: Iterable[type[Model]]) -> None:
    """Tells PostgreSQL's planner what these tables hold by now: it would go through a large table
    again and again that it believes to be small. SQLite plans by the indexes there are."""
    if on_postgresql(session):
        names = ", ".join(model.__tablename__ for model in models)
        session.execute(text(f"ANALYZE {names}"))


_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]
# Both share no factor with 30, so that different ids give different numbers.
_SPREAD, _OFFSET = 387_420_489_137, 61_803_398_875


def order_number(order_id: int) -> str:
    """A number such as `7K4M-2XQ9A` for an order's id: no two alike, and none like a real one,
    which is a letter shorter (core.tokens)."""
    rest = (order_id * _SPREAD + _OFFSET) % 30**8
    rest, a = divmod(rest, 900)
    rest, b = divmod(rest, 900)
    d, c = divmod(rest, 900)
    return f"{_PAIRS[a]}{_PAIRS[b]}-{_PAIRS[c]}{_PAIRS[d]}{_LETTERS[order_id % 30]}"
