"""What buyers are asked to pay, what they say they paid, and what is owed back to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.orders.models import Order, PaymentMethod, Purchase
from ovop_market.orders.states import Actor
from ovop_market.payments.states import PaymentAction, PaymentState, RefundState


class Payment(Model):
    """One amount asked of a buyer, for the orders of a purchase that are due at that moment.

    Amounts are rupiah. `state` is written by payments.services alone, with a PaymentEvent.
    """

    __tablename__ = "payment"
    __table_args__ = (
        one_of("state", PaymentState),
        one_of("method", PaymentMethod),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint(
            "state <> 'CONFIRMED' OR confirmed_by_id IS NOT NULL", name="confirmed_by_somebody"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    purchase_id: Mapped[int] = mapped_column(ForeignKey("purchase.id"), index=True)
    method: Mapped[PaymentMethod] = mapped_column(Choice(PaymentMethod))
    amount: Mapped[int] = mapped_column(BigInteger)
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
    """An append-only line of a payment's history. The database refuses to change it."""

    __tablename__ = "payment_event"
    __table_args__ = (
        one_of("action", PaymentAction),
        one_of("actor", Actor),
        one_of("state", PaymentState),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[Actor] = mapped_column(Choice(Actor))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    action: Mapped[PaymentAction] = mapped_column(Choice(PaymentAction))
    state: Mapped[PaymentState] = mapped_column(Choice(PaymentState))
    amount: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(Text)

    payment: Mapped[Payment] = relationship(back_populates="events")


class Refund(Model):
    """Money owed back for an order that was paid and came to nothing; rupiah."""

    __tablename__ = "refund"
    __table_args__ = (
        one_of("state", RefundState),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint(
            "(state = 'SENT') = (sent_at IS NOT NULL AND sent_by_id IS NOT NULL)",
            name="sent_by_somebody",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[RefundState] = mapped_column(Choice(RefundState), index=True)
    due_at: Mapped[datetime] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    reference: Mapped[str | None] = mapped_column(String(200))

    order: Mapped[Order] = relationship()
