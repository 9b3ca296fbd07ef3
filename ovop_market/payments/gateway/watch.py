"""Pages of which nothing has been heard: a notification may have been lost on its way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from ovop_market.extensions.database import begin_as_reader
from ovop_market.payments.gateway.midtrans import Midtrans, Unreachable
from ovop_market.payments.gateway.standing import Standing
from ovop_market.payments.queries import gateway as queries
from ovop_market.payments.queries.gateway import AttemptRow
from ovop_market.payments.services import gateway as services
from ovop_market.web.logs import log, places_of


def check_open(
    session: Session,
    gateway: Midtrans | None,
    now: Callable[[], datetime],
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Asks the gateway about open pages that have been silent for too long, and notes what it says.

    Returns how many it has told about. `now` is the clock: answers are ordered by when they were
    asked for, and this can take minutes. Each is a transaction of its own, and none is open while
    the gateway is asked: this commits, and wants a session in which nothing is pending. It ends
    early when the gateway cannot be reached or when it is `stopped`; the next call goes on, and
    two at the same time do no harm. What goes wrong with one page is logged, keeps no other from
    being asked about, and is raised at the end.
    """
    if gateway is None:
        return 0
    told, failure = 0, None
    for row in _silent(session, now()):
        if stopped():
            break
        asked_at = now()
        try:
            _note(session, row, gateway.standing(row.code), asked_at)
            told += 1
        except Unreachable as refusal:
            if not refusal.answered:
                break
            _ask_later(session, row, asked_at)
        except OperationalError:
            session.rollback()
            raise
        except Exception as error:
            session.rollback()
            log.error(
                "page failed", page=row.code, error=type(error).__name__, places=places_of(error)
            )
            failure = error
            _ask_later(session, row, asked_at)
    if failure is not None:
        raise failure
    return told


def _ask_later(session: Session, row: AttemptRow, now: datetime) -> None:
    """A page that cannot be understood takes its turn again, after the others."""
    services.ask_later(session, row.id, now)
    session.commit()


def _silent(session: Session, now: datetime) -> list[AttemptRow]:
    """The pages to ask about: a look that waits for no writer, and that none waits for."""
    begin_as_reader(True)
    try:
        return queries.silent(session, now)
    finally:
        session.rollback()
        begin_as_reader(False)


def _note(session: Session, row: AttemptRow, standing: Standing | None, asked: datetime) -> None:
    if standing is None:
        services.hear_nothing(session, row.id, asked)
    else:
        services.hear(session, row.id, standing, asked)
    session.commit()
