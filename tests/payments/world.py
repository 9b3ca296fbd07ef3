"""A small market in which anything may happen: what people, the bank and the clock do, as steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.core.errors import MarketError
from ovop_market.orders.models import Order, PaymentMethod, Purchase
from ovop_market.orders.services import lifecycle, notes
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import AccountKind, Payment, PayoutAccount, PayoutBatch, Refund
from ovop_market.payments.queries.balances import balance
from ovop_market.payments.services import (
    asking,
    claims,
    corrections,
    ledger,
    payouts,
    receiving,
    refunds,
)
from ovop_market.payments.services.receiving import Receipt
from ovop_market.payments.states import (
    AWAITED,
    OPEN,
    BatchState,
    PaymentState,
    RefundKind,
    RefundState,
)
from tests.factories import NOW, make_producer, make_product, make_purchase, make_user

T = TypeVar("T")
PRODUCER, BUYER, CLOCK = By(Actor.PRODUCER), By(Actor.BUYER), By(Actor.CLOCK)
ORDER_STEPS = {
    "accept": (Action.ACCEPT, PRODUCER),
    "decline": (Action.DECLINE, PRODUCER),
    "give_up": (Action.GIVE_UP, PRODUCER),
    "start": (Action.START, PRODUCER),
    "finish": (Action.FINISH, PRODUCER),
    "cancel": (Action.CANCEL, BUYER),
    "dispute": (Action.DISPUTE, BUYER),
    "lapse": (Action.LAPSE, CLOCK),
}
# `advance` takes an order on by its usual next step: chance alone would seldom get far.
STEPS = (
    *("advance",) * 12,
    *ORDER_STEPS,
    "agree",
    "counter",
    "revoke",
    "settle_for_buyer",
    "settle_for_producer",
    "remind",
    "pay",
    "pay_less",
    "pay_less",
    "pay_more",
    "pay_again",
    "pay_again",
    "gateway",
    "statement",
    "statement",
    "method",
    "claim",
    "claim",
    "claim",
    "reject",
    "reject",
    "take_back",
    "take_back",
    "refund_goods",
    "refund_shipping",
    "send_refund",
    "recall_refund",
    "withdraw_refund",
    "withdraw_refund",
    "make_batch",
    "send_batch",
    "recall_batch",
    "undo_batch",
)


@dataclass
class World:
    """A purchase of three orders, another one of one of their producers, and an operator; time goes
    on by nine hours a step."""

    session: Session
    purchases: list[Purchase]
    operator: User
    now: datetime = NOW
    # What has come to the bank and the gateway so far.
    came: int = 0
    steps: list[str] = field(default_factory=list)

    @property
    def by(self) -> By:
        return By(Actor.OPERATOR, self.operator.id)

    @property
    def orders(self) -> list[Order]:
        return [order for purchase in self.purchases for order in purchase.orders]

    def here(self) -> int:
        """What is at the bank and the gateway, by the books."""
        return -balance(self.session, AccountKind.BANK) - balance(self.session, AccountKind.GATEWAY)

    def take(self, step: str, which: int, number: int) -> None:
        order = self.orders[which]
        self.now += timedelta(hours=9)
        if step in ORDER_STEPS:
            action, by = ORDER_STEPS[step]
            lifecycle.act(self.session, order, action, by, self.now, reason="alasan")
        else:
            getattr(self, f"_{step}")(order, number)

    def _advance(self, order: Order, number: int) -> None:
        match order.state:
            case OrderState.PLACED:
                lifecycle.accept(self.session, order, PRODUCER, self.now)
            case OrderState.COUNTERED:
                self._agree(order, number)
            case OrderState.ACCEPTED if order.outstanding and not order.cash:
                self._pay(order, number)
            case OrderState.ACCEPTED | OrderState.PREPARING:
                lifecycle.act(self.session, order, Action.FINISH, PRODUCER, self.now)
            case OrderState.READY:
                self._ship(order, number)
            case OrderState.SHIPPED:
                self._receive(order, number)

    def _statement(self, _order: Order, number: int) -> None:
        """The bank's file brings all that is asked, in any order: it is never refused."""
        awaited = self.session.scalars(
            select(Payment)
            .where(Payment.state.in_(AWAITED), Payment.method != PaymentMethod.GATEWAY)
            .order_by(Payment.id)
        ).all()
        found = [Receipt(payment.id, payment.amount) for payment in awaited]
        if number % 2:
            found.reverse()
        if not found:
            return
        try:
            receiving.receive(self.session, found, self.by, self.now)
        except MarketError as refusal:
            raise AssertionError(f"a statement was refused: {refusal}") from refusal
        self.came += sum(receipt.amount for receipt in found)

    def _agree(self, order: Order, _number: int) -> None:
        lifecycle.agree(self.session, order, BUYER, self.now)

    def _counter(self, order: Order, _number: int) -> None:
        offered = {line.id: line.quantity - 1 for line in order.lines}
        lifecycle.counter(
            self.session, order, PRODUCER, self.now, quantities=offered, ready_by=None
        )

    def _ship(self, order: Order, _number: int) -> None:
        lifecycle.ship(self.session, order, PRODUCER, self.now, courier="JNE", tracking_number="1")

    def _receive(self, order: Order, _number: int) -> None:
        lifecycle.receive(self.session, order, BUYER, self.now)

    def _remind(self, order: Order, _number: int) -> None:
        notes.remind(self.session, order, self.now)

    def _revoke(self, order: Order, _number: int) -> None:
        lifecycle.act(self.session, order, Action.REVOKE, self.by, self.now, reason="alasan")

    def _settle_for_buyer(self, order: Order, number: int) -> None:
        lifecycle.settle(
            self.session,
            order,
            self.by,
            self.now,
            for_buyer=True,
            reason="rusak",
            cash_paid=number % 2 == 0,
        )

    def _settle_for_producer(self, order: Order, _number: int) -> None:
        lifecycle.settle(self.session, order, self.by, self.now, for_buyer=False, reason="utuh")

    def _payment(self, order: Order, number: int, *states: PaymentState) -> Payment:
        found = self.session.scalars(
            select(Payment)
            .where(Payment.purchase_id == order.purchase_id, Payment.state.in_(states))
            .order_by(Payment.id.desc())
        ).all()
        return _one_of(found, number)

    def _money(self, payment: Payment, amount: int) -> None:
        receiving.confirm(self.session, payment, self.by, self.now, amount=amount)
        self.came += amount

    def _pay(self, order: Order, number: int) -> None:
        payment = self._payment(order, number, *AWAITED)
        self._money(payment, payment.amount)

    def _pay_less(self, order: Order, number: int) -> None:
        payment = self._payment(order, number, *AWAITED)
        self._money(payment, 1 + number % payment.amount)

    def _pay_more(self, order: Order, number: int) -> None:
        payment = self._payment(order, number, *AWAITED)
        self._money(payment, payment.amount + number)

    def _pay_again(self, order: Order, number: int) -> None:
        # With a key of its own: it is another transfer, not the same tap again.
        payment = self._payment(order, number, PaymentState.CONFIRMED, PaymentState.LAPSED)
        by = By(Actor.OPERATOR, self.operator.id, f"again {len(self.steps)}")
        receiving.confirm(self.session, payment, by, self.now, amount=number)
        self.came += number

    def _claim(self, order: Order, number: int) -> None:
        payment = self._payment(order, number, *AWAITED)
        claims.claim(self.session, payment, self.now, reference="Sari", proof_key=None, by=BUYER)

    def _reject(self, order: Order, number: int) -> None:
        payment = self._payment(order, number, PaymentState.CLAIMED)
        claims.reject(self.session, payment, self.operator.id, self.now, reason="belum")

    def _gateway(self, order: Order, number: int) -> None:
        # A page there may be older than what is asked now: it brings what was asked then.
        payment = self._payment(order, number, *AWAITED)
        amounts = (
            payment.amount,
            payment.amount - payment.unique_digits,
            1 + number % payment.amount,
        )
        receipt = Receipt(payment.id, amounts[number % 3], ledger.GATEWAY)
        receiving.receive(self.session, [receipt], CLOCK, self.now)
        self.came += receipt.amount

    def _method(self, order: Order, number: int) -> None:
        payment = self._payment(order, number, *OPEN)
        method = (PaymentMethod.TRANSFER, PaymentMethod.QRIS, PaymentMethod.GATEWAY)[number % 3]
        asking.change_method(self.session, payment, method, BUYER, self.now)

    def _take_back(self, order: Order, number: int) -> None:
        payment = self._payment(order, number, *PaymentState)
        before = self.here()
        corrections.take_back(self.session, payment, self.by, self.now, reason="salah")
        self.came += self.here() - before

    def _refund_goods(self, order: Order, number: int) -> None:
        self._refund(order, RefundKind.GOODS, number)

    def _refund_shipping(self, order: Order, number: int) -> None:
        self._refund(order, RefundKind.SHIPPING, number)

    def _refund(self, order: Order, kind: RefundKind, number: int) -> None:
        refunds.owe_part(self.session, order, kind, number, self.by, self.now, reason="kurang")

    def _refund_in(self, state: RefundState, number: int) -> Refund:
        return _one_of(
            self.session.scalars(select(Refund).where(Refund.state == state)).all(), number
        )

    def _send_refund(self, _order: Order, number: int) -> None:
        refund = self._refund_in(RefundState.DUE, number)
        refunds.send(
            self.session,
            refund,
            self.operator.id,
            self.now,
            reference=f"TRX {number}",
            at_gateway=number % 3 == 0,
        )

    def _recall_refund(self, _order: Order, number: int) -> None:
        refund = self._refund_in(RefundState.SENT, number)
        refunds.recall(self.session, refund, self.by, self.now)

    def _withdraw_refund(self, _order: Order, number: int) -> None:
        refund = self._refund_in(RefundState.DUE, number)
        corrections.withdraw_refund(self.session, refund, self.by, self.now, reason="tidak jadi")

    def _batch(self, state: BatchState) -> PayoutBatch:
        found = self.session.scalars(select(PayoutBatch).where(PayoutBatch.state == state)).all()
        return _one_of(found, 0)

    def _make_batch(self, _order: Order, _number: int) -> None:
        self.now += timedelta(days=3)
        payouts.make_batch(self.session, self.by, self.now)

    def _send_batch(self, _order: Order, number: int) -> None:
        batch = self._batch(BatchState.MADE)
        payouts.mark_sent(self.session, batch, self.by, self.now, reference=f"BATCH {number}")

    def _recall_batch(self, _order: Order, _number: int) -> None:
        payouts.recall(self.session, self._batch(BatchState.SENT), self.by, self.now)

    def _undo_batch(self, _order: Order, _number: int) -> None:
        payouts.undo(self.session, self._batch(BatchState.MADE), self.by, self.now)


def _one_of(found: Sequence[T], number: int) -> T:
    if not found:
        raise MarketError("there is none")
    return found[number % len(found)]


def begin(session: Session, *, cash: bool) -> World:
    wanted = []
    for ready in (10, 10, 0):
        producer = make_producer(session, cash_on_delivery=True)
        session.add(
            PayoutAccount(
                producer_id=producer.id,
                bank="Bank Contoh",
                number="1234567890",
                holder=producer.name,
                changed_at=NOW,
            )
        )
        wanted.append((make_product(session, producer, ready=ready, capacity=20), 3))
    method = PaymentMethod.COD if cash else PaymentMethod.TRANSFER
    purchases = [
        make_purchase(session, wanted, method=method),
        make_purchase(session, wanted[:1], method=PaymentMethod.TRANSFER),
    ]
    return World(session, purchases, make_user(session, Role.OPERATOR))
