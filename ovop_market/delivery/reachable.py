"""What reaches an area while it is fresh, as a condition on products: the filter of the list.

It says what a checkout would say of a product alone by the tariff table: for each service the most
specific tariff counts, and its greatest number of days against what the product allows.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from ovop_market.catalogue.models import Product, Storage
from ovop_market.delivery.models import Service, Tariff
from ovop_market.delivery.ways import prefixes
from ovop_market.villages.models import Producer, Village


def reachability(_session: Session, code: str) -> ColumnElement[bool]:
    """The condition on Product that some courier brings it to this area while it is fresh."""
    days = _days_from_villages(code)
    product, producer = aliased(Product), aliased(Producer)
    kept_cold = case(
        (
            product.storage != Storage.AMBIENT,
            func.coalesce(product.shelf_life_days, product.max_transit_days),
        ),
        else_=product.max_transit_days,
    )
    in_time = or_(
        product.max_transit_days.is_(None),
        days.c.ordinary <= product.max_transit_days,
        days.c.cold <= kept_cold,
    )
    # Asked once for all products, not for each of them again.
    return Product.id.in_(
        select(product.id)
        .join(producer, producer.id == product.producer_id)
        .join(days, days.c.village_id == producer.village_id)
        .where(in_time)
    )


def _days_from_villages(code: str) -> Subquery:
    """For each village from which anything goes to the area: the fewest days of any ordinary
    service and of any cold chain, by the tariff that a checkout would take."""
    home: Any = Village.region_code
    best = func.row_number().over(
        partition_by=(Village.id, Tariff.service_id),
        order_by=(func.length(Tariff.destination).desc(), func.length(Tariff.origin).desc()),
    )
    tariffs = (
        select(
            Village.id.label("village_id"),
            Service.cold_chain.label("cold_chain"),
            Tariff.days_to.label("days_to"),
            best.label("place"),
        )
        .select_from(Tariff)
        .join(Tariff.service)
        .join(
            Village,
            or_(
                Tariff.origin == "",
                home == Tariff.origin,
                home.startswith(Tariff.origin + "."),
            ),
        )
        .where(and_(Service.offered, Tariff.destination.in_(prefixes(code))))
        .subquery("fitting")
    )
    return (
        select(
            tariffs.c.village_id,
            func.min(case((~tariffs.c.cold_chain, tariffs.c.days_to))).label("ordinary"),
            func.min(case((tariffs.c.cold_chain, tariffs.c.days_to))).label("cold"),
        )
        .where(tariffs.c.place == 1)
        .group_by(tariffs.c.village_id)
        .subquery("days")
    )
