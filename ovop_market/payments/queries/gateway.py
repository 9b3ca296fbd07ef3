"""Pages at the gateway: which can still be used, how each stands, what the desk sees of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from ovop_market.orders.models import Order, Purchase
from ovop_market.payments.gateway.standing import IN_PART, KEPT
from ovop_market.payments.models import (
    AccountKind,
    AttemptState,
    Cause,
    GatewayAttempt,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    PaymentPart,
)
from ovop_market.payments.queries.balances import account_id, balance, signed, touches
from ovop_market.payments.queries.desk import Kind, Stuck
from ovop_market.payments.queries.receipts import TAKEN_BACK

# How long a page can be paid on; less when an order would lapse before, but never less than
# somebody who has just opened it needs.
LONGEST = timedelta(hours=24)
SHORTEST = timedelta(minutes=15)
# A page with less time left than this is not handed out again.
LEFT = timedelta(minutes=5)
# When a page is asked about for the first time although nothing was heard of it, and how often
# from then on.
SILENT_AFTER = timedelta(minutes=15)
ASKED_EVERY = timedelta(hours=1)
# Pages asked about in one go, and rows of the desk.
PAGES_AT_ONCE = 100
SHOWN = 50
STUCK_SHOWN = 100


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A page at the gateway as the desk sees it; `amount` is rupiah."""

    id: int
    code: str
    amount: int
    state: AttemptState
    status: str
    made_at: datetime
    status_at: datetime | None


@dataclass(frozen=True, slots=True)
class Booking:
    """Money of the gateway that has reached the bank account, in rupiah; `fee` is what the gateway
    kept of it. `at` is when it was booked."""

    id: int
    at: datetime
    reference: str
    amount: int
    fee: int
    undone: bool


@dataclass(frozen=True, slots=True)
class Account:
    """What is at the gateway (rupiah), and what has left it for the bank, the latest first."""

    balance: int
    bookings: Sequence[Booking]


def lifetime(due: Sequence[datetime | None], since: datetime) -> timedelta:
    """How long a page made at `since` can be paid on, for orders that lapse at `due`."""
    first = min((moment for moment in due if moment is not None), default=since + LONGEST)
    return min(max(first - since, SHORTEST), LONGEST)


def usable(session: Session, payment: Payment, now: datetime) -> GatewayAttempt | None:
    """The page on which the buyer can pay what is asked now, the latest if there are several."""
    found = session.scalar(
        select(GatewayAttempt)
        .where(
            GatewayAttempt.payment_id == payment.id,
            GatewayAttempt.state == AttemptState.OPEN,
            GatewayAttempt.amount == payment.amount,
        )
        .order_by(GatewayAttempt.id.desc())
        .limit(1)
    )
    if found is None:
        return None
    ends = found.made_at + lifetime(due_of(session, payment.id), found.made_at)
    return found if now + LEFT < ends else None


def due_of(session: Session, payment_id: int) -> list[datetime | None]:
    """When the orders of a payment lapse."""
    return list(
        session.scalars(
            select(Order.due_at)
            .join(PaymentPart, PaymentPart.order_id == Order.id)
            .where(PaymentPart.payment_id == payment_id)
        )
    )


def attempt_named(session: Session, code: str) -> int | None:
    """The id of the page that we have given this name."""
    return session.scalar(select(GatewayAttempt.id).where(GatewayAttempt.code == code))


def attempts_of(session: Session, payment_id: int) -> list[AttemptRow]:
    """The pages that were made for a payment, the latest first."""
    rows = session.execute(
        select(*_ROW)
        .where(GatewayAttempt.payment_id == payment_id)
        .order_by(GatewayAttempt.id.desc())
        .limit(SHOWN)
    )
    return [AttemptRow(*row) for row in rows]


_ROW = (
    GatewayAttempt.id,
    GatewayAttempt.code,
    GatewayAttempt.amount,
    GatewayAttempt.state,
    GatewayAttempt.status,
    GatewayAttempt.made_at,
    GatewayAttempt.status_at,
)


def silent(session: Session, now: datetime) -> list[AttemptRow]:
    """Open pages that nobody has asked about for too long, the most silent first."""
    asked = GatewayAttempt.asked_at
    rows = session.execute(
        select(*_ROW)
        .where(
            GatewayAttempt.state == AttemptState.OPEN,
            GatewayAttempt.made_at <= now - SILENT_AFTER,
            or_(asked.is_(None), asked <= now - ASKED_EVERY),
        )
        .order_by(func.coalesce(asked, GatewayAttempt.made_at), GatewayAttempt.id)
        .limit(PAGES_AT_ONCE)
    )
    return [AttemptRow(*row) for row in rows]


def account(session: Session) -> Account:
    """The gateway's account as the desk shows it."""
    bank, gateway = account_id(session, AccountKind.BANK), account_id(session, AccountKind.GATEWAY)
    of_bank = func.sum(LedgerEntry.amount).filter(LedgerEntry.debit_id == bank)
    whole = func.sum(LedgerEntry.amount)
    rows = session.execute(
        select(
            LedgerTransaction.id,
            LedgerTransaction.at,
            LedgerTransaction.note,
            func.coalesce(of_bank, 0),
            whole,
            LedgerTransaction.id.in_(TAKEN_BACK),
        )
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.cause == Cause.SETTLED, LedgerEntry.credit_id == gateway)
        .group_by(LedgerTransaction.id, LedgerTransaction.at, LedgerTransaction.note)
        .order_by(LedgerTransaction.id.desc())
        .limit(SHOWN)
    )
    return Account(
        balance=-balance(session, AccountKind.GATEWAY),
        bookings=[
            Booking(id_, at, note or "", int(to_bank), int(all_of_it) - int(to_bank), bool(gone))
            for id_, at, note, to_bank, all_of_it, gone in rows
        ],
    )


def came_in(session: Session, purchase_id: int) -> bool:
    """Whether money of the purchase has come in at the gateway, and can be given back there."""
    return balance(session, AccountKind.GATEWAY, purchase_id=purchase_id) < 0


def given_back(session: Session, _now: datetime) -> tuple[list[Stuck], int]:
    """Pages whose money was booked and is not there any more (given back or charged back at the
    gateway), as long as the books still count on it."""
    rows = session.execute(
        select(
            Payment.id,
            GatewayAttempt.code,
            GatewayAttempt.status,
            GatewayAttempt.status_at,
            GatewayAttempt.amount,
            Purchase.name,
            func.count().over().label("total"),
        )
        .join(Payment, Payment.id == GatewayAttempt.payment_id)
        .join(Purchase, Purchase.id == Payment.purchase_id)
        .where(_gone(session))
        .order_by(GatewayAttempt.status_at, GatewayAttempt.id)
        .limit(STUCK_SHOWN)
    ).all()
    items = [
        Stuck(
            Kind.GATEWAY,
            row.status_at,
            row.name,
            "",
            _("%(code)s: %(status)s di Midtrans.", code=row.code, status=row.status),
            row.amount,
            row.id,
            home=url_for("payments.payment", payment_id=row.id),
        )
        for row in rows
    ]
    return items, rows[0].total if rows else 0


def _gone(session: Session) -> ColumnElement[bool]:
    """Pages that say so, of purchases of which the books still count on more than the gateway says
    is there. How much is gone in part it does not tell: as long as nothing was noted, something."""
    other, payment = aliased(GatewayAttempt), aliased(Payment)
    there = case(
        (other.status.in_(KEPT), other.amount),
        (other.status.in_(IN_PART), other.amount - 1),
        else_=0,
    )
    kept = (
        select(func.coalesce(func.sum(there), 0))
        .join(payment, payment.id == other.payment_id)
        .where(payment.purchase_id == Payment.purchase_id, other.state == AttemptState.PAID)
        .scalar_subquery()
    )
    gateway = account_id(session, AccountKind.GATEWAY)
    booked = (
        select(-signed(gateway))
        .select_from(LedgerEntry)
        .join(LedgerEntry.transaction)
        .where(touches(gateway), LedgerTransaction.purchase_id == Payment.purchase_id)
        .scalar_subquery()
    )
    return (
        (GatewayAttempt.state == AttemptState.PAID)
        & GatewayAttempt.status.not_in(KEPT)
        & (booked > kept)
    )
