"""Villages as brands, their designations by programme year, and the producers who live there."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    and_,
    false,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.extensions.pictures import PictureColumns
from ovop_market.villages.policy import StaffRole
from ovop_market.villages.producer_states import ProducerState


class Stage(StrEnum):
    """The stages of the programme (Permenperin 14/2021)."""

    PROPOSAL = "proposal"
    SELECTION = "selection"
    DESIGNATION = "designation"
    MENTORING = "mentoring"
    EVALUATION = "evaluation"


class ProducerKind(StrEnum):
    """A household sells by itself; a group (kelompok) has households as members."""

    HOUSEHOLD = "household"
    GROUP = "group"


class PermitKind(StrEnum):
    """Business number, home-industry food permit, halal certificate."""

    NIB = "nib"
    PIRT = "pirt"
    HALAL = "halal"


class Village(Model):
    """An OVOP village: a region with a story, known to buyers by its name."""

    __tablename__ = "village"

    id: Mapped[int] = mapped_column(primary_key=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"), unique=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    # Paragraphs are separated by an empty line.
    story: Mapped[str] = mapped_column(Text)
    # Other ways in which people write the name, separated by spaces ("belolaut muntok").
    also_known_as: Mapped[str] = mapped_column(String(200), default="")

    designations: Mapped[list[Designation]] = relationship(
        back_populates="village", order_by="Designation.year"
    )
    photos: Mapped[list[VillagePhoto]] = relationship(order_by="VillagePhoto.position")
    producers: Mapped[list[Producer]] = relationship(back_populates="village")


class VillagePhoto(PictureColumns, Model):
    """A picture of a village; the first is its face."""

    __tablename__ = "village_photo"

    id: Mapped[int] = mapped_column(primary_key=True)
    village_id: Mapped[int] = mapped_column(ForeignKey("village.id"), index=True)


class Designation(Model):
    """A village in a programme year: its flagship may change from one to the next."""

    __tablename__ = "designation"
    __table_args__ = (
        UniqueConstraint("village_id", "year"),
        one_of("stage", Stage),
        CheckConstraint("year BETWEEN 2000 AND 2100", name="year_sensible"),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars_known"),
        CheckConstraint("baseline_sales >= 0", name="baseline_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    village_id: Mapped[int] = mapped_column(ForeignKey("village.id"))
    year: Mapped[int] = mapped_column(SmallInteger, index=True)
    flagship: Mapped[str] = mapped_column(String(80))
    # The same as a product of this village, where this website sells it (catalogue is above this
    # feature). programme_services.choose_product alone writes it: it knows which are the village's.
    flagship_product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    stage: Mapped[Stage] = mapped_column(Choice(Stage))
    stars: Mapped[int | None] = mapped_column(SmallInteger)
    # Rupiah a month, before the programme; entered once.
    baseline_sales: Mapped[int | None] = mapped_column(BigInteger)

    village: Mapped[Village] = relationship(back_populates="designations")


def _since_it_was_made(context: Any) -> datetime:
    """A producer is in its first state since it was made."""
    made: datetime = context.get_current_parameters()["created_at"]
    return made


class Producer(Model):
    """A seller: a household, or a group of households with one order inbox."""

    __tablename__ = "producer"
    __table_args__ = (
        one_of("kind", ProducerKind),
        CheckConstraint("kind = 'household' OR group_id IS NULL", name="group_not_member"),
        CheckConstraint("group_id <> id", name="not_own_member"),
        CheckConstraint("cash_limit > 0", name="cash_limit_positive"),
        CheckConstraint(
            "wanted_group_id IS NULL OR (kind = 'household' AND group_id IS NULL)",
            name="wanted_by_households",
        ),
        CheckConstraint("member_since IS NULL OR group_id IS NOT NULL", name="member_since_group"),
        CheckConstraint(
            "state <> 'closed' OR"
            " (closed_from IS NOT NULL AND closed_to IS NULL AND group_id IS NULL)",
            name="ended_is_closed",
        ),
        one_of("state", ProducerState),
        # Most sell: whoever does not is found without a look at the others.
        Index("ix_producer_state_since", "state", "state_since"),
        CheckConstraint(
            "closed_to IS NULL OR (closed_from IS NOT NULL AND closed_from <= closed_to)",
            name="closure_in_order",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    village_id: Mapped[int] = mapped_column(ForeignKey("village.id"), index=True)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("producer.id"), index=True)
    kind: Mapped[ProducerKind] = mapped_column(Choice(ProducerKind))
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    about: Mapped[str] = mapped_column(Text, default="")
    # E.164; shown to the buyers of this producer's orders, and for WhatsApp on the product page.
    phone: Mapped[str] = mapped_column(String(20))
    # Whether buyers may pay in cash: to the courier, or at the collection point; and up to which
    # total of an order (rupiah; null: any).
    cash_on_delivery: Mapped[bool] = mapped_column(default=False)
    cash_at_pickup: Mapped[bool] = mapped_column(default=False)
    cash_limit: Mapped[int | None]
    # Closed on these days, both included; without an end, until opened again.
    closed_from: Mapped[date | None]
    closed_to: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(Moment)
    # The group that a household asks to join; since when it belongs to its group (null: always).
    wanted_group_id: Mapped[int | None] = mapped_column(ForeignKey("producer.id"), index=True)
    member_since: Mapped[date | None]
    # Where it stands, and since when. producer_services.move alone changes them.
    state: Mapped[ProducerState] = mapped_column(
        Choice(ProducerState), default=ProducerState.APPROVED, server_default="approved"
    )
    state_since: Mapped[datetime] = mapped_column(Moment, default=_since_it_was_made)
    # Newly applied: an operator looks at its first listing before buyers see it.
    on_probation: Mapped[bool] = mapped_column(default=False, server_default=false())

    village: Mapped[Village] = relationship(back_populates="producers")
    group: Mapped[Producer | None] = relationship(
        remote_side=[id], foreign_keys=[group_id], back_populates="members"
    )
    members: Mapped[list[Producer]] = relationship(
        foreign_keys=[group_id], back_populates="group", order_by="Producer.name"
    )
    wanted_group: Mapped[Producer | None] = relationship(
        remote_side=[id], foreign_keys=[wanted_group_id]
    )
    permits: Mapped[list[Permit]] = relationship(order_by="Permit.kind")

    @property
    def ended_at(self) -> datetime | None:
        """When it closed for good, if it has."""
        return self.state_since if self.state is ProducerState.CLOSED else None

    @property
    def selling(self) -> bool:
        """Whether it may sell at all; buyers see nothing of one that may not."""
        return self.state is ProducerState.APPROVED

    def closed_on(self, day: date) -> bool:
        """Whether the producer takes no orders on this day (WIB)."""
        if not self.selling:
            return True
        if self.closed_from is None or day < self.closed_from:
            return False
        return self.closed_to is None or day <= self.closed_to


def open_on(producer: type[Producer], day: date) -> ColumnElement[bool]:
    """The negation of Producer.closed_on, for the database; `producer` may be an alias."""
    return and_(
        producer.state == ProducerState.APPROVED,
        or_(producer.closed_from.is_(None), producer.closed_from > day, producer.closed_to < day),
    )


# Those who may not sell: a few, found by an index. Made once, for making it costs more than asking.
_other = Producer.__table__.alias("other_producer")
_UNFIT = select(_other.c.id).where(
    _other.c.state.in_([state for state in ProducerState if state is not ProducerState.APPROVED])
)


def sold_by(producer_id: Any) -> ColumnElement[bool]:
    """Whether the producer of this column may sell: the one rule by which the pages of buyers, the
    search and the open data leave out what applied, suspended and closed producers list. The few
    who may not are looked up once for a statement, not for each row."""
    allowed: ColumnElement[bool] = producer_id.not_in(_UNFIT)
    return allowed


class ProducerStaff(Model):
    """Who may act for a producer, and as what: an account in its inbox.

    A producer that has an owner keeps one: staff_services sees to it. That nobody packs where there
    is no owner, a trigger does.
    """

    __tablename__ = "producer_staff"
    __table_args__ = (one_of("role", StaffRole),)

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    producer_id: Mapped[int] = mapped_column(
        ForeignKey("producer.id"), primary_key=True, index=True
    )
    # The first who acts for a producer is its owner; packers are made by invitation.
    role: Mapped[StaffRole] = mapped_column(Choice(StaffRole), default=StaffRole.OWNER)
    # Null of those who were there before this was written down.
    since: Mapped[datetime | None] = mapped_column(Moment)
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class Permit(Model):
    """A business permit or certificate; without one a producer is refused stars."""

    __tablename__ = "permit"
    __table_args__ = (
        UniqueConstraint("producer_id", "kind"),
        one_of("kind", PermitKind),
        Index("ix_permit_expires_on", "expires_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    producer_id: Mapped[int] = mapped_column(ForeignKey("producer.id"))
    kind: Mapped[PermitKind] = mapped_column(Choice(PermitKind))
    number: Mapped[str] = mapped_column(String(60))
    expires_on: Mapped[date | None]
    # Of which of its reminders (permit_rules.REMINDERS: days before the end) the time has come for
    # this end; null: of none. A new end begins anew.
    reminded: Mapped[int | None] = mapped_column(SmallInteger)
