"""What a producer has earned: a month of it line by line, and what is to come. Amounts are rupiah.

The balance is what the market owes the producer: goods and shipping that buyers have paid, less the
cash that was paid to the producer, what went back to buyers, and what has been paid out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, case, func, literal_column, select
from sqlalchemy.orm import Session, aliased

from ovop_market.accounts.models import User
from ovop_market.core import clock
from ovop_market.core.errors import NotFound
from ovop_market.orders.models import Order
from ovop_market.orders.states import DISPUTE_WINDOW, FINAL, OrderState
from ovop_market.payments.models import (
    AccountKind,
    Cause,
    LedgerEntry,
    LedgerTransaction,
    Payout,
    PayoutAccount,
    PayoutBatch,
)
from ovop_market.payments.queries.balances import account_id
from ovop_market.payments.queries.payouts import at_account
from ovop_market.payments.states import BatchState
from ovop_market.villages.models import Producer
from ovop_market.villages.queries import own_producers

# Months that can be chosen, the latest first.
MOST_MONTHS = 36


class What(StrEnum):
    """What a line of the statement tells."""

    SOLD = "sold"
    SOLD_FOR_CASH = "sold_for_cash"
    CASH_TAKEN = "cash_taken"
    GIVEN_BACK = "given_back"
    PAID_OUT = "paid_out"
    PREPARED = "prepared"
    TAKEN_BACK = "taken_back"
    PAYOUT_UNDONE = "payout_undone"
    OTHER = "other"


_PAYOUTS = frozenset({What.PAID_OUT, What.PREPARED})


@dataclass(frozen=True, slots=True)
class Line:
    """Money that came to a producer's balance (or left it), and the balance after it.

    `goods` and `shipping` are what the amount consists of, where it is of both. `payout_id`: the
    payout that it is, unless that came to nothing.
    """

    at: datetime
    what: What
    number: str
    goods: int
    shipping: int
    amount: int
    balance: int
    payout_id: int | None = None


@dataclass(frozen=True, slots=True)
class Coming:
    """What the balance consists of: due now; received and in the days in which the buyer may object
    (`next_at`: when the first of it is due); paid and on its way to the buyer; in dispute."""

    due: int = 0
    soon: int = 0
    next_at: datetime | None = None
    under_way: int = 0
    disputed: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """A month (by its first day, WIB) of a producer's balance."""

    producer: Producer
    month: date
    months: Sequence[date]
    opening: int
    lines: Sequence[Line]
    closing: int
    coming: Coming
    account: PayoutAccount | None
    ever: bool


def producers_of(session: Session, user: User) -> Sequence[Producer]:
    """The producers that the account acts for, by name."""
    return session.scalars(
        select(Producer)
        .where(Producer.id.in_(own_producers(user)))
        .order_by(Producer.name, Producer.id)
    ).all()


def producer_of(session: Session, user: User, slug: str) -> Producer:
    """One of the account's producers. Raises NotFound."""
    found = [p for p in producers_of(session, user) if p.slug == slug]
    if not found:
        raise NotFound(_("Penjual ini tidak ada di akun Anda."))
    return found[0]


def statement(
    session: Session,
    producer: Producer,
    month: date,
    now: datetime,
    *,
    since: datetime | None = None,
) -> Statement:
    """What happened to the producer's balance in the month.

    `since`: from when on there is something else to see, if that is earlier than any booking.
    """
    begin, end = clock.start_of_day(month), clock.start_of_day(next_month(month))
    opening = _balance(session, producer, begin)
    lines = _lines(session, producer, begin, end, opening)
    first = session.scalar(
        select(func.min(LedgerTransaction.at))
        .join(LedgerTransaction.entries)
        .join(Order, Order.id == LedgerEntry.order_id)
        .where(Order.producer_id == producer.id)
    )
    return Statement(
        producer=producer,
        month=month,
        months=_months(min(filter(None, (first, since)), default=None), month, now),
        opening=opening,
        lines=lines,
        closing=lines[-1].balance if lines else opening,
        coming=_coming(session, producer, now),
        account=session.get(PayoutAccount, producer.id),
        ever=first is not None,
    )


def month_of(text: str, now: datetime) -> date:
    """The month that is written as `2026-11`; the present one for anything else."""
    try:
        year, _dash, month = text.partition("-")
        wanted = date(int(year), int(month), 1) if text.isascii() else None
    except (ValueError, OverflowError):
        wanted = None
    this = clock.wib_date(now).replace(day=1)
    return wanted if wanted and date(2000, 1, 1) <= wanted <= this else this


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _months(first: datetime | None, chosen: date, now: datetime) -> list[date]:
    """From this month back to that of the first entry."""
    month = clock.wib_date(first or now).replace(day=1)
    this = clock.wib_date(now).replace(day=1)
    found = [month]
    while month < this:
        month = next_month(month)
        found.append(month)
    found = found[::-1][:MOST_MONTHS]
    return found if chosen in found else [*found, chosen]


def _sums(session: Session, producer: Producer) -> tuple[ColumnElement[int], ...]:
    """Of entries of the producer's orders: what they change on the producer's account, in shipping,
    and in cash that was taken (which is less to come)."""
    return (
        at_account(account_id(session, AccountKind.PRODUCER, producer.id)),
        at_account(account_id(session, AccountKind.SHIPPING)),
        at_account(account_id(session, AccountKind.CASH)),
    )


def _entries(producer: Producer, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Entries of the producer's orders: all that touch their balance are of an order."""
    return (
        select(*columns)
        .join(Order, Order.id == LedgerEntry.order_id)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(Order.producer_id == producer.id)
    )


def _balance(session: Session, producer: Producer, before: datetime) -> int:
    row = session.execute(
        _entries(producer, *_sums(session, producer)).where(LedgerTransaction.at < before)
    ).one()
    return sum(int(part or 0) for part in row)


def _lines(
    session: Session, producer: Producer, begin: datetime, end: datetime, opening: int
) -> list[Line]:
    reversed_ = aliased(LedgerTransaction)
    own, shipping, cash = _sums(session, producer)
    # A payout is one line for all its orders.
    of_payout = LedgerTransaction.payout_id.is_not(None)
    number = case((of_payout, literal_column("''")), else_=Order.number)
    rows = session.execute(
        _entries(
            producer,
            LedgerTransaction.at,
            LedgerTransaction.cause,
            reversed_.cause.label("undone"),
            PayoutBatch.state.label("batch"),
            LedgerTransaction.payout_id,
            number.label("number"),
            own.label("own"),
            shipping.label("shipping"),
            cash.label("cash"),
        )
        .outerjoin(reversed_, reversed_.id == LedgerTransaction.reverses_id)
        .outerjoin(Payout, Payout.id == LedgerTransaction.payout_id)
        .outerjoin(PayoutBatch, PayoutBatch.id == Payout.batch_id)
        .where(LedgerTransaction.at >= begin, LedgerTransaction.at < end)
        .group_by(
            LedgerTransaction.id, LedgerTransaction.at, LedgerTransaction.cause, reversed_.cause,
            LedgerTransaction.payout_id, PayoutBatch.state, number,
        )
        .order_by(LedgerTransaction.at, LedgerTransaction.id, number)
    )  # fmt: skip
    lines: list[Line] = []
    balance = opening
    for row in rows:
        for what, goods, sent, taken in _told(row):
            amount = goods + sent + taken
            balance += amount
            standing = what in _PAYOUTS and row.batch != BatchState.UNDONE
            payout_id = row.payout_id if standing else None
            lines.append(Line(row.at, what, row.number, goods, sent, amount, balance, payout_id))
    return lines


def _told(row: Any) -> list[tuple[What, int, int, int]]:
    """What a transaction tells of an order: lines of goods, shipping and cash, none if the balance
    is what it was."""
    own, shipping, cash = int(row.own), int(row.shipping), int(row.cash)
    if row.cause == Cause.CASH:
        return [(What.SOLD_FOR_CASH, own, shipping, 0), (What.CASH_TAKEN, 0, 0, cash)]
    if row.undone == Cause.CASH:
        # Nobody paid after all: the sale and the cash are both gone.
        return [(What.TAKEN_BACK, own, shipping, 0), (What.TAKEN_BACK, 0, 0, cash)]
    if not own + shipping + cash:
        return []
    match row.cause:
        case Cause.RECEIVED | Cause.USED:
            return [(What.SOLD, own, shipping, cash)]
        case Cause.OWED_BACK:
            return [(What.GIVEN_BACK, own, shipping, cash)]
        case Cause.PAYOUT:
            # Until the transfer is made it has only been put on the list for the bank.
            sent = row.batch == BatchState.SENT
            what = What.PAID_OUT if sent else What.PREPARED
            return [(what, 0, 0, own + shipping + cash)]
        case Cause.REVERSAL if row.undone in (Cause.RECEIVED, Cause.USED):
            return [(What.TAKEN_BACK, own, shipping, cash)]
        case Cause.REVERSAL if row.undone == Cause.PAYOUT:
            return [(What.PAYOUT_UNDONE, 0, 0, own + shipping + cash)]
    return [(What.OTHER, own, shipping, cash)]


def _coming(session: Session, producer: Producer, now: datetime) -> Coming:
    own, shipping, cash = _sums(session, producer)
    left = own + shipping + cash
    rows = session.execute(
        select(Order.state, Order.received_at, left.label("amount"))
        .join(LedgerEntry, LedgerEntry.order_id == Order.id)
        .where(Order.producer_id == producer.id)
        .group_by(Order.id)
        .having(left != 0)
    ).all()
    due = soon = under_way = disputed = 0
    next_at: datetime | None = None
    for state, received_at, amount in rows:
        if state == OrderState.DISPUTED:
            disputed += int(amount)
        elif state not in FINAL and state != OrderState.RECEIVED:
            under_way += int(amount)
        elif state in FINAL or received_at is None or received_at < now - DISPUTE_WINDOW:
            due += int(amount)
        else:
            soon += int(amount)
            at = received_at + DISPUTE_WINDOW
            next_at = at if next_at is None else min(next_at, at)
    return Coming(due, soon, next_at, under_way, disputed)
