"""Invitations to work for a producer."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.accounts.invitation_models import Invitation
from ovop_market.extensions.database import Choice, Model, one_of
from ovop_market.villages.models import Producer
from ovop_market.villages.policy import StaffRole


class StaffInvitation(Model):
    """What an invitation to an account is about: to be this in that producer."""

    __tablename__ = "staff_invitation"
    __table_args__ = (one_of("role", StaffRole),)

    invitation_id: Mapped[int] = mapped_column(
        ForeignKey("account_invitation.id", ondelete="CASCADE"), primary_key=True
    )
    producer_id: Mapped[int] = mapped_column(ForeignKey("producer.id"), index=True)
    role: Mapped[StaffRole] = mapped_column(Choice(StaffRole))

    invitation: Mapped[Invitation] = relationship()
    producer: Mapped[Producer] = relationship()
