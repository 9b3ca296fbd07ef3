"""What sellers report of their sales beyond the website. It knows products and regencies, and of
buyers nothing: there is no column into which a name could be written."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.catalogue.models import Variant
from ovop_market.core.money import MAX_PRICE
from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.regions.models import Region
from ovop_market.villages.models import Producer

# More packs than anybody sells at one fair: beyond is a slip of the finger.
MOST_SOLD = 9_999
# Rupiah of one sale; low enough for 32 bits.
MOST_PAID = MAX_PRICE
REGENCY_LENGTH = 5  # characters of 19.05


class SaleChannel(StrEnum):
    """Through what a sale beyond the website came about; `door` is everything else as well."""

    WHATSAPP = "whatsapp"
    OFFICE = "office"
    FAIR = "fair"
    DOOR = "door"


class ReportedSale(Model):
    """So many packs of a variant for so many rupiah, as its seller says; nobody has checked it.

    A note is never changed nor deleted, only withdrawn, once: the database refuses all else.
    """

    __tablename__ = "reported_sale"
    __table_args__ = (
        one_of("channel", SaleChannel),
        CheckConstraint(f"quantity BETWEEN 1 AND {MOST_SOLD}", name="quantity_sensible"),
        CheckConstraint(f"total BETWEEN 1 AND {MOST_PAID}", name="total_sensible"),
        # A regency or city: where a buyer lives is told no nearer.
        CheckConstraint(f"length(region_code) = {REGENCY_LENGTH}", name="region_is_regency"),
        CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)", name="withdrawn_by_somebody"
        ),
        UniqueConstraint("noted_by_id", "idempotency_key"),
        Index("ix_reported_sale_producer_id_id", "producer_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # Who sold: the household or group that lists the product, or a household of that group.
    producer_id: Mapped[int] = mapped_column(ForeignKey("producer.id"))
    variant_id: Mapped[int] = mapped_column(ForeignKey("variant.id"), index=True)
    quantity: Mapped[int]
    # Rupiah for all of it.
    total: Mapped[int]
    channel: Mapped[SaleChannel] = mapped_column(Choice(SaleChannel))
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    # In WIB.
    day: Mapped[date]
    noted_at: Mapped[datetime] = mapped_column(Moment)
    noted_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    idempotency_key: Mapped[str] = mapped_column(String(100))

    producer: Mapped[Producer] = relationship()
    variant: Mapped[Variant] = relationship()
    region: Mapped[Region] = relationship()
    taken: Mapped[list[TakenPacks]] = relationship(order_by="TakenPacks.offer_id")


class TakenPacks(Model):
    """Ready packs of an offer that went with a reported sale: its withdrawal gives them back."""

    __tablename__ = "reported_sale_stock"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    sale_id: Mapped[int] = mapped_column(ForeignKey("reported_sale.id"), primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), primary_key=True, index=True)
    quantity: Mapped[int]
