"""What is held for the lines of an order: ready packs of offers, or capacity of their weeks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from ovop_market.catalogue.models import StockKind, StockReason
from ovop_market.catalogue.services import Cause, hold, release
from ovop_market.catalogue.supply import Share
from ovop_market.orders.models import Hold, Order, OrderLine
from ovop_market.orders.services.history import By


def held(line: OrderLine) -> int:
    """Packs that somebody keeps for the line."""
    return sum(hold.quantity for hold in line.holds)


def hold_for(
    session: Session, wanted: Mapping[OrderLine, Sequence[Share]], order: Order, now: datetime
) -> None:
    """Keeps shares for the lines of one order. Raises OutOfStock when one of them is gone."""
    for line, shares in wanted.items():
        line.holds += [
            Hold(offer_id=s.offer_id, kind=s.kind, week=s.week, quantity=s.quantity) for s in shares
        ]
    cause = Cause(StockReason.HELD, now, order_number=order.number)
    hold(session, [share for shares in wanted.values() for share in shares], cause)


def give_back(
    session: Session, order: Order, shares: Sequence[Share], by: By, now: datetime
) -> None:
    """Frees shares of the order, which `shrink` has taken out of its lines."""
    release(session, shares, Cause(StockReason.RELEASED, now, by.user_id, order.number))


def give_back_all(session: Session, order: Order, by: By, now: datetime) -> None:
    """Frees everything that is held for the order."""
    shares = [share for line in order.lines for share in shrink(line, 0)]
    give_back(session, order, shares, by, now)


def shrink(line: OrderLine, quantity: int, offer_id: int | None = None) -> list[Share]:
    """Cuts the line's holds (at one offer, or at all) down to a quantity; returns what became free,
    latest weeks first."""
    own = [h for h in line.holds if offer_id in (None, h.offer_id)]
    surplus = sum(hold.quantity for hold in own) - quantity
    freed = []
    for hold_ in sorted(own, key=lambda h: (h.week or date.min, h.id), reverse=True):
        freeing = min(hold_.quantity, max(surplus, 0))
        if freeing:
            freed.append(Share(hold_.offer_id, StockKind(hold_.kind), hold_.week, freeing))
            hold_.quantity -= freeing
            surplus -= freeing
    return freed
