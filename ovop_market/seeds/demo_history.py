"""Two years of orders, as of the day of planting: who ordered what, from where, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Category, Product, Variant
from ovop_market.core import clock
from ovop_market.core.money import Rupiah
from ovop_market.core.quantity import CubicCentimetres, Grams
from ovop_market.delivery.models import CollectionPoint, Service, Tariff
from ovop_market.delivery.queries import Freshness, prefixes, price
from ovop_market.orders.models import PaymentMethod
from ovop_market.seeds import bulk, demo_buyers, demo_market, demo_places
from ovop_market.seeds.demo_drafts import Draft
from ovop_market.seeds.demo_market import Market
from ovop_market.seeds.demo_places import Address, Places
from ovop_market.seeds.demo_producers import ACCOUNTS
from ovop_market.seeds.demo_scripts import People, Script
from ovop_market.seeds.demo_shelves import Shelves

SPAN = timedelta(days=730)
ORDERS = 1_200
SEED = 1905
# Idul Fitri (SKB 3 Menteri for the years that are decided, the calendar's estimate after that).
LEBARAN = (
    date(2024, 4, 10),
    date(2025, 3, 31),
    date(2026, 3, 21),
    date(2027, 3, 10),
    date(2028, 2, 27),
    date(2029, 2, 15),
)
# How much each product is asked for; those not named: 2.
_ASKED = {
    "pempek-udang-belo-laut": 30,
    "pempek-telur-udang-belo-laut": 7,
    "kerupuk-udang-belo-laut": 9,
    "kericu-cumi-belo-laut": 5,
    "keranjang-rotan-dendang": 5,
    "nampan-resam-dendang": 3,
    "teri-asin-air-nyatoh": 6,
    "sambal-teri-air-nyatoh": 4,
    "terasi-udang-tanjung-niur": 8,
    "sambal-terasi-tanjung-niur": 4,
    "madu-kelulut-pangkal-beras": 6,
    "teh-tayu-ketap": 5,
    "teh-daun-kelor-teluk-limau": 4,
    "bakso-ikan-air-kuang": 3,
    "tas-rotan-terentang": 3,
}
_HOURS = (1, 2, 3, 4, 4, 3, 3, 3, 3, 3, 4, 6, 7, 5, 2)  # from 7 to 21 o'clock


@dataclass(frozen=True, slots=True)
class Delivery:
    """A chosen way: what it costs (rupiah), and how many days it takes."""

    service_id: int | None
    collection_point_id: int | None
    courier: str | None
    shipping: Rupiah
    days: tuple[int, int]


class History:
    """Drafts the orders, the earliest first."""

    def __init__(self, session: Session, market: Market, now: datetime) -> None:
        self.rng = Random(SEED)
        self.now = now
        self.market = market
        self.places: Places = demo_places.find(session)
        self.shelves = Shelves.of(demo_market.opening_stock(market))
        self.products = list(market.products.values())
        self.regulars = demo_buyers.Regulars(Random(SEED + 1))
        # What sellers bring themselves goes from one village each; the others from all of them.
        by_courier = select(Tariff).join(Tariff.service).where(~Service.local)
        self.tariffs = session.scalars(by_courier).all()
        self.point = session.scalars(select(CollectionPoint)).first()
        self.buyer_id = market.users["pembeli@ovop.example"].id
        self.people = People(
            staff={
                market.producers[a.producer].id: market.users[a.login].id
                for a in ACCOUNTS
                if a.producer
            },
            operator_id=market.users["operator@ovop.example"].id,
        )

    def drafts(self, count: int = ORDERS) -> list[Draft]:
        """About `count` orders (some that nobody could supply are left out)."""
        found = []
        for number, at in enumerate(self._moments(count)):
            draft = self._draft(number, at)
            if draft is None:
                continue
            Script(draft, self.people, self.rng).play(self.now)
            if draft.released:
                self.shelves.take(draft.plan, draft.variant, -1)
            found.append(draft)
        self.shelves.close(self.now - timedelta(minutes=30))
        return found

    def _moments(self, count: int) -> list[datetime]:
        """More from month to month, and many more in the weeks before Lebaran."""
        today = clock.wib_date(self.now)
        days = [today - timedelta(days=n) for n in range(SPAN.days, -1, -1)]
        weights = [
            (1 + 2.4 * n / SPAN.days) * _season(day) * (1.25 if day.weekday() >= 5 else 1)
            for n, day in enumerate(days)
        ]
        hours = range(7, 7 + len(_HOURS))
        moments = [
            clock.start_of_day(day)
            + timedelta(
                hours=hour, minutes=self.rng.randint(0, 59), seconds=self.rng.randint(0, 59)
            )
            for day, hour in zip(
                self.rng.choices(days, weights, k=count),
                self.rng.choices(hours, _HOURS, k=count),
                strict=True,
            )
        ]
        latest = self.now - timedelta(hours=1)
        return sorted(min(at, latest).astimezone(UTC) for at in moments)

    def _draft(self, number: int, at: datetime) -> Draft | None:
        product = self._product(at)
        variant = self.rng.choice(product.variants)
        quantity = self._quantity(product)
        address = self._address(product, at)
        delivery = self._delivery(variant, quantity, address)
        plan = self.shelves.plan(variant, quantity, at, self.rng)
        if plan is None or delivery is None:
            return None
        self.shelves.take(plan, variant)
        buyer = self.regulars.order(address.code, demo_buyers.invent(self.rng))
        home = address.regency == demo_places.HOME
        cash = home and product.producer.cash_on_delivery and self.rng.random() < 0.5
        return Draft(
            number=bulk.order_number(number)[:-1],
            placed_at=at,
            buyer=buyer,
            buyer_id=None,
            address=address,
            method=PaymentMethod.COD if cash else PaymentMethod.TRANSFER,
            note=demo_buyers.note(self.rng, party=quantity >= 12),
            product=product,
            variant=variant,
            quantity=quantity,
            plan=plan,
            service_id=delivery.service_id,
            collection_point_id=delivery.collection_point_id,
            shipping=delivery.shipping,
            ready_by=plan.ready_by,
            courier=delivery.courier,
            transit=delivery.days,
        )

    def _product(self, at: datetime) -> Product:
        month = clock.wib(at).month
        there = [p for p in self.products if p.created_at <= at]
        weights = [_ASKED.get(p.slug, 2) * (1.0 if _in_season(p, month) else 0.3) for p in there]
        return self.rng.choices(there, weights)[0]

    def _quantity(self, product: Product) -> int:
        luck = self.rng.random()
        if product.category is Category.FROZEN and luck < 0.07:
            return self.rng.choice((12, 15, 20, 25, 30, 40, 60))
        if luck < 0.03 and product.made_to_order:
            return self.rng.choice((6, 8, 10, 12))
        return self.rng.choices((1, 2, 3, 4, 5), (38, 32, 15, 9, 6))[0]

    def _address(self, product: Product, at: datetime) -> Address:
        progress = 1 - (self.now - at) / SPAN
        weights = self.places.weights(progress)
        regency = self.rng.choices(list(weights), list(weights.values()))[0]
        if regency == demo_places.HOME and self.rng.random() < 0.3:
            return self.places.villages[product.producer.village.region_code]
        return self.rng.choice(self.places.addresses[regency])

    def _delivery(self, variant: Variant, quantity: int, address: Address) -> Delivery | None:
        """A way that keeps the goods fresh, or None. Most buyers take the cheapest."""
        near = address.code.startswith(demo_places.PROVINCE)
        if near and self.point is not None and self.rng.random() < 0.3:
            return Delivery(None, self.point.id, None, Rupiah(0), (0, 0))
        freshness = Freshness.of([variant.product])
        weight = Grams(variant.weight_grams * quantity)
        ways = [
            Delivery(
                tariff.service_id,
                None,
                tariff.service.courier,
                price(tariff, weight, CubicCentimetres(variant.volume * quantity)),
                (tariff.days_from, tariff.days_to),
            )
            for tariff in self._tariffs_to(address)
            if freshness.allows(tariff.days_to, tariff.service.cold_chain)
        ]
        ways.sort(key=lambda way: way.shipping)
        # Buyers of a single pack do not pay for five kilograms, and few wait for weeks.
        quick = [way for way in ways if way.days[1] <= 10] or ways
        return (quick[0] if self.rng.random() < 0.8 else self.rng.choice(quick)) if quick else None

    def _tariffs_to(self, address: Address) -> Sequence[Tariff]:
        """The tariff of each service that serves the address: that of the smallest area around."""
        if address.code not in self._known_tariffs:
            around = prefixes(address.code)
            fitting = [t for t in self.tariffs if t.destination in around]
            fitting.sort(key=lambda tariff: len(tariff.destination))
            self._known_tariffs[address.code] = list({t.service_id: t for t in fitting}.values())
        return self._known_tariffs[address.code]

    @cached_property
    def _known_tariffs(self) -> dict[str, list[Tariff]]:
        return {}


def _season(day: date) -> float:
    """How much more is ordered than on an ordinary day."""
    for lebaran in LEBARAN:
        ahead = (lebaran - day).days
        if 0 < ahead <= 28:
            return 3.2 if ahead <= 14 else 2.0
        if -6 <= ahead <= 0:
            return 0.3
    return 1.4 if day.month == 12 and day.day > 10 else 1.0


def _in_season(product: Product, month: int) -> bool:
    first, last = product.season_from, product.season_to
    if first is None or last is None:
        return True
    return first <= month <= last if first <= last else not last < month < first
