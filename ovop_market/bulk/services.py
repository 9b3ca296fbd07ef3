"""Doing one thing to many, as it was shown before; and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.bulk.models import Batch, BatchItem
from ovop_market.bulk.registry import ACTIONS, MOST, UNDO_WITHIN, BulkAction, By, Planned
from ovop_market.core.errors import Conflict, MarketError, Unusable
from ovop_market.core.tokens import digest
from ovop_market.extensions.database import insert_into

_LONGEST_PROBLEM = 300


@dataclass(frozen=True, slots=True)
class Plan:
    """What would become of the things that were chosen."""

    action: BulkAction
    items: Sequence[Planned]

    @property
    def doable(self) -> list[Planned]:
        return [item for item in self.items if not item.problem]

    @property
    def left_out(self) -> list[Planned]:
        return [item for item in self.items if item.problem]

    @property
    def seen(self) -> str:
        """A digest of exactly this plan; the form sends it back."""
        return digest(repr([(i.id, i.mark, i.problem) for i in self.items]))[:32]


def plan(session: Session, action: BulkAction, ids: Sequence[int], by: By) -> Plan:
    """Looks at the things (ids; each once, as many as are done in one go); changes nothing."""
    wanted = sorted(set(ids))[:MOST]
    return Plan(action, action.plan(session, wanted, by.now) if wanted else [])


def run(
    session: Session, action: BulkAction, ids: Sequence[int], *, seen: str, key: str, by: By
) -> Batch:
    """Does it to all that can be done, each whole or not at all. The same key is done once.

    Raises Conflict when it is no longer what was shown, Unusable for a missing reason or when there
    is nothing to do.
    """
    before = find(session, by.actor_id, key)
    if before is not None:
        return before
    planned = plan(session, action, ids, by)
    if seen != planned.seen:
        raise Conflict(_("Ada yang berubah sejak Anda melihatnya. Periksa daftarnya sekali lagi."))
    if not planned.doable:
        raise Unusable(_("Tidak ada yang bisa dikerjakan dari pilihan ini."))
    if action.reason is not None and not by.reason.strip():
        raise Unusable(_("Tulis alasannya."), field="reason")
    batch = _begin(session, action, key, by)
    if batch is None:
        # The same form, a moment ago.
        return session.scalars(_batch_of(by.actor_id, key)).one()
    for item in planned.items:
        session.add(_item(session, batch, item, by))
    details: dict[str, object] = {
        "action": action.name,
        "ids": [item.id for item in planned.doable],
    }
    record(session, "batch done", f"batch {batch.id}", by.now, by.actor_id, details)
    session.flush()
    return batch


def undo(session: Session, batch: Batch, by: By) -> None:
    """Takes back what can be: what has not been touched since. Undoing twice is undoing once.

    Raises Conflict when it is too late, or cannot be taken back at all.
    """
    session.refresh(batch, with_for_update=True)
    if batch.undone_at is not None:
        return
    action = ACTIONS[batch.action]
    if action.undo is None:
        raise Conflict(_("Tindakan ini tidak bisa diurungkan."))
    if by.now > batch.at + UNDO_WITHIN:
        raise Conflict(_("Sudah lewat 15 menit. Ubah satu per satu di halamannya."))
    batch.undone_at, batch.undone_by_id = by.now, by.actor_id
    # The last thing done is the first taken back: one may have made way for the next.
    for item in reversed(batch.items):
        if not item.done:
            continue
        try:
            with session.begin_nested():
                action.undo(session, item.subject_id, item.before or {}, by)
        except MarketError as refusal:
            item.undone, item.undo_problem = False, refusal.message[:_LONGEST_PROBLEM]
        else:
            item.undone = True
    record(session, "batch undone", f"batch {batch.id}", by.now, by.actor_id)
    session.flush()


def find(session: Session, actor_id: int, key: str) -> Batch | None:
    """What this account did with this key, if it did."""
    return session.scalar(_batch_of(actor_id, key))


def can_undo(batch: Batch, by: By) -> bool:
    """Whether there is a button for it."""
    action = ACTIONS.get(batch.action)
    return (
        action is not None
        and action.undo is not None
        and batch.undone_at is None
        and by.now <= batch.at + UNDO_WITHIN
        and any(item.done for item in batch.items)
    )


def _batch_of(actor_id: int, key: str) -> Select[Batch]:
    return select(Batch).where(Batch.made_by_id == actor_id, Batch.key == key)


def _begin(session: Session, action: BulkAction, key: str, by: By) -> Batch | None:
    made = session.scalar(
        insert_into(session, Batch)
        .values(
            action=action.name,
            made_by_id=by.actor_id,
            at=by.now,
            key=key,
            reason=by.reason.strip(),
        )
        .on_conflict_do_nothing(index_elements=["made_by_id", "key"])
        .returning(Batch.id)
    )
    return None if made is None else session.get_one(Batch, made)


def _item(session: Session, batch: Batch, item: Planned, by: By) -> BatchItem:
    """Does it to one thing. Somebody may have been quicker by a moment: then it is left out."""
    problem, before = item.problem, None
    if not problem:
        try:
            with session.begin_nested():
                before = ACTIONS[batch.action].do(session, item.id, replace(by, mark=item.mark))
        except MarketError as refusal:
            problem = refusal.message
    return BatchItem(
        batch_id=batch.id,
        subject_id=item.id,
        done=not problem,
        problem=problem[:_LONGEST_PROBLEM],
        before=before,
    )
