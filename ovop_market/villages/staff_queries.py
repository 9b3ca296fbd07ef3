"""Who works for an account's producers, and who has been asked to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased, joinedload

from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.invitations import Place, is_open
from ovop_market.accounts.models import User
from ovop_market.core.errors import NotFound
from ovop_market.villages.labels import STAFF
from ovop_market.villages.models import Producer, ProducerStaff, Village
from ovop_market.villages.policy import Duty, StaffRole
from ovop_market.villages.producer_states import ProducerState
from ovop_market.villages.queries import own_producers
from ovop_market.villages.staff_models import StaffInvitation

# Producers without an owner that an operator may choose from at once.
MOST_OWNERLESS = 200


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works for a producer. `since` is null for whoever was there before that was
    written down."""

    user_id: int
    name: str
    login: str
    role: StaffRole
    since: datetime | None
    invited_by: str
    disabled: bool
    own: bool


@dataclass(frozen=True, slots=True)
class Team:
    """A producer with its people, as an owner sees it; whoever packs sees only what they are."""

    producer: Producer
    own_role: StaffRole
    people: Sequence[Person]
    waiting: Sequence[StaffInvitation]

    @property
    def owned(self) -> bool:
        """Whether the reader may change anything here."""
        return self.own_role is StaffRole.OWNER

    @property
    def owners(self) -> int:
        """How many owners have an account that works."""
        return sum(p.role is StaffRole.OWNER and not p.disabled for p in self.people)


def teams(session: Session, user: User, now: datetime) -> list[Team]:
    """All of the account's producers, the own ones first; three statements."""
    found = session.execute(
        select(ProducerStaff.role, Producer)
        .join(Producer, Producer.id == ProducerStaff.producer_id)
        .where(ProducerStaff.user_id == user.id)
        .order_by(ProducerStaff.role, Producer.kind, Producer.name, Producer.id)
        .execution_options(populate_existing=True)
    ).all()
    people = _people(session, user)
    owned = [producer.id for role, producer in found if role is StaffRole.OWNER]
    waiting = session.scalars(
        select(StaffInvitation)
        .join(StaffInvitation.invitation)
        .where(StaffInvitation.producer_id.in_(owned), is_open(now))
        .options(joinedload(StaffInvitation.invitation).joinedload(Invitation.invited_by))
        .order_by(StaffInvitation.invitation_id.desc())
    ).all()
    return [
        Team(
            producer=producer,
            own_role=role,
            people=[
                person
                for producer_id, person in people
                if producer_id == producer.id and (role is StaffRole.OWNER or person.own)
            ],
            waiting=[each for each in waiting if each.producer_id == producer.id],
        )
        for role, producer in found
    ]


def _people(session: Session, user: User) -> list[tuple[int, Person]]:
    inviter = aliased(User)
    rows = session.execute(
        select(ProducerStaff, User, inviter.name)
        .join(User, User.id == ProducerStaff.user_id)
        .outerjoin(inviter, inviter.id == ProducerStaff.invited_by_id)
        .where(ProducerStaff.producer_id.in_(own_producers(user, Duty.SEE)))
        .order_by(ProducerStaff.role, User.name, User.id)
    )
    return [
        (
            row.producer_id,
            Person(
                user_id=person.id,
                name=person.name,
                login=person.email or person.phone or "",
                role=row.role,
                since=row.since,
                invited_by=by or "",
                disabled=person.disabled_at is not None,
                own=person.id == user.id,
            ),
        )
        for row, person, by in rows
    ]


def producer_of(session: Session, user: User, slug: str, duty: Duty = Duty.OWN) -> Producer:
    """A producer for which the account has this duty. Raises NotFound."""
    found = session.scalar(
        select(Producer).where(
            Producer.slug == slug.replace("\x00", ""),
            Producer.id.in_(own_producers(user, duty)),
        )
    )
    if found is None:
        raise NotFound(_("Penjual ini tidak ada di akun Anda."))
    return found


def invitation_to(session: Session, producer: Producer, invitation_id: int) -> StaffInvitation:
    """An invitation to this producer. Raises NotFound."""
    found = session.get(StaffInvitation, invitation_id)
    if found is None or found.producer_id != producer.id:
        raise NotFound(_("Undangan ini tidak ada."))
    return found


def place_of(session: Session, invitation: Invitation) -> Place | None:
    """For accounts: the producer that an invitation is to."""
    row = session.execute(
        select(StaffInvitation.role, Producer.name, Village.name)
        .join(Producer, Producer.id == StaffInvitation.producer_id)
        .join(Village, Village.id == Producer.village_id)
        .where(StaffInvitation.invitation_id == invitation.id)
    ).first()
    if row is None:
        return None
    role, producer, village = row
    return Place(str(STAFF[role]), producer, village)


def acts_for(session: Session, user_id: int) -> list[Place]:
    """For accounts: the producers that an account works for, and as what."""
    rows = session.execute(
        select(ProducerStaff.role, Producer.name, Village.name)
        .join(Producer, Producer.id == ProducerStaff.producer_id)
        .join(Village, Village.id == Producer.village_id)
        .where(ProducerStaff.user_id == user_id)
        .order_by(Producer.name, Producer.id)
    )
    return [Place(str(STAFF[role]), producer, village) for role, producer, village in rows]


def working_owners() -> Select[int]:
    """The ids of the accounts that own a producer, and work: nobody signs in to one that is shut,
    so it does not keep a producer going."""
    return (
        select(ProducerStaff.user_id)
        .join(User, User.id == ProducerStaff.user_id)
        .where(ProducerStaff.role == StaffRole.OWNER, User.disabled_at.is_(None))
    )


def without_owner(session: Session) -> list[tuple[str, str]]:
    """For accounts: slug and name of producers that nobody owns whose account works; an operator
    invites there."""
    owned = working_owners().with_only_columns(ProducerStaff.producer_id).scalar_subquery()
    rows = session.execute(
        select(Producer.slug, Producer.name, Village.name)
        .join(Village, Village.id == Producer.village_id)
        .where(Producer.id.not_in(owned), Producer.state != ProducerState.CLOSED)
        .order_by(Producer.name, Producer.id)
        .limit(MOST_OWNERLESS)
    )
    return [(slug, f"{name}, {village}") for slug, name, village in rows]
