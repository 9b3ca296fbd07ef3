"""What households, coordinators and the clock do to the shares of a group's order.

Every verb goes the same way: lock the purchase, see whether this very tap has been done, ask the
table, change the share and what is held for it, write that into the order's history, offer on what
is missing now, and accept the order once all of it is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import StockReason
from ovop_market.catalogue.services import Cause, change_ready
from ovop_market.catalogue.supply import Share
from ovop_market.core.errors import Conflict, MoveRefused, Unusable
from ovop_market.orders import share_states
from ovop_market.orders.models import Allocation, Order, OrderEvent
from ovop_market.orders.policy import share_duty_of
from ovop_market.orders.services import allocating, lifecycle
from ovop_market.orders.services.allocating import missing
from ovop_market.orders.services.asking_households import note
from ovop_market.orders.services.history import CLOCK, By
from ovop_market.orders.services.holds import give_back
from ovop_market.orders.services.locks import lock
from ovop_market.orders.share_labels import SHARE_STATES
from ovop_market.orders.share_states import ANSWERABLE, ShareAction, ShareState
from ovop_market.orders.states import Action, Actor, OrderState, moves_open_to
from ovop_market.villages.acting import refuse_unless

# How many days after the promised one the others are still asked for.
LATER = timedelta(days=7)


def take(
    session: Session, share: Allocation, by: By, now: datetime, *, packs: int | None = None
) -> OrderEvent:
    """The household makes its share, or `packs` of it; the rest is offered on.

    Raises MoveRefused (409) when the share or its order has moved on, Unusable for packs that are
    not within the share.
    """
    order, done = _begin(session, share, ShareAction.TAKE, by, packs)
    if done is not None:
        return done
    taken = _within(share.packs if packs is None else packs, 1, share.packs)
    freed = allocating.taken_out(share, share.packs - taken)
    allocating.move(share, ShareAction.TAKE, taken)
    give_back(session, order, freed, by, now)
    event = _noted(session, order, share, ShareAction.TAKE, by, now, packs=taken)
    _go_on(session, order, by, now)
    return event


def decline(
    session: Session, share: Allocation, by: By, now: datetime, *, reason: str = ""
) -> OrderEvent:
    """The household cannot make its share (any more): it is offered on. Raises MoveRefused."""
    order, done = _begin(session, share, ShareAction.DECLINE, by, None)
    if done is not None:
        return done
    return _ended(session, order, share, ShareAction.DECLINE, by, now, reason.strip() or None)


def lapse(session: Session, order_id: int, now: datetime) -> OrderEvent | None:
    """The clock's: shares of the order that nobody has answered in time end, all at once, and are
    offered on. None when none is due, or when the order itself is."""
    order = session.get_one(Order, order_id)
    lock(session, order)
    due = [
        share
        for share in allocating.shares_of(order)
        if share.state is ShareState.OFFERED and share.due_at is not None and share.due_at <= now
    ]
    if not due or order.state not in ANSWERABLE:
        return None
    if order.state is OrderState.PLACED and order.due_at is not None and order.due_at <= now:
        return None  # the order itself has waited too long: there is nothing to offer on
    allocating.lock_offers(session, order)
    events = []
    for share in due:
        packs = share.packs
        freed = allocating.taken_out(share, packs)
        allocating.move(share, ShareAction.LAPSE)
        give_back(session, order, freed, CLOCK, now)
        events.append(
            _noted(session, order, share, ShareAction.LAPSE, CLOCK, now, packs=packs, reason=None)
        )
    _go_on(session, order, CLOCK, now)
    return events[-1]


def hand_in(
    session: Session, share: Allocation, by: By, now: datetime, *, packs: int | None = None
) -> OrderEvent:
    """Packs of the share have been handed in and counted; what falls short is offered on.

    The first to be handed in begins the order. Raises MoveRefused, also while nothing may be made
    yet, and Unusable for packs that are not within the share.
    """
    order, done = _begin(session, share, ShareAction.HAND_IN, by, packs)
    if done is not None:
        return done
    if order.state is OrderState.ACCEPTED:
        # The household is told in the order's own words that it is not paid yet.
        lifecycle.act(session, order, Action.START, By(by.actor, by.user_id), now)
    if order.state is not OrderState.PREPARING:
        raise _moved_on(share)
    made = _within(share.packs if packs is None else packs, 0, share.packs)
    freed = allocating.taken_out(share, share.packs - made)
    allocating.move(share, ShareAction.HAND_IN, made)
    _given_back(session, order, freed, by, now)
    event = _noted(session, order, share, ShareAction.HAND_IN, by, now, packs=made)
    _go_on(session, order, by, now)
    return event


def _begin(
    session: Session, share: Allocation, action: ShareAction, by: By, packs: int | None
) -> tuple[Order, OrderEvent | None]:
    """The locked order of a share; and the event of this tap, if it has come before."""
    order = share.line.order
    if by.actor is Actor.PRODUCER:
        sides = (share.offer.producer_id, order.producer_id)
        refuse_unless(session, by.user_id, sides, share_duty_of(action))
    lock(session, order)
    session.refresh(share)
    said: dict[str, Any] = {"action": action, "allocation": share.id}
    if packs is not None:
        said["packs"] = packs
    done = said_before(session, order, by, said)
    if done is not None:
        return order, done
    # The same said once more without a key: all of it is as many as it was asked for.
    asked = share.offered if action is ShareAction.TAKE else share.taken
    whole = {} if action is ShareAction.DECLINE else {"packs": asked}
    last = _last_of(session, order, share)
    if last is not None and last.actor_id == by.user_id and _says(last, whole | said):
        return order, last
    if by.seen not in (None, share.state):
        raise _moved_on(share)
    if order.state not in ANSWERABLE or not share_states.allows(share.state, action):
        raise _moved_on(share)
    allocating.lock_offers(session, order)
    return order, None


def said_before(
    session: Session, order: Order, by: By, said: Mapping[str, Any]
) -> OrderEvent | None:
    """The event of this very tap. Raises Conflict when the same key came with another content."""
    if not by.idempotency_key:
        return None
    event = session.scalar(
        select(OrderEvent).where(
            OrderEvent.order_id == order.id, OrderEvent.idempotency_key == by.idempotency_key
        )
    )
    if event is None:
        return None
    if event.action is not Action.SHARE or not _says(event, said):
        raise Conflict(
            _("Kiriman ini sudah kami terima, dengan isi yang lain. Lihat yang tercatat.")
        )
    return event


def _says(event: OrderEvent, said: Mapping[str, Any]) -> bool:
    kept = event.details or {}
    return all(kept.get(name) == value for name, value in said.items())


def _last_of(session: Session, order: Order, share: Allocation) -> OrderEvent | None:
    """The last thing that was said of this very share."""
    events = session.scalars(
        select(OrderEvent)
        .where(OrderEvent.order_id == order.id, OrderEvent.action == Action.SHARE)
        .order_by(OrderEvent.id.desc())
    )
    return next((e for e in events if _says(e, {"allocation": share.id})), None)


def _ended(
    session: Session,
    order: Order,
    share: Allocation,
    action: ShareAction,
    by: By,
    now: datetime,
    reason: str | None,
) -> OrderEvent:
    """A share ends without packs, and is offered on."""
    packs, was = share.packs, share.state
    freed = allocating.taken_out(share, packs)
    allocating.move(share, action)
    if was is ShareState.TAKEN:
        _given_back(session, order, freed, by, now)
    else:
        give_back(session, order, freed, by, now)
    event = _noted(session, order, share, action, by, now, packs=packs, reason=reason)
    _go_on(session, order, by, now)
    return event


def _given_back(session: Session, order: Order, freed: list[Share], by: By, now: datetime) -> None:
    """Frees what a household does not make or have after all. What was counted as ready of it is
    not there, by its own word: it must not be promised to the next."""
    give_back(session, order, freed, by, now)
    for share in freed:
        if share.week is None:
            cause = Cause(StockReason.COUNTED, now, by.user_id)
            change_ready(session, share.offer_id, -share.quantity, cause)


def _go_on(session: Session, order: Order, by: By, now: datetime) -> None:
    """Offers on what nobody makes now; and if all of it is taken, the group has said yes."""
    offer_rest(session, order, By(Actor.CLOCK), now)
    accept_if_covered(session, order, by, now)


def offer_rest(session: Session, order: Order, by: By, now: datetime) -> int:
    # First who keeps the promised day. Then, before the buyer has heard a word, who needs some days
    # more (the coordinator has to say so); once it is being made, whoever has room. What the buyer
    # was offered is kept.
    promise = order.offered_ready_by or order.ready_by
    steps: list[date | None] = [promise]
    if order.state is OrderState.PLACED:
        steps.append(promise + LATER)
    elif order.state is not OrderState.COUNTERED:
        steps.append(None)
    unasked = frozenset({ShareState.DECLINED, ShareState.LAPSED})
    left = sum(missing(line) for line in order.lines)
    if order.state is OrderState.PLACED and order.due_at is not None and order.due_at <= now:
        return left  # nobody could answer any more
    for until in steps:
        left = allocating.cover(session, order, by, now, until=until, unasked=unasked)
    day = allocating.latest(order)
    late = day.isoformat() if day is not None and day > promise else None
    _say_once(session, order, "uncovered", "packs", left or None, now)
    _say_once(session, order, "late", "day", late, now)
    return left


def _say_once(
    session: Session, order: Order, action: str, what: str, value: object, now: datetime
) -> None:
    """Tells the coordinator what is wrong, once as long as it stays the same."""
    events = session.scalars(
        select(OrderEvent)
        .where(OrderEvent.order_id == order.id, OrderEvent.action == Action.SHARE)
        .order_by(OrderEvent.id.desc())
    )
    said = next((e.details for e in events if _says(e, {"action": action})), None)
    before = (said or {}).get(what) or None
    # That it is mended is noted too, so that the next time is told anew.
    if value != before:
        note(session, order, {"action": action, what: value}, CLOCK, now)


def accept_if_covered(session: Session, order: Order, by: By, now: datetime) -> None:
    """A group's order is accepted when the taken shares cover it (docs/adr/0018)."""
    if order.state is not OrderState.PLACED or any(missing(line) for line in order.lines):
        return
    if any(share.state is ShareState.OFFERED for share in allocating.shares_of(order)):
        return
    own = (h for line in order.lines for h in line.holds if h.allocation_id is None)
    if any(hold.week is not None and hold.quantity for hold in own):
        return  # what the group makes itself, only its coordinator can promise
    latest = allocating.latest(order)
    if latest is not None and latest > order.ready_by:
        # That is for the coordinator to say.
        _say_once(session, order, "covered late", "day", latest.isoformat(), now)
        return
    if Action.ACCEPT in moves_open_to(Actor.PRODUCER, order.state, order.facts(now)):
        said = By(Actor.PRODUCER, by.user_id)
        lifecycle.act(session, order, Action.ACCEPT, said, now, covered=True)


def _within(packs: int, least: int, most: int) -> int:
    if not least <= packs <= most:
        raise Unusable(
            _("Isi %(least)d sampai %(most)d.", least=least, most=most), field="quantity"
        )
    return packs


def _noted(
    session: Session,
    order: Order,
    share: Allocation,
    action: ShareAction,
    by: By,
    now: datetime,
    *,
    packs: int,
    reason: str | None = None,
) -> OrderEvent:
    details = {
        "action": action,
        "allocation": share.id,
        "household": share.offer.producer_id,
        "packs": packs,
    }
    return note(session, order, details, by, now, reason=reason, own=True)


def _moved_on(share: Allocation) -> MoveRefused:
    return MoveRefused(
        _(
            "Bagian ini sudah berubah: %(state)s. Muat ulang halamannya.",
            state=SHARE_STATES[share.state],
        ),
        state=share.state,
    )
