"""The outbox: what is owed is written down, claimed, and settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.models import User
from ovop_market.accounts.services import record
from ovop_market.core.errors import Conflict, MoveRefused
from ovop_market.extensions.database import insert_into
from ovop_market.notices.kinds import TO_ADDRESS, TO_OWNER, TO_STAFF, Kind, told
from ovop_market.notices.models import Notice, PushSubscription
from ovop_market.notices.states import (
    BACK_OFF,
    LEASE,
    OLDEST,
    Channel,
    NoticeAction,
    NoticeState,
    Outcome,
    notice_after,
)
from ovop_market.orders.models import Order, Purchase
from ovop_market.villages.models import ProducerStaff
from ovop_market.villages.policy import StaffRole

# The language of those who have never said which.
USUAL_LANGUAGE = "id"


@dataclass(frozen=True, slots=True)
class Owed:
    """Something to be told: to the buyer of `purchase`, to the staff of a producer (kinds.TO_STAFF)
    or to the owner of an account (kinds.TO_OWNER). `thing` names what happened: it is told once."""

    kind: Kind
    thing: str
    at: datetime
    purchase: Purchase | None = None
    order: Order | None = None
    producer_id: int | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    # The owner, and the language in which the page was read.
    user: User | None = None
    # Of kind INVITED: whom it is sent to.
    invitation: Invitation | None = None
    language: str = USUAL_LANGUAGE


@dataclass(frozen=True, slots=True)
class _Browser:
    id: int
    user_id: int
    language: str


@dataclass(slots=True)
class _Staff:
    """An account on the staff of a producer."""

    email: bool
    role: StaffRole
    browsers: list[_Browser] = field(default_factory=list)


def owe(session: Session, owed: Sequence[Owed], channels: Collection[Channel]) -> None:
    """Writes down what is to be told, in the transaction of what happened: up to four statements,
    however much it is. Nothing is owed on a channel that is not configured, and nothing twice."""
    if not owed or not channels:
        return
    staff = _staff_of(session, {o.producer_id for o in owed if o.kind in TO_STAFF}, channels)
    browsers = _browsers_of(session, owed) if Channel.PUSH in channels else {}
    rows: list[dict[str, Any]] = []
    for item in owed:
        if item.kind in TO_STAFF:
            rows += _staff_rows(item, staff.get(item.producer_id or 0, {}))
        elif item.kind in TO_OWNER:
            rows += _owner_rows(item, channels)
        elif item.invitation is not None:
            rows += _invited_rows(item, item.invitation, channels)
        elif item.purchase is not None:
            rows += _buyer_rows(item, item.purchase, browsers, channels)
    rows = _still_told(session, rows)
    if rows:
        # By the connection: the session would send a statement for each row.
        session.connection().execute(insert_into(session, Notice).on_conflict_do_nothing(), rows)


def _still_told(session: Session, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without those to browsers that are forgotten at this very moment: who signs out must not undo
    what has happened to somebody else. The others stay until the transaction ends."""
    asked = {row["subscription_id"] for row in rows} - {None}
    if not asked:
        return rows
    found = session.scalars(
        select(PushSubscription.id)
        .where(PushSubscription.id.in_(asked))
        .order_by(PushSubscription.id)
        # Who is deleting one is not waited for.
        .with_for_update(read=True, key_share=True, skip_locked=True)
    )
    there = {None, *found}
    return [row for row in rows if row["subscription_id"] in there]


def _staff_of(
    session: Session, producer_ids: set[int | None], channels: Collection[Channel]
) -> dict[int, dict[int, _Staff]]:
    """By producer and account: who is on its staff, and with which browsers."""
    found: dict[int, dict[int, _Staff]] = defaultdict(dict)
    if not producer_ids:
        return found
    rows = session.execute(
        select(
            ProducerStaff.producer_id,
            ProducerStaff.role,
            User.id,
            User.email,
            PushSubscription.id.label("browser_id"),
            PushSubscription.language,
        )
        .join(User, User.id == ProducerStaff.user_id)
        .outerjoin(PushSubscription, PushSubscription.user_id == User.id)
        .where(ProducerStaff.producer_id.in_(producer_ids), User.disabled_at.is_(None))
        .order_by(ProducerStaff.producer_id, User.id, PushSubscription.id)
    )
    for row in rows:
        person = found[row.producer_id].setdefault(
            row.id, _Staff(bool(row.email) and Channel.EMAIL in channels, row.role)
        )
        if row.browser_id is not None and Channel.PUSH in channels:
            person.browsers.append(_Browser(row.browser_id, row.id, row.language))
    return found


def _browsers_of(session: Session, owed: Iterable[Owed]) -> dict[int, list[_Browser]]:
    """By account: the browsers of buyers who are signed in."""
    buyers = {
        item.purchase.buyer_id
        for item in owed
        if item.kind not in TO_STAFF and item.purchase is not None and item.purchase.buyer_id
    }
    found: dict[int, list[_Browser]] = defaultdict(list)
    if buyers:
        rows = session.execute(
            select(PushSubscription.id, PushSubscription.user_id, PushSubscription.language)
            .where(PushSubscription.user_id.in_(buyers))
            .order_by(PushSubscription.id)
        )
        for row in rows:
            found[row.user_id].append(_Browser(row.id, row.user_id, row.language))
    return found


def _staff_rows(item: Owed, people: Mapping[int, _Staff]) -> Iterator[dict[str, Any]]:
    for user_id, person in people.items():
        if not told(person.role, item.kind):
            continue
        if person.email:
            # A person who reads in some language on the phone reads e-mail in it as well.
            language = person.browsers[0].language if person.browsers else USUAL_LANGUAGE
            yield _row(item, Channel.EMAIL, f"user {user_id}", language, user_id)
        for browser in person.browsers:
            yield _push_row(item, browser)


def _buyer_rows(
    item: Owed,
    purchase: Purchase,
    browsers: Mapping[int, list[_Browser]],
    channels: Collection[Channel],
) -> Iterator[dict[str, Any]]:
    if purchase.email and Channel.EMAIL in channels:
        yield _row(item, Channel.EMAIL, f"buyer {purchase.id}", purchase.language)
    for browser in browsers.get(purchase.buyer_id or 0, ()):
        yield _push_row(item, browser)


def _owner_rows(item: Owed, channels: Collection[Channel]) -> Iterator[dict[str, Any]]:
    user = item.user
    if user is None or Channel.EMAIL not in channels:
        return
    if item.details.get("to") if item.kind in TO_ADDRESS else user.email:
        yield _row(item, Channel.EMAIL, f"user {user.id}", item.language, user.id)


def _invited_rows(
    item: Owed, invitation: Invitation, channels: Collection[Channel]
) -> Iterator[dict[str, Any]]:
    if invitation.email and Channel.EMAIL in channels:
        yield _row(item, Channel.EMAIL, item.thing, item.language)


def _push_row(item: Owed, browser: _Browser) -> dict[str, Any]:
    row = _row(item, Channel.PUSH, f"browser {browser.id}", browser.language, browser.user_id)
    return row | {"subscription_id": browser.id}


def _row(
    item: Owed, channel: Channel, recipient: str, language: str, user_id: int | None = None
) -> dict[str, Any]:
    return {
        "kind": str(item.kind),
        "key": f"{item.kind} {item.thing}",
        "channel": channel,
        "recipient": recipient,
        "purchase_id": item.purchase.id if item.purchase is not None else None,
        "order_id": item.order.id if item.order is not None else None,
        "user_id": user_id,
        "subscription_id": None,
        "details": dict(item.details),
        "language": language,
        "state": NoticeState.PENDING,
        "made_at": item.at,
        "due_at": item.at,
        "tries": 0,
    }


def _claimable(now: datetime, channels: Collection[Channel]) -> ColumnElement[bool]:
    return and_(
        Notice.channel.in_(channels),
        or_(
            and_(Notice.state == NoticeState.PENDING, Notice.due_at <= now),
            and_(Notice.state == NoticeState.SENDING, Notice.claimed_until <= now),
        ),
    )


def anything_due(session: Session, now: datetime, channels: Collection[Channel]) -> bool:
    """Whether a claim would find something."""
    return bool(session.scalar(select(exists().where(_claimable(now, channels)))))


def claim(
    session: Session, now: datetime, channels: Collection[Channel], limit: int
) -> tuple[list[int], datetime]:
    """Takes notices that are due, for this worker alone, until the moment that is returned.

    Whoever comes at the same time takes others: PostgreSQL skips the rows that are locked, SQLite
    has one writer.
    """
    until = now + LEASE
    ids = session.scalars(
        select(Notice.id)
        .where(_claimable(now, channels))
        .order_by(Notice.due_at, Notice.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if ids:
        session.execute(
            update(Notice)
            .where(Notice.id.in_(ids))
            .values(
                state=notice_after(NoticeState.PENDING, NoticeAction.CLAIM), claimed_until=until
            )
            .execution_options(synchronize_session=False)
        )
    return list(ids), until


def settle(
    session: Session, notice_id: int, until: datetime, tries: int, outcome: Outcome, now: datetime
) -> bool:
    """Writes what became of a try, if the notice is still this worker's: `until` is what its claim
    returned, `tries` how often it had been tried before."""
    action, due_at = outcome.action, now
    if action is NoticeAction.POSTPONE:
        if tries < len(BACK_OFF):
            due_at = now + max(BACK_OFF[tries], outcome.after)
        else:
            action = NoticeAction.GIVE_UP
    values: dict[str, Any] = {"tries": tries + 1, "failure": outcome.words}
    if action is NoticeAction.DELIVER:
        values["sent_at"] = now
    return _release(session, [notice_id], until, action, due_at, values)


def give_back(session: Session, notice_ids: Sequence[int], until: datetime, now: datetime) -> bool:
    """Lets go of notices that were claimed and not tried: they are due at once."""
    return _release(session, notice_ids, until, NoticeAction.RETURN, now, {})


def _release(
    session: Session,
    notice_ids: Sequence[int],
    until: datetime,
    action: NoticeAction,
    due_at: datetime,
    values: Mapping[str, Any],
) -> bool:
    done: Any = session.execute(
        update(Notice)
        .where(
            Notice.id.in_(notice_ids),
            Notice.state == NoticeState.SENDING,
            # Somebody else's claim, made after this one ran out, has another end.
            Notice.claimed_until == until,
        )
        .values(
            state=notice_after(NoticeState.SENDING, action),
            claimed_until=None,
            due_at=due_at,
            **values,
        )
        .execution_options(synchronize_session=False)
    )
    found: CursorResult[Any] = done
    return found.rowcount == len(notice_ids)


def retry(session: Session, notice: Notice, operator_id: int, now: datetime) -> None:
    """An operator wants it tried again, from the start. Once it is on its way, that is done.

    Raises Conflict for what happened too long ago to be told, or has been dropped.
    """
    session.refresh(notice, with_for_update=True)
    if notice.state in (NoticeState.PENDING, NoticeState.SENDING, NoticeState.SENT):
        return
    if notice.made_at < now - OLDEST:
        raise Conflict(_("Kejadiannya sudah lebih dari 3 hari. Hubungi sendiri, lalu hapus."))
    _move(notice, NoticeAction.RETRY)
    notice.tries, notice.due_at = 0, now
    record(session, "notice retried", f"notice {notice.id}", now, operator_id)
    session.flush()


def drop(session: Session, notice: Notice, operator_id: int, now: datetime) -> None:
    """An operator has told it in another way, or it need not be told. Raises Conflict once it is
    being sent again."""
    session.refresh(notice, with_for_update=True)
    if notice.state is NoticeState.DROPPED:
        return
    _move(notice, NoticeAction.DROP)
    record(session, "notice dropped", f"notice {notice.id}", now, operator_id)
    session.flush()


def _move(notice: Notice, action: NoticeAction) -> None:
    try:
        notice.state = notice_after(notice.state, action)
    except MoveRefused as refused:
        raise MoveRefused(
            _("Keadaan pesan ini sudah berubah. Muat ulang halamannya."), **refused.details
        ) from None
