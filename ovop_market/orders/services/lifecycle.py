"""The one place where an order's state changes.

Every action follows the same way: lock the purchase, see whether this very tap has already been
done, ask the state table, do what the action adds, write the event, tell the features above.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MoveRefused, Unusable
from ovop_market.orders.labels import STATES
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.policy import duty_of
from ovop_market.orders.queries import offered_terms
from ovop_market.orders.services import allocating
from ovop_market.orders.services.history import CLOCK, By, event_of
from ovop_market.orders.services.holds import give_back_all
from ovop_market.orders.services.locks import lock, order_in_time
from ovop_market.orders.signals import order_moved
from ovop_market.orders.states import (
    NEEDS_REASON,
    NOTES,
    Action,
    Actor,
    Condition,
    Move,
    OrderState,
    move,
    timer_of,
)
from ovop_market.villages.acting import refuse_unless

__all__ = ["CLOCK", "By", "event_of"]

# A ready date further away than this is a slip of the finger.
LATEST_READY = timedelta(days=365)
Extra = Callable[[Order], dict[str, Any] | None]


def act(
    session: Session,
    order: Order,
    action: Action,
    by: By,
    now: datetime,
    *,
    reason: str | None = None,
    content: dict[str, Any] | None = None,
    extra: Extra | None = None,
    covered: bool = False,
) -> OrderEvent:
    """Does an action to an order and returns its event; a repeated tap returns the first's event.

    `content` is what the action says besides its name; the event keeps it, and a tap is a
    repetition only if it says the same. `extra` changes what the action changes besides the state
    and returns further details for the event. `covered`: the households' shares say the group's
    yes, and not whoever took the last of them.

    Raises MoveRefused (409) when the order has moved on, Unusable (422) when a reason is missing,
    NotAllowed (403) when who acts may not do this for the producer (docs/adr/0038).
    """
    if by.actor is Actor.PRODUCER and not covered:
        refuse_unless(session, by.user_id, [order.producer_id], duty_of(action))
    lock(session, order)
    reason = (reason or "").strip() or None
    content = content or {}
    done = done_before(session, order, action, by, {**content, "reason": reason})
    if done is not None:
        return done
    if by.seen not in (None, order.state):
        raise _moved_on(order, state=order.state, action=action, condition=None)
    step = _step(order, action, by, now)
    if action is Action.DISPUTE and order.settled:
        raise Conflict(_("Keluhan pesanan ini sudah diputuskan pengelola. Hubungi pengelola."))
    if action in NEEDS_REASON and reason is None and by.actor is not Actor.CLOCK:
        raise Unusable(_("Tulis alasannya, supaya pihak lain mengerti."), field="reason")
    before = order.state
    details = content | ((extra(order) or {}) if extra else {})
    order.state = step.target
    if step.releases:
        give_back_all(session, order, by, now)
        allocating.withdraw_all(order)
    allocating.follow(session, order, action, by, now)
    order.due_at, order.reminded_at = due_at(order, now), None
    order_in_time(session, [order.purchase_id])
    event = event_of(order, action, by, now, reason, details or None)
    session.add(event)
    session.flush()
    order_moved.send(order, session=session, event=event, before=before, move=step)
    return event


def due_at(order: Order, now: datetime) -> datetime | None:
    """When the clock will act on an order that has just come into its state, if ever."""
    timer = timer_of(order.state)
    if timer is None:
        return None
    if order.state is OrderState.ACCEPTED and not order.facts(now).meet(Condition.AWAITING_MONEY):
        return None
    return now + timer.due


def accept(
    session: Session, order: Order, by: By, now: datetime, *, ready_by: date | None = None
) -> OrderEvent:
    """The producer takes the order; `ready_by` replaces the promised day."""

    def extra(order: Order) -> None:
        if ready_by is not None:
            order.ready_by = _sensible(ready_by, now)

    content = {"ready_by": ready_by.isoformat()} if ready_by else None
    return act(session, order, Action.ACCEPT, by, now, content=content, extra=extra)


def counter(
    session: Session,
    order: Order,
    by: By,
    now: datetime,
    *,
    quantities: Mapping[int, int],
    ready_by: date | None,
) -> OrderEvent:
    """The producer offers fewer packs (by line id) or a later day instead.

    Raises Unusable when that is no offer: nothing changed, nothing left, or more than ordered.
    """

    def extra(order: Order) -> None:
        offered = {line.id: quantities.get(line.id, line.quantity) for line in order.lines}
        for line in order.lines:
            if not 0 <= offered[line.id] <= line.quantity:
                raise Unusable(
                    _("Isi 0 sampai %(most)d.", most=line.quantity), field=f"quantity-{line.id}"
                )
        later = _sensible(ready_by, now) if ready_by else order.ready_by
        if not any(offered.values()):
            raise Unusable(
                _("Tidak ada yang ditawarkan. Kalau tidak sanggup, tekan Tolak."),
                field=f"quantity-{order.lines[0].id}",
            )
        if later == order.ready_by and all(offered[x.id] == x.quantity for x in order.lines):
            raise Unusable(
                _("Ubah jumlah atau tanggalnya, atau tekan Terima."),
                field=f"quantity-{order.lines[0].id}",
            )
        for line in order.lines:
            line.offered_quantity = offered[line.id]
        order.offered_ready_by = later

    content = {
        "ready_by": ready_by.isoformat() if ready_by else None,
        "quantities": {str(line_id): n for line_id, n in sorted(quantities.items())},
    }
    return act(session, order, Action.COUNTER, by, now, content=content, extra=extra)


def agree(session: Session, order: Order, by: By, now: datetime) -> OrderEvent:
    """The buyer takes the counteroffer: quantities, price and day become what was offered."""

    def extra(order: Order) -> dict[str, Any]:
        terms = offered_terms(session, order)
        allocating.cut(session, order, by, now)
        for line in order.lines:
            line.quantity, line.offered_quantity = line.agreed_quantity, None
        order.ready_by = order.offered_ready_by or order.ready_by
        order.offered_ready_by = None
        order.goods, order.shipping, order.total = terms.goods, terms.shipping, terms.total
        return {"total": order.total}

    return act(session, order, Action.AGREE, by, now, extra=extra)


def ship(
    session: Session,
    order: Order,
    by: By,
    now: datetime,
    *,
    courier: str,
    tracking_number: str,
) -> OrderEvent:
    """The parcel has been handed to the courier."""

    def extra(order: Order) -> None:
        order.courier, order.tracking_number = courier or None, tracking_number or None
        order.fulfilled_from = now

    content = {"courier": courier, "tracking_number": tracking_number}
    return act(session, order, Action.SHIP, by, now, content=content, extra=extra)


def hand_over(session: Session, order: Order, by: By, now: datetime) -> OrderEvent:
    """The buyer has fetched the order at the collection point."""

    def extra(order: Order) -> None:
        order.fulfilled_from = now
        _received(order, now)

    return act(session, order, Action.HAND_OVER, by, now, extra=extra)


def receive(session: Session, order: Order, by: By, now: datetime) -> OrderEvent:
    """The parcel has arrived, as the buyer says or after the time in which nobody objected."""
    return act(session, order, Action.RECEIVE, by, now, extra=lambda order: _received(order, now))


def settle(
    session: Session,
    order: Order,
    by: By,
    now: datetime,
    *,
    for_buyer: bool,
    reason: str | None,
    cash_paid: bool = False,
) -> OrderEvent:
    """The operator ends a dispute: the order stands as received, or the money goes back.

    `cash_paid`: the buyer of a cash order has paid at the door. Only the operator can find that
    out: the clock calls a parcel received and paid that the courier may have brought back.
    """
    if for_buyer:
        return act(
            session,
            order,
            Action.SETTLE_FOR_BUYER,
            by,
            now,
            reason=reason,
            # Of a cash order this is half of the decision: the opposite is no repetition.
            content={"cash_paid": cash_paid} if order.cash else None,
            extra=_paid_in_cash if cash_paid else _not_paid_in_cash,
        )
    return act(
        session,
        order,
        Action.SETTLE_FOR_PRODUCER,
        by,
        now,
        reason=reason,
        extra=lambda order: _received(order, now),
    )


def done_before(
    session: Session, order: Order, action: Action, by: By, said: dict[str, Any]
) -> OrderEvent | None:
    """The event of this very tap, or of the last thing done if it was the same in all it says."""
    if by.idempotency_key:
        event = session.scalar(
            select(OrderEvent).where(
                OrderEvent.order_id == order.id,
                OrderEvent.idempotency_key == by.idempotency_key,
            )
        )
        if event is not None and not _says(event, action, said):
            # The answer to the first was lost, and something else is in the form by now.
            raise Conflict(
                _("Kiriman ini sudah kami terima, dengan isi yang lain. Lihat yang tercatat.")
            )
        if event is not None:
            return event
    last = session.scalar(
        select(OrderEvent)
        .where(OrderEvent.order_id == order.id, OrderEvent.action.not_in(NOTES))
        .order_by(OrderEvent.id.desc())
        .limit(1)
    )
    repeated = last is not None and last.actor is by.actor and _says(last, action, said)
    return last if repeated else None


def _says(event: OrderEvent, action: Action, said: dict[str, Any]) -> bool:
    """Whether the event is this action, with all that it says."""
    kept = {**(event.details or {}), "reason": event.reason}
    # What is not said, older events do not have.
    same = all((kept.get(name) or None) == (value or None) for name, value in said.items())
    return event.action is action and same


def _step(order: Order, action: Action, by: By, now: datetime) -> Move:
    try:
        return move(order.state, action, by.actor, order.facts(now))
    except MoveRefused as refused:
        if refused.details["condition"] is Condition.PAID_OR_CASH:
            message = _("Pesanan ini belum dibayar. Tunggu sampai pembayarannya diterima.")
        elif refused.details["condition"] is Condition.DISPUTE_WINDOW:
            message = _("Waktu untuk mengeluh (2 hari sesudah diterima) sudah lewat.")
        else:
            raise _moved_on(order, **refused.details) from None
        raise MoveRefused(message, **refused.details) from None


def _moved_on(order: Order, **details: Any) -> MoveRefused:
    return MoveRefused(
        _(
            "Keadaan pesanan ini sudah berubah: %(state)s. Muat ulang halamannya.",
            state=STATES[order.state],
        ),
        **details,
    )


def _received(order: Order, now: datetime) -> None:
    # Kept from the first receipt: a settled dispute does not move the sale to another day.
    order.received_at = order.received_at or now
    order.fulfilled_from = order.fulfilled_from or now
    _paid_in_cash(order)


def _paid_in_cash(order: Order) -> None:
    if order.cash:
        order.paid = order.total


def _not_paid_in_cash(order: Order) -> None:
    if order.cash:
        order.paid = 0


def _sensible(day: date, now: datetime) -> date:
    today = clock.wib_date(now)
    if not today <= day <= today + LATEST_READY:
        raise Unusable(_("Pilih tanggal mulai hari ini sampai setahun lagi."), field="ready_by")
    return day
