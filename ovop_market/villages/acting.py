"""For whom an account acts, and as what. `queries.own_producers` asks it of the database in one
part of a statement; here are the answers that need words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.core.errors import NotAllowed
from ovop_market.extensions import db
from ovop_market.villages import policy
from ovop_market.villages.models import Producer, ProducerStaff
from ovop_market.villages.policy import Duty, StaffRole


@dataclass(frozen=True, slots=True)
class Acting:
    """What an account is in each of its producers, by the producer's id."""

    roles: Mapping[int, StaffRole] = field(default_factory=dict)

    def may(self, producer_id: int, duty: Duty) -> bool:
        """Whether the account does this for the producer."""
        return policy.may(self.roles.get(producer_id), duty)

    @property
    def owns(self) -> bool:
        """Whether the account owns one of its producers: then it has the owner's pages. So has
        who has none: they say what to do about that."""
        return not self.roles or StaffRole.OWNER in self.roles.values()


def acting(session: Session, user: User) -> Acting:
    """For whom the account acts; one statement."""
    rows = session.scalars(select(ProducerStaff).where(ProducerStaff.user_id == user.id))
    return Acting({row.producer_id: row.role for row in rows})


def owns_a_producer() -> bool:
    """For templates: whether whoever is signed in has the owner's pages."""
    return acting(db.session(), current_user).owns


def at_the_door(user: User, duty: str) -> None:
    """Lets into a view whoever has this duty in one of their producers, or has no producer at all
    (the page says so). Raises NotAllowed. web.access asks it of every view for producers."""
    asked = Duty(duty)
    if policy.anyone_may(asked):
        return
    session = db.session()
    rows = session.execute(
        select(ProducerStaff.role, Producer.name)
        .join(Producer, Producer.id == ProducerStaff.producer_id)
        .where(ProducerStaff.user_id == user.id)
        .order_by(Producer.name, Producer.id)
    ).all()
    if rows and not policy.one_may((role for role, _name in rows), asked):
        raise _ask_the_owner([name for _role, name in rows])


def refuse_unless(
    session: Session, user_id: int | None, producer_ids: Collection[int], duty: Duty
) -> None:
    """For services whose act binds a producer: refuses who is on its staff without this duty.

    Who is not on the staff at all is not judged here: a household that takes the last share of a
    group's order says the group's yes. With several producers, one that allows it is enough.
    """
    if user_id is None or policy.anyone_may(duty):
        return
    rows = session.execute(
        select(ProducerStaff.role, Producer.name)
        .join(Producer, Producer.id == ProducerStaff.producer_id)
        .where(ProducerStaff.user_id == user_id, ProducerStaff.producer_id.in_(producer_ids))
        .order_by(Producer.name, Producer.id)
    ).all()
    if rows and not policy.one_may((role for role, _name in rows), duty):
        raise _ask_the_owner([name for _role, name in rows])


def _ask_the_owner(names: list[str]) -> NotAllowed:
    return NotAllowed(
        _(
            "Minta pemilik %(producer)s yang mengerjakannya: Anda di sana sebagai pengemas.",
            producer=", ".join(names[:3]),
        ),
        own_page=True,
    )
