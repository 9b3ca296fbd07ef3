"""What staff says of its permits; and that the time of a reminder has come."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.core.tokens import digest
from ovop_market.extensions.database import insert_into
from ovop_market.villages.models import Permit, PermitKind, Producer
from ovop_market.villages.permit_rules import reminder

# An end that is further away than this, or longer ago, is a slip of the finger.
FURTHEST = timedelta(days=20 * 365)


def mark(permit: Permit | None) -> str:
    """A short name of exactly what is said of a permit; also of nothing."""
    said = (permit.number, str(permit.expires_on)) if permit else None
    return digest(repr(said))[:32]


def save(
    session: Session,
    producer: Producer,
    kind: PermitKind,
    *,
    number: str,
    expires_on: date | None,
    seen: str | None,
    actor_id: int,
    now: datetime,
) -> Permit:
    """Says the number and the end (WIB; None: it has none) of a producer's permit.

    A new end has reminders of its own; those whose time is over already are not sent. `seen` is the
    mark of what was on the screen; None: whatever it was. Raises Conflict when somebody else has
    changed it since, Unusable, naming the field, for an end out of reach.
    """
    today = clock.wib_date(now)
    if expires_on is not None and abs(expires_on - today) > FURTHEST:
        raise Unusable(_("Periksa tahunnya: tanggal ini terlalu jauh."), field="expires_on")
    permit = _locked(session, producer, kind)
    before = (permit.number, permit.expires_on) if permit else None
    if permit is not None and before == (number, expires_on):
        return permit
    _refuse_other(permit, seen)
    if permit is None:
        session.execute(
            insert_into(session, Permit)
            .values(producer_id=producer.id, kind=kind, number=number)
            .on_conflict_do_nothing()
        )
        permit = _locked(session, producer, kind)
        assert permit is not None  # it was there, or it is now
    if before is None or before[1] != expires_on:
        permit.reminded = None if expires_on is None else reminder(expires_on, today)
    permit.number, permit.expires_on = number, expires_on
    details: dict[str, object] = {
        "kind": str(kind),
        "number": [before[0] if before else None, number],
        "expires_on": [_iso(before[1]) if before else None, _iso(expires_on)],
    }
    record(session, "permit changed", f"producer {producer.id}", now, actor_id, details)
    session.flush()
    return permit


def remove(
    session: Session,
    producer: Producer,
    kind: PermitKind,
    *,
    seen: str | None,
    actor_id: int,
    now: datetime,
) -> None:
    """The producer has no such permit (any more). Removing twice is removing once."""
    permit = _locked(session, producer, kind)
    if permit is None:
        return
    _refuse_other(permit, seen)
    details: dict[str, object] = {
        "kind": str(kind),
        "number": [permit.number, None],
        "expires_on": [_iso(permit.expires_on), None],
    }
    record(session, "permit removed", f"producer {producer.id}", now, actor_id, details)
    session.delete(permit)
    session.flush()


def take_reminder(session: Session, permit_id: int, now: datetime) -> tuple[Permit, int] | None:
    """The permit, and its reminder whose time has come: it counts as given from now on.

    None when there is none any more: somebody was quicker, or it has been renewed.
    """
    permit = session.scalar(
        select(Permit)
        .where(Permit.id == permit_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if permit is None or permit.expires_on is None:
        return None
    due = reminder(permit.expires_on, clock.wib_date(now))
    if due is None or (permit.reminded is not None and permit.reminded <= due):
        return None
    permit.reminded = due
    session.flush()
    return permit, due


def _locked(session: Session, producer: Producer, kind: PermitKind) -> Permit | None:
    return session.scalar(
        select(Permit)
        .where(Permit.producer_id == producer.id, Permit.kind == kind)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def _refuse_other(permit: Permit | None, seen: str | None) -> None:
    if seen is not None and seen != mark(permit):
        raise Conflict(
            _("Izin ini baru saja diubah orang lain. Periksa yang berbeda, lalu simpan lagi.")
        )


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
