"""Reads about delivery: the ways of parcels and of a product. Collection points and tariffs as the
desk sees them are in `desk`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from ovop_market.catalogue.models import Offer, Product, Variant, on_show
from ovop_market.catalogue.services import closures_of, supply_of, supplying, weeks_of
from ovop_market.catalogue.supply import Supply, from_stock, to_be_made
from ovop_market.core.quantity import NO_VOLUME, Grams
from ovop_market.delivery.freshness import Freshness
from ovop_market.delivery.models import CollectionPoint, Service, Tariff
from ovop_market.delivery.ways import PICKUP, Parcel, Rates, Way, prefixes, price, ways_of
from ovop_market.villages.models import Producer

__all__ = [
    "PICKUP",
    "Freshness",
    "Parcel",
    "Way",
    "prefixes",
    "price",
    "product_to_send",
    "ways",
    "ways_of_product",
]

# What couriers themselves have said of these parcels, where a rate API is configured
# (delivery.rates); it reads what is kept, and never asks over the network.
rates_of: Callable[[Session, Sequence[Parcel], Sequence[Service]], Rates] | None = None


def ways(session: Session, parcels: Sequence[Parcel]) -> list[list[Way]]:
    """For each parcel all ways to its buyer: what arrives in time, the cheapest first; then
    collection points; last what is too slow. Two statements for any number of parcels, and one
    more where couriers are asked for their rates."""
    origins = {area for parcel in parcels for area in prefixes(parcel.origin)}
    destinations = {area for parcel in parcels for area in prefixes(parcel.destination)}
    fits = and_(
        Tariff.service_id == Service.id,
        Tariff.origin.in_(origins),
        Tariff.destination.in_(destinations),
    )
    rows = session.execute(
        select(Service, Tariff).outerjoin(Tariff, fits).where(Service.offered)
    ).all()
    services = list(dict.fromkeys(service for service, _tariff in rows))
    tariffs = [tariff for _service, tariff in rows if tariff is not None]
    points = session.scalars(
        select(CollectionPoint).where(CollectionPoint.open).order_by(CollectionPoint.id)
    ).all()
    rates = rates_of(session, parcels, services) if rates_of else {}
    return [ways_of(parcel, services, tariffs, points, rates) for parcel in parcels]


def product_to_send(session: Session, slug: str, today: date) -> Product | None:
    """A listed product with its maker's village, the packs that are sold, and the offers of all
    who can supply them on this day; or None. One statement."""
    can = Offer.producer_id.in_(select(Producer.id).where(supplying(today)))
    return (
        session.scalars(
            select(Product)
            .outerjoin(Variant, and_(Variant.product_id == Product.id, Variant.sold))
            .outerjoin(Offer, and_(Offer.variant_id == Variant.id, can))
            .where(Product.slug == slug, on_show())
            .order_by(Variant.position, Variant.id, Offer.id)
            .options(
                joinedload(Product.producer).joinedload(Producer.village),
                contains_eager(Product.variants)
                .contains_eager(Variant.offers)
                .joinedload(Offer.producer),
            )
            .execution_options(populate_existing=True)
        )
        .unique()
        .first()
    )


def ways_of_product(session: Session, product: Product, destination: str, today: date) -> list[Way]:
    """All ways for one pack of the first variant of a product of `product_to_send`."""
    variant = next(iter(product.variants), None)
    parcel = Parcel(
        origin=product.producer.village.region_code,
        destination=destination,
        weight=Grams(variant.weight_grams if variant else 1),
        volume=variant.volume if variant else NO_VOLUME,
        freshness=Freshness.of([product]),
        ready_by=_ready_by(session, variant, today) if variant else None,
    )
    return ways(session, [parcel])[0]


def _ready_by(session: Session, variant: Variant, today: date) -> date | None:
    """The day on which one pack is ready; None if nobody can say, or if its maker is closed."""
    if variant.product.producer.closed_on(today):
        return None
    plan = from_stock(_means(variant, {}, today), 1, today)
    if plan is None and variant.product.made_to_order:
        held, plans = weeks_of(session, [offer.id for offer in variant.offers], today)
        plan = to_be_made(_means(variant, plans, today), held, 1, today)
    return plan.ready_by if plan else None


def _means(
    variant: Variant, plans: Mapping[int, Sequence[tuple[date, int]]], today: date
) -> list[Supply]:
    """The means of all who supply the variant; `product_to_send` has loaded them."""
    return [
        supply_of(
            offer,
            closures_of(offer.producer.closed_from, offer.producer.closed_to),
            plans.get(offer.id, ()),
            today,
        )
        for offer in variant.offers
    ]
