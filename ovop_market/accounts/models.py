"""Accounts and the record of what was done with them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from flask_login import UserMixin
from sqlalchemy import JSON, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from ovop_market.extensions.database import Choice, Model, Moment, one_of


class Role(StrEnum):
    """What an account is for. Everybody may also buy."""

    BUYER = "buyer"
    PRODUCER = "producer"
    OFFICIAL = "official"
    OPERATOR = "operator"


class User(UserMixin, Model):
    """An account. Signed in to by e-mail (lower case) or by phone (E.164)."""

    __tablename__ = "user_account"
    __table_args__ = (
        one_of("role", Role),
        CheckConstraint("email IS NOT NULL OR phone IS NOT NULL", name="login_given"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint(
            "(role = 'official') = (region_code IS NOT NULL)", name="officials_have_an_area"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[Role] = mapped_column(Choice(Role))
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    phone: Mapped[str | None] = mapped_column(String(20), unique=True)
    # An official's regency or province: whose villages the account may see.
    region_code: Mapped[str | None] = mapped_column(ForeignKey("region.code"))
    password_hash: Mapped[str] = mapped_column(String(200))
    # Sessions carry the epoch they began in; raising it ends them all.
    epoch: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)
    disabled_at: Mapped[datetime | None] = mapped_column(Moment)

    @property
    def is_active(self) -> bool:
        return self.disabled_at is None

    def get_id(self) -> str:
        return f"{self.id}.{self.epoch}"


class AuditEvent(Model):
    """An append-only line: who did what to which thing. The database refuses to change it.

    Orders and payments have events of their own; this is for everything else.
    """

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(100), index=True)
    details: Mapped[dict[str, object] | None] = mapped_column(JSON)
