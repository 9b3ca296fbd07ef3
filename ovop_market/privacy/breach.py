"""What is done at once when personal data may have leaked: sessions end, links change, and the
people who must be told in writing are listed (UU 27/2022, article 46)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.accounts.services import record
from ovop_market.core.tokens import digest, secret_token
from ovop_market.extensions.database import AT_ONCE
from ovop_market.notices.models import PushSubscription
from ovop_market.orders.models import Purchase

HEADER = ("kind", "id", "name", "phone", "email", "language")


def end_all_sessions(session: Session, now: datetime) -> int:
    """Every account has to sign in again; returns how many accounts there are."""
    ended = session.execute(
        update(User)
        .where(User.erased_at.is_(None))
        .values(epoch=User.epoch + 1)
        .execution_options(synchronize_session=False)
    )
    # Nor is anybody told on a phone of before.
    session.execute(delete(PushSubscription), execution_options={"synchronize_session": False})
    record(session, "everybody signed out", "user all", now, None)
    return int(ended.rowcount)  # type: ignore[attr-defined]


def renew_links(session: Session, after: int) -> int | None:
    """Gives the next purchases after an id new secrets, so that the old links open nothing.
    Returns the last id, or None when there were none."""
    ids = session.scalars(
        select(Purchase.id)
        .where(Purchase.id > after, Purchase.erased_at.is_(None))
        .order_by(Purchase.id)
        .limit(AT_ONCE // 10)
    ).all()
    for own in ids:
        token = secret_token()
        session.execute(
            update(Purchase)
            .where(Purchase.id == own, Purchase.erased_at.is_(None))
            .values(token=token, token_digest=digest(token))
            .execution_options(synchronize_session=False)
        )
    return ids[-1] if ids else None


def note_renewed(session: Session, count_of_batches: int, now: datetime) -> None:
    """The line of the audit, once all are renewed."""
    record(session, "links renewed", "purchase all", now, None, {"batches": count_of_batches})


def people(session: Session, since: datetime | None, until: datetime | None) -> Iterator[list[str]]:
    """Whoever must be told: accounts, and buyers of purchases placed within these moments, with how
    they are reached. Each number or address once."""
    told: set[str] = set()
    users = session.execute(
        select(User.id, User.name, User.phone, User.email)
        .where(User.erased_at.is_(None))
        .order_by(User.id)
    )
    for own, name, phone, email in users:
        told |= {phone or "", email or ""}
        yield ["account", str(own), name, phone or "", email or "", "id"]
    wanted: list[ColumnElement[bool]] = [Purchase.erased_at.is_(None)]
    if since is not None:
        wanted.append(Purchase.placed_at >= since)
    if until is not None:
        wanted.append(Purchase.placed_at < until)
    buyers = session.execute(
        select(Purchase.id, Purchase.name, Purchase.phone, Purchase.email, Purchase.language)
        .where(*wanted, or_(Purchase.phone != "", Purchase.email.is_not(None)))
        .order_by(Purchase.id.desc())
        .execution_options(yield_per=1_000)
    )
    for own, name, phone, email, language in buyers:
        if phone not in told:
            told.add(phone)
            yield ["purchase", str(own), name, phone, email or "", language]


def note_listed(session: Session, how_many: int, now: datetime) -> None:
    """The list was taken from the program."""
    record(session, "contacts taken", "user all", now, None, {"people": how_many})
