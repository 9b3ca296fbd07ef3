"""What is decided of producers: they apply, are approved or refused, suspended, closed.

`move` alone changes where a producer stands, and writes its history.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.accounts.services import record
from ovop_market.core.errors import Conflict, MoveRefused, NotAllowed, Unusable
from ovop_market.core.tokens import secret_token
from ovop_market.extensions.database import insert_into
from ovop_market.villages.models import Permit, PermitKind, Producer, ProducerKind, ProducerStaff
from ovop_market.villages.policy import StaffRole
from ovop_market.villages.producer_models import ProducerEvent
from ovop_market.villages.producer_signals import producer_moved
from ovop_market.villages.producer_states import (
    WITH_REASON,
    ProducerAction,
    ProducerState,
    state_after,
)

_LONGEST_SLUG = 60
# Two who take the same address at the same moment: the second looks again.
_TRIES = 5
# How the audit calls what was done.
_DONE = {
    ProducerAction.APPLY: "applied",
    ProducerAction.APPROVE: "approved",
    ProducerAction.RECALL: "recalled",
    ProducerAction.REFUSE: "refused",
    ProducerAction.SUSPEND: "suspended",
    ProducerAction.RESUME: "resumed",
    ProducerAction.CLOSE: "ended",
}


@dataclass(frozen=True, slots=True)
class Application:
    """What somebody says who wants to sell. `permits`: the numbers, of those that it has."""

    village_id: int
    kind: ProducerKind
    name: str
    about: str
    phone: str
    permits: dict[PermitKind, str]


def move(
    session: Session,
    producer: Producer,
    action: ProducerAction,
    *,
    actor_id: int,
    now: datetime,
    reason: str = "",
    seen: str | None = None,
    since: datetime | None = None,
) -> ProducerEvent:
    """Does something to a producer, once its row is locked: a checkout that is under way comes
    before it or after it. Closing is `orders.services.membership.close_for_good`, which tidies up
    first.

    `seen` is the mark of what was on the screen; None: whatever it was. `since` is when it came to
    where it is again, if that was taken back which came between. The same tap twice is one.

    Raises MoveRefused when its state knows no such move (any more), Conflict when somebody else was
    quicker, Unusable for a missing reason.
    """
    if action in WITH_REASON and not reason.strip():
        raise Unusable(_("Tulis alasannya: penjual membacanya."), field="reason")
    session.refresh(producer, with_for_update=True)
    again = _same_again(session, producer, action, actor_id)
    if again is not None:
        return again
    refuse_unless_seen(producer, seen)
    try:
        producer.state = state_after(producer.state, action)
    except MoveRefused as refused:
        raise MoveRefused(_changed(producer), **refused.details) from None
    producer.state_since = since or now
    return _remember(session, producer, action, actor_id, now, reason.strip())


def mark(producer: Producer) -> str:
    """What a page shows of where a producer stands, for its forms to say back."""
    return f"{producer.state} {producer.state_since.isoformat()}"


def refuse_unless_seen(producer: Producer, seen: str | None) -> None:
    """Raises Conflict when a producer, whose row is locked, is not where it was on the screen any
    more. None: whatever was there."""
    if seen is not None and seen != mark(producer):
        raise Conflict(_changed(producer))


def _changed(producer: Producer) -> str:
    return _(
        "Keadaan %(producer)s sudah berubah. Periksa lagi, lalu putuskan.", producer=producer.name
    )


def _same_again(
    session: Session, producer: Producer, action: ProducerAction, actor_id: int
) -> ProducerEvent | None:
    """The last event, if it is this very move by this very account."""
    last = session.scalar(
        select(ProducerEvent)
        .where(ProducerEvent.producer_id == producer.id)
        .order_by(ProducerEvent.id.desc())
        .limit(1)
    )
    same = last is not None and (last.action, last.actor_id) == (action, actor_id)
    return last if same else None


def _remember(
    session: Session,
    producer: Producer,
    action: ProducerAction,
    actor_id: int,
    now: datetime,
    reason: str = "",
) -> ProducerEvent:
    event = ProducerEvent(
        producer_id=producer.id,
        at=now,
        actor_id=actor_id,
        action=action,
        state=producer.state,
        reason=reason,
    )
    session.add(event)
    record(session, f"producer {_DONE[action]}", f"producer {producer.id}", now, actor_id)
    session.flush()
    producer_moved.send(producer, session=session, event=event)
    return event


def apply(session: Session, user: User, said: Application, *, now: datetime) -> Producer:
    """A household or a group asks to sell; the account becomes a producer's. An application that
    was refused is mended and sent again in its place.

    Raises NotAllowed for accounts that watch over others, Conflict while one is waiting.
    """
    if user.role not in (Role.BUYER, Role.PRODUCER):
        raise NotAllowed(
            _("Akun ini untuk bekerja di sini. Daftar dengan akun lain untuk berjualan.")
        )
    # One application after the other: the same form sent twice makes one producer.
    session.refresh(user, with_for_update=True)
    before = latest_of(session, user.id)
    if before is not None:
        # Its owners and its state are what they are from here on: they change under this lock.
        session.refresh(before, with_for_update=True)
        if latest_of(session, user.id) is not before:
            raise Conflict(_changed(before))
    if before is not None and before.state is ProducerState.APPLIED:
        raise Conflict(_("Pendaftaran Anda sedang dilihat. Tunggu jawabannya dulu."))
    if before is not None and before.state is ProducerState.REFUSED:
        _fill_in(session, before, said)
        move(session, before, ProducerAction.APPLY, actor_id=user.id, now=now)
        return before
    producer = _begin(session, said, now)
    session.add(ProducerStaff(user_id=user.id, producer_id=producer.id, since=now))
    _fill_in(session, producer, said)
    _remember(session, producer, ProducerAction.APPLY, user.id, now)
    if user.role is Role.BUYER:
        user.role = Role.PRODUCER
        details: dict[str, object] = {"role": [str(Role.BUYER), str(Role.PRODUCER)]}
        record(session, "role changed", f"user {user.id}", now, user.id, details)
    session.flush()
    return producer


def _begin(session: Session, said: Application, now: datetime) -> Producer:
    """A producer that has just applied. Raises Conflict when its address is taken each time that
    one is tried."""
    for _try in range(_TRIES):
        made = session.scalar(
            insert_into(session, Producer)
            .values(
                slug=_free_slug(session, said.name),
                state=ProducerState.APPLIED,
                state_since=now,
                on_probation=True,
                created_at=now,
                village_id=said.village_id,
                kind=said.kind,
                name=said.name,
                phone=said.phone,
            )
            .on_conflict_do_nothing(index_elements=["slug"])
            .returning(Producer.id)
        )
        if made is not None:
            return session.get_one(Producer, made)
    raise Conflict(_("Nama ini sedang dipakai. Kirim sekali lagi."))


def latest_of(session: Session, user_id: int) -> Producer | None:
    """The producer for which the account asked last, of those that it owns still: who asked and
    is no owner any more speaks for it no more."""
    return session.scalar(
        select(Producer)
        .join(ProducerEvent, ProducerEvent.producer_id == Producer.id)
        .join(ProducerStaff, ProducerStaff.producer_id == Producer.id)
        .where(
            ProducerEvent.action == ProducerAction.APPLY,
            ProducerEvent.actor_id == user_id,
            ProducerStaff.user_id == user_id,
            ProducerStaff.role == StaffRole.OWNER,
        )
        .order_by(ProducerEvent.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def _fill_in(session: Session, producer: Producer, said: Application) -> None:
    producer.village_id, producer.kind = said.village_id, said.kind
    producer.name, producer.about, producer.phone = said.name, said.about, said.phone
    session.flush()
    session.refresh(producer, ["permits"])
    held = {permit.kind: permit for permit in producer.permits}
    for kind in PermitKind:
        number = said.permits.get(kind, "")
        if kind in held and number:
            held[kind].number = number
        elif kind in held:
            session.delete(held[kind])
        elif number:
            session.add(Permit(producer_id=producer.id, kind=kind, number=number))
    session.flush()
    session.expire(producer, ["permits"])


def _free_slug(session: Session, name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-") or "penjual"
    taken = session.scalar(select(func.count()).select_from(Producer).where(Producer.slug == base))
    if not taken:
        return base
    end = re.sub(r"[^a-z0-9]", "", secret_token().lower())[:6]
    return f"{base}-{end}"
