"""What is told to whom, as data: which event of an order, a payment, a refund or a payout makes
which notice. Whoever did the thing is not told of it: no line does that. Of a bank account, and of
one's own account, all are told: it may not have been they.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ovop_market.accounts.signals import ELSEWHERE, Told
from ovop_market.catalogue.listings.states import ListingAction
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.states import Action, OrderState
from ovop_market.payments.states import PaymentAction, RefundState
from ovop_market.villages import policy
from ovop_market.villages.policy import Duty, StaffRole
from ovop_market.villages.producer_states import ProducerAction


class Kind(StrEnum):
    """What a notice says; notices.texts has a text for each."""

    # To the buyer.
    PLACED = "placed"
    ACCEPTED = "accepted"
    COUNTERED = "countered"
    OFFER_REMINDER = "offer_reminder"
    DECLINED = "declined"
    GIVEN_UP = "given_up"
    EXPIRED = "expired"
    REVOKED = "revoked"
    PAY_REMINDER = "pay_reminder"
    PAID = "paid"
    PART_PAID = "part_paid"
    LATE_PAID = "late_paid"
    NOT_FOUND = "not_found"
    TAKEN_BACK = "taken_back"
    READY = "ready"
    SHIPPED = "shipped"
    TRACKED = "tracked"
    ARRIVED = "arrived"
    SETTLED = "settled"
    REFUND_DUE = "refund_due"
    REFUND_SENT = "refund_sent"
    REFUND_WITHDRAWN = "refund_withdrawn"
    # To the producer's staff.
    NEW_ORDER = "new_order"
    UNANSWERED = "unanswered"
    AGREED = "agreed"
    START = "start"
    STOP = "stop"
    CANCELLED = "cancelled"
    CALLED_OFF = "called_off"
    COMPLAINT = "complaint"
    DECIDED = "decided"
    PAYOUT = "payout"
    PAYOUT_ACCOUNT = "payout_account"
    UNCOVERED = "uncovered"
    COVERED = "covered"
    LATE_SHARE = "late_share"
    # To a member household's staff, about its share of a group's order.
    SHARE_OFFERED = "share_offered"
    SHARE_START = "share_start"
    SHARE_ENDED = "share_ended"
    SHARE_CHANGED = "share_changed"
    SHARE_STOP = "share_stop"
    PERMIT_ENDING = "permit_ending"
    PERMIT_ENDED = "permit_ended"
    # What operators have decided of a producer, and of what it lists.
    APPROVED = "approved"
    APPROVAL_RECALLED = "approval_recalled"
    REFUSED = "refused"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    CLOSED = "closed"
    LISTING_SHOWN = "listing_shown"
    LISTING_RECALLED = "listing_recalled"
    LISTING_RETURNED = "listing_returned"
    LISTING_HIDDEN = "listing_hidden"
    LISTING_UNHIDDEN = "listing_unhidden"
    # To an address that may have no account yet.
    INVITED = "invited"
    # To the owner of an account.
    VERIFY = "verify"
    RESET = "reset"
    TAKEN = "taken"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    RECOVERY_CODE_USED = "recovery_code_used"
    NEW_EMAIL = "new_email"
    EMAIL_CHANGING = "email_changing"
    EMAIL_GONE = "email_gone"
    PHONE_CHANGED = "phone_changed"
    LOGIN_WANTED = "login_wanted"


K, A, S, P = Kind, Action, OrderState, PaymentAction

TO_STAFF = frozenset(
    {
        K.NEW_ORDER,
        K.UNANSWERED,
        K.AGREED,
        K.START,
        K.STOP,
        K.CANCELLED,
        K.CALLED_OFF,
        K.COMPLAINT,
        K.DECIDED,
        K.PAYOUT,
        K.PAYOUT_ACCOUNT,
        K.UNCOVERED,
        K.COVERED,
        K.SHARE_OFFERED,
        K.SHARE_START,
        K.SHARE_ENDED,
        K.SHARE_CHANGED,
        K.SHARE_STOP,
        K.LATE_SHARE,
        K.PERMIT_ENDING,
        K.PERMIT_ENDED,
        K.APPROVED,
        K.APPROVAL_RECALLED,
        K.REFUSED,
        K.SUSPENDED,
        K.RESUMED,
        K.CLOSED,
        K.LISTING_SHOWN,
        K.LISTING_RECALLED,
        K.LISTING_RETURNED,
        K.LISTING_HIDDEN,
        K.LISTING_UNHIDDEN,
    }
)

# Of one's own account: by e-mail alone, and whoever did it (it may not have been the owner).
ACCOUNT_KINDS: Mapping[Told, Kind] = {told: Kind(str(told)) for told in Told}
TO_OWNER = frozenset(ACCOUNT_KINDS.values())
# Of these, those that go to another address than the account's.
TO_ADDRESS = frozenset(ACCOUNT_KINDS[told] for told in ELSEWHERE)

# Of these whoever packs is told as well: they say what to do with the parcel, and nothing of money.
TO_PACKERS = frozenset({K.START, K.STOP, K.CALLED_OFF, K.SHARE_START, K.SHARE_STOP})


def told(role: StaffRole, kind: Kind) -> bool:
    """Whether somebody in this role in the producer is told of this."""
    return kind in TO_PACKERS or policy.may(role, Duty.OWN)


def _always(_order: Order) -> bool:
    return True


def _paid(order: Order) -> bool:
    return order.paid >= order.total


def _unpaid(order: Order) -> bool:
    return not _paid(order)


def _fetched(order: Order) -> bool:
    return order.collection_point_id is not None


@dataclass(frozen=True, slots=True)
class Line:
    """An action on an order makes a notice, if the order is then in `state` (None: in any) and
    the condition holds."""

    action: Action
    kind: Kind
    state: OrderState | None = None
    condition: Callable[[Order], bool] = _always


ORDER_LINES: tuple[Line, ...] = (
    Line(A.PLACE, K.PLACED),
    # Also where the stock was ready and the order is accepted at once: the packs are spoken for.
    Line(A.PLACE, K.NEW_ORDER),
    Line(A.ACCEPT, K.ACCEPTED),
    Line(A.COUNTER, K.COUNTERED),
    Line(A.DECLINE, K.DECLINED),
    Line(A.GIVE_UP, K.GIVEN_UP),
    Line(A.AGREE, K.AGREED),
    Line(A.LAPSE, K.EXPIRED),
    Line(A.CANCEL, K.CANCELLED),
    Line(A.REVOKE, K.REVOKED),
    Line(A.REVOKE, K.CALLED_OFF),
    Line(A.FINISH, K.READY, condition=_fetched),
    Line(A.SHIP, K.SHIPPED),
    Line(A.TRACK, K.TRACKED),
    Line(A.DISPUTE, K.COMPLAINT),
    Line(A.SETTLE_FOR_PRODUCER, K.SETTLED),
    Line(A.SETTLE_FOR_PRODUCER, K.DECIDED),
    Line(A.SETTLE_FOR_BUYER, K.SETTLED),
    Line(A.SETTLE_FOR_BUYER, K.DECIDED),
    # Of money, the buyer hears by the payment; the producer when all of it has come.
    Line(A.PAY, K.START, S.ACCEPTED, _paid),
    Line(A.UNPAY, K.STOP),
    Line(A.REMIND, K.UNANSWERED, S.PLACED),
    Line(A.REMIND, K.OFFER_REMINDER, S.COUNTERED),
    Line(A.REMIND, K.PAY_REMINDER, S.ACCEPTED),
    Line(A.REMIND, K.ARRIVED, S.SHIPPED),
)

# What the buyer is told of a payment. Being asked is told with the order that it is for.
PAYMENT_KINDS: Mapping[PaymentAction, Kind] = {
    P.CONFIRM: K.PAID,
    P.RECEIVE_PART: K.PART_PAID,
    P.RECEIVE_LATE: K.LATE_PAID,
    P.REJECT: K.NOT_FOUND,
    P.REVERSE: K.TAKEN_BACK,
    P.TAKE_BACK: K.TAKEN_BACK,
}

REFUND_KINDS: Mapping[RefundState, Kind] = {
    RefundState.DUE: K.REFUND_DUE,
    RefundState.SENT: K.REFUND_SENT,
    RefundState.WITHDRAWN: K.REFUND_WITHDRAWN,
}

PRODUCER_KINDS: Mapping[ProducerAction, Kind] = {
    ProducerAction.APPROVE: K.APPROVED,
    ProducerAction.RECALL: K.APPROVAL_RECALLED,
    ProducerAction.REFUSE: K.REFUSED,
    ProducerAction.SUSPEND: K.SUSPENDED,
    ProducerAction.RESUME: K.RESUMED,
    ProducerAction.CLOSE: K.CLOSED,
}

# That a listing which is shown has been found to be in order changes nothing for its producer.
LISTING_KINDS: Mapping[ListingAction, Kind] = {
    ListingAction.APPROVE: K.LISTING_SHOWN,
    ListingAction.RECALL: K.LISTING_RECALLED,
    ListingAction.RETURN: K.LISTING_RETURNED,
    ListingAction.HIDE: K.LISTING_HIDDEN,
    ListingAction.UNHIDE: K.LISTING_UNHIDDEN,
}

# What takes another word back is worth telling to whoever was told that.
TAKES_BACK: Mapping[Kind, Kind] = {
    K.APPROVAL_RECALLED: K.APPROVED,
    K.RESUMED: K.SUSPENDED,
    K.LISTING_RECALLED: K.LISTING_SHOWN,
    K.LISTING_UNHIDDEN: K.LISTING_HIDDEN,
}


@dataclass(frozen=True, slots=True)
class Still:
    """As long as what the notice of an order is worth telling: a late one would mislead."""

    states: frozenset[OrderState]
    condition: Callable[[Order], bool] = _always

    def holds(self, order: Order) -> bool:
        return order.state in self.states and self.condition(order)


def _still(*states: OrderState, condition: Callable[[Order], bool] = _always) -> Still:
    return Still(frozenset(states), condition)


# Kinds that are not here are told however late they are (up to sending.OLDEST).
STILL: Mapping[Kind, Still] = {
    K.ACCEPTED: _still(S.ACCEPTED),
    K.COUNTERED: _still(S.COUNTERED),
    K.OFFER_REMINDER: _still(S.COUNTERED),
    # Without a due date the buyer has said that the money is on its way.
    K.PAY_REMINDER: _still(S.ACCEPTED, condition=lambda o: _unpaid(o) and o.due_at is not None),
    K.READY: _still(S.READY),
    K.SHIPPED: _still(S.SHIPPED),
    K.TRACKED: _still(S.SHIPPED),
    K.ARRIVED: _still(S.SHIPPED),
    K.NEW_ORDER: _still(S.PLACED, S.ACCEPTED),
    K.UNANSWERED: _still(S.PLACED),
    K.AGREED: _still(S.ACCEPTED),
    K.START: _still(S.ACCEPTED, condition=_paid),
    K.STOP: _still(S.ACCEPTED, condition=_unpaid),
    K.COMPLAINT: _still(S.DISPUTED),
    K.UNCOVERED: _still(S.PLACED, S.COUNTERED, S.ACCEPTED, S.PREPARING),
    K.COVERED: _still(S.ACCEPTED),
    K.LATE_SHARE: _still(S.PLACED, S.COUNTERED, S.ACCEPTED, S.PREPARING),
    K.SHARE_CHANGED: _still(S.PLACED, S.COUNTERED, S.ACCEPTED, S.PREPARING),
    K.SHARE_STOP: _still(S.ACCEPTED, condition=_unpaid),
}


def kinds_of(event: OrderEvent) -> Iterator[Kind]:
    """The notices that an event of an order makes."""
    for line in ORDER_LINES:
        if (
            line.action is event.action
            and line.state in (None, event.state)
            and line.condition(event.order)
        ):
            yield line.kind
