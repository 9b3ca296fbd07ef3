"""Changing the address or the number by which an account is signed in to (docs/adr/0044).

A new e-mail address counts once its link was followed; until then the one before is in force. A
telephone number counts at once, as at registering: nothing can be sent to it. So does an address,
where the site sends no mail. Whether a login belongs to somebody else, no answer says: its owner is
told. Who calls has made sure who asks (attempts.confirm_person).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ovop_market.accounts import links, recovery, sealing, services, sessions
from ovop_market.accounts.models import Link, Purpose, User
from ovop_market.accounts.services import record
from ovop_market.accounts.signals import ADDRESS, LINK, Told, account_told
from ovop_market.core.errors import Conflict, Unusable

LIFETIME = timedelta(hours=24)
# The same address asked for again so soon is the same tap: the link on its way keeps its worth.
SAME_TAP = timedelta(minutes=1)


class Login(StrEnum):
    """By what an account is signed in to: the columns of User."""

    EMAIL = "email"
    PHONE = "phone"

    @property
    def other(self) -> Login:
        return Login.PHONE if self is Login.EMAIL else Login.EMAIL

    def of(self, user: User) -> str | None:
        return user.email if self is Login.EMAIL else user.phone


class Answer(StrEnum):
    """What became of asking for another login."""

    # A link has to be followed first.
    MAILED = "mailed"
    # The account has it, and no session any more: the caller begins a new one.
    CHANGED = "changed"
    # It is somebody else's, who has been told. Which of these two it was, no answer says.
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Awaited:
    """A new address whose link has not been followed yet, and until when it can be."""

    email: str
    until: datetime


def awaited(session: Session, user_id: int, now: datetime) -> Awaited | None:
    """The address that the account is to have once its link is followed. That of somebody else is
    kept alike, though no link was sent: else this would say whose it is."""
    link = links.open_of(session, Purpose.EMAIL, user_id, now)
    return None if link is None else Awaited(email_in(link), link.expires_at)


def email_in(link: Link) -> str:
    """The new address of a link."""
    return str((link.details or {})["email"])


def needs_link(login: Login) -> bool:
    """Whether a link shows first that it is one's own; else it counts at once."""
    return login is Login.EMAIL and recovery.mail_works()


def wanted(user: User, login: Login, typed: str) -> str:
    """The login as it is kept. Raises Unusable, naming the field, for what is none, or what the
    account has."""
    known = services.email_of(typed) if login is Login.EMAIL else services.phone_of(typed)
    if known is None:
        raise Unusable(
            _("Tulis alamat email, atau nomor HP seperti 0812 3456 7890."), field=str(login)
        )
    if known == login.of(user):
        raise Unusable(_("Ini sudah dipakai akun Anda. Tulis yang lain."), field=str(login))
    return known


def ask(session: Session, user: User, login: Login, new: str, now: datetime) -> Answer:
    """The account is to have this login (as `wanted` returns it)."""
    # Locked: it may be being changed on another device. Not its key, which notices refer to: two
    # who want each other's login would wait for each other.
    session.refresh(user, with_for_update={"key_share": True})
    if needs_link(login):
        _send_link(session, user, new, now)
        return Answer.MAILED
    record(session, f"{login} change asked", f"user {user.id}", now, user.id)
    owner = services.user_of(session, new)
    if owner is not None or not _take(session, user, login, new):
        owner = owner or services.user_of(session, new)
        if owner is not None and owner.id != user.id:
            _tell_owner(session, owner, now)
        return Answer.KEPT
    if login is Login.EMAIL:
        user.verified_at = None
    _changed(session, user, login, "changed", now)
    if login is Login.PHONE:
        _tell(session, user, Told.PHONE_CHANGED, now)
    return Answer.CHANGED


def _send_link(session: Session, user: User, new: str, now: datetime) -> None:
    before = links.open_of(session, Purpose.EMAIL, user.id, now)
    if before is not None and email_in(before) == new and now - before.made_at < SAME_TAP:
        return
    details = {"email": new}
    token = links.make(
        session, Purpose.EMAIL, now=now, lifetime=LIFETIME, user_id=user.id, details=details
    )
    record(session, "email change asked", f"user {user.id}", now, user.id)
    owner = services.user_of(session, new)
    if owner is None:
        _tell(session, user, Told.NEW_EMAIL, now, link=sealing.seal(LINK, token), to=new)
    else:
        _tell_owner(session, owner, now)
    if user.email is not None:
        _tell(session, user, Told.EMAIL_CHANGING, now, to=user.email)


def confirm_email(session: Session, link: Link, now: datetime) -> User | None:
    """Uses the link up: from now on the account has the new address, and no session any more; the
    caller begins a new one where its owner is. None: the link was used, or the account shut,
    meanwhile. Raises Conflict where another account has taken the address; roll back then."""
    if link.user_id is None:
        return None
    # Locked first, as by whoever shuts it.
    user = session.get_one(User, link.user_id, with_for_update=True, populate_existing=True)
    if user.disabled_at is not None or not links.use(session, link, now):
        return None
    before = user.email
    if not _take(session, user, Login.EMAIL, email_in(link)):
        raise Conflict(_("Email ini sudah dipakai akun lain. Masuk dengan akun itu."))
    user.verified_at = now
    _changed(session, user, Login.EMAIL, "changed", now)
    if before is not None:
        _tell(session, user, Told.EMAIL_GONE, now, to=before)
    return user


def was_confirmed(session: Session, token: str) -> bool:
    """Whether this very link has given its account the address that it has: it was sent twice."""
    link = links.used(session, Purpose.EMAIL, token)
    user = session.get(User, link.user_id) if link is not None else None
    return link is not None and user is not None and user.email == email_in(link)


def withdraw_email(session: Session, user: User, now: datetime) -> bool:
    """The address that waits is not to be the account's after all. False: none waits, be it that
    this was sent twice, or that its link was just followed."""
    # Locked first, as by whoever follows the link.
    session.refresh(user, with_for_update={"key_share": True})
    if links.open_of(session, Purpose.EMAIL, user.id, now) is None:
        return False
    links.end_all(session, Purpose.EMAIL, user.id)
    record(session, "email change withdrawn", f"user {user.id}", now, user.id)
    return True


def refuse_last(user: User, login: Login) -> None:
    """Raises Unusable where the account could not be signed in to, or reached, without it."""
    if login.other.of(user) is None:
        raise Unusable(_("Ini satu-satunya cara masuk ke akun Anda. Tambahkan dulu yang lain."))
    unsure = user.verified_at is None and recovery.mail_works()
    if login is Login.PHONE and unsure:
        raise Unusable(_("Pastikan dulu email Anda: buka email dari kami, lalu tekan tautannya."))


def remove(session: Session, user: User, login: Login, now: datetime) -> bool:
    """The account is signed in to by the other one alone from now on, and has no session any more:
    the caller begins a new one. False: it had none, so nothing has changed. Raises Unusable."""
    # Locked: the other one may be being removed on another device.
    session.refresh(user, with_for_update={"key_share": True})
    before = login.of(user)
    if before is None:
        return False
    refuse_last(user, login)
    if login is Login.EMAIL:
        user.email = user.verified_at = None
    else:
        user.phone = None
    session.flush()
    _changed(session, user, login, "removed", now)
    if login is Login.EMAIL:
        _tell(session, user, Told.EMAIL_GONE, now, to=before)
    else:
        _tell(session, user, Told.PHONE_CHANGED, now)
    return True


def _take(session: Session, user: User, login: Login, wanted: str) -> bool:
    """Whether the account has the login now: of two who take one at once, one gets it."""
    try:
        with session.begin_nested():
            setattr(user, login, wanted)
            session.flush()
    except IntegrityError:
        return False
    return True


def _changed(session: Session, user: User, login: Login, how: str, now: datetime) -> None:
    if login is Login.EMAIL:
        # A link to confirm the address of before must not confirm this one.
        links.end_all(session, Purpose.VERIFY, user.id)
    record(session, f"{login} {how}", f"user {user.id}", now, user.id)
    sessions.end_all(session, user, now, user.id)


def _tell_owner(session: Session, owner: User, now: datetime) -> None:
    """Whoever has the login that somebody else wanted is told."""
    record(session, "login wanted", f"user {owner.id}", now, None)
    _tell(session, owner, Told.LOGIN_WANTED, now)


def _tell(
    session: Session, user: User, what: Told, now: datetime, *, link: str = "", to: str = ""
) -> None:
    sealed = sealing.seal(ADDRESS, to) if to else ""
    account_told.send(user, session=session, what=what, at=now, link=link, to=sealed)
