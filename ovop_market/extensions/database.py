"""The database session, the column types of the house, and what SQLite must be told.

SQLite and PostgreSQL run the same code. The differences are here, in the searches of `catalogue`
and `regions`, in `reach/services` (the day in WIB, the lock of a rebuild), in `web/kept` (has
anything changed?) and in the migrations, and nowhere else.
"""

from __future__ import annotations

import contextvars
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    CheckConstraint,
    DateTime,
    MetaData,
    String,
    TypeDecorator,
    bindparam,
    event,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.orm.attributes import set_committed_value

from ovop_market.extensions import patience

# Milliseconds for which what is written beside an answer that is ready waits for another writer
# (SQLite): nobody waits for it for long.
SHORT_TIMEOUT = 1_000
# Values in one statement at most: SQLite takes some 32,000.
AT_ONCE = 10_000


class Model(DeclarativeBase):
    """Base of all models. Constraints get predictable names, so that migrations can undo them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


M = TypeVar("M", bound=Model)
db = SQLAlchemy(model_class=Model)


class Moment(TypeDecorator[datetime]):
    """A timezone-aware moment, kept as UTC on both databases. A naive datetime is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the database")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Choice(TypeDecorator[StrEnum]):
    """A value of a StrEnum, kept as its text; pair it with `one_of` so that the database agrees."""

    impl = String
    cache_ok = True

    def __init__(self, choices: type[StrEnum]) -> None:
        super().__init__(max(len(choice) for choice in choices))
        self.choices = choices
        self._members = {None: None} | {str(choice): choice for choice in choices}

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else str(self.choices(value))

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[str | None], StrEnum | None]:
        # It is asked for each value of each row, so it is nothing but a look into a dictionary.
        return self._members.__getitem__


def one_of(column: str, choices: type[StrEnum]) -> CheckConstraint:
    """A CHECK that the column holds one of the choices, derived from them."""
    listed = ", ".join(f"'{choice}'" for choice in choices)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def insert_into(session: Session, model: type[Model]) -> Any:
    """An INSERT that knows ON CONFLICT, which both databases write alike but SQLAlchemy apart."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    return dialect.insert(model)


def new_ids(session: Session, model: type[Model], how_many: int) -> list[int]:
    """Ids for rows that are about to be written, ascending, in the order in which they count.

    With them thousands of rows are one call to the driver; asking the database for the id of each
    is a statement for each. In a transaction that writes: on SQLite nobody else can count on.
    """
    table = model.metadata.tables[model.__tablename__]
    if session.get_bind().dialect.name == "sqlite":
        session.flush()
        last = session.scalar(select(func.max(table.c.id))) or 0
        return list(range(last + 1, last + 1 + how_many))
    sequence = func.pg_get_serial_sequence(table.name, "id")
    drawn = select(func.nextval(sequence)).select_from(func.generate_series(1, how_many))
    return sorted(session.scalars(drawn))


def write_rows(session: Session, model: type[Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows that all say the same columns, many as fast as few, past the session's objects:
    collections that are loaded already do not show them."""
    if rows:
        session.execute(insert(model.metadata.tables[model.__tablename__]), rows)


def write_changes(session: Session, changes: Sequence[tuple[M, Mapping[str, Any]]]) -> None:
    """Writes the same columns of objects of one kind, many as fast as few; the objects know it."""
    if not changes:
        return
    # What else has changed comes first: together it must be what the database allows.
    session.flush()
    table = changes[0][0].metadata.tables[changes[0][0].__tablename__]
    new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in changes[0][1]}
    session.execute(
        update(table).where(table.c.id == bindparam("own_id")).values(new),
        [
            {"own_id": _id_of(of)} | {f"new_{name}": v for name, v in values.items()}
            for of, values in changes
        ],
    )
    for of, values in changes:
        for name, value in values.items():
            set_committed_value(of, name, value)


def _id_of(thing: Model) -> int:
    """The id of something that is in the database; known even when its columns have expired."""
    (own,) = inspect(thing).identity or ()
    return int(own)


def write_all(session: Session, model: type[M], rows: Sequence[Mapping[str, Any]]) -> list[M]:
    """The same, with ids of ours; returns what was written as objects, in the order of the rows."""
    ids = new_ids(session, model, len(rows))
    write_rows(
        session, model, [{"id": new_id, **row} for new_id, row in zip(ids, rows, strict=True)]
    )
    key: Any = inspect(model).primary_key[0]
    found: list[M] = []
    for start in range(0, len(ids), AT_ONCE):
        wanted = key.in_(ids[start : start + AT_ONCE])
        found += session.scalars(select(model).where(wanted).order_by(key))
    return found


_reading: contextvars.ContextVar[bool] = contextvars.ContextVar("reading", default=False)


def begin_as_reader(reading: bool) -> None:
    """For the rest of this context, transactions on SQLite begin as readers, which wait for nobody
    (a request that changes nothing), or as writers."""
    _reading.set(reading)


@contextmanager
def apart(engine: Engine, wait: int = SHORT_TIMEOUT) -> Iterator[Connection]:
    """A short transaction that writes, beside the session's own; also where the request began as a
    reader. On SQLite it waits `wait` milliseconds for another writer, then raises OperationalError:
    0 is for what nobody needs."""
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            with connection.begin():
                yield connection
            return
        driver: Any = connection.connection.dbapi_connection
        token = _reading.set(True)  # BEGIN alone: the first statement takes the lock
        (usual,) = driver.execute("PRAGMA busy_timeout").fetchone()
        driver.execute(f"PRAGMA busy_timeout = {wait}")
        try:
            with connection.begin():
                yield connection
        finally:
            driver.execute(f"PRAGMA busy_timeout = {usual}")
            _reading.reset(token)


def empty_log(engine: Engine) -> None:
    """Writes what SQLite's log holds into the file and empties it, so that nothing of what was
    erased is left beside it either. It waits for nobody and never fails: where somebody reads, a
    later call does it (or SQLite itself, which writes over its log from the beginning)."""
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        (usual,) = driver.execute("PRAGMA busy_timeout").fetchone()
        try:
            driver.execute("PRAGMA busy_timeout = 0")
            with suppress(sqlite3.OperationalError):
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            driver.execute(f"PRAGMA busy_timeout = {usual}")


@event.listens_for(Engine, "do_connect")
def _make_for_its_owner(
    dialect: Dialect, _record: Any, arguments: Sequence[Any], _parameters: Any
) -> None:
    """SQLite would make its file as the umask has it, often for all of the machine to read; its
    logs beside are made as the file is."""
    if dialect.name == "sqlite" and not str(arguments[0]).startswith((":memory:", "file:")):
        with suppress(OSError):  # it is there; or SQLite says why not
            os.close(os.open(arguments[0], os.O_CREAT | os.O_EXCL, 0o600))


@event.listens_for(Engine, "connect")
def _prepare_connection(connection: Any, _record: Any) -> None:
    if type(connection).__module__.split(".")[0] != "sqlite3":
        return
    # The driver's own transaction handling is off: `_begin` below says BEGIN.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {round(patience.for_a_lock() * 1000)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # What is erased is overwritten in the file as well.
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.execute("PRAGMA cache_size = -16000")
    cursor.close()


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # A writer takes the write lock at once: a reader that later turns writer could only fail.
        with patience.waiting():
            if _reading.get():
                connection.exec_driver_sql("BEGIN")
            else:
                _begin_writing(connection)


def _begin_writing(connection: Connection) -> None:
    """Takes SQLite's write lock, waiting in short random naps.

    SQLite's own wait sleeps up to 100 ms at a time and forgets who came first, so that under load
    some writers wait for seconds beside a lock that is free most of the time.
    """
    driver: Any = connection.connection.dbapi_connection
    wait = patience.for_a_lock()
    give_up = time.monotonic() + wait
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while time.monotonic() < give_up:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break  # a full disk, say
                time.sleep(random.uniform(0.001, 0.004))
            else:
                return
        # The last try, with the error as the rest of the program knows it.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        driver.execute(f"PRAGMA busy_timeout = {round(wait * 1000)}")
