"""What households, coordinators and the clock do to the shares of a group's order.

Every verb goes the same way: lock the purchase, see whether this very tap has been done, ask the
table, change the share and what is held for it, write that into the order's history, offer on what
is missing now, and accept the order once all of it is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue.services import held_weeks, supplies
from ovop_market.catalogue.supply import Share, made_by, taken_from_stock
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MoveRefused, OutOfStock, Unusable
from ovop_market.orders import share_states
from ovop_market.orders.models import Allocation, Order, OrderEvent, OrderLine
from ovop_market.orders.services import allocating, lifecycle
from ovop_market.orders.services.allocating import Rule, missing, note
from ovop_market.orders.services.history import CLOCK, By
from ovop_market.orders.services.holds import give_back, held, hold_for
from ovop_market.orders.services.locks import lock
from ovop_market.orders.share_labels import SHARE_STATES
from ovop_market.orders.share_states import ANSWERABLE, LIVE, ShareAction, ShareState
from ovop_market.orders.states import Action, Actor, OrderState, moves_open_to

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
    fewer = share.packs - taken
    freed = allocating.taken_out(share, fewer)
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


def lapse(session: Session, share_id: int, now: datetime) -> OrderEvent | None:
    """The clock's: nobody has answered, and the share is offered on. None when it is not due."""
    share = session.get_one(Allocation, share_id)
    order = share.line.order
    lock(session, order)
    session.refresh(share)
    if share.state is not ShareState.OFFERED or share.due_at is None or share.due_at > now:
        return None
    if order.state not in ANSWERABLE:
        return None
    allocating.lock_offers(session, order)
    return _ended(session, order, share, ShareAction.LAPSE, CLOCK, now, None)


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
    give_back(session, order, freed, by, now)
    event = _noted(session, order, share, ShareAction.HAND_IN, by, now, packs=made)
    _go_on(session, order, by, now)
    return event


def share_out(
    session: Session,
    order: Order,
    by: By,
    now: datetime,
    *,
    packs: Mapping[tuple[int, int], int],
    reason: str,
) -> OrderEvent:
    """The coordinator decides who makes how many: `packs` by line and offer; who is not named keeps
    its share. What is decided counts as taken; packs handed in stay.

    Raises Unusable without a reason, or for packs that the households cannot make or nobody has
    ordered; MoveRefused when the order is over.
    """
    lock(session, order)
    done = _said_before(session, order, by, {"action": "share out"})
    if done is not None:
        return done
    if order.state not in ANSWERABLE:
        raise MoveRefused(_("Pesanan ini sudah selesai dibagi. Muat ulang halamannya."))
    if not reason.strip():
        raise Unusable(_("Tulis alasannya, supaya anggota lain mengerti."), field="reason")
    allocating.lock_offers(session, order)
    wanted: dict[OrderLine, dict[int, int]] = {}
    for line in order.lines:
        wanted[line] = {o: n for (line_id, o), n in packs.items() if line_id == line.id}
        _fewer(session, order, line, wanted[line], by, now)
    more = {line: _more(line, many) for line, many in wanted.items()}
    _ask_more(session, order, more, by, now, reason.strip())
    details = {
        "action": "share out",
        "packs": [[line_id, offer_id, n] for (line_id, offer_id), n in sorted(packs.items())],
    }
    event = note(session, order, details, by, now, reason=reason.strip())
    _accept_if_covered(session, order, by, now)
    return event


def offer_on(session: Session, order: Order, by: By, now: datetime) -> int:
    """Looks once more for households that make what nobody makes; how many packs are left."""
    lock(session, order)
    if order.state not in ANSWERABLE:
        raise MoveRefused(_("Pesanan ini sudah selesai dibagi. Muat ulang halamannya."))
    allocating.lock_offers(session, order)
    return _offer_on(session, order, by, now)


def _begin(
    session: Session, share: Allocation, action: ShareAction, by: By, packs: int | None
) -> tuple[Order, OrderEvent | None]:
    """The locked order of a share; and the event of this tap, if it has come before."""
    order = share.line.order
    lock(session, order)
    session.refresh(share)
    said: dict[str, Any] = {"action": action, "allocation": share.id}
    if packs is not None:
        said["packs"] = packs
    done = _said_before(session, order, by, said)
    if done is not None:
        return order, done
    last = _last_of(session, order, share)
    if last is not None and last.actor_id == by.user_id and _says(last, said):
        return order, last
    if by.seen not in (None, share.state):
        raise _moved_on(share)
    if order.state not in ANSWERABLE or not share_states.allows(share.state, action):
        raise _moved_on(share)
    allocating.lock_offers(session, order)
    return order, None


def _said_before(
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
    packs = share.packs
    freed = allocating.taken_out(share, packs)
    allocating.move(share, action)
    give_back(session, order, freed, by, now)
    event = _noted(session, order, share, action, by, now, packs=packs, reason=reason)
    _go_on(session, order, by, now)
    return event


def _go_on(session: Session, order: Order, by: By, now: datetime) -> None:
    """Offers on what nobody makes now; and if all of it is taken, the group has said yes."""
    _offer_on(session, order, By(Actor.CLOCK), now)
    _accept_if_covered(session, order, by, now)


def _offer_on(session: Session, order: Order, by: By, now: datetime) -> int:
    # First who keeps the promised day; then, before the buyer has heard a word, who needs some days
    # more (the coordinator has to say so), and later whoever has room.
    promise = order.offered_ready_by or order.ready_by
    asked = order.state in (OrderState.PLACED, OrderState.COUNTERED)
    unasked = frozenset({ShareState.DECLINED, ShareState.LAPSED})
    for until in (promise, promise + LATER if asked else None):
        left = allocating.cover(session, order, by, now, until=until, unasked=unasked)
    if left:
        details = {"action": "uncovered", "packs": left}
        note(session, order, details, By(Actor.CLOCK), now)
    return left


def _accept_if_covered(session: Session, order: Order, by: By, now: datetime) -> None:
    """A group's order is accepted when the taken shares cover it (docs/adr/0018)."""
    if order.state is not OrderState.PLACED or any(missing(line) for line in order.lines):
        return
    if any(share.state is ShareState.OFFERED for share in allocating.shares_of(order)):
        return
    latest = allocating.latest(order)
    if latest is not None and latest > order.ready_by:
        return  # that is for the coordinator to say
    if Action.ACCEPT in moves_open_to(Actor.PRODUCER, order.state, order.facts(now)):
        lifecycle.accept(session, order, By(Actor.PRODUCER, by.user_id), now)


def _fewer(
    session: Session, order: Order, line: OrderLine, many: Mapping[int, int], by: By, now: datetime
) -> None:
    """Takes from households what they are to make less."""
    freed: list[Share] = []
    for share in [s for s in line.allocations if s.state in share_states.OPEN]:
        if share.offer_id in many:
            others = _packs_at(line, share.offer_id) - share.packs
            keeps = min(max(many[share.offer_id] - others, 0), share.packs)
            freed += allocating.reduce(share, keeps) if keeps < share.packs else []
    give_back(session, order, freed, by, now)


def _more(line: OrderLine, many: Mapping[int, int]) -> dict[int, int]:
    """Packs by offer that households are to make besides what they have."""
    added = {o: n - _packs_at(line, o) for o, n in many.items() if n > _packs_at(line, o)}
    if held(line) + sum(added.values()) > allocating.wanted(line):
        raise Unusable(
            _("Dibagi lebih dari yang dipesan: %(n)d bungkus.", n=allocating.wanted(line)),
            field=f"line-{line.id}",
        )
    return added


def _ask_more(
    session: Session,
    order: Order,
    more: Mapping[OrderLine, Mapping[int, int]],
    by: By,
    now: datetime,
    reason: str,
) -> None:
    """Holds the added packs at the households that the coordinator named."""
    today = clock.wib_date(now)
    means = supplies(session, [line.variant_id for line in more], today)
    by_offer = {s.offer_id: s for many in means.values() for s in many}
    weeks = held_weeks(session, list(by_offer), today)
    plans: dict[OrderLine, list[Share]] = {}
    for line, many in more.items():
        plans[line] = []
        for offer_id, packs in many.items():
            able = [by_offer[offer_id]] if offer_id in by_offer else []
            ready, rest = taken_from_stock(able, packs, today)
            made, rest = made_by(able, weeks, rest, today)
            if rest:
                raise OutOfStock(
                    _("Rumah ini hanya sanggup %(n)d bungkus lagi.", n=packs - rest),
                    field=f"packs-{line.id}-{offer_id}",
                )
            plans[line] += ready + made
    hold_for(session, plans, order, now)
    allocating.offer_shares(
        session, order, plans, by_offer, by, now, rule=Rule.COORDINATOR, reason=reason
    )


def _packs_at(line: OrderLine, offer_id: int) -> int:
    live = [s for s in line.allocations if s.offer_id == offer_id and s.state in LIVE]
    return sum(share.packs for share in live)


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
    return note(session, order, details, by, now, reason=reason)


def _moved_on(share: Allocation) -> MoveRefused:
    return MoveRefused(
        _(
            "Bagian ini sudah berubah: %(state)s. Muat ulang halamannya.",
            state=SHARE_STATES[share.state],
        ),
        state=share.state,
    )
