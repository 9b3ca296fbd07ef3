"""How the buyer pays: another way than the one that was chosen at checkout."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ovop_market.core.errors import Unusable
from ovop_market.orders.models import PaymentMethod
from ovop_market.orders.services import locks
from ovop_market.orders.services.lifecycle import By
from ovop_market.payments import methods
from ovop_market.payments.models import Payment
from ovop_market.payments.services import asking


def choose_method(
    session: Session, payment: Payment, method: PaymentMethod, by: By, now: datetime
) -> Payment:
    """The buyer pays an open payment in another way; the amount may change by its last digits.

    Choosing the same twice is choosing it once. Raises Unusable for a way that an open payment
    cannot be paid in here, MoveRefused (409) once the payment is not open any more.
    """
    if method not in {found.method for found in methods.online()}:
        raise Unusable(_("Pilih cara bayar yang tersedia."), field="payment_method")
    locks.lock_purchase(session, payment.purchase_id)
    session.refresh(payment)
    asking.change_method(session, payment, method, by, now)
    return payment
