"""Accounts: making them, finding out who signs in, and the record of what was done with them."""

from __future__ import annotations

import re
from datetime import datetime

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from lokal import normalize_phone
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import passwords
from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.accounts.passwords import MAX_PASSWORD, MIN_PASSWORD
from ovop_market.core.errors import Unusable
from ovop_market.extensions.database import insert_into
from ovop_market.regions.models import Region

# RFC 2606: addresses that can be nobody's.
_RESERVED = re.compile(r"[A-Za-z0-9._+-]{1,64}@([A-Za-z0-9-]{1,63}\.)+example")

__all__ = ["MAX_PASSWORD", "MIN_PASSWORD"]

LARGEST_AREA = 2  # the level of a regency; 1 is that of a province


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


def login_of(text: str) -> str | None:
    """The e-mail address or telephone number that a typed login means; None if it is neither."""
    return email_of(text) if "@" in text else phone_of(text)


def user_of(session: Session, login: str) -> User | None:
    """The account that is signed in to by this login, however it is written."""
    known = login_of(login)
    if known is None:
        return None
    column = User.email if "@" in known else User.phone
    return session.scalar(select(User).where(column == known))


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
    verified: bool = False,
) -> User:
    """A new account. `login` is an e-mail address or an Indonesian telephone number.

    `region_code` is an official's regency or province; the others have none. `verified`: it is
    known by other means that mail to the address reaches the person. Raises Unusable, naming the
    field, for a login that is neither or is taken (`details["taken"]`), for a password that
    passwords.check refuses, and for an official without an area that is on the list.
    """
    known = login_of(login)
    if known is None:
        raise Unusable(
            _("Tulis alamat email, atau nomor HP seperti 0812 3456 7890."), field="login"
        )
    passwords.check(password, login=known, name=name)
    # It takes its time: before the first statement, so that no lock is held meanwhile, and whether
    # or not the login is taken.
    password_hash = passwords.hashed(password)
    check_area(session, role, region_code)
    email, phone = (known, None) if "@" in known else (None, known)
    user_id = session.scalar(
        insert_into(session, User)
        .values(
            role=role,
            name=name,
            email=email,
            phone=phone,
            region_code=region_code,
            password_hash=password_hash,
            epoch=0,
            created_at=now,
            verified_at=now if verified else None,
        )
        .on_conflict_do_nothing()
        .returning(User.id)
    )
    if user_id is None:
        raise Unusable(
            _("Email atau nomor ini sudah punya akun. Masuk dengan akun itu."),
            field="login",
            taken=True,
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


def check_area(session: Session, role: Role, region_code: str | None) -> None:
    """Officials belong to a regency or a province; nobody else belongs to an area. Raises
    Unusable."""
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
    user = user_of(session, login)
    fits = passwords.fits(user.password_hash if user else None, password)
    return user if user and fits and user.disabled_at is None else None


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
