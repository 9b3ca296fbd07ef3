"""The worker's heartbeat: a row that says when it was last seen, for monitors and for the desk."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta

from sqlalchemy import String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ovop_market.extensions.database import Model, Moment, insert_into

# Between two beats. Each is a write, and any write drops the kept pages (docs/adr/0004).
EVERY = timedelta(seconds=30)
# A worker that has not been seen for so long is silent: four beats were missed.
SILENT_AFTER = timedelta(minutes=2)
# Machines that have not been seen for so long have gone.
FORGOTTEN_AFTER = timedelta(days=1)


class WorkerBeat(Model):
    """When a machine's worker was last seen."""

    __tablename__ = "worker_beat"

    machine: Mapped[str] = mapped_column(String(80), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(Moment)


def beat(session: Session, now: datetime, machine: str = "") -> None:
    """Notes that the worker of this machine is alive, and forgets machines that have gone."""
    name = (machine or socket.gethostname())[:80]
    row = insert_into(session, WorkerBeat).values(machine=name, seen_at=now)
    session.execute(row.on_conflict_do_update(index_elements=["machine"], set_={"seen_at": now}))
    session.execute(delete(WorkerBeat).where(WorkerBeat.seen_at < now - FORGOTTEN_AFTER))


def worker_seen(session: Session) -> datetime | None:
    """When any worker was last seen; None: never."""
    # `max` alone would lose the column's type on SQLite.
    latest = func.max(WorkerBeat.seen_at, type_=Moment())
    return session.scalar(select(latest))


def is_silent(seen: datetime | None, now: datetime) -> bool:
    """Whether a worker that was last seen then is silent. A clock that was put back silences
    nobody."""
    return seen is None or seen <= now - SILENT_AFTER


def worker_silent(session: Session, now: datetime) -> bool:
    """Whether no worker has been seen lately."""
    return is_silent(worker_seen(session), now)
