"""What is told about the shares of a group's order: to the households, and to their coordinator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import object_session

from ovop_market.catalogue.models import Offer
from ovop_market.notices.kinds import Kind
from ovop_market.notices.services import Owed
from ovop_market.orders.models import Allocation, Order, OrderEvent
from ovop_market.orders.presentation import may_be_made
from ovop_market.orders.services.allocating import is_shared, shares_of
from ovop_market.orders.services.asking_households import Rule
from ovop_market.orders.share_states import ShareAction, ShareState
from ovop_market.orders.states import Action, OrderState
from ovop_market.villages.models import ProducerStaff

# After these the households may begin, if nothing is to be paid before.
_BEGIN = frozenset({Action.PLACE, Action.ACCEPT, Action.AGREE, Action.PAY})
_OVER = frozenset({Action.DECLINE, Action.GIVE_UP, Action.LAPSE, Action.CANCEL, Action.REVOKE})


def owed_of(event: OrderEvent) -> Iterator[Owed]:
    """What an event of a group's order means for its households and its coordinator."""
    order = event.order
    if not is_shared(order):
        return
    if event.action is Action.SHARE:
        yield from _of_shares(event, event.details or {})
        return
    if event.action is Action.ACCEPT and not _by_coordinator(event):
        yield _to_coordinator(Kind.COVERED, event)
    taken = [share for share in shares_of(order) if share.state is ShareState.TAKEN]
    if event.action in _BEGIN and event.state is OrderState.ACCEPTED and may_be_made(order):
        yield from _to_households(dict.fromkeys(taken, Kind.SHARE_START), event)
    if event.action is Action.UNPAY:
        yield from _to_households(dict.fromkeys(taken, Kind.SHARE_STOP), event)
    if event.action in _OVER:
        told = _told_before(order)
        over = [
            share
            for share in shares_of(order)
            if share.state is ShareState.WITHDRAWN and share.taken and share.id not in told
        ]
        yield from _to_households(dict.fromkeys(over, Kind.SHARE_ENDED), event)


def _told_before(order: Order) -> set[int]:
    """Shares that the coordinator had taken back whole before the order ended."""
    return {
        share["allocation"]
        for event in order.events
        if event.action is Action.SHARE and (event.details or {}).get("action") == "changed"
        for share in _shares_in(event)
        if not share["packs"]
    }


def _shares_in(event: OrderEvent) -> list[dict[str, int]]:
    details: dict[str, Any] = event.details or {}
    return list(details["shares"])


def _of_shares(event: OrderEvent, details: dict[str, Any]) -> Iterator[Owed]:
    action = details.get("action")
    if action == "uncovered":
        if details.get("packs"):
            yield _to_coordinator(Kind.UNCOVERED, event)
    elif action in ("late", "covered late"):
        if details.get("day"):
            yield _to_coordinator(Kind.LATE_SHARE, event)
    elif action in (ShareAction.OFFER, "changed"):
        told = {each["allocation"] for each in details["shares"]}
        kinds = {s: _kind_of(s) for s in shares_of(event.order) if s.id in told}
        yield from _to_households({s: kind for s, kind in kinds.items() if kind}, event)


def _kind_of(share: Allocation) -> Kind | None:
    """A household is asked, or the coordinator has decided something about its share."""
    if share.state is ShareState.OFFERED:
        return Kind.SHARE_OFFERED
    if share.state is ShareState.WITHDRAWN:
        return Kind.SHARE_ENDED
    if share.state is ShareState.TAKEN and share.why.get("rule") != Rule.READY:
        return Kind.SHARE_CHANGED
    return None


def _to_households(kinds: Mapping[Allocation, Kind], event: OrderEvent) -> Iterator[Owed]:
    session, order = object_session(event), event.order
    if not kinds or session is None:
        return
    offers = select(Offer.id, Offer.producer_id).where(
        Offer.id.in_({share.offer_id for share in kinds})
    )
    households = {row.id: row.producer_id for row in session.execute(offers)}
    for share, kind in kinds.items():
        yield Owed(
            kind=kind,
            thing=f"share {share.id} order event {event.id}",
            at=event.at,
            order=order,
            purchase=order.purchase,
            producer_id=households[share.offer_id],
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
