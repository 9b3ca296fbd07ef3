"""Villages, designations and products as the open data tell them: what all see on the pages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, aliased

from ovop_market.catalogue.models import Product, Variant
from ovop_market.catalogue.queries import listed, price_from
from ovop_market.core.errors import NotFound
from ovop_market.opendata import records, resources
from ovop_market.opendata.parameters import Asked
from ovop_market.opendata.records import Area
from ovop_market.opendata.texts import without_contacts
from ovop_market.regions.models import Region
from ovop_market.villages.models import Designation, Producer, ProducerKind, Village
from ovop_market.villages.producer_states import ProducerState
from ovop_market.villages.programme_models import DesignationStep, StarAward
from ovop_market.villages.queries import is_slug

# Makes the address of a page (its endpoint, its slug), for people.
Address = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of a list, and how many rows there are on all pages."""

    total: int
    rows: Sequence[Any]


def _page(session: Session, wanted: Select[Any], asked: Asked) -> tuple[int, Sequence[Any]]:
    # Without what the rows say: only how many there are.
    counting = wanted.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
    total: int = session.scalar(counting) or 0
    offset = (asked["page"] - 1) * asked["per_page"]
    if offset >= total:
        return total, ()
    return total, session.execute(wanted.limit(asked["per_page"]).offset(offset)).all()


def villages(session: Session, asked: Asked, address: Address) -> Rows:
    """Villages by their code. Two statements."""
    wanted = _villages().order_by(Village.region_code)
    if asked["regency"]:
        wanted = wanted.where(Village.region_code.startswith(f"{asked['regency']}."))
    total, found = _page(session, wanted, asked)
    return Rows(total, [records.VillageRow(**_village(row, address)) for row in found])


def village(session: Session, slug: str, address: Address) -> records.Village:
    """The village of this slug. Raises NotFound. Five statements."""
    row = None
    if is_slug(slug):
        row = session.execute(_villages().where(Village.slug == slug)).first()
    if row is None:
        raise NotFound(str(resources.VILLAGE.missing))
    found: Village = row.Village
    story = without_contacts(found.story)
    makers: dict[ProducerKind, int] = dict(
        iter(
            session.execute(
                select(Producer.kind, func.count())
                .where(Producer.village_id == found.id, Producer.state == ProducerState.APPROVED)
                .group_by(Producer.kind)
            )
        )
    )
    years = session.execute(_designations(Designation.year).where(Village.id == found.id)).all()
    return records.Village(
        **_village(row, address),
        story=tuple(part.strip() for part in re.split(r"\n\s*\n", story) if part.strip()),
        groups=makers.get(ProducerKind.GROUP, 0),
        households=makers.get(ProducerKind.HOUSEHOLD, 0),
        designations=tuple(_told(session, years)),
    )


def _villages() -> Select[Any]:
    own, district, regency, province = (aliased(Region) for _level in range(4))
    latest = (
        select(Designation.flagship)
        .where(Designation.village_id == Village.id)
        .order_by(Designation.year.desc())
        .limit(1)
        .scalar_subquery()
    )
    on_sale = (
        select(func.count())
        .select_from(Product)
        .join(Producer, Producer.id == Product.producer_id)
        .where(Producer.village_id == Village.id, *listed())
        .correlate(Village)
        .scalar_subquery()
    )
    code = Village.region_code
    return (
        select(
            Village,
            own.postal_code.label("postal_code"),
            district.name.label("district"),
            regency.name.label("regency"),
            province.name.label("province"),
            latest.label("flagship"),
            on_sale.label("products"),
        )
        .join(own, own.code == code)
        .join(district, district.code == func.substr(code, 1, 8))
        .join(regency, regency.code == func.substr(code, 1, 5))
        .join(province, province.code == func.substr(code, 1, 2))
    )


def _village(row: Any, address: Address) -> dict[str, Any]:
    found: Village = row.Village
    code = found.region_code
    return {
        "slug": found.slug,
        "code": code,
        "name": found.name,
        "postal_code": row.postal_code,
        "district": Area(code[:8], row.district),
        "regency": Area(code[:5], row.regency),
        "province": Area(code[:2], row.province),
        "flagship": row.flagship,
        "products": row.products,
        "url": address("villages.village", found.slug),
    }


def designations(session: Session, asked: Asked) -> Rows:
    """Designations, the latest programme year first. Four statements."""
    wanted = _designations(Designation.year.desc())
    if asked["year"] is not None:
        wanted = wanted.where(Designation.year == asked["year"])
    if asked["village"]:
        wanted = wanted.where(Village.slug == asked["village"])
    if asked["stage"]:
        wanted = wanted.where(Designation.stage == asked["stage"])
    total, found = _page(session, wanted, asked)
    return Rows(total, _told(session, found))


def _designations(first: ColumnElement[Any] | Any) -> Select[Any]:
    # Of what is not on sale there is no row in the table of products.
    product = (
        select(Product.slug)
        .where(Product.id == Designation.flagship_product_id, *listed())
        .correlate(Designation)
        .scalar_subquery()
    )
    columns: Sequence[Any] = (
        Designation.id,
        Designation.year,
        Designation.flagship,
        product.label("flagship_product"),
        Designation.stage,
        Designation.stars,
        Village.slug,
        Village.name,
    )
    return (
        select(*columns)
        .join(Village, Village.id == Designation.village_id)
        .order_by(first, Village.region_code)
    )


def _told(session: Session, found: Sequence[Any]) -> list[records.Designation]:
    """Designations with their histories: days, and nothing of who noted them or why."""
    ids = [row.id for row in found]
    if not ids:
        return []
    steps = session.execute(
        select(DesignationStep.designation_id, DesignationStep.stage, DesignationStep.day)
        .where(DesignationStep.designation_id.in_(ids))
        .order_by(DesignationStep.id)
    )
    awards = session.execute(
        select(StarAward.designation_id, StarAward.stars, StarAward.day, StarAward.expires_on)
        .where(StarAward.designation_id.in_(ids))
        .order_by(StarAward.day, StarAward.id)
    )
    stages, stars = _grouped(steps, records.StageDay), _grouped(awards, records.StarDay)
    return [
        records.Designation(
            village=row.slug,
            village_name=row.name,
            year=row.year,
            flagship=row.flagship,
            flagship_product=row.flagship_product,
            stage=row.stage,
            stars=row.stars,
            stages=tuple(stages[row.id]),
            star_days=tuple(stars[row.id]),
        )
        for row in found
    ]


def _grouped(rows: Iterable[Any], record: Callable[..., Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for of, *values in rows:
        found[of].append(record(*values))
    return found


def products(session: Session, asked: Asked, address: Address) -> Rows:
    """Products on sale, in the order in which they were listed. Two statements."""
    wanted = _products().order_by(Product.id)
    if asked["village"]:
        wanted = wanted.where(Village.slug == asked["village"])
    if asked["category"]:
        wanted = wanted.where(Product.category == asked["category"])
    total, found = _page(session, wanted, asked)
    return Rows(total, [records.ProductRow(**_product(row, address)) for row in found])


def product(session: Session, slug: str, address: Address) -> records.Product:
    """The product of this slug, if it is on sale. Raises NotFound. Two statements."""
    row = None
    if is_slug(slug):
        row = session.execute(_products().where(Product.slug == slug)).first()
    if row is None:
        raise NotFound(str(resources.PRODUCT.missing))
    found: Product = row.Product
    packs = session.execute(
        select(Variant.name, Variant.price, Variant.weight_grams)
        .where(Variant.product_id == found.id, Variant.sold)
        .order_by(Variant.position, Variant.id)
    )
    in_group = row.kind is ProducerKind.GROUP
    return records.Product(
        **_product(row, address),
        description=without_contacts(found.description),
        ingredients=without_contacts(found.ingredients),
        storage=found.storage,
        shelf_life_days=found.shelf_life_days,
        max_transit_days=found.max_transit_days,
        seller_kind=row.kind,
        # A household's name is that of a person.
        group=without_contacts(row.seller) if in_group else None,
        packs=tuple(records.Pack(*pack) for pack in packs),
    )


def _products() -> Select[Any]:
    columns: Sequence[Any] = (
        Product,
        Producer.kind,
        Producer.name.label("seller"),
        Village.slug.label("village"),
        Village.name.label("village_name"),
        price_from().label("price_from"),
    )
    return (
        select(*columns)
        .join(Producer, Producer.id == Product.producer_id)
        .join(Village, Village.id == Producer.village_id)
        .where(*listed())
    )


def _product(row: Any, address: Address) -> dict[str, Any]:
    found: Product = row.Product
    return {
        "slug": found.slug,
        "name": without_contacts(found.name),
        "village": row.village,
        "village_name": row.village_name,
        "category": found.category,
        "summary": without_contacts(found.summary),
        "price_from": row.price_from,
        "made_to_order": found.made_to_order,
        "season_from": found.season_from,
        "season_to": found.season_to,
        "url": address("catalogue.product", found.slug),
    }
