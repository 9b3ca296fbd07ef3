"""Plants the demo's villages, producers, products, couriers and accounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ovop_market.accounts import services as accounts
from ovop_market.accounts.models import User
from ovop_market.catalogue import services as catalogue
from ovop_market.catalogue.models import Offer, Product, StockReason, Variant
from ovop_market.core.clock import wib_date
from ovop_market.delivery.models import CollectionPoint, Service, Tariff
from ovop_market.seeds import demo_delivery
from ovop_market.seeds.demo_producers import (
    ACCOUNTS,
    GROUP,
    PASSWORD,
    PERMIT_NUMBERS,
    PRODUCERS,
    ProducerSeed,
    invented_phone,
)
from ovop_market.seeds.demo_products import PRODUCTS, Pack, ProductSeed
from ovop_market.seeds.demo_villages import VILLAGES, VillageSeed
from ovop_market.villages.models import (
    Designation,
    Permit,
    Producer,
    ProducerKind,
    ProducerStaff,
    Village,
)

# Everything was there before the first order of the last 24 months; some products came later.
FOUNDED = timedelta(days=800)
_LATER = {
    "bubu-rotan-dendang": 560,
    "keripik-daun-kelor-teluk-limau": 410,
    "sabun-madu-pangkal-beras": 300,
    "bakso-udang-air-kuang": 210,
    "teh-tayu-celup-ketap": 160,
    "paket-teh-tayu-ketap": 95,
}
# How the households of the group differ: their shares of its stock and capacity.
_STRENGTHS = (4, 3, 5, 2, 3, 4, 2, 3, 3, 2, 1, 4)


@dataclass(slots=True)
class Market:
    """What has been planted, by slug; accounts by login."""

    villages: dict[str, Village] = field(default_factory=dict)
    producers: dict[str, Producer] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)


def plant(session: Session, now: datetime) -> Market:
    """Adds all of it and flushes."""
    market = Market()
    for village in VILLAGES:
        market.villages[village.slug] = _village(village)
    for number, producer in enumerate(PRODUCERS):
        market.producers[producer.slug] = _producer(producer, number, market, now)
    for product in PRODUCTS:
        market.products[product.slug] = _product(product, market, now)
    session.add_all(
        [*market.villages.values(), *market.producers.values(), *market.products.values()]
    )
    session.flush()
    _open_stock(session, market)
    _delivery(session, market)
    _accounts(session, market, now)
    return market


def _village(seed: VillageSeed) -> Village:
    return Village(
        region_code=seed.code,
        slug=seed.slug,
        name=seed.name,
        story=seed.story,
        also_known_as=seed.also_known_as,
        designations=[
            Designation(
                year=d.year,
                flagship=d.flagship,
                stage=d.stage,
                stars=d.stars,
                baseline_sales=d.baseline,
            )
            for d in seed.designations
        ],
    )


def _producer(seed: ProducerSeed, number: int, market: Market, now: datetime) -> Producer:
    today = wib_date(now)
    closed_from = today - timedelta(days=1) if seed.closed else None
    return Producer(
        village=market.villages[seed.village],
        group=market.producers[seed.group] if seed.group else None,
        kind=ProducerKind.GROUP if seed.is_group else ProducerKind.HOUSEHOLD,
        slug=seed.slug,
        name=seed.name,
        about=seed.about,
        phone=invented_phone(100 + number),
        cash_on_delivery=seed.cash,
        cash_at_pickup=seed.cash,
        cash_limit=seed.cash_limit,
        closed_from=closed_from,
        closed_to=closed_from and closed_from + timedelta(days=seed.closed - 1),
        created_at=now - FOUNDED - timedelta(days=5),
        permits=[
            Permit(
                kind=kind,
                number=PERMIT_NUMBERS[kind].format(number + 1),
                expires_on=None if days is None else today + timedelta(days=days),
            )
            for kind, days in seed.permits
        ],
    )


def _product(seed: ProductSeed, market: Market, now: datetime) -> Product:
    producer = market.producers[seed.producer]
    suppliers = producer.members if seed.producer == GROUP else [producer]
    age = timedelta(days=_LATER[seed.slug]) if seed.slug in _LATER else FOUNDED
    return Product(
        producer=producer,
        slug=seed.slug,
        name=seed.name,
        category=seed.category,
        summary=seed.summary,
        description=seed.description,
        ingredients=seed.ingredients,
        storage=seed.storage,
        storage_note=seed.storage_note,
        shelf_life_days=seed.shelf_life,
        max_transit_days=seed.transit,
        made_to_order=seed.to_order,
        season_from=seed.season and seed.season[0],
        season_to=seed.season and seed.season[1],
        created_at=now - age,
        variants=[
            Variant(
                name=pack.name,
                price=pack.price,
                weight_grams=pack.grams,
                position=position,
                offers=_offers(pack, suppliers),
            )
            for position, pack in enumerate(seed.packs)
        ],
    )


def _offers(pack: Pack, suppliers: Sequence[Producer]) -> list[Offer]:
    weekly = _shared(pack.weekly, len(suppliers))
    # Three speeds in a group: the planned day is that of the slowest who takes part.
    leads = [max(pack.lead - (n % 2), 0) if len(suppliers) > 1 else pack.lead for n in range(12)]
    return [
        Offer(producer=supplier, weekly_capacity=weekly[n], lead_days=leads[n], ready=0)
        for n, supplier in enumerate(suppliers)
    ]


def _shared(total: int, parts: int) -> list[int]:
    """The total in whole numbers, by the strength of each part."""
    strengths = _STRENGTHS[:parts] if parts > 1 else (1,)
    shares = [total * strength // sum(strengths) for strength in strengths]
    for n in range(total - sum(shares)):
        shares[n] += 1
    return shares


def opening_stock(market: Market) -> Iterator[tuple[Offer, int]]:
    """Each offer with the packs that are ready on the day of planting."""
    for seed in PRODUCTS:
        for pack, variant in zip(seed.packs, market.products[seed.slug].variants, strict=True):
            yield from zip(variant.offers, _shared(pack.ready, len(variant.offers)), strict=True)


def _open_stock(session: Session, market: Market) -> None:
    for offer, ready in opening_stock(market):
        opened = offer.variant.product.created_at
        cause = catalogue.Cause(StockReason.OPENING, opened)
        catalogue.change_ready(session, offer.id, ready, cause)
        session.expire(offer, ["ready"])
    session.flush()


def _delivery(session: Session, market: Market) -> None:
    for seed in demo_delivery.SERVICES:
        market.services[seed.code] = Service(
            code=seed.code, courier=seed.courier, name=seed.name, cold_chain=seed.cold_chain
        )
    session.add_all(market.services.values())
    session.add_all(
        Tariff(
            service=market.services[t.service],
            origin=t.origin,
            destination=t.destination,
            price_per_kg=t.price_per_kg,
            min_weight_grams=t.min_weight_grams,
            days_from=t.days_from,
            days_to=t.days_to,
        )
        for t in demo_delivery.tariffs()
    )
    session.add_all(
        CollectionPoint(
            slug=p.slug,
            name=p.name,
            region_code=p.region,
            address=p.address,
            hours=p.hours,
            serves=p.serves,
        )
        for p in demo_delivery.POINTS
    )
    session.flush()


def _accounts(session: Session, market: Market, now: datetime) -> None:
    for seed in ACCOUNTS:
        user = accounts.register(
            session,
            login=seed.login,
            password=PASSWORD,
            name=seed.name,
            role=seed.role,
            now=now - FOUNDED,
            region_code=seed.area,
            verified=True,
        )
        market.users[seed.login] = user
        if seed.producer:
            producer = market.producers[seed.producer]
            session.add(ProducerStaff(user_id=user.id, producer_id=producer.id))
    session.flush()
