"""What is to be made, by day and by pack: sums over all orders that nobody has finished yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Offer, Product, StockKind, Storage, Variant
from ovop_market.inbox.queries import on_shelf
from ovop_market.inbox.tabs import SHELVES, Tab
from ovop_market.orders.models import Allocation, Hold, Order, OrderLine
from ovop_market.orders.share_states import ShareState
from ovop_market.villages.models import Producer
from ovop_market.villages.policy import Duty
from ovop_market.villages.queries import own_producers


class Due(StrEnum):
    """When it must be ready, seen from today."""

    LATE = "late"
    TODAY = "today"
    TOMORROW = "tomorrow"
    LATER = "later"


def due(ready_by: date, today: date) -> Due:
    """On which heap the day lies."""
    if ready_by < today:
        return Due.LATE
    if ready_by == today:
        return Due.TODAY
    return Due.TOMORROW if ready_by == today + timedelta(days=1) else Due.LATER


@dataclass(frozen=True, slots=True)
class Part:
    """Packs of one variant in one order: to be made, or lying ready.

    `own`: it is the account's own order; else it is its household's share of a group's order.
    """

    number: str
    own: bool
    ready_by: date
    producer: str
    variant_id: int
    product: str
    variant: str
    storage: Storage
    to_make: int
    ready: int

    @property
    def quantity(self) -> int:
        return self.to_make + self.ready


@dataclass(slots=True)
class Total:
    """One variant over all orders of a heap, with what each of them takes."""

    product: str
    variant: str
    producer: str
    storage: Storage
    parts: list[Part] = field(default_factory=list)

    @property
    def to_make(self) -> int:
        return sum(part.to_make for part in self.parts)

    @property
    def ready(self) -> int:
        return sum(part.ready for part in self.parts)


@dataclass(frozen=True, slots=True)
class ToMake:
    """The heaps that are not empty, the most urgent first, and all of them together."""

    heaps: Mapping[Due, Sequence[Total]]
    all: Sequence[Total]
    orders: int
    several: bool

    @property
    def packs(self) -> int:
        """Packs that somebody has to make."""
        return sum(total.to_make for total in self.all)


def to_make(session: Session, user: User, today: date) -> ToMake:
    """What the account's producers have to make, shares of a group's orders included; without what
    households have handed in. Two statements, however many orders."""
    parts = _parts(session, user)
    heaps = {each: [part for part in parts if due(part.ready_by, today) is each] for each in Due}
    return ToMake(
        heaps={each: totals(found) for each, found in heaps.items() if found},
        all=totals(parts),
        orders=len({part.number for part in parts}),
        several=len({part.producer for part in parts}) > 1,
    )


def totals(parts: Iterable[Part]) -> list[Total]:
    """The parts summed up by variant, in the order in which variants come first."""
    found: dict[int, Total] = {}
    for part in parts:
        total = found.setdefault(
            part.variant_id, Total(part.product, part.variant, part.producer, part.storage)
        )
        total.parts.append(part)
    return sorted(found.values(), key=lambda total: (total.producer, total.product))


def _to_be_done(user: User) -> ColumnElement[bool]:
    """What is held for the account's own orders, without what households have handed in; and for
    the shares that its households have taken of their groups' orders."""
    mine = own_producers(user, Duty.SEE)
    own = and_(
        Order.producer_id.in_(mine),
        or_(Allocation.id.is_(None), Allocation.state != ShareState.MADE),
    )
    taken = and_(Offer.producer_id.in_(mine), Allocation.state == ShareState.TAKEN)
    return or_(own, taken)


def _parts(session: Session, user: User) -> list[Part]:
    own = set(session.scalars(own_producers(user, Duty.SEE)))
    # A household hands its share in before the group's day.
    day = case((Order.producer_id.in_(own), Order.ready_by), else_=Allocation.ready_by)
    packs = func.sum(Hold.quantity)
    ready = func.sum(Hold.quantity).filter(Hold.kind == StockKind.READY)
    rows = session.execute(
        select(
            Order.number,
            Order.producer_id,
            func.min(day),
            Producer.name,
            Variant.id,
            Product.name,
            Variant.name,
            Product.storage,
            packs,
            func.coalesce(ready, 0),
        )
        .join(Order.purchase)
        .join(Producer, Producer.id == Order.producer_id)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(Hold, Hold.line_id == OrderLine.id)
        .join(Offer, Offer.id == Hold.offer_id)
        .outerjoin(Allocation, Allocation.id == Hold.allocation_id)
        .join(Variant, Variant.id == OrderLine.variant_id)
        .join(Product, Product.id == Variant.product_id)
        .where(
            _to_be_done(user),
            on_shelf(SHELVES[Tab.TO_MAKE]),
            Hold.quantity > 0,
        )
        .group_by(
            Order.id,
            Order.number,
            Order.ready_by,
            Order.producer_id,
            Producer.name,
            Variant.id,
            Product.id,
            Product.name,
            Variant.name,
            Variant.position,
            Product.storage,
        )
        .order_by(Product.name, Product.id, Variant.position, Variant.id, Order.ready_by, Order.id)
    )
    return [
        Part(
            number=number,
            own=producer_id in own,
            ready_by=ready_by,
            producer=producer,
            variant_id=variant_id,
            product=product,
            variant=variant,
            storage=storage,
            to_make=quantity - in_stock,
            ready=in_stock,
        )
        for (
            number,
            producer_id,
            ready_by,
            producer,
            variant_id,
            product,
            variant,
            storage,
            quantity,
            in_stock,
        ) in rows
    ]
