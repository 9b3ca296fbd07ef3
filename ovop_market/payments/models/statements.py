"""Bank statements as operators upload them, and what became of each line."""

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
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.payments.models.payments import Payment
from ovop_market.payments.states import LineState


class StatementState(StrEnum):
    """Looked at first, then taken in; a preview that nobody wants is thrown away."""

    PREVIEW = "PREVIEW"
    IMPORTED = "IMPORTED"


class BankMapping(Model):
    """Which column of a bank's CSV is what. Found again by the digest of its header row."""

    __tablename__ = "bank_mapping"

    id: Mapped[int] = mapped_column(primary_key=True)
    bank: Mapped[str] = mapped_column(String(60))
    header_digest: Mapped[str] = mapped_column(String(64), unique=True)
    # See payments.statements.columns.
    columns: Mapped[dict[str, object]] = mapped_column(JSON)
    changed_at: Mapped[datetime] = mapped_column(Moment)
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class BankStatement(Model):
    """An uploaded file. `content` is kept only until it is taken in: it names third parties."""

    __tablename__ = "bank_statement"
    __table_args__ = (
        one_of("state", StatementState),
        CheckConstraint("(state = 'PREVIEW') = (content IS NOT NULL)", name="content_for_preview"),
        CheckConstraint(
            "(state = 'IMPORTED') = (imported_at IS NOT NULL AND imported_by_id IS NOT NULL)",
            name="imported_by_somebody",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[StatementState] = mapped_column(Choice(StatementState))
    filename: Mapped[str] = mapped_column(String(200))
    content: Mapped[str | None] = mapped_column(Text)
    # SHA-256 of the content: what is left of it. Files of the time before migration 0008 have none.
    content_digest: Mapped[str | None] = mapped_column(String(64), index=True)
    uploaded_at: Mapped[datetime] = mapped_column(Moment)
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    imported_at: Mapped[datetime | None] = mapped_column(Moment)
    # Who looked at the preview and took it in: this person confirms what matches by itself.
    imported_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    # How many lines the file had, and how many of them were new.
    lines_read: Mapped[int] = mapped_column(default=0)
    lines_new: Mapped[int] = mapped_column(default=0)


class StatementLine(Model):
    """A movement on the bank account: rupiah, positive when it came in; the day as booked (WIB).

    `fingerprint` names the movement itself, so that it is taken in once however many files have it.
    """

    __tablename__ = "statement_line"
    __table_args__ = (
        one_of("state", LineState),
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        CheckConstraint("state <> 'MATCHED' OR payment_id IS NOT NULL", name="matched_to_payment"),
        Index("ix_statement_line_state_booked_on", "state", "booked_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    statement_id: Mapped[int] = mapped_column(ForeignKey("bank_statement.id"), index=True)
    booked_on: Mapped[date]
    amount: Mapped[int] = mapped_column(BigInteger)
    description: Mapped[str] = mapped_column(String(300))
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[LineState] = mapped_column(Choice(LineState))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), index=True)
    # Who decided (None: matched by itself), when, and why it was set aside.
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    note: Mapped[str | None] = mapped_column(String(200))

    statement: Mapped[BankStatement] = relationship()
    payment: Mapped[Payment | None] = relationship()
