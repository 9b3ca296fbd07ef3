"""Which ways of delivery there are for a parcel, what each costs, and why one is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from ovop_market.catalogue.models import Product, Storage
from ovop_market.core.money import Rupiah
from ovop_market.core.quantity import Grams, billed_kilograms
from ovop_market.delivery.models import CollectionPoint, Service, Tariff
from ovop_market.villages.models import Producer, Village

PICKUP = "pickup"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long a parcel may be on the way, in days, by ordinary courier and in a cold chain.

    None: as long as it takes.
    """

    ordinary: int | None = None
    cold_chain: int | None = None

    @classmethod
    def of(cls, products: Iterable[Product]) -> Freshness:
        """What the most delicate of the products allows."""
        ordinary = [p.max_transit_days for p in products if p.max_transit_days is not None]
        kept_cold = [
            p.shelf_life_days
            for p in products
            if p.storage is not Storage.AMBIENT and p.shelf_life_days is not None
        ]
        return cls(min(ordinary, default=None), min(kept_cold, default=None))

    def allows(self, days: int, cold_chain: bool) -> bool:
        """Whether goods still arrive fresh after so many days on the way."""
        limit = self.cold_chain if cold_chain else self.ordinary
        return limit is None or days <= limit


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent by one producer to one address: region codes, grams, and how delicate it is."""

    origin: str
    destination: str
    weight: Grams
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the buyer. `reason` says why it cannot be chosen; empty when it can."""

    code: str
    title: str
    note: str
    price: Rupiah
    service_id: int | None = None
    collection_point_id: int | None = None
    reason: str = ""

    @property
    def possible(self) -> bool:
        return not self.reason


def prefixes(code: str) -> list[str]:
    """The areas that a region lies in, itself included, the smallest first, the whole last."""
    parts = code.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)] + [""]


def ways(session: Session, parcels: Sequence[Parcel]) -> list[list[Way]]:
    """For each parcel all ways to its buyer: couriers that arrive in time, the cheapest first;
    then collection points; last what is too slow. Two statements for any number of parcels."""
    origins = {area for parcel in parcels for area in prefixes(parcel.origin)}
    destinations = {area for parcel in parcels for area in prefixes(parcel.destination)}
    tariffs = session.scalars(
        select(Tariff)
        .join(Tariff.service)
        .where(
            Service.offered,
            Tariff.origin.in_(origins),
            Tariff.destination.in_(destinations),
        )
        .options(joinedload(Tariff.service))
    ).all()
    points = session.scalars(
        select(CollectionPoint).where(CollectionPoint.open).order_by(CollectionPoint.id)
    ).all()
    return [_ways_of(parcel, tariffs, points) for parcel in parcels]


def product_to_send(session: Session, slug: str) -> Product | None:
    """A listed product with its variants and its maker's village, or None."""
    return session.scalar(
        select(Product)
        .where(Product.slug == slug, Product.listed)
        .options(
            joinedload(Product.producer).joinedload(Producer.village),
            selectinload(Product.variants),
        )
    )


def ways_of_product(session: Session, product: Product, destination: str) -> list[Way]:
    """All ways for one pack of the product's first variant."""
    sold = [variant for variant in product.variants if variant.sold]
    parcel = Parcel(
        origin=product.producer.village.region_code,
        destination=destination,
        weight=Grams(sold[0].weight_grams if sold else 1),
        freshness=Freshness.of([product]),
    )
    return ways(session, [parcel])[0]


def _ways_of(
    parcel: Parcel, tariffs: Sequence[Tariff], points: Sequence[CollectionPoint]
) -> list[Way]:
    fitting = [
        tariff
        for tariff in tariffs
        if tariff.origin in prefixes(parcel.origin)
        and tariff.destination in prefixes(parcel.destination)
    ]
    # The most specific tariff of each service comes last and stays.
    fitting.sort(key=lambda tariff: (len(tariff.destination), len(tariff.origin)))
    best = {tariff.service.code: tariff for tariff in fitting}
    couriers = sorted(
        (_by_courier(parcel, tariff) for tariff in best.values()),
        key=lambda way: (bool(way.reason), way.price, way.code),
    )
    possible = [way for way in couriers if way.possible]
    return possible + _collection(parcel, points) + couriers[len(possible) :]


def _by_courier(parcel: Parcel, tariff: Tariff) -> Way:
    service = tariff.service
    fresh = parcel.freshness.allows(tariff.days_to, service.cold_chain)
    return Way(
        code=service.code,
        title=f"{service.courier} {service.name}",
        note=_days(tariff.days_from, tariff.days_to),
        price=price(tariff, parcel.weight),
        service_id=service.id,
        reason="" if fresh else _("Terlalu lama di jalan untuk barang ini."),
    )


def reachability(_session: Session, code: str) -> ColumnElement[bool]:
    """The condition on Product that some courier brings it to this area while it is fresh."""
    home = (
        select(Village.region_code)
        .join(Producer, Producer.village_id == Village.id)
        .where(Producer.id == Product.producer_id)
        .correlate(Product)
        .scalar_subquery()
    )
    in_time = or_(
        Product.max_transit_days.is_(None),
        Tariff.days_to <= Product.max_transit_days,
        and_(Service.cold_chain, Tariff.days_to <= func.coalesce(Product.shelf_life_days, 0)),
    )
    # Which tariff wins for a service (the most specific) is left aside: a filter may show a
    # product of which checkout then says that it would arrive too late, never the reverse.
    return exists(
        select(Tariff.id)
        .join(Tariff.service)
        .where(
            Service.offered,
            Tariff.destination.in_(prefixes(code)),
            home.startswith(Tariff.origin),
            in_time,
        )
        .correlate(Product)
    )


def price(tariff: Tariff, weight: Grams) -> Rupiah:
    """What the courier asks for this weight, in rupiah."""
    kilograms = billed_kilograms(weight, Grams(tariff.min_weight_grams))
    return Rupiah(tariff.price_per_kg * kilograms)


def _collection(parcel: Parcel, points: Sequence[CollectionPoint]) -> list[Way]:
    serving = [point for point in points if point.serves in prefixes(parcel.origin)]
    return [
        Way(
            # The first is plainly "pickup"; further ones add their own name.
            code=PICKUP if not number else f"{PICKUP}-{point.slug}",
            title=_("Ambil sendiri di %(place)s", place=point.name),
            note=f"{point.address}. {point.hours}",
            price=Rupiah(0),
            collection_point_id=point.id,
        )
        for number, point in enumerate(serving)
    ]


def _days(first: int, last: int) -> str:
    if first == last:
        return _("%(days)d hari di jalan", days=last)
    return _("%(first)d–%(last)d hari di jalan", first=first, last=last)
