"""What a browser holds of an account: the secret of its session, the first half of a sign-in, and
the mark of a device that has signed in before."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from flask import Flask, current_app, g, request, session
from flask_babel import gettext as _
from flask_login import login_user, logout_user
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from ovop_market.accounts import sealing, sessions
from ovop_market.accounts.models import User, UserSession
from ovop_market.core import clock
from ovop_market.core.errors import Conflict
from ovop_market.extensions import db
from ovop_market.extensions.database import apart
from ovop_market.web import access
from ovop_market.web.sessions import begin_anew

_HALF = "half"
_CONFIRMED = "confirmed"
# So long after the password was typed it is not asked for again (OWASP ASVS 5.0, 7.5).
FRESH = timedelta(minutes=15)
# Between the password and the code.
HALF_LIFETIME = timedelta(minutes=5)
_DEVICE_LIFETIME = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Half:
    """Somebody has given the password and owes the code; it opens nothing but that page."""

    user_id: int
    epoch: int
    login: str
    next: str
    at: float


def load(token: str) -> User | None:
    """The account of a session's secret (for Flask-Login); `this_session` tells which session."""
    found = sessions.find(db.session(), token, clock.now())
    if found is None:
        return None
    g.user_session, user = found
    # As they are: after the answer is made, nothing shall be asked for them.
    g.seen = (g.user_session.id, g.user_session.seen_at)
    user.session_token = token
    return user


def this_session() -> UserSession | None:
    """The session of this request, once current_user was asked for."""
    found: UserSession | None = g.get("user_session")
    return found


def session_id() -> int:
    """The number of the session of this request; 0: there is none (any more)."""
    here = this_session()
    return here.id if here is not None else 0


def hold(user: User) -> None:
    """Locks the account, just before how one gets in is changed. What was asked of the person was
    asked before: raises Conflict where this device was signed out, or the account shut, since."""
    # Not its key: what refers to the account (a notice, a link) need not wait.
    db.session.refresh(user, with_for_update={"key_share": True})
    here = this_session()
    if user.disabled_at is not None or here is None or here.epoch != user.epoch:
        raise Conflict(_("Perangkat ini sudah dikeluarkan dari akun. Masuk lagi."))


def begin(user: User, now: datetime) -> Callable[[], None]:
    """Signs the user in with a new session, in the transaction at hand; ends the one that this
    browser had. Call what is returned after the commit: it puts the secret into the cookie."""
    _leave(now)
    user.session_token = sessions.begin(db.session(), user, request.user_agent.string, now)

    def keep() -> None:
        begin_anew()
        login_user(user)

    return keep


def _leave(now: datetime) -> None:
    """Ends the session that this browser has, whosever it is."""
    before = str(session.get("_user_id", ""))
    found = sessions.find(db.session(), before, now) if before else None
    if found is not None:
        sessions.sign_out(db.session(), found[1].id, found[0].id, now)
        g.pop("user_session", None)


def is_fresh(now: datetime) -> bool:
    """Whether the person at the keyboard has shown a moment ago that the account is theirs: by
    signing in, or by the password again."""
    found = this_session()
    began = found.began_at.timestamp() if found is not None else 0.0
    at = max(began, float(session.get(_CONFIRMED, 0)))
    return 0 <= now.timestamp() - at < FRESH.total_seconds()


def note_fresh(now: datetime) -> None:
    """The password was typed again, and right."""
    session[_CONFIRMED] = now.timestamp()


def end() -> None:
    """Nothing of the session is left in this browser. Its row may be gone as well (an account that
    was erased): nothing is noted on it after the answer."""
    g.pop("user_session", None)
    logout_user()
    session.clear()


def begin_half(user: User, login: str, target: str, now: datetime) -> None:
    """The password was right; now the code. Whoever was signed in here leaves, in the transaction
    at hand: the browser forgets that session, so nobody else may go on with it."""
    _leave(now)
    half = Half(user.id, user.epoch, login, target, now.timestamp())
    begin_anew()
    session[_HALF] = asdict(half)


def half(now: datetime) -> tuple[Half, User] | None:
    """The sign-in that waits for its code, if it is not too old."""
    kept = session.get(_HALF)
    if kept is None:
        return None
    found = Half(**kept)
    age = now.timestamp() - found.at
    user = db.session.get(User, found.user_id)
    if user is None or user.epoch != found.epoch or user.disabled_at is not None:
        return None
    return (found, user) if 0 <= age < HALF_LIFETIME.total_seconds() else None


def _device_cookie() -> str:
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    return "__Host-device" if secure else "device"


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["OVOP"].secret_key, salt="known device")


def known_device(login: str) -> str:
    """The number of this device, if it has signed in by this login before; else empty."""
    try:
        kept = _serializer().loads(request.cookies.get(_device_cookie(), ""))
    except BadSignature:
        return ""
    mark, number = kept if isinstance(kept, list) and len(kept) == 2 else ("", "")
    return str(number) if mark == sealing.mark("known device", login) else ""


def remember_device(response: Response, login: str) -> None:
    """This device has signed in by this login: strangers' tries are no concern of it any more.

    It signs nobody in. Whoever takes it gets a counter of his own for one account, no more."""
    number = known_device(login) or secrets.token_urlsafe(12)
    response.set_cookie(
        _device_cookie(),
        str(_serializer().dumps([sealing.mark("known device", login), number])),
        max_age=_DEVICE_LIFETIME,
        path="/",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        httponly=True,
        samesite="Lax",
    )


def _note_seen(response: Response) -> Response:
    """Writes, every few minutes, that the device is used: after the answer is made, and only if the
    database is free. A page that only reads must not wait for a writer."""
    session_id, seen_at = g.get("seen", (0, None))
    door = access.door_of(request.endpoint)
    if seen_at is None or door is None or door.kind == "public":
        return response
    now = clock.now()
    if response.is_streamed or response.status_code >= 500 or seen_at > now - sessions.SEEN_EVERY:
        return response
    with contextlib.suppress(SQLAlchemyError):
        # The page is made: what it was read in need not stay open meanwhile.
        db.session.rollback()
        with apart(db.engine, wait=0) as connection:
            sessions.note_seen(connection, session_id, now)
    return response


def init_app(app: Flask) -> None:
    """Notes on which devices people are."""
    app.after_request(_note_seen)
