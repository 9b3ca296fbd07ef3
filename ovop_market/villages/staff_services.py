"""Who works for a producer: invited, given another role, removed, gone. A producer that has an
owner always keeps one whose account works; the producer's row is locked while that is decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import invitations
from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.models import Role, User
from ovop_market.accounts.services import record, user_of
from ovop_market.core.errors import Conflict, NotFound, Unusable
from ovop_market.villages.acting import refuse_unless
from ovop_market.villages.models import Producer, ProducerStaff
from ovop_market.villages.policy import Duty, StaffRole
from ovop_market.villages.producer_states import ProducerState
from ovop_market.villages.staff_models import StaffInvitation
from ovop_market.villages.staff_queries import working_owners

# Open invitations of one producer: more are a slip or a flood.
MOST_OPEN = 20
# An operator has looked at who they are.
_IN_PROGRAMME = frozenset({ProducerState.APPROVED, ProducerState.SUSPENDED})


def invite(
    session: Session,
    producer: Producer,
    *,
    login: str,
    role: StaffRole,
    actor_id: int,
    now: datetime,
) -> tuple[StaffInvitation, str]:
    """Asks somebody to work for the producer; with the secret of the link, which is nowhere else.

    Mailed only for who is in the programme: an applicant's name is words that nobody has looked at,
    and strangers are not mailed them from here. Until then its owner hands the link on.

    Raises Unusable, naming the field, for a login that is none or is there already; Conflict when
    the producer is closed for good, or too many invitations are open; NotFound to whoever is none
    of its owners.
    """
    _lock_as_owner(session, producer, actor_id)
    mailed = producer.state in _IN_PROGRAMME
    return _invite(session, producer, login, role, actor_id, now, mailed=mailed)


def _invite(
    session: Session,
    producer: Producer,
    login: str,
    role: StaffRole,
    actor_id: int,
    now: datetime,
    *,
    mailed: bool,
) -> tuple[StaffInvitation, str]:
    _refuse_if_ended(producer)
    login = invitations.login_in(login)
    known = user_of(session, login)
    if known is not None and session.get(ProducerStaff, (known.id, producer.id)) is not None:
        raise Unusable(_("Orang ini sudah ada di daftar."), field="login")
    waiting = open_invitations(session, producer.id, now)
    if any(each.invitation.login == login for each in waiting):
        raise Unusable(
            _("Orang ini sudah diundang. Tarik undangan itu dulu kalau mau mengirim yang baru."),
            field="login",
        )
    if len(waiting) >= MOST_OPEN:
        raise Conflict(
            _("Sudah ada %(n)d undangan yang belum dijawab. Tarik sebagian dulu.", n=MOST_OPEN)
        )
    invitation, token = invitations.invite(
        session, login=login, role=Role.PRODUCER, by_id=actor_id, now=now
    )
    asked = StaffInvitation(invitation=invitation, producer=producer, role=role)
    session.add(asked)
    session.flush()
    details: dict[str, object] = {"invitation": invitation.id, "as": str(role)}
    record(session, "staff invited", f"producer {producer.id}", now, actor_id, details)
    if mailed:
        invitations.send(session, invitation, token)
    return asked, token


def invite_first_owner(
    session: Session, *, slug: str, login: str, actor_id: int, now: datetime
) -> tuple[Invitation, str]:
    """For accounts: an operator asks somebody to own a producer that nobody owns whose account
    works. Raises what `invite` raises, and Unusable for a producer that is none or has an owner."""
    producer = session.scalar(select(Producer).where(Producer.slug == slug.replace("\x00", "")))
    if producer is None:
        raise Unusable(_("Pilih penjual dari daftar."), field="producer")
    _lock(session, producer)
    if session.scalar(working_owners().where(ProducerStaff.producer_id == producer.id).limit(1)):
        raise Unusable(
            _("Penjual ini sudah punya pemilik; pemiliknya yang mengundang."), field="producer"
        )
    asked, token = _invite(session, producer, login, StaffRole.OWNER, actor_id, now, mailed=True)
    return asked.invitation, token


def open_invitations(
    session: Session, producer_id: int, now: datetime
) -> Sequence[StaffInvitation]:
    """Those to a producer that wait for an answer, the latest first."""
    return session.scalars(
        select(StaffInvitation)
        .join(StaffInvitation.invitation)
        .where(StaffInvitation.producer_id == producer_id, invitations.is_open(now))
        .order_by(StaffInvitation.invitation_id.desc())
    ).all()


def welcome(
    invitation: Invitation, *, session: Session, user: User, now: datetime, **_rest: Any
) -> None:
    """An invitation has been accepted: if it was to a producer, the account works there now."""
    asked = session.get(StaffInvitation, invitation.id)
    if asked is None:
        return
    producer = asked.producer
    _lock(session, producer)
    _refuse_if_ended(producer)
    row = session.get(ProducerStaff, (user.id, producer.id))
    if row is None:
        row = ProducerStaff(
            user_id=user.id,
            producer_id=producer.id,
            role=asked.role,
            since=now,
            invited_by_id=invitation.invited_by_id,
        )
        session.add(row)
    elif asked.role is StaffRole.OWNER:
        row.role = asked.role
    session.flush()
    _note(session, "staff joined", producer, now, user.id, user.id, {"as": str(row.role)})


def change_role(
    session: Session,
    producer: Producer,
    user_id: int,
    role: StaffRole,
    *,
    actor_id: int,
    now: datetime,
) -> None:
    """Somebody becomes the other thing. Raises NotFound, and Conflict for the last owner."""
    row = _begin(session, producer, user_id, actor_id)
    if row.role is role:
        return
    if row.role is StaffRole.OWNER:
        _refuse_last_owner(session, producer, user_id)
        _withdraw_invitations(session, producer, user_id, actor_id, now)
    row.role = role
    session.flush()
    _note(session, "staff role changed", producer, now, actor_id, user_id, {"to": str(role)})


def remove(
    session: Session, producer: Producer, user_id: int, *, actor_id: int, now: datetime
) -> None:
    """Somebody works there no more; so do the invitations that they made. Their sessions go on, and
    the producer's pages are closed to them from the next one. Raises NotFound, and Conflict for
    the last owner."""
    _end(session, producer, _begin(session, producer, user_id, actor_id), actor_id, now)


def leave(session: Session, producer: Producer, user: User, *, now: datetime) -> None:
    """Somebody goes by themselves. Raises NotFound, and Conflict for the last owner."""
    _end(session, producer, _row(session, producer, user.id), user.id, now)


def _begin(session: Session, producer: Producer, user_id: int, actor_id: int) -> ProducerStaff:
    _lock_as_owner(session, producer, actor_id)
    return _row(session, producer, user_id)


def _lock_as_owner(session: Session, producer: Producer, actor_id: int) -> None:
    _lock(session, producer)
    # Asked under the lock: who was an owner a moment ago may be none any more.
    refuse_unless(session, actor_id, [producer.id], Duty.OWN)
    if session.get(ProducerStaff, (actor_id, producer.id), populate_existing=True) is None:
        raise _gone()


def _row(session: Session, producer: Producer, user_id: int) -> ProducerStaff:
    _lock(session, producer)
    row = session.get(ProducerStaff, (user_id, producer.id), populate_existing=True)
    if row is None:
        raise _gone()
    return row


def _gone() -> NotFound:
    return NotFound(_("Orang ini tidak ada di daftar penjual Anda. Muat ulang halamannya."))


def _end(
    session: Session, producer: Producer, row: ProducerStaff, actor_id: int, now: datetime
) -> None:
    user_id = row.user_id
    if row.role is StaffRole.OWNER:
        _refuse_last_owner(session, producer, user_id)
        _withdraw_invitations(session, producer, user_id, actor_id, now)
    session.delete(row)
    session.flush()
    action = "staff left" if actor_id == user_id else "staff removed"
    _note(session, action, producer, now, actor_id, user_id, {"was": str(row.role)})


def _lock(session: Session, producer: Producer) -> None:
    session.refresh(producer, with_for_update=True)


def _refuse_if_ended(producer: Producer) -> None:
    if producer.ended_at is not None:
        raise Conflict(_("%(producer)s sudah tutup untuk seterusnya.", producer=producer.name))


def _refuse_last_owner(session: Session, producer: Producer, user_id: int) -> None:
    others = working_owners().where(
        ProducerStaff.producer_id == producer.id, ProducerStaff.user_id != user_id
    )
    if session.scalar(others.limit(1)) is None and producer.ended_at is None:
        raise Conflict(
            _(
                "%(producer)s harus punya pemilik. Jadikan orang lain pemilik dulu.",
                producer=producer.name,
            )
        )


def _withdraw_invitations(
    session: Session, producer: Producer, user_id: int, actor_id: int, now: datetime
) -> None:
    """Nobody comes back, or lets others in, by a link made while still an owner."""
    own = [
        each.invitation
        for each in open_invitations(session, producer.id, now)
        if each.invitation.invited_by_id == user_id
    ]
    invitations.withdraw_all(session, own, by_id=actor_id, now=now)


def _note(
    session: Session,
    action: str,
    producer: Producer,
    now: datetime,
    actor_id: int,
    user_id: int,
    details: dict[str, object],
) -> None:
    about: dict[str, object] = {"user": user_id, **details}
    record(session, action, f"producer {producer.id}", now, actor_id, about)
