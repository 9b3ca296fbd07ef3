"""What the maker page of a parcel tells: who made what, where and when. Nothing of it says who
bought it, how much, or where it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import (
    Offer,
    Product,
    ProductPhoto,
    StockKind,
    Storage,
    Variant,
    on_show,
)
from ovop_market.core.errors import NotFound
from ovop_market.core.tokens import maker_code_in
from ovop_market.orders.maker_models import MakerPage
from ovop_market.orders.models import Hold, Order, OrderLine
from ovop_market.orders.states import FINAL
from ovop_market.regions.models import Region
from ovop_market.villages.models import Producer, ProducerKind, Village
from ovop_market.web.pictures import PictureSources, sources


@dataclass(frozen=True, slots=True)
class Goods:
    """A product in the parcel.

    `made_on` is None while it is being made, and where all packs were ready when they were ordered;
    `best_before` also where some were: those were made before, and carry their own date.
    """

    name: str
    slug: str | None
    photo: PictureSources | None
    storage: Storage
    storage_note: str
    shelf_life_days: int | None
    from_stock: bool
    some_from_stock: bool
    made_on: date | None

    @property
    def best_before(self) -> date | None:
        """Until when it is good if it is kept as it must be."""
        if self.made_on is None or self.shelf_life_days is None or self.some_from_stock:
            return None
        return self.made_on + timedelta(days=self.shelf_life_days)


@dataclass(frozen=True, slots=True)
class Made:
    """Everything on a maker page. `slug` of goods is None when they are not sold any more.

    `ready_on` is the day on which everything was ready, None before; `group` is the group that
    the makers belong to, if they sold through one.
    """

    code: str
    ready_on: date | None
    makers: Sequence[str]
    group: str | None
    village: str
    village_slug: str
    district: str
    regency: str
    goods: Sequence[Goods]

    @property
    def packed(self) -> bool:
        """Whether all of it was ready before, so that it was only packed."""
        return all(goods.from_stock for goods in self.goods)


def shown_code(code: str) -> str:
    """In two groups, as it is printed: `7K4M2-XQ9RT`."""
    half = len(code) // 2
    return f"{code[:half]}-{code[half:]}"


def made(session: Session, text: str) -> Made:
    """The maker page of this code, however it is typed. Raises NotFound. Three statements.

    An order that was called off before anything of it left has no page any more.
    """
    code = maker_code_in(text)
    row = None
    if code is not None:
        row = session.execute(
            select(MakerPage.order_id, MakerPage.made_on, Producer, Village, Region.path)
            .join(Order, Order.id == MakerPage.order_id)
            .join(Producer, Producer.id == Order.producer_id)
            .join(Village, Village.id == Producer.village_id)
            .join(Region, Region.code == Village.region_code)
            .where(
                MakerPage.code == code,
                or_(Order.state.not_in(FINAL), Order.fulfilled_from.is_not(None)),
            )
        ).first()
    if row is None or code is None:
        raise NotFound(_("Kode ini tidak ada. Periksa huruf dan angkanya di label."))
    order_id, made_on, producer, village, path = row
    # "Belo Laut, Mentok, Kabupaten Bangka Barat, Kepulauan Bangka Belitung"
    _own_name, district, regency, *_province = path.split(", ")
    names = makers(session, order_id)
    return Made(
        code=code,
        ready_on=made_on,
        makers=names or [producer.name],
        group=producer.name if producer.kind is ProducerKind.GROUP and names else None,
        village=village.name,
        village_slug=village.slug,
        district=district,
        regency=regency,
        goods=_goods(session, order_id, made_on),
    )


def makers(session: Session, order_id: int) -> list[str]:
    """The names of the households that make what is in an order: those whose packs are held."""
    found = session.execute(
        select(Producer.name, func.sum(Hold.quantity))
        .join(Offer, Offer.producer_id == Producer.id)
        .join(Hold, Hold.offer_id == Offer.id)
        .join(OrderLine, OrderLine.id == Hold.line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(
            OrderLine.order_id == order_id,
            Hold.quantity > 0,
            # What a group made though a household was asked, that household has not made.
            or_(Hold.allocation_id.is_not(None), Offer.producer_id == Order.producer_id),
        )
        .group_by(Producer.id, Producer.name)
        .order_by(Producer.name)
    )
    return [name for name, _packs in found]


def _goods(session: Session, order_id: int, made_on: date | None) -> list[Goods]:
    face = (
        select(ProductPhoto.id)
        .where(ProductPhoto.product_id == Product.id)
        .order_by(ProductPhoto.position, ProductPhoto.id)
        .limit(1)
        .correlate(Product)
        .scalar_subquery()
    )
    found = session.execute(
        select(
            Product,
            ProductPhoto,
            _held(order_id, StockKind.READY),
            _held(order_id, StockKind.CAPACITY),
            _is_sold(),
        )
        .outerjoin(ProductPhoto, ProductPhoto.id == face)
        .where(
            Product.id.in_(
                select(Variant.product_id)
                .join(OrderLine, OrderLine.variant_id == Variant.id)
                .where(OrderLine.order_id == order_id, OrderLine.quantity > 0)
            )
        )
        .order_by(Product.name, Product.id)
    )
    return [
        Goods(
            name=product.name,
            slug=product.slug if sold else None,
            photo=sources(photo) if photo else None,
            storage=product.storage,
            storage_note=product.storage_note,
            shelf_life_days=product.shelf_life_days,
            from_stock=not was_made and was_ready,
            some_from_stock=was_ready,
            made_on=None if was_ready and not was_made else made_on,
        )
        for product, photo, was_ready, was_made, sold in found
    ]


def _held(order_id: int, kind: StockKind) -> ColumnElement[bool]:
    """Whether any pack of the product was ready when it was ordered, or was made for it."""
    return exists(
        select(Hold.id)
        .join(OrderLine, OrderLine.id == Hold.line_id)
        .join(Variant, Variant.id == OrderLine.variant_id)
        .where(
            OrderLine.order_id == order_id,
            Variant.product_id == Product.id,
            Hold.kind == kind,
            Hold.quantity > 0,
        )
        .correlate(Product)
    )


def _is_sold() -> ColumnElement[bool]:
    """Whether it has a page on which it can be ordered again."""
    pack = exists(
        select(Variant.id).where(Variant.product_id == Product.id, Variant.sold).correlate(Product)
    )
    return on_show() & pack
