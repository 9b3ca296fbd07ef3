"""How what a group has earned is split over its households, by what each of them handed in. Rupiah.

A month of it is split by the same bookings as the lines of the group's statement: an order's goods
count on the day on which their money was booked, what went back to the buyer on the day on which
that was, and all parts of a month sum to the goods in its lines. A payout is split by what it paid
for the goods of its orders. Shipping is not split: the group has paid the courier.

Who an order's packs are from is read from its allocations, so that a household which has left keeps
what it made. The same few statements for any number of orders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, func, select
from sqlalchemy.orm import Session, aliased

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Offer
from ovop_market.core import clock
from ovop_market.core.errors import NotFound
from ovop_market.orders.models import Allocation, Order, OrderLine, PaymentMethod, Purchase
from ovop_market.orders.states import OrderState
from ovop_market.payments.models import (
    AccountKind,
    Cause,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    Payout,
    PayoutBatch,
)
from ovop_market.payments.queries.balances import account_id
from ovop_market.payments.queries.earnings import next_month
from ovop_market.payments.queries.order_books import INCOME
from ovop_market.payments.queries.payouts import at_account
from ovop_market.payments.splitting import between
from ovop_market.payments.states import BatchState
from ovop_market.villages.models import Producer, ProducerKind
from ovop_market.villages.queries import own_producers

# What an order brings for its goods, less what goes back; and by what that leaves the market.
_BRINGS = (*INCOME, Cause.OWED_BACK)
_PAYS = (Cause.PAYOUT, Cause.SETTLED)
# Orders of which all packs have been handed in that ever will be.
_MADE = frozenset({OrderState.READY, OrderState.SHIPPED, OrderState.RECEIVED, OrderState.DISPUTED})


class Whose(StrEnum):
    """Whose a part is: a household's; the group's own, which no household handed in; nobody's yet,
    because the order is not made (or came to nothing)."""

    HOUSEHOLD = "household"
    GROUP = "group"
    NOBODY = "nobody"


class Paid(StrEnum):
    """Whether the group has its money for an order."""

    CASH = "cash"
    SENT = "sent"
    PREPARED = "prepared"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of one order: packs (counted when its money first came), rupiah, and the day of it.

    `share_id` is the household's share of the order, if it is a household's.
    """

    number: str
    at: datetime
    packs: int
    amount: int
    paid: Paid
    paid_at: datetime | None
    share_id: int | None


@dataclass(slots=True)
class Part:
    """What is one household's, the group's own, or nobody's yet, order by order."""

    whose: Whose
    name: str
    member: bool
    portions: list[Portion] = field(default_factory=list)

    @property
    def packs(self) -> int:
        return sum(portion.packs for portion in self.portions)

    @property
    def amount(self) -> int:
        return sum(portion.amount for portion in self.portions)

    @property
    def orders(self) -> int:
        return len({portion.number for portion in self.portions})


@dataclass(frozen=True, slots=True)
class Division:
    """A group's earnings by whose they are: households first, who has most first."""

    group: Producer
    parts: Sequence[Part]

    @property
    def total(self) -> int:
        return sum(part.amount for part in self.parts)

    @property
    def most(self) -> int:
        """The length of the longest bar."""
        return max((part.amount for part in self.parts), default=0)


@dataclass(frozen=True, slots=True)
class PayoutDivision:
    """How a payout is split: goods by whose they are, the shipping that is passed on, less the cash
    that the group has taken itself. These make up its amount."""

    payout: Payout
    batch: PayoutBatch
    division: Division
    shipping: int
    cash: int


def of_month(session: Session, group: Producer, month: date) -> Division:
    """How what a group earned in a month (by its first day, WIB) is split."""
    return _divided(session, group, _booked(session, month, Order.producer_id == group.id))


def of_payout(session: Session, user: User, payout_id: int) -> PayoutDivision:
    """How a payout to one of the account's own groups is split.

    Raises NotFound for somebody else's, a household's, and one that was undone.
    """
    row = session.execute(
        select(Payout, PayoutBatch, Producer, LedgerTransaction.id)
        .join(PayoutBatch, PayoutBatch.id == Payout.batch_id)
        .join(Producer, Producer.id == Payout.producer_id)
        .join(LedgerTransaction, LedgerTransaction.payout_id == Payout.id)
        .where(
            Payout.id == payout_id,
            Payout.producer_id.in_(own_producers(user)),
            Producer.kind == ProducerKind.GROUP,
            PayoutBatch.state != BatchState.UNDONE,
            LedgerTransaction.cause == Cause.PAYOUT,
        )
    ).first()
    if row is None:
        raise NotFound(_("Pembayaran ini tidak ada di akun Anda."))
    payout, batch, group, transaction_id = row
    there = select(LedgerEntry.order_id).where(LedgerEntry.transaction_id == transaction_id)
    this = LedgerTransaction.id == transaction_id
    found = _changed(session, there, _PAYS, LedgerTransaction.id < transaction_id, this, sign=-1)
    shipping, cash = (account_id(session, k) for k in (AccountKind.SHIPPING, AccountKind.CASH))
    passed_on, taken = session.execute(
        select(-at_account(shipping), at_account(cash)).where(
            LedgerEntry.transaction_id == transaction_id
        )
    ).one()
    return PayoutDivision(
        payout, batch, _divided(session, group, found), int(passed_on or 0), int(taken or 0)
    )


def of_household(session: Session, household: Producer, month: date) -> Sequence[Division]:
    """What a household's part of its groups' earnings of a month is: its own part and no other, by
    group. Empty in a month in which it has none."""
    found = _booked(session, month, Order.id.in_(_made_by(household)))
    groups = session.scalars(
        select(Producer)
        .where(Producer.id.in_({order.producer_id for order in found.orders}))
        .order_by(Producer.name, Producer.id)
    ).all()
    shares = _shares(session, found.wanted)
    paid = _paid(session, found.wanted)
    divisions = []
    for group in groups:
        part = Part(Whose.HOUSEHOLD, household.name, household.group_id == group.id)
        for order in found.orders:
            if order.producer_id == group.id:
                mine = _portions(order, shares[order.id], paid)
                part.portions += [portion for key, portion in mine if key == household.id]
        if part.portions:
            divisions.append(Division(group, [part]))
    return divisions


def first_part(session: Session, household: Producer) -> datetime | None:
    """When money was first booked for an order of which the household handed in a part."""
    return session.scalar(
        select(func.min(LedgerTransaction.at))
        .join(LedgerTransaction.entries)
        .where(LedgerEntry.order_id.in_(_made_by(household)))
    )


@dataclass(frozen=True, slots=True)
class _Booked:
    """An order with what it had brought before and after a span of time."""

    id: int
    number: str
    producer_id: int
    worth: int
    made: bool
    cash: bool
    before: int
    after: int
    at: datetime


@dataclass(frozen=True, slots=True)
class _Found:
    """Orders, and the statement that finds their ids again."""

    wanted: Select[Any]
    orders: Sequence[_Booked]


@dataclass(frozen=True, slots=True)
class _Share:
    household_id: int
    household: str
    group_id: int | None
    packs: int
    worth: int
    share_id: int


def _made_by(household: Producer) -> Select[int]:
    """Orders of groups of which the household handed in a part."""
    return (
        select(OrderLine.order_id)
        .join(OrderLine.allocations)
        .join(Allocation.offer)
        .where(Offer.producer_id == household.id, Allocation.made > 0)
    )


def _booked(session: Session, month: date, which: ColumnElement[bool]) -> _Found:
    """The orders of which something was booked in the month."""
    begin, end = clock.start_of_day(month), clock.start_of_day(next_month(month))
    within = and_(LedgerTransaction.at >= begin, LedgerTransaction.at < end)
    there = (
        select(LedgerEntry.order_id)
        .join(LedgerEntry.transaction)
        .join(Order, Order.id == LedgerEntry.order_id)
        .where(within, which)
    )
    return _changed(session, there, _BRINGS, LedgerTransaction.at < begin, within)


def _changed(
    session: Session,
    wanted: Select[Any],
    causes: Sequence[Cause],
    earlier: ColumnElement[bool],
    within: ColumnElement[bool],
    *,
    sign: int = 1,
) -> _Found:
    """What bookings of these causes (and what reverses them) changed on the accounts of the orders'
    producers: before a span, and within it. Orders whose balance is what it was are left out."""
    undone = aliased(LedgerTransaction)
    own = LedgerAccount.id
    signed = case((LedgerEntry.credit_id == own, LedgerEntry.amount), else_=0) - case(
        (LedgerEntry.debit_id == own, LedgerEntry.amount), else_=0
    )
    before = func.sum(case((earlier, signed), else_=0)) * sign
    change = func.sum(case((within, signed), else_=0)) * sign
    rows = session.execute(
        select(
            Order.id,
            Order.number,
            Order.producer_id,
            Order.goods,
            Order.state,
            Purchase.payment_method,
            before.label("before"),
            change.label("change"),
            func.max(case((within, LedgerTransaction.at))).label("at"),
        )
        .join(Purchase, Purchase.id == Order.purchase_id)
        .join(LedgerAccount, LedgerAccount.producer_id == Order.producer_id)
        .join(LedgerEntry, LedgerEntry.order_id == Order.id)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .outerjoin(undone, undone.id == LedgerTransaction.reverses_id)
        .where(
            Order.id.in_(wanted), func.coalesce(undone.cause, LedgerTransaction.cause).in_(causes)
        )
        .group_by(Order.id, Purchase.id)
        .having(change != 0)
        .order_by(func.max(case((within, LedgerTransaction.at))), Order.id)
    )
    orders = [
        _Booked(
            id=row.id,
            number=row.number,
            producer_id=row.producer_id,
            worth=row.goods,
            made=row.state in _MADE,
            cash=row.payment_method is PaymentMethod.COD,
            before=int(row.before),
            after=int(row.before) + int(row.change),
            at=row.at,
        )
        for row in rows
    ]
    return _Found(wanted, orders)


def _shares(session: Session, wanted: Select[Any]) -> Mapping[int, Sequence[_Share]]:
    """What each household handed in of these orders, by order."""
    worth = func.sum(cast(Allocation.made, BigInteger) * OrderLine.unit_price)
    rows = session.execute(
        select(
            OrderLine.order_id,
            Producer.id,
            Producer.name,
            Producer.group_id,
            func.sum(Allocation.made),
            worth,
            func.min(Allocation.id),
        )
        .join(OrderLine.allocations)
        .join(Allocation.offer)
        .join(Producer, Producer.id == Offer.producer_id)
        .where(OrderLine.order_id.in_(wanted), Allocation.made > 0)
        .group_by(OrderLine.order_id, Producer.id)
        .order_by(OrderLine.order_id, Producer.id)
    )
    found: dict[int, list[_Share]] = defaultdict(list)
    for order_id, key, name, group_id, packs, price, share_id in rows:
        share = _Share(key, name, group_id, int(packs or 0), int(price), share_id)
        found[order_id].append(share)
    return found


def _paid(session: Session, wanted: Select[Any]) -> Mapping[int, tuple[Paid, datetime | None]]:
    """By order: whether its goods have been paid out to its producer, and when; what has not is
    left out."""
    # Set off against a later payout, less than all of it can go out again: what counts is the sum.
    amount = func.sum(
        case((LedgerEntry.debit_id == LedgerAccount.id, LedgerEntry.amount), else_=0)
        - case((LedgerEntry.credit_id == LedgerAccount.id, LedgerEntry.amount), else_=0)
    )
    rows = session.execute(
        select(Order.id, PayoutBatch.state, func.min(PayoutBatch.sent_at))
        .join(LedgerEntry, LedgerEntry.order_id == Order.id)
        .join(LedgerEntry.transaction)
        .join(Payout, Payout.id == LedgerTransaction.payout_id)
        .join(PayoutBatch, PayoutBatch.id == Payout.batch_id)
        .join(LedgerAccount, LedgerAccount.producer_id == Payout.producer_id)
        .where(
            Order.id.in_(wanted),
            LedgerTransaction.cause == Cause.PAYOUT,
            PayoutBatch.state != BatchState.UNDONE,
        )
        .group_by(Order.id, PayoutBatch.state)
        .having(amount > 0)
    )
    found: dict[int, tuple[Paid, datetime | None]] = {}
    for order_id, state, sent_at in rows:
        if state == BatchState.SENT:
            found[order_id] = (Paid.SENT, sent_at)
        else:
            found.setdefault(order_id, (Paid.PREPARED, None))
    return found


def _divided(session: Session, group: Producer, found: _Found) -> Division:
    """The orders' parts put together by whose they are."""
    shares, paid = _shares(session, found.wanted), _paid(session, found.wanted)
    people = {share.household_id: share for many in shares.values() for share in many}
    parts: dict[int | Whose, Part] = {}
    for order in found.orders:
        for key, portion in _portions(order, shares.get(order.id, ()), paid):
            if key not in parts:
                parts[key] = _part(key, group, people)
            parts[key].portions.append(portion)
    return Division(group, sorted(parts.values(), key=_households_first))


def _part(key: int | Whose, group: Producer, people: Mapping[int, _Share]) -> Part:
    if isinstance(key, Whose):
        return Part(key, "", False)
    return Part(Whose.HOUSEHOLD, people[key].household, people[key].group_id == group.id)


def _households_first(part: Part) -> tuple[bool, bool, int, str]:
    return (
        part.whose is Whose.NOBODY,
        part.whose is Whose.GROUP,
        -part.amount,
        part.name,
    )


def _portions(
    order: _Booked, shares: Iterable[_Share], paid: Mapping[int, tuple[Paid, datetime | None]]
) -> list[tuple[int | Whose, Portion]]:
    """The parts of an order that are not nothing, with whose each is."""
    by_household = {share.household_id: share for share in shares}
    worth = {key: share.worth for key, share in by_household.items()}
    split = between(order.before, order.after, order.worth, worth)
    state, at = (Paid.CASH, None) if order.cash else paid.get(order.id, (Paid.NOT_YET, None))

    def portion(amount: int, packs: int = 0, share_id: int | None = None) -> Portion:
        return Portion(order.number, order.at, packs, amount, state, at, share_id)

    # Packs go with the money that came first, not with what went back of it later.
    first = not order.before and order.after > 0
    found: list[tuple[int | Whose, Portion]] = [
        (key, portion(split.households[key], share.packs if first else 0, share.share_id))
        for key, share in by_household.items()
    ]
    if split.rest:
        found.append((Whose.GROUP if order.made else Whose.NOBODY, portion(split.rest)))
    return [(key, one) for key, one in found if one.amount or one.packs]
