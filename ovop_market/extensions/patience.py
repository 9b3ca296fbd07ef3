"""How long a request waits for the database, and what it meets while that is out of reach.

Somebody is looking at a request, so it waits a few seconds in all, whatever it waits for: SQLite's
one lock, a lock of PostgreSQL's, a server that has stopped answering without closing anything. Then
it ends with an error that people see as the page for 503 (web.errors). The worker and the commands
wait as long as it takes (docs/adr/0042).
"""

from __future__ import annotations

import contextvars
import select
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import psycopg
from flask import Flask, has_request_context
from sqlalchemy import event, exc
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.pool import Pool as AnyPool

# Seconds that a request waits for the database, all its statements together.
REQUEST = 4.5
# Of these, seconds for one lock: it is better told by the server than found out by ourselves.
LOCK = 4.0
# Seconds that a statement has however long the ones before it took: what is slow gets through, what
# hangs does not.
LEAST = 0.25
# Seconds for a lock, where nobody is looking on.
UNHURRIED_LOCK = 15.0
# Seconds for which nobody tries again after it has failed: requests that would wait one after the
# other are answered at once.
AGAIN_AFTER = 1.0
# Statements in a row, of all threads, that must hang until the database counts as hanging. One may
# only be slow: then others are answered meanwhile.
HANGING = 2
# Seconds that a database that hung has for a question that costs nothing, before it is asked more.
PROBE = 1.0
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
    left: float
    # Inside of something that is counted already.
    counting: bool = False
    # Until the request is over; else until the block that it is for.
    of_request: bool = False


_budget: contextvars.ContextVar[Budget | None] = contextvars.ContextVar("budget", default=None)


def hurry(seconds: float = REQUEST) -> None:
    """For the rest of this context, the database is waited for so long in all."""
    _budget.set(Budget(seconds, seconds, of_request=True))


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
    return UNHURRIED_LOCK if budget is None else min(LOCK, max(budget.left, LEAST))


@contextmanager
def waiting() -> Iterator[None]:
    """What is done inside is waiting for the database."""
    budget, begun = _budget.get(), time.monotonic()
    if budget is None or budget.counting:
        yield
        return
    budget.counting = True
    try:
        yield
    finally:
        budget.counting = False
        budget.left -= time.monotonic() - begun


class Breaker:
    """Whether something is worth the wait: not just after it has failed, and not for more than one
    at a time until somebody has got through."""

    def __init__(self, enough: int = 1) -> None:
        self._enough = enough
        self._failures = 0
        self._failed_at: float | None = None
        self._trying = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether it has failed, often enough, and nobody has got through since."""
        return self._failed_at is not None

    def failed(self) -> None:
        """Once more, it was waited for in vain."""
        self._failures += 1
        if self._failures >= self._enough:
            self._failed_at = time.monotonic()

    def went_well(self) -> None:
        """Somebody has got through."""
        if self._failures:
            self._failures, self._failed_at = 0, None

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """An attempt. Raises psycopg.OperationalError where it is not worth one."""
        failed_at = self._failed_at
        if failed_at is None:
            yield from self._attempted()
            return
        if time.monotonic() - failed_at < AGAIN_AFTER or not self._trying.acquire(blocking=False):
            raise psycopg.OperationalError("out of reach a moment ago")
        try:
            yield from self._attempted()
        finally:
            self._trying.release()

    def _attempted(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error:
            self.failed()
            raise
        self.went_well()


# A process has one database; should there be two, they are out of reach together for a second.
# Connecting, and being answered: a server that takes nobody new may well serve who is there.
connecting, answering = Breaker(), Breaker(HANGING)


class Connection(psycopg.Connection[Any]):
    """A connection to PostgreSQL that is not waited for without end."""

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        budget = _budget.get()
        if budget is None:
            answer = super().wait(gen, *args, **options)
            answering.went_well()
            return answer
        patient = budget.left > LOCK
        try:
            with waiting():
                answer = super().wait(gen, timeout=max(budget.left, LEAST))
        except psycopg.errors._WaitTimeout:
            # What it may answer later would be taken for the answer to another question.
            self.close()
            if patient:
                # Where little time was left, it may only be slow, and others need not suffer.
                answering.failed()
            raise psycopg.OperationalError("no answer in time") from None
        answering.went_well()
        return answer


class Pool(QueuePool):
    """Connections that are waited for like everything else of the database: within what is left."""

    # `pool_timeout`, as the pool asks for it.
    @property
    def _timeout(self) -> float:
        budget = _budget.get()
        return self._longest if budget is None else min(self._longest, max(budget.left, LEAST))

    @_timeout.setter
    def _timeout(self, seconds: float) -> None:
        self._longest = seconds

    def _do_get(self) -> ConnectionPoolEntry:
        with waiting():
            return super()._do_get()

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
    with _if_it_hung(), connecting.attempt(), waiting():
        return Connection.connect(*arguments, **options)


def _if_it_hung() -> AbstractContextManager[None]:
    """Around what shows whether it still does: one at a time, and all others are told at once."""
    return answering.attempt() if answering.is_open else nullcontext()


@event.listens_for(Engine, "do_connect")
def _connect(dialect: Dialect, _record: Any, arguments: Any, options: Any) -> Any:
    return connect(*arguments, **options) if dialect.name == "postgresql" else None


@event.listens_for(AnyPool, "checkout")
def _check(connection: Any, record: Any, _proxy: Any) -> None:
    if not isinstance(connection, Connection):
        return
    # Nobody has asked it anything, so it has something to say only if it ends: the server has been
    # restarted, or somebody has cut it. That costs no question.
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise exc.InvalidatePoolError()
    if answering.is_open and _budget.get() is not None:
        with _if_it_hung(), within(PROBE):
            connection.execute("SELECT 1")
            connection.rollback()
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
