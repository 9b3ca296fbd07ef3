"""The phones and browsers that asked to be told (Web Push). Each is told for as long as the session
in which it asked: whoever signs out, is signed out from elsewhere or gets a new password is told
nothing any more on a phone that somebody else may hold. A session that only ran out takes its
browser along when its row is swept (accounts.sessions.KEPT)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User, UserSession
from ovop_market.accounts.signals import sessions_ended
from ovop_market.core.errors import Conflict
from ovop_market.core.tokens import digest
from ovop_market.extensions.database import insert_into
from ovop_market.notices.models import PushSubscription

# Browsers of one account; the one that asked first makes room for a new one.
MOST_BROWSERS = 10
_QUIETLY = {"synchronize_session": False}


def subscribe(
    session: Session,
    user: User,
    *,
    session_id: int,
    endpoint: str,
    p256dh: str,
    auth: str,
    language: str,
    now: datetime,
) -> None:
    """Notices for the account come to this browser from now on. A browser has one account: the
    last one that asked. Raises Conflict where the session has ended since the page was opened."""
    # Ending it waits, and then takes this along.
    lives = session.scalar(
        select(UserSession.id)
        .where(
            UserSession.id == session_id,
            UserSession.user_id == user.id,
            UserSession.ended_at.is_(None),
        )
        .with_for_update(read=True)
    )
    if lives is None:
        raise Conflict(_("Perangkat ini sudah dikeluarkan dari akun. Masuk lagi."))
    values = {
        "user_id": user.id,
        "session_id": session_id,
        "endpoint": endpoint,
        "p256dh": p256dh,
        "auth": auth,
        "language": language,
        "made_at": now,
    }
    added = insert_into(session, PushSubscription).values(
        endpoint_digest=digest(endpoint), **values
    )
    session.execute(added.on_conflict_do_update(index_elements=["endpoint_digest"], set_=values))
    newest = (
        select(PushSubscription.id)
        .where(PushSubscription.user_id == user.id)
        .order_by(PushSubscription.made_at.desc(), PushSubscription.id.desc())
        .limit(MOST_BROWSERS)
    )
    _forget(session, PushSubscription.user_id == user.id, PushSubscription.id.not_in(newest))


def unsubscribe(session: Session, user: User, endpoint: str) -> None:
    """No more notices to this browser; it need not have asked for any."""
    this = PushSubscription.endpoint_digest == digest(endpoint)
    _forget(session, this, PushSubscription.user_id == user.id)


def forget(session: Session, subscription_id: int) -> None:
    """The push service says that the browser is no more."""
    _forget(session, PushSubscription.id == subscription_id)


def begin() -> None:
    """Listens for sessions that end."""
    sessions_ended.connect(_follow_sessions)


def _follow_sessions(_sender: object, *, session: Session, ids: Sequence[int]) -> None:
    _forget(session, PushSubscription.session_id.in_(ids))


def _forget(session: Session, *which: Any) -> None:
    session.execute(delete(PushSubscription).where(*which), execution_options=_QUIETLY)
