"""What staff does with a product: makes it, changes what is said of it, shows it and hides it."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.catalogue.listings import reviews
from ovop_market.catalogue.listings.states import ListingAction, ListingState, state_of
from ovop_market.catalogue.listings.values import (
    LISTING_FIELDS,
    Listing,
    base_of,
    changes,
    free_slug,
    listing_of,
    mark,
)
from ovop_market.catalogue.models import Product, Storage
from ovop_market.catalogue.search import index
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.core.tokens import digest
from ovop_market.extensions.database import insert_into
from ovop_market.villages.models import Producer

# Two who take the same address at the same moment: the second looks again.
_TRIES = 5


def create(
    session: Session,
    producer: Producer,
    listing: Listing,
    *,
    key: str | None,
    actor_id: int,
    now: datetime,
) -> Product:
    """A new product, hidden until it has a pack. Its address is made of its name, and stays.

    `key` names the form: the same account sending the same form twice makes one product. Raises
    Unusable, naming the field.
    """
    _check(listing)
    submission = digest(f"{actor_id} {key}") if key else None
    for _try in range(_TRIES):
        made = session.scalar(
            insert_into(session, Product)
            .values(
                producer_id=producer.id,
                slug=_free_slug(session, listing.name),
                listed=False,
                created_at=now,
                submission_digest=submission,
                **{name: getattr(listing, name) for name in LISTING_FIELDS},
            )
            .on_conflict_do_nothing()
            .returning(Product.id)
        )
        if made is not None:
            index(session, [made])
            product = session.get_one(Product, made)
            details: dict[str, object] = {"producer": producer.id, "slug": product.slug}
            record(session, "product made", f"product {made}", now, actor_id, details)
            return product
        before = submission and session.scalar(
            select(Product).where(Product.submission_digest == submission)
        )
        if before:
            return before
    raise Conflict(_("Nama ini sedang dipakai. Kirim sekali lagi."))


def revise(
    session: Session,
    product: Product,
    listing: Listing,
    *,
    seen: str | None,
    actor_id: int,
    now: datetime,
) -> None:
    """Says something else of a product; its address stays.

    `seen` is the mark of what was on the screen; None: whatever it was. Raises Conflict when
    somebody else has changed it since, Unusable, naming the field, for what cannot be.
    """
    _check(listing)
    with reviews.changing(session, product, now):
        before = listing_of(product)
        if before == listing:
            return
        if seen is not None and seen != mark(before):
            raise Conflict(
                _("Produk ini baru saja diubah orang lain. Periksa yang berbeda, lalu simpan lagi.")
            )
        for name in LISTING_FIELDS:
            setattr(product, name, getattr(listing, name))
        subject = f"product {product.id}"
        record(session, "product changed", subject, now, actor_id, changes(before, listing))


def publish(session: Session, product: Product, *, actor_id: int, now: datetime) -> ListingState:
    """Shows the product to buyers, or to an operator first; returns which of the two. Raises
    Unusable as long as no pack of it is sold."""
    reviews.look(session, product)
    if state_of(product) in (ListingState.SHOWN, ListingState.SUBMITTED):
        return state_of(product)
    if not any(variant.sold for variant in product.variants):
        raise Unusable(_("Tambah dulu kemasan dengan harganya, lalu tampilkan produk ini."))
    return reviews.offer(session, product, actor_id=actor_id, now=now)


def withdraw(session: Session, product: Product, *, actor_id: int, now: datetime) -> None:
    """Hides the product from buyers, or takes it back before an operator has looked at it. Orders
    that are placed stay as they are."""
    reviews.look(session, product)
    if state_of(product) in (ListingState.SHOWN, ListingState.SUBMITTED):
        reviews.act(session, product, ListingAction.WITHDRAW, actor_id=actor_id, now=now)


def _check(listing: Listing) -> None:
    if listing.storage is not Storage.AMBIENT and listing.max_transit_days is None:
        raise Unusable(
            _("Isi paling lama berapa hari di jalan: barang dingin atau beku bisa rusak."),
            field="max_transit_days",
        )
    if (listing.season_from is None) != (listing.season_to is None):
        raise Unusable(
            _("Pilih bulan awal dan bulan akhir, atau kosongkan keduanya."), field="season_to"
        )


def _free_slug(session: Session, name: str) -> str:
    base = base_of(name)
    taken = session.scalars(select(Product.slug).where(Product.slug.startswith(base)))
    return free_slug(base, set(taken))
