"""What is behind the split of a group's earnings: orders with what they brought, who made them, and
whether they are paid out. Amounts are rupiah; a statement each, for any number of orders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, func, select
from sqlalchemy.orm import Session, aliased

from ovop_market.catalogue.models import Offer
from ovop_market.core import clock
from ovop_market.orders.models import Allocation, Order, OrderLine, PaymentMethod, Purchase
from ovop_market.orders.states import OrderState
from ovop_market.payments.models import (
    Cause,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    Payout,
    PayoutBatch,
)
from ovop_market.payments.queries.earnings import next_month
from ovop_market.payments.queries.order_books import INCOME
from ovop_market.payments.states import BatchState
from ovop_market.villages.models import Producer

# What an order brings for its goods, less what goes back; and by what that leaves the market.
BRINGS = (*INCOME, Cause.OWED_BACK)
PAYS = (Cause.PAYOUT, Cause.SETTLED)
# Orders of which all packs have been handed in that ever will be.
_MADE = frozenset({OrderState.READY, OrderState.SHIPPED, OrderState.RECEIVED, OrderState.DISPUTED})


class Paid(StrEnum):
    """Whether the group has its money for an order."""

    CASH = "cash"
    SENT = "sent"
    PREPARED = "prepared"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class Booked:
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
class Found:
    """Orders, and the statement that finds their ids again."""

    wanted: Select[Any]
    orders: Sequence[Booked]


@dataclass(frozen=True, slots=True)
class Share:
    household_id: int
    household: str
    group_id: int | None
    packs: int
    worth: int
    share_id: int


def made_by(household: Producer) -> Select[int]:
    """Orders of groups of which the household handed in a part."""
    return (
        select(OrderLine.order_id)
        .join(OrderLine.allocations)
        .join(Allocation.offer)
        .where(Offer.producer_id == household.id, Allocation.made > 0)
    )


def booked(session: Session, month: date, which: ColumnElement[bool]) -> Found:
    """The orders of which something was booked in the month."""
    begin, end = clock.start_of_day(month), clock.start_of_day(next_month(month))
    within = and_(LedgerTransaction.at >= begin, LedgerTransaction.at < end)
    there = (
        select(LedgerEntry.order_id)
        .join(LedgerEntry.transaction)
        .join(Order, Order.id == LedgerEntry.order_id)
        .where(within, which)
    )
    return changed(session, there, BRINGS, LedgerTransaction.at < begin, within)


def changed(
    session: Session,
    wanted: Select[Any],
    causes: Sequence[Cause],
    earlier: ColumnElement[bool],
    within: ColumnElement[bool],
    *,
    sign: int = 1,
) -> Found:
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
        Booked(
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
    return Found(wanted, orders)


def shares_of(session: Session, wanted: Select[Any]) -> Mapping[int, Sequence[Share]]:
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
    found: dict[int, list[Share]] = defaultdict(list)
    for order_id, key, name, group_id, packs, price, share_id in rows:
        share = Share(key, name, group_id, int(packs or 0), int(price), share_id)
        found[order_id].append(share)
    return found


def paid_of(session: Session, wanted: Select[Any]) -> Mapping[int, tuple[Paid, datetime | None]]:
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
