"""What staff sees of its own listings. Every read starts from the account: a product is found only
by the staff of the producer that lists it; a group's members are not among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from ovop_market.accounts.models import User
from ovop_market.catalogue.listings.states import ListingState, state_of
from ovop_market.catalogue.models import Category, Product, ProductPhoto, Variant
from ovop_market.core.errors import NotFound
from ovop_market.villages.models import Producer
from ovop_market.villages.queries import is_slug, own_producers
from ovop_market.web.pictures import PictureSources, sources


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product in the list. `on_sale`: buyers see it; it is listed and a pack of it is sold."""

    slug: str
    name: str
    producer: str
    photo: PictureSources | None
    packs: Sequence[Variant]
    listed: bool
    state: ListingState
    selling: bool

    @property
    def on_sale(self) -> bool:
        return self.listed and self.selling and any(pack.sold for pack in self.packs)


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """A picture with its address."""

    photo: ProductPhoto
    sources: PictureSources


def producers_of(session: Session, user: User) -> Sequence[Producer]:
    """The producers that the account acts for, by name."""
    return session.scalars(
        select(Producer)
        .where(Producer.id.in_(own_producers(user)))
        .order_by(Producer.name, Producer.id)
    ).all()


def latest_category(session: Session, user: User) -> Category | None:
    """The kind of what the account's producers listed last: the next one is mostly alike."""
    return session.scalar(
        select(Product.category)
        .where(Product.producer_id.in_(own_producers(user)))
        .order_by(Product.id.desc())
        .limit(1)
    )


def products_of(session: Session, user: User) -> list[ProductRow]:
    """All products of the account's producers, by name: three statements."""
    found = session.scalars(
        select(Product)
        .where(Product.producer_id.in_(own_producers(user)))
        .options(
            joinedload(Product.producer),
            selectinload(Product.variants),
            selectinload(Product.photos),
        )
        .order_by(Product.name, Product.id)
        .execution_options(populate_existing=True)
    )
    return [
        ProductRow(
            slug=product.slug,
            name=product.name,
            producer=product.producer.name,
            photo=sources(product.photos[0]) if product.photos else None,
            packs=[*product.variants],
            listed=product.listed,
            state=state_of(product),
            selling=product.producer.selling,
        )
        for product in found
    ]


def product_of(session: Session, user: User, slug: str) -> Product:
    """One of the account's products. Raises NotFound."""
    product = None
    if is_slug(slug):
        product = session.scalar(
            select(Product)
            .where(Product.slug == slug, Product.producer_id.in_(own_producers(user)))
            .options(joinedload(Product.producer))
        )
    if product is None:
        raise NotFound(_("Produk ini tidak ada di akun Anda."))
    return product


def variant_of(session: Session, product: Product, variant_id: int) -> Variant:
    """A pack of the product. Raises NotFound."""
    variant = session.scalar(
        select(Variant).where(Variant.id == variant_id, Variant.product_id == product.id)
    )
    if variant is None:
        raise NotFound(_("Kemasan ini tidak ada di produk Anda."))
    return variant


def variants_of(session: Session, product: Product) -> Sequence[Variant]:
    """The product's packs in their order, as they are now."""
    return session.scalars(
        select(Variant)
        .where(Variant.product_id == product.id)
        .order_by(Variant.position, Variant.id)
        .execution_options(populate_existing=True)
    ).all()


def photos_of(session: Session, product: Product) -> list[PhotoRow]:
    """The product's pictures in their order, as they are now."""
    found = session.scalars(
        select(ProductPhoto)
        .where(ProductPhoto.product_id == product.id)
        .order_by(ProductPhoto.position, ProductPhoto.id)
        .execution_options(populate_existing=True)
    )
    return [PhotoRow(photo, sources(photo)) for photo in found]
