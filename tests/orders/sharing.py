"""A group's order and its shares, for the tests of those who answer them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.orders import queries
from ovop_market.orders.models import Allocation, Order
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.share_states import ShareState
from ovop_market.orders.states import Actor
from ovop_market.villages.models import ProducerStaff
from tests.factories import make_purchase

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
COORDINATOR = By(Actor.PRODUCER)


def ordered(session: Session, product, packs: int) -> Order:
    return make_purchase(session, [(product, packs)]).orders[0]


def shares_of(order: Order) -> list[Allocation]:
    return [share for line in order.lines for share in line.allocations]


def by(person, key: str | None = None) -> By:
    return By(Actor.PRODUCER, person.id, key)


def agrees(session: Session) -> None:
    session.flush()
    assert not list(queries.stock_differences(session))


def of(order: Order, person, session: Session) -> Allocation:
    """The open share of a household, found by who is on its staff."""
    session.expire_all()
    (share,) = [
        s
        for s in shares_of(order)
        if s.state in (ShareState.OFFERED, ShareState.TAKEN)
        and any(p.user_id == person.id for p in staff(session, s))
    ]
    return share


def staff(session: Session, share: Allocation):
    return session.scalars(
        select(ProducerStaff).where(ProducerStaff.producer_id == share.offer.producer_id)
    )
