"""What sellers see of the sales that they report. Every read starts from the account: the producers
that it is on the staff of, and for these households the products of their group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import BigInteger, ColumnElement, and_, cast, func, or_, select
from sqlalchemy.orm import Session, aliased

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Product, Variant
from ovop_market.core.errors import NotFound
from ovop_market.regions import codes
from ovop_market.regions.models import Region
from ovop_market.sales.models import ReportedSale, SaleChannel
from ovop_market.villages.models import Producer, Village
from ovop_market.villages.queries import own_producers

PER_PAGE = 20
# How many places are offered at once; all others are found by searching.
PLACES = 4


@dataclass(frozen=True, slots=True)
class Sellable:
    """A variant that a producer of the account can have sold, and how often it did so far."""

    variant_id: int
    product: str
    variant: str
    price: int
    seller: str
    seller_slug: str
    times: int


@dataclass(frozen=True, slots=True)
class Place:
    """A regency or city."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Usual:
    """What the form begins with: as it was last time, or as it mostly is."""

    quantity: int
    channel: SaleChannel
    region_code: str
    places: Sequence[Place]


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A note as a line of the list, with who wrote it and who withdrew it."""

    id: int
    day: date
    product: str
    variant: str
    seller: str
    quantity: int
    total: int
    channel: SaleChannel
    region: str
    noted_by: str
    from_stock: bool
    withdrawn_at: datetime | None
    withdrawn_by: str | None


@dataclass(frozen=True, slots=True)
class Month:
    """Sums of the notes that stand, of the days of one month: notes, packs, rupiah."""

    first: date
    notes: int
    units: int
    revenue: int


@dataclass(frozen=True, slots=True)
class Notes:
    """A page of the account's notes, newest first, and this month's sums."""

    rows: Sequence[NoteRow]
    page: int
    pages: int
    month: Month


def sellables(session: Session, user: User) -> list[Sellable]:
    """What the account's producers can have sold, most often sold first."""
    times = (
        select(ReportedSale.producer_id, ReportedSale.variant_id, func.count().label("times"))
        .where(ReportedSale.producer_id.in_(own_producers(user)), _stands())
        .group_by(ReportedSale.producer_id, ReportedSale.variant_id)
        .subquery()
    )
    often = func.coalesce(times.c.times, 0)
    rows = session.execute(
        select(
            Variant.id, Product.name, Variant.name, Variant.price, Producer.name, Producer.slug,
            often,
        )
        .join_from(Variant, Product, Variant.product_id == Product.id)
        .join(Producer, _sells())
        .outerjoin(
            times, and_(times.c.producer_id == Producer.id, times.c.variant_id == Variant.id)
        )
        .where(Producer.id.in_(own_producers(user)), Variant.sold)
        .order_by(often.desc(), Product.name, Product.id, Variant.position, Variant.id, Producer.id)
    )  # fmt: skip
    return [Sellable(*row) for row in rows]


def sellable(
    session: Session, user: User, variant_id: int, seller_slug: str
) -> tuple[Producer, Variant]:
    """A producer of the account and a variant that it may sell. Raises NotFound."""
    row = session.execute(
        select(Producer, Variant)
        .join_from(Variant, Product, Variant.product_id == Product.id)
        .join(Producer, _sells())
        .where(
            Producer.id.in_(own_producers(user)),
            Producer.slug == seller_slug.replace("\x00", ""),
            Variant.id == variant_id,
        )
    ).first()
    if row is None:
        raise NotFound(_("Produk ini tidak ada di akun Anda."))
    return row[0], row[1]


def usual(session: Session, seller: Producer, variant: Variant) -> Usual:
    """How the seller sold this variant last; else anything; else one pack, by WhatsApp, at home."""
    last = session.scalars(
        select(ReportedSale)
        .where(ReportedSale.producer_id == seller.id, _stands())
        .order_by((ReportedSale.variant_id == variant.id).desc(), ReportedSale.id.desc())
        .limit(1)
    ).first()
    village = select(Village.region_code).where(Village.id == seller.village_id)
    home = codes.regency_of(session.scalars(village).one())
    latest = func.max(ReportedSale.id)
    recent = session.scalars(
        select(ReportedSale.region_code)
        .where(ReportedSale.producer_id == seller.id, _stands())
        .group_by(ReportedSale.region_code)
        .order_by(latest.desc())
        .limit(PLACES)
    ).all()
    wanted = list(dict.fromkeys([home, *recent]))[:PLACES]
    chosen = last.region_code if last else home
    if chosen not in wanted:
        wanted[-1] = chosen
    return Usual(
        quantity=last.quantity if last and last.variant_id == variant.id else 1,
        channel=last.channel if last else SaleChannel.WHATSAPP,
        region_code=chosen,
        places=places(session, wanted),
    )


def places(session: Session, wanted: Sequence[str]) -> list[Place]:
    """Regencies by their codes, in this order."""
    rows = session.execute(select(Region.code, Region.name).where(Region.code.in_(wanted)))
    names = {row.code: row.name for row in rows}
    return [Place(code, names[code]) for code in wanted if code in names]


def notes(session: Session, user: User, page: int, today: date) -> Notes:
    """The account's notes, in two statements."""
    own = ReportedSale.producer_id.in_(own_producers(user))
    first = today.replace(day=1)
    this_month = and_(ReportedSale.day >= first, _stands())
    # One month ends today: no sale lies ahead of it.
    sums = [
        func.count(),
        func.count().filter(this_month),
        func.coalesce(func.sum(ReportedSale.quantity).filter(this_month), 0),
        cast(func.coalesce(func.sum(ReportedSale.total).filter(this_month), 0), BigInteger),
    ]
    count, *month = session.execute(select(*sums).where(own)).one()
    pages = max(1, -(-count // PER_PAGE))
    page = min(page, pages)
    return Notes(_rows(session, own, page), page, pages, Month(first, *map(int, month)))


def sale_of(session: Session, user: User, sale_id: int) -> ReportedSale:
    """One of the account's notes. Raises NotFound."""
    sale = session.scalars(
        select(ReportedSale).where(
            ReportedSale.id == sale_id, ReportedSale.producer_id.in_(own_producers(user))
        )
    ).first()
    if sale is None:
        raise NotFound(_("Catatan ini tidak ada di akun Anda."))
    return sale


def _rows(session: Session, own: ColumnElement[bool], page: int) -> list[NoteRow]:
    withdrawer = aliased(User)
    rows: Iterable[Any] = session.execute(
        select(
            ReportedSale.id,
            ReportedSale.day,
            Product.name,
            Variant.name,
            Producer.name,
            ReportedSale.quantity,
            ReportedSale.total,
            ReportedSale.channel,
            Region.name,
            User.name,
            ReportedSale.taken.any(),
            ReportedSale.withdrawn_at,
            withdrawer.name,
        )
        .join_from(ReportedSale, Variant, ReportedSale.variant_id == Variant.id)
        .join(Product, Variant.product_id == Product.id)
        .join(Producer, ReportedSale.producer_id == Producer.id)
        .join(Region, ReportedSale.region_code == Region.code)
        .join(User, ReportedSale.noted_by_id == User.id)
        .outerjoin(withdrawer, ReportedSale.withdrawn_by_id == withdrawer.id)
        .where(own)
        .order_by(ReportedSale.id.desc())
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    )
    return [NoteRow(*row) for row in rows]


def _sells() -> ColumnElement[bool]:
    """Whether the producer lists the product, or is a household of the group that does."""
    return or_(Product.producer_id == Producer.id, Product.producer_id == Producer.group_id)


def _stands() -> ColumnElement[bool]:
    return ReportedSale.withdrawn_at.is_(None)
