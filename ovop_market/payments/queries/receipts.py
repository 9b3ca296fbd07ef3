"""What was booked for payments: the ledger's transactions by which money came, or credit was used.

Amounts are rupiah.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session, selectinload

from ovop_market.payments.models import (
    AccountKind,
    Cause,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    PaymentEvent,
    StatementLine,
)
from ovop_market.payments.queries.balances import account_id
from ovop_market.payments.states import CORRECTIONS, RECEIPTS, LineState

# Transactions that have been taken back.
TAKEN_BACK = select(LedgerTransaction.reverses_id).where(LedgerTransaction.reverses_id.is_not(None))

# Of a statement's line: it has been booked itself. One that belongs to a payment without that bears
# out what was booked by hand.
BOOKED = exists().where(
    LedgerTransaction.line_id == StatementLine.id,
    LedgerTransaction.cause == Cause.RECEIVED,
    LedgerTransaction.id.not_in(TAKEN_BACK),
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that came for a payment: how much, whether at the gateway, and for which orders it was
    used."""

    id: int
    amount: int
    at_gateway: bool
    order_ids: frozenset[int]


def latest(session: Session, payment_id: int) -> Receipt | None:
    """What was booked last for a payment and has not been taken back."""
    found = standing(session, payment_id, Cause.RECEIVED)
    return _receipt(session, found[-1]) if found else None


def standing(session: Session, payment_id: int, *causes: Cause) -> list[LedgerTransaction]:
    """The transactions of a payment of these causes that have not been taken back, in order."""
    return list(
        session.scalars(
            select(LedgerTransaction)
            .where(
                LedgerTransaction.payment_id == payment_id,
                LedgerTransaction.cause.in_(causes),
                LedgerTransaction.id.not_in(TAKEN_BACK),
            )
            .order_by(LedgerTransaction.id)
            .options(selectinload(LedgerTransaction.entries))
        )
    )


def standing_ids(session: Session, cause: Cause, which: ColumnElement[bool]) -> list[int]:
    """The transactions of a cause, of these, that have not been taken back, in order."""
    return list(
        session.scalars(
            select(LedgerTransaction.id)
            .where(which, LedgerTransaction.cause == cause, LedgerTransaction.id.not_in(TAKEN_BACK))
            .order_by(LedgerTransaction.id)
        )
    )


def uses(session: Session, purchase_id: int) -> list[tuple[Payment, Receipt]]:
    """The payments that a buyer's credit has paid alone, and their bookings, in order."""
    found = session.scalars(
        select(LedgerTransaction)
        .where(
            LedgerTransaction.purchase_id == purchase_id,
            LedgerTransaction.cause == Cause.USED,
            LedgerTransaction.id.not_in(TAKEN_BACK),
        )
        .order_by(LedgerTransaction.id)
        .options(selectinload(LedgerTransaction.entries))
    )
    return [
        (session.get_one(Payment, booked.payment_id), _receipt(session, booked)) for booked in found
    ]


def still_booked(events: Iterable[PaymentEvent]) -> list[PaymentEvent]:
    """What came, of a payment's history, and was not taken back: of several alike, the latest is
    taken back first."""
    came: list[PaymentEvent] = []
    for event in events:
        if event.action in RECEIPTS:
            came.append(event)
        elif event.action in CORRECTIONS:
            gone = next((e for e in reversed(came) if e.amount == event.amount), None)
            came = [each for each in came if each is not gone]
    return came


def taken_back_by(session: Session, payment_id: int, receipt_id: int) -> int | None:
    """Who has taken back what was booked for the payment, if anybody has."""
    return session.scalar(
        select(LedgerTransaction.actor_id).where(
            LedgerTransaction.reverses_id == receipt_id, LedgerTransaction.payment_id == payment_id
        )
    )


def unfounded_lines(session: Session, payment_id: int | None = None) -> list[int]:
    """Lines that belong to a payment (or to this one) and are neither booked nor bear out anything
    that was booked by hand; of several alike the latest."""
    lines = (
        select(StatementLine.id, StatementLine.payment_id, StatementLine.amount)
        .where(StatementLine.state == LineState.MATCHED, ~BOOKED)
        .order_by(StatementLine.id)
    )
    by_hand = booked_by_hand(session)
    if payment_id is not None:
        lines = lines.where(StatementLine.payment_id == payment_id)
        by_hand = by_hand.where(LedgerTransaction.payment_id == payment_id)
    founded = Counter((row.payment_id, int(row.amount)) for row in session.execute(by_hand))
    found = []
    for line_id, payment, amount in session.execute(lines):
        founded[payment, amount] -= 1
        if founded[payment, amount] < 0:
            found.append(line_id)
    return found


def booked_by_hand(session: Session) -> Select[*tuple[Any, ...]]:
    """What was booked on the bank account by hand and stands: which transaction, for which payment,
    when, how much, in order."""
    return (
        select(
            LedgerTransaction.id,
            LedgerTransaction.payment_id,
            LedgerTransaction.at,
            func.sum(LedgerEntry.amount).label("amount"),
        )
        .join(LedgerTransaction.entries)
        .where(
            LedgerEntry.debit_id == account_id(session, AccountKind.BANK),
            LedgerTransaction.cause == Cause.RECEIVED,
            LedgerTransaction.line_id.is_(None),
            LedgerTransaction.payment_id.is_not(None),
            LedgerTransaction.id.not_in(TAKEN_BACK),
        )
        .group_by(LedgerTransaction.id, LedgerTransaction.payment_id, LedgerTransaction.at)
        .order_by(LedgerTransaction.id)
    )


def _receipt(session: Session, booked: LedgerTransaction) -> Receipt:
    gateway = account_id(session, AccountKind.GATEWAY)
    into = {account_id(session, AccountKind.BANK), gateway}
    came = [entry for entry in booked.entries if entry.debit_id in into]
    return Receipt(
        id=booked.id,
        amount=sum(entry.amount for entry in came),
        at_gateway=any(entry.debit_id == gateway for entry in came),
        order_ids=frozenset(e.order_id for e in booked.entries if e.order_id is not None),
    )
