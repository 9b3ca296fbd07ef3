"""What has to be done though nobody asks for it: each job, and how often.

A job looks in the database for what is due and does each thing in a transaction of its own. What is
done is written there and nowhere else, so a job may run twice, on two machines at once, or die
anywhere: nothing happens twice, and the next look finds what is left (docs/adr/0013).
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from ovop_market.accounts import invitations, links, sessions, throttle
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.extensions.database import begin_as_reader
from ovop_market.extensions.pictures import shown
from ovop_market.notices import permits, sending
from ovop_market.orders.models import OrderEvent
from ovop_market.orders.services import shares, timers, upkeep
from ovop_market.orders.services.timers import Waiting
from ovop_market.orders.states import TIMERS
from ovop_market.payments.gateway import midtrans, watch
from ovop_market.payments.queries import proofs
from ovop_market.payments.services import statements
from ovop_market.privacy import retention
from ovop_market.reach import large, settling
from ovop_market.reach.raw import Tree
from ovop_market.villages import permit_queries
from ovop_market.web import beats, pictures, tallies
from ovop_market.web.logs import log, places_of

# What nobody has touched for so long is swept away: carts, and statements that were only looked at.
CART_LIFETIME = timedelta(days=30)
PREVIEW_LIFETIME = timedelta(hours=24)
PROOF_LIFETIME = timedelta(hours=24)  # of a picture that no payment shows
PICTURE_LIFETIME = timedelta(hours=1)  # of one on /media that nothing shows
# Hours of the day (WIB) at which nobody is woken.
DAYTIME = range(8, 20)
# Orders that are looked up at a time, however many are due.
AT_ONCE = 200
# Seconds between two orders: longer than those naps in which writers wait for SQLite's one lock
# (extensions.database), so that nobody waits for a long list of the clock's.
GIVE_WAY = 0.005

Stopped = Callable[[], bool]
Counts = Counter[str]
Do = Callable[[Session, int, datetime], OrderEvent | None]


class Look(Protocol):
    """Finds the next orders of a list, after the last one that it found."""

    def __call__(
        self, session: Session, *, now: datetime, after: Waiting | None, limit: int
    ) -> Sequence[Waiting]: ...


@dataclass(frozen=True, slots=True)
class Job:
    """A job by its name in the log. `work` counts what it does as it goes, and stops between two
    things when it is told to."""

    name: str
    every: timedelta
    work: Callable[[Flask, Counts, Stopped], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What a run has done: how often what, and in how many milliseconds."""

    counts: Counts
    ms: float

    @property
    def failed(self) -> bool:
        return self.counts["failed"] > 0


def _never() -> bool:
    return False


def run(app: Flask, job: Job, stopped: Stopped = _never) -> Report:
    """Runs a job once, now. Whatever goes wrong is logged and counted as `failed`, not raised."""
    begun, counts = time.perf_counter(), Counter[str]()
    try:
        job.work(app, counts, stopped)
    except Exception as error:
        _failed(error, counts, job=job.name)
    report = Report(counts, round((time.perf_counter() - begun) * 1000, 1))
    tallies.add(job.name, failures=counts["failed"], milliseconds=report.ms)
    # What looks every few seconds has nothing to say unless it has found something.
    if counts or job.every >= timedelta(minutes=1):
        log.info("job", job=job.name, ms=report.ms, **counts)
    return report


def _failed(error: Exception, counts: Counts, **where: str) -> None:
    counts["failed"] += 1
    # The type and the place, not the message: a driver's may quote what a person typed.
    log.error("job failed", **where, error=type(error).__name__, places=places_of(error))


def _beat(app: Flask, _counts: Counts, _stopped: Stopped) -> None:
    """Says that the worker is alive: to monitors and on the desk."""
    with app.app_context():
        session = db.session()
        beats.beat(session, clock.now())
        with tallies.written(session):
            session.commit()


def _timers(app: Flask, counts: Counts, stopped: Stopped) -> None:
    # Shares first: what is offered on may still save the order.
    _each(app, timers.lapsed_shares, shares.lapse, counts, stopped)
    for timer in TIMERS:
        _each(app, partial(timers.overdue, timer=timer), timers.run_out, counts, stopped)


def _reminders(app: Flask, counts: Counts, stopped: Stopped) -> None:
    for timer in TIMERS:
        _each(app, partial(timers.unreminded, timer=timer), timers.remind, counts, stopped)


def _notices(app: Flask, counts: Counts, stopped: Stopped) -> None:
    while not stopped():
        found = sending.run(app, clock.now(), stopped=stopped)
        if found:
            counts["notices"] += found
        if found < sending.AT_ONCE:
            return


def _gateway(app: Flask, counts: Counts, stopped: Stopped) -> None:
    with app.app_context():
        gateway = midtrans.configured(app.config["OVOP"])
        told = watch.check_open(db.session(), gateway, clock.now, stopped)
    if told:
        counts["asked"] += told


def _permits(app: Flask, counts: Counts, stopped: Stopped) -> None:
    """Reminds of permits that end, at hours when people read what comes on their phones."""
    if clock.wib(clock.now()).hour not in DAYTIME:
        return
    after = 0
    with app.app_context():
        session = db.session()
        while not stopped():
            with reading():
                today = clock.wib_date(clock.now())
                found = permit_queries.unreminded(session, today, after=after, limit=AT_ONCE)
            if not found:
                return
            after = found[-1]
            for permit_id in found:
                kind = permits.remind(session, permit_id, clock.now())
                session.commit()
                if kind is not None:
                    counts[kind] += 1
                time.sleep(GIVE_WAY)


def _sweep(app: Flask, counts: Counts, _stopped: Stopped) -> None:
    sweeps: dict[str, tuple[Callable[[Session, datetime], int], timedelta]] = {
        "carts": (upkeep.remove_old_carts, CART_LIFETIME),
        "previews": (statements.sweep_previews, PREVIEW_LIFETIME),
        "proofs": (partial(sweep_proofs, folder=app.config["OVOP"].media), PROOF_LIFETIME),
        "pictures": (
            partial(sweep_pictures, folder=app.config["OVOP"].media),
            PICTURE_LIFETIME,
        ),
        "exports": (partial(large.sweep, media=app.config["OVOP"].media), large.LIFETIME),
        "sessions": (sessions.sweep, sessions.KEPT),
        "tries": (throttle.sweep, timedelta(0)),
        "invitations": (invitations.sweep, links.KEPT),
        "links": (links.sweep, links.KEPT),
        "years of reach": (lambda session, _before: settling.tidy(session), timedelta(0)),
    }
    for name, (sweep, lifetime) in sweeps.items():
        with app.app_context():
            swept = sweep(db.session(), clock.now() - lifetime)
            db.session.commit()
        if swept:
            counts[name] += swept


def _retention(app: Flask, counts: Counts, stopped: Stopped) -> None:
    """Erases what has been kept long enough."""
    with app.app_context():
        retention.run(
            db.session(), app.config["OVOP"], counts, stopped, reading=reading, failed=_failed
        )


def _media(app: Flask) -> Path:
    media: Path = app.config["OVOP"].media
    return media


def _exports(app: Flask, counts: Counts, stopped: Stopped) -> None:
    """Makes the workbooks that are too large to wait for."""
    media = _media(app)
    for asked in large.waiting(media):
        if stopped():
            return
        with app.app_context(), reading():
            try:
                made = large.make(db.session(), media, asked, clock.now(), stopped)
            except OperationalError:
                raise
            except Exception as error:
                _failed(error, counts, export=asked.key)
            else:
                if made:
                    counts["made"] += 1


def _settle(app: Flask, counts: Counts, stopped: Stopped) -> None:
    """Decides and stores what is shown of each year that has changed."""
    with app.app_context():
        session = db.session()
        with reading():
            due = settling.due(session)
        # Workers that look at the same moment begin in different places.
        for tree in random.sample(due, len(due)):
            if stopped():
                return
            try:
                counts[_settle_one(session, tree)] += 1
            except OperationalError:
                session.rollback()
                raise
            except Exception as error:
                session.rollback()
                _failed(error, counts, year=str(tree.year), area=tree.area)
            time.sleep(GIVE_WAY)


def _settle_one(session: Session, tree: Tree) -> str:
    """Decides without holding anybody up, then stores; returns what became of it."""
    with reading():
        settled = settling.decided(session, tree)
    # What has changed meanwhile is for the next look.
    done = settled is not None and settling.store(session, settled)
    session.commit()
    return "settled" if done else "late"


def sweep_proofs(session: Session, before: datetime, folder: Path) -> int:
    """Throws private pictures away that came before a moment and neither a payment nor a visit
    shows; returns how many."""
    unseen = set(proofs.unseen(session, pictures.private_keys(folder, before)))
    unseen -= shown(session, unseen)
    for key in unseen:
        pictures.discard_private(folder, key)
    return len(unseen)


def sweep_pictures(session: Session, before: datetime, folder: Path) -> int:
    """Throws pictures of /media away that came before a moment and nothing shows; returns how many.

    Files come before their rows and go after them, so whatever dies in between is found here.
    """
    unseen = pictures.keys(folder, before)
    unseen -= shown(session, unseen)
    # Somebody may just have brought one of them again.
    unseen &= pictures.keys(folder, before)
    for key in unseen:
        pictures.discard(folder, key)
    return len(unseen)


def _each(app: Flask, look: Look, do: Do, counts: Counts, stopped: Stopped) -> None:
    """Does something to each order of a list, in a transaction of its own.

    An order that fails is logged by its number and left for the next run; the others go on. When
    the database itself is out of reach, that is raised: it is no order's fault.
    """
    after: Waiting | None = None
    with app.app_context():
        while not stopped():
            with reading():
                found = look(db.session(), now=clock.now(), after=after, limit=AT_ONCE)
            if not found:
                return
            after = found[-1]
            # Workers that look at the same moment begin in different places.
            for waiting in random.sample(found, len(found)):
                if stopped():
                    return
                _one(waiting, do, counts)


def _one(waiting: Waiting, do: Do, counts: Counts) -> None:
    session = db.session()
    try:
        event = do(session, waiting.id, clock.now())
        done = None if event is None else str(event.action)
        session.commit()
    except OperationalError:
        session.rollback()
        raise
    except Exception as error:
        session.rollback()
        _failed(error, counts, order=waiting.number)
    else:
        if done is not None:
            counts[done] += 1
    time.sleep(GIVE_WAY)


@contextmanager
def reading() -> Iterator[None]:
    """A look that waits for no writer, and that none waits for."""
    begin_as_reader(True)
    try:
        yield
    finally:
        db.session.rollback()
        begin_as_reader(False)


REACH = Job("reach", timedelta(seconds=15), _settle)
# In the order in which `tick` runs them: nobody is reminded of what is over, and what the clock
# has done is told at once.
JOBS: tuple[Job, ...] = (
    Job("beat", beats.EVERY, _beat),
    # Money that has come unheard is booked before the clock gives up on its order.
    Job("gateway", timedelta(minutes=5), _gateway),
    Job("timers", timedelta(minutes=1), _timers),
    Job("reminders", timedelta(minutes=1), _reminders),
    Job("notices", timedelta(seconds=5), _notices),
    Job("exports", timedelta(seconds=5), _exports),
    REACH,
    Job("permits", timedelta(hours=1), _permits),
    Job("sweep", timedelta(hours=1), _sweep),
    Job("retention", timedelta(hours=1), _retention),
)
