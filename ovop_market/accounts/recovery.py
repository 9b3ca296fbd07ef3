"""Getting back in, and showing that an address is one's own: links by mail, or by a person.

A link goes by mail where the account has an address and the site sends mail. Nobody can be reached
by telephone by a machine here: such a request waits for an operator (`waiting_for_help`), who makes
the link (`reset_link`) and sends it by WhatsApp. Whoever asks is answered the same in all cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app, has_app_context
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ovop_market.accounts import links, sealing, sessions
from ovop_market.accounts.models import HelpRequest, Link, Purpose, User
from ovop_market.accounts.services import record
from ovop_market.accounts.signals import LINK, Told, account_told
from ovop_market.core.errors import Conflict
from ovop_market.extensions.database import insert_into

VERIFY_LIFETIME = timedelta(hours=24)
RESET_LIFETIME = timedelta(hours=1)
# A link that a person sends is opened when it is read, perhaps after work.
SENT_BY_HAND = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who cannot sign in and waits for an operator."""

    user: User
    asked_at: datetime


def mail_works() -> bool:
    """Whether this site sends mail at all."""
    return has_app_context() and bool(current_app.config["OVOP"].smtp_url)


def ask_to_verify(session: Session, user: User, now: datetime) -> None:
    """Sends the link with which the address is confirmed, unless it is or cannot be."""
    if user.email is None or user.verified_at is not None or not mail_works():
        return
    token = links.make(session, Purpose.VERIFY, now=now, user_id=user.id, lifetime=VERIFY_LIFETIME)
    _tell(session, user, Told.VERIFY, now, link=token)


def verify(session: Session, link: Link, now: datetime) -> bool:
    """Uses the link up: mail to the account's address reaches its owner. False: it was used."""
    if link.user_id is None or not links.use(session, link, now):
        return False
    _verified(session, link.user_id, now)
    return True


def _verified(session: Session, user_id: int, now: datetime) -> None:
    user = session.get_one(User, user_id)
    if user.verified_at is None:
        user.verified_at = now
        record(session, "address verified", f"user {user_id}", now, user_id)


def tell_taken(session: Session, user: User, now: datetime) -> None:
    """Somebody wanted to register with this login: the owner is told, whoever it was."""
    record(session, "registration refused", f"user {user.id}", now, None)
    _tell(session, user, Told.TAKEN, now)


def ask_to_reset(session: Session, user: User | None, now: datetime) -> None:
    """A link for a new password by mail, or a place on the list of those whom a person helps.
    Nobody is told whether there is such an account."""
    if user is None or user.disabled_at is not None:
        record(session, "password reset asked", "no account", now, None)
        return
    record(session, "password reset asked", f"user {user.id}", now, None)
    if user.email is not None and mail_works():
        token = links.make(
            session, Purpose.RESET, now=now, user_id=user.id, lifetime=RESET_LIFETIME
        )
        _tell(session, user, Told.RESET, now, link=token)
        return
    waits = insert_into(session, HelpRequest).values(user_id=user.id, asked_at=now)
    session.execute(waits.on_conflict_do_nothing())


def waiting_for_help(session: Session) -> Sequence[Waiting]:
    """Who waits for an operator, the longest first."""
    rows = session.execute(
        select(User, HelpRequest.asked_at)
        .join(HelpRequest, HelpRequest.user_id == User.id)
        .where(HelpRequest.done_at.is_(None), User.disabled_at.is_(None))
        .order_by(HelpRequest.asked_at, HelpRequest.id)
    )
    return [Waiting(user, asked_at) for user, asked_at in rows]


def reset_link(session: Session, user: User, actor_id: int | None, now: datetime) -> str:
    """The secret of a link for a new password that an operator sends by hand, having made sure who
    asks (None: from the machine's terminal); whoever waited for it waits no more. Use it in
    url_for("accounts.new_password", token=…). Raises Conflict for one's own account: nobody would
    have shown that it is theirs.
    """
    if user.id == actor_id:
        raise Conflict(_("Kata sandi akun sendiri diganti lewat halaman Akun."))
    token = links.make(
        session,
        Purpose.RESET,
        now=now,
        user_id=user.id,
        details={"by": actor_id},
        lifetime=SENT_BY_HAND,
    )
    _helped(session, user.id, now, actor_id)
    record(session, "password link made", f"user {user.id}", now, actor_id)
    return token


def _helped(session: Session, user_id: int, now: datetime, by_id: int | None) -> None:
    session.execute(
        update(HelpRequest)
        .where(HelpRequest.user_id == user_id, HelpRequest.done_at.is_(None))
        .values(done_at=now, done_by_id=by_id)
        .execution_options(synchronize_session=False)
    )


def reset(session: Session, link: Link, password_hash: str, now: datetime) -> User | None:
    """Sets the password that was typed on the page of a link. All sessions end; a second factor is
    asked for as before. None: the link was used, or the account shut, meanwhile."""
    if link.user_id is None:
        return None
    # Locked first, as by whoever shuts it.
    user = session.get_one(User, link.user_id, with_for_update=True, populate_existing=True)
    if user.disabled_at is not None or not links.use(session, link, now):
        return None
    user.password_hash = password_hash
    sessions.end_all(session, user, now, user.id)
    if not link.details and user.email is not None:
        # It came by mail.
        _verified(session, user.id, now)
    _helped(session, user.id, now, user.id)
    record(session, "password reset", f"user {user.id}", now, user.id)
    _tell(session, user, Told.PASSWORD_CHANGED, now)
    return user


def change(session: Session, user: User, password_hash: str, now: datetime) -> None:
    """Sets a new password; the caller has asked for the present one. All sessions end: the caller
    begins a new one on this device."""
    user.password_hash = password_hash
    sessions.end_all(session, user, now, user.id)
    record(session, "password changed", f"user {user.id}", now, user.id)
    _tell(session, user, Told.PASSWORD_CHANGED, now)


def _tell(session: Session, user: User, what: Told, now: datetime, link: str = "") -> None:
    sealed = sealing.seal(LINK, link) if link else ""
    account_told.send(user, session=session, what=what, at=now, link=sealed)
