"""The outbox, and the phones and browsers that asked to be told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.accounts.models import User
from ovop_market.extensions.database import Choice, Model, Moment, one_of
from ovop_market.notices.states import Channel, NoticeState
from ovop_market.orders.models import Order, Purchase


class PushSubscription(Model):
    """A browser that a person allowed to show notices (Web Push, RFC 8030)."""

    __tablename__ = "push_subscription"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    # In which it asked: told no longer than that lives (notices.browsers).
    session_id: Mapped[int] = mapped_column(
        ForeignKey("user_session.id", ondelete="CASCADE"), index=True
    )
    endpoint: Mapped[str] = mapped_column(String(1000))
    # SHA-256 of the endpoint: a browser that asks twice is told once.
    endpoint_digest: Mapped[str] = mapped_column(String(64), unique=True)
    p256dh: Mapped[str] = mapped_column(String(120))
    auth: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(2), default="id")
    made_at: Mapped[datetime] = mapped_column(Moment)

    user: Mapped[User] = relationship()


class Notice(Model):
    """A message owed because of an event, on one channel to one recipient.

    Written in the transaction of the event. It keeps no text and no address: both are made from
    what it points at when it is sent. `key` names the event, so that nobody is told twice. `state`
    is written by notices.services alone.
    """

    __tablename__ = "notice"
    __table_args__ = (
        one_of("state", NoticeState),
        one_of("channel", Channel),
        UniqueConstraint("key", "channel", "recipient"),
        CheckConstraint("(state = 'SENT') = (sent_at IS NOT NULL)", name="sent_has_moment"),
        CheckConstraint(
            "(state = 'SENDING') = (claimed_until IS NOT NULL)", name="claimed_while_sending"
        ),
        Index("ix_notice_state_due_at", "state", "due_at"),
        # A browser that is forgotten is looked for in all of them.
        Index(
            "ix_notice_subscription_id",
            "subscription_id",
            sqlite_where=text("subscription_id IS NOT NULL"),
            postgresql_where=text("subscription_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # What it says: the name of its text (notices.texts).
    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(100))
    channel: Mapped[Channel] = mapped_column(Choice(Channel))
    # `buyer 17` (a purchase), `user 3`, `browser 5` (a push subscription), or `invitation` with the
    # mark of its link (accounts.invitations.mark_of).
    recipient: Mapped[str] = mapped_column(String(40))
    purchase_id: Mapped[int | None] = mapped_column(ForeignKey("purchase.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("customer_order.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    subscription_id: Mapped[int | None] = mapped_column(
        ForeignKey("push_subscription.id", ondelete="SET NULL")
    )
    # Figures and reasons that the text needs and that nothing else keeps as they were.
    details: Mapped[dict[str, object]] = mapped_column(JSON)
    language: Mapped[str] = mapped_column(String(2))
    state: Mapped[NoticeState] = mapped_column(Choice(NoticeState))
    made_at: Mapped[datetime] = mapped_column(Moment)
    # When it is to be tried (next).
    due_at: Mapped[datetime] = mapped_column(Moment)
    # Until when the worker that is sending it has the right to.
    claimed_until: Mapped[datetime | None] = mapped_column(Moment)
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    # Why the last try failed, without anybody's address.
    failure: Mapped[str | None] = mapped_column(String(200))

    purchase: Mapped[Purchase | None] = relationship()
    order: Mapped[Order | None] = relationship()
    user: Mapped[User | None] = relationship()
    subscription: Mapped[PushSubscription | None] = relationship()
