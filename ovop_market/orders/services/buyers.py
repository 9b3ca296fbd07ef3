"""Whether a buyer has come back: by a keyed hash of the telephone number, which is never shown.

Buyers are guests as a rule; the number is what they give each time. The hash says of two purchases
that they are of one number, and not of which one. Nobody but this module asks for it.
"""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from ovop_market.accounts.services import phone_of
from ovop_market.core.tokens import keyed_digest
from ovop_market.orders.models import Order, Purchase
from ovop_market.villages.models import Producer

# What sets the hash apart from everything else that the secret serves for.
_PURPOSE = "ovop buyer key 1"


def key_of(phone: str) -> str | None:
    """The key of a telephone number, however it is written; None where there is no number."""
    number = phone_of(phone) or phone.strip()
    secret = current_app.config["OVOP"].hash_key
    return keyed_digest(secret, _PURPOSE, number) if number else None


def villages_before(session: Session, purchase: Purchase) -> frozenset[int]:
    """The villages (ids) from which this buyer had ordered before this purchase, whatever became
    of it; none for who is new.

    What is committed counts. Two checkouts at once with no producer in common may each call the
    other later: then both are new.
    """
    this = aliased(Purchase)
    key = select(this.buyer_key).where(this.id == purchase.id).scalar_subquery()
    return frozenset(
        session.scalars(
            select(Producer.village_id)
            .distinct()
            .select_from(Purchase)
            .join(Order, Order.purchase_id == Purchase.id)
            .join(Producer, Order.producer_id == Producer.id)
            .where(Purchase.buyer_key == key, Purchase.id != purchase.id)
        )
    )
