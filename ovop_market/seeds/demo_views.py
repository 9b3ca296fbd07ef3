"""Who looked at buyers' data in the demo: the producer who made an order, and the operator."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import PersonalDataView, Role, User
from ovop_market.accounts.trail import SECONDS_PER_HOUR
from ovop_market.extensions.database import write_rows
from ovop_market.orders.models import Order, Purchase
from ovop_market.seeds.demo_market import Market
from ovop_market.villages.models import ProducerStaff

PURCHASES = 40


def look(session: Session, market: Market, now: datetime) -> int:
    """The latest orders, each looked at by its producer's staff and some by the operator; returns
    how many looks there were."""
    operator = next(user for user in market.users.values() if user.role is Role.OPERATOR)
    staff: dict[int, User] = dict(
        session.execute(
            select(ProducerStaff.producer_id, User)
            .join(User, User.id == ProducerStaff.user_id)
            .order_by(ProducerStaff.producer_id, User.id.desc())
        ).all()
    )
    latest = session.execute(
        select(Order.purchase_id, Order.producer_id, Purchase.placed_at)
        .join(Order.purchase)
        .order_by(Purchase.placed_at.desc(), Order.id)
        .limit(PURCHASES)
    ).all()
    rows = []
    for number, (purchase, producer, placed_at) in enumerate(latest):
        looks: list[tuple[User | None, int | None, str, int]] = [
            (staff.get(producer), producer, "inbox order", 20)
        ]
        if number % 5 == 0:
            looks.append((operator, None, "desk order", 50))
        for user, of, page, minutes in looks:
            at = min(placed_at + timedelta(minutes=minutes), now)
            if user is not None:
                rows.append(
                    {
                        "at": at,
                        "hour": int(at.timestamp()) // SECONDS_PER_HOUR,
                        "actor_id": user.id,
                        "role": user.role,
                        "producer_id": of,
                        "page": page,
                        "subject": f"purchase {purchase}",
                    }
                )
    unique = {(row["actor_id"], row["subject"], row["hour"], row["page"]): row for row in rows}
    write_rows(session, PersonalDataView, list(unique.values()))
    return len(unique)
