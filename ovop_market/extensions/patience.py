"""How long a request waits for the database, and what it meets while that is out of reach.

Somebody is looking at a request, so it waits a few seconds in all, whatever it waits for: SQLite's
one lock, a lock of PostgreSQL's, a server that has stopped answering without closing anything. Then
it ends with an error that people see as the page for 503 (web.errors). The worker and the commands
wait as long as it takes (docs/adr/0042).
"""

from __future__ import annotations

import contextvars
import select
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from time import monotonic
from typing import Any

import psycopg
from flask import Flask, has_request_context
from sqlalchemy import event, exc
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.pool import Pool as AnyPool

from ovop_market.extensions.breaker import Breaker, CutShort

# Seconds that a request waits for the database, all its statements together.
REQUEST = 4.5
# Of these, seconds for one lock: it is better told by the server than found out by ourselves.
LOCK = 4.0
# Seconds that a statement has however long the ones before it took: what is slow gets through, what
# hangs does not.
LEAST = 0.25
# Seconds for a lock, where nobody is looking on.
UNHURRIED_LOCK = 15.0
# Statements, of all threads, that must hang until the database counts as hanging. One may only be
# slow, and so may two: then others are answered meanwhile.
HANGING = 2
# Seconds that a database that hung has for a question that costs nothing, before it is asked more.
PROBE = 1.0
# Whoever had less than this to connect cannot tell whether there is nobody.
TOO_LITTLE = 0.5
# What the network is given until it counts as cut: both ends may be silent for long, so the
# kernel asks after half a minute, and does not repeat what is never acknowledged for more than ten
# seconds (milliseconds here).
_LINE = {
    "connect_timeout": 2,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


@dataclass(slots=True)
class Budget:
    """Seconds that are left to wait for the database; `whole` is what there was."""

    whole: float
    unused: float
    # When a wait began that is counted already, whatever else is waited for inside of it.
    since: float | None = None
    # Until the request is over; else until the block that it is for.
    of_request: bool = False

    @property
    def left(self) -> float:
        """Of these, what is left now."""
        return self.unused if self.since is None else self.unused - (monotonic() - self.since)

    @property
    def seconds(self) -> float:
        """What may be waited for something now, however long others took before it."""
        return max(self.left, LEAST)


_budget: contextvars.ContextVar[Budget | None] = contextvars.ContextVar("budget", default=None)


def hurry(seconds: float = REQUEST, waited: float = 0.0) -> None:
    """For the rest of this context, the database is waited for so long in all; so many of these
    seconds are over."""
    _budget.set(Budget(seconds, max(seconds - waited, LEAST), of_request=True))


def _rest(_error: BaseException | None) -> None:
    """The request is over: whatever this thread does next takes its time."""
    budget = _budget.get()
    if budget is not None and budget.of_request and not has_request_context():
        _budget.set(None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is asked inside waits so long in all, and does not count for what is around it."""
    token = _budget.set(Budget(seconds, seconds))
    try:
        yield
    finally:
        _budget.reset(token)


@contextmanager
def unhurried() -> Iterator[None]:
    """What is done inside takes its time."""
    token = _budget.set(None)
    try:
        yield
    finally:
        _budget.reset(token)


def for_a_lock() -> float:
    """Seconds that a lock may be waited for now."""
    budget = _budget.get()
    return UNHURRIED_LOCK if budget is None else min(LOCK, budget.seconds)


@contextmanager
def waiting() -> Iterator[None]:
    """What is done inside is waiting for the database."""
    budget = _budget.get()
    if budget is None or budget.since is not None:
        yield
        return
    budget.since = monotonic()
    try:
        yield
    finally:
        budget.unused, budget.since = budget.left, None


# A process has one database; should there be two, they are out of reach together for a second.
# Connecting, and being answered: a server that takes nobody new may well serve who is there.
connecting, answering = Breaker(), Breaker(HANGING)


class Connection(psycopg.Connection[Any]):
    """A connection to PostgreSQL that is not waited for without end."""

    @classmethod
    def _connect_gen(cls, *arguments: Any, **options: Any) -> Any:
        gen, budget = super()._connect_gen(*arguments, **options), _budget.get()
        # The driver's own limit is two seconds at least, for each address.
        return gen if budget is None else _in_time(gen, budget.seconds)

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        budget, begun = _budget.get(), monotonic()
        # Who has waited for a lock as long as that is told so by the server, if it tells anything.
        # Where less was left, it may only be slow, and others need not suffer.
        patient = budget is not None and budget.left > LOCK + LEAST
        steps = _Steps()
        try:
            with waiting():
                limit = {"timeout": budget.seconds} if budget else options
                answer = super().wait(steps.of(gen), *args, **limit)
        except psycopg.errors._WaitTimeout:
            # What it may answer later would be taken for the answer to another question.
            self.close()
            if patient:
                answering.failed(since=begun)
            raise psycopg.OperationalError("no answer in time") from None
        except psycopg.Error as error:
            if error.sqlstate:  # The server's own word: no answer that one likes, but an answer.
                answering.went_well()
            raise
        if steps.any:
            answering.went_well()
        return answer

    @property
    def has_ended(self) -> bool:
        """Nobody has asked it anything, so it has something to say only if it ends: the server has
        been restarted, or somebody has cut it. To look costs no question."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def probe(self) -> None:
        """Asks it what costs nothing. One that does not answer is closed."""
        budget = _budget.get()
        with waiting(), within(min(PROBE, budget.seconds) if budget else PROBE):
            try:
                self.execute("SELECT 1")
                self.rollback()
            except psycopg.Error:
                self.close()
                raise


class _Steps:
    """Whether the driver has waited for the server at all. Much that it calls so asks nothing: the
    end of a transaction that has not begun, a setting of its own."""

    any = False

    def of(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        try:
            step = next(gen)
            self.any = True
            while True:
                step = gen.send((yield step))
        except StopIteration as done:
            return done.value


def _in_time(gen: Generator[Any, Any, Any], seconds: float) -> Generator[Any, Any, Any]:
    """The driver's steps to connect, for so long. It takes one at least every tenth of a second."""
    until = monotonic() + seconds
    try:
        step = next(gen)
        while monotonic() < until:
            step = gen.send((yield step))
    except StopIteration as done:
        return done.value
    if seconds < TOO_LITTLE:
        raise CutShort("not connected in the little time that was left")
    raise psycopg.errors.ConnectionTimeout("not connected in time")


class Pool(QueuePool):
    """Connections that are waited for like everything else of the database: within what is left."""

    # `pool_timeout`, as the pool asks for it.
    @property
    def _timeout(self) -> float:
        budget = _budget.get()
        return self._longest if budget is None else min(self._longest, budget.seconds)

    @_timeout.setter
    def _timeout(self, seconds: float) -> None:
        self._longest = seconds

    def _do_get(self) -> ConnectionPoolEntry:
        # Whoever is turned away here has taken no connection, so that none is lost.
        with _if_it_hung() as looking, waiting():
            record = super()._do_get()
            if looking:
                self._look_through(record)
            return record

    def _look_through(self, record: ConnectionPoolEntry) -> None:
        """Asks on a connection whether there are answers; one without goes."""
        try:
            connection: Any = record.get_connection()  # type: ignore[attr-defined]
            if not isinstance(connection, Connection):
                return
            if connection.has_ended:
                record.invalidate()
                connection = record.get_connection()  # type: ignore[attr-defined]
            connection.probe()
        except BaseException as error:
            record.invalidate(error)
            self._do_return_conn(record)
            raise

    def recreate(self) -> QueuePool:
        # Whoever happens to make the next one gives it as long as this has.
        with unhurried():
            return super().recreate()


def connect(*arguments: Any, **options: Any) -> Connection:
    """A connection, or psycopg.OperationalError soon."""
    options = _LINE | options
    if _budget.get() is None:
        connection = Connection.connect(*arguments, **options)
        connecting.went_well()
        return connection
    with _if_it_hung() as looking:
        with connecting.attempt(), waiting():
            connection = Connection.connect(*arguments, **options)
        if looking:
            # To be let in is no answer: who lets in may be another one (pgbouncer).
            connection.probe()
    return connection


def _if_it_hung() -> AbstractContextManager[bool]:
    """Around what shows whether it still does: one at a time, and all others are told at once."""
    if _budget.get() is None or not answering.is_open:
        return nullcontext(False)
    return answering.attempt()


@event.listens_for(Engine, "do_connect")
def _connect(dialect: Dialect, _record: Any, arguments: Any, options: Any) -> Any:
    return connect(*arguments, **options) if dialect.name == "postgresql" else None


@event.listens_for(AnyPool, "checkout")
def _check(connection: Any, record: Any, _proxy: Any) -> None:
    if not isinstance(connection, Connection):
        return
    if connection.has_ended:
        raise exc.InvalidatePoolError()
    _tell(connection, record.info)


def _tell(connection: Connection, known: dict[str, Any]) -> None:
    """Tells the server how long we wait, so that it does not go on for somebody who has left."""
    budget = _budget.get()
    wanted = (LOCK, budget.whole) if budget else (UNHURRIED_LOCK, 0.0)
    if known.get("patience") == wanted:
        return
    lock, statement = (round(seconds * 1000) for seconds in wanted)
    connection.autocommit = True
    connection.execute(
        f"SELECT set_config('lock_timeout', '{lock}', false),"
        f" set_config('statement_timeout', '{statement}', false)"
    )
    connection.autocommit = False
    known["patience"] = wanted


def init_app(app: Flask) -> None:
    """Must come before the session's own, which gives connections back: that is waited for too."""
    app.config["SQLALCHEMY_ENGINE_OPTIONS"]["poolclass"] = Pool
    app.teardown_appcontext(_rest)
