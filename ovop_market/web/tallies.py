"""How often each job of the workers ran, how often something failed, and how long it took, since
there has been a database. The worker serves no page, so it is read from there (/metrics).

A worker counts as it goes and writes with its beat (web/beats.py): a row in memory is lost with it,
which is half a minute of figures.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import BigInteger, CheckConstraint, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from ovop_market.extensions.database import Model, insert_into


class JobTally(Model):
    """What the workers have done of a job, all together."""

    __tablename__ = "job_tally"
    __table_args__ = (
        CheckConstraint(
            "runs >= 0 AND failures >= 0 AND milliseconds >= 0", name="counted_upwards"
        ),
    )

    job: Mapped[str] = mapped_column(String(40), primary_key=True)
    runs: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(BigInteger)
    milliseconds: Mapped[int] = mapped_column(BigInteger)


@dataclass(slots=True)
class _Tally:
    runs: int = 0
    failures: int = 0
    milliseconds: float = 0.0

    def add(self, other: _Tally) -> None:
        self.runs += other.runs
        self.failures += other.failures
        self.milliseconds += other.milliseconds


_unwritten: dict[str, _Tally] = {}
_lock = threading.Lock()


def add(job: str, *, failures: int, milliseconds: float) -> None:
    """Counts a run, in memory."""
    _put_back({job: _Tally(1, failures, milliseconds)})


@contextmanager
def written(session: Session) -> Iterator[None]:
    """Writes what was counted since the last time; the caller commits within. What could not be
    written is counted again."""
    with _lock:
        taken = dict(_unwritten)
        _unwritten.clear()
    try:
        # Always in the same order, so that two workers never wait for each other.
        for job, tally in sorted(taken.items()):
            row = insert_into(session, JobTally).values(
                job=job,
                runs=tally.runs,
                failures=tally.failures,
                milliseconds=round(tally.milliseconds),
            )
            more = {
                name: getattr(JobTally, name) + getattr(row.excluded, name)
                for name in ("runs", "failures", "milliseconds")
            }
            session.execute(row.on_conflict_do_update(index_elements=["job"], set_=more))
        yield
    except BaseException:
        _put_back(taken)
        raise


def _put_back(tallies: dict[str, _Tally]) -> None:
    with _lock:
        for job, tally in tallies.items():
            _unwritten.setdefault(job, _Tally()).add(tally)
