"""A producer is told that a permit is about to end: the permit's row says when, a job looks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from ovop_market.notices.kinds import Kind
from ovop_market.notices.listening import configured_channels
from ovop_market.notices.services import Owed, owe
from ovop_market.villages.permit_services import take_reminder


def remind(session: Session, permit_id: int, now: datetime) -> Kind | None:
    """Writes down what is owed of a permit now, and that its time has been; once for each
    reminder of each end. None: nothing is due (any more)."""
    taken = take_reminder(session, permit_id, now)
    if taken is None:
        return None
    permit, days = taken
    kind = Kind.PERMIT_ENDING if days else Kind.PERMIT_ENDED
    owed = Owed(
        kind=kind,
        thing=f"permit {permit.id} {permit.expires_on} {days}",
        at=now,
        producer_id=permit.producer_id,
        details={"permit": permit.id, "expires_on": str(permit.expires_on)},
    )
    owe(session, [owed], configured_channels())
    return kind
