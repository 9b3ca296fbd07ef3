"""What a product's page shows: packs with what is ready or by when it is made, maker, permits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased, joinedload

from ovop_market.catalogue import promises, queries
from ovop_market.catalogue.labels import Badge, badge
from ovop_market.catalogue.models import Offer, Product, ProductPhoto, Variant, on_show
from ovop_market.catalogue.promises import Rush, Timetable
from ovop_market.catalogue.services import closures_of, supply_of, supplying, weeks_of
from ovop_market.catalogue.supply import Supply, from_stock, ready_now, to_be_made
from ovop_market.core import whatsapp
from ovop_market.core.errors import NotFound
from ovop_market.core.money import Rupiah
from ovop_market.core.quantity import format_weight
from ovop_market.villages.models import Permit, Producer, Village
from ovop_market.villages.queries import is_slug
from ovop_market.web.filters import day, short_day
from ovop_market.web.pictures import PictureSources, sources


@dataclass(frozen=True, slots=True)
class Pack:
    """A variant as a large radio button (radio_cards in components/form.html)."""

    value: int
    title: str
    text: str
    price: Rupiah
    checked: bool
    disabled: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProductPage:
    """A product with everything that its page tells. `obstacle` says why nothing can be ordered;
    `timetables` by when how many packs can be made; `rush` until when to order before Lebaran."""

    product: Product
    producer: Producer
    village: Village
    photos: Sequence[PictureSources]
    packs: Sequence[Pack]
    price_from: Rupiah
    badge: Badge
    permits: Sequence[Permit]
    related: Sequence[queries.Card]
    obstacle: str
    timetables: Sequence[Timetable]
    rush: Rush | None

    @property
    def chat_address(self) -> str:
        """The producer's WhatsApp, with a first sentence."""
        greeting = _("Halo, saya mau tanya tentang %(name)s.", name=self.product.name)
        return whatsapp.address(self.producer.phone, greeting)


def product_page(session: Session, slug: str, today: date) -> ProductPage:
    """The product of this slug, if it is on sale. Raises NotFound. Five statements."""
    product = _load(session, slug)
    means, held = _supplies(session, product, today)
    variants = list(means)
    if not variants:
        raise NotFound(_("Produk ini tidak dijual lagi. Lihat produk lain."))
    producer = product.producer
    packs = _packs(product, means, held, today)
    obstacle = _obstacle(producer, packs, today)
    making = means if product.made_to_order and not obstacle else {}
    return ProductPage(
        product=product,
        producer=producer,
        village=producer.village,
        photos=_photos(session, product.id),
        packs=packs,
        price_from=Rupiah(min(variant.price for variant in variants)),
        badge=_badge(product, means, today),
        permits=[p for p in producer.permits if not (p.expires_on and p.expires_on < today)],
        related=queries.related(session, product, today),
        obstacle=obstacle,
        timetables=promises.timetables(making, held, today),
        rush=promises.rush(list(making.values()), held, today),
    )


def _load(session: Session, slug: str) -> Product:
    product = None
    if is_slug(slug):
        to_producer = joinedload(Product.producer)
        product = (
            session.scalars(
                select(Product)
                .where(Product.slug == slug, on_show())
                .options(to_producer.joinedload(Producer.village))
                .options(to_producer.joinedload(Producer.permits))
            )
            .unique()
            .first()
        )
    if product is None:
        raise NotFound(_("Produk ini tidak dijual lagi. Lihat produk lain."))
    return product


def _photos(session: Session, product_id: int) -> list[PictureSources]:
    found = session.scalars(
        select(ProductPhoto)
        .where(ProductPhoto.product_id == product_id)
        .order_by(ProductPhoto.position, ProductPhoto.id)
    )
    return [sources(photo) for photo in found]


def _supplies(
    session: Session, product: Product, today: date
) -> tuple[dict[Variant, list[Supply]], Mapping[tuple[int, date], int]]:
    """Each pack on sale with the means of all who can supply it, and what is taken of them."""
    offers = (
        select(Offer, Producer.closed_from, Producer.closed_to)
        .join(Offer.producer)
        .where(supplying(today))
        .subquery()
    )
    offer = aliased(Offer, offers)
    rows = session.execute(
        select(Variant, offer, offers.c.closed_from, offers.c.closed_to)
        .outerjoin(offers, offers.c.variant_id == Variant.id)
        .where(Variant.product_id == product.id, Variant.sold)
        .order_by(Variant.position, Variant.id, offers.c.id)
    ).all()
    ids = [own.id for _variant, own, *_closed in rows if own is not None]
    held, plans = weeks_of(session, ids, today) if product.made_to_order else ({}, {})
    found: dict[Variant, list[Supply]] = {}
    for variant, own, *closed in rows:
        many = found.setdefault(variant, [])
        if own is not None:
            many.append(supply_of(own, closures_of(*closed), plans.get(own.id, ()), today))
    return found, held


def _packs(
    product: Product,
    means: Mapping[Variant, list[Supply]],
    held: Mapping[tuple[int, date], int],
    today: date,
) -> list[Pack]:
    shut = product.producer.closed_on(today)
    packs: list[Pack] = []
    for variant, many in means.items():
        plan = from_stock(many, 1, today)
        if plan is None and product.made_to_order:
            plan = to_be_made(many, held, 1, today)
        if plan is None:
            when, reason = "", _("Sedang habis")
        elif plan.from_stock:
            when, reason = _("%(count)d siap", count=ready_now(many)), ""
        else:
            when, reason = _("Siap paling cepat %(day)s", day=short_day(plan.ready_by)), ""
        weight = _("%(weight)s dengan kemasan", weight=format_weight(variant.weight_grams))
        packs.append(
            Pack(
                value=variant.id,
                title=variant.name,
                text=" · ".join(part for part in ("" if shut else when, weight) if part),
                price=Rupiah(variant.price),
                checked=bool(plan) and not shut and not any(pack.checked for pack in packs),
                disabled=plan is None or shut,
                reason="" if shut else reason,
            )
        )
    return packs


def _badge(product: Product, means: Mapping[Variant, list[Supply]], today: date) -> Badge:
    every = [supply for many in means.values() for supply in many]
    days = [supply.lead_days for supply in every if supply.weekly_capacity > 0]
    producer = product.producer
    return badge(
        closed=producer.closed_on(today),
        closed_to=producer.closed_to,
        ready=ready_now(every),
        lead_days=(min(days), max(days)) if days and product.made_to_order else None,
    )


def _obstacle(producer: Producer, packs: Sequence[Pack], today: date) -> str:
    text = ""
    if producer.closed_on(today) and producer.closed_to is not None:
        until = day(producer.closed_to)
        text = _("Penjual tutup sampai %(day)s. Sesudah itu bisa dipesan lagi.", day=until)
    elif producer.closed_on(today):
        text = _("Penjual tutup untuk sementara. Tanya lewat WhatsApp kapan buka lagi.")
    elif all(pack.disabled for pack in packs):
        text = _("Sedang habis dan belum ada jadwal membuatnya. Tanya penjual kapan ada lagi.")
    return text
