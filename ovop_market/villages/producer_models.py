"""The history of producers: who decided what of them, when and why. Never changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.villages.producer_states import WITH_REASON, ProducerAction, ProducerState

LONGEST_REASON = 500
_REASONED = ", ".join(f"'{action}'" for action in sorted(WITH_REASON))


class ProducerEvent(Model):
    """An append-only line of a producer's history. It names nobody but by the account's id."""

    __tablename__ = "producer_event"
    __table_args__ = (
        one_of("action", ProducerAction),
        one_of("state", ProducerState),
        CheckConstraint(f"action NOT IN ({_REASONED}) OR reason <> ''", name="reason_given"),
        Index("ix_producer_event_producer_id_id", "producer_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    producer_id: Mapped[int] = mapped_column(ForeignKey("producer.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    action: Mapped[ProducerAction] = mapped_column(Choice(ProducerAction))
    # The state that it led to.
    state: Mapped[ProducerState] = mapped_column(Choice(ProducerState))
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON), default="")
