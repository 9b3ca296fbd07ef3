"""Batches of payouts as operators see them: the list, and each with what it pays for. Rupiah."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from ovop_market.core.errors import NotFound
from ovop_market.orders.models import Order
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
from ovop_market.payments.queries.payouts import WHITHER, at_account
from ovop_market.payments.states import BatchState

# Orders that a batch's page names for each producer, and batches on the list.
MOST_ORDERS = 100
MOST_BATCHES = 50


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch in the list."""

    id: int
    state: BatchState
    made_at: datetime
    sent_at: datetime | None
    payouts: int
    amount: int


@dataclass(frozen=True, slots=True)
class Paid:
    """An order that a payout pays for (or takes back from it)."""

    number: str
    amount: int


@dataclass(frozen=True, slots=True)
class PayoutRow:
    """A payout with its orders: the first of them, and how many there are.

    `first`: the producer has never been paid before. `moved`: not the account of the time before.
    `outdated`: the producer has named another account since the batch was made.
    """

    payout: Payout
    orders: Sequence[Paid]
    count: int
    first: bool
    moved: bool
    outdated: bool


def batches(session: Session) -> list[BatchRow]:
    """The latest batches, the latest first."""
    rows = session.execute(
        select(
            PayoutBatch.id,
            PayoutBatch.state,
            PayoutBatch.made_at,
            PayoutBatch.sent_at,
            func.count(Payout.id),
            func.coalesce(func.sum(Payout.amount), 0),
        )
        .outerjoin(PayoutBatch.payouts)
        .group_by(PayoutBatch.id)
        .order_by(PayoutBatch.id.desc())
        .limit(MOST_BATCHES)
    )
    return [BatchRow(*row[:5], int(row[5])) for row in rows]


def batch_of(session: Session, batch_id: int) -> PayoutBatch:
    """A batch with its payouts and their producers. Raises NotFound."""
    batch = session.scalar(
        select(PayoutBatch)
        .where(PayoutBatch.id == batch_id)
        .options(selectinload(PayoutBatch.payouts).joinedload(Payout.producer))
        .execution_options(populate_existing=True)
    )
    if batch is None:
        raise NotFound(_("Daftar bayar ini tidak ada."))
    return batch


def payouts_of(session: Session, batch: PayoutBatch) -> list[PayoutRow]:
    """The payouts of a batch with what they pay for, in three statements however many."""
    orders = _orders_of(session, batch)
    accounts = {
        account.producer_id: account
        for account in session.scalars(
            select(PayoutAccount)
            .join(Payout, Payout.producer_id == PayoutAccount.producer_id)
            .where(Payout.batch_id == batch.id)
        )
    }
    before = _payouts_before(session, batch)
    rows = []
    for payout in batch.payouts:
        listed, count = orders.get(payout.id, ([], 0))
        now, then = accounts.get(payout.producer_id), before.get(payout.producer_id)
        rows.append(
            PayoutRow(
                payout=payout,
                orders=listed,
                count=count,
                first=then is None,
                moved=then is not None and _whither(then) != _whither(payout),
                outdated=now is not None and _whither(now) != _whither(payout),
            )
        )
    return rows


def _orders_of(session: Session, batch: PayoutBatch) -> dict[int, tuple[list[Paid], int]]:
    """By payout: its first orders, and their number."""
    payouts = account_id(session, AccountKind.PAYOUTS)
    paid = (
        select(
            LedgerTransaction.payout_id,
            LedgerEntry.order_id,
            at_account(payouts).label("amount"),
            func.row_number()
            .over(partition_by=LedgerTransaction.payout_id, order_by=LedgerEntry.order_id)
            .label("position"),
            func.count().over(partition_by=LedgerTransaction.payout_id).label("orders"),
        )
        .join(LedgerEntry.transaction)
        .join(Payout, Payout.id == LedgerTransaction.payout_id)
        .where(Payout.batch_id == batch.id, LedgerTransaction.cause == Cause.PAYOUT)
        .group_by(LedgerTransaction.payout_id, LedgerEntry.order_id)
        .subquery()
    )
    rows = session.execute(
        select(paid.c.payout_id, paid.c.orders, Order.number, paid.c.amount)
        .join(Order, Order.id == paid.c.order_id)
        .where(paid.c.position <= MOST_ORDERS)
        .order_by(paid.c.payout_id, paid.c.position)
    )
    found: dict[int, tuple[list[Paid], int]] = {}
    for payout_id, count, number, amount in rows:
        found.setdefault(payout_id, ([], count))[0].append(Paid(number, int(amount)))
    return found


def _payouts_before(session: Session, batch: PayoutBatch) -> dict[int, Payout]:
    """The latest payout of each of the batch's producers that was not undone, before this one."""
    wanted = [payout.producer_id for payout in batch.payouts]
    latest = (
        select(func.max(Payout.id))
        .join(Payout.batch)
        .where(
            Payout.producer_id.in_(select(Payout.producer_id).where(Payout.batch_id == batch.id)),
            Payout.batch_id < batch.id,
            PayoutBatch.state != BatchState.UNDONE,
        )
        .group_by(Payout.producer_id)
    )
    if not wanted:
        return {}
    found = session.scalars(select(Payout).where(Payout.id.in_(latest)))
    return {payout.producer_id: payout for payout in found}


def _whither(account: Payout | PayoutAccount) -> list[str]:
    return [getattr(account, name) for name in WHITHER]
