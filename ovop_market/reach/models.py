"""The rollup that officials read, of fulfilled orders and, apart, of what sellers report. It knows
regions, never buyers."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from ovop_market.extensions.database import Choice, Model, one_of


class Channel(StrEnum):
    """Through what a sale came about. The website verifies its own; the others are those of
    sales.models.SaleChannel, which sellers report and nobody has checked."""

    WEB = "web"
    WHATSAPP = "whatsapp"
    OFFICE = "office"
    FAIR = "fair"
    DOOR = "door"

    @property
    def reported(self) -> bool:
        """Whether only the seller says so."""
        return self is not Channel.WEB


class ReachDay(Model):
    """What of one product was received in one regency on one day (WIB), through one channel.

    `orders` counts an order once, at the product with the largest amount in it, so that sums over
    products count every order once; `units` are packs, `revenue` is rupiah for goods without
    shipping. `home_units` are those of `units` whose address lies in the product's own village: the
    lowest rung of the ladder, and the only one that the regency's code cannot tell. Of what sellers
    report, `orders` counts notes, `revenue` is what was paid, and only the regency is known:
    `home_units` is 0. Written by reach.services alone, in the transaction that moves the order, or
    that notes or withdraws the sale.
    """

    __tablename__ = "reach_day"
    __table_args__ = (
        one_of("channel", Channel),
        CheckConstraint("orders >= 0 AND units >= 0 AND revenue >= 0", name="counts_not_negative"),
        CheckConstraint("home_units BETWEEN 0 AND units", name="home_within_units"),
        # By day alone, the primary key serves.
        Index("ix_reach_day_village_id_day", "village_id", "day"),
        Index("ix_reach_day_product_id_day", "product_id", "day"),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), primary_key=True)
    # The regency of the buyer's address.
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"), primary_key=True)
    channel: Mapped[Channel] = mapped_column(Choice(Channel), primary_key=True)
    village_id: Mapped[int] = mapped_column(ForeignKey("village.id"))
    orders: Mapped[int]
    units: Mapped[int]
    home_units: Mapped[int]
    # 64 bits: a day's sum may pass the 2.1 billion of an ordinary integer.
    revenue: Mapped[int] = mapped_column(BigInteger)
