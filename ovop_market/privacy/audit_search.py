"""What is looked for in the audit, as conditions on each of its histories."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session

from ovop_market.accounts.actions import subject_of
from ovop_market.accounts.models import AuditEvent, PersonalDataView, User
from ovop_market.accounts.services import email_of, phone_of
from ovop_market.catalogue.models import Offer, StockMovement
from ovop_market.orders.models import Order, OrderEvent, Purchase
from ovop_market.payments.models import Payment, PaymentEvent, PaymentPart, Refund
from ovop_market.villages.models import Producer

# People and things that words may mean: whoever looks for more says more.
MOST_MEANT = 50
LONGEST = 100  # characters of what is looked for
_SUBJECT = re.compile(r"[a-z]+( [a-z]+)? [A-Za-z0-9-]{1,40}")


class Kind(StrEnum):
    """A history, by what it tells."""

    ACTIONS = "actions"
    ORDERS = "orders"
    PAYMENTS = "payments"
    STOCK = "stock"
    VIEWS = "views"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an operator looks for; empty words and None are anything."""

    kind: Kind | None = None
    who: str = ""
    about: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(slots=True)
class Meant:
    """The things that words are about (ids), and the audit's own names for them."""

    orders: set[int] = field(default_factory=set)
    payments: set[int] = field(default_factory=set)
    producers: set[int] = field(default_factory=set)
    subjects: set[str] = field(default_factory=set)

    def conditions(self) -> dict[Kind, ColumnElement[bool]]:
        """For each history that may have lines about them, which these are."""
        found: dict[Kind, ColumnElement[bool]] = {}
        of_orders: list[ColumnElement[bool]] = []
        if self.subjects:
            found[Kind.ACTIONS] = AuditEvent.subject.in_(self.subjects)
        if self.orders:
            of_orders.append(OrderEvent.order_id.in_(self.orders))
        if self.payments:
            found[Kind.PAYMENTS] = PaymentEvent.payment_id.in_(self.payments)
        if self.producers:
            offers = select(Offer.id).where(Offer.producer_id.in_(self.producers))
            found[Kind.STOCK] = StockMovement.offer_id.in_(offers)
            of_orders.append(OrderEvent.producer_id.in_(self.producers))
        if of_orders:
            found[Kind.ORDERS] = or_(*of_orders)
        if self.subjects or self.producers:
            found[Kind.VIEWS] = self.of_views(PersonalDataView)
        return found

    def of_views(self, view: Any) -> ColumnElement[bool]:
        """Which looks were at them, or for them; `view` is the table or an alias of it."""
        found: list[ColumnElement[bool]] = []
        if self.subjects:
            found.append(view.subject.in_(self.subjects))
        if self.producers:
            found.append(view.producer_id.in_(self.producers))
        return or_(false(), *found)


def people(session: Session, words: str) -> list[int]:
    """The accounts (ids) that these words may mean: a login, a name or a part of it, or an id."""
    text = " ".join(words.split())[:LONGEST]
    if not text:
        return []
    found: list[ColumnElement[bool]] = [User.name.icontains(text, autoescape=True)]
    number = text.removeprefix("akun ").removeprefix("user ")
    if number.isascii() and number.isdecimal() and len(number) <= 9:
        found.append(User.id == int(number))
    email, phone = email_of(text) if "@" in text else None, phone_of(text)
    if email:
        found.append(User.email == email)
    if phone:
        found.append(User.phone == phone)
    return list(session.scalars(select(User.id).where(or_(*found)).limit(MOST_MEANT)))


def meant(session: Session, words: str) -> Meant:
    """What these words may be about: an order's number, a payment's code, a login or number of a
    buyer, a producer's name, or a name as the audit writes it (`payout batch 7`)."""
    text, found = " ".join(words.split())[:LONGEST], Meant()
    if not text:
        return found
    code = re.sub(r"[^0-9A-Z]", "", text.upper()) if text.isascii() else ""
    purchases: set[int] = set()
    if len(code) == 8:
        _by_number(session, code, found, purchases)
    email, phone = email_of(text) if "@" in text else None, phone_of(text)
    if email or phone:
        column, value = (User.email, email) if email else (User.phone, phone)
        bought, given = (Purchase.email, email) if email else (Purchase.phone, phone)
        users = set(session.scalars(select(User.id).where(column == value)))
        found.subjects |= {f"user {own}" for own in users}
        theirs = or_(bought == given, Purchase.buyer_id.in_(users))
        purchases |= set(session.scalars(select(Purchase.id).where(theirs).limit(MOST_MEANT)))
    if _SUBJECT.fullmatch(text):
        found.subjects |= {text, subject_of(text)}
    named = or_(Producer.slug == text.lower(), Producer.name.icontains(text, autoescape=True))
    found.producers |= set(session.scalars(select(Producer.id).where(named).limit(MOST_MEANT)))
    found.subjects |= {f"producer {own}" for own in found.producers}
    _of_purchases(session, purchases, found)
    return found


def _by_number(session: Session, code: str, found: Meant, purchases: set[int]) -> None:
    number = f"{code[:4]}-{code[4:]}"
    order = session.execute(
        select(Order.id, Order.purchase_id).where(Order.number == number)
    ).one_or_none()
    if order is not None:
        found.orders.add(order.id)
        found.subjects |= {f"order {number}", f"purchase {order.purchase_id}"}
        parts = select(PaymentPart.payment_id).where(PaymentPart.order_id == order.id)
        found.payments |= set(session.scalars(parts))
        refunds = select(Refund.id).where(Refund.order_id == order.id)
        found.subjects |= {f"refund {own}" for own in session.scalars(refunds)}
    payment = session.scalar(select(Payment).where(Payment.code == code))
    if payment is not None:
        found.payments.add(payment.id)
        found.subjects.add(f"payment {payment.id}")
        purchases.add(payment.purchase_id)


def _of_purchases(session: Session, purchases: set[int], found: Meant) -> None:
    if not purchases:
        return
    found.subjects |= {f"purchase {own}" for own in purchases}
    mine = Order.purchase_id.in_(purchases)
    found.orders |= set(session.scalars(select(Order.id).where(mine)))
    found.payments |= set(
        session.scalars(select(Payment.id).where(Payment.purchase_id.in_(purchases)))
    )
    refunds = session.scalars(select(Refund.id).where(Refund.purchase_id.in_(purchases)))
    found.subjects |= {f"refund {own}" for own in refunds}
