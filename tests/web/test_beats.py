"""The worker's heartbeat."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from ovop_market import jobs
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.web import beats
from ovop_market.web.beats import WorkerBeat

NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)


def test_the_worker_is_seen_while_it_beats(session):
    assert beats.worker_seen(session) is None
    assert beats.worker_silent(session, NOON)
    beats.beat(session, NOON, "satu")
    beats.beat(session, NOON + timedelta(seconds=30), "satu")
    assert beats.worker_seen(session) == NOON + timedelta(seconds=30)
    assert not beats.worker_silent(session, NOON + timedelta(minutes=2))
    assert beats.worker_silent(session, NOON + timedelta(minutes=2, seconds=30))
    assert session.scalar(select(func.count()).select_from(WorkerBeat)) == 1


def test_one_machine_of_two_is_enough_and_those_gone_are_forgotten(session):
    beats.beat(session, NOON - timedelta(days=2), "lama")
    beats.beat(session, NOON - timedelta(hours=1), "dua")
    beats.beat(session, NOON, "satu")
    assert not beats.worker_silent(session, NOON)
    names = set(session.scalars(select(WorkerBeat.machine)))
    assert names == {"satu", "dua"}


def test_a_clock_put_back_silences_nobody(session):
    beats.beat(session, NOON + timedelta(hours=1), "satu")
    assert not beats.worker_silent(session, NOON)


def test_the_job_beats(app):
    job = next(job for job in jobs.JOBS if job.name == "beat")
    report = jobs.run(app, job)
    assert not report.failed
    with app.app_context():
        assert not beats.worker_silent(db.session(), clock.now())
