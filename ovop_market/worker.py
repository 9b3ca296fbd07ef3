"""The background worker: huey says when, jobs.py says what.

The queue is kept where all workers of the installation find it: in Redis where there is one, in
PostgreSQL beside the data, else in an SQLite file beside the database. Nothing that matters is in
it: it may be lost, and several workers may each put the same job into it (docs/scaling.md).
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from flask import Flask
from huey import PostgresHuey, RedisHuey, SqliteHuey
from huey.api import Huey
from huey.consumer import Consumer
from huey.serializer import SignedSerializer
from sqlalchemy import text
from sqlalchemy.engine import Engine

from ovop_market import jobs
from ovop_market.config import Config
from ovop_market.extensions import db
from ovop_market.jobs import JOBS, Job
from ovop_market.web.logs import log

# huey looks once a minute what is to be done again.
MINUTE = timedelta(minutes=1)
# Seconds for what is under way when the worker is told to stop: each of its threads stops after the
# thing in hand. It may die there as well.
PATIENCE = 25
# Any number will do, as long as nothing else locks by it.
_LOCK = 190502
_SCHEMA = "jobs"


def make_queue(config: Config, engine: Engine) -> Huey:
    """The queue of this installation: two databases never share one."""
    # Tasks are pickled: who does not know the secret cannot put one there.
    serializer = SignedSerializer(secret=config.secret_key, salt="jobs")
    if config.redis_url:
        place = engine.url.set(password=None).render_as_string()
        name = "ovop" + hashlib.sha256(place.encode()).hexdigest()[:12]
        return RedisHuey(name, url=config.redis_url, results=False, serializer=serializer)
    if engine.dialect.name == "postgresql":
        return _postgres_queue(engine, serializer)
    file = Path(str(engine.url.database)).with_suffix(".jobs.sqlite3")
    return SqliteHuey(
        "ovop", filename=str(file), results=False, serializer=serializer, fsync=False, timeout=15
    )


def _postgres_queue(engine: Engine, serializer: SignedSerializer) -> Huey:
    """Its tables, which are huey's own, are in a schema of their own."""
    with engine.begin() as connection:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}"))
    with engine.begin() as connection:
        # Workers that start at once would stumble over each other's tables.
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        return PostgresHuey(
            "ovop",
            dsn=engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
            options=f"-c search_path={_SCHEMA}",
            # Asking once a second costs less than a lasting connection for each thread.
            blocking=False,
            results=False,
            serializer=serializer,
        )


def schedule(queue: Huey, job: Job, work: Callable[[], object]) -> None:
    """Puts a job on huey's list of what comes again: at the start, and every so many minutes."""
    minutes = job.every // MINUTE
    looks = itertools.count()

    def due(_now: datetime) -> bool:
        return next(looks) % minutes == 0

    running = threading.Lock()

    def once() -> None:
        # A long list is still being worked off: there is no use in two of us doing that.
        if running.acquire(blocking=False):
            try:
                work()
            finally:
                running.release()

    queue.periodic_task(due, name=job.name, expires=MINUTE)(once)


class _Consumer(Consumer):  # type: ignore[misc]
    """huey's consumer, which ends in the same way however it is told to."""

    def stop(self, graceful: bool = False) -> None:
        super().stop(graceful=True)


def _keep_looking(app: Flask, job: Job, stop: threading.Event) -> None:
    """Runs a job that cannot wait for a minute, and is not worth a queue's writing every time."""
    while not stop.is_set():
        jobs.run(app, job, stop.is_set)
        stop.wait(job.every.total_seconds())


class _ToOurLog(logging.Handler):
    """What huey complains about (its queue is out of reach, say), in the worker's own form."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        log.warning("queue", message=record.getMessage(), error=error)


def _hear_huey() -> None:
    logger = logging.getLogger("huey")
    logger.setLevel(logging.WARNING)
    logger.handlers, logger.propagate = [_ToOurLog()], False


def run(app: Flask) -> None:
    """Runs what is due, over and over, until it is told to stop (SIGTERM, Ctrl-C)."""
    _hear_huey()
    queue = make_queue(app.config["OVOP"], db.engine)

    def stopped() -> bool:
        return bool(consumer.stop_flag.is_set())

    for job in JOBS:
        if job.every >= MINUTE:
            schedule(queue, job, partial(jobs.run, app, job, stopped))
    consumer = _Consumer(queue, workers=2, max_delay=1, shutdown_timeout=PATIENCE)
    hurried = [
        threading.Thread(
            target=_keep_looking, args=(app, job, consumer.stop_flag), name=job.name, daemon=True
        )
        for job in JOBS
        if job.every < MINUTE
    ]
    for thread in hurried:
        thread.start()
    log.info("worker started", queue=type(queue).__name__, pid=os.getpid())
    consumer.run()
    until = time.monotonic() + PATIENCE
    for thread in hurried:
        thread.join(max(0.0, until - time.monotonic()))
    log.info("worker stopped")
