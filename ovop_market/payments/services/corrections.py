"""What was booked by mistake is taken back: a transaction that mirrors the first, never an edit.

The latest booking of a payment goes first. What it had paid for is asked again, as long as it is
not being made; what was owed back of it is owed back no more, as long as it is not sent; what its
surplus had paid for is asked again in turn; the line of the bank statement that brought it waits
for a decision again. Amounts are rupiah.
"""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.core.errors import Conflict, Unusable
from ovop_market.orders.services import locks, notes
from ovop_market.orders.services.history import to_keep
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import FINAL, Actor
from ovop_market.payments.models import Cause, Payment, PaymentPart, Refund
from ovop_market.payments.queries import receipts
from ovop_market.payments.queries.balances import credit_of
from ovop_market.payments.queries.receipts import Receipt
from ovop_market.payments.services import (
    asking,
    cash,
    gateway,
    ledger,
    receiving,
    refunds,
    statements,
)
from ovop_market.payments.signals import refund_moved
from ovop_market.payments.states import (
    CORRECTIONS,
    RECEIPTS,
    PaymentAction,
    PaymentState,
    RefundKind,
    RefundState,
)


def take_back(
    session: Session,
    payment: Payment,
    by: By,
    now: datetime,
    *,
    reason: str,
    receipt_id: int | None = None,
) -> Payment:
    """An operator takes back what was booked last for a payment; `receipt_id` is what they saw as
    that. The same said twice by the same person is said once.

    Raises Unusable without a reason; Conflict when somebody was quicker, an order is already being
    made, or the money has been sent back since. The caller must then roll back.
    """
    if not reason.strip():
        raise Unusable(_("Tulis alasannya untuk pembeli."), field="reason")
    locks.lock_purchase(session, payment.purchase_id)
    session.refresh(payment)
    for part in payment.parts:
        session.refresh(part.order)
    if receipt_id and receipts.taken_back_by(session, payment.id, receipt_id) == by.user_id:
        return payment
    # What the clock has done since follows from it (asked anew, lapsed), unless money came.
    done = (e for e in payment.events if e.actor is not Actor.CLOCK or e.action in RECEIPTS)
    last = next(reversed(list(done)), None)
    said = last is not None and last.action in CORRECTIONS and last.actor_id == by.user_id
    if receipt_id is None and said:
        return payment
    _undo(session, payment, _latest(session, payment, receipt_id), by, now, reason)
    _cover(session, payment.purchase_id, by, now, reason)
    receiving.use_credit(session, payment.purchase, by, now)
    statements.reopen_unfounded(session, payment, by, now)
    return payment


def may_withdraw(refund: Refund) -> bool:
    """Whether it can be owed no more by itself: a part that was granted, or cash that nobody paid.
    What came by a payment is taken back with that payment."""
    order = refund.order
    return refund.state is RefundState.DUE and (
        order is not None and (order.cash or order.state not in FINAL)
    )


def withdraw_refund(
    session: Session, refund: Refund, by: By, now: datetime, *, reason: str
) -> None:
    """An operator finds that it need not be given back: it was granted by mistake, or the cash of
    an order that came to nothing was never paid. The same said twice is said once.

    Raises Unusable without a reason; Conflict when it has been sent, was paid otherwise, or has
    been counted with the producer. The caller must then roll back.
    """
    reason = reason.strip()
    if not reason:
        raise Unusable(_("Tulis alasannya untuk pembeli."), field="reason")
    locks.lock_purchase(session, refund.purchase_id)
    session.refresh(refund)
    order = refund.order
    words = to_keep(session, refund.purchase_id, reason)
    if refund.state is RefundState.WITHDRAWN and refund.reason == words:
        return
    if order is not None:
        session.refresh(order)
    if refund.state is RefundState.DUE and not may_withdraw(refund):
        raise Conflict(
            _("Uang ini masuk lewat pembayaran. Kalau ternyata tidak, tarik pembayarannya.")
        )
    if order is not None and order.state in FINAL and refund.state is RefundState.DUE:
        gone = cash.never_came(session, order, by, now) or [refund]
        notes.take_back_payment(session, order, order.paid, by, now, reason=reason)
    else:
        refunds.withdraw(session, refund, by, now)
        gone = [refund]
    for each in gone:
        each.reason = words
    session.flush()
    for each in gone:
        refund_moved.send(each, session=session, at=now)


def _undo(
    session: Session, payment: Payment, receipt: Receipt, by: By, now: datetime, reason: str
) -> None:
    """Takes back one booking, and what it had paid for."""
    paid = [part for part in payment.parts if part.order_id in receipt.order_ids]
    _unpay(session, paid, by, now, reason)
    ledger.reverse(session, [receipt.id], by, now)
    if receipt.at_gateway:
        gateway.forget(session, payment.id, receipt.amount)
    undone = payment.state is PaymentState.CONFIRMED and (
        bool(paid) or not receipts.standing(session, payment.id, Cause.RECEIVED, Cause.USED)
    )
    if undone:
        asking.ask_again(session, payment, by, now, reason, receipt.amount)
        return
    action = PaymentAction.TAKE_BACK
    asking.move(session, payment, action, by, now, reason, amount=receipt.amount)


def _latest(session: Session, payment: Payment, seen: int | None) -> Receipt:
    """What was booked last for the payment. Raises Conflict when it is not what was seen."""
    latest = receipts.latest(session, payment.id)
    if latest is not None and seen in (None, latest.id):
        return latest
    if latest is None and receipts.standing(session, payment.id, Cause.USED):
        raise Conflict(
            _("Ini dibayar dari kelebihan pembayaran lain. Tarik pembayaran yang lebih itu.")
        )
    raise asking.moved_on(payment, state=payment.state, action=PaymentAction.TAKE_BACK)


def _unpay(session: Session, parts: list[PaymentPart], by: By, now: datetime, reason: str) -> None:
    """The orders are not paid, so nothing is owed back for them. Raises Conflict when some of it
    has been sent, or an order is being made."""
    owed = session.scalars(
        select(Refund).where(
            Refund.order_id.in_([part.order_id for part in parts]),
            Refund.state != RefundState.WITHDRAWN,
        )
    ).all()
    if any(refund.state is RefundState.SENT for refund in owed):
        raise Conflict(_("Sebagian uangnya sudah dikirim kembali. Uruslah dengan pembelinya."))
    for refund in owed:
        refunds.withdraw(session, refund, by, now)
    for part in parts:
        notes.take_back_payment(session, part.order, part.amount, by, now, reason=reason)


def _cover(session: Session, purchase_id: int, by: By, now: datetime, reason: str) -> None:
    """Withdraws what was owed back of the money that is no more, then undoes what it had paid for
    as credit, the latest first. Raises Conflict when that is not enough."""
    surplus = (Refund.purchase_id == purchase_id) & (Refund.kind == RefundKind.SURPLUS)
    due = list(
        session.scalars(
            select(Refund).where(surplus, Refund.state == RefundState.DUE).order_by(Refund.id)
        )
    )
    uses = receipts.uses(session, purchase_id)
    while credit_of(session, purchase_id) < 0:
        if due:
            refunds.withdraw(session, due.pop(), by, now)
        elif uses:
            payment, used = uses.pop()
            for part in payment.parts:
                session.refresh(part.order)
            _undo(session, payment, used, by, now, reason)
        else:
            raise Conflict(
                _(
                    "Kelebihannya sudah dikirim kembali, atau ikut membayar tagihan lain. Tarik "
                    "dulu pembayaran tagihan itu, atau uruslah dengan pembelinya."
                )
            )
