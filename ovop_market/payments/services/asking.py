"""Asking for money: one payment for all orders of a purchase that are due, one amount for all.

Amounts are rupiah. The purchase is locked by whoever calls.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from ovop_market.core.errors import MoveRefused
from ovop_market.core.tokens import payment_code
from ovop_market.orders.models import Order, PaymentMethod, Purchase
from ovop_market.orders.services.history import to_keep
from ovop_market.orders.services.lifecycle import CLOCK, By
from ovop_market.orders.states import OrderState
from ovop_market.payments.labels import PAYMENT_STATES
from ovop_market.payments.models import (
    MOST_UNIQUE_DIGITS,
    Payment,
    PaymentEvent,
    PaymentPart,
)
from ovop_market.payments.queries.balances import credit_of
from ovop_market.payments.signals import payments_moved
from ovop_market.payments.states import AWAITED, OPEN, PaymentAction, PaymentState, payment_after

# The amount of a payment that has just closed is left alone for so long if others are free: money
# for it may still be on its way.
REST = timedelta(days=7)
# How often another free amount is tried when somebody was quicker.
_TRIES = 5


def ask(session: Session, orders: Sequence[Order], now: datetime) -> Payment:
    """Adds orders to the payment that the purchase is being asked for, or asks for a new one."""
    purchase = orders[0].purchase
    parts = [PaymentPart(order_id=o.id, order=o, amount=o.outstanding) for o in orders]
    payment = open_payment(session, purchase.id)
    if payment is not None:
        payment.parts.extend(parts)
        _price(session, payment, now)
        move(session, payment, PaymentAction.AMEND, CLOCK, now)
        return payment
    payment = Payment(
        purchase=purchase,
        code=payment_code(),
        method=_usual_method(session, purchase),
        amount=sum(part.amount for part in parts),
        unique_digits=0,
        state=PaymentState.ASKED,
        asked_at=now,
        parts=parts,
    )
    _price(session, payment, now)
    note(session, payment, PaymentAction.ASK, CLOCK, now)
    return payment


def _usual_method(session: Session, purchase: Purchase) -> PaymentMethod:
    """How the buyer pays: as they chose last, if they have chosen anew since the checkout."""
    latest = select(Payment.method).where(Payment.purchase_id == purchase.id)
    return session.scalar(latest.order_by(Payment.id.desc()).limit(1)) or purchase.payment_method


def ask_no_more(session: Session, order: Order, now: datetime) -> None:
    """Takes the order out of payments that are still asked for. A claimed one stays as it is: the
    money may be on its way; what comes for an order that is no more is owed back.

    The other orders of a payment are read again: one of them may have been accepted while this
    transaction waited for the purchase.
    """
    payments = session.scalars(
        select(Payment)
        .join(Payment.parts)
        .where(PaymentPart.order_id == order.id, Payment.state.in_(OPEN))
        .options(selectinload(Payment.parts).joinedload(PaymentPart.order))
        .execution_options(populate_existing=True)
    ).all()
    for payment in payments:
        drop_dead(session, payment, now)


def drop_dead(session: Session, payment: Payment, now: datetime) -> None:
    """Asks only for those of its orders that still wait for money; for nothing if there is none."""
    alive = live_parts(payment)
    if not alive:
        move(session, payment, PaymentAction.LAPSE, CLOCK, now)
    elif len(alive) < len(payment.parts):
        payment.parts = alive
        _price(session, payment, now)
        move(session, payment, PaymentAction.AMEND, CLOCK, now)


def live_parts(payment: Payment) -> list[PaymentPart]:
    """The parts whose orders wait for money."""
    return [
        p for p in payment.parts if p.order.state is OrderState.ACCEPTED and p.order.outstanding
    ]


def open_payments(session: Session, purchase_id: int) -> Sequence[Payment]:
    """The payments that a purchase is being asked for, the first first: seldom more than one."""
    return session.scalars(
        select(Payment)
        .where(Payment.purchase_id == purchase_id, Payment.state.in_(OPEN))
        .order_by(Payment.id)
        .options(selectinload(Payment.parts))
    ).all()


def open_payment(session: Session, purchase_id: int) -> Payment | None:
    """The first of them, if there is one."""
    return next(iter(open_payments(session, purchase_id)), None)


def reprice(session: Session, payment: Payment, now: datetime) -> None:
    """Sets the amount anew if the buyer's credit or the parts have changed."""
    if payment.amount - payment.unique_digits != _base(session, payment):
        _price(session, payment, now)
        move(session, payment, PaymentAction.AMEND, CLOCK, now)


def free_credit(session: Session, payment: Payment) -> int:
    """The buyer's credit, less what other payments that are awaited count on already."""
    credit = credit_of(session, payment.purchase_id or payment.purchase.id)
    return max(credit - counted_on(session, payment, AWAITED), 0) if credit > 0 else 0


def counted_on(
    session: Session,
    payment: Payment,
    states: Collection[PaymentState],
    *,
    but: Collection[int] = (),
) -> int:
    """Credit of the purchase that payments in these states count on, other than this one and those
    (ids) that are left out: they ask for so much less than their parts."""
    purchase_id = payment.purchase_id or payment.purchase.id
    with session.no_autoflush:
        others = session.scalars(
            select(Payment)
            .where(Payment.purchase_id == purchase_id, Payment.state.in_(states))
            .options(selectinload(Payment.parts))
        ).all()
    return sum(
        sum(part.amount for part in other.parts) + other.unique_digits - other.amount
        for other in others
        if other is not payment and other.id not in but
    )


def change_method(
    session: Session, payment: Payment, method: PaymentMethod, by: By, now: datetime
) -> None:
    """The buyer pays in another way (not in cash). Raises MoveRefused once it is not open."""
    if payment.state not in OPEN:
        after(payment, PaymentAction.AMEND)
    if payment.method is not method:
        payment.method = method
        _price(session, payment, now)
        move(session, payment, PaymentAction.AMEND, by, now)


def ask_again(
    session: Session, payment: Payment, by: By, now: datetime, reason: str, amount: int
) -> None:
    """What was booked for it (rupiah) was a mistake: it is asked as before, unless somebody else
    has been asked the very same amount since."""
    digits = payment.unique_digits
    payment.state, payment.confirmed_by_id = after(payment, PaymentAction.REVERSE), None
    # Its digits may be somebody else's by now; without parts nothing is asked, and it lapses below.
    payment.unique_digits = 0
    if payment.parts:
        payment.amount -= digits
        session.flush()
        _price(session, payment, now, keep=digits)
    note(session, payment, PaymentAction.REVERSE, by, now, reason, amount=amount)
    drop_dead(session, payment, now)


def done_last_by(payment: Payment, *actions: PaymentAction) -> int | None:
    """Whose the last of these actions was, if a person has done one."""
    return next((e.actor_id for e in reversed(payment.events) if e.action in actions), None)


def move(
    session: Session,
    payment: Payment,
    action: PaymentAction,
    by: By,
    now: datetime,
    reason: str | None = None,
    *,
    amount: int | None = None,
) -> PaymentEvent:
    """Moves a payment along its table, with an event, of what is asked or of `amount`. Raises
    MoveRefused."""
    payment.state = after(payment, action)
    return note(session, payment, action, by, now, reason, amount=amount)


def after(payment: Payment, action: PaymentAction) -> PaymentState:
    """The state that the action leads to; a refusal in the reader's words."""
    try:
        return payment_after(payment.state, action)
    except MoveRefused as refused:
        raise moved_on(payment, **refused.details) from None


def moved_on(payment: Payment, **details: Any) -> MoveRefused:
    """The refusal of what was decided on another state than the present one."""
    return MoveRefused(
        _(
            "Keadaan pembayaran ini sudah berubah: %(state)s. Muat ulang halamannya.",
            state=PAYMENT_STATES[payment.state],
        ),
        **details,
    )


def note(
    session: Session,
    payment: Payment,
    action: PaymentAction,
    by: By,
    now: datetime,
    reason: str | None = None,
    *,
    amount: int | None = None,
) -> PaymentEvent:
    """Writes what has just happened to a payment, and announces it."""
    event = PaymentEvent(
        payment=payment,
        at=now,
        actor=by.actor,
        actor_id=by.user_id,
        action=action,
        state=payment.state,
        amount=payment.amount if amount is None else amount,
        reason=to_keep(session, payment.purchase_id, reason),
    )
    session.add(event)
    session.flush()
    payments_moved.send(None, session=session, events=[event])
    return event


def _price(session: Session, payment: Payment, now: datetime, keep: int | None = None) -> None:
    """Sets what is asked, with digits that make it unique where it is a transfer: the present ones,
    or those to `keep`, if they are free."""
    base = _base(session, payment)
    keep = payment.unique_digits if keep is None else keep
    if payment.method is not PaymentMethod.TRANSFER:
        payment.amount, payment.unique_digits = base, 0
        session.add(payment)
        session.flush()
        return
    for _attempt in range(_TRIES):
        digits = _free_digits(session, payment, base, now, keep)
        try:
            # Somebody may take the same amount at this moment: the index knows.
            with session.begin_nested():
                payment.amount, payment.unique_digits = base + digits, digits
                session.add(payment)
                session.flush()
        except IntegrityError:
            continue
        return
    payment.amount, payment.unique_digits = base, 0
    session.add(payment)
    session.flush()


def _base(session: Session, payment: Payment) -> int:
    """What is asked without digits: the parts less the buyer's credit. Credit that covers all of
    them is used by receiving.use_credit."""
    total = sum(part.amount for part in payment.parts)
    rest = total - free_credit(session, payment)
    return rest if rest > 0 else total


def _free_digits(session: Session, payment: Payment, base: int, now: datetime, keep: int) -> int:
    """Digits (1 to 999) that give an amount which no awaited payment has; 0 if all are taken.

    Those to `keep` are taken if they can be, so that the amount changes as little as possible.
    """
    with session.no_autoflush:
        rows = session.execute(
            select(Payment.amount, Payment.id).where(
                Payment.method == PaymentMethod.TRANSFER,
                Payment.amount.between(base + 1, base + MOST_UNIQUE_DIGITS),
                Payment.state.in_(AWAITED),
            )
        ).all()
        # Amounts that were asked lately, also by payments that have closed or ask another by now.
        former = session.scalars(
            select(PaymentEvent.amount).where(
                PaymentEvent.amount.between(base + 1, base + MOST_UNIQUE_DIGITS),
                PaymentEvent.at > now - REST,
                PaymentEvent.payment_id != (payment.id or 0),
            )
        ).all()
    # A round amount says nothing of who sent it (matching.py), whatever digits have made it round.
    round_ = -base % 1000
    taken = {row.amount - base for row in rows if row.id != payment.id} | {round_}
    resting = {amount - base for amount in former}
    if keep and keep not in taken:
        return keep
    return _pick(taken | resting) or _pick(taken)


def _pick(taken: Iterable[int]) -> int:
    free = sorted(set(range(1, MOST_UNIQUE_DIGITS + 1)).difference(taken))
    return random.choice(free) if free else 0
