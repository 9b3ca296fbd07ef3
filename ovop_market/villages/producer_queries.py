"""Where producers stand, as operators and their own people see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, selectinload

from ovop_market.accounts.models import User
from ovop_market.core.errors import NotFound
from ovop_market.villages.models import PermitKind, Producer, ProducerKind, Village
from ovop_market.villages.producer_models import ProducerEvent
from ovop_market.villages.producer_states import ProducerAction, ProducerState
from ovop_market.villages.queries import is_slug, own_producers

PER_PAGE = 50
LONGEST_SEARCH = 100


@dataclass(frozen=True, slots=True)
class Weight:
    """What hangs on a producer: products that buyers see or would see, orders that are running."""

    products: int
    running: int
    members: int


# orders: what hangs on each of these producers. Until it is loaded, nothing is known of it.
weights_of: Callable[[Session, Sequence[int]], Mapping[int, Weight]] | None = None
# notices: whether an owner of this producer gets our messages. Until it is loaded, nobody does.
is_told: Callable[[Session, int], bool] | None = None


@dataclass(frozen=True, slots=True)
class ProducerRow:
    """A producer among others."""

    id: int
    slug: str
    name: str
    village: str
    kind: ProducerKind
    state: ProducerState
    since: datetime
    permits: tuple[PermitKind, ...]


@dataclass(frozen=True, slots=True)
class ProducerList:
    """A page of the list. `counts` are of all, whatever is searched for."""

    rows: Sequence[ProducerRow]
    counts: Mapping[ProducerState, int]
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Told:
    """A line of a producer's history, with who did it."""

    action: ProducerAction
    at: datetime
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One of an account's producers that does not sell, and why."""

    slug: str
    name: str
    state: ProducerState
    since: datetime
    reason: str


def producers(session: Session, state: ProducerState, q: str = "", page: int = 1) -> ProducerList:
    """Producers in a state: who waits longest first; of the others, who moved last. Four statements
    at the most."""
    found = dict(
        iter(session.execute(select(Producer.state, func.count()).group_by(Producer.state)))
    )
    wanted = [Producer.state == state, *_search(q)]
    total = session.scalar(
        select(func.count()).select_from(Producer).join(Producer.village).where(*wanted)
    )
    pages = max(1, -(-(total or 0) // PER_PAGE))
    page = min(page, pages)
    waits = state is ProducerState.APPLIED
    order = Producer.state_since.asc() if waits else Producer.state_since.desc()
    rows = session.execute(
        select(Producer, Village.name)
        .join(Producer.village)
        .where(*wanted)
        .options(selectinload(Producer.permits))
        .order_by(order, Producer.id)
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    ).all()
    return ProducerList(
        [_row(p, village, tuple(each.kind for each in p.permits)) for p, village in rows],
        {each: found.get(each, 0) for each in ProducerState},
        page,
        pages,
    )


def _row(producer: Producer, village: str, permits: tuple[PermitKind, ...] = ()) -> ProducerRow:
    return ProducerRow(
        id=producer.id,
        slug=producer.slug,
        name=producer.name,
        village=village,
        kind=producer.kind,
        state=producer.state,
        since=producer.state_since,
        permits=permits,
    )


def _search(q: str) -> list[ColumnElement[bool]]:
    """By a part of the name, the village or the telephone number."""
    words = q[:LONGEST_SEARCH].split()
    conditions: list[ColumnElement[bool]] = []
    for word in words[:5]:
        digits = word.lstrip("+0") if word.lstrip("+").isdigit() else ""
        by_phone = [Producer.phone.contains(digits, autoescape=True)] if len(digits) > 3 else []
        conditions.append(
            or_(
                Producer.name.icontains(word, autoescape=True),
                Village.name.icontains(word, autoescape=True),
                *by_phone,
            )
        )
    return conditions


def producer_of(session: Session, slug: str) -> Producer:
    """A producer, for operators. Raises NotFound."""
    producer = None
    if is_slug(slug):
        producer = session.scalar(
            select(Producer)
            .where(Producer.slug == slug)
            .options(selectinload(Producer.permits))
            .execution_options(populate_existing=True)
        )
    if producer is None:
        raise NotFound(_("Penjual ini tidak ada."))
    return producer


def history(session: Session, producer_id: int) -> list[Told]:
    """What was decided of the producer, the last first."""
    rows = session.execute(
        select(ProducerEvent, User.name)
        .outerjoin(User, User.id == ProducerEvent.actor_id)
        .where(ProducerEvent.producer_id == producer_id)
        .order_by(ProducerEvent.id.desc())
    )
    return [Told(event.action, event.at, name or "", event.reason) for event, name in rows]


def latest_reason(session: Session, producer_id: int) -> str:
    """Why the producer stands where it does, if anybody has said so."""
    latest = (
        select(ProducerEvent.reason)
        .where(ProducerEvent.producer_id == producer_id)
        .order_by(ProducerEvent.id.desc())
        .limit(1)
    )
    return session.scalar(latest) or ""


def standings(session: Session, user: User) -> list[Standing]:
    """The account's producers that do not sell, with why: one statement."""
    reason = (
        select(ProducerEvent.reason)
        .where(ProducerEvent.producer_id == Producer.id)
        .order_by(ProducerEvent.id.desc())
        .limit(1)
        .correlate(Producer)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Producer.slug, Producer.name, Producer.state, Producer.state_since, reason)
        .where(Producer.id.in_(own_producers(user)), Producer.state != ProducerState.APPROVED)
        .order_by(Producer.name)
    )
    return [Standing(slug, name, state, since, why or "") for slug, name, state, since, why in rows]


def hears(session: Session, producer_id: int) -> bool:
    """Whether our messages reach an owner of the producer."""
    return is_told is not None and is_told(session, producer_id)


def waiting(session: Session, limit: int) -> tuple[list[ProducerRow], int]:
    """Who has applied, the longest ago first, and how many there are."""
    rows = session.execute(
        select(Producer, Village.name, func.count().over())
        .join(Producer.village)
        .where(Producer.state == ProducerState.APPLIED)
        .order_by(Producer.state_since, Producer.id)
        .limit(limit)
    ).all()
    return [_row(p, village) for p, village, _n in rows], rows[0][2] if rows else 0
