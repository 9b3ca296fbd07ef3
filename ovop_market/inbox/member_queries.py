"""Who belongs to which group, as a coordinator and a household see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.orm import Session, joinedload

from ovop_market.accounts.models import User
from ovop_market.core.errors import NotFound
from ovop_market.villages.models import Producer, ProducerKind, ProducerStaff
from ovop_market.villages.policy import StaffRole
from ovop_market.villages.producer_states import ProducerState
from ovop_market.villages.queries import own_producers


@dataclass(frozen=True, slots=True)
class Member:
    """A household of a group; `answers`: whether an account acts for it."""

    producer: Producer
    answers: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """One of the account's producers: a group with its members and those who ask to join, or a
    household with the groups that it could ask."""

    producer: Producer
    members: Sequence[Member]
    asking: Sequence[Producer]
    groups: Sequence[Producer]

    @property
    def is_group(self) -> bool:
        return self.producer.kind is ProducerKind.GROUP


def memberships(session: Session, user: User) -> list[Membership]:
    """All of the account's producers; four statements."""
    own = session.scalars(
        select(Producer)
        .where(Producer.id.in_(own_producers(user)))
        .options(joinedload(Producer.group), joinedload(Producer.wanted_group))
        .order_by(Producer.kind, Producer.name, Producer.id)
        .execution_options(populate_existing=True)
    ).all()
    ids = [producer.id for producer in own]
    acts = exists().where(
        ProducerStaff.producer_id == Producer.id, ProducerStaff.role == StaffRole.OWNER
    )
    members = session.execute(
        select(Producer, acts).where(Producer.group_id.in_(ids)).order_by(Producer.name)
    ).all()
    asking = session.scalars(
        select(Producer).where(Producer.wanted_group_id.in_(ids)).order_by(Producer.name)
    ).all()
    groups = session.scalars(
        select(Producer)
        .where(
            Producer.kind == ProducerKind.GROUP,
            Producer.state == ProducerState.APPROVED,
            Producer.village_id.in_([producer.village_id for producer in own]),
        )
        .order_by(Producer.name, Producer.id)
    ).all()
    return [
        Membership(
            producer=producer,
            members=[Member(each, acts) for each, acts in members if each.group_id == producer.id],
            asking=[each for each in asking if each.wanted_group_id == producer.id],
            groups=[g for g in groups if g.village_id == producer.village_id and g is not producer],
        )
        for producer in own
    ]


def member_of(session: Session, group: Producer, slug: str) -> Producer:
    """A member of the group, or a household that asks to be one. Raises NotFound."""
    found = session.scalar(
        select(Producer).where(
            Producer.slug == slug.replace("\x00", ""),
            (Producer.group_id == group.id) | (Producer.wanted_group_id == group.id),
        )
    )
    if found is None:
        raise NotFound(_("Rumah ini tidak ada di kelompok Anda."))
    return found


def group_in(session: Session, household: Producer, slug: str) -> Producer | None:
    """A group of the household's village, by its slug."""
    return session.scalar(
        select(Producer).where(
            Producer.slug == slug.replace("\x00", ""),
            Producer.kind == ProducerKind.GROUP,
            Producer.village_id == household.village_id,
        )
    )
