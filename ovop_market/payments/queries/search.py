"""All payments, page by page, and what operators look for: payments and orders by number, amount,
or the buyer's name or telephone. Operators only. Amounts are rupiah."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from ovop_market.accounts import trail
from ovop_market.orders.models import Order, Purchase
from ovop_market.orders.states import OrderState
from ovop_market.payments.models import Payment, PaymentEvent, PaymentPart
from ovop_market.payments.states import PaymentState
from ovop_market.villages.models import Producer

PER_PAGE = 50
# More of what somebody looks for is not read.
LONGEST = 100
# Rows of what was found; whoever needs others says more.
MOST_FOUND = 20
# Not more figures than the database keeps; and not so few that any telephone has them.
_MOST_FIGURES, _FEWEST_OF_PHONE = 15, 6


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment in the list; `amount` is rupiah."""

    id: int
    who: str
    amount: int
    state: PaymentState
    asked_at: datetime
    claimed_at: datetime | None
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentList:
    """One page of the payments in a state (None: all)."""

    state: PaymentState | None
    counts: Mapping[PaymentState, int]
    rows: Sequence[PaymentRow]
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order that was found; `amount` is rupiah."""

    number: str
    who: str
    producer: str
    state: OrderState
    placed_at: datetime
    amount: int


def payments(session: Session, state: PaymentState | None, page: int) -> PaymentList:
    """A page of payments: what is claimed in the order of the claims, anything else the latest
    first."""
    counted = session.execute(select(Payment.state, func.count()).group_by(Payment.state)).all()
    counts = {PaymentState(of): n for of, n in counted}
    matching = sum(counts.values()) if state is None else counts.get(state, 0)
    pages = max(1, -(-matching // PER_PAGE))
    page = min(max(page, 1), pages)
    statement = select(Payment, Purchase.name).join(Payment.purchase)
    if state is not None:
        statement = statement.where(Payment.state == state)
    oldest = state is PaymentState.CLAIMED
    order = (Payment.claimed_at, Payment.id) if oldest else (Payment.id.desc(),)
    rows = session.execute(
        statement.order_by(*order).offset((page - 1) * PER_PAGE).limit(PER_PAGE)
    ).all()
    trail.viewed("desk payments", {p.purchase_id: None for p, _who in rows})
    return PaymentList(state, counts, [_payment_row(p, who) for p, who in rows], page, pages)


def _payment_row(payment: Payment, who: str) -> PaymentRow:
    return PaymentRow(
        payment.id,
        who,
        payment.amount,
        payment.state,
        payment.asked_at,
        payment.claimed_at,
        payment.reference or "",
    )


def found_payments(session: Session, text: str) -> Sequence[PaymentRow]:
    """Payments that these words may mean, the latest first."""
    wanted = payments_meant(text)
    if not wanted:
        return []
    rows = session.execute(
        select(Payment, Purchase.name)
        .join(Payment.purchase)
        .where(or_(*wanted))
        .order_by(Payment.id.desc())
        .limit(MOST_FOUND)
    ).all()
    trail.viewed("desk search", {payment.purchase_id: None for payment, _who in rows})
    return [_payment_row(payment, who) for payment, who in rows]


def found_orders(session: Session, text: str) -> Sequence[OrderRow]:
    """Orders that these words may mean, the latest first."""
    wanted = _buyer_meant(text)
    number = _order_number(text)
    if number:
        wanted.append(Order.number == number)
    if not wanted:
        return []
    rows = session.execute(
        select(
            Order.number,
            Purchase.name,
            Producer.name.label("producer"),
            Order.state,
            Purchase.placed_at,
            Order.total,
            Order.purchase_id,
        )
        .join(Order.purchase)
        .join(Order.producer)
        .where(or_(*wanted))
        .order_by(Order.id.desc())
        .limit(MOST_FOUND)
    ).all()
    trail.viewed("desk search", {row.purchase_id: None for row in rows})
    return [OrderRow(*row[:-1]) for row in rows]


def payments_meant(text: str) -> list[ColumnElement[bool]]:
    """Conditions, of which one must hold, on payments and their purchases: amount (asked now or
    once), code, order number, the buyer's name or telephone."""
    found = _buyer_meant(text)
    number = _order_number(text)
    if number:
        of_order = (
            select(PaymentPart.payment_id).join(PaymentPart.order).where(Order.number == number)
        )
        found += [Payment.code == number.replace("-", ""), Payment.id.in_(of_order)]
    figures = re.sub(r"(?i)^rp|[.\s]|,-$", "", text.strip())
    if figures.isascii() and figures.isdecimal() and len(figures) <= _MOST_FIGURES:
        asked = select(PaymentEvent.payment_id).where(PaymentEvent.amount == int(figures))
        found += [Payment.amount == int(figures), Payment.id.in_(asked)]
    return found


def _buyer_meant(text: str) -> list[ColumnElement[bool]]:
    words = " ".join(text.split())
    if not words:
        return []
    found: list[ColumnElement[bool]] = [Purchase.name.icontains(words, autoescape=True)]
    # As people write it (0812…, +62 812…) and as it is kept (E.164).
    figures = re.sub(r"[\s().+-]", "", words)
    if figures.isascii() and figures.isdecimal() and len(figures) >= _FEWEST_OF_PHONE:
        local = figures.removeprefix("62").removeprefix("0")
        found.append(Purchase.phone.contains(local, autoescape=True))
    return found


def _order_number(text: str) -> str:
    """`6753vrp9` as the order number that it is; empty if it cannot be one."""
    code = re.sub(r"[^0-9A-Z]", "", text.upper()) if text.isascii() else ""
    return f"{code[:4]}-{code[4:]}" if len(code) == 8 else ""
