"""Villages, producers and products in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.models import (
    Category,
    Offer,
    Product,
    StockKind,
    StockMovement,
    StockReason,
    Storage,
    Variant,
)
from ovop_market.delivery.models import Service, Tariff
from ovop_market.payments.models import PayoutAccount
from ovop_market.regions.models import Region
from ovop_market.regions.words import plain
from ovop_market.seeds import bulk
from ovop_market.seeds.demo_producers import INVENTED_BANK, invented_account, invented_phone
from ovop_market.villages.models import Designation, Producer, ProducerKind, Stage, Village

COURIER = "kurir-contoh"
OPERATOR = "operator-skala@ovop.example"
_PRODUCTS_OF_ONE = 4  # products of one producer
_READY = 40
_GOODS: tuple[tuple[str, Category], ...] = (
    ("Keripik Pisang", Category.SNACK),
    ("Kerupuk Ikan", Category.SNACK),
    ("Kopi Bubuk", Category.TEA),
    ("Teh Daun", Category.TEA),
    ("Madu Hutan", Category.HONEY),
    ("Sambal Botol", Category.CONDIMENT),
    ("Gula Aren", Category.CONDIMENT),
    ("Ikan Asin", Category.SEAFOOD),
    ("Abon Ikan", Category.SEAFOOD),
    ("Anyaman Pandan", Category.CRAFT),
    ("Tikar Mendong", Category.CRAFT),
    ("Kain Tenun", Category.CRAFT),
    ("Sabun Kelapa", Category.CARE),
    ("Bakso Beku", Category.FROZEN),
)
# Bangka Barat, Kepulauan Bangka Belitung, Sumatera Selatan, everywhere.
_NEAR = ("19.05.", "19.", "16.", "")
_PACKS = (("Kecil", 250, 1), ("Besar", 600, 2))


@dataclass(frozen=True, slots=True)
class Pack:
    """A variant with its offer: price in rupiah, weight in grams, packs a week."""

    variant_id: int
    offer_id: int
    name: str
    price: int
    grams: int
    weekly: int


@dataclass(frozen=True, slots=True)
class Goods:
    """A product as orders need to know it."""

    name: str
    producer_id: int
    home: str
    packs: Sequence[Pack]


@dataclass(frozen=True, slots=True)
class ScaleMarket:
    """What orders can be made of."""

    goods: Sequence[Goods]
    service_id: int
    operator_id: int


def plant(
    session: Session, now: datetime, *, villages: int, products: int, rng: Random
) -> ScaleMarket:
    """Adds villages and products in the session's transaction."""
    service_id = _service(session)
    operator_id = _operator(session, now)
    homes = _villages(session, villages, rng)
    producers = _producers(session, homes, -(-products // _PRODUCTS_OF_ONE), now)
    goods = _products(session, producers, products, now, rng)
    bulk.settle(session, (Village, Designation, Producer, Product, Variant, Offer, StockMovement))
    return ScaleMarket(goods, service_id, operator_id)


def _service(session: Session) -> int:
    """A courier from everywhere to everywhere, so that what is planted can be ordered."""
    service = session.scalar(select(Service).where(Service.code == COURIER))
    if service is None:
        service = Service(code=COURIER, courier="Kurir Contoh", name="Reguler")
        session.add_all(
            [
                service,
                Tariff(
                    service=service,
                    origin="",
                    destination="",
                    price_per_kg=25_000,
                    days_from=2,
                    days_to=6,
                ),
            ]
        )
        session.flush()
    return service.id


def _operator(session: Session, now: datetime) -> int:
    """Who confirmed the payments: an account that nobody can sign in to."""
    user = session.scalar(select(User).where(User.email == OPERATOR))
    if user is None:
        user = User(
            role=Role.OPERATOR,
            name="Operator Contoh",
            email=OPERATOR,
            password_hash="!",  # noqa: S106 (no password has this hash)
            created_at=now,
            disabled_at=now,
        )
        session.add(user)
        session.flush()
    return user.id


def _villages(session: Session, count: int, rng: Random) -> list[tuple[int, str, str]]:
    """New villages: id, code and name. A programme belongs to regencies: the villages are those of
    Bangka Barat, then of its province, then of the one beside it, and so on."""
    rows = session.execute(
        select(Region.code, Region.name)
        .where(Region.level == 4, Region.code.not_in(select(Village.region_code)))
        .order_by(Region.code)
    ).all()
    free = [(code, name) for code, name in rows]
    if len(free) < count:
        raise LookupError(f"only {len(free)} villages are left")
    first = bulk.next_id(session, Village)
    rng.shuffle(free)
    free.sort(key=_distance)
    chosen = sorted(free[:count])
    homes = [(first + n, code, name) for n, (code, name) in enumerate(chosen)]
    story = "Desa contoh untuk mencoba pasar dalam ukuran besar.\n\nIsinya dikarang."
    bulk.insert(
        session,
        Village,
        ("id", "region_code", "slug", "name", "story", "also_known_as"),
        (
            (id_, code, f"{_slug(name)}-{code.replace('.', '')}", name, story, "")
            for id_, code, name in homes
        ),
    )
    first = bulk.next_id(session, Designation)
    bulk.insert(
        session,
        Designation,
        ("id", "village_id", "year", "flagship", "stage", "stars", "baseline_sales"),
        (
            (
                first + n,
                village_id,
                rng.randint(2016, 2025),
                rng.choice(_GOODS)[0].lower(),
                rng.choice(list(Stage)).value,
                rng.randint(1, 5),
                rng.randint(1, 30) * 1_000_000,
            )
            for n, (village_id, _code, _name) in enumerate(homes)
        ),
    )
    return homes


def _distance(place: tuple[str, str]) -> tuple[int, str]:
    """What is nearer comes first, one regency after the other."""
    code, _name = place
    return next(n for n, near in enumerate(_NEAR) if code.startswith(near)), code[:5]


def _producers(
    session: Session, homes: Sequence[tuple[int, str, str]], count: int, now: datetime
) -> list[tuple[int, str, str]]:
    """New producers: id, and code and name of the village. Villages take turns."""
    first = bulk.next_id(session, Producer)
    founded = bulk.moment_writer(session)(now - timedelta(days=1_200))
    chosen = [(first + n, *homes[n % len(homes)]) for n in range(count)]
    bulk.insert(
        session,
        Producer,
        ("id", "village_id", "kind", "slug", "name", "about", "phone", "cash_on_delivery",
         "cash_at_pickup", "created_at", "state_since"),
        (
            (id_, village_id, ProducerKind.HOUSEHOLD.value, f"rumah-contoh-{id_}",
             f"Rumah Contoh {id_}", "", invented_phone(id_), True, True, founded, founded)
            for id_, village_id, _code, _name in chosen
        ),
    )  # fmt: skip
    bulk.insert(
        session,
        PayoutAccount,
        ("producer_id", "bank", "number", "holder", "changed_at"),
        (
            (id_, INVENTED_BANK, invented_account(id_), f"Rumah Contoh {id_}", founded)
            for id_, _village_id, _code, _name in chosen
        ),
    )
    return [(id_, code, name) for id_, _village_id, code, name in chosen]


def _products(
    session: Session,
    producers: Sequence[tuple[int, str, str]],
    count: int,
    now: datetime,
    rng: Random,
) -> list[Goods]:
    first = bulk.next_id(session, Product)
    first_pack = bulk.next_id(session, Variant)
    first_offer = bulk.next_id(session, Offer)
    moment = bulk.moment_writer(session)
    goods, rows = [], []
    for n in range(count):
        producer_id, home, village = producers[n % len(producers)]
        kind, category = rng.choice(_GOODS)
        name = f"{kind} {village}"
        price = rng.randint(8, 90) * 1_000
        listed_at = moment(now - timedelta(days=rng.randint(1, 1_150), seconds=n % 86_400))
        rows.append(
            (first + n, producer_id, f"{_slug(name)}-{first + n}", name, category, listed_at)
        )
        packs = [
            Pack(
                variant_id=first_pack + n * len(_PACKS) + position,
                offer_id=first_offer + n * len(_PACKS) + position,
                name=pack,
                price=price * times,
                grams=grams,
                weekly=30,
            )
            for position, (pack, grams, times) in enumerate(_PACKS)
        ]
        goods.append(Goods(name, producer_id, home, packs))
    _insert_products(session, rows)
    _insert_packs(session, goods, first, moment(now - timedelta(days=1_200)))
    return goods


def _insert_products(
    session: Session, rows: Sequence[tuple[int, int, str, str, Category, str]]
) -> None:
    columns = (
        "id", "producer_id", "slug", "name", "category", "summary", "description", "ingredients",
        "storage", "storage_note", "shelf_life_days", "max_transit_days", "made_to_order",
        "listed", "created_at", "search_title", "search_text",
    )  # fmt: skip
    bulk.insert(
        session,
        Product,
        columns,
        (
            (id_, producer_id, slug, name, category.value, f"{name}, barang contoh.", "", "",
             (Storage.FROZEN if category is Category.FROZEN else Storage.AMBIENT).value, "", 90,
             7 if category is Category.FROZEN else None, True, True, listed_at, "", "")
            for id_, producer_id, slug, name, category, listed_at in rows
        ),
    )  # fmt: skip


def _insert_packs(session: Session, goods: Sequence[Goods], first: int, at: str) -> None:
    packs = [
        (first + n, position, thing.producer_id, pack)
        for n, thing in enumerate(goods)
        for position, pack in enumerate(thing.packs)
    ]
    bulk.insert(
        session,
        Variant,
        ("id", "product_id", "name", "price", "weight_grams", "position", "sold"),
        ((p.variant_id, product, p.name, p.price, p.grams, n, True) for product, n, _, p in packs),
    )
    bulk.insert(
        session,
        Offer,
        ("id", "variant_id", "producer_id", "ready", "weekly_capacity", "lead_days"),
        ((p.offer_id, p.variant_id, maker, _READY, p.weekly, 3) for _, _, maker, p in packs),
    )
    first_movement = bulk.next_id(session, StockMovement)
    bulk.insert(
        session,
        StockMovement,
        ("id", "offer_id", "kind", "change", "reason", "at"),
        (
            (first_movement + n, pack.offer_id, StockKind.READY.value, _READY,
             StockReason.OPENING.value, at)
            for n, (_, _, _, pack) in enumerate(packs)
        ),
    )  # fmt: skip


def _slug(name: str) -> str:
    return plain(name).replace(" ", "-")
