"""The verbs of reported sales: noting one, and withdrawing the note."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.catalogue import supply
from ovop_market.catalogue.models import Offer, StockKind, StockReason, Variant
from ovop_market.catalogue.services import Cause, hold, release
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, OutOfStock, Unusable
from ovop_market.core.money import format_rupiah
from ovop_market.extensions.database import insert_into
from ovop_market.regions import codes
from ovop_market.regions.models import Region
from ovop_market.sales.models import MOST_PAID, ReportedSale, SaleChannel, TakenPacks
from ovop_market.sales.signals import sale_moved
from ovop_market.villages.models import Producer

# A sale that is longer ago belongs into no report of today.
OLDEST = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Sold:
    """What a seller reports. `total` is in rupiah for all packs; None is the list price.

    `region_code` is a regency or city, or a district in it. `from_stock`: whether the packs were
    among those that the website promises as ready.
    """

    quantity: int
    total: int | None
    channel: SaleChannel
    region_code: str
    day: date
    from_stock: bool = False


def note(
    session: Session,
    seller: Producer,
    variant: Variant,
    sold: Sold,
    *,
    key: str,
    actor_id: int,
    now: datetime,
) -> ReportedSale:
    """Notes a sale beyond the website; the seller must be one who may sell the variant.

    The same key again is the same tap: it answers what was noted then. Raises Conflict when the
    key has noted something else, Unusable, naming the field, for a day or area that cannot be, and
    OutOfStock when fewer packs are ready than are to be taken.
    """
    total = variant.price * sold.quantity if sold.total is None else sold.total
    if not 1 <= total <= MOST_PAID:
        raise Unusable(
            _("Isi harganya, paling banyak %(most)s.", most=format_rupiah(MOST_PAID)),
            field="total",
        )
    values = {
        "producer_id": seller.id,
        "variant_id": variant.id,
        "quantity": sold.quantity,
        "total": total,
        "channel": sold.channel,
        "region_code": regency_of(session, sold.region_code),
        "day": sold.day,
    }
    _check_day(sold.day, clock.wib_date(now))
    sale_id = session.scalar(
        insert_into(session, ReportedSale)
        .values(**values, noted_at=now, noted_by_id=actor_id, idempotency_key=key)
        .on_conflict_do_nothing(index_elements=["noted_by_id", "idempotency_key"])
        .returning(ReportedSale.id)
    )
    if sale_id is None:
        return _noted_before(session, actor_id, key, values)
    sale = session.get_one(ReportedSale, sale_id)
    if sold.from_stock:
        _take(session, sale, Cause(StockReason.SOLD_ELSEWHERE, now, actor_id))
    record(session, "sale noted", f"reported sale {sale.id}", now, actor_id)
    session.flush()
    sale_moved.send(sale, session=session)
    return sale


def withdraw(session: Session, sale: ReportedSale, *, actor_id: int, now: datetime) -> bool:
    """Takes a note back, with the packs that it took; whether it still stood until now.

    Withdrawing twice is withdrawing once: the first who did stays written.
    """
    session.refresh(sale, with_for_update=True)
    if sale.withdrawn_at is not None:
        return False
    sale.withdrawn_at, sale.withdrawn_by_id = now, actor_id
    session.flush()
    release(session, _shares(sale), Cause(StockReason.SOLD_ELSEWHERE, now, actor_id))
    record(session, "sale withdrawn", f"reported sale {sale.id}", now, actor_id)
    session.flush()
    sale_moved.send(sale, session=session)
    return True


def regency_of(session: Session, code: str) -> str:
    """The code of the regency or city that the area is or lies in. Raises Unusable."""
    known = codes.is_code(code) and codes.level_of(code) > 1
    regency = session.get(Region, codes.regency_of(code)) if known else None
    if regency is None:
        raise Unusable(_("Pilih kabupaten atau kota dari daftar."), field="region_code")
    return regency.code


def _check_day(day: date, today: date) -> None:
    if day > today:
        raise Unusable(_("Hari penjualan belum tiba. Isi hari ini atau sebelumnya."), field="day")
    if day < today - OLDEST:
        raise Unusable(_("Paling lama %(days)s hari yang lalu.", days=OLDEST.days), field="day")


def _noted_before(
    session: Session, actor_id: int, key: str, values: dict[str, object]
) -> ReportedSale:
    sale = session.scalars(
        select(ReportedSale).where(
            ReportedSale.noted_by_id == actor_id, ReportedSale.idempotency_key == key
        )
    ).one()
    if any(getattr(sale, name) != value for name, value in values.items()):
        # An old form, by the browser's way back: not what it says now, and not in silence.
        raise Conflict(
            _("Formulir ini sudah dipakai untuk catatan lain. Periksa isinya, lalu simpan lagi.")
        )
    return sale


def _take(session: Session, sale: ReportedSale, cause: Cause) -> None:
    """Takes ready packs away: the seller's own, or, of a group without any, its members'."""
    offers = session.scalars(
        select(Offer)
        .where(Offer.variant_id == sale.variant_id)
        .order_by(Offer.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    own = [offer for offer in offers if offer.producer_id == sale.producer_id]
    lists = sale.variant.product.producer_id == sale.producer_id
    from_here = own or (offers if lists else [])
    supplies = [supply.Supply(offer.id, offer.ready, 0, 0) for offer in from_here]
    plan = supply.from_stock(supplies, sale.quantity, sale.day)
    if plan is None:
        left = supply.ready_now(supplies)
        raise OutOfStock(
            _(
                "Stok siap tinggal %(left)s bungkus. Ubah jumlahnya, atau hapus centang ini.",
                left=left,
            ),
            field="from_stock",
            left=left,
        )
    hold(session, plan.shares, cause)
    session.add_all(
        TakenPacks(sale_id=sale.id, offer_id=share.offer_id, quantity=share.quantity)
        for share in plan.shares
    )
    session.flush()


def _shares(sale: ReportedSale) -> list[supply.Share]:
    return [
        supply.Share(packs.offer_id, StockKind.READY, None, packs.quantity) for packs in sale.taken
    ]
