"""What is told about the shares of a group's order: to the households, and to their coordinator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import object_session

from ovop_market.notices.kinds import Kind
from ovop_market.notices.services import Owed
from ovop_market.orders.models import Allocation, Order, OrderEvent
from ovop_market.orders.presentation import may_be_made
from ovop_market.orders.services.allocating import is_shared, shares_of
from ovop_market.orders.share_states import ShareAction, ShareState
from ovop_market.orders.states import Action, OrderState
from ovop_market.villages.models import ProducerStaff

# After these the households may begin, if nothing is to be paid before.
_BEGIN = frozenset({Action.PLACE, Action.ACCEPT, Action.AGREE, Action.PAY})
_OVER = frozenset({Action.DECLINE, Action.LAPSE, Action.CANCEL, Action.REVOKE})


def owed_of(event: OrderEvent) -> Iterator[Owed]:
    """What an event of a group's order means for its households and its coordinator."""
    order = event.order
    if not is_shared(order):
        return
    details: dict[str, Any] = event.details or {}
    if event.action is Action.SHARE:
        if details.get("action") == ShareAction.OFFER:
            yield from _offered(event, details["shares"])
        elif details.get("action") == "uncovered":
            yield _to_coordinator(Kind.UNCOVERED, event)
        return
    if event.action is Action.ACCEPT and not _by_coordinator(event):
        yield _to_coordinator(Kind.COVERED, event)
    if event.action in _BEGIN and event.state is OrderState.ACCEPTED and may_be_made(order):
        yield from (
            _to_household(Kind.SHARE_START, share, order, event)
            for share in shares_of(order)
            if share.state is ShareState.TAKEN
        )
    if event.action in _OVER:
        yield from (
            _to_household(Kind.SHARE_ENDED, share, order, event)
            for share in shares_of(order)
            if share.state is ShareState.WITHDRAWN and share.taken
        )


def _offered(event: OrderEvent, shares: list[dict[str, int]]) -> Iterator[Owed]:
    for share in shares:
        yield Owed(
            kind=Kind.SHARE_OFFERED,
            thing=f"share {share['allocation']}",
            at=event.at,
            order=event.order,
            purchase=event.order.purchase,
            producer_id=share["household"],
            details={"share": share["allocation"]},
        )


def _to_household(kind: Kind, share: Allocation, order: Order, event: OrderEvent) -> Owed:
    return Owed(
        kind=kind,
        thing=f"share {share.id} order event {event.id}",
        at=event.at,
        order=order,
        purchase=order.purchase,
        producer_id=share.offer.producer_id,
        details={"share": share.id},
    )


def _to_coordinator(kind: Kind, event: OrderEvent) -> Owed:
    return Owed(
        kind=kind,
        thing=f"order event {event.id}",
        at=event.at,
        order=event.order,
        purchase=event.order.purchase,
        producer_id=event.producer_id,
        details={"order_event": event.id},
    )


def _by_coordinator(event: OrderEvent) -> bool:
    """Whether who accepted is on the group's own staff: who did a thing is not told of it."""
    session = object_session(event)
    if session is None or event.actor_id is None:
        return True
    return session.get(ProducerStaff, (event.actor_id, event.producer_id)) is not None
