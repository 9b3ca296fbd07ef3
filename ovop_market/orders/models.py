"""Carts, purchases, and the orders that producers fulfil."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.catalogue.models import Offer, StockKind, Variant
from ovop_market.core.money import Rupiah
from ovop_market.core.quantity import MAX_PACKS
from ovop_market.delivery.models import CollectionPoint, Service
from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.orders.share_states import LIVE, ShareState
from ovop_market.orders.states import Action, Actor, Facts, OrderState
from ovop_market.regions.models import Region
from ovop_market.villages.models import Producer

# Of an HMAC-SHA-256, in hex.
KEY_LENGTH = 64
# What a coordinator wrote about a share, in `Allocation.why`: words, which erasure takes out.
SAID = "said"


class PaymentMethod(StrEnum):
    """How the buyer pays a purchase."""

    TRANSFER = "transfer"
    QRIS = "qris"
    # In cash, when it arrives or is fetched.
    COD = "cod"
    # On the page of a hosted gateway, where one is configured.
    GATEWAY = "gateway"


class Cart(Model):
    """What a visitor means to buy. Found by the digest of a token in the visitor's session."""

    __tablename__ = "cart"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    touched_at: Mapped[datetime] = mapped_column(Moment, index=True)

    lines: Mapped[list[CartLine]] = relationship(
        back_populates="cart", order_by="CartLine.id", cascade="all, delete-orphan"
    )


class CartLine(Model):
    """Packs of one variant. Neither price nor stock is kept here: both are asked when needed."""

    __tablename__ = "cart_line"
    __table_args__ = (
        UniqueConstraint("cart_id", "variant_id"),
        CheckConstraint(f"quantity BETWEEN 1 AND {MAX_PACKS}", name="quantity_sensible"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cart_id: Mapped[int] = mapped_column(ForeignKey("cart.id", ondelete="CASCADE"))
    variant_id: Mapped[int] = mapped_column(ForeignKey("variant.id"))
    quantity: Mapped[int]

    cart: Mapped[Cart] = relationship(back_populates="lines")
    variant: Mapped[Variant] = relationship()


class Purchase(Model):
    """One checkout. Its page is open to whoever knows the token; it is found by the digest."""

    __tablename__ = "purchase"
    __table_args__ = (
        one_of("payment_method", PaymentMethod),
        CheckConstraint(f"length(buyer_key) = {KEY_LENGTH}", name="buyer_key_whole"),
        CheckConstraint(
            "erased_at IS NULL OR (name = '' AND phone = '' AND email IS NULL AND street = ''"
            " AND postal_code = '' AND note = '' AND token = '' AND buyer_id IS NULL"
            " AND buyer_key IS NULL)",
            name="erased_names_nobody",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(64))
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    # Digest of the cart's token and the form's key: a second submit finds the first's purchase.
    submission_digest: Mapped[str] = mapped_column(String(64), unique=True)
    placed_at: Mapped[datetime] = mapped_column(Moment, index=True)
    buyer_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    phone: Mapped[str] = mapped_column(String(20))
    email: Mapped[str | None] = mapped_column(String(254))
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    street: Mapped[str] = mapped_column(String(300))
    postal_code: Mapped[str] = mapped_column(String(5))
    note: Mapped[str] = mapped_column(String(500), default="")
    payment_method: Mapped[PaymentMethod] = mapped_column(Choice(PaymentMethod))
    language: Mapped[str] = mapped_column(String(2), default="id")
    # When the buyer agreed to the privacy notice, and to which version of it (UU 27/2022).
    consent_at: Mapped[datetime] = mapped_column(Moment)
    consent_version: Mapped[str] = mapped_column(String(20))
    # A keyed hash of the telephone number, by which the same buyer is recognised and nothing else
    # (ADR 33). It is shown nowhere, and goes wherever the number goes.
    buyer_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH), index=True, deferred=True)
    # Whether this buyer had ordered before, as it was known when this was placed.
    repeat: Mapped[bool] = mapped_column(default=False)
    # When everything that names the buyer was erased (orders/services/erasure.py): figures stay.
    erased_at: Mapped[datetime | None] = mapped_column(Moment)

    region: Mapped[Region] = relationship()
    orders: Mapped[list[Order]] = relationship(back_populates="purchase", order_by="Order.id")


class Order(Model):
    """What one producer must fulfil of a purchase. Amounts are rupiah.

    `state` is written by orders.services alone, together with an OrderEvent. `paid` is what has
    been confirmed as received for this order; payments.services reports it.
    """

    __tablename__ = "customer_order"
    __table_args__ = (
        one_of("state", OrderState),
        CheckConstraint("goods >= 0 AND shipping >= 0 AND paid >= 0", name="amounts_not_negative"),
        CheckConstraint("total = goods + shipping", name="total_adds_up"),
        CheckConstraint(
            "(service_id IS NULL) <> (collection_point_id IS NULL)", name="one_way_to_the_buyer"
        ),
        CheckConstraint(
            "state NOT IN ('SHIPPED', 'RECEIVED') OR fulfilled_from IS NOT NULL",
            name="fulfilled_has_moment",
        ),
        Index("ix_customer_order_producer_id_state", "producer_id", "state"),
        Index("ix_customer_order_state_due_at", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    purchase_id: Mapped[int] = mapped_column(ForeignKey("purchase.id"), index=True)
    producer_id: Mapped[int] = mapped_column(ForeignKey("producer.id"))
    state: Mapped[OrderState] = mapped_column(Choice(OrderState))
    # When the clock acts if nobody does (see states.TIMERS).
    due_at: Mapped[datetime | None] = mapped_column(Moment)
    # When somebody was reminded of what is due; nobody is reminded twice of the same.
    reminded_at: Mapped[datetime | None] = mapped_column(Moment)
    # The day by which it will be ready to leave, as promised; and as a counteroffer proposes.
    ready_by: Mapped[date]
    offered_ready_by: Mapped[date | None]
    service_id: Mapped[int | None] = mapped_column(ForeignKey("delivery_service.id"))
    collection_point_id: Mapped[int | None] = mapped_column(ForeignKey("collection_point.id"))
    goods: Mapped[int] = mapped_column(BigInteger)
    shipping: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)
    paid: Mapped[int] = mapped_column(BigInteger, default=0)
    courier: Mapped[str | None] = mapped_column(String(60))
    tracking_number: Mapped[str | None] = mapped_column(String(60))
    # When it left the house (shipped or handed over), and when it was first received.
    fulfilled_from: Mapped[datetime | None] = mapped_column(Moment)
    received_at: Mapped[datetime | None] = mapped_column(Moment)
    # Whether this buyer had ordered from the same village before, as it was known when placed.
    repeat: Mapped[bool] = mapped_column(default=False)

    purchase: Mapped[Purchase] = relationship(back_populates="orders")
    producer: Mapped[Producer] = relationship()
    service: Mapped[Service | None] = relationship()
    collection_point: Mapped[CollectionPoint | None] = relationship()
    lines: Mapped[list[OrderLine]] = relationship(back_populates="order", order_by="OrderLine.id")
    events: Mapped[list[OrderEvent]] = relationship(
        back_populates="order", order_by="OrderEvent.id"
    )

    @property
    def cash(self) -> bool:
        """Whether it is paid in cash when it arrives or is fetched."""
        return self.purchase.payment_method is PaymentMethod.COD

    @property
    def outstanding(self) -> Rupiah:
        """What is still to be paid, in rupiah."""
        return Rupiah(max(self.total - self.paid, 0))

    @property
    def from_stock(self) -> bool:
        """Whether all of it was ready when it was ordered, so that nothing is to be made."""
        held = [hold for line in self.lines for hold in line.holds if hold.quantity]
        return bool(held) and all(hold.kind is StockKind.READY for hold in held)

    @property
    def settled(self) -> bool:
        """Whether an operator has decided a complaint about it: that is the last word."""
        return any(event.action is Action.SETTLE_FOR_PRODUCER for event in self.events)

    def facts(self, now: datetime) -> Facts:
        """What the state table's conditions look at."""
        return Facts(
            paid=self.paid >= self.total,
            cash=self.cash,
            by_courier=self.service_id is not None,
            received_at=self.received_at,
            now=now,
        )


class OrderLine(Model):
    """Packs of one variant in an order: name, price (rupiah), weight (grams), size as sold."""

    __tablename__ = "order_line"
    __table_args__ = (
        UniqueConstraint("order_id", "variant_id"),
        CheckConstraint(f"quantity BETWEEN 0 AND {MAX_PACKS}", name="quantity_sensible"),
        CheckConstraint("offered_quantity BETWEEN 0 AND quantity", name="offer_within_quantity"),
        CheckConstraint("unit_price > 0 AND weight_grams > 0", name="terms_positive"),
        CheckConstraint("volume_cm3 >= 0", name="volume_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"))
    variant_id: Mapped[int] = mapped_column(ForeignKey("variant.id"), index=True)
    product_name: Mapped[str] = mapped_column(String(100))
    variant_name: Mapped[str] = mapped_column(String(60))
    unit_price: Mapped[int]
    weight_grams: Mapped[int]
    # What a pack takes up on the way, in cubic centimetres as sold; 0: its size was not known.
    volume_cm3: Mapped[int] = mapped_column(default=0)
    quantity: Mapped[int]
    # What a counteroffer proposes instead; null while there is none.
    offered_quantity: Mapped[int | None]

    order: Mapped[Order] = relationship(back_populates="lines")
    variant: Mapped[Variant] = relationship()
    holds: Mapped[list[Hold]] = relationship(back_populates="line", order_by="Hold.id")
    allocations: Mapped[list[Allocation]] = relationship(
        back_populates="line", order_by="Allocation.id"
    )

    @property
    def agreed_quantity(self) -> int:
        """Packs, if what is offered is agreed to."""
        return self.quantity if self.offered_quantity is None else self.offered_quantity

    @property
    def amount(self) -> Rupiah:
        """Price of the line, in rupiah."""
        return Rupiah(self.unit_price * self.quantity)


class Hold(Model):
    """Packs of an offer that are kept for an order line: ready ones, or a week's capacity."""

    __tablename__ = "hold"
    __table_args__ = (
        one_of("kind", StockKind),
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        CheckConstraint("(kind = 'capacity') = (week IS NOT NULL)", name="week_for_capacity"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), index=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), index=True)
    kind: Mapped[StockKind] = mapped_column(Choice(StockKind))
    week: Mapped[date | None]
    quantity: Mapped[int]
    # The household's share that they are for; null: the seller's own, or a group's own packs.
    allocation_id: Mapped[int | None] = mapped_column(ForeignKey("allocation.id"), index=True)

    line: Mapped[OrderLine] = relationship(back_populates="holds")
    offer: Mapped[Offer] = relationship()


class Allocation(Model):
    """One member household's share of a line of a group's order, in packs.

    Written by orders.services alone, with an OrderEvent beside it. A live share stands for as many
    packs as are held for it (`stock verify`).
    """

    __tablename__ = "allocation"
    __table_args__ = (
        one_of("state", ShareState),
        CheckConstraint("offered > 0", name="offered_positive"),
        CheckConstraint("taken BETWEEN 0 AND offered", name="taken_within_offered"),
        CheckConstraint("made BETWEEN 0 AND taken", name="made_within_taken"),
        CheckConstraint(
            "state NOT IN ('TAKEN', 'MADE', 'SETTLED') OR taken IS NOT NULL", name="taken_is_said"
        ),
        CheckConstraint("(state IN ('MADE', 'SETTLED')) = (made IS NOT NULL)", name="made_is_said"),
        CheckConstraint("due_at IS NULL OR state = 'OFFERED'", name="only_an_offer_is_due"),
        Index("ix_allocation_state_due_at", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), index=True)
    # The offer says which household it is.
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), index=True)
    state: Mapped[ShareState] = mapped_column(Choice(ShareState))
    offered: Mapped[int]
    taken: Mapped[int | None]
    made: Mapped[int | None]
    # When the offer lapses; null where nobody could answer it but the coordinator.
    due_at: Mapped[datetime | None] = mapped_column(Moment)
    # The day by which it is to be handed in.
    ready_by: Mapped[date]
    offered_at: Mapped[datetime] = mapped_column(Moment)
    # Why this household got so many: facts, of which labels make a sentence; and, as
    # SAID, what the coordinator wrote.
    why: Mapped[dict[str, object]] = mapped_column(JSON)

    line: Mapped[OrderLine] = relationship(back_populates="allocations")
    offer: Mapped[Offer] = relationship()

    @property
    def packs(self) -> int:
        """Packs for which the share stands now."""
        if self.state not in LIVE:
            return 0
        return next(n for n in (self.made, self.taken, self.offered) if n is not None)

    @property
    def falls_short(self) -> bool:
        """Whether the household took or made less than it was asked for."""
        asked = [n for n in (self.offered, self.taken, self.made) if n is not None]
        return asked[-1] < asked[0]


class OrderEvent(Model):
    """An append-only line of an order's history. The database refuses to change it, but for one
    thing: of an erased purchase, the words and details go (ADR 39).

    Its id orders all events of the market; the inbox polls by it.
    """

    __tablename__ = "order_event"
    __table_args__ = (
        one_of("action", Action),
        one_of("actor", Actor),
        one_of("state", OrderState),
        UniqueConstraint("order_id", "idempotency_key"),
        Index("ix_order_event_at", "at"),
        Index("ix_order_event_actor_id_at", "actor_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"), index=True)
    # The order's producer again, so that one indexed read tells an inbox whether it is up to date.
    producer_id: Mapped[int] = mapped_column(ForeignKey("producer.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[Actor] = mapped_column(Choice(Actor))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    action: Mapped[Action] = mapped_column(Choice(Action))
    # The state after it.
    state: Mapped[OrderState] = mapped_column(Choice(OrderState))
    reason: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, object] | None] = mapped_column(JSON)
    idempotency_key: Mapped[str | None] = mapped_column(String(100))

    order: Mapped[Order] = relationship(back_populates="events")


Index("ix_order_event_producer_id_id", OrderEvent.producer_id, OrderEvent.id)

# Guests' purchases that have not been erased, by age: the retention job takes the oldest.
_NOT_ERASED = text("erased_at IS NULL AND buyer_id IS NULL")
Index(
    "ix_purchase_not_erased",
    Purchase.placed_at,
    sqlite_where=_NOT_ERASED,
    postgresql_where=_NOT_ERASED,
)

# What has lapsed lately is little among very much.
_LAPSED = text(f"action = '{Action.LAPSE}'")
Index(
    "ix_order_event_lapsed",
    OrderEvent.producer_id,
    OrderEvent.at,
    sqlite_where=_LAPSED,
    postgresql_where=_LAPSED,
)
