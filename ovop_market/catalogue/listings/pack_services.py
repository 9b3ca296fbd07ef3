"""What staff does with the packs of a product. A pack is never deleted: orders point to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.catalogue.listings.reviews import changing, lock
from ovop_market.catalogue.listings.values import (
    MOST_VARIANTS,
    PACK_FIELDS,
    Pack,
    changes,
    mark,
    pack_of,
)
from ovop_market.catalogue.models import Offer, Product, ProductPhoto, Variant
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.villages.models import Producer, ProducerKind

# How the audit calls it.
_CHANGED = "pack changed"


def add(session: Session, product: Product, pack: Pack, *, actor_id: int, now: datetime) -> Variant:
    """A new pack, with an offer of nothing yet for whoever makes it. Sent twice, it is made once.

    Raises Unusable, naming the field.
    """
    _check(pack)
    with changing(session, product, now):
        return _added(session, product, pack, actor_id, now)


def _added(session: Session, product: Product, pack: Pack, actor_id: int, now: datetime) -> Variant:
    variants = _variants(session, product)
    same = next((v for v in variants if v.name == pack.name), None)
    if same is not None and same.sold and pack_of(same) == pack:
        return same
    _refuse_name(same)
    if len(variants) >= MOST_VARIANTS:
        raise Unusable(
            _("Satu produk paling banyak %(most)d kemasan.", most=MOST_VARIANTS), field="name"
        )
    variant = Variant(
        product_id=product.id,
        position=max((v.position for v in variants), default=-1) + 1,
        sold=True,
        **{name: getattr(pack, name) for name in PACK_FIELDS},
    )
    variant.offers = [Offer(producer_id=maker) for maker in _makers(session, product)]
    session.add(variant)
    session.flush()
    details: dict[str, object] = {"product": product.id, "name": pack.name, "price": pack.price}
    record(session, "pack made", f"variant {variant.id}", now, actor_id, details)
    return variant


def revise(
    session: Session,
    variant: Variant,
    pack: Pack,
    *,
    seen: str | None,
    actor_id: int,
    now: datetime,
) -> None:
    """Says something else of a pack. Orders that are placed keep their price.

    `seen` is the mark of what was on the screen; None: whatever it was. Raises Conflict when
    somebody else has changed it since, Unusable, naming the field, for what cannot be.
    """
    _check(pack)
    with changing(session, variant.product, now):
        before = pack_of(variant)
        if before == pack:
            return
        if seen is not None and seen != mark(before):
            raise Conflict(
                _(
                    "Kemasan ini baru saja diubah orang lain."
                    " Periksa yang berbeda, lalu simpan lagi."
                )
            )
        others = (v for v in _variants(session, variant.product) if v.id != variant.id)
        _refuse_name(next((v for v in others if v.name == pack.name), None))
        for name in PACK_FIELDS:
            setattr(variant, name, getattr(pack, name))
        subject = f"variant {variant.id}"
        record(session, _CHANGED, subject, now, actor_id, changes(before, pack))


def sell(session: Session, variant: Variant, sold: bool, *, actor_id: int, now: datetime) -> None:
    """Sells a pack again, or no more. Orders that are placed stay as they are."""
    with changing(session, variant.product, now):
        if variant.sold is sold:
            return
        variant.sold = sold
        details: dict[str, object] = {"sold": [not sold, sold]}
        record(session, _CHANGED, f"variant {variant.id}", now, actor_id, details)


def place(
    session: Session, variant: Variant, position: int, *, actor_id: int, now: datetime
) -> None:
    """Puts a pack at a place in the list, counted from 0; beyond the end is the end."""
    product = variant.product
    lock(session, product)
    variants = _variants(session, product)
    before = [v.id for v in variants]
    put(variants, variant, position)
    after = [v.id for v in sorted(variants, key=lambda v: v.position)]
    session.flush()
    session.expire(product, ["variants"])
    if before != after:
        details: dict[str, object] = {"packs": [before, after]}
        record(session, "product ordered", f"product {product.id}", now, actor_id, details)


def put(
    things: Sequence[Variant] | Sequence[ProductPhoto],
    thing: Variant | ProductPhoto,
    position: int,
) -> None:
    """Numbers the things anew, from 0, with one of them at a position."""
    order: list[Variant | ProductPhoto] = [each for each in things if each.id != thing.id]
    order.insert(position, thing)
    for number, each in enumerate(order):
        each.position = number


def _makers(session: Session, product: Product) -> Sequence[int]:
    """Who makes it: the household, or each member of the group (without members, the group)."""
    producer = product.producer
    members: Sequence[int] = ()
    if producer.kind is ProducerKind.GROUP:
        members = session.scalars(
            select(Producer.id).where(Producer.group_id == producer.id).order_by(Producer.id)
        ).all()
    return members or [producer.id]


def _variants(session: Session, product: Product) -> Sequence[Variant]:
    """As they are now: the product is locked."""
    return session.scalars(
        select(Variant)
        .where(Variant.product_id == product.id)
        .order_by(Variant.position, Variant.id)
        .execution_options(populate_existing=True)
    ).all()


def _refuse_name(other: Variant | None) -> None:
    if other is None:
        return
    if other.sold:
        raise Unusable(_("Kemasan dengan nama ini sudah ada. Pilih nama lain."), field="name")
    raise Unusable(
        _("Kemasan dengan nama ini sudah ada dan tidak dijual. Jual lagi kemasan itu di bawah."),
        field="name",
    )


def _check(pack: Pack) -> None:
    sizes = (pack.length_cm, pack.width_cm, pack.height_cm)
    if None in sizes and any(size is not None for size in sizes):
        raise Unusable(
            _("Isi panjang, lebar, dan tinggi, atau kosongkan ketiganya."), field="height_cm"
        )
