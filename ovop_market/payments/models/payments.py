"""What buyers are asked to pay, what they say they paid, and what is owed back to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.orders.models import Order, PaymentMethod, Purchase
from ovop_market.orders.states import Actor
from ovop_market.payments.states import (
    AWAITED,
    PaymentAction,
    PaymentState,
    RefundKind,
    RefundState,
)

# Rupiah added to a transfer, so that its amount is like no other that is awaited (1 to 999).
MOST_UNIQUE_DIGITS = 999
_AWAITED = ", ".join(f"'{state}'" for state in sorted(AWAITED))
# Of these payments no two may ask for the same amount at the same time.
_UNIQUE_NOW = text(f"unique_digits > 0 AND state IN ({_AWAITED})")


class Payment(Model):
    """One amount asked of a buyer, for the orders of a purchase that are due at that moment.

    Amounts are rupiah: `amount` is what is asked, that is the parts, less what the buyer has to
    their credit, plus `unique_digits` (transfers only), by which its line on the bank statement is
    recognised. `code` names it to banks and gateways. `state` is written by payments.services
    alone, with a PaymentEvent.
    """

    __tablename__ = "payment"
    __table_args__ = (
        one_of("state", PaymentState),
        one_of("method", PaymentMethod),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint(
            f"unique_digits BETWEEN 0 AND {MOST_UNIQUE_DIGITS}", name="unique_digits_few"
        ),
        # The gateway's own word, asked back over its API, is as good as an operator's.
        CheckConstraint(
            "state <> 'CONFIRMED' OR confirmed_by_id IS NOT NULL OR method = 'gateway'",
            name="confirmed_by_somebody",
        ),
        Index(
            "uq_payment_awaited_amount",
            "amount",
            unique=True,
            sqlite_where=_UNIQUE_NOW,
            postgresql_where=_UNIQUE_NOW,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    purchase_id: Mapped[int] = mapped_column(ForeignKey("purchase.id"), index=True)
    code: Mapped[str] = mapped_column(String(12), unique=True)
    method: Mapped[PaymentMethod] = mapped_column(Choice(PaymentMethod))
    amount: Mapped[int] = mapped_column(BigInteger)
    unique_digits: Mapped[int] = mapped_column(SmallInteger, default=0)
    state: Mapped[PaymentState] = mapped_column(Choice(PaymentState), index=True)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    claimed_at: Mapped[datetime | None] = mapped_column(Moment)
    # The buyer's own words: who sent it, from which bank, when.
    reference: Mapped[str | None] = mapped_column(String(200))
    # A picture in the private store, seen by operators only.
    proof_key: Mapped[str | None] = mapped_column(String(40))
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    purchase: Mapped[Purchase] = relationship()
    parts: Mapped[list[PaymentPart]] = relationship(
        back_populates="payment", order_by="PaymentPart.id", cascade="all, delete-orphan"
    )
    events: Mapped[list[PaymentEvent]] = relationship(
        back_populates="payment", order_by="PaymentEvent.id"
    )


class PaymentPart(Model):
    """The share of a payment that is for one order, in rupiah."""

    __tablename__ = "payment_part"
    __table_args__ = (CheckConstraint("amount > 0", name="amount_positive"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)

    payment: Mapped[Payment] = relationship(back_populates="parts")
    order: Mapped[Order] = relationship()


class PaymentEvent(Model):
    """An append-only line of a payment's history. The database refuses to change it, but for the
    words of an erased purchase (ADR 39)."""

    __tablename__ = "payment_event"
    __table_args__ = (
        one_of("action", PaymentAction),
        one_of("actor", Actor),
        one_of("state", PaymentState),
        UniqueConstraint("payment_id", "idempotency_key"),
        # Which amounts have been asked lately: see asking.
        Index("ix_payment_event_amount_at", "amount", "at"),
        Index("ix_payment_event_at", "at"),
        Index("ix_payment_event_actor_id_at", "actor_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[Actor] = mapped_column(Choice(Actor))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    action: Mapped[PaymentAction] = mapped_column(Choice(PaymentAction))
    state: Mapped[PaymentState] = mapped_column(Choice(PaymentState))
    # Rupiah: what was received, else what was asked at that moment.
    amount: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(Text)
    # The key of this very tap, where money was booked by hand.
    idempotency_key: Mapped[str | None] = mapped_column(String(100))

    payment: Mapped[Payment] = relationship(back_populates="events")


class Refund(Model):
    """Money owed back to a buyer, in rupiah: of an order, or (SURPLUS) of more than was asked."""

    __tablename__ = "refund"
    __table_args__ = (
        one_of("state", RefundState),
        one_of("kind", RefundKind),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("(kind = 'surplus') = (order_id IS NULL)", name="order_unless_surplus"),
        UniqueConstraint("purchase_id", "idempotency_key"),
        CheckConstraint(
            "(state = 'SENT') = (sent_at IS NOT NULL AND sent_by_id IS NOT NULL)",
            name="sent_by_somebody",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    purchase_id: Mapped[int] = mapped_column(ForeignKey("purchase.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("customer_order.id"), index=True)
    kind: Mapped[RefundKind] = mapped_column(Choice(RefundKind))
    amount: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[RefundState] = mapped_column(Choice(RefundState), index=True)
    # Why it was granted; once it is withdrawn, why not.
    reason: Mapped[str | None] = mapped_column(Text)
    due_at: Mapped[datetime] = mapped_column(Moment)
    # The account that the buyer wants it sent to, in their words; seen by operators only.
    destination: Mapped[str | None] = mapped_column(String(200))
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    reference: Mapped[str | None] = mapped_column(String(200))
    # The key of this very tap, where an operator granted it.
    idempotency_key: Mapped[str | None] = mapped_column(String(100))

    purchase: Mapped[Purchase] = relationship()
    order: Mapped[Order | None] = relationship()
