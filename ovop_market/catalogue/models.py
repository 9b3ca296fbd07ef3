"""What is sold, in which packs, and who can supply how much of it by when."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    and_,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.core.money import MAX_PRICE
from ovop_market.core.quantity import CubicCentimetres
from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.extensions.pictures import PictureColumns
from ovop_market.villages.models import Producer, sold_by


class Category(StrEnum):
    """Shelves of the market; their names on the screen are in catalogue/labels.py."""

    FROZEN = "frozen"
    SEAFOOD = "seafood"
    CONDIMENT = "condiment"
    SNACK = "snack"
    TEA = "tea"
    HONEY = "honey"
    CRAFT = "craft"
    CARE = "care"


class Storage(StrEnum):
    """How a product must be kept, and therefore sent."""

    AMBIENT = "ambient"
    CHILLED = "chilled"
    FROZEN = "frozen"


class StockKind(StrEnum):
    """Packs that are ready now, or packs that a producer can make in a week."""

    READY = "ready"
    CAPACITY = "capacity"


class StockReason(StrEnum):
    """Why stock or capacity changed."""

    OPENING = "opening"
    MADE = "made"
    COUNTED = "counted"
    HELD = "held"
    RELEASED = "released"
    # Beyond the website, as its seller notes; and given back when the note is withdrawn.
    SOLD_ELSEWHERE = "sold_elsewhere"
    SPOILED = "spoiled"
    USED = "used"


class Review(StrEnum):
    """Why a listing is not for its producer alone to show."""

    # An operator looks at it before buyers see it.
    SUBMITTED = "submitted"
    # Has looked, and told what to mend.
    RETURNED = "returned"
    # Was shown, until an operator hid it.
    HIDDEN = "hidden"


class Product(Model):
    """What a producer lists. Weeks, days and months are calendar ones in WIB."""

    __tablename__ = "product"
    __table_args__ = (
        one_of("category", Category),
        one_of("storage", Storage),
        CheckConstraint("shelf_life_days > 0", name="shelf_life_positive"),
        CheckConstraint("max_transit_days > 0", name="transit_positive"),
        # What spoils on the way says how long it may be on the way.
        CheckConstraint(
            "storage = 'ambient' OR max_transit_days IS NOT NULL", name="cold_has_transit_limit"
        ),
        CheckConstraint(
            "(season_from IS NULL) = (season_to IS NULL)"
            " AND season_from BETWEEN 1 AND 12 AND season_to BETWEEN 1 AND 12",
            name="season_months",
        ),
        one_of("review", Review),
        # What an operator has to look at, or has turned down, buyers do not see.
        CheckConstraint("review IS NULL OR NOT listed", name="review_not_listed"),
        CheckConstraint(
            "review IS NULL OR (review = 'submitted') = (review_since IS NOT NULL)",
            name="review_since_submitted",
        ),
        Index("ix_product_listed_created_at", "listed", "created_at"),
        Index("ix_product_review_since", "review_since"),
        Index("uq_product_submission_digest", "submission_digest", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    producer_id: Mapped[int] = mapped_column(ForeignKey("producer.id"), index=True)
    slug: Mapped[str] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    category: Mapped[Category] = mapped_column(Choice(Category), index=True)
    summary: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    ingredients: Mapped[str] = mapped_column(Text, default="")
    storage: Mapped[Storage] = mapped_column(Choice(Storage))
    storage_note: Mapped[str] = mapped_column(String(200), default="")
    shelf_life_days: Mapped[int | None] = mapped_column(SmallInteger)
    max_transit_days: Mapped[int | None] = mapped_column(SmallInteger)
    made_to_order: Mapped[bool] = mapped_column(default=False)
    # The months of its season, both included; November to February is 11 to 2.
    season_from: Mapped[int | None] = mapped_column(SmallInteger)
    season_to: Mapped[int | None] = mapped_column(SmallInteger)
    listed: Mapped[bool] = mapped_column(default=True)
    # What an operator says of it (listings.states knows what follows what; listings.reviews alone
    # writes it), and since when it waits for an operator's look: before it is shown if it was
    # submitted, else after.
    review: Mapped[Review | None] = mapped_column(Choice(Review))
    review_since: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    # Of the form that it was made with: the same one sent twice makes one product.
    submission_digest: Mapped[str | None] = mapped_column(String(64))
    # The words that search looks through, normalised by catalogue.search (its only writer).
    search_title: Mapped[str] = mapped_column(Text, default="")
    search_text: Mapped[str] = mapped_column(Text, default="")

    producer: Mapped[Producer] = relationship()
    variants: Mapped[list[Variant]] = relationship(
        back_populates="product", order_by="Variant.position, Variant.id"
    )
    photos: Mapped[list[ProductPhoto]] = relationship(
        order_by="ProductPhoto.position, ProductPhoto.id"
    )

    @property
    def shown(self) -> bool:
        """Whether buyers may see it (`on_show`)."""
        return self.listed and self.producer.selling


def on_show() -> ColumnElement[bool]:
    """Whether buyers may see a product: it is listed, by a producer who may sell. For statements
    that read products; of a product in hand the same is `Product.shown`."""
    return and_(Product.listed == true(), sold_by(Product.producer_id))


class ProductPhoto(PictureColumns, Model):
    """A picture of a product; the first is on its card. The same picture is there once."""

    __tablename__ = "product_photo"
    __table_args__ = (
        Index("uq_product_photo_product_id_key", "product_id", "key", unique=True),
        CheckConstraint("width > 0 AND height > 0", name="size_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)


# No courier takes a longer pack, in centimetres.
LONGEST_SIDE = 300


class Variant(Model):
    """A pack of a product: price in rupiah, weight in grams as it is sent (with packing).

    Its size as sent, in centimetres, is known whole or not at all; without it only weight counts.
    """

    __tablename__ = "variant"
    __table_args__ = (
        UniqueConstraint("product_id", "name"),
        CheckConstraint(f"price BETWEEN 1 AND {MAX_PRICE}", name="price_sensible"),
        CheckConstraint("weight_grams > 0", name="weight_positive"),
        CheckConstraint(
            "(length_cm IS NULL) = (width_cm IS NULL) AND (length_cm IS NULL) = (height_cm IS NULL)"
            f" AND length_cm BETWEEN 1 AND {LONGEST_SIDE}"
            f" AND width_cm BETWEEN 1 AND {LONGEST_SIDE}"
            f" AND height_cm BETWEEN 1 AND {LONGEST_SIDE}",
            name="size_whole",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    name: Mapped[str] = mapped_column(String(60))
    price: Mapped[int]
    weight_grams: Mapped[int]
    length_cm: Mapped[int | None] = mapped_column(SmallInteger)
    width_cm: Mapped[int | None] = mapped_column(SmallInteger)
    height_cm: Mapped[int | None] = mapped_column(SmallInteger)
    position: Mapped[int] = mapped_column(SmallInteger, default=0)
    sold: Mapped[bool] = mapped_column(default=True)

    product: Mapped[Product] = relationship(back_populates="variants")
    offers: Mapped[list[Offer]] = relationship(back_populates="variant", order_by="Offer.id")

    @property
    def volume(self) -> CubicCentimetres:
        """What one pack takes up on the way; 0 while its size is not known."""
        if self.length_cm is None or self.width_cm is None or self.height_cm is None:
            return CubicCentimetres(0)
        return CubicCentimetres(self.length_cm * self.width_cm * self.height_cm)


class Offer(Model):
    """One producer's supply of one variant, in packs. A group's product has one per member.

    `ready` is what can still be promised: a hold takes it away, a release gives it back. It is
    changed by catalogue.services.change_ready alone, with a StockMovement beside it.
    """

    __tablename__ = "offer"
    __table_args__ = (
        UniqueConstraint("variant_id", "producer_id"),
        CheckConstraint("ready >= 0", name="ready_not_negative"),
        CheckConstraint("weekly_capacity >= 0", name="capacity_not_negative"),
        CheckConstraint("lead_days >= 0", name="lead_not_negative"),
        CheckConstraint("smallest_batch > 0", name="batch_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    variant_id: Mapped[int] = mapped_column(ForeignKey("variant.id"))
    producer_id: Mapped[int] = mapped_column(ForeignKey("producer.id"), index=True)
    ready: Mapped[int] = mapped_column(default=0)
    weekly_capacity: Mapped[int] = mapped_column(default=0)
    lead_days: Mapped[int] = mapped_column(SmallInteger, default=0)
    # The fewest packs for which it is worth beginning, in a group's order.
    smallest_batch: Mapped[int] = mapped_column(SmallInteger, default=1)

    variant: Mapped[Variant] = relationship(back_populates="offers")
    producer: Mapped[Producer] = relationship()


class CapacityWeek(Model):
    """How many packs of an offer's capacity are taken in the week that begins on this Monday.

    `planned` is how many its maker said can be made in that very week; null: as the days of the
    week allow. It is changed under the lock of the offer, and may fall below what is held: what is
    promised stays promised.
    """

    __tablename__ = "capacity_week"
    __table_args__ = (
        CheckConstraint("held >= 0", name="held_not_negative"),
        CheckConstraint("planned >= 0", name="planned_not_negative"),
    )

    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True)
    held: Mapped[int] = mapped_column(default=0)
    planned: Mapped[int | None]


_BY_HAND = text("order_number IS NULL")


class StockMovement(Model):
    """An append-only line for every change of ready stock or held capacity.

    The sum of an offer's READY changes is its `ready`; the sum of its CAPACITY changes in a week is
    what is held in that week. `stock verify` checks both.
    """

    __tablename__ = "stock_movement"
    __table_args__ = (
        one_of("kind", StockKind),
        one_of("reason", StockReason),
        CheckConstraint("change <> 0", name="change_not_zero"),
        CheckConstraint("(kind = 'capacity') = (week IS NOT NULL)", name="week_for_capacity"),
        Index("ix_stock_movement_offer_id_at", "offer_id", "at"),
        # By hand: few among very many that orders cause.
        Index(
            "ix_stock_movement_by_hand",
            "at",
            sqlite_where=_BY_HAND,
            postgresql_where=_BY_HAND,
        ),
        Index(
            "ix_stock_movement_actor_id_at",
            "actor_id",
            "at",
            sqlite_where=_BY_HAND,
            postgresql_where=_BY_HAND,
        ),
        # The same tap counts once, however often it comes.
        UniqueConstraint("offer_id", "idempotency_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"))
    kind: Mapped[StockKind] = mapped_column(Choice(StockKind))
    week: Mapped[date | None]
    change: Mapped[int]
    reason: Mapped[StockReason] = mapped_column(Choice(StockReason))
    # The number of the order that caused it, if one did (orders are above this feature).
    order_number: Mapped[str | None] = mapped_column(String(20), index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    idempotency_key: Mapped[str | None] = mapped_column(String(100))
