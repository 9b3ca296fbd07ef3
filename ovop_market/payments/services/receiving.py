"""Money that comes in: from one confirmation by hand, or from thousands of lines of a statement.

What comes for a payment is used for its orders as far as it covers them whole; what is left is the
buyer's credit, which the next ask takes into account and which is owed back when nothing more can
be asked. So an amount too small, too large or too late is never lost. Amounts are rupiah.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.orm import Session, joinedload, selectinload

from ovop_market.core.errors import Conflict, Unusable
from ovop_market.core.money import MAX_PRICE, format_rupiah
from ovop_market.extensions.database import AT_ONCE, write_all, write_changes
from ovop_market.orders.models import Order, PaymentMethod, Purchase
from ovop_market.orders.services import locks, notes
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor, OrderState
from ovop_market.payments.models import (
    Cause,
    LedgerTransaction,
    Payment,
    PaymentEvent,
    PaymentPart,
)
from ovop_market.payments.queries.balances import credit_of, credits_of
from ovop_market.payments.services import asking, ledger, refunds
from ovop_market.payments.services.ledger import Account, Leg, Posting
from ovop_market.payments.signals import payments_moved
from ovop_market.payments.states import AWAITED, OPEN, RECEIPTS, PaymentAction, PaymentState


@dataclass(frozen=True, slots=True)
class Receipt:
    """Rupiah that have come for a payment, to which account, and by which statement line."""

    payment_id: int
    amount: int
    account: Account = ledger.BANK
    line_id: int | None = None


@dataclass(slots=True)
class _Use:
    """What becomes of a receipt."""

    receipt: Receipt
    payment: Payment
    action: PaymentAction
    covered: list[PaymentPart]
    # Live parts that the money does not cover: asked anew.
    uncovered: list[PaymentPart]
    rounding: int
    credit_before: int
    credit_after: int


def receive(
    session: Session, receipts: Sequence[Receipt], by: By, now: datetime, *, key: str | None = None
) -> list[PaymentEvent]:
    """Books money for payments, many as fast as few; returns an event for each.

    Every receipt is of a payment of its own. `key` names the tap, where a person books one by hand.
    """
    payments = _locked(session, [receipt.payment_id for receipt in receipts])
    purchase_ids = {payment.purchase_id for payment in payments.values()}
    # All their producers at once: what comes for one order may move another of the purchase.
    locks.order_in_time(session, purchase_ids)
    credit = dict(credits_of(session, purchase_ids))
    uses: list[_Use] = []
    for receipt in receipts:
        payment = payments[receipt.payment_id]
        there = credit.get(payment.purchase_id, 0)
        use = _use(receipt, payment, there, _kept(session, payment, there, uses))
        credit[payment.purchase_id] = use.credit_after
        uses.append(use)
    write_changes(session, [(use.payment, _settle(use, by)) for use in uses])
    rows = [_event(session, use, by, now, key) for use in uses]
    events = write_all(session, PaymentEvent, rows)
    paid = [(part.order, part.amount) for use in uses for part in use.covered]
    if paid:
        notes.record_payments(session, paid, by, now)
    ledger.post_all(session, [_posting(use) for use in uses], by, now)
    payments_moved.send(None, session=session, events=events)
    for use in uses:
        _follow_up(session, use, by, now)
    return events


def _kept(session: Session, payment: Payment, credit: int, before: Sequence[_Use]) -> int:
    """How much of a buyer's credit is not for this payment: what others that are claimed count on,
    but for those whose money has been used just before."""
    if credit <= 0:
        return 0
    done = {use.payment.id for use in before}
    return min(credit, asking.counted_on(session, payment, [PaymentState.CLAIMED], but=done))


def confirm(
    session: Session,
    payment: Payment,
    by: By,
    now: datetime,
    *,
    amount: int | None = None,
) -> Payment:
    """A named operator has seen the money on the account: as much as asked, or `amount`.

    The same tap is booked once. Raises MoveRefused (409) when somebody else was quicker or the
    payment is not what the page said (`by.seen`: state and amount), Unusable for an amount that
    cannot be.
    """
    locks.lock_purchase(session, payment.purchase_id)
    session.refresh(payment)
    if _booked_before(session, payment, by, amount):
        return payment
    if amount is not None and not 0 < amount <= MAX_PRICE:
        raise Unusable(_("Isi jumlah uang yang masuk, dalam rupiah."), field="amount")
    _refuse_what_was_not_seen(payment, by, amount)
    receipt = Receipt(payment.id, payment.amount if amount is None else amount)
    receive(session, [receipt], by, now, key=by.idempotency_key)
    return payment


def use_credit(session: Session, purchase: Purchase, by: By, now: datetime) -> None:
    """What has changed of a buyer's credit, or of who counts on it, is told to what is asked;
    credit that covers it pays it; what nothing is asked for is owed back.

    It is kept as long as an order of the purchase may still be asked for, or a claimed payment is
    being looked at: that one counts on its part of it.
    """
    for each in asking.open_payments(session, purchase.id):
        asking.reprice(session, each, now)
    credit = credit_of(session, purchase.id)
    if credit <= 0:
        return
    payment = asking.open_payment(session, purchase.id)
    whole = sum(part.amount for part in payment.parts) if payment is not None else 0
    if payment is not None and asking.free_credit(session, payment) >= whole:
        receive(session, [Receipt(payment.id, 0)], _whoever_received(session, purchase, by), now)
        return
    if payment is not None:
        return
    waiting = (OrderState.PLACED, OrderState.COUNTERED)
    undecided = select(
        exists().where(Order.purchase_id == purchase.id, Order.state.in_(waiting))
        | exists().where(Payment.purchase_id == purchase.id, Payment.state == PaymentState.CLAIMED)
    )
    if not session.scalar(undecided):
        refunds.owe_surplus(session, purchase.id, credit, by, now)


def lock_purchases(session: Session, payment_ids: Sequence[int]) -> None:
    """Nobody else moves these payments until the transaction ends."""
    purchases: set[int] = set()
    for start in range(0, len(payment_ids), AT_ONCE):
        ids = payment_ids[start : start + AT_ONCE]
        purchases.update(session.scalars(select(Payment.purchase_id).where(Payment.id.in_(ids))))
    locks.lock_purchases(session, purchases)


def _locked(session: Session, payment_ids: Sequence[int]) -> Mapping[int, Payment]:
    """The payments as they are now, with their orders, which nobody else changes until the
    transaction ends."""
    lock_purchases(session, payment_ids)
    found: dict[int, Payment] = {}
    for start in range(0, len(payment_ids), AT_ONCE):
        ids = payment_ids[start : start + AT_ONCE]
        rows = session.scalars(
            select(Payment)
            .where(Payment.id.in_(ids))
            .options(
                joinedload(Payment.purchase),
                selectinload(Payment.parts).joinedload(PaymentPart.order),
            )
            .execution_options(populate_existing=True)
        )
        found |= {payment.id: payment for payment in rows}
    return found


def _use(receipt: Receipt, payment: Payment, credit: int, kept: int) -> _Use:
    """What becomes of money, with the buyer's credit but for what is kept of it for others."""
    left = credit - kept + receipt.amount
    covered: list[PaymentPart] = []
    uncovered: list[PaymentPart] = []
    rounding = 0
    action = PaymentAction.RECEIVE_LATE
    if payment.state in AWAITED:
        for part in asking.live_parts(payment):
            fits = part.amount <= left
            (covered if fits else uncovered).append(part)
            left -= part.amount if fits else 0
        # Digits are asked of transfers: credit that pays and the gateway's money have none.
        if covered and not uncovered and receipt.amount and receipt.account != ledger.GATEWAY:
            rounding = min(left, payment.unique_digits)
        # Of a payment whose orders are no more, all that comes is the buyer's.
        whole = bool(covered) or not uncovered
        action = PaymentAction.CONFIRM if whole else PaymentAction.RECEIVE_PART
    after = left + kept - rounding
    return _Use(receipt, payment, action, covered, uncovered, rounding, credit, after)


def _settle(use: _Use, by: By) -> dict[str, Any]:
    """Keeps in a payment what the money covers; returns its new state and who has confirmed it."""
    payment, target = use.payment, asking.after(use.payment, use.action)
    if use.action is not PaymentAction.CONFIRM:
        return {"state": target, "confirmed_by_id": payment.confirmed_by_id}
    if by.user_id is None and (use.receipt.account == ledger.GATEWAY or not use.receipt.amount):
        _by_the_gateway(payment, use.rounding)
    if len(use.covered) < len(payment.parts):
        payment.parts = use.covered
    if use.uncovered:
        payment.amount, payment.unique_digits = sum(p.amount for p in use.covered), 0
    return {"state": target, "confirmed_by_id": by.user_id}


def _event(session: Session, use: _Use, by: By, now: datetime, key: str | None) -> dict[str, Any]:
    """The line of the payment's history, as the database keeps it."""
    payment = use.payment
    if "events" in payment.__dict__:
        session.expire(payment, ["events"])
    return {
        "payment_id": payment.id,
        "at": now,
        "actor": by.actor,
        "actor_id": by.user_id,
        "action": use.action,
        "state": payment.state,
        "amount": use.receipt.amount,
        "idempotency_key": key,
    }


def _by_the_gateway(payment: Payment, rounding: int) -> None:
    """What no person confirms was paid at the gateway, whatever the buyer had chosen since. A
    transfer's digits that did not come are not asked any more."""
    payment.method = PaymentMethod.GATEWAY
    payment.amount -= payment.unique_digits - rounding
    payment.unique_digits = rounding


def _posting(use: _Use) -> Posting:
    payment, kept = use.payment, use.credit_after - use.credit_before
    used = [
        leg
        for part in use.covered
        for leg in (
            Leg(ledger.producer(part.order.producer_id), part.order.goods, part.order_id),
            Leg(ledger.SHIPPING, part.order.shipping, part.order_id),
        )
    ]
    return Posting(
        Cause.RECEIVED if use.receipt.amount else Cause.USED,
        debits=[
            Leg(use.receipt.account, use.receipt.amount),
            Leg(ledger.CREDIT, max(-kept, 0)),
        ],
        credits=[*used, Leg(ledger.ROUNDING, use.rounding), Leg(ledger.CREDIT, max(kept, 0))],
        purchase_id=payment.purchase_id,
        payment_id=payment.id,
        line_id=use.receipt.line_id,
    )


def _follow_up(session: Session, use: _Use, by: By, now: datetime) -> None:
    """What is not as it was asked: the rest is asked again, the surplus finds its use."""
    payment = use.payment
    if use.uncovered and use.action is PaymentAction.CONFIRM:
        asking.ask(session, [part.order for part in use.uncovered], now)
    elif use.action is PaymentAction.RECEIVE_PART and payment.state in OPEN:
        # (Not if what came beside it has paid it by now.) While it was claimed, one of its orders
        # may have come to nothing.
        asking.drop_dead(session, payment, now)
        asking.reprice(session, payment, now)
    for part in use.uncovered:
        if part.order.due_at is None:
            notes.start_clock(part.order, now)
    if use.credit_after or use.credit_before:
        use_credit(session, payment.purchase, by, now)
    session.flush()


def _refuse_what_was_not_seen(payment: Payment, by: By, amount: int | None) -> None:
    """Without an amount, what is booked is what is asked: it must be what the person looked at.

    To overrule what another operator has just said, that the money did not come, one must know it.
    """
    if amount is None and payment.state not in AWAITED:
        asking.after(payment, PaymentAction.CONFIRM)
    put_back_by = asking.done_last_by(payment, PaymentAction.REJECT, PaymentAction.REVERSE)
    unaware = amount is None and by.seen is None and put_back_by != by.user_id
    now_seen = f"{payment.state} {payment.amount}"
    # With the latest event, where a person books an amount: one that came late changes neither.
    known = (None, now_seen, f"{now_seen} {payment.events[-1].id}")
    if (payment.state is PaymentState.REJECTED and unaware) or by.seen not in known:
        raise asking.moved_on(payment, state=payment.state, action=PaymentAction.CONFIRM)


def _booked_before(session: Session, payment: Payment, by: By, amount: int | None) -> bool:
    """Whether this very tap has been booked, or, without a key, the same by the same person. Raises
    Conflict for a tap that says another amount by now."""
    if by.idempotency_key:
        booked = session.scalar(
            select(PaymentEvent.amount).where(
                PaymentEvent.payment_id == payment.id,
                PaymentEvent.idempotency_key == by.idempotency_key,
            )
        )
        if booked is not None and amount not in (None, booked):
            raise Conflict(
                _(
                    "Kiriman ini sudah dicatat, sebesar %(amount)s. Periksa riwayatnya.",
                    amount=format_rupiah(booked),
                )
            )
        return booked is not None
    if payment.state is not PaymentState.CONFIRMED or payment.confirmed_by_id != by.user_id:
        return False
    came = [event.amount for event in payment.events if event.action in RECEIPTS]
    return amount is None or amount == came[-1]


def _whoever_received(session: Session, purchase: Purchase, by: By) -> By:
    """Credit is money that an operator has confirmed: that one, if none acts now."""
    if by.actor is Actor.OPERATOR and by.user_id is not None:
        return by
    row = session.execute(
        select(LedgerTransaction.actor, LedgerTransaction.actor_id)
        .where(
            LedgerTransaction.purchase_id == purchase.id,
            LedgerTransaction.cause == Cause.RECEIVED,
        )
        .order_by(LedgerTransaction.id.desc())
        .limit(1)
    ).one()
    return By(row.actor, row.actor_id)
