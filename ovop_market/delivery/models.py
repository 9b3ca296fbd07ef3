"""How parcels travel: services, what they cost from where to where, and collection points."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.core.quantity import VOLUMETRIC_DIVISOR
from ovop_market.extensions.database import Choice, Model, Moment, one_of


class Service(Model):
    """A courier's service that buyers can choose at checkout, by its code.

    A `local` one is the seller's own delivery. `rate_courier` and `rate_service` are the names by
    which a courier rate API knows it ("jne", "REG"), if it is asked for prices at all.
    """

    __tablename__ = "delivery_service"
    __table_args__ = (
        CheckConstraint("code NOT LIKE 'pickup%'", name="pickup_reserved"),
        CheckConstraint("volumetric_divisor > 0", name="divisor_positive"),
        CheckConstraint("(rate_courier IS NULL) = (rate_service IS NULL)", name="rate_named_whole"),
        # No API says of a service that it keeps things cold, and none knows the seller's own.
        CheckConstraint(
            "rate_courier IS NULL OR NOT (cold_chain OR local)", name="rate_of_ordinary_courier"
        ),
        UniqueConstraint("rate_courier", "rate_service"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(30), unique=True)
    courier: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(60))
    cold_chain: Mapped[bool] = mapped_column(default=False)
    offered: Mapped[bool] = mapped_column(default=True)
    local: Mapped[bool] = mapped_column(default=False)
    # Cubic centimetres that are billed as a kilogram.
    volumetric_divisor: Mapped[int] = mapped_column(default=VOLUMETRIC_DIVISOR)
    rate_courier: Mapped[str | None] = mapped_column(String(20))
    rate_service: Mapped[str | None] = mapped_column(String(60))


class Tariff(Model):
    """The price of a service between two areas, which are prefixes of region codes.

    The longest prefixes that fit win, the destination's first; an empty prefix fits everywhere.
    Prices are rupiah for each started kilogram (of a local service: for the whole delivery),
    transit is in days.
    """

    __tablename__ = "tariff"
    __table_args__ = (
        UniqueConstraint("service_id", "origin", "destination"),
        CheckConstraint("price_per_kg > 0", name="price_positive"),
        CheckConstraint("min_weight_grams > 0", name="min_weight_positive"),
        CheckConstraint("days_from >= 0 AND days_from <= days_to", name="days_in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("delivery_service.id"))
    origin: Mapped[str] = mapped_column(String(13))
    destination: Mapped[str] = mapped_column(String(13), index=True)
    price_per_kg: Mapped[int]
    min_weight_grams: Mapped[int] = mapped_column(default=1000)
    days_from: Mapped[int] = mapped_column(SmallInteger)
    days_to: Mapped[int] = mapped_column(SmallInteger)

    service: Mapped[Service] = relationship()


class CollectionPoint(Model):
    """A place where buyers fetch their orders themselves, free of charge.

    It serves the producers of one area, a prefix of region codes (19.05: the whole regency).
    """

    __tablename__ = "collection_point"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    address: Mapped[str] = mapped_column(String(300))
    hours: Mapped[str] = mapped_column(String(100))
    serves: Mapped[str] = mapped_column(String(13))
    open: Mapped[bool] = mapped_column(default=True)


class ImportState(StrEnum):
    """Looked at first, then applied; a preview that nobody wants is thrown away."""

    PREVIEW = "PREVIEW"
    APPLIED = "APPLIED"


class ImportMode(StrEnum):
    """What a file says of the tariffs that are not in it: nothing, or that they are gone (of the
    services that it names)."""

    CHANGE = "change"
    REPLACE = "replace"


class TariffImport(Model):
    """A tariff file as an operator uploaded or pasted it, and what became of it."""

    __tablename__ = "tariff_import"
    __table_args__ = (
        one_of("state", ImportState),
        one_of("mode", ImportMode),
        CheckConstraint("(state = 'PREVIEW') = (content IS NOT NULL)", name="content_for_preview"),
        CheckConstraint(
            "(state = 'APPLIED') = (applied_at IS NOT NULL AND applied_by_id IS NOT NULL)",
            name="applied_by_somebody",
        ),
        CheckConstraint("added >= 0 AND changed >= 0 AND removed >= 0", name="counts_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[ImportState] = mapped_column(Choice(ImportState))
    mode: Mapped[ImportMode] = mapped_column(Choice(ImportMode))
    filename: Mapped[str] = mapped_column(String(200))
    # Kept until it is applied: then the table says it.
    content: Mapped[str | None] = mapped_column(Text)
    uploaded_at: Mapped[datetime] = mapped_column(Moment)
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    applied_at: Mapped[datetime | None] = mapped_column(Moment)
    applied_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    removed: Mapped[int] = mapped_column(default=0)


class RatePlace(Model):
    """What a courier rate API calls one of our districts. Without `place_id` it was asked and knew
    none, and is asked again after a while."""

    __tablename__ = "rate_place"

    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"), primary_key=True)
    place_id: Mapped[str | None] = mapped_column(String(20))
    asked_at: Mapped[datetime] = mapped_column(Moment)


class CourierRate(Model):
    """What a rate API said that a courier asks for so many kilograms between two districts.

    `services` is a list of {service, price (rupiah), days_from, days_to (or null)}; an empty one
    means that the courier does not go there.
    """

    __tablename__ = "courier_rate"
    __table_args__ = (CheckConstraint("kilograms > 0", name="kilograms_positive"),)

    origin: Mapped[str] = mapped_column(ForeignKey("region.code"), primary_key=True)
    destination: Mapped[str] = mapped_column(ForeignKey("region.code"), primary_key=True)
    kilograms: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    courier: Mapped[str] = mapped_column(String(20), primary_key=True)
    services: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    fetched_at: Mapped[datetime] = mapped_column(Moment, index=True)
