"""Numbers put into the rollups without the orders behind them."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product
from ovop_market.reach import recount, services
from ovop_market.reach.models import Channel


def roll(
    session: Session,
    product: Product,
    day: date,
    orders: int,
    revenue: int,
    region: str = "31.74",
    channel: Channel = Channel.WEB,
    *,
    repeats: int = 0,
    at_home: bool = False,
) -> None:
    """As if so many orders of one pack each had been received on this day, `repeats` of them from
    buyers who had bought before; `at_home`: in the product's own village, whose regency is
    `region`."""
    village = product.producer.village
    part = SimpleNamespace(
        day=day,
        month=day.replace(day=1),
        year=day.year,
        product_id=product.id,
        producer_id=product.producer_id,
        village_id=village.id,
        area_code=village.region_code[: recount.REGENCY_LENGTH],
        region_code=region,
        channel=channel,
        **dict.fromkeys((*recount.FLAGS, "orders", "units"), orders),
        **dict.fromkeys(recount.REPEATS, repeats),
        home_units=orders if at_home else 0,
        home_purchases=orders if at_home else 0,
        revenue=revenue,
        weight=orders * ((product.id * 10_000 + int(region.replace(".", ""))) * 12 + day.month),
    )
    for rollup in recount.ROLLUPS:
        deltas = recount.added(rollup, cast(Any, [part]))
        services._write(session, rollup, deltas, {})
