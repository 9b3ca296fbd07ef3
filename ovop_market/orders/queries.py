"""What buyers see of their carts and purchases, and whether stock tells the truth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import CapacityWeek, Offer, StockKind, StockMovement
from ovop_market.core.errors import NotFound
from ovop_market.core.quantity import CubicCentimetres, Grams
from ovop_market.core.tokens import digest, matches
from ovop_market.delivery.queries import Freshness, Parcel, ways
from ovop_market.orders.models import (
    Allocation,
    Cart,
    CartLine,
    Hold,
    Order,
    OrderLine,
    Purchase,
)
from ovop_market.orders.share_states import LIVE
from ovop_market.orders.states import Action, Actor, moves_open_to
from ovop_market.villages.models import Producer

MAX_TOKEN = 64
_NUMBER = re.compile(r"[0-9A-Z-]{1,20}")


@dataclass(frozen=True, slots=True)
class Visitor:
    """What the top of a private page says about the person in front of it."""

    cart_count: int
    role: str | None
    name: str | None


def cart_count(session: Session, token: str | None) -> int:
    """Packs in the cart of this token; 0 without one."""
    if not token:
        return 0
    return (
        session.scalar(
            select(func.coalesce(func.sum(CartLine.quantity), 0))
            .join(Cart)
            .where(Cart.token_digest == digest(token))
        )
        or 0
    )


def purchase_by_token(session: Session, token: str) -> Purchase:
    """The purchase that this secret opens, with everything its page shows.

    Found by the secret's digest and compared in constant time. Raises NotFound.
    """
    purchase = None
    if len(token) <= MAX_TOKEN:
        purchase = session.scalar(
            select(Purchase)
            .where(Purchase.token_digest == digest(token))
            .options(
                joinedload(Purchase.region),
                selectinload(Purchase.orders).options(
                    joinedload(Order.producer).joinedload(Producer.village),
                    joinedload(Order.service),
                    joinedload(Order.collection_point),
                    selectinload(Order.lines),
                    selectinload(Order.events),
                ),
            )
        )
    if purchase is None or not matches(token, purchase.token):
        raise NotFound(_("Pesanan ini tidak ada. Periksa tautannya."))
    return purchase


def order_of(purchase: Purchase, number: str) -> Order:
    """An order of this very purchase. Raises NotFound for any other."""
    for order in purchase.orders:
        if order.number == number:
            return order
    raise NotFound(_("Pesanan ini tidak ada. Periksa tautannya."))


def order_numbered(session: Session, number: str, *conditions: ColumnElement[bool]) -> Order:
    """The order of this number with all that a page about it shows, if the conditions hold: they
    say whose orders the actor may see. Raises NotFound."""
    order, number = None, number.upper()
    if _NUMBER.fullmatch(number):
        order = session.scalar(
            select(Order)
            .where(Order.number == number, *conditions)
            .options(
                joinedload(Order.purchase).joinedload(Purchase.region),
                joinedload(Order.producer).joinedload(Producer.village),
                joinedload(Order.service),
                joinedload(Order.collection_point),
                selectinload(Order.lines),
                selectinload(Order.events),
            )
            .execution_options(populate_existing=True)
        )
    if order is None:
        raise NotFound(_("Pesanan ini tidak ada."))
    return order


def open_actions(order: Order, actor: Actor, now: datetime) -> list[Action]:
    """What this actor can do with the order now."""
    found = moves_open_to(actor, order.state, order.facts(now))
    return [a for a in found if a is not Action.DISPUTE or not order.settled]


def purchases_of(session: Session, user: User) -> Sequence[Purchase]:
    """A buyer's own purchases, the latest first."""
    return session.scalars(
        select(Purchase)
        .where(Purchase.buyer_id == user.id)
        .order_by(Purchase.placed_at.desc(), Purchase.id.desc())
        .limit(100)
        .options(
            selectinload(Purchase.orders).options(
                joinedload(Order.producer), selectinload(Order.lines)
            )
        )
    ).all()


def stock_differences(session: Session) -> Iterator[str]:
    """Where stock or capacity disagrees with its movements or with what orders hold, in words."""
    moved = (
        select(
            StockMovement.offer_id,
            func.sum(StockMovement.change).label("change"),
        )
        .where(StockMovement.kind == StockKind.READY)
        .group_by(StockMovement.offer_id)
        .subquery()
    )
    rows = session.execute(
        select(Offer.id, Offer.ready, func.coalesce(moved.c.change, 0))
        .outerjoin(moved, moved.c.offer_id == Offer.id)
        .where((Offer.ready != func.coalesce(moved.c.change, 0)) | (Offer.ready < 0))
    )
    for offer_id, ready, change in rows:
        yield f"offer {offer_id}: {ready} packs ready, movements say {change}"
    yield from _capacity_differences(session)
    yield from _hold_differences(session)
    yield from _share_differences(session)


def _capacity_differences(session: Session) -> Iterator[str]:
    said: dict[tuple[int, date | None], int] = {
        (offer_id, week): change
        for offer_id, week, change in session.execute(
            select(StockMovement.offer_id, StockMovement.week, func.sum(StockMovement.change))
            .where(StockMovement.kind == StockKind.CAPACITY)
            .group_by(StockMovement.offer_id, StockMovement.week)
        )
    }
    kept: dict[tuple[int, date | None], int] = {
        (offer_id, week): held
        for offer_id, week, held in session.execute(
            select(CapacityWeek.offer_id, CapacityWeek.week, CapacityWeek.held)
        )
    }
    for key in sorted(said.keys() | kept.keys()):
        held, change = kept.get(key, 0), said.get(key, 0)
        if held != change or held < 0:
            yield f"offer {key[0]}, week of {key[1]}: {held} packs held, movements say {change}"


def _hold_differences(session: Session) -> Iterator[str]:
    sign = -1  # a hold of ready packs is a negative movement
    held: dict[tuple[str | None, int, StockKind], int] = {
        (number, offer_id, kind): quantity * (sign if kind is StockKind.READY else 1)
        for number, offer_id, kind, quantity in session.execute(
            select(Order.number, Hold.offer_id, Hold.kind, func.sum(Hold.quantity))
            .join(OrderLine, OrderLine.order_id == Order.id)
            .join(Hold, Hold.line_id == OrderLine.id)
            .group_by(Order.number, Hold.offer_id, Hold.kind)
        )
    }
    moved: dict[tuple[str | None, int, StockKind], int] = {
        (number, offer_id, kind): change
        for number, offer_id, kind, change in session.execute(
            select(
                StockMovement.order_number,
                StockMovement.offer_id,
                StockMovement.kind,
                func.sum(StockMovement.change),
            )
            .where(StockMovement.order_number.is_not(None))
            .group_by(StockMovement.order_number, StockMovement.offer_id, StockMovement.kind)
        )
    }
    for key in sorted(held.keys() | moved.keys()):
        if held.get(key, 0) != moved.get(key, 0):
            number, offer_id, kind = key
            yield (
                f"order {number}, offer {offer_id}: holds {held.get(key, 0)} ({kind}), "
                f"movements say {moved.get(key, 0)}"
            )


def _share_differences(session: Session) -> Iterator[str]:
    """Where a household's share stands for other packs than are held for it."""
    packs = func.coalesce(Allocation.made, Allocation.taken, Allocation.offered)
    stands = case((Allocation.state.in_(LIVE), packs), else_=0)
    held = (
        select(Hold.allocation_id, func.sum(Hold.quantity).label("packs"))
        .group_by(Hold.allocation_id)
        .subquery()
    )
    rows = session.execute(
        select(Order.number, Allocation.id, func.coalesce(held.c.packs, 0), stands)
        .join(Allocation.line)
        .join(OrderLine.order)
        .outerjoin(held, held.c.allocation_id == Allocation.id)
        .where(func.coalesce(held.c.packs, 0) != stands)
        .order_by(Order.number, Allocation.id)
    )
    for number, share_id, kept, shared_out in rows:
        yield f"order {number}, share {share_id}: holds {kept} packs, it stands for {shared_out}"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order comes to, in rupiah."""

    goods: int
    shipping: int

    @property
    def total(self) -> int:
        return self.goods + self.shipping


def offered_terms(session: Session, order: Order) -> Terms:
    """What the order comes to if the buyer agrees to what is offered. Shipping is the smaller
    parcel's price: never more than agreed, and as agreed if the tariff is gone."""
    goods = sum(line.unit_price * line.agreed_quantity for line in order.lines)
    if order.service_id is None:
        return Terms(goods, 0)
    weight = sum(line.weight_grams * line.agreed_quantity for line in order.lines)
    volume = sum(line.volume_cm3 * line.agreed_quantity for line in order.lines)
    parcel = Parcel(
        origin=order.producer.village.region_code,
        destination=order.purchase.region_code,
        weight=Grams(weight),
        volume=CubicCentimetres(volume),
        freshness=Freshness(),
    )
    found = [w.price for w in ways(session, [parcel])[0] if w.service_id == order.service_id]
    return Terms(goods, min([*found, order.shipping]))
