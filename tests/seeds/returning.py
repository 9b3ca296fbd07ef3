"""Whether planted buyers come back as those at the checkout do."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from ovop_market.orders.models import Order, Purchase
from ovop_market.villages.models import Producer


def returns(session: Session) -> float:
    """How many of the orders came back to their village (0 to 1); each says what its checkout would
    have found, one purchase after the other."""
    purchases: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(
        select(Purchase.id, Purchase.buyer_key, Purchase.repeat, Order.repeat, Producer.village_id)
        .join(Order, Order.purchase_id == Purchase.id)
        .join(Producer, Order.producer_id == Producer.id)
        .order_by(Purchase.placed_at, Purchase.id)
    ):
        purchases[row[0]].append(row)
    seen: dict[str, set[int]] = defaultdict(set)
    found = []
    for orders in purchases.values():
        before = frozenset(seen[orders[0].buyer_key])
        for _, key, repeat, here, village in orders:
            assert key is not None
            assert (repeat, here) == (bool(before), village in before)
            seen[key].add(village)
            found.append(here)
    return sum(found) / len(found)
