"""What operators see of accounts. Every page that is made of this shows personal data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session, joinedload

from ovop_market.accounts import services, sessions
from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.invitations import Place, is_open
from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.core.errors import NotFound
from ovop_market.regions.models import Region

PER_PAGE = 30
# More of what somebody looks for is not read.
LONGEST = 100
# Lines of what was done with an account.
MOST_LINES = 20

# villages: the producers that an account works for (imports point one way).
acts_for: Callable[[Session, int], Sequence[Place]] | None = None
# villages: slug and name of the producers that nobody owns yet.
without_owner: Callable[[Session], Sequence[tuple[str, str]]] | None = None


class State(StrEnum):
    """Whether an account works."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; nothing: everybody."""

    words: str = ""
    role: Role | None = None
    state: State | None = None


@dataclass(frozen=True, slots=True)
class UserList:
    """One page of the accounts that were found, the latest first."""

    search: Search
    rows: Sequence[User]
    total: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class UserPage:
    """An account with what an operator has to know of it before doing something."""

    user: User
    area: str
    places: Sequence[Place]
    devices: Sequence[sessions.Device]
    invitations: Sequence[Invitation]
    lines: Sequence[AuditEvent]


def found(session: Session, search: Search, page: int) -> UserList:
    """A page of accounts by name, e-mail or telephone, role and state."""
    wanted = _wanted(search)
    total = session.scalar(select(func.count(User.id)).where(*wanted)) or 0
    pages = max(1, -(-total // PER_PAGE))
    page = min(max(page, 1), pages)
    rows = session.scalars(
        select(User)
        .where(*wanted)
        .order_by(User.id.desc())
        .offset((page - 1) * PER_PAGE)
        .limit(PER_PAGE)
    ).all()
    return UserList(search, rows, total, page, pages)


def _wanted(search: Search) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [User.erased_at.is_(None)]
    words = search.words[:LONGEST].replace("\x00", "").strip()
    if words:
        of_text = [
            func.lower(User.name).contains(words.lower(), autoescape=True),
            User.email.contains(words.lower(), autoescape=True),
        ]
        phone = services.phone_of(words)
        if phone:
            of_text.append(User.phone == phone)
        elif words.isascii() and words.isdecimal():
            of_text.append(User.phone.contains(words.lstrip("0"), autoescape=True))
        wanted.append(or_(*of_text))
    if search.role is not None:
        wanted.append(User.role == search.role)
    if search.state is not None:
        disabled = User.disabled_at.is_not(None)
        wanted.append(disabled if search.state is State.DISABLED else ~disabled)
    return wanted


def user_of(session: Session, user_id: int) -> User:
    """An account. Raises NotFound; also for one whose person had it erased: it names nobody, and
    nothing can be done with it."""
    user = session.get(User, user_id, populate_existing=True)
    if user is None:
        raise NotFound(_("Akun ini tidak ada."))
    if user.erased_at is not None:
        raise NotFound(_("Data akun ini sudah dihapus atas permintaan orangnya."))
    return user


def places_of(session: Session, user_id: int) -> Sequence[Place]:
    """The producers that the account works for."""
    return acts_for(session, user_id) if acts_for else ()


def page_of(session: Session, user: User, now: datetime) -> UserPage:
    """All that the page of an account shows."""
    area = session.get(Region, user.region_code) if user.region_code else None
    # An account that was erased has no login; nobody's invitation is its.
    theirs = [column == login for column, login in _logins(user) if login]
    asked = session.scalars(
        select(Invitation).where(or_(false(), *theirs), is_open(now)).order_by(Invitation.id.desc())
    ).all()
    lines = session.scalars(
        select(AuditEvent)
        .where(AuditEvent.subject == f"user {user.id}")
        .order_by(AuditEvent.id.desc())
        .limit(MOST_LINES)
    ).all()
    return UserPage(
        user=user,
        area=area.name if area else "",
        places=places_of(session, user.id),
        devices=sessions.devices_of(session, user, None, now),
        invitations=asked,
        lines=lines,
    )


def _logins(user: User) -> list[tuple[Any, str | None]]:
    return [(Invitation.email, user.email), (Invitation.phone, user.phone)]


def open_invitations(session: Session, now: datetime) -> Sequence[Invitation]:
    """All invitations that operators have made and nobody has answered, the latest first."""
    return session.scalars(
        select(Invitation)
        .join(Invitation.invited_by)
        .where(is_open(now), User.role == Role.OPERATOR)
        .options(joinedload(Invitation.invited_by))
        .order_by(Invitation.id.desc())
        .limit(PER_PAGE)
    ).all()


def invitation_of(session: Session, invitation_id: int) -> Invitation:
    """An invitation. Raises NotFound."""
    invitation = session.get(Invitation, invitation_id)
    if invitation is None:
        raise NotFound(_("Undangan ini tidak ada."))
    return invitation
