"""What rows of bulk orders are made of: the columns that they fill, and moments in text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy.orm import Session

from ovop_market.catalogue.models import StockMovement
from ovop_market.extensions.database import Model
from ovop_market.orders.models import Hold, Order, OrderEvent, OrderLine, Purchase
from ovop_market.payments.models import Payment, PaymentEvent, PaymentPart
from ovop_market.seeds import bulk

DAY = 86_400  # seconds

COLUMNS: dict[type[Model], tuple[str, ...]] = {
    Purchase: (
        "id", "token", "token_digest", "submission_digest", "placed_at", "name", "phone",
        "region_code", "street", "postal_code", "note", "payment_method", "language",
        "consent_at", "consent_version", "buyer_key", "repeat",
    ),
    Order: (
        "id", "number", "purchase_id", "producer_id", "state", "due_at", "ready_by", "service_id",
        "goods", "shipping", "total", "paid", "courier", "tracking_number", "fulfilled_from",
        "received_at", "repeat",
    ),
    OrderLine: (
        "id", "order_id", "variant_id", "product_name", "variant_name", "unit_price",
        "weight_grams", "quantity",
    ),
    Hold: ("id", "line_id", "offer_id", "kind", "quantity"),
    OrderEvent: (
        "id", "order_id", "producer_id", "at", "actor", "actor_id", "action", "state", "reason",
    ),
    Payment: (
        "id", "purchase_id", "code", "method", "amount", "unique_digits", "state", "asked_at",
        "confirmed_by_id",
    ),
    PaymentPart: ("id", "payment_id", "order_id", "amount"),
    PaymentEvent: (
        "id", "payment_id", "at", "actor", "actor_id", "action", "state", "amount",
    ),
    StockMovement: ("id", "offer_id", "kind", "change", "reason", "order_number", "at"),
}  # fmt: skip
TABLES: Sequence[type[Model]] = tuple(COLUMNS)


class Clock:
    """Writes moments, given in seconds since 1970, as this database keeps them."""

    def __init__(self, session: Session, first: int, last: int) -> None:
        begin = date(1970, 1, 1)
        zone = "+00:00" if bulk.on_postgresql(session) else ""
        self.first_day = first // DAY
        days = range(self.first_day, last // DAY + 1)
        self.days = [(begin + timedelta(days=day)).isoformat() for day in days]
        self.seconds = [
            f" {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}.000000{zone}" for s in range(DAY)
        ]

    def __call__(self, at: int) -> str:
        day, second = divmod(at, DAY)
        return self.days[day - self.first_day] + self.seconds[second]

    def day(self, at: int) -> str:
        """The calendar day (WIB) of the moment."""
        return self.days[(at + 7 * 3_600) // DAY - self.first_day]
