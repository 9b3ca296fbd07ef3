"""Links that work once: to confirm an e-mail address or a new one, to set a new password, to accept
an invitation.

The secret (192 bits) is in the link alone. The database holds its SHA-256, so a copy of the table
opens nothing; no log gets to see it (web.logs writes the rule of an address, never the path).

A page that such a link opens has the door `access.link`: it is kept by nobody, and its address is
passed on to no other site (`Referrer-Policy: no-referrer`). A GET only looks (`find`): programs
that look into mail for people open every link. The form on the page POSTs, and that uses the link
up (`use`).

    token = links.make(session, Purpose.RESET, now=now, user_id=user.id, lifetime=RESET_LIFETIME)

    link = links.find(session, Purpose.RESET, token, now)     # GET: the page, or "used or too old"
    if link is None or not links.use(session, link, now): …   # POST: then act, then commit
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Link, Purpose
from ovop_market.core.tokens import digest, secret_token

# Old ones are kept for so long after they have run out: then `sweep` throws them away.
KEPT = timedelta(days=30)


def make(
    session: Session,
    purpose: Purpose,
    *,
    now: datetime,
    lifetime: timedelta,
    user_id: int | None = None,
    details: Mapping[str, object] | None = None,
) -> str:
    """A new link; returns its secret, which is nowhere else. With `user_id` it takes the place of
    the account's open link for the same purpose, if there is one."""
    if user_id is not None:
        _end(session, purpose, user_id)
    token = secret_token()
    session.add(
        Link(
            purpose=purpose,
            digest=digest(token),
            user_id=user_id,
            details=None if details is None else dict(details),
            made_at=now,
            expires_at=now + lifetime,
        )
    )
    session.flush()
    return token


def find(session: Session, purpose: Purpose, token: str, now: datetime) -> Link | None:
    """The link of this secret, if it is for this purpose and can still be used; changes nothing."""
    return session.scalar(
        select(Link).where(
            Link.digest == digest(token),
            Link.purpose == purpose,
            Link.used_at.is_(None),
            Link.expires_at > now,
        )
    )


def open_of(session: Session, purpose: Purpose, user_id: int, now: datetime) -> Link | None:
    """The account's latest link for this that can still be used."""
    return session.scalar(
        select(Link)
        .where(
            Link.user_id == user_id,
            Link.purpose == purpose,
            Link.used_at.is_(None),
            Link.expires_at > now,
        )
        .order_by(Link.id.desc())
        .limit(1)
    )


def used(session: Session, purpose: Purpose, token: str) -> Link | None:
    """The link of this secret, if it has been used: for whoever taps twice."""
    return session.scalar(
        select(Link).where(
            Link.digest == digest(token), Link.purpose == purpose, Link.used_at.is_not(None)
        )
    )


def use(session: Session, link: Link, now: datetime) -> bool:
    """Uses the link up. True for one caller only, however many come at once: the others wait for
    its transaction, and find the link used. The account's other links for this go with it."""
    used: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(Link)
        .where(Link.id == link.id, Link.used_at.is_(None), Link.expires_at > now)
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if used.rowcount != 1:
        return False
    session.refresh(link)
    if link.user_id is not None:
        _end(session, link.purpose, link.user_id)
    return True


def withdraw(session: Session, link: Link) -> None:
    """An open link is no more (an invitation that was a mistake)."""
    session.execute(
        delete(Link)
        .where(Link.id == link.id, Link.used_at.is_(None))
        .execution_options(synchronize_session=False)
    )
    session.expire_all()


def _end(session: Session, purpose: Purpose, user_id: int) -> None:
    session.execute(
        delete(Link)
        .where(Link.user_id == user_id, Link.purpose == purpose, Link.used_at.is_(None))
        # The session forgets them too: SQLite gives their ids to what comes next.
        .execution_options(synchronize_session="fetch")
    )


def end_all(session: Session, purpose: Purpose, user_id: int) -> None:
    """The account's open links for this open nothing any more."""
    _end(session, purpose, user_id)


def sweep(session: Session, before: datetime) -> int:
    """Throws away links that ran out before a moment; returns how many."""
    gone: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        delete(Link).where(Link.expires_at < before).execution_options(synchronize_session=False)
    )
    return gone.rowcount
