"""What staff does with the pictures of a product. Files come before rows, and go after them: those
that no row shows are swept away by a job (jobs.sweep_pictures)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.catalogue.listings.pack_services import put
from ovop_market.catalogue.listings.reviews import changing, lock
from ovop_market.catalogue.listings.values import MOST_PHOTOS
from ovop_market.catalogue.models import Product, ProductPhoto
from ovop_market.core.errors import Unusable
from ovop_market.web.pictures import StoredPicture


def refuse_too_many(more: int) -> None:
    """Raises Unusable for more pictures than a product has: asked before they are decoded."""
    if more > MOST_PHOTOS:
        raise _too_many()


def add(
    session: Session,
    product: Product,
    stored: Sequence[StoredPicture],
    *,
    actor_id: int,
    now: datetime,
) -> int:
    """Shows pictures behind those that are there; returns how many are new. One that is there
    already stays where it is. Raises Unusable when there would be too many."""
    with changing(session, product, now):
        return _added(session, product, stored, actor_id, now)


def _added(
    session: Session,
    product: Product,
    stored: Sequence[StoredPicture],
    actor_id: int,
    now: datetime,
) -> int:
    photos = photos_of(session, product)
    known = {photo.key for photo in photos}
    fresh = {picture.key: picture for picture in stored if picture.key not in known}
    if len(photos) + len(fresh) > MOST_PHOTOS:
        raise _too_many()
    behind = max((photo.position for photo in photos), default=-1) + 1
    for number, picture in enumerate(fresh.values()):
        session.add(
            ProductPhoto(
                product_id=product.id,
                key=picture.key,
                alt=product.name,
                width=picture.width,
                height=picture.height,
                position=behind + number,
            )
        )
    if fresh:
        _record(session, product, {"added": list(fresh)}, actor_id, now)
    return len(fresh)


def describe(
    session: Session, product: Product, photo_id: int, alt: str, *, actor_id: int, now: datetime
) -> None:
    """Says what is to be seen on a picture; nothing said: the product's name."""
    with changing(session, product, now):
        photo = _photo(session, product, photo_id)
        alt = alt or product.name
        if photo is None or photo.alt == alt:
            return
        _record(session, product, {"alt": [photo.alt, alt], "picture": photo.key}, actor_id, now)
        photo.alt = alt


def place(
    session: Session,
    product: Product,
    photo_id: int,
    position: int,
    *,
    actor_id: int,
    now: datetime,
) -> None:
    """Puts a picture at a place, counted from 0: the first is on the card."""
    lock(session, product)
    photo = _photo(session, product, photo_id)
    if photo is None:
        return
    photos = photos_of(session, product)
    before = [each.key for each in photos]
    put(photos, photo, position)
    after = [each.key for each in sorted(photos, key=lambda each: each.position)]
    if before != after:
        _record(session, product, {"order": [before, after]}, actor_id, now)
    session.flush()


def remove(
    session: Session, product: Product, photo_id: int, *, actor_id: int, now: datetime
) -> None:
    """Shows a picture no more. Removing twice is removing once."""
    with changing(session, product, now):
        photo = _photo(session, product, photo_id)
        if photo is None:
            return
        _record(session, product, {"removed": photo.key}, actor_id, now)
        session.delete(photo)


def photos_of(session: Session, product: Product) -> Sequence[ProductPhoto]:
    """The product's pictures as they are now, in their order."""
    return session.scalars(
        select(ProductPhoto)
        .where(ProductPhoto.product_id == product.id)
        .order_by(ProductPhoto.position, ProductPhoto.id)
        .execution_options(populate_existing=True)
    ).all()


def _photo(session: Session, product: Product, photo_id: int) -> ProductPhoto | None:
    """The picture of this product, or None: gone already, or another's, which looks the same."""
    return next((p for p in photos_of(session, product) if p.id == photo_id), None)


def _record(
    session: Session, product: Product, details: dict[str, object], actor_id: int, now: datetime
) -> None:
    record(session, "pictures changed", f"product {product.id}", now, actor_id, details)


def _too_many() -> Unusable:
    return Unusable(
        _("Satu produk paling banyak %(most)d foto. Hapus satu dulu.", most=MOST_PHOTOS),
        field="photo",
    )
