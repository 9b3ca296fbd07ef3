"""What was done to listings between their producer and an operator, and what was approved."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ovop_market.catalogue.listings.states import WITH_REASON, ListingAction, ListingState
from ovop_market.catalogue.listings.values import Looked
from ovop_market.extensions.database import Choice, Model, Moment, one_of

LONGEST_REASON = 500
_REASONED = ", ".join(f"'{action}'" for action in sorted(WITH_REASON))


class ListingEvent(Model):
    """An append-only line of a listing's history."""

    __tablename__ = "listing_event"
    __table_args__ = (
        one_of("action", ListingAction),
        one_of("state", ListingState),
        CheckConstraint(f"action NOT IN ({_REASONED}) OR reason <> ''", name="reason_given"),
        Index("ix_listing_event_product_id_id", "product_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    action: Mapped[ListingAction] = mapped_column(Choice(ListingAction))
    # The state that it led to.
    state: Mapped[ListingState] = mapped_column(Choice(ListingState))
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON), default="")


class ListingApproval(Model):
    """What an operator found to be in order last: what is there now is compared with it. Written by
    listings.approvals alone."""

    __tablename__ = "listing_approval"

    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), primary_key=True)
    looked: Mapped[Looked] = mapped_column(JSON)
