"""What operators see of payments, refunds and orders: everything (the door lets in no one else);
and the one payment that a buyer's link opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from ovop_market.accounts import trail
from ovop_market.accounts.models import User
from ovop_market.core.errors import NotFound
from ovop_market.orders.models import Order, OrderEvent, Purchase
from ovop_market.orders.states import FINAL, Action, OrderState, timer_of
from ovop_market.payments.labels import REFUND_KINDS
from ovop_market.payments.models import Payment, PaymentPart, Refund
from ovop_market.payments.states import OPEN, PaymentState, RefundKind, RefundState
from ovop_market.villages.models import Producer

# How long a producer may be silent before an operator asks what is the matter, and how long before
# an unpaid order lapses the buyer is reminded.
SILENT_AFTER = timedelta(hours=12)
REMIND_BEFORE = timedelta(hours=24)
# Rows of each kind on the desk; the counts tell how many more there are.
MOST_STUCK = 100


class Kind(StrEnum):
    """Why something is stuck."""

    CLAIMS = "claims"
    DISPUTES = "disputes"
    LINES = "lines"
    REFUNDS = "refunds"
    PAYOUTS = "payouts"
    UNANSWERED = "unanswered"
    UNPAID = "unpaid"
    CASH = "cash"
    NOTICES = "notices"
    GATEWAY = "gateway"
    PRODUCERS = "producers"
    LISTINGS = "listings"


@dataclass(frozen=True, slots=True)
class Stuck:
    """One thing that waits for somebody. `amount` is rupiah; `until` is when the clock acts.

    `thing_id` is the payment's or refund's; `phone` (E.164) of whom to ask; `home` the path of the
    page on which it is dealt with, where that is neither a payment's nor an order's; `language`
    that of whom to ask.
    """

    kind: Kind
    since: datetime
    who: str
    number: str
    text: str
    amount: int
    thing_id: int = 0
    phone: str = ""
    until: datetime | None = None
    home: str = ""
    language: str = "id"


# What is stuck of one kind: the oldest of it, and how much there is.
Source = Callable[[Session, datetime], tuple[list[Stuck], int]]
# Where each kind is asked for; features add their own when they start (see `init_app`).
SOURCES: dict[Kind, Source] = {}
# notices: the address of a chat with whoever is awaited, with what to ask already in it.
chat_about: Callable[[Stuck], str] | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What is stuck, the oldest first, and how much of each kind there is."""

    kind: Kind | None
    counts: Mapping[Kind, int]
    items: Sequence[Stuck]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def desk(session: Session, kind: Kind | None, now: datetime) -> Desk:
    """The desk, of one kind or of all: one statement for each kind."""
    found = {of: SOURCES[of](session, now) for of in Kind if of in SOURCES}
    wanted = [items for of, (items, _n) in found.items() if kind in (None, of)]
    return Desk(
        kind=kind,
        counts={of: n for of, (_items, n) in found.items()},
        items=sorted((item for items in wanted for item in items), key=lambda s: s.since),
    )


def _rows(session: Session, statement: Select[*tuple[Any, ...]]) -> tuple[Sequence[Any], int]:
    """The first rows, and how many there are in all. Those that name a buyer are noted as seen."""
    rows = session.execute(
        statement.add_columns(
            func.count().over().label("how_many"), Purchase.id.label("purchase_id")
        ).limit(MOST_STUCK)
    ).all()
    if Purchase.name in statement.exported_columns.values():
        trail.viewed("desk", {row.purchase_id: None for row in rows})
    return rows, rows[0].how_many if rows else 0


def _claims(session: Session, _now: datetime) -> tuple[list[Stuck], int]:
    rows, total = _rows(
        session,
        select(
            Payment.id,
            Payment.amount,
            Payment.claimed_at,
            Payment.reference,
            Payment.proof_key,
            Purchase.name,
        )
        .join(Purchase)
        .where(Payment.state == PaymentState.CLAIMED)
        .order_by(Payment.claimed_at, Payment.id),
    )
    items = [
        Stuck(
            Kind.CLAIMS,
            r.claimed_at,
            r.name,
            "",
            _claimed(r.reference, r.proof_key),
            r.amount,
            r.id,
        )
        for r in rows
    ]
    return items, total


def _claimed(reference: str | None, proof_key: str | None) -> str:
    """What the buyer says, and whether there is a picture to look at."""
    return " · ".join(filter(None, (reference, _("ada foto bukti") if proof_key else "")))


def _disputes(session: Session, _now: datetime) -> tuple[list[Stuck], int]:
    latest = (
        select(func.max(OrderEvent.id))
        .where(OrderEvent.order_id == Order.id, OrderEvent.action == Action.DISPUTE)
        .correlate(Order)
        .scalar_subquery()
    )
    rows, total = _rows(
        session,
        select(
            Order.number,
            Order.total.label("amount"),
            OrderEvent.at,
            OrderEvent.reason,
            Purchase.name,
        )
        .join(Order.purchase)
        .join(OrderEvent, OrderEvent.id == latest)
        .where(Order.state == OrderState.DISPUTED)
        .order_by(OrderEvent.at, Order.id),
    )
    items = [Stuck(Kind.DISPUTES, r.at, r.name, r.number, r.reason or "", r.amount) for r in rows]
    return items, total


def _refunds(session: Session, _now: datetime) -> tuple[list[Stuck], int]:
    rows, total = _rows(
        session,
        select(
            Refund.id,
            Refund.amount,
            Refund.kind,
            Refund.due_at,
            Refund.destination,
            Order.number,
            Purchase.name,
        )
        .join(Refund.purchase)
        .outerjoin(Refund.order)
        .where(Refund.state == RefundState.DUE)
        .order_by(Refund.due_at, Refund.id),
    )
    items = [
        Stuck(
            Kind.REFUNDS,
            r.due_at,
            r.name,
            r.number or "",
            _to_send(r.kind, r.destination),
            r.amount,
            r.id,
            home=url_for("payments.refund", refund_id=r.id),
        )
        for r in rows
    ]
    return items, total


def _to_send(kind: RefundKind, destination: str | None) -> str:
    """What is owed back, and whether it can be sent."""
    named = _("rekening sudah ditulis") if destination else _("menunggu rekening pembeli")
    return f"{REFUND_KINDS[kind]} · {named}"


def _unanswered(session: Session, now: datetime) -> tuple[list[Stuck], int]:
    rows, total = _rows(
        session,
        select(
            Order.number,
            Order.total.label("amount"),
            Order.due_at,
            Purchase.placed_at,
            Producer.name,
            Producer.phone,
        )
        .join(Order.purchase)
        .join(Order.producer)
        .where(Order.state == OrderState.PLACED, Purchase.placed_at <= now - SILENT_AFTER)
        .order_by(Purchase.placed_at, Order.id),
    )
    items = [
        Stuck(
            Kind.UNANSWERED,
            r.placed_at,
            r.name,
            r.number,
            "",
            r.amount,
            phone=r.phone,
            until=r.due_at,
        )
        for r in rows
    ]
    return items, total


def _unpaid(session: Session, now: datetime) -> tuple[list[Stuck], int]:
    """Accepted orders that lapse soon, unless their buyer says that the money is on its way."""
    claimed = (
        select(PaymentPart.id)
        .join(PaymentPart.payment)
        .where(PaymentPart.order_id == Order.id, Payment.state == PaymentState.CLAIMED)
        .correlate(Order)
        .exists()
    )
    # What its buyer is asked for: with the other orders that are due, less what has come.
    asked = (
        select(func.max(Payment.amount))
        .join(Payment.parts)
        .where(PaymentPart.order_id == Order.id, Payment.state.in_(OPEN))
        .correlate(Order)
        .scalar_subquery()
    )
    rows, total = _rows(
        session,
        select(
            Order.number,
            Order.total,
            Order.paid,
            Order.due_at,
            Purchase.name,
            Purchase.phone,
            Purchase.language,
            asked.label("asked"),
        )
        .join(Order.purchase)
        .where(Order.state == OrderState.ACCEPTED, Order.due_at <= now + REMIND_BEFORE, ~claimed)
        .order_by(Order.due_at, Order.id),
    )
    timer = timer_of(OrderState.ACCEPTED)
    waited = timer.due if timer else timedelta()
    items = [
        Stuck(
            Kind.UNPAID,
            r.due_at - waited,
            r.name,
            r.number,
            "",
            r.asked or max(r.total - r.paid, 0),
            phone=r.phone,
            until=r.due_at,
            language=r.language,
        )
        for r in rows
    ]
    return items, total


SOURCES.update(
    {
        Kind.CLAIMS: _claims,
        Kind.DISPUTES: _disputes,
        Kind.REFUNDS: _refunds,
        Kind.UNANSWERED: _unanswered,
        Kind.UNPAID: _unpaid,
    }
)


def payment_of(session: Session, payment_id: int) -> Payment:
    """A payment with its buyer, parts and history. Raises NotFound."""
    payment = session.scalar(
        select(Payment)
        .where(Payment.id == payment_id)
        .options(
            joinedload(Payment.purchase),
            selectinload(Payment.parts).joinedload(PaymentPart.order).joinedload(Order.producer),
            selectinload(Payment.events),
        )
        .execution_options(populate_existing=True)
    )
    if payment is None:
        raise NotFound(_("Pembayaran ini tidak ada."))
    return payment


def payment_in(session: Session, purchase: Purchase, payment_id: int) -> Payment:
    """A payment of this very purchase. Raises NotFound for any other."""
    payment = session.scalar(
        select(Payment).where(Payment.id == payment_id, Payment.purchase_id == purchase.id)
    )
    if payment is None:
        raise NotFound(_("Pembayaran ini tidak ada. Periksa tautannya."))
    return payment


def payments_for(session: Session, order: Order) -> Sequence[Payment]:
    """The payments that have a part for this order, the first first."""
    parts = select(PaymentPart.payment_id).where(PaymentPart.order_id == order.id)
    return session.scalars(select(Payment).where(Payment.id.in_(parts)).order_by(Payment.id)).all()


def refunds_for(session: Session, order: Order) -> Sequence[Refund]:
    """What is or was owed back for this order."""
    return session.scalars(
        select(Refund).where(Refund.order_id == order.id).order_by(Refund.id)
    ).all()


def refunds_of(session: Session, purchase_id: int) -> Sequence[Refund]:
    """What is or was owed back to the buyer of a purchase."""
    return session.scalars(
        select(Refund).where(Refund.purchase_id == purchase_id).order_by(Refund.id)
    ).all()


def refund_of(session: Session, refund_id: int) -> Refund:
    """A refund. Raises NotFound."""
    refund = session.get(Refund, refund_id)
    if refund is None:
        raise NotFound(_("Uang kembali ini tidak ada."))
    return refund


def names_of(session: Session, user_ids: Iterator[int | None]) -> dict[int, str]:
    """The names of the accounts that did something, by id."""
    wanted = {user_id for user_id in user_ids if user_id is not None}
    if not wanted:
        return {}
    rows = session.execute(select(User.id, User.name).where(User.id.in_(wanted)))
    return {row.id: row.name for row in rows}


def payment_text(order: Order) -> str:
    """Whether an order is paid, in two or three words."""
    if order.paid >= order.total:
        return str(_("Sudah dibayar"))
    if order.state in FINAL:
        return str(_("Tidak ditagih"))
    return str(_("Bayar di tempat") if order.cash else _("Belum dibayar"))
