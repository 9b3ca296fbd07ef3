"""The rollups that officials read: of fulfilled orders and, apart, of what sellers report. They
know regions, never buyers.

ReachDay is the finest. The others add up the same parts by month, so that a page reads as
many rows as it shows, however many orders there are. All are written by reach.services alone, in
the transaction that moves the order, or that notes or withdraws the sale; what is decided of them
(ReachShown), by reach.settling afterwards.

What they count: `purchases` counts a checkout once in each rollup's own cell, where it was first
received (what is published rests on it: see withholding); `orders` counts an order once, at the
product with the largest amount in it, so that sums over products count every order once; `units`
are packs, `revenue` is rupiah for goods without shipping. `home_units` are those of `units` whose
address lies in the product's own village. Of what sellers report, `purchases` and `orders` count
notes, `revenue` is what was paid, and only the regency is known, and no buyer: `home_units` and
`repeats` are 0.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
)
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


class Counts:
    """What every rollup counts; see the module."""

    channel: Mapped[Channel] = mapped_column(Choice(Channel), primary_key=True)
    purchases: Mapped[int]
    orders: Mapped[int]
    units: Mapped[int]
    home_units: Mapped[int]
    # 64 bits: a day's sum may pass the 2.1 billion of an ordinary integer.
    revenue: Mapped[int] = mapped_column(BigInteger)


class Repeats:
    """How many of the purchases are of buyers who had bought before: in this village, or where
    villages are counted together anything at all (ADR 33)."""

    repeats: Mapped[int] = mapped_column(default=0)


def _some_repeat() -> CheckConstraint:
    return CheckConstraint("repeats BETWEEN 0 AND purchases", name="repeats_within_purchases")


def _checks() -> tuple[CheckConstraint, ...]:
    return (
        one_of("channel", Channel),
        CheckConstraint(
            "purchases >= 0 AND orders >= 0 AND units >= 0 AND revenue >= 0",
            name="counts_not_negative",
        ),
        CheckConstraint("home_units BETWEEN 0 AND units", name="home_within_units"),
    )


# SQLite keeps the rows in the order of the key, as they are read: months one after the other.
_CLUSTERED = {"sqlite_with_rowid": False}


class ReachDay(Counts, Model):
    """What of one product was received in one regency on one day (WIB), through one channel."""

    __tablename__ = "reach_day"
    __table_args__ = (
        *_checks(),
        # By day alone, the primary key serves.
        Index("ix_reach_day_village_id_day", "village_id", "day"),
        Index("ix_reach_day_product_id_day", "product_id", "day"),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), primary_key=True)
    # The regency of the buyer's address.
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"), primary_key=True)
    village_id: Mapped[int] = mapped_column(ForeignKey("village.id"))


class ReachPlaceMonth(Counts, Repeats, Model):
    """What all villages of one regency (`area_code`) sent to another in one month, by its first
    day."""

    __tablename__ = "reach_place_month"
    __table_args__ = (*_checks(), _some_repeat(), _CLUSTERED)

    month: Mapped[date] = mapped_column(primary_key=True)
    area_code: Mapped[str] = mapped_column(ForeignKey("region.code"), primary_key=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"), primary_key=True)


class ReachYear(Counts, Model):
    """All that the villages of one regency sent in one calendar year.

    `weight` adds up, of each pack, where, when and what it was. `mark` is another number whenever
    anything of the year is written: by it is known whether what was decided still holds
    (reach.snapshots).
    """

    __tablename__ = "reach_year"
    __table_args__ = (*_checks(), _CLUSTERED)

    year: Mapped[int] = mapped_column(primary_key=True)
    area_code: Mapped[str] = mapped_column(ForeignKey("region.code"), primary_key=True)
    weight: Mapped[int] = mapped_column(BigInteger)
    mark: Mapped[int] = mapped_column(BigInteger, server_default="0")


class ReachProducerMonth(Counts, Model):
    """What one producer sent in one month: by producer first, as the list of whom to visit asks. A
    purchase has one order of a producer, so `purchases` are its orders."""

    __tablename__ = "reach_producer_month"
    __table_args__ = (*_checks(), _CLUSTERED)

    producer_id: Mapped[int] = mapped_column(ForeignKey("producer.id"), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)


class ReachVillageMonth(Counts, Repeats, Model):
    """What one village sent in one month."""

    __tablename__ = "reach_village_month"
    __table_args__ = (
        *_checks(),
        _some_repeat(),
        Index("ix_reach_village_month_village_id", "village_id"),
        _CLUSTERED,
    )

    month: Mapped[date] = mapped_column(primary_key=True)
    village_id: Mapped[int] = mapped_column(ForeignKey("village.id"), primary_key=True)


class ReachVillageYear(Counts, Model):
    """What one village sent to one regency in one calendar year (no month of it is ever shown: see
    ADR 27). `home_purchases` are those of `purchases` whose address lies in the village."""

    __tablename__ = "reach_village_year"
    __table_args__ = (
        *_checks(),
        CheckConstraint("home_purchases BETWEEN 0 AND purchases", name="home_within_purchases"),
        _CLUSTERED,
    )

    year: Mapped[int] = mapped_column(primary_key=True)
    village_id: Mapped[int] = mapped_column(ForeignKey("village.id"), primary_key=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"), primary_key=True)
    home_purchases: Mapped[int]


class ReachProductMonth(Counts, Model):
    """What was sent of one product in one month."""

    __tablename__ = "reach_product_month"
    __table_args__ = (
        *_checks(),
        Index("ix_reach_product_month_village_id_month", "village_id", "month"),
        Index("ix_reach_product_month_product_id", "product_id"),
        _CLUSTERED,
    )

    month: Mapped[date] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), primary_key=True)
    village_id: Mapped[int] = mapped_column(ForeignKey("village.id"))


class ReachShownYear(Model):
    """A calendar year of the villages of one regency, verified or reported, of which it is stored
    what is shown; it holds for as long as the year's `stamp` is the same (reach.stored)."""

    __tablename__ = "reach_shown_year"
    __table_args__ = (_CLUSTERED,)

    year: Mapped[int] = mapped_column(primary_key=True)
    area_code: Mapped[str] = mapped_column(ForeignKey("region.code"), primary_key=True)
    reported: Mapped[bool] = mapped_column(primary_key=True)
    stamp: Mapped[str] = mapped_column(String(200))


class ReachShown(Model):
    """A table of such a year by its name, as JSON: what is shown, and what is not."""

    __tablename__ = "reach_shown"
    __table_args__ = (
        ForeignKeyConstraint(
            ["year", "area_code", "reported"],
            ["reach_shown_year.year", "reach_shown_year.area_code", "reach_shown_year.reported"],
            ondelete="CASCADE",
            name="fk_reach_shown_year_reach_shown_year",
        ),
    )

    year: Mapped[int] = mapped_column(primary_key=True)
    area_code: Mapped[str] = mapped_column(primary_key=True)
    reported: Mapped[bool] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(String(80), primary_key=True)
    data: Mapped[str] = mapped_column(Text)
