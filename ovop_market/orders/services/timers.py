"""What the clock does to orders, and whom it reminds. All of it is data in states.TIMERS.

Nothing is scheduled: an order's row says when the clock acts (`due_at`) and whether somebody has
been reminded (`reminded_at`), and both are looked at again under the purchase's lock. So each thing
happens once, however many workers look at the same time and wherever one of them dies, and what was
missed while no worker ran is caught up by the next look. Whoever is first, a person or the clock,
wins; the other finds that the order has moved on (docs/adr/0013).

"24 hours", "48 hours" and "7 days" are plain hours from the moment at which the order came into its
state, whatever a clock on the wall says: WIB has no summer time, and a deadline that a person reads
is that moment written in WIB. A rule that speaks of calendar days would ask clock.wib_date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from ovop_market.orders.models import Allocation, Order, OrderEvent, OrderLine
from ovop_market.orders.services import lifecycle, locks, notes
from ovop_market.orders.services.history import CLOCK
from ovop_market.orders.share_states import ANSWERABLE, ShareState
from ovop_market.orders.states import Action, Timer, timer_of


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order that the clock may have something to do with."""

    id: int
    number: str
    due_at: datetime


def overdue(
    session: Session, timer: Timer, now: datetime, *, after: Waiting | None = None, limit: int
) -> Sequence[Waiting]:
    """Orders whose time in the timer's state is over, those that are longest overdue first.

    `after` is the last one of the previous look. It is a look, not a decision: see run_out.
    """
    return _waiting(session, timer, Order.due_at <= now, after=after, limit=limit)


def run_out(session: Session, order_id: int, now: datetime) -> OrderEvent | None:
    """The clock acts on an order: it lapses, or counts as received; None when it is not due (any
    more), because somebody was quicker or the clock was stopped."""
    order = locks.lock(session, session.get_one(Order, order_id))
    timer = timer_of(order.state)
    if timer is None or order.due_at is None or order.due_at > now:
        return None
    if timer.action is Action.RECEIVE:
        return lifecycle.receive(session, order, CLOCK, now)
    return lifecycle.act(session, order, timer.action, CLOCK, now)


def lapsed_shares(
    session: Session, now: datetime, *, after: Waiting | None = None, limit: int
) -> Sequence[Waiting]:
    """Groups' orders with shares that nobody has answered in time, the longest due first."""
    due = func.min(Allocation.due_at)
    statement = (
        select(Order.id, Order.number, due)
        .join(Order.lines)
        .join(OrderLine.allocations)
        .where(Allocation.state == ShareState.OFFERED, Allocation.due_at <= now)
        .where(Order.state.in_(ANSWERABLE))
        .group_by(Order.id, Order.number)
        .order_by(due, Order.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.having(
            or_(due > after.due_at, and_(due == after.due_at, Order.id > after.id))
        )
    return [Waiting(id_, number, due) for id_, number, due in session.execute(statement) if due]


def unreminded(
    session: Session, timer: Timer, now: datetime, *, after: Waiting | None = None, limit: int
) -> Sequence[Waiting]:
    """Orders of which whoever is awaited is to be reminded; none that is overdue."""
    close = Order.due_at <= now + timer.due - timer.remind_after
    still = Order.due_at > now
    return _waiting(
        session, timer, close, still, Order.reminded_at.is_(None), after=after, limit=limit
    )


def remind(session: Session, order_id: int, now: datetime) -> OrderEvent | None:
    """Notes that whoever is awaited is reminded, once in each state; None when that is not due."""
    return notes.remind(session, session.get_one(Order, order_id), now)


def _waiting(
    session: Session,
    timer: Timer,
    *wanted: ColumnElement[bool],
    after: Waiting | None,
    limit: int,
) -> Sequence[Waiting]:
    statement = (
        select(Order.id, Order.number, Order.due_at)
        .where(Order.state == timer.state, *wanted)
        .order_by(Order.due_at, Order.id)
        .limit(limit)
    )
    if after is not None:
        later = or_(Order.due_at > after.due_at, Order.id > after.id)
        statement = statement.where(Order.due_at >= after.due_at, later)
    # Whoever waits for the clock has a moment for it: `wanted` compares it.
    return [Waiting(id_, number, due) for id_, number, due in session.execute(statement) if due]
