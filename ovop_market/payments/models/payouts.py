"""What producers are paid: batches of bank transfers, one for each producer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.payments.states import BatchState
from ovop_market.villages.models import Producer


class PayoutAccount(Model):
    """Where a producer's earnings go. Seen by the producer's staff and by operators only."""

    __tablename__ = "payout_account"

    producer_id: Mapped[int] = mapped_column(ForeignKey("producer.id"), primary_key=True)
    bank: Mapped[str] = mapped_column(String(60))
    number: Mapped[str] = mapped_column(String(34))
    holder: Mapped[str] = mapped_column(String(100))
    changed_at: Mapped[datetime] = mapped_column(Moment)
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    producer: Mapped[Producer] = relationship()


class PayoutBatch(Model):
    """Payouts that an operator sends together. `state` is written by payments.services alone."""

    __tablename__ = "payout_batch"
    __table_args__ = (
        one_of("state", BatchState),
        CheckConstraint(
            "(state = 'SENT') = (sent_at IS NOT NULL AND sent_by_id IS NOT NULL)",
            name="sent_by_somebody",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[BatchState] = mapped_column(Choice(BatchState), index=True)
    made_at: Mapped[datetime] = mapped_column(Moment)
    made_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    reference: Mapped[str | None] = mapped_column(String(200))

    payouts: Mapped[list[Payout]] = relationship(back_populates="batch", order_by="Payout.id")


class Payout(Model):
    """One transfer to one producer, in rupiah, to the account as it was when the batch was made.

    Which orders it pays for, its ledger transaction says.
    """

    __tablename__ = "payout"
    __table_args__ = (
        UniqueConstraint("batch_id", "producer_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("payout_batch.id"))
    producer_id: Mapped[int] = mapped_column(ForeignKey("producer.id"), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    bank: Mapped[str] = mapped_column(String(60))
    number: Mapped[str] = mapped_column(String(34))
    holder: Mapped[str] = mapped_column(String(100))

    batch: Mapped[PayoutBatch] = relationship(back_populates="payouts")
    producer: Mapped[Producer] = relationship()
