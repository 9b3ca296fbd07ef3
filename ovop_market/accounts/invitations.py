"""Inviting people, and what becomes of an invitation (docs/adr/0038).

An invitation is to a login: the link opens it, and only the account of that login accepts it. A
link that was passed on lets nobody else in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from blinker import Namespace
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from ovop_market.accounts import links, services, sessions
from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.models import Link, Purpose, Role, User
from ovop_market.core.errors import Conflict, NotAllowed, NotFound, Unusable
from ovop_market.core.tokens import digest

LIFETIME = timedelta(days=7)

_signals = Namespace()
# Sent as invited.send(invitation, session=…, token=str) when a link has to reach its reader by
# mail, inside the transaction; a listener answers True if it sees to that.
invited = _signals.signal("invited")
# Sent as accepted.send(invitation, session=…, user=User, now=…), inside the transaction: what the
# features above promised with it, they keep now. What they raise undoes it.
accepted = _signals.signal("invitation accepted")
# Sent as over.send(marks, session=…), inside the transaction: the marks (`mark_of`) of invitations
# that let nobody in any more, or are thrown away. What was to be sent about them is not.
over = _signals.signal("invitation over")


class Standing(StrEnum):
    """Where an invitation stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Place:
    """What a feature above says of an invitation: to be what, where."""

    role_text: str
    name: str
    where: str


# villages: the producer to which an invitation is, if it is to one (imports point one way).
place_of: Callable[[Session, Invitation], Place | None] | None = None


def standing(invitation: Invitation, now: datetime) -> Standing:
    """Where it stands at a moment."""
    if invitation.accepted_at is not None:
        return Standing.ACCEPTED
    if invitation.withdrawn_at is not None:
        return Standing.WITHDRAWN
    return Standing.OPEN if invitation.expires_at > now else Standing.EXPIRED


def is_open(now: datetime) -> ColumnElement[bool]:
    """The same as `standing(…) is OPEN`, for the database."""
    return (
        Invitation.accepted_at.is_(None)
        & Invitation.withdrawn_at.is_(None)
        & (Invitation.expires_at > now)
    )


def mark_of(link_digest: str) -> str:
    """What an invitation is called outside of its table, for ever: the database may give the id of
    one that was thrown away to a later one (SQLite does), never the digest of a secret."""
    return link_digest[:24]


def login_in(text: str) -> str:
    """The e-mail address or the telephone number (E.164) in a text. Raises Unusable."""
    login = services.login_of(text)
    if login is None:
        raise Unusable(
            _("Tulis alamat email, atau nomor HP seperti 0812 3456 7890."), field="login"
        )
    return login


def invite(
    session: Session,
    *,
    login: str,
    role: Role,
    by_id: int,
    now: datetime,
    region_code: str | None = None,
) -> tuple[Invitation, str]:
    """An invitation, and the secret of its link. Whether the person has an account already is not
    said: that would tell anybody who may invite whose addresses are known here.

    Raises Unusable, naming the field, for a login that is none, or an official without an area.
    """
    login = login_in(login)
    email, phone = (login, None) if "@" in login else (None, login)
    services.check_area(session, role, region_code)
    token = links.make(session, Purpose.INVITE, now=now, lifetime=LIFETIME)
    link = session.scalars(select(Link).where(Link.digest == digest(token))).one()
    invitation = Invitation(
        link_id=link.id,
        role=role,
        region_code=region_code,
        email=email,
        phone=phone,
        invited_by_id=by_id,
        made_at=now,
        expires_at=link.expires_at,
    )
    session.add(invitation)
    session.flush()
    details: dict[str, object] = {"role": str(role)}
    services.record(session, "invited", f"invitation {invitation.id}", now, by_id, details)
    return invitation, token


def send(session: Session, invitation: Invitation, token: str) -> bool:
    """Has the link sent by mail, where that is possible; else whoever invites has to hand it on.
    Call it when all that the invitation says has been written."""
    if invitation.email is None:
        return False
    answers = invited.send(invitation, session=session, token=token)
    invitation.mailed = any(answer for _receiver, answer in answers)
    session.flush()
    return invitation.mailed


def by_token(session: Session, token: str) -> Invitation:
    """The invitation that a link opens, however it stands. Raises NotFound."""
    found = session.scalar(
        select(Invitation)
        .join(Invitation.link)
        .where(Link.digest == digest(token), Link.purpose == Purpose.INVITE)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(
            _("Undangan ini tidak ada. Periksa tautannya, atau minta dikirimi yang baru.")
        )
    return found


def fits(invitation: Invitation, user: User) -> bool:
    """Whether the account is the one that is invited."""
    if invitation.email:
        return user.email == invitation.email
    return user.phone is not None and user.phone == invitation.phone


def accept(session: Session, invitation: Invitation, user: User, now: datetime) -> None:
    """The account becomes what it was invited to be. Of many at once, one does it.

    Raises NotAllowed for an account that was not invited, Conflict when the invitation is not open
    any more, or when the account is shut or already something else that cannot be both. Where the
    role changes all sessions of the account end, for what they may see is not what it was: the
    caller begins a new one.
    """
    session.flush()
    # Locked first: an operator may be shutting it, or making something else of it, just now.
    user = session.get_one(User, user.id, with_for_update=True, populate_existing=True)
    if not fits(invitation, user):
        raise NotAllowed(_("Undangan ini untuk akun lain."), own_page=True)
    if user.role not in (Role.BUYER, invitation.role):
        raise Conflict(
            _("Akun ini sudah dipakai untuk pekerjaan lain di sini. Hubungi pengelola."),
        )
    if user.disabled_at is not None:
        raise Conflict(_("Akun ini ditutup. Hubungi pengelola."))
    _use_up(session, invitation, now)
    invitation.accepted_at, invitation.accepted_by_id = now, user.id
    if invitation.mailed and user.verified_at is None:
        user.verified_at = now
    if user.role is not invitation.role:
        details: dict[str, object] = {"from": str(user.role), "to": str(invitation.role)}
        services.record(session, "role changed", f"user {user.id}", now, user.id, details)
        user.role, user.region_code = invitation.role, invitation.region_code
        session.flush()
        sessions.end_all(session, user, now, user.id)
    session.flush()
    accepted.send(invitation, session=session, user=user, now=now)
    services.record(session, "invitation accepted", f"invitation {invitation.id}", now, user.id)
    session.flush()


def register(
    session: Session,
    token: str,
    *,
    login: str,
    verified: bool,
    name: str,
    password: str,
    now: datetime,
) -> User:
    """Makes the account that is invited (`login`, `verified`: what the invitation says), and
    accepts. Raises Unusable, naming the field, and what `accept` raises."""
    user = services.register(
        session,
        login=login,
        password=password,
        name=name,
        role=Role.BUYER,
        now=now,
        verified=verified,
    )
    accept(session, by_token(session, token), user, now)
    return user


def withdraw(session: Session, invitation: Invitation, *, by_id: int, now: datetime) -> None:
    """The link opens nothing any more. Withdrawing twice is withdrawing once; Conflict when it has
    been accepted meanwhile."""
    session.refresh(invitation)
    if invitation.withdrawn_at is not None:
        return
    _use_up(session, invitation, now)
    invitation.withdrawn_at = now
    _over(session, Invitation.id == invitation.id)
    services.record(session, "invitation withdrawn", f"invitation {invitation.id}", now, by_id)
    session.flush()


def withdraw_all(
    session: Session, which: Sequence[Invitation], *, by_id: int | None, now: datetime
) -> None:
    """Withdraws those that are still open, of somebody who may not let in others any more."""
    for invitation in which:
        if invitation.link is not None and links.use(session, invitation.link, now):
            invitation.withdrawn_at = now
            subject = f"invitation {invitation.id}"
            services.record(session, "invitation withdrawn", subject, now, by_id)
    _over(session, Invitation.id.in_([each.id for each in which]))
    session.flush()


def open_of(session: Session, by_id: int, now: datetime) -> Sequence[Invitation]:
    """The open invitations that an account has made."""
    return session.scalars(
        select(Invitation).where(Invitation.invited_by_id == by_id, is_open(now))
    ).all()


def sweep(session: Session, before: datetime) -> int:
    """Throws away invitations that ran out before a moment, with the logins in them; how many."""
    _over(session, Invitation.expires_at < before)
    gone: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        delete(Invitation)
        .where(Invitation.expires_at < before)
        .execution_options(synchronize_session=False)
    )
    return gone.rowcount


def forget(session: Session, user: User) -> None:
    """Throws away the invitations to an account's logins, and those it has accepted, be it under a
    login that it had then: for a person who is erased."""
    logins = [login for login in (user.email, user.phone) if login]
    theirs = or_(
        Invitation.email.in_(logins),
        Invitation.phone.in_(logins),
        Invitation.accepted_by_id == user.id,
    )
    _over(session, theirs)
    session.execute(delete(Invitation).where(theirs).execution_options(synchronize_session=False))


def _over(session: Session, which: ColumnElement[bool]) -> None:
    digests = session.scalars(select(Link.digest).join(Invitation).where(which)).all()
    if digests:
        over.send([mark_of(each) for each in digests], session=session)


def _use_up(session: Session, invitation: Invitation, now: datetime) -> None:
    if invitation.link is None or not links.use(session, invitation.link, now):
        session.refresh(invitation)
        raise Conflict(explanation(standing(invitation, now)))


def explanation(how: Standing) -> str:
    """Why an invitation cannot be used any more, and what to do."""
    texts = {
        Standing.ACCEPTED: _("Undangan ini sudah dipakai. Masuk dengan akun yang menerimanya."),
        Standing.WITHDRAWN: _("Undangan ini sudah ditarik oleh yang mengundang."),
        Standing.EXPIRED: _(
            "Undangan ini sudah lewat 7 hari. Minta yang mengundang mengirim yang baru."
        ),
    }
    return texts.get(how, _("Undangan ini baru saja dipakai."))
