"""Payments through the hosted gateway: each try, and every notification about it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.payments.models.payments import Payment


class AttemptState(StrEnum):
    """A page at the gateway that is open, one on which was paid, or one that came to nothing."""

    OPEN = "OPEN"
    PAID = "PAID"
    CLOSED = "CLOSED"


class GatewayAttempt(Model):
    """A payment page at the gateway for one amount (rupiah). `code` is our name for it there."""

    __tablename__ = "gateway_attempt"
    __table_args__ = (
        one_of("state", AttemptState),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[AttemptState] = mapped_column(Choice(AttemptState))
    redirect_url: Mapped[str] = mapped_column(String(500))
    made_at: Mapped[datetime] = mapped_column(Moment)
    # The gateway's own word for how it stands, and when it was asked for that.
    status: Mapped[str] = mapped_column(String(30), default="")
    status_at: Mapped[datetime | None] = mapped_column(Moment)
    # When it was asked about last, were it in vain.
    asked_at: Mapped[datetime | None] = mapped_column(Moment)

    payment: Mapped[Payment] = relationship()


class GatewayNotification(Model):
    """What the gateway said: its status and amount, of its own accord or when it was asked.
    Append-only."""

    __tablename__ = "gateway_notification"

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("gateway_attempt.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    # As sent, and as its API said when it was asked back.
    said: Mapped[str] = mapped_column(String(30))
    status: Mapped[str] = mapped_column(String(30))
    amount: Mapped[int] = mapped_column(BigInteger)
