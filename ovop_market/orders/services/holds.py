"""What is held for the lines of an order: ready packs of offers, or capacity of their weeks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
) -> list[Hold]:
    """Keeps shares for the lines of one order. Raises OutOfStock when one of them is gone."""
    made = []
    for line, shares in wanted.items():
        new = [
            Hold(offer_id=s.offer_id, kind=s.kind, week=s.week, quantity=s.quantity) for s in shares
        ]
        line.holds += new
        made += new
    cause = Cause(StockReason.HELD, now, order_number=order.number)
    hold(session, [share for shares in wanted.values() for share in shares], cause)
    return made


def give_back(
    session: Session, order: Order, shares: Sequence[Share], by: By, now: datetime
) -> None:
    """Frees shares of the order, which `shrink` has taken out of its lines."""
    release(session, shares, Cause(StockReason.RELEASED, now, by.user_id, order.number))


def give_back_all(session: Session, order: Order, by: By, now: datetime) -> None:
    """Frees everything that is held for the order."""
    shares = [share for line in order.lines for share in shrink(line.holds, 0)]
    give_back(session, order, shares, by, now)


def shrink(holds: Iterable[Hold], quantity: int) -> list[Share]:
    """Cuts holds down to a quantity together; returns what became free, latest weeks first."""
    kept = list(holds)
    surplus = sum(each.quantity for each in kept) - quantity
    freed = []
    for each in sorted(kept, key=lambda h: (h.week or date.min, h.id or 0), reverse=True):
        freeing = min(each.quantity, max(surplus, 0))
        if freeing:
            freed.append(Share(each.offer_id, StockKind(each.kind), each.week, freeing))
            each.quantity -= freeing
            surplus -= freeing
    return freed
