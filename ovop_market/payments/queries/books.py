"""Whether the ledger is whole, and whether everything that is kept beside it says the same.

Balances are sums and cannot be wrong by themselves. What can be: rows that were written, changed or
deleted behind the program's back, and what orders, payments, refunds and batches say of money. Each
look is one statement, however many rows there are. Amounts are rupiah.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import (
    Select,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from ovop_market.orders.models import Order
from ovop_market.orders.states import OrderState
from ovop_market.payments.models import (
    AccountKind,
    Cause,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    PaymentEvent,
    PaymentPart,
    Payout,
    PayoutBatch,
    Refund,
    StatementLine,
)
from ovop_market.payments.queries import order_books, receipts
from ovop_market.payments.queries.order_books import the_account
from ovop_market.payments.queries.payouts import at_account
from ovop_market.payments.states import (
    AWAITED,
    RECEIPTS,
    BatchState,
    LineState,
    PaymentState,
    RefundState,
)

# Accounts whose entries are always about an order.
_OF_ORDERS = (AccountKind.PRODUCER, AccountKind.SHIPPING, AccountKind.CASH)


def differences(session: Session) -> Iterator[str]:
    """What does not agree, in words; nothing when all is well."""
    for look in _LOOKS:
        yield from look(session)


def _torn(session: Session) -> Iterator[str]:
    """Entries and transactions that belong to nothing, and entries on the wrong account."""
    rows = session.execute(
        select(LedgerTransaction.id, LedgerTransaction.cause)
        .outerjoin(LedgerTransaction.entries)
        .where(LedgerEntry.id.is_(None))
        .order_by(LedgerTransaction.id)
    )
    for transaction_id, cause in rows:
        yield f"transaction {transaction_id} ({cause}) has no entries"
    debit, credit = aliased(LedgerAccount), aliased(LedgerAccount)
    entries = session.execute(
        select(LedgerEntry.id, LedgerEntry.transaction_id, LedgerTransaction.id.label("found"))
        .outerjoin(LedgerEntry.transaction)
        .outerjoin(debit, debit.id == LedgerEntry.debit_id)
        .outerjoin(credit, credit.id == LedgerEntry.credit_id)
        .where(
            or_(
                LedgerTransaction.id.is_(None),
                debit.id.is_(None),
                credit.id.is_(None),
                debit.id == credit.id,
                LedgerEntry.amount <= 0,
            )
        )
        .order_by(LedgerEntry.id)
    )
    for entry_id, transaction_id, found in entries:
        if found is None:
            yield f"entry {entry_id}: its transaction {transaction_id} is missing"
        else:
            yield f"entry {entry_id} of transaction {transaction_id} does not balance"


def _misplaced(session: Session) -> Iterator[str]:
    """Entries of producers, shipping and cash are about an order, and of its own producer."""
    rows = session.execute(
        select(
            LedgerEntry.id, LedgerEntry.transaction_id, LedgerAccount.kind, Order.id, Order.number
        )
        .join(LedgerAccount, LedgerAccount.id.in_((LedgerEntry.debit_id, LedgerEntry.credit_id)))
        .outerjoin(Order, Order.id == LedgerEntry.order_id)
        .where(
            LedgerAccount.kind.in_(_OF_ORDERS),
            or_(Order.id.is_(None), LedgerAccount.producer_id != Order.producer_id),
        )
        .order_by(LedgerEntry.id)
    )
    for entry_id, transaction_id, kind, order_id, number in rows:
        whose = "of no order" if order_id is None else f"of another producer's order {number}"
        yield f"entry {entry_id} of transaction {transaction_id}: on account {kind}, {whose}"


def _reversals(session: Session) -> Iterator[str]:
    """A reversal is the same entries the other way round."""
    back = aliased(LedgerTransaction)
    there = select(
        back.id.label("id"),
        LedgerEntry.credit_id.label("debit_id"),
        LedgerEntry.debit_id.label("credit_id"),
        LedgerEntry.amount,
        func.coalesce(LedgerEntry.order_id, 0).label("order_id"),
        literal(1).label("sign"),
    ).join(back, back.reverses_id == LedgerEntry.transaction_id)
    again = select(
        back.id,
        LedgerEntry.debit_id,
        LedgerEntry.credit_id,
        LedgerEntry.amount,
        func.coalesce(LedgerEntry.order_id, 0),
        literal(-1),
    ).join(back, and_(back.id == LedgerEntry.transaction_id, back.reverses_id.is_not(None)))
    sides = union_all(there, again).subquery()
    unlike = (
        select(sides.c.id)
        .group_by(sides.c.id, sides.c.debit_id, sides.c.credit_id, sides.c.amount, sides.c.order_id)
        .having(func.sum(sides.c.sign) != 0)
    )
    rows = session.execute(
        select(LedgerTransaction.id, LedgerTransaction.reverses_id)
        .where(LedgerTransaction.id.in_(unlike))
        .order_by(LedgerTransaction.id)
    )
    for transaction_id, reverses_id in rows:
        yield f"transaction {transaction_id} is no mirror of {reverses_id}, which it reverses"


def _payments(session: Session) -> Iterator[str]:
    """What came for each payment, by its events and by the ledger; and what it was used for."""
    banks = (the_account(AccountKind.BANK), the_account(AccountKind.GATEWAY))
    told = (
        select(PaymentEvent.payment_id, func.sum(PaymentEvent.amount).label("amount"))
        .where(PaymentEvent.action.in_(RECEIPTS))
        .group_by(PaymentEvent.payment_id)
        .subquery()
    )
    booked = (
        select(LedgerTransaction.payment_id, func.sum(LedgerEntry.amount).label("amount"))
        .join(LedgerTransaction.entries)
        .where(LedgerTransaction.cause == Cause.RECEIVED, LedgerEntry.debit_id.in_(banks))
        .group_by(LedgerTransaction.payment_id)
        .subquery()
    )
    used = _used_by_payment()
    asked = (
        select(PaymentPart.payment_id, func.sum(PaymentPart.amount).label("amount"))
        .group_by(PaymentPart.payment_id)
        .subquery()
    )
    columns = {
        name: func.coalesce(side.c.amount, 0).label(name)
        for name, side in {"told": told, "booked": booked, "used": used, "asked": asked}.items()
    }
    statement = select(Payment.id, Payment.state, *columns.values())
    for side in (told, booked, used, asked):
        statement = statement.outerjoin(side, side.c.payment_id == Payment.id)
    due = case((Payment.state == PaymentState.CONFIRMED, columns["asked"].element), else_=0)
    rows = session.execute(
        statement.where(
            or_(
                columns["told"].element != columns["booked"].element,
                columns["used"].element != due,
            )
        ).order_by(Payment.id)
    )
    for row in rows:
        if row.told != row.booked:
            yield (
                f"payment {row.id}: {row.told} received by its history, "
                f"the ledger says {row.booked}"
            )
        covers = row.asked if row.state == PaymentState.CONFIRMED else 0
        if row.used != covers:
            yield f"payment {row.id} ({row.state}): pays {covers}, the ledger says {row.used}"


def _used_by_payment() -> Subquery:
    """What each payment has brought to orders, less what was taken back."""
    debit, credit = aliased(LedgerAccount), aliased(LedgerAccount)
    undone = aliased(LedgerTransaction)
    orders = (AccountKind.PRODUCER, AccountKind.SHIPPING)
    return (
        select(
            LedgerTransaction.payment_id,
            func.sum(
                case((credit.kind.in_(orders), LedgerEntry.amount), else_=0)
                - case((debit.kind.in_(orders), LedgerEntry.amount), else_=0)
            ).label("amount"),
        )
        .join(LedgerTransaction.entries)
        .join(debit, debit.id == LedgerEntry.debit_id)
        .join(credit, credit.id == LedgerEntry.credit_id)
        .outerjoin(undone, undone.id == LedgerTransaction.reverses_id)
        .where(
            LedgerTransaction.payment_id.is_not(None),
            func.coalesce(undone.cause, LedgerTransaction.cause).in_((Cause.RECEIVED, Cause.USED)),
        )
        .group_by(LedgerTransaction.payment_id)
        .subquery()
    )


def _refunds(session: Session) -> Iterator[str]:
    """What is owed back and what was sent, of each refund."""
    kept = _net_by(LedgerTransaction.refund_id, the_account(AccountKind.REFUNDS)).subquery()
    balance = func.coalesce(kept.c.balance, 0)
    gone = func.coalesce(kept.c.taken, 0)
    sent = case((Refund.state == RefundState.SENT, Refund.amount), else_=0)
    due = case((Refund.state == RefundState.DUE, Refund.amount), else_=0)
    rows = session.execute(
        select(Refund.id, Refund.state, Refund.amount, balance, gone)
        .outerjoin(kept, kept.c.thing_id == Refund.id)
        .where(or_(balance != due, gone != sent))
        .order_by(Refund.id)
    )
    for refund_id, state, amount, left, taken in rows:
        yield (
            f"refund {refund_id} ({state}) of {amount}: the ledger says {left} still owed, "
            f"{taken} sent"
        )
    stray = session.scalar(select(kept.c.balance).where(kept.c.thing_id.is_(None)))
    if stray:
        yield f"account refunds: {stray} of no refund"


def _payouts(session: Session) -> Iterator[str]:
    """What is in a batch and what was sent, of each payout."""
    kept = _net_by(LedgerTransaction.payout_id, the_account(AccountKind.PAYOUTS)).subquery()
    balance = func.coalesce(kept.c.balance, 0)
    gone = func.coalesce(kept.c.taken, 0)
    waiting = case((PayoutBatch.state == BatchState.MADE, Payout.amount), else_=0)
    sent = case((PayoutBatch.state == BatchState.SENT, Payout.amount), else_=0)
    rows = session.execute(
        select(Payout.id, PayoutBatch.id, PayoutBatch.state, Payout.amount, balance, gone)
        .join(Payout.batch)
        .outerjoin(kept, kept.c.thing_id == Payout.id)
        .where(or_(balance != waiting, gone != sent))
        .order_by(Payout.id)
    )
    for payout_id, batch_id, state, amount, left, taken in rows:
        yield (
            f"payout {payout_id} of {amount} in batch {batch_id} ({state}): the ledger says {left} "
            f"waiting, {taken} sent"
        )
    stray = session.scalar(select(kept.c.balance).where(kept.c.thing_id.is_(None)))
    if stray:
        yield f"account payouts: {stray} of no payout"


def _credit(session: Session) -> Iterator[str]:
    """A buyer cannot have used more than came."""
    rows = session.execute(
        _net_by(LedgerTransaction.purchase_id, the_account(AccountKind.CREDIT)).order_by("thing_id")
    )
    for purchase_id, balance, _taken in rows:
        if purchase_id is None and balance:
            yield f"account credit: {balance} of no purchase"
        elif balance < 0:
            yield f"purchase {purchase_id}: the buyer's credit is {balance}"


def _forgotten(session: Session) -> Iterator[str]:
    """Credit is there for something that may still be asked: else it would have been owed back."""
    credit = the_account(AccountKind.CREDIT)
    waiting = (OrderState.PLACED, OrderState.COUNTERED)
    rows = session.execute(
        _net_by(LedgerTransaction.purchase_id, credit)
        .where(
            ~exists().where(
                Order.purchase_id == LedgerTransaction.purchase_id, Order.state.in_(waiting)
            ),
            ~exists().where(
                Payment.purchase_id == LedgerTransaction.purchase_id, Payment.state.in_(AWAITED)
            ),
        )
        .having(at_account(credit) > 0)
        .order_by("thing_id")
    )
    for purchase_id, balance, _taken in rows:
        yield f"purchase {purchase_id}: credit of {balance}, and nothing that it could be for"


def _lines(session: Session) -> Iterator[str]:
    """A line of a bank statement is booked once, in full, for the payment that it belongs to."""
    bank = the_account(AccountKind.BANK)
    kept = (
        select(
            LedgerTransaction.line_id,
            LedgerTransaction.payment_id,
            (-at_account(bank)).label("amount"),
        )
        .join(LedgerTransaction.entries)
        .where(LedgerTransaction.line_id.is_not(None))
        .group_by(LedgerTransaction.line_id, LedgerTransaction.payment_id)
        .having(at_account(bank) != 0)
        .subquery()
    )
    rows = session.execute(
        select(StatementLine.id, StatementLine.state, StatementLine.amount, kept.c.amount)
        .join(kept, kept.c.line_id == StatementLine.id)
        .where(
            or_(
                StatementLine.state != LineState.MATCHED,
                StatementLine.payment_id != kept.c.payment_id,
                StatementLine.amount != kept.c.amount,
            )
        )
        .order_by(StatementLine.id)
    )
    for line_id, state, amount, booked in rows:
        yield f"statement line {line_id} ({state}) of {amount}: the ledger says {booked}"
    for line_id in receipts.unfounded_lines(session):
        yield f"statement line {line_id}: belongs to a payment for which it has not been booked"


def _net_by(thing: Any, account: Any) -> Select[*tuple[Any, ...]]:
    """By what transactions are about: an account's balance, and what has left the bank or the
    gateway for it."""
    banks = (the_account(AccountKind.BANK), the_account(AccountKind.GATEWAY))
    out = and_(LedgerEntry.debit_id == account, LedgerEntry.credit_id.in_(banks))
    back = and_(LedgerEntry.credit_id == account, LedgerEntry.debit_id.in_(banks))
    taken = case((out, LedgerEntry.amount), (back, -LedgerEntry.amount), else_=0)
    return (
        select(
            thing.label("thing_id"),
            at_account(account).label("balance"),
            func.sum(taken).label("taken"),
        )
        .select_from(LedgerEntry)
        .join(LedgerEntry.transaction)
        .where(or_(LedgerEntry.debit_id == account, LedgerEntry.credit_id == account))
        .group_by(thing)
    )


_LOOKS: tuple[Callable[[Session], Iterator[str]], ...] = (
    _torn,
    _misplaced,
    _reversals,
    order_books.differences,
    order_books.made_unpaid,
    _payments,
    _refunds,
    _payouts,
    _credit,
    _forgotten,
    _lines,
)
