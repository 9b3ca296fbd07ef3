"""Who acts, and the line of an order's history that says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from ovop_market.orders.models import Order, OrderEvent, Purchase
from ovop_market.orders.states import Action, Actor


@dataclass(frozen=True, slots=True)
class By:
    """Who acts: on whose behalf, under which account, and the key of this very tap.

    `seen` is the state that was on the page when they decided, if the page says it: who decides on
    something else than what is there now is told instead (docs/adr/0006).
    """

    actor: Actor
    user_id: int | None = None
    idempotency_key: str | None = None
    seen: str | None = None


CLOCK = By(Actor.CLOCK)


def to_keep(session: Session, purchase_id: int, words: str | None) -> str | None:
    """What somebody writes about a purchase, as it is stored: nothing once its buyer is erased,
    whom it might name and whom nobody erases twice. The purchase must be locked."""
    if not words:
        return words
    erased = session.scalar(select(Purchase.erased_at).where(Purchase.id == purchase_id))
    return None if erased else words


def event_of(
    order: Order,
    action: Action,
    by: By,
    now: datetime,
    reason: str | None,
    details: dict[str, Any] | None,
) -> OrderEvent:
    """A line of the order's history, not yet written."""
    session = object_session(order)
    if session is not None:
        reason = to_keep(session, order.purchase_id, reason)
    return OrderEvent(
        order=order,
        producer_id=order.producer_id,
        at=now,
        actor=by.actor,
        actor_id=by.user_id,
        action=action,
        state=order.state,
        reason=reason,
        details=details,
        idempotency_key=by.idempotency_key,
    )
