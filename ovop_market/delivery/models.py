"""How parcels travel: services, what they cost from where to where, and collection points."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.extensions.database import Model


class Service(Model):
    """A courier's service that buyers can choose at checkout, by its code."""

    __tablename__ = "delivery_service"
    __table_args__ = (CheckConstraint("code NOT LIKE 'pickup%'", name="pickup_reserved"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(30), unique=True)
    courier: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(60))
    cold_chain: Mapped[bool] = mapped_column(default=False)
    offered: Mapped[bool] = mapped_column(default=True)


class Tariff(Model):
    """The price of a service between two areas, which are prefixes of region codes.

    The longest prefixes that fit win, the destination's first; an empty prefix fits everywhere.
    Prices are rupiah for each started kilogram, transit is in days.
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
