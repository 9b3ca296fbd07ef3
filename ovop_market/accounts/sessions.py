"""Sessions as the server knows them: who is signed in on which device, for how long, until when.

The cookie holds a random secret and this database its digest, so that signing out, a new password
or an account that is closed ends what was copied of the cookie as well. docs/adr/0037.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, or_, select, update
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.orm import Session

from ovop_market.accounts import devices, links
from ovop_market.accounts.models import Purpose, Role, User, UserSession
from ovop_market.accounts.services import record
from ovop_market.accounts.signals import sessions_ended
from ovop_market.core.errors import NotFound
from ovop_market.core.tokens import digest, secret_token

# What is seen more often is not written more often.
SEEN_EVERY = timedelta(minutes=5)
# Rows that are over stay for so long, for whoever asks what happened.
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session lasts without being used, and altogether."""

    idle: timedelta
    absolute: timedelta


# OWASP ASVS 5.0, 7.1.1 and 7.3: limits by what a session opens, written down with the reason.
# Buyers and producers: their own phone, their own orders. Who has to type a password at the
# roadside does not answer in time; what is lost with a phone is ended from another device.
# Officials and operators: figures and money of others, often on a shared computer of the office. A
# working day, and a new sign-in with both factors each week.
_OWN_PHONE = Lifetime(timedelta(days=30), timedelta(days=90))
_OFFICE = Lifetime(timedelta(hours=12), timedelta(days=7))
LIFETIMES: Mapping[Role, Lifetime] = {
    Role.BUYER: _OWN_PHONE,
    Role.PRODUCER: _OWN_PHONE,
    Role.OFFICIAL: _OFFICE,
    Role.OPERATOR: _OFFICE,
}


@dataclass(frozen=True, slots=True)
class Device:
    """A device on which somebody is signed in, as the account page shows it."""

    id: int
    name: str
    began_at: datetime
    seen_at: datetime
    is_this: bool


def begin(session: Session, user: User, user_agent: str, now: datetime) -> str:
    """Signs the account in on a device; returns the secret for its cookie."""
    token = secret_token()
    browser, system = devices.named(user_agent)
    session.add(
        UserSession(
            user_id=user.id,
            digest=digest(token),
            epoch=user.epoch,
            browser=browser,
            system=system,
            began_at=now,
            seen_at=now,
        )
    )
    session.flush()
    record(session, "signed in", f"user {user.id}", now, user.id)
    return token


def find(session: Session, token: str, now: datetime) -> tuple[UserSession, User] | None:
    """The session of a secret and whose it is, in one statement; None once it is over."""
    row = session.execute(
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.digest == digest(token))
    ).one_or_none()
    if row is None:
        return None
    found, user = row
    over = found.ended_at is not None or not _lasts(found, user, now)
    if over or found.epoch != user.epoch or user.disabled_at is not None:
        return None
    return found, user


def _lasts(found: UserSession, user: User, now: datetime) -> bool:
    lifetime = LIFETIMES[user.role]
    return now < found.seen_at + lifetime.idle and now < found.began_at + lifetime.absolute


def note_seen(connection: Connection, session_id: int, now: datetime) -> None:
    """That the device was used just now. A row that somebody else is writing is left alone."""
    free = (
        select(UserSession.id)
        .where(UserSession.id == session_id, UserSession.seen_at <= now - SEEN_EVERY)
        .with_for_update(skip_locked=True)
    )
    connection.execute(update(UserSession).where(UserSession.id.in_(free)).values(seen_at=now))


def devices_of(session: Session, user: User, this_id: int | None, now: datetime) -> list[Device]:
    """Where the account is signed in, this device first, then the latest."""
    lifetime = LIFETIMES[user.role]
    rows = session.scalars(
        select(UserSession)
        .where(
            UserSession.user_id == user.id,
            UserSession.epoch == user.epoch,
            UserSession.ended_at.is_(None),
            UserSession.seen_at > now - lifetime.idle,
            UserSession.began_at > now - lifetime.absolute,
        )
        .order_by(UserSession.seen_at.desc(), UserSession.id.desc())
    )
    found = [
        Device(
            row.id,
            devices.words(row.browser, row.system),
            row.began_at,
            row.seen_at,
            row.id == this_id,
        )
        for row in rows
    ]
    return sorted(found, key=lambda device: not device.is_this)


def sign_out(session: Session, user_id: int, session_id: int, now: datetime) -> None:
    """The person leaves this device."""
    if _end(session, now, UserSession.id == session_id):
        record(session, "signed out", f"user {user_id}", now, user_id)


def end_one(session: Session, user: User, session_id: int, now: datetime) -> None:
    """Ends one of the account's own sessions, from another device. Raises NotFound."""
    if not _end(session, now, UserSession.id == session_id, UserSession.user_id == user.id):
        raise NotFound(_("Perangkat ini sudah keluar."))
    record(session, "session ended", f"user {user.id}", now, user.id)


def end_all(session: Session, user: User, now: datetime, actor_id: int | None) -> None:
    """Ends all sessions of the account at once, also one that is just beginning: it carries the
    epoch of before. The caller begins a new one where somebody is to stay. Open links for a new
    password or a new address go with them: whoever reads the mail of a thief's time must not come
    back by it."""
    session.execute(
        update(User)
        .where(User.id == user.id)
        .values(epoch=User.epoch + 1)
        .execution_options(synchronize_session=False)
    )
    session.refresh(user)
    ended = _end(session, now, UserSession.user_id == user.id)
    for purpose in (Purpose.RESET, Purpose.EMAIL):
        links.end_all(session, purpose, user.id)
    details: dict[str, object] = {"sessions": ended}
    record(session, "sessions ended", f"user {user.id}", now, actor_id, details)


def _end(session: Session, now: datetime, *which: Any) -> int:
    ended = session.scalars(
        update(UserSession)
        .where(UserSession.ended_at.is_(None), *which)
        .values(ended_at=now)
        .returning(UserSession.id)
        .execution_options(synchronize_session=False)
    ).all()
    if ended:
        sessions_ended.send(None, session=session, ids=ended)
    return len(ended)


def sweep(session: Session, before: datetime) -> int:
    """Throws away sessions that were over before a moment; returns how many. None lasts longer
    than the longest lifetimes, unused and in all."""
    unused = max(lifetime.idle for lifetime in LIFETIMES.values())
    longest = max(lifetime.absolute for lifetime in LIFETIMES.values())
    over = or_(
        UserSession.ended_at < before,
        UserSession.seen_at < before - unused,
        UserSession.began_at < before - longest,
    )
    gone: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        delete(UserSession).where(over).execution_options(synchronize_session=False)
    )
    return gone.rowcount
