"""Visits as those see them who oversee the village, and as the producer does who was visited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased, selectinload

from ovop_market.accounts.models import Role, User
from ovop_market.core.errors import NotFound
from ovop_market.villages.areas import in_area
from ovop_market.villages.models import Producer
from ovop_market.villages.queries import is_slug, own_producers
from ovop_market.villages.visit_models import Topic, Visit, VisitPhoto
from ovop_market.villages.visit_services import can_withdraw

ROLES = (Role.OFFICIAL, Role.OPERATOR)
# Of one producer: decades of visits every month.
MOST_SHOWN = 200


class SalesMonth(Protocol):
    """A month of a producer's sales, as the line shows it."""

    @property
    def first(self) -> date: ...


# reach: the months of a producer's verified sales up to a day, oldest first. It puts its function
# here when it is loaded, so that this feature need not know it (imports point one way).
sales_of: Callable[[Session, int, date], Sequence[SalesMonth]] | None = None


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A visit as the timeline shows it. `by` is a name; photos are ids with their sizes."""

    id: int
    producer: str
    day: date
    topic: Topic
    advice: str
    next_step: str
    next_by: date | None
    done_at: datetime | None
    by: str
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    withdrawn_why: str
    mine: bool
    photos: Sequence[VisitPhoto]
    today: date

    @property
    def stands(self) -> bool:
        return self.withdrawn_at is None

    @property
    def open(self) -> bool:
        """Whether its next step is still to be done."""
        return self.stands and bool(self.next_step) and self.done_at is None

    @property
    def late(self) -> bool:
        return self.open and self.next_by is not None and self.next_by < self.today


@dataclass(frozen=True, slots=True)
class Mark:
    """A visit on the line of sales. `at` is where, in thousandths of its length; two that would
    cover each other stand on levels of their own."""

    number: int
    visit: VisitRow
    at: int
    level: int


def producer_of(session: Session, user: User, slug: str) -> Producer:
    """A producer of the person's area, with its village and permits. Raises NotFound."""
    producer = None
    if is_slug(slug):
        producer = session.scalar(
            select(Producer)
            .join(Producer.village)
            .where(Producer.slug == slug, in_area(user))
            .options(selectinload(Producer.permits), selectinload(Producer.village))
        )
    if producer is None:
        raise NotFound(_("Penjual ini tidak ada di wilayah Anda."))
    return producer


def visit_of(session: Session, user: User, visit_id: int) -> Visit:
    """A visit to a producer of the person's area. Raises NotFound."""
    visit = session.scalar(
        select(Visit)
        .join(Visit.producer)
        .join(Producer.village)
        .where(Visit.id == visit_id, in_area(user))
    )
    if visit is None:
        raise NotFound(_("Kunjungan ini tidak ada di wilayah Anda."))
    return visit


def photo_of(session: Session, user: User, visit_id: int, photo_id: int) -> VisitPhoto:
    """A picture of a visit in the person's area. Raises NotFound."""
    photo = session.scalar(
        select(VisitPhoto)
        .join(Visit, VisitPhoto.visit_id == Visit.id)
        .join(Visit.producer)
        .join(Producer.village)
        .where(VisitPhoto.id == photo_id, Visit.id == visit_id, in_area(user))
    )
    if photo is None:
        raise NotFound(_("Foto ini tidak ada di wilayah Anda."))
    return photo


def visits_to(session: Session, user: User, producer: Producer, today: date) -> list[VisitRow]:
    """The visits to a producer, the latest first, with those that were withdrawn."""
    return _rows(session, user, today, Visit.producer_id == producer.id)


def visits_of_own(session: Session, user: User, today: date) -> list[VisitRow]:
    """The visits to the account's own producers that stand, the latest first."""
    return _rows(
        session,
        user,
        today,
        Visit.producer_id.in_(own_producers(user)),
        Visit.withdrawn_at.is_(None),
    )


def marks(visits: Sequence[VisitRow], months: Sequence[SalesMonth]) -> list[Mark]:
    """The visits that stand within the months, in the order of time, numbered from 1."""
    if not months:
        return []
    start, end = months[0].first, months[-1].first
    span = _month_of(end) - _month_of(start) + 1
    found: list[Mark] = []
    shown = [v for v in visits if v.stands and v.day >= start]
    for number, visit in enumerate(sorted(shown, key=lambda v: (v.day, v.id)), 1):
        # A month's point stands in the middle of its part of the axis.
        part = (_month_of(visit.day) - _month_of(start)) + (visit.day.day - 1) / 31
        at = min(round(1000 * part / span), 1000)
        taken = {mark.level for mark in found if at - mark.at < _APART}
        level = next((n for n in range(_LEVELS) if n not in taken), number % _LEVELS)
        found.append(Mark(number, visit, at, level))
    return found


# Thousandths of the axis that a mark takes up, and how many stand one above the other.
_APART, _LEVELS = 45, 3


def _month_of(day: date) -> int:
    return day.year * 12 + day.month - 1


def _rows(
    session: Session, user: User, today: date, *conditions: ColumnElement[bool]
) -> list[VisitRow]:
    by, withdrawn_by = aliased(User), aliased(User)
    found = session.execute(
        select(Visit, Producer.name, by.name, withdrawn_by.name)
        .join(Visit.producer)
        .join(by, Visit.by_id == by.id)
        .outerjoin(withdrawn_by, Visit.withdrawn_by_id == withdrawn_by.id)
        .where(*conditions)
        .options(selectinload(Visit.photos))
        .order_by(Visit.day.desc(), Visit.id.desc())
        .limit(MOST_SHOWN)
    )
    return [
        VisitRow(
            id=visit.id,
            producer=producer,
            day=visit.day,
            topic=visit.topic,
            advice=visit.advice,
            next_step=visit.next_step,
            next_by=visit.next_by,
            done_at=visit.done_at,
            by=name,
            withdrawn_at=visit.withdrawn_at,
            withdrawn_by=withdrawer,
            withdrawn_why=visit.withdrawn_why,
            mine=can_withdraw(user, visit.by_id),
            photos=tuple(visit.photos),
            today=today,
        )
        for visit, producer, name, withdrawer in found
    ]
