"""How long a request waits for the database: for a connection of the pool as for an answer, and
not again and again for one that hangs."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session

from ovop_market.extensions import db, patience
from ovop_market.extensions.breaker import AGAIN_AFTER, Breaker, CutShort, NotTried
from tests.factories import make_user, sign_in


class Clock:
    """One that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(patience, "monotonic", clock)
    monkeypatch.setattr("ovop_market.extensions.breaker.monotonic", clock)
    return clock


def left() -> float:
    budget = patience._budget.get()
    assert budget is not None
    return budget.left


@contextmanager
def used_up() -> Iterator[None]:
    """All connections of the pool are in use."""
    db.session.remove()
    engine = db.engine
    with ExitStack() as held:
        for _ in range(engine.pool.size() + engine.pool._max_overflow):  # type: ignore[attr-defined]
            held.enter_context(engine.connect())
        yield


def test_the_pool_is_waited_for_within_what_is_left(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, make_user(session))
    session.commit()
    pool = db.engine.pool
    monkeypatch.setattr(pool, "_longest", 0.2)
    with used_up():
        answer = client.get("/account")
        assert answer.status_code == 503
        assert '<main id="main"' in answer.text
    # Whatever it has waited for before: no seconds are added to that.
    monkeypatch.setattr(pool, "_longest", 60.0)
    with used_up(), patience.within(0.3):
        with pytest.raises(NoConnection, match=r"QueuePool limit.* timeout 0\.2"):
            db.engine.connect()
        assert left() < 0.1
        # Also of what is waited for just now.
        with patience.waiting():
            assert pool._timeout == patience.LEAST  # type: ignore[attr-defined]


def test_what_waits_inside_of_waiting_counts_once(clock: Clock) -> None:
    with patience.within(4.0):
        with patience.waiting():
            clock.now += 0.5
            assert left() == 3.5, "it is known while it is waited for"
            with patience.waiting():
                clock.now += 1
        clock.now += 10
        assert left() == 2.5


def test_what_a_request_has_waited_before_counts(clock: Clock) -> None:
    for waited, rest in ((0, patience.REQUEST), (1.5, 3.0), (9, patience.LEAST)):
        patience.hurry(waited=waited)
        budget = patience._budget.get()
        assert budget is not None
        # What the server is told is the same for all, or it would be told again and again.
        assert (budget.whole, budget.left) == (patience.REQUEST, rest)
    patience._budget.set(None)


def test_to_look_whether_a_page_is_good_is_a_part_of_it(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, begun = app.extensions["kept pages"].version, []

    def hurry(seconds: float, waited: float) -> None:
        unpatched(seconds, waited)
        begun.append((waited, left()))

    unpatched = patience.hurry
    monkeypatch.setattr(patience, "hurry", hurry)
    look = version._ask

    def slow() -> str:
        time.sleep(0.2)
        return str(look())

    with monkeypatch.context() as patch:
        patch.setattr(version, "_ask", slow)
        version.forget()
        client.get("/cart")
        assert begun[-1][0] >= 0.2
        assert begun[-1][1] <= patience.REQUEST - 0.2
        client.post("/cart/lines")
        assert begun[-1] == (0, patience.REQUEST)

    def lost() -> str:
        raise psycopg.OperationalError("no answer in time")

    with monkeypatch.context() as patch:
        patch.setattr(version, "_ask", lost)
        version.forget()
        client.get("/cart")
        assert begun[-1][1] == patience.LEAST, "it is known that there is no answer"
        patch.setattr(version, "_good_for", lambda: math.inf)  # Whoever comes later has not looked.
        client.get("/cart")
        assert begun[-1][1] > patience.LEAST, "it may have come back"
    version.forget()


def test_a_context_that_ends_inside_takes_no_limit_away(app: Flask) -> None:
    with patience.within(4.0):
        with app.app_context():
            pass
        assert patience._budget.get() is not None
    patience.hurry()
    with app.app_context():
        pass
    assert patience._budget.get() is None


def test_the_pools_own_patience_is_not_lost(app: Flask) -> None:
    pool = db.engine.pool
    with patience.within(0.3):
        assert pool._timeout <= 0.3  # type: ignore[attr-defined]
        again = pool.recreate()
    assert again._timeout == pool._timeout == 3  # type: ignore[attr-defined]


class TestBreaker:
    def test_it_opens_after_so_many_in_a_row(self, clock: Clock) -> None:
        breaker = Breaker(enough=2)
        breaker.failed()
        breaker.went_well()
        breaker.failed()
        assert not breaker.is_open
        breaker.failed()
        assert breaker.is_open
        with pytest.raises(psycopg.OperationalError, match="a moment ago"), breaker.attempt():
            pytest.fail("it was let through")
        clock.now += AGAIN_AFTER

        def another() -> None:
            with pytest.raises(psycopg.OperationalError), breaker.attempt():
                pytest.fail("it was let through")

        # While one looks, nobody else does.
        with breaker.attempt() as looking, ThreadPoolExecutor(1) as thread:
            thread.submit(another).result()
        assert looking
        assert not breaker.is_open

    def test_a_look_that_fails_keeps_it_open(self, clock: Clock) -> None:
        breaker = Breaker()
        breaker.failed()
        clock.now += AGAIN_AFTER
        with pytest.raises(psycopg.OperationalError, match="still"), breaker.attempt():
            raise psycopg.OperationalError("still")
        clock.now += AGAIN_AFTER / 2
        with pytest.raises(psycopg.OperationalError, match="a moment ago"), breaker.attempt():
            pytest.fail("it was let through")

    def test_what_is_only_slow_does_not_open_it(self, clock: Clock) -> None:
        breaker, begun = Breaker(enough=2), clock.now
        clock.now += 4.0
        breaker.went_well()
        clock.now += 0.5
        for _ in range(3):
            breaker.failed(since=begun)
        assert not breaker.is_open, "others were answered meanwhile"
        for _ in range(2):
            breaker.failed(since=clock.now)
        assert breaker.is_open

    def test_a_part_of_a_look_does_not_close_it(self, clock: Clock) -> None:
        breaker = Breaker(enough=2)
        breaker.failed()
        breaker.failed()
        clock.now += AGAIN_AFTER
        with pytest.raises(psycopg.OperationalError, match="still"), breaker.attempt():
            with breaker.attempt() as looking:
                assert not looking
            assert breaker.is_open
            raise psycopg.OperationalError("still")
        assert breaker.is_open

    def test_what_was_not_tried_does_not_count(self, clock: Clock) -> None:
        breaker = Breaker()
        for error in (NotTried("by another"), CutShort("in haste")):
            with pytest.raises(type(error)), breaker.attempt():
                raise error
            assert not breaker.is_open
        breaker.failed()
        clock.now += AGAIN_AFTER
        with pytest.raises(NotTried), breaker.attempt():
            raise NotTried("by another")
        with breaker.attempt():
            "The next one may try at once."
        assert not breaker.is_open


class Watched(Breaker):
    """One that remembers whether it has ever opened."""

    opened = False

    def failed(self, since: float | None = None) -> None:
        super().failed(since)
        self.opened = self.opened or self.is_open


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
class TestHanging:
    """Statements that are not answered: `pg_sleep`, with the server's own limit taken away."""

    @pytest.fixture(autouse=True)
    def afresh(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(patience, "answering", Watched(patience.HANGING))
        monkeypatch.setattr(patience, "connecting", Breaker())
        monkeypatch.setattr(patience, "LOCK", 0.1)

    def hang(self, together: threading.Barrier | None = None) -> None:
        # Connected first: on a machine that has other things to do, that alone may take long.
        with db.engine.connect() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            if together:
                together.wait(60)
            with (
                patience.within(patience.LOCK + patience.LEAST + 0.3),
                pytest.raises(OperationalError, match="no answer in time"),
            ):
                connection.execute(text("SELECT pg_sleep(2)"))

    def test_several_that_hang_at_once_are_told_from_one_that_is_slow(self, app: Flask) -> None:
        engine, together = db.engine, threading.Barrier(2)

        def hang() -> None:
            with app.app_context():
                self.hang(together)

        with ThreadPoolExecutor(2) as threads:
            for done in [threads.submit(hang) for _ in range(2)]:
                done.result()
        assert patience.answering.is_open
        assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]

    def test_two_that_are_slow_while_others_are_answered(self, app: Flask) -> None:
        together = threading.Barrier(2)

        def hang() -> None:
            with app.app_context():
                self.hang(together)

        over = threading.Event()

        def ask() -> None:
            with app.app_context(), db.engine.connect() as connection:
                while not over.wait(0.02):
                    connection.execute(text("SELECT 1"))

        with ThreadPoolExecutor(3) as threads:
            asking = threads.submit(ask)
            try:
                for done in [threads.submit(hang) for _ in range(2)]:
                    done.result()
            finally:
                over.set()
            asking.result()
        assert isinstance(patience.answering, Watched)
        assert not patience.answering.opened

    def test_who_is_told_no_has_been_answered(self, app: Flask, session: Session) -> None:
        refused = "DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '55P03'; END$$"
        with db.engine.connect() as connection, patience.within(60):
            driver = connection.connection.dbapi_connection
            assert isinstance(driver, patience.Connection)
            driver.autocommit = True
            patience.answering.failed()
            patience.answering.failed()
            assert patience.answering.is_open
            with pytest.raises(psycopg.errors.LockNotAvailable):
                driver.execute(refused)
            assert not patience.answering.is_open
            driver.autocommit = False

    def test_what_asks_nothing_is_no_answer(self, app: Flask, session: Session) -> None:
        with db.engine.connect() as connection, patience.within(60):
            patience.answering.failed()
            patience.answering.failed()
            driver = connection.connection.dbapi_connection
            assert isinstance(driver, patience.Connection)
            driver.rollback()
            driver.autocommit = True
            driver.autocommit = False
            assert patience.answering.is_open
            connection.execute(text("SELECT 1"))
            assert not patience.answering.is_open

    def test_who_is_turned_away_costs_no_connection(self, app: Flask, session: Session) -> None:
        db.session.remove()
        db.engine.dispose()
        pool = db.engine.pool
        with ExitStack() as held:
            for _ in range(4):
                held.enter_context(db.engine.connect())
        idle = pool.checkedin()  # type: ignore[attr-defined]
        made: list[object] = []
        event.listen(db.engine, "connect", lambda *_arguments: made.append(1))
        patience.answering.failed()
        patience.answering.failed()
        for _ in range(6):
            with patience.within(4.0), pytest.raises(OperationalError, match="a moment ago"):
                db.engine.connect()
        assert pool.checkedin() == idle  # type: ignore[attr-defined]
        patience.answering.went_well()
        with ExitStack() as held:
            for _ in range(4):
                held.enter_context(db.engine.connect())
        assert made == []

    def test_to_be_let_in_is_no_answer(
        self, app: Flask, session: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """pgbouncer lets in whoever comes, whether there is a database behind it or not."""
        db.session.remove()
        db.engine.dispose()
        asked: list[str] = []

        def silent(self: patience.Connection, gen: object, *_: object, **__: object) -> None:
            asked.append("")
            raise psycopg.errors._WaitTimeout

        patience.answering.failed()
        patience.answering.failed()
        for number in range(1, 4):
            clock.now += AGAIN_AFTER
            with monkeypatch.context() as patch, patience.within(4.0):
                patch.setattr(psycopg.Connection, "wait", silent)
                with pytest.raises(OperationalError, match="no answer in time"):
                    db.engine.connect()
                for _ in range(2):
                    with pytest.raises(OperationalError, match="a moment ago"):
                        db.engine.connect()
            assert len(asked) == number, "one, and once"
            assert patience.answering.is_open
            assert not patience.connecting.is_open
        # Nor is it beside the pool.
        url = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        clock.now += AGAIN_AFTER
        with monkeypatch.context() as patch, patience.within(4.0):
            patch.setattr(psycopg.Connection, "wait", silent)
            with pytest.raises(psycopg.OperationalError, match="no answer in time"):
                patience.connect(url)
        assert patience.answering.is_open
        # Nor is it one that hangs, where nobody was let in.
        clock.now += AGAIN_AFTER
        patience.connecting.failed()
        with patience.within(4.0), pytest.raises(OperationalError, match="a moment ago"):
            db.engine.connect()
        clock.now += AGAIN_AFTER
        with patience.within(4.0), db.engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        assert not patience.answering.is_open
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]

    def test_after_some_nobody_waits_until_it_answers(
        self,
        app: Flask,
        client: FlaskClient,
        session: Session,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # What pages are kept by asks as well, and would find out first that it answers.
        monkeypatch.setattr(app.extensions["kept pages"].version, "current", lambda: "1")
        sign_in(client, make_user(session))
        session.commit()

        def look() -> int:
            db.session.remove()  # as it is between requests
            return client.get("/account").status_code

        db.session.remove()
        self.hang()
        assert not patience.answering.is_open, "one may only be slow"
        assert look() == 200
        self.hang()
        assert not patience.answering.is_open, "somebody was answered in between"
        db.session.remove()
        patience.answering.failed()
        assert patience.answering.is_open
        asked = []

        def count(*_arguments: object) -> None:
            asked.append(1)

        event.listen(db.engine, "before_cursor_execute", count)
        monkeypatch.setattr("ovop_market.extensions.breaker.AGAIN_AFTER", 60.0)
        answers = [look() for _ in range(3)]
        event.remove(db.engine, "before_cursor_execute", count)
        assert (answers, asked) == ([503] * 3, [])
        monkeypatch.setattr("ovop_market.extensions.breaker.AGAIN_AFTER", 0.0)
        assert look() == 200
        assert not patience.answering.is_open

    def test_who_has_time_is_not_turned_away(self, app: Flask, session: Session) -> None:
        patience.answering.failed()
        patience.answering.failed()
        with db.engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        assert not patience.answering.is_open


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where everybody is taken and nobody is told anything."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


class TestConnecting:
    @pytest.fixture(autouse=True)
    def afresh(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(patience, "connecting", Breaker())

    def test_it_is_cut_to_what_is_left(
        self, silent: int, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The driver's own limit is two seconds, at least."""

        def step() -> None:
            clock.now += 0.1

        waits = psycopg.Connection._connect_gen

        def steps(*arguments: str, **options: str) -> Iterator[object]:
            gen, answer = waits(*arguments, **options), None
            while True:
                step()
                answer = yield gen.send(answer)  # type: ignore[arg-type]

        monkeypatch.setattr(psycopg.Connection, "_connect_gen", steps)
        line = {
            "host": "127.0.0.1",
            "port": silent,
            "dbname": "x",
            "user": "x",
            "sslmode": "disable",
        }
        with patience.within(1.0):
            with pytest.raises(psycopg.errors.ConnectionTimeout):
                patience.connect(**line)
            assert -0.11 < left() < 0.01
            assert patience.connecting.is_open

    def test_what_was_cut_short_keeps_nobody_else_away(self, silent: int) -> None:
        line = {
            "host": "127.0.0.1",
            "port": silent,
            "dbname": "x",
            "user": "x",
            "sslmode": "disable",
        }
        with patience.within(0.1), pytest.raises(CutShort):
            patience.connect(**line)
        assert not patience.connecting.is_open
