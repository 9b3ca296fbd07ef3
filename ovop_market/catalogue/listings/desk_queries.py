"""Listings as operators look at them: what waits for a look, what was turned down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from ovop_market.accounts.models import User
from ovop_market.catalogue.listings import approvals
from ovop_market.catalogue.listings.approvals import Change
from ovop_market.catalogue.listings.models import ListingEvent
from ovop_market.catalogue.listings.states import ListingAction, ListingState, state_of
from ovop_market.catalogue.listings.values import Looked, looked_at
from ovop_market.catalogue.models import Category, Product, Review, Variant
from ovop_market.catalogue.permits import needed_permits
from ovop_market.core import clock
from ovop_market.core.errors import NotFound
from ovop_market.villages.models import PermitKind, Producer
from ovop_market.villages.producer_states import ProducerState
from ovop_market.web.pictures import PictureSources, sources

PER_PAGE = 30


class Tab(StrEnum):
    """Why a listing is looked at."""

    # Before buyers see it.
    WAITING = "waiting"
    # After: it is shown already.
    UNSEEN = "unseen"
    RETURNED = "returned"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class ListingRow:
    """A listing with what an operator has to know of it. `lacking`: the permits that it needs and
    its producer has not, or no more; `since`: since when it waits; `changes`: what is not as it was
    approved, if it waits, and None when nothing is known to have been approved."""

    id: int
    slug: str
    name: str
    summary: str
    category: Category
    producer: str
    producer_slug: str
    producer_state: ProducerState
    village: str
    photo: PictureSources | None
    packs: Sequence[Variant]
    state: ListingState
    since: datetime | None
    lacking: tuple[PermitKind, ...]
    reason: str
    changes: Sequence[Change] | None


@dataclass(frozen=True, slots=True)
class ListingQueue:
    """A page of listings, and how many there are of each kind."""

    tab: Tab
    rows: Sequence[ListingRow]
    counts: Mapping[Tab, int]
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Told:
    """A line of a listing's history."""

    action: ListingAction
    at: datetime
    who: str
    reason: str


_UNSEEN = Product.listed & Product.review_since.is_not(None)
_TABS: Mapping[Tab, ColumnElement[bool]] = {
    Tab.WAITING: Product.review == Review.SUBMITTED,
    Tab.UNSEEN: _UNSEEN,
    Tab.RETURNED: Product.review == Review.RETURNED,
    Tab.HIDDEN: Product.review == Review.HIDDEN,
}


def queue(session: Session, tab: Tab, page: int, now: datetime) -> ListingQueue:
    """The listings of a tab, who waits longest first: seven statements, however many there are."""
    counts = session.execute(
        select(*(func.count().filter(condition) for condition in _TABS.values())).select_from(
            Product
        )
    ).one()
    by_tab = dict(zip(_TABS, counts, strict=True))
    pages = max(1, -(-by_tab[tab] // PER_PAGE))
    page = min(page, pages)
    found = session.scalars(
        _with_all()
        .where(_TABS[tab])
        .order_by(Product.review_since, Product.id)
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    ).all()
    ids = [p.id for p in found]
    reasons = _reasons(session, ids) if tab in (Tab.RETURNED, Tab.HIDDEN) else {}
    approved = approvals.known(session, ids)
    rows = [_row(p, reasons.get(p.id, ""), approved.get(p.id), now) for p in found]
    return ListingQueue(tab, rows, by_tab, page, pages)


def waiting(session: Session, limit: int) -> tuple[list[tuple[Product, str]], int]:
    """What waits before buyers see it, the longest first, with whose it is; and how much there is.
    One statement."""
    rows = session.execute(
        select(Product, Producer.name, func.count().over())
        .join(Product.producer)
        .where(Product.review == Review.SUBMITTED)
        .order_by(Product.review_since, Product.id)
        .limit(limit)
    ).all()
    return [(p, name) for p, name, _n in rows], rows[0][2] if rows else 0


def listing_of(session: Session, slug: str, now: datetime) -> tuple[Product, ListingRow]:
    """One listing, for operators. Raises NotFound."""
    product = session.scalar(_with_all().where(Product.slug == slug))
    if product is None:
        raise NotFound(_("Produk ini tidak ada."))
    reason = _reasons(session, [product.id]).get(product.id, "") if product.review else ""
    approved = approvals.known(session, [product.id]).get(product.id)
    return product, _row(product, reason, approved, now)


def history(session: Session, product_id: int) -> list[Told]:
    """What was done to the listing, the last first."""
    rows = session.execute(
        select(ListingEvent, User.name)
        .outerjoin(User, User.id == ListingEvent.actor_id)
        .where(ListingEvent.product_id == product_id)
        .order_by(ListingEvent.id.desc())
    )
    return [Told(event.action, event.at, name or "", event.reason) for event, name in rows]


def reason_of(session: Session, product: Product) -> str:
    """What an operator wrote of a listing that was turned down; empty for all others."""
    if product.review not in (Review.RETURNED, Review.HIDDEN):
        return ""
    return _reasons(session, [product.id]).get(product.id, "")


def products(session: Session, ids: Sequence[int]) -> Sequence[Product]:
    """Listings by their ids, as they are now, with all that is told of them."""
    return session.scalars(_with_all().where(Product.id.in_(ids)).order_by(Product.id)).all()


def _with_all() -> Select[Product]:
    to_producer = joinedload(Product.producer)
    return (
        select(Product)
        .options(
            to_producer.joinedload(Producer.village),
            to_producer.selectinload(Producer.permits),
            selectinload(Product.variants),
            selectinload(Product.photos),
        )
        .execution_options(populate_existing=True)
    )


def _reasons(session: Session, ids: Sequence[int]) -> Mapping[int, str]:
    """What was said when these listings were turned down: the last word on each."""
    last = (
        select(func.max(ListingEvent.id))
        .where(ListingEvent.product_id.in_(ids))
        .group_by(ListingEvent.product_id)
    )
    rows = session.execute(
        select(ListingEvent.product_id, ListingEvent.reason).where(ListingEvent.id.in_(last))
    )
    return dict(iter(rows))


def lacking(product: Product, now: datetime) -> tuple[PermitKind, ...]:
    """The permits that its kind needs and its producer has not, or no more."""
    today = clock.wib_date(now)
    held = {
        permit.kind
        for permit in product.producer.permits
        if permit.expires_on is None or permit.expires_on >= today
    }
    needed = needed_permits([product.category])
    return tuple(kind for kind in PermitKind if kind in needed - held)


def _row(product: Product, reason: str, approved: Looked | None, now: datetime) -> ListingRow:
    producer = product.producer
    waits = product.review_since is not None
    return ListingRow(
        id=product.id,
        slug=product.slug,
        name=product.name,
        summary=product.summary,
        category=product.category,
        producer=producer.name,
        producer_slug=producer.slug,
        producer_state=producer.state,
        village=producer.village.name,
        photo=sources(product.photos[0]) if product.photos else None,
        packs=[pack for pack in product.variants if pack.sold],
        state=state_of(product),
        since=product.review_since,
        lacking=lacking(product, now),
        reason=reason,
        changes=approvals.changes(approved, looked_at(product)) if waits and approved else None,
    )
