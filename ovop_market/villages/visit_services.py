"""The verbs of mentoring: a visit noted, its next step done, the note withdrawn.

The audit says which visit and who, never what was advised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.accounts.services import record
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, NotAllowed, Unusable
from ovop_market.extensions.database import insert_into
from ovop_market.villages.models import Producer
from ovop_market.villages.visit_models import (
    MOST_PHOTOS,
    Topic,
    Visit,
    VisitPhoto,
)
from ovop_market.web.pictures import StoredPicture

EARLIEST = date(2000, 1, 1)
LATEST = date(2100, 12, 31)


@dataclass(frozen=True, slots=True)
class Said:
    """What is noted of a visit. Days are those of WIB; `next_by` needs a `next_step`."""

    day: date
    topic: Topic
    advice: str
    next_step: str = ""
    next_by: date | None = None


def refuse_too_many(photos: int) -> None:
    """Raises Unusable for more pictures than a visit has: asked before they are decoded."""
    if photos > MOST_PHOTOS:
        raise Unusable(
            _("Satu kunjungan paling banyak %(most)d foto.", most=MOST_PHOTOS), field="photo"
        )


def check(said: Said, today: date) -> None:
    """Raises Unusable, naming the field, for days that cannot be."""
    if said.day > today:
        raise Unusable(_("Hari ini belum tiba. Isi hari ini atau sebelumnya."), field="day")
    if said.day < EARLIEST:
        raise Unusable(_("Periksa tahunnya: tanggal ini terlalu lama."), field="day")
    if said.next_by is None:
        return
    if not said.next_step:
        raise Unusable(_("Tulis dulu langkah berikutnya."), field="next_step")
    if said.next_by < said.day:
        raise Unusable(_("Pilih hari sesudah kunjungan."), field="next_by")
    if said.next_by > LATEST:
        raise Unusable(_("Periksa tahunnya: tanggal ini terlalu jauh."), field="next_by")


def note(
    session: Session,
    producer: Producer,
    said: Said,
    photos: Sequence[StoredPicture] = (),
    *,
    key: str,
    actor_id: int,
    now: datetime,
) -> Visit:
    """Notes a visit to a producer of the actor's area, with pictures of the private store.

    The same key again is the same form: it answers what was noted then, with the pictures that it
    has. Raises Conflict when the key has noted something else, Unusable, naming the field, for days
    that cannot be and for too many pictures.
    """
    check(said, clock.wib_date(now))
    different = list({photo.key: photo for photo in photos}.values())
    refuse_too_many(len(different))
    values = {"producer_id": producer.id, **asdict(said)}
    visit_id = session.scalar(
        insert_into(session, Visit)
        .values(**values, by_id=actor_id, noted_at=now, idempotency_key=key, withdrawn_why="")
        .on_conflict_do_nothing(index_elements=["by_id", "idempotency_key"])
        .returning(Visit.id)
    )
    if visit_id is None:
        return _noted_before(session, actor_id, key, values)
    visit = session.get_one(Visit, visit_id)
    visit.photos = [
        VisitPhoto(key=photo.key, alt="", width=photo.width, height=photo.height, position=position)
        for position, photo in enumerate(different)
    ]
    details: dict[str, object] = {
        "producer": producer.id,
        "topic": str(said.topic),
        "photos": len(different),
    }
    record(session, "visit noted", f"visit {visit.id}", now, actor_id, details)
    session.flush()
    return visit


def finish(session: Session, visit: Visit, *, actor_id: int, now: datetime) -> None:
    """The next step is done. Doing it twice is doing it once; raises Conflict when there is none
    (any more)."""
    session.refresh(visit, with_for_update=True)
    if visit.withdrawn_at is not None or not visit.next_step:
        raise Conflict(_("Kunjungan ini tidak punya langkah yang bisa diselesaikan."))
    if visit.done_at is not None:
        return
    visit.done_at, visit.done_by_id = now, actor_id
    record(session, "visit step done", f"visit {visit.id}", now, actor_id)
    session.flush()


def can_withdraw(user: User, visit_by_id: int) -> bool:
    """Who noted a visit takes it back, and an operator any."""
    return user.role is Role.OPERATOR or user.id == visit_by_id


def withdraw(session: Session, visit: Visit, actor: User, *, why: str, now: datetime) -> None:
    """Takes a visit back, saying why; it stays written. Withdrawing twice is withdrawing once.

    Raises NotAllowed for somebody else's.
    """
    if not can_withdraw(actor, visit.by_id):
        raise NotAllowed(
            _("Kunjungan dibatalkan oleh yang mencatatnya. Hubungi orangnya, atau pengelola.")
        )
    session.refresh(visit, with_for_update=True)
    if visit.withdrawn_at is not None:
        return
    visit.withdrawn_at, visit.withdrawn_by_id, visit.withdrawn_why = now, actor.id, why
    record(session, "visit withdrawn", f"visit {visit.id}", now, actor.id)
    session.flush()


def _noted_before(session: Session, actor_id: int, key: str, values: dict[str, object]) -> Visit:
    visit = session.scalars(
        select(Visit).where(Visit.by_id == actor_id, Visit.idempotency_key == key)
    ).one()
    if any(getattr(visit, name) != value for name, value in values.items()):
        # An old form, by the browser's way back: not what it says now, and not in silence.
        raise Conflict(
            _("Formulir ini sudah dipakai untuk catatan lain. Periksa isinya, lalu simpan lagi.")
        )
    return visit
