"""What operators decide of producers and of what they list: told to the producer's owners.

Many listings that are decided together (bulk) make one message for each producer. An operator may
take a decision back: what is no longer so when it would be sent is not sent, and who was never told
of a thing is not told that it has been taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session, aliased

from ovop_market.accounts.models import User
from ovop_market.catalogue.listings.models import ListingEvent
from ovop_market.catalogue.listings.signals import listing_moved
from ovop_market.catalogue.listings.states import ListingAction
from ovop_market.catalogue.models import Product
from ovop_market.notices.kinds import LISTING_KINDS, PRODUCER_KINDS, TAKES_BACK, Kind
from ovop_market.notices.listening import configured_channels
from ovop_market.notices.models import Notice, PushSubscription
from ovop_market.notices.services import Owed, owe
from ovop_market.notices.states import Channel, Failure, NoticeState
from ovop_market.villages.models import Producer, ProducerStaff
from ovop_market.villages.policy import StaffRole
from ovop_market.villages.producer_models import ProducerEvent
from ovop_market.villages.producer_signals import producer_moved


def follow_producer(
    producer: Producer, *, session: Session, event: ProducerEvent, **_rest: Any
) -> None:
    channels, kind = configured_channels(), PRODUCER_KINDS.get(event.action)
    if not channels or kind is None or _is_own(session, event.actor_id, producer.id):
        return
    owed = Owed(
        kind=kind,
        thing=_of_producer(event),
        at=event.at,
        producer_id=producer.id,
        details={"producer_event": event.id},
    )
    owe(session, [owed], channels)


def follow_listing(
    product: Product, *, session: Session, event: ListingEvent, shown_before: bool, **_rest: Any
) -> None:
    channels, kind = configured_channels(), LISTING_KINDS.get(event.action)
    if not channels or kind is None or _is_own(session, event.actor_id, product.producer_id):
        return
    if event.action is ListingAction.APPROVE and shown_before:
        return
    owed = Owed(
        kind=kind,
        thing=_of_listings(product.producer_id, event.at),
        at=event.at,
        producer_id=product.producer_id,
        details={"listing_event": event.id},
    )
    owe(session, [owed], channels)


def begin() -> None:
    """Listens from now on; once is enough for the process."""
    producer_moved.connect(follow_producer)
    listing_moved.connect(follow_listing)


def _of_producer(event: ProducerEvent) -> str:
    return f"producer event {event.id}"


def _of_listings(producer_id: int, at: datetime) -> str:
    # Not by the event: what is decided of many at once is decided at one moment.
    return f"listings of {producer_id} {at.isoformat()}"


def _is_own(session: Session, actor_id: int | None, producer_id: int) -> bool:
    """Whether one of its own people did it: who did a thing is not told of it."""
    return actor_id is not None and session.get(ProducerStaff, (actor_id, producer_id)) is not None


def together(session: Session, event: ListingEvent | None) -> Sequence[Product]:
    """The listings of a producer of which this was decided at this moment, as far as nothing has
    been done to them since."""
    if event is None:
        return ()
    later = aliased(ListingEvent)
    producer = select(Product.producer_id).where(Product.id == event.product_id)
    return session.scalars(
        select(Product)
        .join(ListingEvent, ListingEvent.product_id == Product.id)
        .where(
            Product.producer_id == producer.scalar_subquery(),
            ListingEvent.action == event.action,
            ListingEvent.at == event.at,
            ~exists().where(later.product_id == Product.id, later.id > ListingEvent.id),
        )
        .order_by(ListingEvent.id)
    ).all()


def still_so(session: Session, notice: Notice, event: ProducerEvent | None) -> bool:
    """Whether the last thing done to the producer is what the notice tells of."""
    if event is None:
        return False
    last = session.scalar(
        select(ProducerEvent.id)
        .where(ProducerEvent.producer_id == event.producer_id)
        .order_by(ProducerEvent.id.desc())
        .limit(1)
    )
    if last != event.id:
        return False
    taken_back = TAKES_BACK.get(Kind(notice.kind))
    if taken_back is None:
        return True
    before = session.scalar(
        select(ProducerEvent)
        .where(ProducerEvent.producer_id == event.producer_id, ProducerEvent.id < event.id)
        .order_by(ProducerEvent.id.desc())
        .limit(1)
    )
    return before is None or not _untold(session, notice, f"{taken_back} {_of_producer(before)}")


def still_listed_so(
    session: Session, notice: Notice, event: ListingEvent | None, products: Sequence[Product]
) -> bool:
    """The same of listings: one of those that were decided together is enough."""
    if event is None or not products:
        return False
    taken_back = TAKES_BACK.get(Kind(notice.kind))
    if taken_back is None:
        return True
    before = session.scalar(
        select(ListingEvent.at)
        .where(ListingEvent.product_id == event.product_id, ListingEvent.id < event.id)
        .order_by(ListingEvent.id.desc())
        .limit(1)
    )
    if before is None:
        return True
    key = f"{taken_back} {_of_listings(products[0].producer_id, before)}"
    return not _untold(session, notice, key)


def _untold(session: Session, notice: Notice, key: str) -> bool:
    """Whether the same reader was owed another notice, which was never told: not yet, or not any
    more. One that could not be delivered may have been told by a person."""
    before = session.scalar(
        select(Notice).where(
            Notice.key == key,
            Notice.channel == notice.channel,
            Notice.recipient == notice.recipient,
        )
    )
    if before is None:
        return False
    not_needed = before.state is NoticeState.DROPPED and before.failure == Failure.NOT_NEEDED
    return not_needed or before.state in (NoticeState.PENDING, NoticeState.SENDING)


def is_told(session: Session, producer_id: int) -> bool:
    """Whether an owner of the producer gets messages at all: has an e-mail address, or a browser
    that asked for them. Whoever has neither is told by a person."""
    channels = configured_channels()
    ways: list[ColumnElement[bool]] = []
    if Channel.EMAIL in channels:
        ways.append(User.email.is_not(None))
    if Channel.PUSH in channels:
        ways.append(exists().where(PushSubscription.user_id == User.id))
    if not ways:
        return False
    owner = (
        select(ProducerStaff.user_id)
        .join(User, User.id == ProducerStaff.user_id)
        .where(
            ProducerStaff.producer_id == producer_id,
            ProducerStaff.role == StaffRole.OWNER,
            User.disabled_at.is_(None),
            or_(*ways),
        )
    )
    return session.scalar(owner.limit(1)) is not None
