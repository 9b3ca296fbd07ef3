"""Filling a cart. It holds wishes only: prices and stock are looked at when they are shown."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from ovop_market.catalogue.models import Product, Variant
from ovop_market.core import clock
from ovop_market.core.errors import NotFound, Unusable
from ovop_market.core.quantity import MAX_PACKS
from ovop_market.core.tokens import digest
from ovop_market.orders.models import Cart, CartLine

MAX_LINES = 40


def find(session: Session, token: str | None, *, lock: bool = False) -> Cart | None:
    """The cart of this token, or None when there is none (any more).

    With `lock`, nobody else orders it until the transaction ends.
    """
    if not token:
        return None
    statement = select(Cart).where(Cart.token_digest == digest(token))
    return session.scalar(statement.with_for_update() if lock else statement)


def create(session: Session, token: str, now: datetime) -> Cart:
    """A new, empty cart that this token opens."""
    cart = Cart(token_digest=digest(token), touched_at=now, lines=[])
    session.add(cart)
    session.flush()
    return cart


def orderable_variant(session: Session, variant_id: int, now: datetime) -> Variant:
    """A variant that can be ordered now.

    Raises NotFound if there is none of this id, Unusable if it is not for sale at the moment.
    """
    variant = session.get(
        Variant,
        variant_id,
        options=[joinedload(Variant.product).joinedload(Product.producer)],
    )
    if variant is None:
        raise NotFound(_("Produk ini tidak ada."))
    refuse_unless_orderable(variant, now)
    return variant


def refuse_unless_orderable(variant: Variant, now: datetime) -> None:
    """Raises Unusable, with the reason, if the variant is not for sale at the moment."""
    product = variant.product
    if not (variant.sold and product.shown):
        raise Unusable(
            _("%(product)s sudah tidak dijual. Pilih produk lain.", product=product.name)
        )
    if product.producer.closed_on(clock.wib_date(now)):
        raise Unusable(
            _("%(producer)s sedang tutup. Coba lagi nanti.", producer=product.producer.name)
        )


def add(session: Session, cart: Cart, variant: Variant, quantity: int, now: datetime) -> CartLine:
    """Puts packs into the cart, on top of those of the same variant that are in it.

    Raises Unusable beyond MAX_PACKS of one variant or MAX_LINES lines.
    """
    _refuse_unless_sensible(quantity)
    line = next((line for line in cart.lines if line.variant_id == variant.id), None)
    wanted = quantity + (line.quantity if line else 0)
    _refuse_unless_sensible(wanted)
    if line is None:
        if len(cart.lines) >= MAX_LINES:
            raise Unusable(_("Keranjang sudah penuh. Selesaikan pesanan ini dulu."))
        line = CartLine(variant_id=variant.id, quantity=wanted)
        cart.lines.append(line)
    line.quantity = wanted
    cart.touched_at = now
    session.flush()
    return line


def change(session: Session, line: CartLine, quantity: int, now: datetime) -> None:
    """Sets the packs of a line. Raises Unusable beyond what is sensible."""
    _refuse_unless_sensible(quantity)
    line.quantity = quantity
    line.cart.touched_at = now
    session.flush()


def remove(session: Session, line: CartLine) -> None:
    """Takes a line out."""
    line.cart.lines.remove(line)
    session.flush()


def line_of(cart: Cart | None, line_id: int) -> CartLine:
    """A line of this very cart. Raises NotFound for any other."""
    for line in cart.lines if cart else ():
        if line.id == line_id:
            return line
    raise NotFound(_("Barang ini sudah tidak ada di keranjang Anda."))


def _refuse_unless_sensible(quantity: int) -> None:
    if not 1 <= quantity <= MAX_PACKS:
        raise Unusable(
            _("Isi jumlah 1 sampai %(most)d. Untuk lebih banyak, hubungi penjual.", most=MAX_PACKS)
        )
