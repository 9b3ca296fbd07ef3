"""Asking for money, believing that it came, and owing it back. Amounts are rupiah.

Orders announce their moves (orders.signals); `follow` makes the payments follow in the same
transaction. The purchase is locked by whoever moves an order; the verbs here lock it as well.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.core.errors import MoveRefused, Unusable
from ovop_market.orders.models import Order, OrderEvent, Purchase
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import FINAL, Actor, Move, OrderState
from ovop_market.payments.labels import PAYMENT_STATES
from ovop_market.payments.models import Payment, PaymentEvent, PaymentPart, Refund
from ovop_market.payments.states import (
    OPEN,
    PaymentAction,
    PaymentState,
    RefundAction,
    RefundState,
    payment_after,
    refund_after,
)

_CLOCK = By(Actor.CLOCK)


def follow(
    order: Order, *, session: Session, event: OrderEvent, move: Move | None, **_rest: Any
) -> None:
    """What an order's move means for money: an accepted order is asked for, one that comes to
    nothing is asked for no more, and what was paid for it is owed back."""
    if order.state is OrderState.ACCEPTED and not order.cash:
        _ask(session, order, event.at)
    if move is not None and move.refunds:
        _ask_no_more(session, order, event.at)
        _owe(session, order, event.at)


def refuse_unless_claimable(payment: Payment) -> None:
    """Raises MoveRefused when a claim could only be refused: asked before a picture is decoded."""
    if payment.state is not PaymentState.CLAIMED:
        _after(payment, PaymentAction.CLAIM)


def claim(
    session: Session,
    payment: Payment,
    now: datetime,
    *,
    reference: str,
    proof_key: str | None,
    by: By,
) -> Payment:
    """The buyer says that the money is on its way. Saying the same twice is saying it once.

    Raises MoveRefused when the payment is not open any more.
    """
    _lock(session, payment)
    if payment.state is PaymentState.CLAIMED and payment.reference == reference:
        payment.proof_key = payment.proof_key or proof_key
        return payment
    _move(session, payment, PaymentAction.CLAIM, by, now)
    payment.claimed_at = now
    payment.reference = reference
    payment.proof_key = proof_key or payment.proof_key
    return payment


def confirm(session: Session, payment: Payment, operator_id: int, now: datetime) -> Payment:
    """A named operator has seen the money on the account: the orders it was for are paid.

    What was paid for an order that has come to nothing meanwhile is owed back. Raises MoveRefused.
    """
    by = By(Actor.OPERATOR, operator_id)
    _lock(session, payment)
    if payment.state is PaymentState.CONFIRMED:
        return payment
    payment.confirmed_by_id = operator_id
    _move(session, payment, PaymentAction.CONFIRM, by, now)
    for part in payment.parts:
        lifecycle.record_payment(session, part.order, part.amount, by, now)
        if part.order.state in FINAL:
            _owe(session, part.order, now)
    session.flush()
    return payment


def reject(
    session: Session, payment: Payment, operator_id: int, now: datetime, *, reason: str
) -> Payment:
    """The money did not come: the buyer is asked again and told why. Raises MoveRefused."""
    if not reason.strip():
        raise Unusable(_("Tulis alasannya untuk pembeli."), field="reason")
    _lock(session, payment)
    if payment.state is PaymentState.REJECTED:
        return payment
    _move(session, payment, PaymentAction.REJECT, By(Actor.OPERATOR, operator_id), now, reason)
    return payment


def send_refund(
    session: Session, refund: Refund, operator_id: int, now: datetime, *, reference: str
) -> Refund:
    """The operator has sent the money back. Raises Unusable without a reference of the transfer."""
    if not reference.strip():
        raise Unusable(_("Tulis nomor atau keterangan transfernya."), field="reference")
    session.refresh(refund, with_for_update=True)
    if refund.state is RefundState.SENT and refund.reference == reference:
        return refund
    try:
        refund.state = refund_after(refund.state, RefundAction.SEND)
    except MoveRefused as refused:
        raise MoveRefused(_("Uang ini sudah dikirim kembali."), **refused.details) from None
    refund.sent_at, refund.sent_by_id, refund.reference = now, operator_id, reference
    details: dict[str, object] = {"amount": refund.amount}
    record(session, "refund sent", f"refund {refund.id}", now, operator_id, details)
    session.flush()
    return refund


def _ask(session: Session, order: Order, now: datetime) -> None:
    """Adds the order to the payment that the purchase is being asked for, or asks for a new one."""
    payment = session.scalar(
        select(Payment).where(
            Payment.purchase_id == order.purchase_id, Payment.state == PaymentState.ASKED
        )
    )
    part = PaymentPart(order_id=order.id, amount=order.outstanding)
    if payment is None:
        payment = Payment(
            purchase_id=order.purchase_id,
            method=order.purchase.payment_method,
            amount=order.outstanding,
            state=PaymentState.ASKED,
            asked_at=now,
            parts=[part],
        )
        session.add(payment)
        session.flush()
        _note(session, payment, PaymentAction.ASK, _CLOCK, now)
    else:
        payment.parts.append(part)
        payment.amount += order.outstanding
        _move(session, payment, PaymentAction.AMEND, _CLOCK, now)


def _ask_no_more(session: Session, order: Order, now: datetime) -> None:
    """Takes the order out of payments that are still asked for. A claimed one stays as it is: the
    money may be on its way, and is owed back once it is confirmed."""
    open_payments = session.scalars(
        select(Payment)
        .join(Payment.parts)
        .where(PaymentPart.order_id == order.id, Payment.state.in_(OPEN))
    ).all()
    for payment in open_payments:
        rest = [part for part in payment.parts if part.order_id != order.id]
        if rest:
            payment.parts = rest
            payment.amount = sum(part.amount for part in rest)
            _move(session, payment, PaymentAction.AMEND, _CLOCK, now)
        else:
            _move(session, payment, PaymentAction.LAPSE, _CLOCK, now)


def _owe(session: Session, order: Order, now: datetime) -> None:
    """Owes back what has been paid for the order and is not yet owed back."""
    owed = sum(session.scalars(select(Refund.amount).where(Refund.order_id == order.id)))
    if order.paid > owed:
        session.add(
            Refund(order_id=order.id, amount=order.paid - owed, state=RefundState.DUE, due_at=now)
        )
        session.flush()


def _lock(session: Session, payment: Payment) -> None:
    session.execute(select(Purchase.id).where(Purchase.id == payment.purchase_id).with_for_update())
    session.refresh(payment)
    for part in payment.parts:
        session.refresh(part.order)


def _move(
    session: Session,
    payment: Payment,
    action: PaymentAction,
    by: By,
    now: datetime,
    reason: str | None = None,
) -> None:
    payment.state = _after(payment, action)
    _note(session, payment, action, by, now, reason)
    session.flush()


def _after(payment: Payment, action: PaymentAction) -> PaymentState:
    """The state that the action leads to; a refusal in the reader's words."""
    try:
        return payment_after(payment.state, action)
    except MoveRefused as refused:
        raise MoveRefused(
            _(
                "Keadaan pembayaran ini sudah berubah: %(state)s. Muat ulang halamannya.",
                state=PAYMENT_STATES[payment.state],
            ),
            **refused.details,
        ) from None


def _note(
    session: Session,
    payment: Payment,
    action: PaymentAction,
    by: By,
    now: datetime,
    reason: str | None = None,
) -> None:
    session.add(
        PaymentEvent(
            payment_id=payment.id,
            at=now,
            actor=by.actor,
            actor_id=by.user_id,
            action=action,
            state=payment.state,
            amount=payment.amount,
            reason=reason,
        )
    )
