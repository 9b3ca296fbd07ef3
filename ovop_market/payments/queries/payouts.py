"""What is due to producers, and what has been put into batches. Amounts are rupiah.

What a producer is still owed for an order is a sum of entries: their account, and the shipping that
is passed on to them, less the cash that they have taken themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from ovop_market.orders.models import Order
from ovop_market.orders.states import DISPUTE_WINDOW, FINAL, OrderState
from ovop_market.payments.models import (
    AccountKind,
    LedgerAccount,
    LedgerEntry,
    Payout,
    PayoutAccount,
    PayoutBatch,
)
from ovop_market.payments.queries.balances import account_id
from ovop_market.payments.queries.desk import Kind, Stuck
from ovop_market.payments.states import BatchState
from ovop_market.villages.models import Producer

# What is due for so long and has not been put into a batch is on the desk.
LATE_AFTER = timedelta(days=3)
# What says which bank account it is.
WHITHER = ("bank", "number", "holder")


@dataclass(frozen=True, slots=True)
class Remainder:
    """What an order has left on its producer's account, in shipping, and in cash that was taken."""

    order_id: int
    number: str
    purchase_id: int
    producer_id: int
    own: int
    shipping: int
    cash: int

    @property
    def amount(self) -> int:
        """What is to be paid for it; negative when money went back after it had been paid out."""
        return self.own + self.shipping - self.cash


@dataclass(frozen=True, slots=True)
class Due:
    """What is due to a producer, since when the oldest of it; whither, if they have said so.

    `moved`: not the account of the last payout.
    """

    producer_id: int
    slug: str
    name: str
    phone: str
    orders: int
    amount: int
    since: datetime
    account: PayoutAccount | None
    moved: bool


@dataclass(frozen=True, slots=True)
class DueList:
    """All that is due: what can be paid, what waits for an account, what is set off next time."""

    payable: Sequence[Due]
    waiting: Sequence[Due]
    carried: Sequence[Due]

    @property
    def total(self) -> int:
        """What a batch would pay now."""
        return sum(due.amount for due in self.payable)


def remainders(session: Session, now: datetime) -> list[Remainder]:
    """Every order whose time to object is over, or that came to nothing, and that is not settled:
    by producer, the oldest first."""
    rows = session.execute(
        _unsettled(session, _ended(now)).order_by(Order.producer_id, Order.received_at, Order.id)
    )
    return [
        Remainder(
            row.id,
            row.number,
            row.purchase_id,
            row.producer_id,
            int(row.own),
            int(row.shipping_left),
            int(row.cash),
        )
        for row in rows
    ]


def due(session: Session, now: datetime) -> DueList:
    """What is due now, by producer, the longest due first; one statement."""
    left = _unsettled(session, _ended(now)).subquery()
    amount = left.c.own + left.c.shipping_left - left.c.cash
    sums = (
        select(
            left.c.producer_id,
            func.count().label("orders"),
            func.sum(amount).label("amount"),
            # A cancelled order may never have been received.
            func.min(func.coalesce(left.c.received_at, left.c.fulfilled_from)).label("since"),
        )
        .where(amount != 0)
        .group_by(left.c.producer_id)
        .subquery()
    )
    latest = (
        select(func.max(Payout.id))
        .join(Payout.batch)
        .where(Payout.producer_id == Producer.id, PayoutBatch.state != BatchState.UNDONE)
        .correlate(Producer)
        .scalar_subquery()
    )
    same = and_(*(getattr(Payout, n) == getattr(PayoutAccount, n) for n in WHITHER))
    rows = session.execute(
        select(
            Producer,
            PayoutAccount,
            sums.c.orders,
            sums.c.amount,
            sums.c.since,
            and_(Payout.id.is_not(None), ~same).label("moved"),
        )
        .join(sums, sums.c.producer_id == Producer.id)
        .outerjoin(PayoutAccount, PayoutAccount.producer_id == Producer.id)
        .outerjoin(Payout, Payout.id == latest)
        .order_by(sums.c.since, Producer.id)
    ).all()
    found = [
        Due(
            producer.id,
            producer.slug,
            producer.name,
            producer.phone,
            orders,
            int(total),
            (since or now - DISPUTE_WINDOW) + DISPUTE_WINDOW,
            account,
            bool(moved),
        )
        for producer, account, orders, total, since, moved in rows
    ]
    return DueList(
        payable=[d for d in found if d.amount > 0 and d.account],
        waiting=[d for d in found if d.amount > 0 and not d.account],
        carried=[d for d in found if d.amount <= 0],
    )


def on_desk(session: Session, now: datetime) -> tuple[list[Stuck], int]:
    """What operators have not finished: batches that were made and not sent, and what has become
    due since the latest batch if the oldest of it has waited for days."""
    made = session.execute(
        select(
            PayoutBatch.id,
            PayoutBatch.made_at,
            func.coalesce(func.sum(Payout.amount), 0).label("amount"),
        )
        .outerjoin(PayoutBatch.payouts)
        .where(PayoutBatch.state == BatchState.MADE)
        .group_by(PayoutBatch.id, PayoutBatch.made_at)
        .order_by(PayoutBatch.made_at)
    ).all()
    items = [
        Stuck(
            Kind.PAYOUTS,
            row.made_at,
            _("Daftar bayar %(id)s", id=row.id),
            "",
            _("Belum ditandai terkirim"),
            int(row.amount),
            thing_id=row.id,
            home=f"/desk/payouts/{row.id}",
        )
        for row in made
    ]
    items += _late(session, now)
    return items, len(items)


def _late(session: Session, now: datetime) -> list[Stuck]:
    """Looks no further back than to the latest batch: the desk is opened often, and what that one
    left out has been seen by whoever made it."""
    latest = session.scalar(
        select(func.max(PayoutBatch.made_at)).where(PayoutBatch.state != BatchState.UNDONE)
    )
    if latest is not None and latest > now - LATE_AFTER:
        return []
    since = [] if latest is None else [Order.received_at >= latest - DISPUTE_WINDOW]
    ended = and_(
        Order.state == OrderState.RECEIVED, Order.received_at < now - DISPUTE_WINDOW, *since
    )
    left = _unsettled(session, ended).subquery()
    amount = left.c.own + left.c.shipping_left - left.c.cash
    row = session.execute(
        select(func.sum(amount).label("amount"), func.min(left.c.received_at).label("since")).where(
            amount > 0
        )
    ).one()
    if row.since is None or row.since + DISPUTE_WINDOW >= now - LATE_AFTER:
        return []
    return [
        Stuck(
            Kind.PAYOUTS,
            row.since + DISPUTE_WINDOW,
            _("Uang penjual belum dibayarkan"),
            "",
            "",
            int(row.amount),
            home="/desk/payouts",
        )
    ]


def _ended(now: datetime) -> ColumnElement[bool]:
    """Orders of which nobody can say anything more: what is left of them is due."""
    return or_(
        and_(Order.state == OrderState.RECEIVED, Order.received_at < now - DISPUTE_WINDOW),
        Order.state.in_(FINAL),
    )


def _unsettled(session: Session, wanted: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Of these orders those that have something left, with what it is."""
    own = LedgerAccount.id
    shipping = account_id(session, AccountKind.SHIPPING)
    cash = account_id(session, AccountKind.CASH)
    sums = [at_account(own), at_account(shipping), -at_account(cash)]
    return (
        select(
            Order.id,
            Order.number,
            Order.purchase_id,
            Order.producer_id,
            Order.state,
            Order.received_at,
            Order.fulfilled_from,
            sums[0].label("own"),
            sums[1].label("shipping_left"),
            sums[2].label("cash"),
        )
        .join(LedgerAccount, LedgerAccount.producer_id == Order.producer_id)
        .join(LedgerEntry, LedgerEntry.order_id == Order.id)
        .where(wanted)
        .group_by(Order.id)
        .having(or_(*(left != 0 for left in sums)))
    )


def at_account(account: Any) -> ColumnElement[int]:
    """The sum of the entries at an account, credit minus debit."""
    return func.sum(
        case((LedgerEntry.credit_id == account, LedgerEntry.amount), else_=0)
        - case((LedgerEntry.debit_id == account, LedgerEntry.amount), else_=0)
    )
