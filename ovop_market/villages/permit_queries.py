"""Permits as their producer, the operator and the reminders see them. Days are those of WIB."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import gettext as _
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, selectinload

from ovop_market.accounts.models import User
from ovop_market.core.errors import NotFound
from ovop_market.villages.models import Permit, PermitKind, Producer
from ovop_market.villages.permit_rules import REMINDERS, SOON, looks_usual
from ovop_market.villages.permit_services import mark
from ovop_market.villages.producer_states import IN_PROGRAMME
from ovop_market.villages.queries import is_slug, own_producers

# Rows of the operator's list; the count tells how many more there are.
MOST_SHOWN = 20

# catalogue: which permits these producers need for what they list, by their id; who lists nothing
# is not there. It puts its function here when it is loaded, as with the hooks in `queries`; until
# then nobody is asked for anything.
needed_by: Callable[[Session, Sequence[int]], Mapping[int, frozenset[PermitKind]]] | None = None


@dataclass(frozen=True, slots=True)
class PermitRow:
    """A kind of permit of a producer, whether it has one or not. `needed` for what it lists; None:
    it lists nothing yet. `seen` marks what is shown."""

    kind: PermitKind
    number: str
    expires_on: date | None
    held: bool
    needed: bool | None
    usual: bool
    seen: str
    today: date

    @property
    def ended(self) -> bool:
        return self.expires_on is not None and self.expires_on < self.today

    @property
    def lacking(self) -> bool:
        """Whether the producer needs it and has none, or none any more."""
        return bool(self.needed) and (not self.held or self.ended)

    @property
    def ends_soon(self) -> bool:
        until = self.today + timedelta(days=SOON)
        return self.expires_on is not None and self.today <= self.expires_on <= until

    @property
    def days_left(self) -> int:
        """Until its last day; less than nothing once that is over."""
        return (self.expires_on - self.today).days if self.expires_on else 0


@dataclass(frozen=True, slots=True)
class Ending:
    """A permit that ends soon, or has ended, for the operator."""

    kind: PermitKind
    producer: str
    phone: str
    expires_on: date
    ended: bool


def producers_of(session: Session, user: User) -> Sequence[Producer]:
    """The producers that the account acts for, with their permits."""
    return session.scalars(
        select(Producer)
        .where(Producer.id.in_(own_producers(user)))
        .options(selectinload(Producer.permits))
        .order_by(Producer.name, Producer.id)
        .execution_options(populate_existing=True)
    ).all()


def producer_of(session: Session, user: User, slug: str) -> Producer:
    """One of the account's producers. Raises NotFound."""
    producer = None
    if is_slug(slug):
        producer = session.scalar(
            select(Producer).where(Producer.slug == slug, Producer.id.in_(own_producers(user)))
        )
    if producer is None:
        raise NotFound(_("Penjual ini tidak ada di akun Anda."))
    return producer


def rows_of(
    session: Session, producers: Sequence[Producer], today: date
) -> list[tuple[Producer, list[PermitRow]]]:
    """Each producer with each kind of permit, in the order of PermitKind."""
    ids = [producer.id for producer in producers]
    needs = needed_by(session, ids) if needed_by and ids else {}
    return [(each, _rows_of(each, needs.get(each.id), today)) for each in producers]


def _rows_of(
    producer: Producer, needed: frozenset[PermitKind] | None, today: date
) -> list[PermitRow]:
    held = {permit.kind: permit for permit in producer.permits}
    return [
        PermitRow(
            kind=kind,
            number=permit.number if permit else "",
            expires_on=permit.expires_on if permit else None,
            held=permit is not None,
            needed=None if needed is None else kind in needed,
            usual=permit is None or looks_usual(kind, permit.number),
            seen=mark(permit),
            today=today,
        )
        for kind in PermitKind
        for permit in [held.get(kind)]
    ]


def ending(session: Session, today: date) -> tuple[list[Ending], int]:
    """Permits that end soon or have ended, by their end; and how many there are."""
    soon = Permit.expires_on <= today + timedelta(days=SOON)
    count = session.scalar(select(func.count()).select_from(Permit).where(soon)) or 0
    rows = session.execute(
        select(Permit.kind, Producer.name, Producer.phone, Permit.expires_on)
        .join(Producer, Producer.id == Permit.producer_id)
        .where(soon)
        .order_by(Permit.expires_on, Producer.name, Permit.id)
        .limit(MOST_SHOWN)
    )
    found = [Ending(kind, name, phone, day, day < today) for kind, name, phone, day in rows if day]
    return found, count


def unreminded(session: Session, today: date, *, after: int, limit: int) -> Sequence[int]:
    """The next permits, by their id, of which a reminder's time has come (see permit_rules)."""

    def due(days: int) -> date:
        # Of the end itself one is reminded on the day after it.
        return today + timedelta(days=days) if days else today - timedelta(days=1)

    waiting = [
        and_(
            Permit.expires_on <= due(days),
            or_(Permit.reminded.is_(None), Permit.reminded > days),
        )
        for days in REMINDERS
    ]
    return session.scalars(
        select(Permit.id).where(or_(*waiting), Permit.id > after).order_by(Permit.id).limit(limit)
    ).all()


@dataclass(frozen=True, slots=True)
class Lacking:
    """A seller of a village, with the kinds of permit that it needs and lacks."""

    producer: str
    kinds: tuple[PermitKind, ...]


def lacking(session: Session, village_id: int, today: date) -> list[Lacking]:
    """The village's sellers that lack a permit which they need: stars may be refused for it."""
    sellers = session.scalars(
        select(Producer)
        .where(
            Producer.village_id == village_id,
            Producer.group_id.is_(None),
            Producer.state.in_(IN_PROGRAMME),
        )
        .options(selectinload(Producer.permits))
        .order_by(Producer.name, Producer.id)
    ).all()
    found = [
        (seller.name, [row.kind for row in rows if row.lacking])
        for seller, rows in rows_of(session, sellers, today)
    ]
    return [Lacking(name, tuple(kinds)) for name, kinds in found if kinds]
