"""The second factor: codes of an app on the phone (TOTP, RFC 6238), and codes on paper for the day
on which the phone is lost.

A code is taken within one step of 30 s around now, and each step once only, however many try at the
same moment. The secret is sealed in the database; the codes on paper are kept stretched (argon2id,
with a salt of the account) under a key: making or trying one takes its time, with no transaction
open.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import pyotp
import segno
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, func, inspect, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from ovop_market.accounts import passwords, sealing, sessions
from ovop_market.accounts.models import RecoveryCode, Role, User
from ovop_market.accounts.services import record
from ovop_market.accounts.signals import Told, account_told
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.core.tokens import matches, recovery_code, recovery_code_in
from ovop_market.extensions.database import write_rows

ISSUER = "OVOP Market"
STEP = 30  # seconds
AROUND = (-1, 0, 1)  # steps: clocks of phones are a little off
HOW_MANY_CODES = 10
SET_UP_WITHIN = timedelta(minutes=15)
# Who must have one where OVOP_REQUIRE_2FA says so: they see figures and money of others.
REQUIRED_OF = frozenset({Role.OFFICIAL, Role.OPERATOR})
_SECRET, _CODES = "second factor", "recovery code"


def is_required(user: User) -> bool:
    """Whether the account may not do without."""
    return bool(current_app.config["OVOP"].require_2fa) and user.role in REQUIRED_OF


def begin(session: Session, user: User, now: datetime) -> None:
    """Makes the secret that the app is to learn; it is asked for once a code has shown that it has.
    Raises Conflict where one is asked for already."""
    _refuse_second(user)
    user.totp_secret = sealing.seal(_SECRET, pyotp.random_base32(), now)
    session.flush()


def pending(user: User, now: datetime) -> str | None:
    """The secret while it is being set up. After a quarter of an hour it is as if there were none:
    what was begun and left must not be finished by whoever finds the phone."""
    if user.totp_since is not None or user.totp_secret is None:
        return None
    return sealing.unseal(_SECRET, user.totp_secret, since=now - SET_UP_WITHIN)


def secret_of(user: User) -> str | None:
    """The secret; None if there is none (or SECRET_KEY has changed)."""
    return sealing.unseal(_SECRET, user.totp_secret) if user.totp_secret else None


def picture(user: User, secret: str) -> str:
    """The secret as a QR code (a data: address of an SVG), while it is being set up."""
    uri = pyotp.TOTP(secret).provisioning_uri(
        name=user.email or user.phone or "", issuer_name=ISSUER
    )
    return str(segno.make(uri, error="m").svg_data_uri(scale=5, border=4, light="#fff"))


def confirm(session: Session, user: User, code: str, now: datetime) -> None:
    """The app has learnt the secret: from now on a code is asked for. Codes for paper come next
    (`new_codes`, `keep_codes`). Raises Unusable (field `code`), Conflict."""
    _refuse_second(user)
    if pending(user, now) is None or not _take_step(session, user, code, now):
        raise Unusable(
            _("Kode ini tidak cocok. Tunggu kode berikutnya di aplikasi, lalu tulis yang baru."),
            field="code",
        )
    user.totp_since = now
    record(session, "second factor on", f"user {user.id}", now, user.id)
    account_told.send(user, session=session, what=Told.SECOND_FACTOR_ON, at=now, link="")


def _refuse_second(user: User) -> None:
    if user.totp_since is not None:
        raise Conflict(_("Kode masuk sudah menyala."))


def accept(session: Session, user: User, typed: str, now: datetime) -> bool:
    """Whether it is a code of the app, or one from paper; it is used up either way."""
    paper = _paper(_id_of(user), typed)
    if user.totp_since is None:
        return False
    if paper is not None:
        return _take_paper(session, user, paper, now)
    return _take_step(session, user, typed, now)


def _id_of(user: User) -> int:
    """Known without asking the database: nothing is to be locked while a code is stretched."""
    identity: tuple[int, ...] = inspect(user).identity or ()
    return identity[0]


def _paper(user_id: int, typed: str) -> str | None:
    """What is kept of the code on paper that was typed, if it can be one."""
    code = recovery_code_in(typed)
    return None if code is None else _digest(user_id, code)


def _take_step(session: Session, user: User, typed: str, now: datetime) -> bool:
    code, secret = re.sub(r"\s", "", typed), secret_of(user)
    if secret is None or not re.fullmatch(r"[0-9]{6}", code):
        return False
    otp, step = pyotp.TOTP(secret, interval=STEP), int(now.timestamp()) // STEP
    fitting = [step + by for by in AROUND if matches(code, otp.generate_otp(step + by))]
    if not fitting:
        return False
    taken: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(User)
        .where(
            User.id == user.id,
            User.totp_secret == user.totp_secret,
            or_(User.totp_step.is_(None), User.totp_step < fitting[-1]),
        )
        .values(totp_step=fitting[-1])
        .execution_options(synchronize_session=False)
    )
    session.refresh(user)
    return taken.rowcount == 1


def _take_paper(session: Session, user: User, kept: str, now: datetime) -> bool:
    used: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user.id,
            RecoveryCode.digest == kept,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if used.rowcount != 1:
        return False
    left: dict[str, object] = {"left": codes_left(session, user)}
    record(session, "recovery code used", f"user {user.id}", now, user.id, left)
    account_told.send(user, session=session, what=Told.RECOVERY_CODE_USED, at=now, link="")
    return True


def codes_left(session: Session, user: User) -> int:
    """How many codes on paper still work."""
    return (
        session.scalar(
            select(func.count(RecoveryCode.id)).where(
                RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None)
            )
        )
        or 0
    )


def new_codes(user_id: int) -> dict[str, str]:
    """Codes for paper, as they are read, with what is kept of each. It takes a while: not in a
    transaction."""
    codes: set[str] = set()
    while len(codes) < HOW_MANY_CODES:
        codes.add(recovery_code())
    return {f"{code[:5]}-{code[5:]}": _digest(user_id, code) for code in sorted(codes)}


def keep_codes(session: Session, user: User, kept: Collection[str], now: datetime) -> None:
    """These codes work from now on, once each; those of before are worth nothing any more."""
    _forget_codes(session, user)
    write_rows(session, RecoveryCode, [{"user_id": user.id, "digest": each} for each in kept])
    record(session, "recovery codes made", f"user {user.id}", now, user.id)


def _forget_codes(session: Session, user: User) -> None:
    session.execute(
        delete(RecoveryCode)
        .where(RecoveryCode.user_id == user.id)
        .execution_options(synchronize_session=False)
    )


def _digest(user_id: int, code: str) -> str:
    salt = bytes.fromhex(sealing.mark("salt of recovery codes", str(user_id)))
    return sealing.mark(_CODES, f"{user_id}\n{passwords.stretched(code, salt).hex()}")


def turn_off(session: Session, user: User, now: datetime) -> None:
    """The person does without from now on; the caller has asked for the password and a code."""
    _clear(session, user)
    record(session, "second factor off", f"user {user.id}", now, user.id)
    account_told.send(user, session=session, what=Told.SECOND_FACTOR_OFF, at=now, link="")


def clear(session: Session, user: User, actor_id: int | None, now: datetime) -> None:
    """An operator takes the second factor from an account whose owner has lost phone and paper,
    having made sure who asks (None: from the machine's terminal). All its sessions end; the owner
    is told. Raises Conflict for one's own account: that would be a way around it."""
    if user.id == actor_id:
        raise Conflict(_("Kode masuk akun sendiri dimatikan lewat halaman Akun."))
    _clear(session, user)
    sessions.end_all(session, user, now, actor_id)
    record(session, "second factor cleared", f"user {user.id}", now, actor_id)
    account_told.send(user, session=session, what=Told.SECOND_FACTOR_OFF, at=now, link="")


def _clear(session: Session, user: User) -> None:
    user.totp_secret = user.totp_since = user.totp_step = None
    _forget_codes(session, user)
    session.flush()
