"""What an operator did to many things at once, thing by thing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.extensions.database import Model, Moment

LONGEST_REASON = 500


class Batch(Model):
    """One go: what was done (a name of `registry.ACTIONS`), by whom, and whether it was undone."""

    __tablename__ = "desk_batch"
    __table_args__ = (
        # The same form sent twice is done once.
        UniqueConstraint("made_by_id", "key"),
        CheckConstraint("(undone_at IS NULL) = (undone_by_id IS NULL)", name="undone_by_somebody"),
        CheckConstraint("undone_at IS NULL OR undone_at >= at", name="undone_after"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(String(40))
    made_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    key: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON), default="")
    undone_at: Mapped[datetime | None] = mapped_column(Moment)
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    items: Mapped[list[BatchItem]] = relationship(order_by="BatchItem.subject_id")


class BatchItem(Model):
    """One thing of a batch. `before` is what its undoing has to know; `problem` why it was left
    out, `undo_problem` why it could not be taken back: in the operator's language."""

    __tablename__ = "desk_batch_item"
    __table_args__ = (
        CheckConstraint("done = (problem = '')", name="done_or_told_why"),
        CheckConstraint("undone IS NULL OR done", name="undone_was_done"),
        CheckConstraint(
            "undo_problem = '' OR (undone IS NOT NULL AND NOT undone)", name="kept_told_why"
        ),
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("desk_batch.id"), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    done: Mapped[bool]
    problem: Mapped[str] = mapped_column(String(300), default="")
    before: Mapped[dict[str, object] | None] = mapped_column(JSON)
    undone: Mapped[bool | None]
    undo_problem: Mapped[str] = mapped_column(String(300), default="")
