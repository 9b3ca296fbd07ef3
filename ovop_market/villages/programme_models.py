"""What the programme keeps of a designation beside its present state: the way it went, its stars,
and what a village means to reach in a year."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.villages.models import Stage


class DesignationStep(Model):
    """An append-only line: on this day (WIB) the designation came to this stage. The database
    refuses to change it. Those from before there was a history begin with one that nobody noted."""

    __tablename__ = "designation_step"
    __table_args__ = (one_of("stage", Stage),)

    id: Mapped[int] = mapped_column(primary_key=True)
    designation_id: Mapped[int] = mapped_column(ForeignKey("designation.id"), index=True)
    stage: Mapped[Stage] = mapped_column(Choice(Stage))
    # Null: the stage is known, the day on which it was reached is not.
    day: Mapped[date | None]
    note: Mapped[str] = mapped_column(String(500), default="")
    noted_at: Mapped[datetime] = mapped_column(Moment)
    noted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class StarAward(Model):
    """Stars with their certificate; Designation.stars repeats those of the latest day."""

    __tablename__ = "star_award"
    __table_args__ = (
        UniqueConstraint("designation_id", "certificate"),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars_known"),
        CheckConstraint("expires_on IS NULL OR expires_on > day", name="ends_after_it_begins"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    designation_id: Mapped[int] = mapped_column(ForeignKey("designation.id"))
    stars: Mapped[int] = mapped_column(SmallInteger)
    day: Mapped[date]
    certificate: Mapped[str] = mapped_column(String(60))
    expires_on: Mapped[date | None]
    noted_at: Mapped[datetime] = mapped_column(Moment)
    noted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class VillageTarget(Model):
    """What a village means to reach in a calendar year: verified orders, different regencies,
    revenue (rupiah, goods). What is not aimed at is null; something always is."""

    __tablename__ = "village_target"
    __table_args__ = (
        CheckConstraint("year BETWEEN 2000 AND 2100", name="year_sensible"),
        CheckConstraint(
            "orders IS NOT NULL OR regencies IS NOT NULL OR revenue IS NOT NULL",
            name="something_aimed_at",
        ),
        CheckConstraint("orders > 0 AND regencies > 0 AND revenue > 0", name="positive"),
    )

    village_id: Mapped[int] = mapped_column(ForeignKey("village.id"), primary_key=True)
    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    orders: Mapped[int | None]
    regencies: Mapped[int | None]
    revenue: Mapped[int | None] = mapped_column(BigInteger)
