"""Who acts, and the line of an order's history that says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ovop_market.orders.models import Order, OrderEvent
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


def event_of(
    order: Order,
    action: Action,
    by: By,
    now: datetime,
    reason: str | None,
    details: dict[str, Any] | None,
) -> OrderEvent:
    """A line of the order's history, not yet written."""
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
