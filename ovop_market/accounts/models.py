"""Accounts and the record of what was done with them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from flask_login import UserMixin
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ovop_market.extensions.database import Choice, Model, Moment, one_of


class Role(StrEnum):
    """What an account is for. Everybody may also buy."""

    BUYER = "buyer"
    PRODUCER = "producer"
    OFFICIAL = "official"
    OPERATOR = "operator"


class Purpose(StrEnum):
    """What a one-time link opens."""

    VERIFY = "verify"
    RESET = "reset"
    INVITE = "invite"
    # To show that a new address is one's own; until then the one of before is in force.
    EMAIL = "email"


class User(UserMixin, Model):
    """An account. Signed in to by e-mail (lower case) or by phone (E.164)."""

    __tablename__ = "user_account"
    __table_args__ = (
        one_of("role", Role),
        CheckConstraint(
            "email IS NOT NULL OR phone IS NOT NULL OR erased_at IS NOT NULL", name="login_given"
        ),
        # What is left of an erased account names nobody and lets nobody in.
        CheckConstraint(
            "erased_at IS NULL OR (name = '' AND email IS NULL AND phone IS NULL"
            " AND password_hash = '' AND totp_secret IS NULL AND disabled_at IS NOT NULL)",
            name="erased_names_nobody",
        ),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint(
            "(role = 'official') = (region_code IS NOT NULL)", name="officials_have_an_area"
        ),
        CheckConstraint(
            "totp_since IS NULL OR totp_secret IS NOT NULL", name="second_factor_has_secret"
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
    # When the person has shown that mail to the address reaches them.
    verified_at: Mapped[datetime | None] = mapped_column(Moment)
    # The second factor (RFC 6238): its secret, sealed (accounts.sealing); since when it is asked
    # for (until then it is being set up); and the last step whose code was taken.
    totp_secret: Mapped[str | None] = mapped_column(String(200))
    totp_since: Mapped[datetime | None] = mapped_column(Moment)
    totp_step: Mapped[int | None] = mapped_column(BigInteger)
    # When its person asked for everything about them to be erased: the row stays, for what it did.
    erased_at: Mapped[datetime | None] = mapped_column(Moment)

    # The secret of the session that is being begun: what Flask-Login puts into the cookie.
    session_token = ""

    @property
    def is_active(self) -> bool:
        return self.disabled_at is None

    def get_id(self) -> str:
        return self.session_token


class UserSession(Model):
    """A device on which somebody is signed in. The cookie holds a secret, this table its SHA-256:
    a cookie that was copied is worth nothing once its row has ended. No address is kept: "Chrome
    di Android, two days ago" tells people enough to know their own."""

    __tablename__ = "user_session"
    __table_args__ = (Index("ix_user_session_user_id_seen_at", "user_id", "seen_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    # That of the account when it began.
    epoch: Mapped[int]
    browser: Mapped[str] = mapped_column(String(20))
    system: Mapped[str] = mapped_column(String(20))
    began_at: Mapped[datetime] = mapped_column(Moment)
    # Written every few minutes at most.
    seen_at: Mapped[datetime] = mapped_column(Moment, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class Throttle(Model):
    """How often something was tried lately, and until when it must not be tried again. `key` is a
    keyed hash: whose login or address it is, is not in the table."""

    __tablename__ = "throttle"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    tries: Mapped[int]
    open_at: Mapped[datetime] = mapped_column(Moment)
    # When it begins at nothing again.
    over_at: Mapped[datetime] = mapped_column(Moment, index=True)


class RecoveryCode(Model):
    """One of the codes that take the place of the second factor, once each."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("user_id", "digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    # Stretched and keyed: the codes are short enough to be typed, so a hash could be tried out.
    digest: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column(Moment)


_WAITING = text("done_at IS NULL")


class HelpRequest(Model):
    """Somebody who has forgotten the password and whom no machine can reach: a person will."""

    __tablename__ = "account_help"
    __table_args__ = (
        Index(
            "ix_account_help_waiting",
            "user_id",
            unique=True,
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    asked_at: Mapped[datetime] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class Link(Model):
    """A link that works once and for a while. Its secret is only in the link: `digest` is all that
    is kept of it, so that who reads the table opens nothing. Written by accounts.links alone."""

    __tablename__ = "account_link"
    __table_args__ = (
        one_of("purpose", Purpose),
        CheckConstraint("expires_at > made_at", name="lives_for_a_while"),
        # An invitation is to somebody who may have no account yet.
        CheckConstraint("purpose = 'invite' OR user_id IS NOT NULL", name="about_somebody"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[Purpose] = mapped_column(Choice(Purpose))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    # What an invitation says; the new address, of a link that confirms it.
    details: Mapped[dict[str, object] | None] = mapped_column(JSON)
    made_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class AuditEvent(Model):
    """An append-only line: who did what to which thing. The database refuses to change it.

    Orders and payments have events of their own; this is for everything else.
    """

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_actor_id_at", "actor_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(100), index=True)
    details: Mapped[dict[str, object] | None] = mapped_column(JSON)


class PersonalDataView(Model):
    """An append-only line: somebody looked at personal data of somebody else (UU 27/2022).

    `subject` is `purchase 17` or `user 3`; `page` the name of what was looked at (accounts.trail).
    Of one page, actor and subject there is one line an hour, however often it is opened.
    """

    __tablename__ = "personal_data_view"
    __table_args__ = (
        one_of("role", Role),
        UniqueConstraint("actor_id", "subject", "page", "hour"),
        Index("ix_personal_data_view_subject_at", "subject", "at"),
        Index("ix_personal_data_view_actor_id_at", "actor_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    # Hours since 1970, of `at`.
    hour: Mapped[int]
    actor_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    # As what they looked: people and their work change.
    role: Mapped[Role] = mapped_column(Choice(Role))
    # For which producer, where it was one's staff (producers are above this feature).
    producer_id: Mapped[int | None] = mapped_column(ForeignKey("producer.id"))
    page: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(40))
