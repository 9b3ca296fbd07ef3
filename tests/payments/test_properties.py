"""Whatever people do with orders and money, in whatever order: the book stays whole.

Orders are placed, answered, paid by transfer in any amount, cancelled, disputed, refunded, paid
out. After every step nothing is asked twice and nothing is prepared unpaid; in the end the books
agree with everything: each rupiah that came in is with a producer, collected for a courier, owed
back, sent, or the buyer's credit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ovop_market.core.errors import MarketError
from ovop_market.orders.models import Order, Purchase
from ovop_market.orders.states import FINAL, OrderState
from ovop_market.payments.models import LedgerEntry, Payment, Payout, PayoutBatch, Refund
from ovop_market.payments.queries import books
from ovop_market.payments.queries.balances import credit_of
from ovop_market.payments.states import AWAITED, OPEN, BatchState, RefundState
from tests.payments.world import STEPS, World, begin

sequences = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 3), st.integers(1, 200_000)),
    min_size=8,
    max_size=50,
)


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


def check(world: World) -> None:
    session = world.session
    session.flush()
    session.expire_all()
    # All that has come is there, or has gone to somebody.
    sent_back = _sum(session, select(Refund.amount).where(Refund.state == RefundState.SENT))
    sent_batches = (
        select(Payout.amount).join(PayoutBatch).where(PayoutBatch.state == BatchState.SENT)
    )
    assert world.here() == world.came - sent_back - _sum(session, sent_batches), world.steps
    for order in world.orders:
        _check_order(session, order, world.steps)
    for purchase in world.purchases:
        _check_asked(session, purchase, world.steps)
    assert all(amount > 0 for amount in session.scalars(select(LedgerEntry.amount)))


def _sum(session: Session, amounts: Select[tuple[int]]) -> int:
    return sum(session.scalars(amounts))


BEYOND_THE_GATE = (
    OrderState.PREPARING, OrderState.READY, OrderState.SHIPPED, OrderState.RECEIVED,
    OrderState.DISPUTED,
)  # fmt: skip


def _check_order(session: Session, order: Order, steps: list[str]) -> None:
    assert order.paid in (0, order.total), steps
    if order.state in BEYOND_THE_GATE and not order.cash:
        assert order.paid == order.total, ("prepared unpaid", steps)
    refunds = select(Refund.amount).where(
        Refund.order_id == order.id, Refund.state != RefundState.WITHDRAWN
    )
    owed = _sum(session, refunds)
    assert owed <= order.paid, ("more owed back than was paid", steps)
    if order.state in FINAL:
        assert owed == order.paid, ("kept without a reason", steps)


def _check_asked(session: Session, purchase: Purchase, steps: list[str]) -> None:
    """Each order is asked for at most once, never when it is paid or dead, and nobody is asked for
    what lies there as their credit."""
    awaited = session.scalars(
        select(Payment).where(Payment.purchase_id == purchase.id, Payment.state.in_(AWAITED))
    ).all()
    asked = [part.order_id for payment in awaited for part in payment.parts]
    assert len(asked) == len(set(asked)), ("asked twice", steps)
    for payment in awaited:
        for part in payment.parts:
            assert part.amount == part.order.total
            if payment.state in OPEN:
                assert part.order.state is OrderState.ACCEPTED and not part.order.paid, steps
    due = [
        order
        for order in purchase.orders
        if order.state is OrderState.ACCEPTED and order.outstanding and not order.cash
    ]
    assert {order.id for order in due} <= set(asked), ("not asked for", steps)
    _check_credit(session, purchase, awaited, steps)


def _counted_on(payments: Iterable[Payment]) -> int:
    """How much less these ask for than their parts come to."""
    found = [
        sum(part.amount for part in payment.parts) + payment.unique_digits - payment.amount
        for payment in payments
    ]
    assert all(part >= 0 for part in found), found
    return sum(found)


def _check_credit(
    session: Session, purchase: Purchase, awaited: Sequence[Payment], steps: list[str]
) -> None:
    """What is asked is less by the credit, all of it and no more; it never waits for nothing. What
    a claim counts on may have been taken back since."""
    credit = credit_of(session, purchase.id)
    claimed = _counted_on(payment for payment in awaited if payment.state not in OPEN)
    asked = [payment for payment in awaited if payment.state in OPEN]
    if "take_back" not in steps:
        assert claimed <= credit, ("credit counted on twice", steps)
    if asked:
        free = max(credit - claimed, 0)
        assert _counted_on(asked) == free, ("asked beside credit, or less without it", steps)
    waiting = (OrderState.PLACED, OrderState.COUNTERED)
    if credit and not awaited:
        assert any(o.state in waiting for o in purchase.orders), ("forgotten", steps)
