"""What waits on the demo's desk beside orders and money: who wants to sell, who was stopped, and
listings to look at. All of them are invented, and none of them is seen by buyers."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ovop_market.catalogue.listings.models import ListingEvent
from ovop_market.catalogue.listings.states import ListingAction, ListingState
from ovop_market.catalogue.models import (
    Category,
    Offer,
    Product,
    Review,
    Storage,
    Variant,
)
from ovop_market.seeds.demo_market import Market
from ovop_market.seeds.demo_producers import PERMIT_NUMBERS, invented_phone
from ovop_market.villages.models import Permit, PermitKind, Producer, ProducerKind
from ovop_market.villages.producer_models import ProducerEvent
from ovop_market.villages.producer_states import ProducerAction, ProducerState

OPERATOR = "operator@ovop.example"
# Shown already, and not looked at since it was: an operator does that afterwards.
_UNSEEN = "teri-asin-air-nyatoh"

A, S = ProducerAction, ProducerState


def plant(session: Session, market: Market, now: datetime) -> None:
    """Adds all of it and flushes. Nothing of it is counted anywhere."""
    _applied(
        session,
        now - timedelta(days=2, hours=3),
        Producer(
            village=market.villages["dendang"],
            kind=ProducerKind.HOUSEHOLD,
            slug="rumah-resam-ibu-kenari",
            name="Rumah Resam Ibu Kenari",
            about="Menganyam resam sejak kecil: peci, gelang, dan tempat tisu.",
            phone=invented_phone(7001),
        ),
        (PermitKind.NIB,),
    )
    _applied(
        session,
        now - timedelta(hours=20),
        Producer(
            village=market.villages["ketap"],
            kind=ProducerKind.GROUP,
            slug="kelompok-tayu-ketap",
            name="Kelompok Tayu Ketap",
            about="Enam rumah yang memetik dan menyangrai teh tayu bersama.",
            phone=invented_phone(7002),
        ),
        (),
    )
    _suspended(session, market, now)
    _first_listing(session, market, now - timedelta(hours=5))
    unseen = market.products.get(_UNSEEN)
    if unseen is not None:
        unseen.review_since = now - timedelta(days=1)
    session.flush()


def _applied(
    session: Session,
    at: datetime,
    producer: Producer,
    permits: tuple[PermitKind, ...],
) -> Producer:
    producer.state, producer.on_probation = S.APPLIED, True
    producer.created_at = producer.state_since = at
    session.add(producer)
    session.flush()
    number = producer.id
    session.add_all(
        Permit(producer_id=number, kind=kind, number=PERMIT_NUMBERS[kind].format(number))
        for kind in permits
    )
    _tell(session, producer, A.APPLY, at, None)
    return producer


def _suspended(session: Session, market: Market, now: datetime) -> None:
    operator = market.users[OPERATOR].id
    producer = _applied(
        session,
        now - timedelta(days=90),
        Producer(
            village=market.villages["air-kuang"],
            kind=ProducerKind.HOUSEHOLD,
            slug="dapur-siomay-ibu-cucak",
            name="Dapur Siomay Ibu Cucak",
            about="Siomay ikan tenggiri, dikukus setiap pagi.",
            phone=invented_phone(7003),
        ),
        (PermitKind.NIB,),
    )
    producer.state = S.APPROVED
    _tell(session, producer, A.APPROVE, now - timedelta(days=88), operator)
    producer.state, producer.state_since = S.SUSPENDED, now - timedelta(days=6)
    _tell(
        session,
        producer,
        A.SUSPEND,
        producer.state_since,
        operator,
        "Izin PIRT belum ada. Kirim nomornya begitu keluar, lalu kami buka lagi.",
    )


def _first_listing(session: Session, market: Market, at: datetime) -> None:
    """A household that was approved lately has submitted its first product."""
    operator = market.users[OPERATOR].id
    producer = _applied(
        session,
        at - timedelta(days=4),
        Producer(
            village=market.villages["teluk-limau"],
            kind=ProducerKind.HOUSEHOLD,
            slug="dapur-kelor-ibu-prenjak",
            name="Dapur Kelor Ibu Prenjak",
            about="Membuat keripik dan mi dari daun kelor kebun sendiri.",
            phone=invented_phone(7004),
        ),
        (PermitKind.NIB, PermitKind.PIRT),
    )
    producer.state, producer.state_since = S.APPROVED, at - timedelta(days=2)
    _tell(session, producer, A.APPROVE, producer.state_since, operator)
    product = Product(
        producer=producer,
        slug="keripik-kelor-teluk-limau",
        name="Keripik kelor",
        category=Category.SNACK,
        summary="Daun kelor muda digoreng tepung, renyah dan tidak pahit.",
        ingredients="Daun kelor, tepung beras, bawang putih, garam, minyak kelapa.",
        storage=Storage.AMBIENT,
        shelf_life_days=60,
        listed=False,
        review=Review.SUBMITTED,
        review_since=at,
        created_at=at - timedelta(hours=1),
    )
    pack = Variant(name="100 g", price=15_000, weight_grams=130)
    pack.offers.append(Offer(producer=producer, weekly_capacity=0, lead_days=0))
    product.variants.append(pack)
    session.add(product)
    session.flush()
    session.add(
        ListingEvent(
            product_id=product.id,
            at=at,
            action=ListingAction.SUBMIT,
            state=ListingState.SUBMITTED,
        )
    )


def _tell(
    session: Session,
    producer: Producer,
    action: ProducerAction,
    at: datetime,
    actor_id: int | None,
    reason: str = "",
) -> None:
    session.add(
        ProducerEvent(
            producer_id=producer.id,
            at=at,
            actor_id=actor_id,
            action=action,
            state=producer.state,
            reason=reason,
        )
    )
    session.flush()
