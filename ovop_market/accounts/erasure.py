"""What accounts know of a person, and how it is erased: the row stays, for what the account did."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from ovop_market.accounts import invitations, login_changes
from ovop_market.accounts.actions import sentence
from ovop_market.accounts.labels import ROLES
from ovop_market.accounts.models import (
    AuditEvent,
    HelpRequest,
    Link,
    RecoveryCode,
    Role,
    User,
    UserSession,
)
from ovop_market.accounts.personal import Fact, Holder, Record, Section, Whose
from ovop_market.accounts.services import record
from ovop_market.core import clock
from ovop_market.regions.models import Region

# Lines of what the account itself did that its person is given.
MOST_LINES = 1_000


def refusals(session: Session, whose: Whose, _now: datetime) -> list[str]:
    """The last operator stays: nobody could confirm payments or let anybody in."""
    user = session.get(User, whose.user_id) if whose.user_id else None
    if user is None or user.role is not Role.OPERATOR:
        return []
    others = select(func.count()).where(
        User.role == Role.OPERATOR, User.disabled_at.is_(None), User.id != user.id
    )
    if session.scalar(others):
        return []
    return [_("Anda satu-satunya pengelola. Buat dulu akun pengelola lain.")]


def lock(session: Session, whose: Whose) -> None:
    """All operators, as by whoever shuts one (desk_services), then the account: nothing new is
    bought with it, nor anybody else erased as the last but one, until this is over."""
    if whose.user_id is None:
        return
    user = session.get_one(User, whose.user_id)
    if user.role is Role.OPERATOR:
        operators = select(User.id).where(User.role == Role.OPERATOR).order_by(User.id)
        session.execute(operators.with_for_update()).all()
    session.refresh(user, with_for_update=True)


def own_data(session: Session, whose: Whose) -> list[Section]:
    user = session.get(User, whose.user_id) if whose.user_id else None
    if user is None:
        return []
    awaited = login_changes.awaited(session, user.id, clock.now())
    area = session.get(Region, user.region_code) if user.region_code else None
    account = Record(
        (
            Fact("name", _("Nama"), user.name),
            Fact("email", _("Email"), user.email),
            Fact(
                "awaited_email", _("Email baru yang menunggu"), awaited.email if awaited else None
            ),
            Fact("phone", _("Nomor HP"), user.phone),
            Fact("role", _("Peran"), str(ROLES[user.role])),
            Fact("area", _("Wilayah"), user.region_code, words=area.name if area else ""),
            Fact("since", _("Sejak"), user.created_at),
        )
    )
    done = session.scalars(
        select(AuditEvent)
        .where(AuditEvent.actor_id == user.id)
        .order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
        .limit(MOST_LINES)
    )
    lines = [
        Record((Fact("at", _("Waktu"), line.at), Fact("what", _("Apa"), sentence(line.action))))
        for line in done
    ]
    return [
        Section("account", _("Akun"), [account]),
        Section("activity", _("Yang dilakukan dengan akun ini"), lines),
    ]


def erase(session: Session, whose: Whose, now: datetime) -> list[str]:
    """Takes the person out of the account: no name, no login, no password, and no session lives."""
    if whose.user_id is None:
        return []
    user = session.get_one(User, whose.user_id, with_for_update=True)
    # Whom this person has let in, and nobody has come yet: nobody answers for them any more.
    open_ones = invitations.open_of(session, user.id, now)
    invitations.withdraw_all(session, open_ones, by_id=user.id, now=now)
    invitations.forget(session, user)
    for model in (UserSession, RecoveryCode, HelpRequest, Link):
        session.execute(delete(model).where(model.user_id == user.id))
    user.totp_secret = user.totp_since = user.totp_step = user.verified_at = None
    user.name, user.email, user.phone, user.password_hash = "", None, None, ""
    user.disabled_at = user.disabled_at or now
    user.erased_at = now
    # Every session carries the epoch that it began in.
    user.epoch += 1
    session.flush()
    record(session, "account erased", f"user {user.id}", now, user.id)
    return []


HOLDER = Holder("accounts", refusals, own_data, erase, lock)
