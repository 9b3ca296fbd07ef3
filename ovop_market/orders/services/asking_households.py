"""Asking a group's households: who is asked for how many packs, why, and until when they answer.

Everything here works on an order that is locked (locks.lock).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Offer, StockKind
from ovop_market.catalogue.supply import Share, Supply
from ovop_market.core import clock
from ovop_market.extensions.database import write_all, write_changes
from ovop_market.orders import share_states
from ovop_market.orders.models import SAID, Allocation, Hold, Order, OrderEvent, OrderLine
from ovop_market.orders.policy import share_duty_of
from ovop_market.orders.services.history import By, event_of
from ovop_market.orders.services.locks import order_in_time
from ovop_market.orders.share_states import ShareAction, ShareState
from ovop_market.orders.signals import order_noted
from ovop_market.orders.states import Action, OrderState
from ovop_market.villages.models import ProducerStaff
from ovop_market.villages.policy import roles_for

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
    kind: StockKind
    packs: int
    ready_by: date
    rule: Rule

    @property
    def key(self) -> tuple[int, int, StockKind]:
        return self.line.id, self.offer_id, self.kind


def deadline(order: Order, now: datetime) -> datetime:
    """By when a household answers that is asked now: not at night, and, as long as the buyer waits
    for a word, early enough to ask somebody else."""
    usual = _by_day(now + share_states.ANSWER)
    if order.state is not OrderState.PLACED or order.due_at is None:
        return usual
    last = order.due_at - share_states.MARGIN
    return min(usual, last) if last - now >= share_states.SHORTEST else order.due_at


def _by_day(moment: datetime) -> datetime:
    """The moment, or the next morning if it lies in the night (WIB)."""
    at = clock.wib(moment)
    if share_states.MORNING <= at.hour < share_states.EVENING:
        return moment
    day = at.date() if at.hour < share_states.MORNING else at.date() + timedelta(days=1)
    return clock.start_of_day(day) + timedelta(hours=share_states.MORNING)


def offer_shares(
    session: Session,
    order: Order,
    holds: Sequence[Hold],
    plans: Mapping[OrderLine, Sequence[Share]],
    means: Means,
    by: By,
    now: datetime,
    *,
    rule: Rule = Rule.FAIR,
    reason: str | None = None,
) -> None:
    """Asks households for what is held at their offers already. The group's own offers are nobody's
    share. Who has the packs ready is not asked: they are taken out of what it has counted. Who is
    being asked already for the same is asked for more, not twice."""
    session.flush()
    asked = _by_offer(order, plans, rule)
    households = _households(session, {a.offer_id for a in asked})
    asked = [a for a in asked if households[a.offer_id] != order.producer_id]
    if not asked:
        return
    answering = _with_account(session, set(households.values()))
    due_at = deadline(order, now)
    found: dict[tuple[int, int, StockKind], Allocation] = {}
    new = []
    for each in asked:
        waiting = _waiting(each, order.offered_ready_by or order.ready_by)
        if waiting is None:
            new.append(each)
        else:
            waiting.offered += each.packs
            waiting.ready_by = max(waiting.ready_by, each.ready_by)
            if waiting.due_at is not None:
                waiting.due_at = max(waiting.due_at, due_at)
            found[each.key] = waiting
    rows = [
        _row(
            each,
            means.get(each.offer_id),
            now,
            due_at if households[each.offer_id] in answering else None,
            reason,
        )
        for each in new
    ]
    for each, share in zip(new, write_all(session, Allocation, rows) if rows else [], strict=True):
        found[each.key] = share
    owned = [
        (hold, found.get((hold.line_id, hold.offer_id, kind)))
        for hold in holds
        for kind in dict.fromkeys((hold.kind, StockKind.CAPACITY))
    ]
    write_changes(session, [(hold, {"allocation_id": own.id}) for hold, own in owned if own])
    for line in plans:
        session.expire(line, ["allocations"])
    shares = [
        {
            "allocation": found[each.key].id,
            "household": households[each.offer_id],
            "packs": each.packs,
        }
        for each in asked
    ]
    details = {"action": ShareAction.OFFER, "rule": rule, "shares": shares}
    note(session, order, details, by, now, reason=reason)


def _waiting(asked: Asked, promise: date) -> Allocation | None:
    """The share of which the household has not said a word, if it is being asked already; what is
    in time and what is late stay apart."""
    if asked.rule is Rule.COORDINATOR:
        return None
    return next(
        (
            share
            for share in asked.line.allocations
            if share.offer_id == asked.offer_id
            and share.state is ShareState.OFFERED
            and (share.why.get("rule") == Rule.READY) is (asked.rule is Rule.READY)
            and (share.ready_by > promise) is (asked.ready_by > promise)
        ),
        None,
    )


def _by_offer(order: Order, plans: Mapping[OrderLine, Sequence[Share]], rule: Rule) -> list[Asked]:
    """One share for each line and household. Ready packs of a new order stand apart: of them nobody
    is asked; what is asked for later is asked in one, whatever of it is ready."""
    found: dict[tuple[OrderLine, int, StockKind], list[Share]] = defaultdict(list)
    for line, shares in plans.items():
        for share in shares:
            kind = share.kind if rule is Rule.FAIR else StockKind.CAPACITY
            found[line, share.offer_id, kind].append(share)
    # What is ready is handed in with the rest, on the promised day.
    promise = order.offered_ready_by or order.ready_by
    return [
        Asked(
            line,
            offer_id,
            kind,
            sum(share.quantity for share in many),
            max(promise if s.week is None else s.ready_by or promise for s in many),
            Rule.READY if kind is StockKind.READY else rule,
        )
        for (line, offer_id, kind), many in found.items()
    ]


def _row(
    asked: Asked,
    means: Supply | None,
    now: datetime,
    due_at: datetime | None,
    reason: str | None,
) -> dict[str, Any]:
    taken = asked.rule in (Rule.READY, Rule.COORDINATOR)
    why: dict[str, object] = {"rule": asked.rule}
    if means is not None:
        why |= {"capacity": means.weekly_capacity, "lately": means.lately}
    if reason:
        why[SAID] = reason
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
    rows = select(ProducerStaff.producer_id).where(
        ProducerStaff.producer_id.in_(producer_ids),
        ProducerStaff.role.in_(roles_for(share_duty_of(ShareAction.TAKE))),
    )
    return set(session.scalars(rows.distinct()))


def note(
    session: Session,
    order: Order,
    details: dict[str, Any],
    by: By,
    now: datetime,
    *,
    reason: str | None = None,
    own: bool = False,
) -> OrderEvent:
    """Writes what happened to shares into the order's history, and tells the features above.

    `own`: it is the tap itself, of which the key of the tap is; what follows from it has none.
    """
    order_in_time(session, [order.purchase_id])
    if not own:
        by = By(by.actor, by.user_id)
    event = event_of(order, Action.SHARE, by, now, reason, details)
    session.add(event)
    session.flush()
    order_noted.send(None, session=session, events=[event])
    return event
