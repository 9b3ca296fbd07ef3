"""What the front page and the list of products show. Days are those of WIB."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from ovop_market.catalogue import search
from ovop_market.catalogue.filters import Filters, Sort
from ovop_market.catalogue.labels import Badge, badge
from ovop_market.catalogue.models import Offer, Product, ProductPhoto, Variant, on_show
from ovop_market.core.money import Rupiah
from ovop_market.regions.models import Region
from ovop_market.villages import queries as village_queries
from ovop_market.villages.models import Producer, Village, open_on
from ovop_market.web.pictures import PictureSources, sources

PER_PAGE = 24
READY_ON_FRONT = 8
IN_SEASON_ON_FRONT = 4
VILLAGES_ON_FRONT = 9
RELATED = 4

# Delivery is above this feature and knows what arrives fresh where. When it is loaded it puts a
# function here that makes, for a region code, the condition on Product (or None: no limit). It
# makes the condition without asking the database. Until then `to` narrows nothing.
reachability: Callable[[Session, str], ColumnElement[bool] | None] | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A product among others, as components/card.html shows it."""

    slug: str
    name: str
    village_name: str
    village_slug: str
    photo: PictureSources | None
    price_from: Rupiah
    badge: Badge


@dataclass(frozen=True, slots=True)
class VillageOption:
    """A village to narrow the list by."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Results:
    """A page of the list. `total` counts all pages, and is None on a page beyond the last."""

    cards: Sequence[Card]
    total: int | None
    villages: Sequence[VillageOption]
    to_name: str = ""

    @property
    def pages(self) -> int:
        """The number of pages, at least 1."""
        return max(1, -(-(self.total or 0) // PER_PAGE))


@dataclass(frozen=True, slots=True)
class Front:
    """What the front page shows."""

    ready: Sequence[Card]
    in_season: Sequence[Card]
    villages: Sequence[village_queries.VillageCard] = field(default_factory=tuple)


def front(session: Session, today: date) -> Front:
    """What is ready and what is in season, one product of each village before a second of any."""
    ready = _of_all_villages(READY_ON_FRONT, today, _is_ready(today), open_on(Producer, today))
    in_season = _of_all_villages(
        IN_SEASON_ON_FRONT, today, _in_season(today), open_on(Producer, today)
    )
    return Front(
        ready=_cards(session, ready, today),
        in_season=_cards(session, in_season, today),
        villages=village_queries.cards(session, VILLAGES_ON_FRONT),
    )


def results(session: Session, filters: Filters, today: date) -> Results:
    """The products that fit the filters, 24 a page. Six statements at the most."""
    found = search.matching(session, filters.q) if filters.q else None
    rows: Sequence[Row[Any]] = ()
    if found is None or found:
        page = _page_of(session, filters, found, today)
        rows = session.execute(page).all()
    total = rows[0].total if rows else (0 if filters.page == 1 or found == [] else None)
    villages, to_name = _choices(session, filters.to)
    return Results(
        cards=[_card(row, today) for row in rows],
        total=total,
        villages=villages,
        to_name=to_name,
    )


def of_village(session: Session, village_id: int, today: date) -> list[Card]:
    """All products of a village, what is ready first."""
    ready_first = _is_ready(today).desc()
    statement = _on_sale(today).where(Producer.village_id == village_id)
    return _cards(session, statement.order_by(ready_first, Product.created_at, Product.id), today)


def related(session: Session, product: Product, today: date) -> list[Card]:
    """A few other products of the same village."""
    statement = (
        _on_sale(today)
        .where(Producer.village_id == product.producer.village_id, Product.id != product.id)
        .order_by(_is_ready(today).desc(), Product.created_at, Product.id)
        .limit(RELATED)
    )
    return _cards(session, statement, today)


def counts_by_village(session: Session) -> Mapping[int, int]:
    """How many products each village has on sale, by the village's id."""
    found = session.execute(
        select(Producer.village_id, func.count())
        .join(Product, Product.producer_id == Producer.id)
        .where(*listed())
        .group_by(Producer.village_id)
    )
    return dict(iter(found))


def listed_slugs(session: Session) -> list[str]:
    """The slugs of all products on sale, for the site's map."""
    return list(session.scalars(select(Product.slug).where(*listed()).order_by(Product.id)))


village_queries.products_of = of_village
village_queries.product_counts = counts_by_village


def _of_all_villages(limit: int, today: date, *conditions: ColumnElement[bool]) -> Select[Any]:
    """So many cards, one of each village before a second of any.

    What a village has sold longest comes first: that is what it is known for.
    """
    longest = (Product.created_at, Product.id)
    turn = func.row_number().over(partition_by=Producer.village_id, order_by=longest)
    # Chosen by id first: what a card needs is then computed for the chosen ones alone.
    chosen = (
        select(Product.id, turn.label("turn"))
        .join(Producer, Producer.id == Product.producer_id)
        .where(*listed(), *conditions)
        .order_by(turn, *longest)
        .limit(limit)
        .subquery("chosen")
    )
    return _on_sale(today).join(chosen, chosen.c.id == Product.id).order_by(chosen.c.turn, *longest)


def _page_of(
    session: Session, filters: Filters, found: Sequence[int] | None, today: date
) -> Select[Any]:
    """The cards of one page, with `total`, the number of cards on all pages."""
    wanted = (
        select(Product.id)
        .join(Producer, Producer.id == Product.producer_id)
        .where(*listed(), *_wishes(session, filters, today))
    )
    newest = (Product.created_at.desc(), Product.id.desc())
    orders: dict[Sort, tuple[ColumnElement[Any], ...]] = {
        Sort.CHEAPEST: (price_from().asc(), *newest),
        Sort.DEAREST: (price_from().desc(), *newest),
    }
    if found is not None:
        places = search.ranked(session, found)
        wanted = wanted.add_columns(places.c.place).join(places, places.c.id == Product.id)
        orders[Sort.RELEVANCE] = (places.c.place,)
    order = orders.get(filters.sort, newest)
    total = select(func.count()).select_from(wanted.subquery("wanted")).scalar_subquery()
    offset = (filters.page - 1) * PER_PAGE
    chosen = wanted.order_by(*order).limit(PER_PAGE).offset(offset).subquery("chosen")
    if found is not None and filters.sort is Sort.RELEVANCE:
        order = (chosen.c.place,)
    return (
        _on_sale(today)
        .add_columns(total.label("total"))
        .join(chosen, chosen.c.id == Product.id)
        .order_by(*order)
    )


def _wishes(session: Session, filters: Filters, today: date) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.village:
        slug = filters.village if village_queries.is_slug(filters.village) else ""
        village = select(Village.id).where(Village.slug == slug).scalar_subquery()
        conditions.append(Producer.village_id == village)
    if filters.category:
        conditions.append(Product.category == filters.category)
    if filters.ready:
        conditions += [_is_ready(today), open_on(Producer, today)]
    if filters.to and reachability is not None:
        arrives = reachability(session, filters.to)
        if arrives is not None:
            conditions.append(arrives)
    return conditions


def _choices(session: Session, to: str) -> tuple[list[VillageOption], str]:
    """The villages by name, and the name of the region `to`: in one statement."""
    place = select(Region.name).where(Region.code == to).scalar_subquery()
    rows = session.execute(select(Village.slug, Village.name, place).order_by(Village.name)).all()
    options = [VillageOption(slug, name) for slug, name, _place in rows]
    return options, (rows[0][2] or "") if rows else ""


def listed() -> tuple[ColumnElement[bool], ...]:
    """On sale: on show, and with a pack that is sold."""
    sold = exists().where(Variant.product_id == Product.id, Variant.sold).correlate(Product)
    return on_show(), sold


def _on_sale(today: date) -> Select[Any]:
    """Everything that a card needs, in one statement, for products on sale."""
    packs = (Variant.product_id == Product.id, Variant.sold)
    from_offers = (
        select(Offer)
        .join(Variant, Variant.id == Offer.variant_id)
        .where(*packs, _can_supply(today))
    )
    makes = from_offers.where(Offer.weekly_capacity > 0, Product.made_to_order)
    face = (
        select(ProductPhoto.id)
        .where(ProductPhoto.product_id == Product.id)
        .order_by(ProductPhoto.position, ProductPhoto.id)
        .limit(1)
        .correlate(Product)
        .scalar_subquery()
    )

    def one(statement: Select[Any], value: ColumnElement[Any]) -> ColumnElement[Any]:
        return statement.with_only_columns(value).correlate(Product).scalar_subquery()

    return (
        select(
            Product,
            Producer,
            Village.name.label("village_name"),
            Village.slug.label("village_slug"),
            ProductPhoto,
            price_from().label("price_from"),
            one(from_offers, func.coalesce(func.sum(Offer.ready), 0)).label("ready"),
            one(makes, func.min(Offer.lead_days)).label("least_days"),
            one(makes, func.max(Offer.lead_days)).label("most_days"),
        )
        .join(Producer, Producer.id == Product.producer_id)
        .join(Village, Village.id == Producer.village_id)
        .outerjoin(ProductPhoto, ProductPhoto.id == face)
        .where(*listed())
    )


def price_from() -> ColumnElement[int]:
    """The price of a product's cheapest pack on sale."""
    return (
        select(func.min(Variant.price))
        .where(Variant.product_id == Product.id, Variant.sold)
        .correlate(Product)
        .scalar_subquery()
    )


def _is_ready(today: date) -> ColumnElement[bool]:
    return (
        exists()
        .where(
            Offer.variant_id == Variant.id,
            Variant.product_id == Product.id,
            Variant.sold,
            Offer.ready > 0,
            _can_supply(today),
        )
        .correlate(Product)
    )


def _can_supply(today: date) -> ColumnElement[bool]:
    """Whether the offer's own household is open: a group sells on while a member is closed."""
    maker = aliased(Producer)
    return exists().where(maker.id == Offer.producer_id, open_on(maker, today)).correlate(Offer)


def _in_season(today: date) -> ColumnElement[bool]:
    month = today.month
    within = and_(Product.season_from <= month, Product.season_to >= month)
    over_new_year = and_(
        Product.season_from > Product.season_to,
        or_(Product.season_from <= month, Product.season_to >= month),
    )
    return or_(within, over_new_year)


def _cards(session: Session, statement: Select[Any], today: date) -> list[Card]:
    return [_card(row, today) for row in session.execute(statement)]


def _card(row: Row[Any], today: date) -> Card:
    producer: Producer = row.Producer
    makes = row.least_days is not None
    return Card(
        slug=row.Product.slug,
        name=row.Product.name,
        village_name=row.village_name,
        village_slug=row.village_slug,
        photo=sources(row.ProductPhoto) if row.ProductPhoto else None,
        price_from=Rupiah(row.price_from),
        badge=badge(
            closed=producer.closed_on(today),
            closed_to=producer.closed_to,
            ready=row.ready,
            lead_days=(row.least_days, row.most_days) if makes else None,
        ),
    )
