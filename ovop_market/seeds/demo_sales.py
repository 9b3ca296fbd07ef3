"""What the demo's sellers report of their sales beyond the website, over the last year."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Category, Product
from ovop_market.core import clock
from ovop_market.extensions.database import write_rows
from ovop_market.regions.models import Region
from ovop_market.sales.models import ReportedSale, SaleChannel
from ovop_market.seeds.demo_market import Market
from ovop_market.seeds.demo_producers import ACCOUNTS

SPAN = 365  # days
SALES = 120
SEED = 2016
# How often each way is taken, and how many packs go by it at once.
_WAYS = {
    SaleChannel.WHATSAPP: (50, (1, 2, 2, 3, 4, 5)),
    SaleChannel.DOOR: (25, (1, 1, 2, 3)),
    SaleChannel.OFFICE: (15, (3, 5, 8, 10)),
    SaleChannel.FAIR: (10, (8, 12, 20, 30)),
}
# Most stays near: what goes by hand goes less far than what is sent.
_PLACES = {"19.05": 50, "19.71": 22, "19.01": 8, "19.04": 5, "16.71": 5, "31.74": 5, "32.73": 3}


def report(session: Session, market: Market, now: datetime) -> int:
    """Notes sales of every producer that has an account; more of late. Returns their number."""
    rng = Random(SEED)
    known = select(Region.code).where(Region.code.in_(_PLACES)).order_by(Region.code)
    places = {code: _PLACES[code] for code in session.scalars(known)}
    today = clock.wib_date(now)
    sold = [
        (market.users[account.login].id, account.producer, product)
        for account in ACCOUNTS
        if account.producer
        for product in market.products.values()
        if market.producers[account.producer].id == product.producer_id
        or market.producers[account.producer].group_id == product.producer_id
    ]
    rows = []
    for number in range(SALES):
        user_id, seller, product = rng.choice(sold)
        ago = round(SPAN * rng.random() ** 1.4)
        day = max(today - timedelta(days=ago), clock.wib_date(product.created_at))
        at = min(_evening(day, rng), now - timedelta(minutes=5))
        who = {"producer_id": market.producers[seller].id, "noted_by_id": user_id}
        rows.append(
            who | _sale(product, places, rng) | {"day": day} | _noted(at, number, rng, user_id, now)
        )
    rows.sort(key=lambda row: (row["noted_at"], row["idempotency_key"]))
    write_rows(session, ReportedSale, rows)
    return len(rows)


def _evening(day: date, rng: Random) -> datetime:
    opened = datetime.combine(day, time(17), clock.WIB)
    return opened + timedelta(minutes=rng.randint(0, 240))


def _sale(product: Product, places: Mapping[str, int], rng: Random) -> dict[str, Any]:
    variant = rng.choice(product.variants)
    channel = rng.choices(list(_WAYS), [weight for weight, _ in _WAYS.values()])[0]
    quantity = rng.choice(_WAYS[channel][1])
    if product.category is Category.CRAFT:
        # Baskets are not sold by the dozen.
        quantity = -(-quantity // 4)
    # By the dozen it is a little cheaper, in whole thousands.
    total = variant.price * quantity
    total -= total // 10 // 1_000 * 1_000 if quantity >= 12 else 0
    (region,) = rng.choices(list(places), list(places.values()))
    return {
        "variant_id": variant.id,
        "quantity": quantity,
        "total": total,
        "channel": channel,
        "region_code": region,
    }


def _noted(at: datetime, number: int, rng: Random, user_id: int, now: datetime) -> dict[str, Any]:
    """Who wrote it down is known; of some, that it was a mistake."""
    withdrawn = rng.random() < 0.03
    return {
        "noted_at": at,
        "idempotency_key": f"demo {number}",
        "withdrawn_at": min(at + timedelta(hours=1), now) if withdrawn else None,
        "withdrawn_by_id": user_id if withdrawn else None,
    }
