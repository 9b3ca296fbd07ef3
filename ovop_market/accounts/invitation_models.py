"""Invitations: somebody is asked to have an account for something."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.accounts.models import Link, Role, User
from ovop_market.extensions.database import Choice, Model, Moment


class Invitation(Model):
    """An account with this login is asked to be this, by a link that works once.

    The link's secret is in the link alone. Accepting and withdrawing both use the link up, so that
    only one of them happens. A month after it has run out the row is thrown away with the login
    in it (invitations.sweep); who let whom in stays in the audit and with the staff.
    """

    __tablename__ = "account_invitation"
    __table_args__ = (
        CheckConstraint("role IN ('producer', 'official', 'operator')", name="role_known"),
        CheckConstraint("(email IS NULL) <> (phone IS NULL)", name="one_login"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint(
            "(role = 'official') = (region_code IS NOT NULL)", name="officials_have_an_area"
        ),
        CheckConstraint(
            "(accepted_at IS NULL) = (accepted_by_id IS NULL)", name="accepted_by_somebody"
        ),
        CheckConstraint("accepted_at IS NULL OR withdrawn_at IS NULL", name="one_end"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    link_id: Mapped[int | None] = mapped_column(
        ForeignKey("account_link.id", ondelete="SET NULL"), unique=True
    )
    role: Mapped[Role] = mapped_column(Choice(Role))
    region_code: Mapped[str | None] = mapped_column(ForeignKey("region.code"))
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(20))
    # Whether the link went to the address by mail, and was shown to nobody: whoever has it reads
    # that mail.
    mailed: Mapped[bool] = mapped_column(default=False)
    invited_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    accepted_at: Mapped[datetime | None] = mapped_column(Moment)
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)

    link: Mapped[Link | None] = relationship()
    invited_by: Mapped[User] = relationship(foreign_keys=[invited_by_id])

    @property
    def login(self) -> str:
        """The e-mail address or telephone number that is invited."""
        return self.email or self.phone or ""
