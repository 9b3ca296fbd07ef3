"""What an order's history tells besides its moves: money that came, reminders; and the clock that
stops while a payment is being looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ovop_market.core.errors import Conflict, MoveRefused
from ovop_market.extensions.database import write_all, write_changes
from ovop_market.orders.labels import STATES
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.services.history import By, event_of
from ovop_market.orders.services.lifecycle import done_before
from ovop_market.orders.services.locks import lock, order_in_time
from ovop_market.orders.signals import order_noted
from ovop_market.orders.states import FINAL, Action, Actor, OrderState, notes_open_to, timer_of


def record_payments(
    session: Session, paid: Sequence[tuple[Order, int]], by: By, now: datetime
) -> list[OrderEvent]:
    """Notes rupiah that have come for orders; called by payments, many as fast as few.

    The purchases must be locked, and their producers (locks.order_in_time). States stay; the gate
    before preparing opens when all is paid.
    """
    rows, changes = [], []
    for order, amount in paid:
        enough = order.paid + amount >= order.total
        stops = order.state is OrderState.ACCEPTED and enough
        due_at = None if stops else order.due_at
        changes.append((order, {"paid": order.paid + amount, "due_at": due_at}))
        rows.append(_row(order, Action.PAY, by, now, {"amount": amount}))
        if "events" in order.__dict__:
            session.expire(order, ["events"])
    write_changes(session, changes)
    events = write_all(session, OrderEvent, rows)
    order_noted.send(None, session=session, events=events)
    return events


def _row(order: Order, action: Action, by: By, now: datetime, details: object) -> dict[str, Any]:
    """A line of an order's history as the database keeps it (see lifecycle.event_of)."""
    return {
        "order_id": order.id,
        "producer_id": order.producer_id,
        "at": now,
        "actor": by.actor,
        "actor_id": by.user_id,
        "action": action,
        "state": order.state,
        "reason": None,
        "details": details,
        "idempotency_key": by.idempotency_key,
    }


def take_back_payment(
    session: Session, order: Order, amount: int, by: By, now: datetime, *, reason: str
) -> OrderEvent:
    """Notes that rupiah were booked for the order by mistake; called by payments, which ask anew.

    The purchase must be locked. Raises Conflict when the order is being made or has been.
    """
    if order.state is not OrderState.ACCEPTED and order.state not in FINAL:
        raise Conflict(
            _(
                "Pesanan %(number)s sudah berjalan: %(state)s. Konfirmasinya tidak bisa ditarik.",
                number=order.number,
                state=STATES[order.state],
            )
        )
    order.paid -= amount
    start_clock(order, now)
    order_in_time(session, [order.purchase_id])
    event = event_of(order, Action.UNPAY, by, now, reason, {"amount": amount})
    return _noted(session, [event])[0]


def stop_clock(order: Order) -> None:
    """The buyer says that the money is on its way: the order does not lapse while that is being
    looked at. The purchase must be locked."""
    if order.state is OrderState.ACCEPTED:
        order.due_at = None


def start_clock(order: Order, now: datetime) -> None:
    """The order waits for money (again): as long as when it was accepted, and at least for the
    grace. The purchase must be locked."""
    timer = timer_of(order.state)
    if not timer or order.state is not OrderState.ACCEPTED or order.cash or not order.outstanding:
        return
    accepted_at = min(event.at for event in order.events if event.state is order.state)
    order.due_at = max(accepted_at + timer.due, now + timer.grace)
    if order.due_at == now + timer.grace:
        # That the money has not come is told them now.
        order.reminded_at = now


def remind(session: Session, order: Order, now: datetime) -> OrderEvent | None:
    """Notes that whoever is awaited is reminded now; None when that is not due (any more)."""
    lock(session, order)
    timer = timer_of(order.state)
    if timer is None or order.due_at is None or order.reminded_at is not None:
        return None
    if not order.due_at - timer.due + timer.remind_after <= now < order.due_at:
        return None
    order.reminded_at = now
    order_in_time(session, [order.purchase_id])
    return _noted(session, [event_of(order, Action.REMIND, By(Actor.CLOCK), now, None, None)])[0]


def track(
    session: Session,
    order: Order,
    by: By,
    now: datetime,
    *,
    courier: str,
    tracking_number: str,
) -> OrderEvent | None:
    """Adds or corrects the number of a parcel that is under way; the event keeps what was written
    before. None when nothing differs; a repeated tap returns the first's event.

    Raises MoveRefused (409) when the parcel is not, or no more, under way.
    """
    lock(session, order)
    new = {"courier": courier, "tracking_number": tracking_number}
    done = done_before(session, order, Action.TRACK, by, {**new, "reason": None})
    if done is not None:
        return done
    if Action.TRACK not in notes_open_to(by.actor, order.state):
        raise MoveRefused(
            _(
                "Nomor resi hanya bisa diubah selama barang dalam perjalanan. Sekarang: %(state)s.",
                state=STATES[order.state],
            ),
            state=order.state,
            action=Action.TRACK,
            condition=None,
        )
    before = {"courier": order.courier or "", "tracking_number": order.tracking_number or ""}
    if before == new:
        return None
    order.courier, order.tracking_number = courier or None, tracking_number or None
    order_in_time(session, [order.purchase_id])
    event = event_of(order, Action.TRACK, by, now, None, {**new, "before": before})
    return _noted(session, [event])[0]


def _noted(session: Session, events: Sequence[OrderEvent]) -> list[OrderEvent]:
    session.add_all(events)
    session.flush()
    order_noted.send(None, session=session, events=events)
    return list(events)
