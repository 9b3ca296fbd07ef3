"""Pictures that buyers sent as proof of a payment, by the keys under which they are kept."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.extensions.database import AT_ONCE
from ovop_market.payments.models import Payment


def unseen(session: Session, keys: Sequence[str]) -> list[str]:
    """Those of the keys that no payment shows (any more): of a claim that was refused, or replaced
    by a better picture."""
    shown: set[str | None] = set()
    for start in range(0, len(keys), AT_ONCE):
        wanted = keys[start : start + AT_ONCE]
        shown.update(
            session.scalars(select(Payment.proof_key).where(Payment.proof_key.in_(wanted)))
        )
    return [key for key in keys if key not in shown]
