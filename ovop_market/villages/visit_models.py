"""Visits of the office to producers: what was advised, and what is to come of it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.accounts.models import User
from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.extensions.pictures import PictureColumns
from ovop_market.villages.models import Producer

# Characters.
MOST_ADVICE, MOST_NEXT_STEP, MOST_REASON = 2_000, 500, 200
MOST_PHOTOS = 4


class Topic(StrEnum):
    """What a visit was mainly about."""

    PRODUCTION = "production"
    PACKAGING = "packaging"
    PERMITS = "permits"
    MARKETING = "marketing"
    QUALITY = "quality"
    MONEY = "money"
    OTHER = "other"


class Visit(Model):
    """A visit to a household or a group; its village is the producer's.

    What was noted is never changed nor deleted: the database refuses it. A next step is done once,
    and a visit is withdrawn once, with the reason.
    """

    __tablename__ = "mentoring_visit"
    __table_args__ = (
        one_of("topic", Topic),
        CheckConstraint("day >= '2000-01-01'", name="day_sensible"),
        CheckConstraint(f"length(advice) BETWEEN 1 AND {MOST_ADVICE}", name="advice_said"),
        CheckConstraint(f"length(next_step) <= {MOST_NEXT_STEP}", name="next_step_short"),
        CheckConstraint(
            "next_by IS NULL OR (next_step <> '' AND next_by >= day)", name="next_by_after_visit"
        ),
        CheckConstraint("(done_at IS NULL) = (done_by_id IS NULL)", name="done_by_somebody"),
        CheckConstraint("done_at IS NULL OR next_step <> ''", name="done_is_a_step"),
        CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)"
            " AND (withdrawn_at IS NULL) = (withdrawn_why = '')",
            name="withdrawn_by_somebody",
        ),
        UniqueConstraint("by_id", "idempotency_key"),
        Index("ix_mentoring_visit_producer_id_day", "producer_id", "day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    producer_id: Mapped[int] = mapped_column(ForeignKey("producer.id"))
    # In WIB.
    day: Mapped[date]
    topic: Mapped[Topic] = mapped_column(Choice(Topic))
    advice: Mapped[str] = mapped_column(Text)
    # What the producer, or the office, does next; empty: nothing.
    next_step: Mapped[str] = mapped_column(Text, default="")
    next_by: Mapped[date | None]
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    noted_at: Mapped[datetime] = mapped_column(Moment)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    withdrawn_why: Mapped[str] = mapped_column(String(MOST_REASON), default="")
    idempotency_key: Mapped[str] = mapped_column(String(100))

    producer: Mapped[Producer] = relationship()
    by: Mapped[User] = relationship(foreign_keys=[by_id])
    photos: Mapped[list[VisitPhoto]] = relationship(order_by="VisitPhoto.position")


class VisitPhoto(PictureColumns, Model):
    """A picture taken at a visit, in the private store: those who oversee the village see it."""

    __tablename__ = "visit_photo"
    __table_args__ = (
        UniqueConstraint("visit_id", "position"),
        CheckConstraint(f"position BETWEEN 0 AND {MOST_PHOTOS - 1}", name="few_photos"),
        CheckConstraint("width > 0 AND height > 0", name="size_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("mentoring_visit.id"))
