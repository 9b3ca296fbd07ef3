"""Whatever people do with orders and money, in whatever order: the book stays whole.

Orders are placed, answered, paid by transfer in any amount, cancelled, disputed, refunded, paid
out. After every step nothing is asked twice and nothing is prepared unpaid; in the end the books
agree with everything: each rupiah that came in is with a producer, collected for a courier, owed
back, sent, or the buyer's credit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.core.errors import MarketError
from ovop_market.orders.models import Order, PaymentMethod, Purchase
from ovop_market.orders.services import lifecycle, notes
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import FINAL, Action, Actor, OrderState
from ovop_market.payments.models import (
    AccountKind,
    LedgerEntry,
    Payment,
    PaymentPart,
    PayoutAccount,
    PayoutBatch,
    Refund,
)
from ovop_market.payments.queries import books
from ovop_market.payments.queries.balances import balance, credit_of
from ovop_market.payments.services import claims, corrections, payouts, receiving, refunds
from ovop_market.payments.states import AWAITED, BatchState, PaymentState, RefundKind, RefundState
from tests.factories import NOW, make_producer, make_product, make_purchase, make_user

PRODUCER, BUYER, CLOCK = By(Actor.PRODUCER), By(Actor.BUYER), By(Actor.CLOCK)
ORDER_STEPS = {
    "accept": (Action.ACCEPT, PRODUCER),
    "decline": (Action.DECLINE, PRODUCER),
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
    "claim",
    "reject",
    "take_back",
    "take_back",
    "refund_goods",
    "refund_shipping",
    "send_refund",
    "make_batch",
    "send_batch",
    "undo_batch",
)
sequences = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 2), st.integers(1, 200_000)),
    min_size=8,
    max_size=40,
)


@dataclass
class World:
    """A purchase of three orders, and an operator; time goes on by nine hours a step."""

    session: Session
    purchase: Purchase
    operator: User
    now: datetime = NOW
    # What has come from the bank so far.
    came: int = 0
    steps: list[str] = field(default_factory=list)

    @property
    def by(self) -> By:
        return By(Actor.OPERATOR, self.operator.id)

    def take(self, step: str, which: int, number: int) -> None:
        order = self.purchase.orders[which]
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

    def _settle_for_buyer(self, order: Order, _number: int) -> None:
        lifecycle.settle(self.session, order, self.by, self.now, for_buyer=True, reason="rusak")

    def _settle_for_producer(self, order: Order, _number: int) -> None:
        lifecycle.settle(self.session, order, self.by, self.now, for_buyer=False, reason="utuh")

    def _payment(self, *states: PaymentState) -> Payment:
        payment = self.session.scalar(
            select(Payment)
            .where(Payment.purchase_id == self.purchase.id, Payment.state.in_(states))
            .order_by(Payment.id.desc())
            .limit(1)
        )
        if payment is None:
            raise MarketError("there is none")
        return payment

    def _money(self, payment: Payment, amount: int) -> None:
        receiving.confirm(self.session, payment, self.by, self.now, amount=amount)
        self.came += amount

    def _pay(self, _order: Order, _number: int) -> None:
        payment = self._payment(*AWAITED)
        self._money(payment, payment.amount)

    def _pay_less(self, _order: Order, number: int) -> None:
        payment = self._payment(*AWAITED)
        self._money(payment, 1 + number % payment.amount)

    def _pay_more(self, _order: Order, number: int) -> None:
        payment = self._payment(*AWAITED)
        self._money(payment, payment.amount + number)

    def _pay_again(self, _order: Order, number: int) -> None:
        # With a key of its own: it is another transfer, not the same tap again.
        payment = self._payment(PaymentState.CONFIRMED, PaymentState.LAPSED)
        by = By(Actor.OPERATOR, self.operator.id, f"again {len(self.steps)}")
        receiving.confirm(self.session, payment, by, self.now, amount=number)
        self.came += number

    def _claim(self, _order: Order, _number: int) -> None:
        payment = self._payment(*AWAITED)
        claims.claim(self.session, payment, self.now, reference="Sari", proof_key=None, by=BUYER)

    def _reject(self, _order: Order, _number: int) -> None:
        payment = self._payment(PaymentState.CLAIMED)
        claims.reject(self.session, payment, self.operator.id, self.now, reason="belum")

    def _take_back(self, _order: Order, number: int) -> None:
        payments = self.session.scalars(
            select(Payment).where(Payment.purchase_id == self.purchase.id).order_by(Payment.id)
        ).all()
        if not payments:
            raise MarketError("there is none")
        before = balance(self.session, AccountKind.BANK)
        payment = payments[number % len(payments)]
        corrections.take_back(self.session, payment, self.by, self.now, reason="salah")
        self.came -= balance(self.session, AccountKind.BANK) - before

    def _refund_goods(self, order: Order, number: int) -> None:
        self._refund(order, RefundKind.GOODS, number)

    def _refund_shipping(self, order: Order, number: int) -> None:
        self._refund(order, RefundKind.SHIPPING, number)

    def _refund(self, order: Order, kind: RefundKind, number: int) -> None:
        refunds.owe_part(self.session, order, kind, number, self.by, self.now, reason="kurang")

    def _send_refund(self, _order: Order, number: int) -> None:
        refund = self.session.scalar(select(Refund).where(Refund.state == RefundState.DUE).limit(1))
        if refund is None:
            raise MarketError("there is none")
        refunds.send(self.session, refund, self.operator.id, self.now, reference=f"TRX {number}")

    def _batch(self) -> PayoutBatch:
        batch = self.session.scalar(
            select(PayoutBatch).where(PayoutBatch.state == BatchState.MADE).limit(1)
        )
        if batch is None:
            raise MarketError("there is none")
        return batch

    def _make_batch(self, _order: Order, _number: int) -> None:
        self.now += timedelta(days=3)
        payouts.make_batch(self.session, self.by, self.now)

    def _send_batch(self, _order: Order, number: int) -> None:
        payouts.mark_sent(
            self.session, self._batch(), self.by, self.now, reference=f"BATCH {number}"
        )

    def _undo_batch(self, _order: Order, _number: int) -> None:
        payouts.undo(self.session, self._batch(), self.by, self.now)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=sequences, cash=st.booleans())
def test_any_sequence_leaves_the_books_in_order(
    session: Session, steps: list[tuple[str, int, int]], cash: bool
) -> None:
    try:
        world = begin(session, cash=cash)
        for step, which, number in steps:
            tried = session.begin_nested()
            came = world.came
            try:
                world.take(step, which, number)
                tried.commit()
                world.steps.append(step)
            except MarketError:
                tried.rollback()
                world.came = came
            check(world)
        assert not list(books.differences(session)), world.steps
    finally:
        session.rollback()


def begin(session: Session, *, cash: bool) -> World:
    wanted = []
    for ready in (10, 0, 0):
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
    purchase = make_purchase(session, wanted, method=method)
    return World(session, purchase, make_user(session, Role.OPERATOR))


def check(world: World) -> None:
    session = world.session
    session.flush()
    session.expire_all()
    # All that came from the bank is there, or has gone to somebody.
    sent_back = session.scalar(
        select(func.coalesce(func.sum(Refund.amount), 0)).where(Refund.state == RefundState.SENT)
    )
    paid_out = -balance(session, AccountKind.BANK) - world.came + sent_back
    assert paid_out <= 0, world.steps
    assert credit_of(session, world.purchase.id) >= 0
    for order in world.purchase.orders:
        _check_order(session, order, world.steps)
    _check_asked(session, world)


BEYOND_THE_GATE = (
    OrderState.PREPARING, OrderState.READY, OrderState.SHIPPED, OrderState.RECEIVED,
    OrderState.DISPUTED,
)  # fmt: skip


def _check_order(session: Session, order: Order, steps: list[str]) -> None:
    assert order.paid in (0, order.total), steps
    if order.state in BEYOND_THE_GATE and not order.cash:
        assert order.paid == order.total, ("prepared unpaid", steps)
    owed = sum(session.scalars(select(Refund.amount).where(Refund.order_id == order.id)))
    assert owed <= order.paid, ("more owed back than was paid", steps)
    if order.state in FINAL:
        assert owed == order.paid, ("kept without a reason", steps)


def _check_asked(session: Session, world: World) -> None:
    """Each order is asked for at most once, never when it is paid or dead, and nobody is asked for
    what lies there as their credit."""
    awaited = session.scalars(
        select(Payment).where(Payment.purchase_id == world.purchase.id, Payment.state.in_(AWAITED))
    ).all()
    asked = [part.order_id for payment in awaited for part in payment.parts]
    assert len(asked) == len(set(asked)), ("asked twice", world.steps)
    parts = session.scalars(
        select(PaymentPart).join(Payment).where(Payment.state.in_(AWAITED))
    ).all()
    for part in parts:
        if part.payment.state is not PaymentState.CLAIMED:
            assert part.order.state is OrderState.ACCEPTED and not part.order.paid, world.steps
        assert part.amount == part.order.total
    due = [
        order
        for order in world.purchase.orders
        if order.state is OrderState.ACCEPTED and order.outstanding and not order.cash
    ]
    assert {order.id for order in due} <= set(asked), ("not asked for", world.steps)
    credit = credit_of(session, world.purchase.id)
    for payment in awaited:
        if payment.state is not PaymentState.CLAIMED:
            total = sum(part.amount for part in payment.parts)
            assert payment.amount == total - credit + payment.unique_digits, world.steps
    waiting = (OrderState.PLACED, OrderState.COUNTERED)
    if credit and not awaited:
        assert any(o.state in waiting for o in world.purchase.orders), ("forgotten", world.steps)
    assert all(amount > 0 for amount in session.scalars(select(LedgerEntry.amount)))
