"""What producers decide about themselves: when they take no orders."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.villages.models import Producer
from ovop_market.villages.producer_states import ProducerState

# A closure further away or longer than this is a slip of the finger.
LATEST_CLOSURE = timedelta(days=2 * 365)


def close(
    session: Session,
    producer: Producer,
    *,
    closed_from: date,
    closed_to: date | None,
    actor_id: int,
    now: datetime,
) -> None:
    """Takes no orders on these days (WIB), both included; without an end, until opened again.

    Raises Unusable, naming the field, for days that are over, in the wrong order or too far away.
    """
    today = clock.wib_date(now)
    if not today - LATEST_CLOSURE <= closed_from <= today + LATEST_CLOSURE:
        raise Unusable(_("Pilih tanggal yang lebih dekat."), field="closed_from")
    if closed_to is not None:
        if closed_to < max(closed_from, today):
            raise Unusable(
                _("Tanggal akhir harus mulai hari ini dan sesudah tanggal mulai."),
                field="closed_to",
            )
        if closed_to > today + LATEST_CLOSURE:
            raise Unusable(_("Pilih tanggal yang lebih dekat."), field="closed_to")
    session.refresh(producer, with_for_update=True)
    _refuse_if_ended(producer)
    if (producer.closed_from, producer.closed_to) == (closed_from, closed_to):
        return
    producer.closed_from, producer.closed_to = closed_from, closed_to
    days: dict[str, object] = {
        "from": closed_from.isoformat(),
        "to": closed_to.isoformat() if closed_to else None,
    }
    record(session, "producer closed", f"producer {producer.id}", now, actor_id, days)
    session.flush()


def reopen(session: Session, producer: Producer, *, actor_id: int, now: datetime) -> None:
    """Takes orders again from now on. Opening twice is opening once."""
    session.refresh(producer, with_for_update=True)
    _refuse_if_ended(producer)
    if producer.closed_from is None:
        return
    producer.closed_from = producer.closed_to = None
    record(session, "producer opened", f"producer {producer.id}", now, actor_id)
    session.flush()


def _refuse_if_ended(producer: Producer) -> None:
    if producer.state is ProducerState.CLOSED:
        raise Conflict(
            _("%(producer)s sudah tutup untuk seterusnya.", producer=producer.name),
            field="closed_from",
        )
