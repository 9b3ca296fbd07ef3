"""What a producer sees of its own supply. Every read starts from the account: the producers that
it is on the staff of, and the members' offers of products that a group of its own lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, joinedload

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Offer, Product, Variant
from ovop_market.catalogue.seasons import plannable
from ovop_market.catalogue.services import closures_of, still_supplies, supply_of, weeks_of
from ovop_market.catalogue.supply import Supply
from ovop_market.core.errors import NotFound
from ovop_market.villages.models import Producer
from ovop_market.villages.producer_states import ProducerState
from ovop_market.villages.queries import own_producers


@dataclass(frozen=True, slots=True)
class WeekRow:
    """A week of an offer, by its Monday: packs that can be made in what is left of it, packs that
    its maker said (None: as usual), and packs already promised."""

    first: date
    capacity: int
    planned: int | None
    held: int

    @property
    def left(self) -> int:
        """Packs that can still be promised."""
        return max(self.capacity - self.held, 0)

    @property
    def last(self) -> date:
        return self.first + timedelta(days=6)


@dataclass(frozen=True, slots=True)
class OfferRow:
    """An offer as a line: packs ready, packs a week, and its next weeks, this one first."""

    id: int
    product: str
    variant: str
    producer: str
    member: bool
    ready: int
    weekly_capacity: int
    lead_days: int
    smallest_batch: int
    weeks: Sequence[WeekRow]

    @property
    def this_week(self) -> WeekRow:
        return self.weeks[0]


@dataclass(frozen=True, slots=True)
class Shop:
    """The producers of an account and their offers, by product and pack."""

    producers: Sequence[Producer]
    offers: Sequence[OfferRow]


def shop(session: Session, user: User, today: date) -> Shop:
    """Everything, in three statements."""
    producers = session.scalars(
        select(Producer)
        .where(Producer.id.in_(own_producers(user)))
        .options(joinedload(Producer.village))
        .order_by(Producer.name, Producer.id)
    ).all()
    return Shop(producers, _offers(session, user, today))


def offer_row(session: Session, user: User, offer_id: int, today: date) -> OfferRow:
    """One of the account's offers, as a line. Raises NotFound."""
    rows = _offers(session, user, today, Offer.id == offer_id)
    if not rows:
        raise _unknown()
    return rows[0]


def offer_of(session: Session, user: User, offer_id: int) -> Offer:
    """One of the account's offers, to change it. Raises NotFound."""
    offer = session.scalar(
        select(Offer)
        .join(Offer.variant)
        .join(Variant.product)
        .join(Producer, Producer.id == Offer.producer_id)
        .where(Offer.id == offer_id, _own(user))
    )
    if offer is None:
        raise _unknown()
    return offer


def own_offer_ids(session: Session, user: User) -> Sequence[int]:
    """The ids of all of the account's offers."""
    return session.scalars(
        select(Offer.id)
        .join(Offer.variant)
        .join(Variant.product)
        .join(Producer, Producer.id == Offer.producer_id)
        .where(_own(user))
    ).all()


def producer_of(session: Session, user: User, slug: str) -> Producer:
    """One of the account's producers. Raises NotFound."""
    producer = session.scalar(
        select(Producer).where(
            Producer.slug == slug.replace("\x00", ""), Producer.id.in_(own_producers(user))
        )
    )
    if producer is None:
        raise NotFound(_("Penjual ini tidak ada di akun Anda."))
    return producer


def _unknown() -> NotFound:
    return NotFound(_("Produk ini tidak ada di akun Anda."))


def _own(user: User) -> ColumnElement[bool]:
    """Not those of a household that has left the group; nor what a producer made before it closed
    for good."""
    mine = own_producers(user)
    own = or_(Offer.producer_id.in_(mine), Product.producer_id.in_(mine))
    return and_(own, still_supplies(), Producer.state != ProducerState.CLOSED)


def _offers(
    session: Session, user: User, today: date, *only: ColumnElement[bool]
) -> list[OfferRow]:
    rows = session.execute(
        select(Offer, Product, Variant.name, Producer)
        .join(Offer.variant)
        .join(Variant.product)
        .join(Producer, Producer.id == Offer.producer_id)
        .where(_own(user), *only)
        .order_by(Product.name, Product.id, Variant.position, Variant.id, Producer.name, Offer.id)
        .execution_options(populate_existing=True)
    ).all()
    held, plans = weeks_of(session, [row.Offer.id for row in rows], today)
    found = []
    for offer, product, variant, producer in rows:
        closures = closures_of(producer.closed_from, producer.closed_to)
        supply = supply_of(offer, closures, plans.get(offer.id, ()), today)
        found.append(
            OfferRow(
                id=offer.id,
                product=product.name,
                variant=variant,
                producer=producer.name,
                member=offer.producer_id != product.producer_id,
                ready=offer.ready,
                weekly_capacity=offer.weekly_capacity,
                lead_days=offer.lead_days,
                smallest_batch=offer.smallest_batch,
                weeks=_weeks(supply, held, today),
            )
        )
    return found


def _weeks(supply: Supply, held: Mapping[tuple[int, date], int], today: date) -> list[WeekRow]:
    planned = dict(supply.plans)
    return [
        WeekRow(
            first=week,
            capacity=supply.capacity_in(week, today),
            planned=planned.get(week),
            held=held.get((supply.offer_id, week), 0),
        )
        for week in plannable(today)
    ]
