"""The buyer's word that the money is on its way, and the operator's that it did not come."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ovop_market.core.errors import Conflict, Unusable
from ovop_market.orders.services import locks, notes
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from ovop_market.payments.methods import METHODS
from ovop_market.payments.models import Payment
from ovop_market.payments.services import asking, receiving
from ovop_market.payments.states import PaymentAction, PaymentState


def refuse_unless_claimable(payment: Payment) -> None:
    """Raises Conflict when a claim could only be refused: asked before a picture is decoded."""
    if not METHODS[payment.method].claimable:
        raise Conflict(_("Cara bayar ini memberi tahu sendiri. Muat ulang halamannya."))
    if payment.state is not PaymentState.CLAIMED:
        asking.after(payment, PaymentAction.CLAIM)


def claim(
    session: Session,
    payment: Payment,
    now: datetime,
    *,
    reference: str,
    proof_key: str | None,
    by: By,
) -> Payment:
    """The buyer says that the money is on its way, with a picture (its key) if there is one. Saying
    the same twice is saying it once; a picture that comes then takes the place of the first.

    The orders do not lapse while that is being looked at. Raises MoveRefused when the payment is
    not open any more, Conflict for a method of which the buyer need not tell.
    """
    _lock(session, payment)
    if payment.state is PaymentState.CLAIMED and payment.reference == reference:
        payment.proof_key = proof_key or payment.proof_key
        session.flush()
        return payment
    refuse_unless_claimable(payment)
    payment.claimed_at = now
    payment.reference = reference
    payment.proof_key = proof_key or payment.proof_key
    asking.move(session, payment, PaymentAction.CLAIM, by, now)
    for part in payment.parts:
        notes.stop_clock(part.order)
    session.flush()
    return payment


def reject(
    session: Session, payment: Payment, operator_id: int, now: datetime, *, reason: str
) -> Payment:
    """The money did not come: the buyer is asked again and told why. Raises MoveRefused."""
    if not reason.strip():
        raise Unusable(_("Tulis alasannya untuk pembeli."), field="reason")
    _lock(session, payment)
    rejected_by = asking.done_last_by(payment, PaymentAction.REJECT)
    if payment.state is PaymentState.REJECTED and rejected_by == operator_id:
        return payment
    by = By(Actor.OPERATOR, operator_id)
    asking.move(session, payment, PaymentAction.REJECT, by, now, reason)
    for part in payment.parts:
        notes.start_clock(part.order, now)
    asking.drop_dead(session, payment, now)
    receiving.use_credit(session, payment.purchase, by, now)
    session.flush()
    return payment


def _lock(session: Session, payment: Payment) -> None:
    locks.lock_purchase(session, payment.purchase_id)
    session.refresh(payment)
    for part in payment.parts:
        session.refresh(part.order)
