"""What operators see of the messages that failed (the door lets in no one else)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from ovop_market.accounts import trail
from ovop_market.notices.kinds import TO_OWNER, TO_STAFF, Kind
from ovop_market.notices.labels import channel_text, failure_text, subject_text
from ovop_market.notices.models import Notice
from ovop_market.notices.states import OLDEST, NoticeState
from ovop_market.orders.models import Purchase
from ovop_market.payments.queries.desk import Kind as DeskKind
from ovop_market.payments.queries.desk import Stuck

# Rows of the list; the count tells how many more there are.
MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class FailedNotice:
    """A notice that was given up, for the desk. `order` is the number of an order to look at;
    `retryable`: it is not too late to tell it."""

    id: int
    who: str
    order: str
    what: str
    channel: str
    why: str
    since: datetime
    retryable: bool


def failed(session: Session, now: datetime) -> tuple[list[FailedNotice], int]:
    """The notices that were given up, the oldest first, and how many there are."""
    failing = Notice.state == NoticeState.FAILED
    total = session.scalar(select(func.count()).select_from(Notice).where(failing)) or 0
    if not total:
        return [], 0
    rows = session.scalars(
        _with_whom().where(failing).order_by(Notice.made_at, Notice.id).limit(MOST_SHOWN)
    ).all()
    return [_failed(notice, now) for notice in rows], total


def notices_by_ids(
    session: Session, ids: Collection[int], now: datetime
) -> list[tuple[FailedNotice, NoticeState]]:
    """Notices that an operator has chosen, with their state."""
    rows = session.scalars(_with_whom().where(Notice.id.in_(ids)).order_by(Notice.id))
    return [(_failed(notice, now), notice.state) for notice in rows]


def _with_whom() -> Select[Notice]:
    return select(Notice).options(
        joinedload(Notice.order),
        joinedload(Notice.user),
        joinedload(Notice.purchase).selectinload(Purchase.orders),
    )


def _failed(notice: Notice, now: datetime) -> FailedNotice:
    # Of a kind that a later release had, nobody knows more than its name.
    kind = Kind(notice.kind) if notice.kind in set(Kind) else None
    number = _number(notice)
    if kind is Kind.INVITED:
        who = _("Orang yang diundang")
    elif kind is not None and kind not in TO_STAFF | TO_OWNER:
        who = _("Pembeli pesanan %(number)s", number=number)
    elif number:
        who = _("Penjual pesanan %(number)s", number=number)
    else:
        who = notice.user.name if notice.user else ""
        trail.viewed_users("failed messages", [notice.user_id] if notice.user_id else [])
    return FailedNotice(
        id=notice.id,
        who=who,
        order=number,
        what=subject_text(kind) if kind else notice.kind,
        channel=channel_text(notice.channel),
        why=failure_text(notice.failure),
        since=notice.made_at,
        retryable=notice.made_at >= now - OLDEST,
    )


def _number(notice: Notice) -> str:
    if notice.order is not None:
        return notice.order.number
    orders = notice.purchase.orders if notice.purchase is not None else []
    return orders[0].number if orders else ""


def stuck(session: Session, now: datetime) -> tuple[list[Stuck], int]:
    """The same for the desk."""
    rows, total = failed(session, now)
    home = url_for("notices.failures")
    items = [
        Stuck(
            DeskKind.NOTICES,
            row.since,
            row.who,
            "",
            f"{row.what} · {row.why}",
            0,
            row.id,
            home=f"{home}#notice-{row.id}",
        )
        for row in rows
    ]
    return items, total
