"""What is swept away when nobody needs it any more."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from ovop_market.orders.models import Cart


def remove_old_carts(session: Session, before: datetime) -> int:
    """Deletes the carts that were last touched before this moment; returns how many."""
    result = session.execute(delete(Cart).where(Cart.touched_at < before))
    return int(result.rowcount)  # type: ignore[attr-defined]
