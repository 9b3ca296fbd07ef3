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
) -> None:
    """As if so many orders of one pack each had been received on this day."""
    village = product.producer.village
    part = SimpleNamespace(
        day=day,
        month=day.replace(day=1),
        product_id=product.id,
        village_id=village.id,
        area_code=village.region_code[: recount.REGENCY_LENGTH],
        region_code=region,
        channel=channel,
        **dict.fromkeys((*recount.FLAGS, "orders", "units"), orders),
        home_units=0,
        near_units=0,
        province_units=0,
        revenue=revenue,
    )
    for rollup in recount.ROLLUPS:
        deltas = recount.added(rollup, cast(Any, [part]))
        services._write(session, rollup, deltas, {})
