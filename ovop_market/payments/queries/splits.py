"""How what a group has earned is split over its households, by what each of them handed in. Rupiah.

A month of it is split by the same bookings as the lines of the group's statement: an order's goods
count on the day on which their money was booked, what went back to the buyer on the day on which
that was, and all parts of a month sum to the goods in its lines. A payout is split by what it paid
for the goods of its orders. Shipping is not split: the group has paid the courier.

Who an order's packs are from is read from its allocations, so that a household which has left keeps
what it made. The same few statements for any number of orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.core.errors import NotFound
from ovop_market.orders.models import Order
from ovop_market.payments.models import (
    AccountKind,
    Cause,
    LedgerEntry,
    LedgerTransaction,
    Payout,
    PayoutBatch,
)
from ovop_market.payments.queries.balances import account_id
from ovop_market.payments.queries.payouts import at_account
from ovop_market.payments.queries.split_rows import (
    PAYS,
    Booked,
    Found,
    Paid,
    Share,
    booked,
    changed,
    made_by,
    paid_of,
    shares_of,
)
from ovop_market.payments.splitting import between
from ovop_market.payments.states import BatchState
from ovop_market.villages.models import Producer, ProducerKind
from ovop_market.villages.queries import own_producers


class Whose(StrEnum):
    """Whose a part is: a household's; the group's own, which no household handed in; nobody's yet,
    because the order is not made (or came to nothing)."""

    HOUSEHOLD = "household"
    GROUP = "group"
    NOBODY = "nobody"


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
    return _divided(session, group, booked(session, month, Order.producer_id == group.id))


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
    found = changed(session, there, PAYS, LedgerTransaction.id < transaction_id, this, sign=-1)
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
    found = booked(session, month, Order.id.in_(made_by(household)))
    groups = session.scalars(
        select(Producer)
        .where(Producer.id.in_({order.producer_id for order in found.orders}))
        .order_by(Producer.name, Producer.id)
    ).all()
    shares = shares_of(session, found.wanted)
    paid = paid_of(session, found.wanted)
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
        .where(LedgerEntry.order_id.in_(made_by(household)))
    )


def _divided(session: Session, group: Producer, found: Found) -> Division:
    """The orders' parts put together by whose they are."""
    shares, paid = shares_of(session, found.wanted), paid_of(session, found.wanted)
    people = {share.household_id: share for many in shares.values() for share in many}
    parts: dict[int | Whose, Part] = {}
    for order in found.orders:
        for key, portion in _portions(order, shares.get(order.id, ()), paid):
            if key not in parts:
                parts[key] = _part(key, group, people)
            parts[key].portions.append(portion)
    return Division(group, sorted(parts.values(), key=_households_first))


def _part(key: int | Whose, group: Producer, people: Mapping[int, Share]) -> Part:
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
    order: Booked, shares: Iterable[Share], paid: Mapping[int, tuple[Paid, datetime | None]]
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
