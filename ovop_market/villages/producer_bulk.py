"""Approving many who have applied, at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.bulk.registry import BulkAction, By, Planned, register
from ovop_market.core.errors import Conflict, NotFound
from ovop_market.villages import producer_queries, producer_services
from ovop_market.villages.labels import PRODUCER_STATES
from ovop_market.villages.models import Producer, Village
from ovop_market.villages.producer_models import ProducerEvent
from ovop_market.villages.producer_states import ProducerAction, ProducerState


def _plan(session: Session, ids: Sequence[int], _now: datetime) -> list[Planned]:
    rows = session.execute(
        select(Producer, Village.name)
        .join(Producer.village)
        .where(Producer.id.in_(ids))
        .order_by(Producer.id)
        .execution_options(populate_existing=True)
    )
    return [
        Planned(
            id=producer.id,
            name=producer.name,
            url=url_for("producers.producer", slug=producer.slug),
            mark=producer_services.mark(producer),
            problem=(
                ""
                if producer.state is ProducerState.APPLIED
                else _("sudah: %(state)s", state=PRODUCER_STATES[producer.state])
            ),
            note=village,
        )
        for producer, village in rows
    ]


def _sentence(count: int) -> str:
    return ngettext(
        "%(num)d penjual boleh berjualan. Produk pertamanya diperiksa dulu.",
        "%(num)d penjual boleh berjualan. Produk pertamanya diperiksa dulu.",
        count,
    )


def _do(session: Session, producer_id: int, by: By) -> dict[str, object]:
    producer = _producer(session, producer_id)
    session.refresh(producer, with_for_update=True)
    since = producer.state_since.isoformat()
    event = producer_services.move(
        session, producer, ProducerAction.APPROVE, actor_id=by.actor_id, now=by.now
    )
    return {"event": event.id, "since": since}


def _undo(session: Session, producer_id: int, before: Mapping[str, object], by: By) -> None:
    producer = _producer(session, producer_id)
    session.refresh(producer, with_for_update=True)
    last = session.scalar(
        select(ProducerEvent.id)
        .where(ProducerEvent.producer_id == producer_id)
        .order_by(ProducerEvent.id.desc())
        .limit(1)
    )
    if last != before.get("event"):
        raise Conflict(_("sudah diputuskan lain sejak itu"))
    weights = producer_queries.weights_of
    if weights is not None and weights(session, [producer_id])[producer_id].running:
        raise Conflict(_("sudah ada pesanan"))
    # It keeps its place among those who wait.
    producer_services.move(
        session,
        producer,
        ProducerAction.RECALL,
        actor_id=by.actor_id,
        now=by.now,
        since=datetime.fromisoformat(str(before["since"])),
    )


def _producer(session: Session, producer_id: int) -> Producer:
    producer = session.get(Producer, producer_id)
    if producer is None:
        raise NotFound(_("Penjual ini tidak ada."))
    return producer


register(
    BulkAction(
        name="producers-approve",
        title=_l("Setujui penjual"),
        verb=_l("Setujui"),
        sentence=_sentence,
        home="/desk/producers",
        plan=_plan,
        do=_do,
        undo=_undo,
    )
)
