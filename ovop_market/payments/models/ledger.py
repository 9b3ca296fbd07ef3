"""The ledger: append-only, double entry, rupiah. Balances are sums of entries and nothing else.

An entry moves an amount from one account to another, so that no transaction can fail to balance:
there is no single-sided row that could be written. A mistake is corrected by a transaction that
reverses it; the database refuses to change or delete what is written.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.orders.states import Actor


class AccountKind(StrEnum):
    """What an account stands for.

    Assets (debit is more): BANK, GATEWAY (paid there, not yet on the bank account), CASH (in the
    hands of whoever handed the goods over). Liabilities (credit is more): PRODUCER (one for each),
    SHIPPING (collected for couriers, passed on to whoever paid them), CREDIT (buyers' money that no
    order has used yet), REFUNDS (owed back), PAYOUTS (in a batch that is on its way). ROUNDING is
    what unique amounts leave over.
    """

    BANK = "bank"
    GATEWAY = "gateway"
    CASH = "cash"
    PRODUCER = "producer"
    SHIPPING = "shipping"
    CREDIT = "credit"
    REFUNDS = "refunds"
    PAYOUTS = "payouts"
    ROUNDING = "rounding"


class Cause(StrEnum):
    """Why money moved."""

    RECEIVED = "received"
    USED = "used"
    CASH = "cash"
    OWED_BACK = "owed_back"
    SENT_BACK = "sent_back"
    PAYOUT = "payout"
    PAYOUT_SENT = "payout_sent"
    SETTLED = "settled"
    REVERSAL = "reversal"


_NO_PRODUCER = text("producer_id IS NULL")


class LedgerAccount(Model):
    """An account. There is one of each kind, and one for each producer."""

    __tablename__ = "ledger_account"
    __table_args__ = (
        one_of("kind", AccountKind),
        CheckConstraint(
            "(kind = 'producer') = (producer_id IS NOT NULL)", name="producer_of_its_account"
        ),
        UniqueConstraint("producer_id"),
        Index(
            "uq_ledger_account_kind",
            "kind",
            unique=True,
            sqlite_where=_NO_PRODUCER,
            postgresql_where=_NO_PRODUCER,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[AccountKind] = mapped_column(Choice(AccountKind))
    producer_id: Mapped[int | None] = mapped_column(ForeignKey("producer.id"))


class LedgerTransaction(Model):
    """Entries that belong together: when, why, who, and what it was about. Append-only."""

    __tablename__ = "ledger_transaction"
    __table_args__ = (
        one_of("cause", Cause),
        one_of("actor", Actor),
        CheckConstraint(
            "(cause = 'reversal') = (reverses_id IS NOT NULL)", name="reversal_of_something"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    cause: Mapped[Cause] = mapped_column(Choice(Cause))
    actor: Mapped[Actor] = mapped_column(Choice(Actor))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    purchase_id: Mapped[int | None] = mapped_column(ForeignKey("purchase.id"), index=True)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), index=True)
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"), index=True)
    payout_id: Mapped[int | None] = mapped_column(ForeignKey("payout.id"), index=True)
    line_id: Mapped[int | None] = mapped_column(ForeignKey("statement_line.id"), index=True)
    # A transaction is reversed at most once.
    reverses_id: Mapped[int | None] = mapped_column(
        ForeignKey("ledger_transaction.id"), unique=True
    )
    note: Mapped[str | None] = mapped_column(String(200))

    entries: Mapped[list[LedgerEntry]] = relationship(
        back_populates="transaction", order_by="LedgerEntry.id"
    )


class LedgerEntry(Model):
    """Rupiah that move from the account `credit` to the account `debit`. Append-only."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("debit_id <> credit_id", name="between_two_accounts"),
        Index("ix_ledger_entry_debit_id_id", "debit_id", "id"),
        Index("ix_ledger_entry_credit_id_id", "credit_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    transaction_id: Mapped[int] = mapped_column(ForeignKey("ledger_transaction.id"), index=True)
    debit_id: Mapped[int] = mapped_column(ForeignKey("ledger_account.id"))
    credit_id: Mapped[int] = mapped_column(ForeignKey("ledger_account.id"))
    amount: Mapped[int] = mapped_column(BigInteger)
    # The order it is about, if it is about one.
    order_id: Mapped[int | None] = mapped_column(ForeignKey("customer_order.id"), index=True)

    transaction: Mapped[LedgerTransaction] = relationship(back_populates="entries")
