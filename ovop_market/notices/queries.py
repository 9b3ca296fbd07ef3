"""What a notice tells, as it stands at the moment of sending."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from ovop_market.accounts import links, sealing
from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.invitations import mark_of
from ovop_market.accounts.models import Purpose
from ovop_market.accounts.signals import ADDRESS, LINK
from ovop_market.catalogue.listings.models import ListingEvent
from ovop_market.catalogue.models import Product
from ovop_market.core import clock
from ovop_market.core.errors import NotFound
from ovop_market.notices import decisions
from ovop_market.notices.kinds import (
    LISTING_KINDS,
    PRODUCER_KINDS,
    STILL,
    TO_ADDRESS,
    TO_OWNER,
    TO_STAFF,
    Kind,
    told,
)
from ovop_market.notices.models import Notice
from ovop_market.notices.states import OLDEST, Channel, Failure, NoticeState
from ovop_market.orders.models import Allocation, Order, OrderEvent, Purchase
from ovop_market.orders.share_states import ShareState
from ovop_market.orders.states import Action
from ovop_market.payments.models import (
    Payment,
    PaymentEvent,
    PaymentPart,
    Payout,
    PayoutAccount,
    Refund,
)
from ovop_market.payments.queries.receipts import still_booked
from ovop_market.payments.states import OPEN, RECEIPTS, PaymentAction, PaymentState, RefundState
from ovop_market.villages.models import Permit, Producer, ProducerStaff
from ovop_market.villages.producer_models import ProducerEvent

T = TypeVar("T")

# What says that money has not come is no longer true after one of these.
_SINCE = RECEIPTS | {PaymentAction.CLAIM}


@dataclass(frozen=True, slots=True)
class Story:
    """What a text is made of: what happened, and how things stand now."""

    kind: Kind
    name: str
    purchase: Purchase | None = None
    order: Order | None = None
    event: OrderEvent | None = None
    payment_event: PaymentEvent | None = None
    refund: Refund | None = None
    payout: Payout | None = None
    # Where a producer is paid from now on.
    account: PayoutAccount | None = None
    # A household's share of the order, if it tells of that.
    share: Allocation | None = None
    permit: Permit | None = None
    # What was decided of a producer, or of these listings.
    decision: ProducerEvent | None = None
    producer: Producer | None = None
    listing_event: ListingEvent | None = None
    listings: Sequence[Product] = ()
    # The secret of a link of the reader's account, or to an invitation.
    link: str = ""
    invitation: Invitation | None = None
    # Where it goes, if not to the account's own address (kinds.TO_ADDRESS).
    address: str = ""
    # What the purchase is being asked for, if it is.
    asked: Payment | None = None

    @property
    def reason(self) -> str:
        """Why somebody did it, in their words."""
        event = self.event or self.payment_event or self.decision or self.listing_event
        return (event.reason or "") if event is not None else ""

    @property
    def until(self) -> datetime | None:
        """When the first of the orders that are asked for lapses."""
        parts = self.asked.parts if self.asked is not None else []
        return min((p.order.due_at for p in parts if p.order.due_at), default=None)


def notices_of(session: Session, ids: Collection[int]) -> Sequence[Notice]:
    """The notices with what their texts need, the longest due first."""
    return session.scalars(
        select(Notice)
        .where(Notice.id.in_(ids))
        .options(
            joinedload(Notice.purchase).selectinload(Purchase.orders).joinedload(Order.producer),
            joinedload(Notice.order).selectinload(Order.lines),
            joinedload(Notice.order).joinedload(Order.collection_point),
            joinedload(Notice.user),
            joinedload(Notice.subscription),
        )
        .order_by(Notice.due_at, Notice.id)
        .execution_options(populate_existing=True)
    ).all()


def story_of(session: Session, notice: Notice) -> Story:
    """What the notice tells."""
    kind, details = Kind(notice.kind), notice.details
    to_staff = kind in TO_STAFF
    if to_staff or kind in TO_OWNER:
        name = notice.user.name if notice.user else ""
    elif kind is Kind.INVITED:
        name = ""  # nobody knows yet what the person is called
    else:
        name = notice.purchase.name if notice.purchase else ""

    def one(model: type[T], key: str) -> T | None:
        found = details.get(key)
        return session.get(model, found) if isinstance(found, int) else None

    decision, listing_event = (
        one(ProducerEvent, "producer_event"),
        one(ListingEvent, "listing_event"),
    )
    return Story(
        kind=kind,
        name=name,
        purchase=notice.purchase,
        order=notice.order,
        event=one(OrderEvent, "order_event"),
        payment_event=one(PaymentEvent, "payment_event"),
        refund=one(Refund, "refund"),
        payout=one(Payout, "payout"),
        account=one(PayoutAccount, "payout_account"),
        share=one(Allocation, "share"),
        permit=one(Permit, "permit"),
        decision=decision,
        producer=session.get(Producer, decision.producer_id) if decision else None,
        listing_event=listing_event,
        listings=decisions.together(session, listing_event),
        invitation=_invitation(notice, one(Invitation, "invitation")),
        link=sealing.unseal(LINK, str(details.get("link", ""))) or "",
        address=sealing.unseal(ADDRESS, str(details.get("to", ""))) or "",
        asked=None if to_staff or notice.purchase_id is None else _asked(session, notice),
    )


def _invitation(notice: Notice, found: Invitation | None) -> Invitation | None:
    """The one that the notice is of: a later one may have its id."""
    if found is None or found.link is None:
        return None
    return found if notice.recipient == f"invitation {mark_of(found.link.digest)}" else None


def _asked(session: Session, notice: Notice) -> Payment | None:
    """What the purchase is being asked for; of several payments (seldom), that of the order or of
    the event that the notice tells of."""
    found = session.scalars(
        select(Payment)
        .where(Payment.purchase_id == notice.purchase_id, Payment.state.in_(OPEN))
        .order_by(Payment.id)
        .options(selectinload(Payment.parts).joinedload(PaymentPart.order))
    ).all()

    def concerns(payment: Payment) -> bool:
        return any(part.order_id == notice.order_id for part in payment.parts) or any(
            event.id == notice.details.get("payment_event") for event in payment.events
        )

    if len(found) < 2:
        return found[0] if found else None
    return next(filter(concerns, found), found[0])


def useless(session: Session, notice: Notice, story: Story, now: datetime) -> Failure | None:
    """Why the notice need not be told any more, if that is so."""
    if notice.made_at < now - OLDEST:
        return Failure.TOO_OLD
    still = STILL.get(story.kind)
    if still is not None and (story.order is None or not still.holds(story.order)):
        return Failure.NOT_NEEDED
    share = _SHARE.get(story.kind)
    if share is not None and (story.share is None or story.share.state is not share):
        return Failure.NOT_NEEDED
    if story.kind in _LINKS and not links.find(session, _LINKS[story.kind], story.link, now):
        return Failure.NOT_NEEDED
    # Under another SECRET_KEY nobody can read where it was to go: not to the account's address.
    if story.kind in TO_ADDRESS and not story.address:
        return Failure.NOT_NEEDED
    money = _OTHER.get(story.kind)
    if (money is not None and not money(session, notice, story)) or _unpaid_since(story):
        return Failure.NOT_NEEDED
    if not _still_decided(session, notice, story):
        return Failure.NOT_NEEDED
    return None if _concerns(session, notice, story) else Failure.NOT_NEEDED


def _unpaid_since(story: Story) -> bool:
    """Whether the money of which it tells has been taken back: if the order is paid again, that is
    told anew."""
    event = story.event
    if story.order is None or event is None or event.action is not Action.PAY:
        return False
    return any(e.action is Action.UNPAY and e.id > event.id for e in story.order.events)


def _still_booked(_session: Session, _notice: Notice, story: Story) -> bool:
    event = story.payment_event
    return event is not None and event in still_booked(event.payment.events)


def _still_missing(_session: Session, _notice: Notice, story: Story) -> bool:
    event = story.payment_event
    return event is not None and not any(
        later.id > event.id and later.action in _SINCE for later in event.payment.events
    )


def _to_be_corrected(session: Session, notice: Notice, story: Story) -> bool:
    """Money that came and was only booked once too often is a word worth if that had been told."""
    event = story.payment_event
    if event is None or event.payment.state is not PaymentState.CONFIRMED:
        return _still_missing(session, notice, story)
    told = session.scalars(
        select(Notice).where(
            Notice.purchase_id == notice.purchase_id,
            Notice.kind == Kind.LATE_PAID,
            Notice.state == NoticeState.SENT,
        )
    )
    events = {each.id for each in event.payment.events}
    return any(each.details.get("payment_event") in events for each in told)


def _still_rejected(session: Session, notice: Notice, story: Story) -> bool:
    event = story.payment_event
    rejected = event is not None and event.payment.state is PaymentState.REJECTED
    return rejected and _still_missing(session, notice, story)


def _still_due(_session: Session, _notice: Notice, story: Story) -> bool:
    return story.refund is not None and story.refund.state is RefundState.DUE


def _still_sent(_session: Session, notice: Notice, story: Story) -> bool:
    """Not recalled since, nor sent anew: of that, a notice of its own tells."""
    return story.refund is not None and story.refund.sent_at == notice.made_at


def _still_paid_out(_session: Session, notice: Notice, story: Story) -> bool:
    return story.payout is not None and story.payout.batch.sent_at == notice.made_at


def _still_named(_session: Session, notice: Notice, story: Story) -> bool:
    """Not changed again since: of that, a notice of its own tells."""
    return story.account is not None and story.account.changed_at == notice.made_at


def _still_ending(_session: Session, notice: Notice, story: Story) -> bool:
    """Neither renewed nor removed since."""
    permit = story.permit
    return permit is not None and str(permit.expires_on) == notice.details.get("expires_on")


def _still_changing(session: Session, notice: Notice, _story: Story) -> bool:
    """Neither done nor given up since: of what is done, a notice of its own tells."""
    owner = notice.user_id or 0
    return links.open_of(session, Purpose.EMAIL, owner, clock.now()) is not None


def _still_decided(session: Session, notice: Notice, story: Story) -> bool:
    if story.kind in PRODUCER_KINDS.values():
        return decisions.still_so(session, notice, story.decision)
    if story.kind in LISTING_KINDS.values():
        return decisions.still_listed_so(session, notice, story.listing_event, story.listings)
    return True


# The notices whose link must still open something.
_LINKS: Mapping[Kind, Purpose] = {
    Kind.VERIFY: Purpose.VERIFY,
    Kind.RESET: Purpose.RESET,
    Kind.INVITED: Purpose.INVITE,
    Kind.NEW_EMAIL: Purpose.EMAIL,
}

# As long as what a notice of something else is worth telling. Kinds that are not here are always
# told.
_OTHER: Mapping[Kind, Callable[[Session, Notice, Story], bool]] = {
    Kind.PAID: _still_booked,
    Kind.PART_PAID: _still_booked,
    Kind.LATE_PAID: _still_booked,
    Kind.NOT_FOUND: _still_rejected,
    Kind.TAKEN_BACK: _to_be_corrected,
    Kind.REFUND_DUE: _still_due,
    Kind.REFUND_SENT: _still_sent,
    Kind.PAYOUT: _still_paid_out,
    Kind.PAYOUT_ACCOUNT: _still_named,
    Kind.PERMIT_ENDING: _still_ending,
    Kind.PERMIT_ENDED: _still_ending,
    Kind.EMAIL_CHANGING: _still_changing,
}


# The state of a share in which the notice of it is worth telling.
_SHARE: Mapping[Kind, ShareState] = {
    Kind.SHARE_OFFERED: ShareState.OFFERED,
    Kind.SHARE_START: ShareState.TAKEN,
    Kind.SHARE_ENDED: ShareState.WITHDRAWN,
    Kind.SHARE_STOP: ShareState.TAKEN,
}


def _concerns(session: Session, notice: Notice, story: Story) -> bool:
    """Whether whom it was written for may still be told: people leave, and phones change hands."""
    if notice.channel is Channel.PUSH:
        browser = notice.subscription
        if browser is None or browser.user_id != notice.user_id:
            return False
    if story.kind not in TO_STAFF | TO_OWNER:
        return True
    if notice.user is None or notice.user.disabled_at is not None:
        return False
    if story.kind in TO_OWNER:
        return True
    producer_id = story.order.producer_id if story.order else None
    producer_id = story.payout.producer_id if story.payout else producer_id
    producer_id = story.account.producer_id if story.account else producer_id
    producer_id = story.share.offer.producer_id if story.share else producer_id
    producer_id = story.permit.producer_id if story.permit else producer_id
    producer_id = story.decision.producer_id if story.decision else producer_id
    producer_id = story.listings[0].producer_id if story.listings else producer_id
    staff = session.get(ProducerStaff, (notice.user.id, producer_id))
    return staff is not None and told(staff.role, story.kind)


def notice_of(session: Session, notice_id: int) -> Notice:
    """A notice. Raises NotFound."""
    notice = session.get(Notice, notice_id)
    if notice is None:
        raise NotFound(_("Pesan ini tidak ada."))
    return notice
