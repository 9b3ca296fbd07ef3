"""Accounts: making them, and finding out who signs in. Passwords are kept as argon2id only."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from lokal import normalize_phone
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.core.errors import Unusable
from ovop_market.extensions.database import insert_into
from ovop_market.regions.models import Region

# RFC 2606: addresses that can be nobody's.
_RESERVED = re.compile(r"[A-Za-z0-9._+-]{1,64}@([A-Za-z0-9-]{1,63}\.)+example")

MIN_PASSWORD, MAX_PASSWORD = 8, 128
LARGEST_AREA = 2  # the level of a regency; 1 is that of a province

# OWASP Password Storage Cheat Sheet: argon2id with m=19456 KiB, t=2, p=1.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


def email_of(text: str) -> str | None:
    """The address in lower case, or None if it is none."""
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        # Reserved names such as .example are good enough for the demo and for tests.
        return text.lower() if _RESERVED.fullmatch(text) else None
    return found.normalized.lower()


def phone_of(text: str) -> str | None:
    """The Indonesian telephone number in E.164 (+62…), or None if it is none."""
    return normalize_phone(text)


def register(
    session: Session,
    *,
    login: str,
    password: str,
    name: str,
    role: Role,
    now: datetime,
    actor_id: int | None = None,
    region_code: str | None = None,
) -> User:
    """A new account. `login` is an e-mail address or an Indonesian telephone number.

    `region_code` is an official's regency or province; the others have none. Raises Unusable,
    naming the field, for a login that is neither or is taken, for a password outside 8 to 128
    characters, and for an official without an area that is on the list.
    """
    _check_area(session, role, region_code)
    email = email_of(login) if "@" in login else None
    phone = None if email else phone_of(login)
    if email is None and phone is None:
        raise Unusable(
            _("Tulis alamat email, atau nomor HP seperti 0812 3456 7890."), field="login"
        )
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Unusable(_("Kata sandi 8 sampai 128 huruf."), field="password")
    user_id = session.scalar(
        insert_into(session, User)
        .values(
            role=role,
            name=name,
            email=email,
            phone=phone,
            region_code=region_code,
            password_hash=_hasher.hash(password),
            epoch=0,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(User.id)
    )
    if user_id is None:
        raise Unusable(
            _("Email atau nomor ini sudah punya akun. Masuk dengan akun itu."), field="login"
        )
    record(
        session,
        "account made",
        f"user {user_id}",
        now,
        actor_id,
        {"role": str(role), **({"area": region_code} if region_code else {})},
    )
    return session.get_one(User, user_id)


def _check_area(session: Session, role: Role, region_code: str | None) -> None:
    """Officials belong to a regency or a province; nobody else belongs to an area."""
    if role is not Role.OFFICIAL:
        if region_code is not None:
            raise Unusable(_("Hanya akun pejabat yang punya wilayah."), field="region_code")
        return
    region = session.get(Region, region_code) if region_code else None
    if region is None or region.level > LARGEST_AREA:
        raise Unusable(
            _("Tulis kode kabupaten atau provinsi pejabat ini, misalnya 19.05."),
            field="region_code",
        )


def authenticate(session: Session, login: str, password: str) -> User | None:
    """The account of this login and password, or None; it takes as long for unknown logins."""
    email = email_of(login) if "@" in login else None
    phone = None if email else phone_of(login)
    user = None
    if email or phone:
        column = User.email if email else User.phone
        user = session.scalar(select(User).where(column == (email or phone)))
    try:
        _hasher.verify(user.password_hash if user else _nobody(), password[:MAX_PASSWORD])
    except (VerificationError, InvalidHashError):
        return None
    return user if user and user.disabled_at is None else None


def by_session_id(session: Session, session_id: str) -> User | None:
    """The account that a session belongs to; None once the account's epoch has moved on."""
    user_id, _dot, epoch = session_id.partition(".")
    if not (user_id.isdecimal() and epoch.isdecimal()) or len(user_id) > 15:
        return None
    user = session.get(User, int(user_id))
    return user if user and user.epoch == int(epoch) and user.disabled_at is None else None


def record(
    session: Session,
    action: str,
    subject: str,
    now: datetime,
    actor_id: int | None,
    details: dict[str, object] | None = None,
) -> None:
    """Appends a line to the audit: no personal data in `details`, ever."""
    session.add(
        AuditEvent(at=now, actor_id=actor_id, action=action, subject=subject, details=details)
    )


@lru_cache(maxsize=1)
def _nobody() -> str:
    """A hash that no password fits, so that an unknown login costs the same work."""
    return _hasher.hash("an account that does not exist")
