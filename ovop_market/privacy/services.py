"""Erasing what names a person, in all features at once, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.accounts.personal import Whose, holders
from ovop_market.accounts.services import record
from ovop_market.core.errors import Conflict
from ovop_market.orders.models import Purchase
from ovop_market.orders.services.locks import lock_purchases


class ErasureRefused(Conflict):
    """Nothing may be erased yet; `reasons` say why, and what to do."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(_("Belum bisa dihapus."), reasons=list(reasons))
        self.reasons = list(reasons)


def of_user(session: Session, user: User) -> Whose:
    """An account with all its purchases."""
    mine = select(Purchase.id).where(Purchase.buyer_id == user.id).order_by(Purchase.id)
    return Whose(user.id, tuple(session.scalars(mine)))


def of_purchase(purchase: Purchase) -> Whose:
    """A purchase alone, whoever has its link."""
    return Whose(None, (purchase.id,))


def refusals(session: Session, whose: Whose, now: datetime) -> list[str]:
    """Why nothing may be erased yet; empty when it may."""
    return [reason for holder in holders() for reason in holder.refusals(session, whose, now)]


def erase(session: Session, whose: Whose, now: datetime) -> list[str]:
    """Erases all that names this person. Returns the keys of private pictures whose files are to be
    thrown away once this is committed; if that is forgotten, the sweep finds them within a day.

    Raises ErasureRefused while an order is open, money is owed or a complaint runs.
    """
    # What is decided on must not move meanwhile; and what was bought until now goes as well.
    for holder in holders():
        holder.lock(session, whose)
    if whose.user_id is not None:
        whose = of_user(session, session.get_one(User, whose.user_id))
    lock_purchases(session, whose.purchase_ids)
    reasons = refusals(session, whose, now)
    if reasons:
        raise ErasureRefused(reasons)
    keys = [key for holder in holders() for key in holder.erase(session, whose, now)]
    session.flush()
    return keys


def note_taken(session: Session, whose: Whose, kind: str, now: datetime) -> None:
    """A person has taken their own data away, as a file of this kind."""
    subject = f"user {whose.user_id}" if whose.user_id else f"purchase {whose.purchase_ids[0]}"
    record(session, "own data taken", subject, now, whose.user_id, {"as": kind})
