"""Sharing a group's order out among its member households, below the verbs of people.

Packs are held at the households' own offers; an allocation says for how many of them a household is
asked. Which household gets how many is catalogue.supply's arithmetic; how they are asked is in
asking_households. Everything here works on an order that is locked (locks.lock).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue.fairness import Taker, split
from ovop_market.catalogue.models import Offer
from ovop_market.catalogue.services import held_weeks, supplies
from ovop_market.catalogue.supply import Share, made_by, taken_from_stock
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, OutOfStock
from ovop_market.orders import share_states
from ovop_market.orders.models import Allocation, Hold, Order, OrderLine
from ovop_market.orders.services.asking_households import Rule, note, offer_shares
from ovop_market.orders.services.history import By
from ovop_market.orders.services.holds import give_back, held, hold_for, shrink
from ovop_market.orders.share_states import FOLLOWS, LIVE, OPEN, ShareAction, ShareState
from ovop_market.orders.states import Action
from ovop_market.villages.models import ProducerKind
from ovop_market.web import filters


def is_shared(order: Order) -> bool:
    """Whether households of a group make it."""
    return order.producer.kind is ProducerKind.GROUP


def missing(line: OrderLine) -> int:
    """Packs of a line that nobody has been found for."""
    return max(line.agreed_quantity - held(line), 0)


def cover(
    session: Session,
    order: Order,
    by: By,
    now: datetime,
    *,
    until: date | None,
    rule: Rule = Rule.AGAIN,
    unasked: frozenset[ShareState] = frozenset({ShareState.DECLINED}),
) -> int:
    """Finds households for what nobody makes yet, until a day (None: as soon as there is room).

    Those whose share of a line ended in one of the states of `unasked` are not asked for it again.
    Returns how many packs are still missing.
    """
    open_lines = [line for line in order.lines if missing(line)]
    if not open_lines:
        return 0
    today = clock.wib_date(now)
    means = supplies(session, [line.variant_id for line in open_lines], today, lock=True)
    weeks = held_weeks(session, [s.offer_id for many in means.values() for s in many], today)
    plans: dict[OrderLine, list[Share]] = {}
    left = 0
    for line in open_lines:
        out = {s.offer_id for s in line.allocations if s.state in unasked or s.falls_short}
        able = [s for s in means.get(line.variant_id, ()) if s.offer_id not in out]
        ready, rest = taken_from_stock(able, missing(line), today)
        made, rest = made_by(able, weeks, rest, today, until)
        plans[line] = ready + made
        left += rest
    holds = hold_for(session, plans, order, now)
    by_offer = {s.offer_id: s for many in means.values() for s in many}
    offer_shares(session, order, holds, plans, by_offer, by, now, rule=rule)
    return left


def follow(session: Session, order: Order, action: Action, by: By, now: datetime) -> None:
    """What an order's move does to its shares: who answers for the group, answers for all.

    Raises OutOfStock when the group is to say yes to more than its households can make in time.
    """
    if not is_shared(order):
        return
    if action in (Action.ACCEPT, Action.COUNTER, Action.AGREE):
        _cover_or_refuse(session, order, action, by, now)
    if action is Action.FINISH:
        _leave_to_the_group(order)
    steps = FOLLOWS.get(action, ())
    for share in shares_of(order):
        for step in steps:
            if share_states.allows(share.state, step):
                move(share, step)


def _cover_or_refuse(session: Session, order: Order, action: Action, by: By, now: datetime) -> None:
    """Every pack that the group says yes to has a household, and none is late."""
    lock_offers(session, order)
    until = order.offered_ready_by or order.ready_by
    left = cover(session, order, by, now, until=until)
    if left and action is Action.AGREE:
        raise OutOfStock(
            _("Penjual sedang mencari siapa yang membuatnya. Coba lagi nanti, atau batalkan.")
        )
    if left:
        raise OutOfStock(
            _(
                "%(n)d bungkus belum ada yang sanggup membuatnya tepat waktu. "
                "Tawarkan lebih sedikit atau tanggal yang lebih lambat.",
                n=left,
            )
        )
    # The households are spoken for in as many packs as the buyer is told of.
    cut(session, order, by, now)
    day = latest(order)
    if day is not None and day > until and action is not Action.AGREE:
        raise Conflict(
            _(
                "Bagian terakhir baru siap %(day)s. Isi tanggal itu, atau tawarkan ke pembeli.",
                day=filters.day(day),
            ),
            field="ready_by",
        )


def _leave_to_the_group(order: Order) -> None:
    """The whole order is done. Who could have answered and has not, has made nothing: their packs
    are the group's own."""
    for share in shares_of(order):
        if share.state is ShareState.OFFERED and share.due_at is not None:
            for hold in holds_of(share):
                hold.allocation_id = None
            move(share, ShareAction.WITHDRAW)


def latest(order: Order) -> date | None:
    """The day on which the last of its open shares is handed in."""
    days = [share.ready_by for share in shares_of(order) if share.state in OPEN]
    return max(days, default=None)


def shares_of(order: Order) -> Iterable[Allocation]:
    """All shares of an order, line by line."""
    return (share for line in order.lines for share in line.allocations)


def withdraw_all(order: Order) -> None:
    """The order is over and its packs are free again: no share of it stands any more."""
    for share in shares_of(order):
        if share_states.allows(share.state, ShareAction.WITHDRAW):
            move(share, ShareAction.WITHDRAW)


def move(share: Allocation, action: ShareAction, packs: int | None = None) -> None:
    """Does an action to a share; `packs` are those taken or made (None: all that there are).

    Raises MoveRefused when the table has no such move.
    """
    now_packs = share.packs
    share.state = share_states.after(share.state, action)
    share.due_at = None
    if action is ShareAction.TAKE:
        share.taken = now_packs if packs is None else packs
    elif action is ShareAction.HAND_IN:
        share.made = now_packs if packs is None else packs
    elif share.state not in LIVE:
        share.made = None


def cut(session: Session, order: Order, by: By, now: datetime) -> None:
    """Frees what is held beyond the packs that are wanted now, as fairly as it was shared out."""
    found = [_cut(line) for line in order.lines]
    give_back(session, order, [share for freed, _changed in found for share in freed], by, now)
    changed = [share for _freed, shares in found for share in shares]
    say_changed(session, order, changed, by, now)


def _cut(line: OrderLine) -> tuple[list[Share], list[Allocation]]:
    """What is freed of a line, and whose shares are smaller for it."""
    surplus = held(line) - line.agreed_quantity
    if surplus <= 0:
        return [], []
    # The group's own packs are cut first: they are nobody's share.
    own = [hold for hold in line.holds if hold.allocation_id is None]
    kept_own = max(sum(hold.quantity for hold in own) - surplus, 0)
    freed = shrink(own, kept_own)
    surplus = held(line) - line.agreed_quantity
    before = {share: share.packs for share in line.allocations if share.state in LIVE}
    # Then who would be late: they are not needed any more.
    promise = line.order.offered_ready_by or line.order.ready_by
    for share in before:
        if share.ready_by > promise and share.state in OPEN and surplus > 0:
            fewer = min(share.packs, surplus)
            freed += reduce(share, share.packs - fewer)
            surplus -= fewer
    live = [share for share in before if share.packs]
    takers = [Taker(share.id, capacity=share.packs, free=share.packs) for share in live]
    kept = split(line.agreed_quantity - sum(h.quantity for h in own), takers)
    for share in live:
        if kept.get(share.id, 0) < share.packs:
            freed += reduce(share, kept.get(share.id, 0))
    return freed, [share for share, packs in before.items() if share.packs < packs]


def reduce(share: Allocation, packs: int) -> list[Share]:
    """A share stands for fewer packs from now on (none: it is withdrawn); what became free."""
    freed = taken_out(share, share.packs - packs)
    if not packs:
        move(share, ShareAction.WITHDRAW)
    elif share.taken is not None:
        # Who is asked for less has not fallen short.
        share.offered -= share.taken - packs
        share.taken = packs
    else:
        share.offered = packs
    return freed


def holds_of(share: Allocation) -> list[Hold]:
    """What is held for a share."""
    return [hold for hold in share.line.holds if hold.allocation_id == share.id]


def taken_out(share: Allocation, packs: int) -> list[Share]:
    """Takes packs of a share out of its line; they are to be given back."""
    return shrink(holds_of(share), share.packs - packs)


def say_changed(
    session: Session, order: Order, changed: Sequence[Allocation], by: By, now: datetime
) -> None:
    """Writes down whose shares are smaller, so that nobody makes what nobody needs."""
    if changed:
        shares = [
            {"allocation": s.id, "household": s.offer.producer_id, "packs": s.packs}
            for s in changed
        ]
        note(session, order, {"action": "changed", "shares": shares}, by, now)


def lock_offers(session: Session, order: Order) -> None:
    """Nobody else holds or frees packs of the order's variants until the transaction ends. First of
    all that is done with offers, so that two never wait for each other in a circle."""
    variants = [line.variant_id for line in order.lines]
    session.execute(
        select(Offer.id).where(Offer.variant_id.in_(variants)).order_by(Offer.id).with_for_update()
    ).all()
