"""How long a request waits for the database: for a connection of the pool as for an answer, and
not again and again for one that hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
from ovop_market.extensions.patience import Breaker
from tests.factories import make_user, sign_in

PROMISED = 5.0


@contextmanager
def used_up() -> Iterator[None]:
    """All connections of the pool are in use."""
    db.session.remove()
    engine = db.engine
    with ExitStack() as held:
        for _ in range(engine.pool.size() + engine.pool._max_overflow):  # type: ignore[attr-defined]
            held.enter_context(engine.connect())
        yield


def test_the_pool_is_waited_for_within_what_is_left(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_user(session))
    session.commit()
    with used_up():
        begun = time.monotonic()
        answer = client.get("/account")
        assert answer.status_code == 503
        assert '<main id="main"' in answer.text
        assert time.monotonic() - begun < PROMISED
    # Whatever it has waited for before: no seconds are added to that.
    with used_up(), patience.within(0.3):
        begun = time.monotonic()
        with pytest.raises(NoConnection, match="QueuePool limit"):
            db.engine.connect()
        assert time.monotonic() - begun < 1.5
        budget = patience._budget.get()
        assert budget is not None
        assert budget.left < 0.1


def test_what_waits_inside_of_waiting_counts_once() -> None:
    with patience.within(4.0):
        with patience.waiting(), patience.waiting():
            time.sleep(0.2)
        budget = patience._budget.get()
        assert budget is not None
        assert 3.0 < budget.left < 3.81


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
    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        now = [100.0]
        monkeypatch.setattr(patience.time, "monotonic", lambda: now[0])
        return now

    def test_it_opens_after_so_many_in_a_row(self, clock: list[float]) -> None:
        breaker = Breaker(enough=2)
        breaker.failed()
        breaker.went_well()
        breaker.failed()
        assert not breaker.is_open
        breaker.failed()
        assert breaker.is_open
        with pytest.raises(psycopg.OperationalError, match="a moment ago"), breaker.attempt():
            pytest.fail("it was let through")
        clock[0] += patience.AGAIN_AFTER
        # While one looks, nobody else does.
        with (
            breaker.attempt(),
            pytest.raises(psycopg.OperationalError),
            breaker.attempt(),
        ):
            pytest.fail("it was let through")
        assert not breaker.is_open

    def test_a_look_that_fails_keeps_it_open(self, clock: list[float]) -> None:
        breaker = Breaker()
        breaker.failed()
        clock[0] += patience.AGAIN_AFTER
        with pytest.raises(psycopg.OperationalError, match="still"), breaker.attempt():
            raise psycopg.OperationalError("still")
        clock[0] += patience.AGAIN_AFTER / 2
        with pytest.raises(psycopg.OperationalError, match="a moment ago"), breaker.attempt():
            pytest.fail("it was let through")


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
class TestHanging:
    """Statements that are not answered: `pg_sleep`, with the server's own limit taken away."""

    @pytest.fixture(autouse=True)
    def afresh(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(patience, "answering", Breaker(patience.HANGING))
        monkeypatch.setattr(patience, "connecting", Breaker())
        monkeypatch.setattr(patience, "LOCK", 0.1)

    def hang(self) -> None:
        with (
            patience.within(0.4),
            pytest.raises(OperationalError, match="no answer in time"),
            db.engine.connect() as connection,
        ):
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_sleep(20)"))

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
        patience.answering.failed()
        asked = []

        def count(*_arguments: object) -> None:
            asked.append(1)

        event.listen(db.engine, "before_cursor_execute", count)
        begun = time.monotonic()
        answers = [look() for _ in range(3)]
        event.remove(db.engine, "before_cursor_execute", count)
        if time.monotonic() - begun < patience.AGAIN_AFTER:
            assert (answers, asked) == ([503] * 3, [])
        time.sleep(patience.AGAIN_AFTER)
        assert look() == 200
        assert not patience.answering.is_open

    def test_who_has_time_is_not_turned_away(self, app: Flask, session: Session) -> None:
        patience.answering.failed()
        patience.answering.failed()
        with db.engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        assert not patience.answering.is_open
