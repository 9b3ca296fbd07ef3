"""What operators do with accounts. Nobody shuts their own, or makes themselves something else; and
one operator whose account works always remains: all of them are locked while that is decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import desk_queries, invitations, sessions
from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.models import Role, User
from ovop_market.accounts.services import check_area, record
from ovop_market.core.errors import Conflict, Unusable

# villages: asks somebody to own a producer that nobody owns (imports point one way). Called with
# slug, login, actor_id and now.
first_owner: Callable[..., tuple[Invitation, str]] | None = None


def invite(
    session: Session,
    *,
    login: str,
    role: Role,
    region_code: str | None,
    producer: str,
    actor_id: int,
    now: datetime,
) -> tuple[Invitation, str]:
    """Asks somebody to have an account for this; with the secret of the link. Nobody types a
    password for somebody else. Raises Unusable, naming the field."""
    if role is Role.BUYER:
        raise Unusable(_("Pembeli mendaftar sendiri."), field="role")
    if role is Role.PRODUCER and producer and first_owner is not None:
        return first_owner(session, slug=producer, login=login, actor_id=actor_id, now=now)
    if role is Role.PRODUCER:
        raise Unusable(_("Pilih penjual yang akan diurusnya."), field="producer")
    area = region_code if role is Role.OFFICIAL else None
    invitation, token = invitations.invite(
        session, login=login, role=role, region_code=area, by_id=actor_id, now=now
    )
    invitations.send(session, invitation, token)
    return invitation, token


def disable(session: Session, user: User, *, reason: str, actor_id: int, now: datetime) -> None:
    """The account opens nothing any more, at once and everywhere. Twice is once. Raises Conflict
    for one's own account and for the last operator."""
    _begin(session, user, actor_id)
    if user.disabled_at is not None:
        return
    _refuse_last_operator(session, user)
    user.disabled_at = now
    _shut_out(session, user, actor_id, now)
    _record(session, "account disabled", user, actor_id, now, {"reason": reason})


def enable(session: Session, user: User, *, reason: str, actor_id: int, now: datetime) -> None:
    """The account works again; whoever it is signs in anew. Twice is once."""
    session.refresh(user, with_for_update=True)
    _refuse_erased(user)
    if user.disabled_at is None:
        return
    user.disabled_at = None
    _record(session, "account enabled", user, actor_id, now, {"reason": reason})


def change_role(
    session: Session,
    user: User,
    *,
    role: Role,
    region_code: str | None,
    seen: str | None,
    reason: str,
    actor_id: int,
    now: datetime,
) -> None:
    """The account becomes something else, or an official of another area. All its sessions end:
    what they may see is not what it was.

    `seen` is what the preview said that it is now (`standing_of`). Raises Conflict when that has
    changed, for one's own account, for the last operator and for whoever still works for a
    producer; Unusable for an official without an area.
    """
    area = region_code if role is Role.OFFICIAL else None
    check_area(session, role, area)
    _begin(session, user, actor_id)
    if seen not in (None, standing_of(user)):
        raise Conflict(_("Akun ini baru saja diubah. Periksa lagi keadaannya."))
    if (user.role, user.region_code) == (role, area):
        return
    if user.role is not role:
        _refuse_last_operator(session, user)
    if role is not Role.PRODUCER and desk_queries.places_of(session, user.id):
        raise Conflict(
            _("Orang ini masih bekerja untuk penjual. Pemiliknya harus mengeluarkannya dulu.")
        )
    details: dict[str, object] = {
        "from": str(user.role),
        "to": str(role),
        "area": area,
        "reason": reason,
    }
    user.role, user.region_code = role, area
    _shut_out(session, user, actor_id, now)
    _record(session, "role changed", user, actor_id, now, details)


def standing_of(user: User) -> str:
    """What the account is, as a form says back what was on the page."""
    return f"{user.role} {user.region_code or ''}".strip()


def _begin(session: Session, user: User, actor_id: int) -> None:
    if user.id == actor_id:
        raise Conflict(_("Akun sendiri tidak bisa diubah di sini. Minta pengelola lain."))
    if user.role is Role.OPERATOR:
        # All of them first and in one order: two who shut each other out wait for each other
        # instead of holding each other up, and the second sees what the first has done.
        _operators(session)
    session.refresh(user, with_for_update=True)
    _refuse_erased(user)


def _refuse_erased(user: User) -> None:
    if user.erased_at is not None:
        raise Conflict(
            _("Data akun ini sudah dihapus untuk selamanya. Tidak ada yang bisa diubah.")
        )


def _operators(session: Session) -> Sequence[tuple[int, datetime | None]]:
    """All operators, locked: their ids, and when they were shut."""
    rows = session.execute(
        select(User.id, User.disabled_at)
        .where(User.role == Role.OPERATOR)
        .order_by(User.id)
        .with_for_update()
    )
    return [(row.id, row.disabled_at) for row in rows]


def _refuse_last_operator(session: Session, user: User) -> None:
    if user.role is not Role.OPERATOR or user.disabled_at is not None:
        return
    if not any(id_ != user.id and shut is None for id_, shut in _operators(session)):
        raise Conflict(_("Ini pengelola terakhir. Jadikan orang lain pengelola dulu."))


def _shut_out(session: Session, user: User, actor_id: int, now: datetime) -> None:
    """All sessions end, and the invitations that the account made let nobody in any more."""
    session.flush()
    sessions.end_all(session, user, now, actor_id)
    open_ones = invitations.open_of(session, user.id, now)
    invitations.withdraw_all(session, open_ones, by_id=actor_id, now=now)


def _record(
    session: Session,
    action: str,
    user: User,
    actor_id: int,
    now: datetime,
    details: dict[str, object],
) -> None:
    record(session, action, f"user {user.id}", now, actor_id, details)
    session.flush()
