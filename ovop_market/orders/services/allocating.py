"""Sharing a group's order out among its member households, below the verbs of people.

Packs are held at the households' own offers; an allocation says for how many of them a household is
asked, and why. Which household gets how many is catalogue.supply's arithmetic. Everything here
works on an order that is locked (locks.lock).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue.fairness import Taker, split
from ovop_market.catalogue.models import Offer, StockKind
from ovop_market.catalogue.services import held_weeks, supplies
from ovop_market.catalogue.supply import Share, Supply, made_by, taken_from_stock
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, OutOfStock
from ovop_market.extensions.database import write_all
from ovop_market.orders import share_states
from ovop_market.orders.models import Allocation, Order, OrderEvent, OrderLine
from ovop_market.orders.services.history import By, event_of
from ovop_market.orders.services.holds import give_back, held, hold_for, shrink
from ovop_market.orders.services.locks import order_in_time
from ovop_market.orders.share_states import FOLLOWS, LIVE, OPEN, ShareAction, ShareState
from ovop_market.orders.signals import order_noted
from ovop_market.orders.states import Action, OrderState
from ovop_market.villages.models import ProducerKind, ProducerStaff
from ovop_market.web import filters

# By offer: the means that a share was measured by, for its reason.
Means = Mapping[int, Supply]


class Rule(StrEnum):
    """Why a household got its share; labels make a sentence of it."""

    READY = "ready"  # it has the packs
    FAIR = "fair"  # its turn, by what it can make and had lately
    AGAIN = "again"  # somebody else could not
    COORDINATOR = "coordinator"  # the coordinator decided


@dataclass(frozen=True, slots=True)
class Asked:
    """A share that is to be: packs of an offer for a line, by a day."""

    line: OrderLine
    offer_id: int
    packs: int
    ready_by: date
    rule: Rule


def is_shared(order: Order) -> bool:
    """Whether households of a group make it."""
    return order.producer.kind is ProducerKind.GROUP


def wanted(line: OrderLine) -> int:
    """Packs of a line that somebody has to make, as agreed or offered."""
    return line.agreed_quantity


def missing(line: OrderLine) -> int:
    """Packs of a line that nobody has been found for."""
    return max(wanted(line) - held(line), 0)


def deadline(order: Order, now: datetime) -> datetime:
    """By when a household answers that is asked now."""
    usual = now + share_states.ANSWER
    if order.state is not OrderState.PLACED or order.due_at is None:
        return usual
    last = order.due_at - share_states.MARGIN
    return min(usual, last) if last - now >= share_states.SHORTEST else order.due_at


def offer_shares(
    session: Session,
    order: Order,
    plans: Mapping[OrderLine, Sequence[Share]],
    means: Means,
    by: By,
    now: datetime,
    *,
    rule: Rule = Rule.FAIR,
    reason: str | None = None,
) -> None:
    """Asks households for what is already held at their offers. The group's own offers are nobody's
    share. Who has the packs ready is not asked: they are taken out of what it has counted."""
    asked = _by_offer(plans, rule)
    households = _households(session, {a.offer_id for a in asked})
    asked = [a for a in asked if households[a.offer_id] != order.producer_id]
    if not asked:
        return
    answering = _with_account(session, set(households.values()))
    due_at = deadline(order, now)
    rows = [
        _row(a, means.get(a.offer_id), now, due_at if households[a.offer_id] in answering else None)
        for a in asked
    ]
    written = write_all(session, Allocation, rows)
    for line in plans:
        session.expire(line, ["allocations"])
    shares = [
        {"allocation": share.id, "household": households[share.offer_id], "packs": share.packs}
        for share in written
    ]
    details = {"action": ShareAction.OFFER, "rule": rule, "shares": shares}
    note(session, order, details, by, now, reason=reason)


def _by_offer(plans: Mapping[OrderLine, Sequence[Share]], rule: Rule) -> list[Asked]:
    """One share for each line and household (ready packs and packs to be made apart)."""
    found: dict[tuple[OrderLine, int, StockKind], list[Share]] = defaultdict(list)
    for line, shares in plans.items():
        for share in shares:
            found[line, share.offer_id, share.kind].append(share)
    return [
        Asked(
            line,
            offer_id,
            sum(share.quantity for share in many),
            max(share.ready_by for share in many if share.ready_by is not None),
            Rule.READY if kind is StockKind.READY and rule is Rule.FAIR else rule,
        )
        for (line, offer_id, kind), many in found.items()
    ]


def _row(
    asked: Asked, means: Supply | None, now: datetime, due_at: datetime | None
) -> dict[str, Any]:
    taken = asked.rule in (Rule.READY, Rule.COORDINATOR)
    why: dict[str, object] = {"rule": asked.rule}
    if means is not None:
        why |= {"capacity": means.weekly_capacity, "lately": means.lately}
    return {
        "line_id": asked.line.id,
        "offer_id": asked.offer_id,
        "state": ShareState.TAKEN if taken else ShareState.OFFERED,
        "offered": asked.packs,
        "taken": asked.packs if taken else None,
        "made": None,
        "due_at": None if taken else due_at,
        "ready_by": asked.ready_by,
        "offered_at": now,
        "why": why,
    }


def _households(session: Session, offer_ids: Collection[int]) -> dict[int, int]:
    """The producer of each offer."""
    rows = session.execute(select(Offer.id, Offer.producer_id).where(Offer.id.in_(offer_ids)))
    return {offer.id: offer.producer_id for offer in rows}


def _with_account(session: Session, producer_ids: Collection[int]) -> set[int]:
    """Those of the producers for which somebody can answer; the coordinator does for the others."""
    rows = select(ProducerStaff.producer_id).where(ProducerStaff.producer_id.in_(producer_ids))
    return set(session.scalars(rows.distinct()))


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
    hold_for(session, plans, order, now)
    by_offer = {s.offer_id: s for many in means.values() for s in many}
    offer_shares(session, order, plans, by_offer, by, now, rule=rule)
    return left


def follow(session: Session, order: Order, action: Action, by: By, now: datetime) -> None:
    """What an order's move does to its shares: who answers for the group, answers for all.

    Raises OutOfStock when the group is to say yes to more than its households can make in time.
    """
    if not is_shared(order):
        return
    if action in (Action.ACCEPT, Action.COUNTER):
        lock_offers(session, order)
        until = order.offered_ready_by or order.ready_by
        left = cover(session, order, by, now, until=until)
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
        if day is not None and day > until:
            raise Conflict(
                _(
                    "Bagian terakhir baru siap %(day)s. Isi tanggal itu, atau tawarkan ke pembeli.",
                    day=filters.day(day),
                ),
                field="ready_by",
            )
    steps = FOLLOWS.get(action, ())
    for share in shares_of(order):
        for step in steps:
            if share_states.allows(share.state, step):
                move(share, step)


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
    freed = [share for line in order.lines for share in _cut(line)]
    give_back(session, order, freed, by, now)


def _cut(line: OrderLine) -> list[Share]:
    surplus = held(line) - wanted(line)
    if surplus <= 0:
        return []
    live = [share for share in line.allocations if share.state in LIVE]
    freed: list[Share] = []
    # Who would be late is not needed any more, first of all.
    promise = line.order.offered_ready_by or line.order.ready_by
    for share in live:
        if share.ready_by > promise and share.state in OPEN and surplus > 0:
            fewer = min(share.packs, surplus)
            freed += reduce(share, share.packs - fewer)
            surplus -= fewer
    shared = sum(share.packs for share in live)
    # Packs of the group's own are cut first: they are nobody's share.
    left = shared - max(surplus - (held(line) - shared), 0)
    takers = [Taker(s.id, capacity=s.packs, free=s.packs) for s in live if s.packs]
    kept = split(left, takers)
    for share in live:
        if share.packs and kept.get(share.id, 0) < share.packs:
            freed += reduce(share, kept.get(share.id, 0))
    return freed + shrink(line, wanted(line))


def reduce(share: Allocation, packs: int) -> list[Share]:
    """A share stands for fewer packs from now on (none: it is withdrawn); what became free."""
    freed = taken_out(share, share.packs - packs)
    if not packs:
        move(share, ShareAction.WITHDRAW)
    elif share.taken is not None:
        share.taken = packs
    else:
        share.offered = packs
    return freed


def taken_out(share: Allocation, packs: int) -> list[Share]:
    """Takes packs of a share's household out of its line; they are to be given back."""
    line = share.line
    at_offer = sum(h.quantity for h in line.holds if h.offer_id == share.offer_id)
    return shrink(line, at_offer - packs, share.offer_id)


def lock_offers(session: Session, order: Order) -> None:
    """Nobody else holds or frees packs of the order's variants until the transaction ends. First of
    all that is done with offers, so that two never wait for each other in a circle."""
    variants = [line.variant_id for line in order.lines]
    session.execute(
        select(Offer.id).where(Offer.variant_id.in_(variants)).order_by(Offer.id).with_for_update()
    ).all()


def note(
    session: Session,
    order: Order,
    details: dict[str, Any],
    by: By,
    now: datetime,
    *,
    reason: str | None = None,
) -> OrderEvent:
    """Writes what happened to shares into the order's history, and tells the features above."""
    order_in_time(session, [order.purchase_id])
    event = event_of(order, Action.SHARE, by, now, reason, details)
    session.add(event)
    session.flush()
    order_noted.send(None, session=session, events=[event])
    return event
