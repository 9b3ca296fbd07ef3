"""What monitors are told about the process, the database and the worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from ovop_market.core import clock
from ovop_market.web import beats, health
from ovop_market.web.probe import PATIENCE, Probe


@pytest.fixture(autouse=True)
def asked_anew(app: Flask) -> None:
    app.extensions["worker silent"].forget()


@pytest.fixture
def long_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server has been up for longer than a worker needs to come up."""
    monkeypatch.setattr(health, "_BEGUN", time.monotonic() - health.COMING_UP - 1)


@pytest.fixture
def just_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_BEGUN", time.monotonic())


def test_ready_with_a_worker(client: FlaskClient, session: Session, long_up: None) -> None:
    beats.beat(session, clock.now())
    session.commit()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers


def test_not_ready_when_the_worker_is_silent(
    client: FlaskClient,
    session: Session,
    long_up: None,
    later: Callable[[timedelta], None],
    app: Flask,
) -> None:
    never = client.get("/readyz")
    assert (never.status_code, never.json) == (
        503,
        {"status": "not ready", "reasons": ["worker: not seen for 2 minutes"]},
    )
    beats.beat(session, clock.now())
    session.commit()
    app.extensions["worker silent"].forget()
    assert client.get("/readyz").status_code == 200
    later(timedelta(minutes=3))
    app.extensions["worker silent"].forget()
    assert client.get("/readyz").status_code == 503


def test_a_server_that_has_just_come_up_waits_for_its_worker(
    client: FlaskClient, just_up: None
) -> None:
    assert client.get("/readyz").status_code == 200


@pytest.fixture
def looking(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Lets the look at the database do something else."""

    def look(with_: Callable[[Session], bool]) -> None:
        monkeypatch.setitem(app.extensions, "worker silent", Probe(app, with_))

    yield look


def test_a_database_that_hangs_holds_up_nobody(
    client: FlaskClient, looking: Callable[..., None]
) -> None:
    def hang(_session: Session) -> bool:
        time.sleep(3 * PATIENCE)
        return False

    looking(hang)
    begun = time.monotonic()
    answers = [client.get("/readyz") for _ in range(2)]
    # The second one waits for the same look, which is under way.
    assert time.monotonic() - begun < 3 * PATIENCE
    assert {answer.status_code for answer in answers} == {503}
    assert answers[0].json == {
        "status": "not ready",
        "reasons": [f"database: no answer within {PATIENCE} s"],
    }
    assert client.get("/healthz").status_code == 200


def test_a_database_that_is_out_of_reach_and_back(
    client: FlaskClient, looking: Callable[..., None], app: Flask, long_up: None
) -> None:
    away = [True]

    def look(session: Session) -> bool:
        if away[0]:
            raise OperationalError("SELECT", {}, Exception("away"))
        session.execute(text("SELECT 1"))
        return False

    looking(look)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["reasons"]) == (503, ["database: OperationalError"])
    away[0] = False
    app.extensions["worker silent"].forget()
    assert client.get("/readyz").status_code == 200
