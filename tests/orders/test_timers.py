"""What the clock does to orders: at the very second, once, and whatever was missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from structlog import PrintLogger, wrap_logger
from structlog.testing import LogCapture

from ovop_market import jobs
from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.core.errors import MoveRefused
from ovop_market.core.tokens import secret_token
from ovop_market.orders import queries
from ovop_market.orders.models import Cart, Order, OrderEvent, PaymentMethod
from ovop_market.orders.services import cart as carts
from ovop_market.orders.services import lifecycle, timers
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.signals import order_moved
from ovop_market.orders.states import TIMERS, Action, Actor, OrderState, timer_of
from ovop_market.payments.models import Payment
from ovop_market.payments.services import claims
from ovop_market.payments.states import PaymentState
from tests.factories import NOW, make_order, make_producer, make_user, pay

S = OrderState
BUYER, PRODUCER = By(Actor.BUYER), By(Actor.PRODUCER)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
# From which state the clock does what, how long after it began; and when it reminds. As the
# documents say it, not as the table does.
DUE = {
    S.PLACED: (24 * HOUR, S.EXPIRED),
    S.COUNTERED: (24 * HOUR, S.EXPIRED),
    S.ACCEPTED: (72 * HOUR, S.EXPIRED),
    S.SHIPPED: (7 * DAY, S.RECEIVED),
}
REMINDED = {S.PLACED: 12 * HOUR, S.COUNTERED: 12 * HOUR, S.ACCEPTED: 48 * HOUR, S.SHIPPED: 5 * DAY}
timed = pytest.mark.parametrize("state", DUE)


def act_at(session: Session, moment: datetime) -> list[Order]:
    """The clock at a moment, without reminders; the orders that it moved."""
    moved = []
    for timer in TIMERS:
        for waiting in timers.overdue(session, timer, moment, limit=100):
            event = timers.run_out(session, waiting.id, moment)
            moved += [event.order] if event else []
    return moved


def remind_at(session: Session, moment: datetime) -> list[Order]:
    """Whom the clock reminds at a moment."""
    reminded = []
    for timer in TIMERS:
        for waiting in timers.unreminded(session, timer, moment, limit=100):
            event = timers.remind(session, waiting.id, moment)
            reminded += [event.order] if event else []
    return reminded


def actions(order: Order) -> list[Action]:
    return [event.action for event in order.events]


@pytest.fixture
def tick(app: Flask, session: Session) -> Callable[[], Counter[str]]:
    """All jobs once, as the worker runs them; what they did."""

    def run() -> Counter[str]:
        session.commit()
        done: Counter[str] = Counter()
        for job in jobs.JOBS:
            done += jobs.run(app, job).counts
        session.expire_all()
        return +Counter({what: n for what, n in done.items() if what in (*Action, "failed")})

    return run


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> LogCapture:
    """What the jobs log."""
    capture = LogCapture()
    monkeypatch.setattr(jobs, "log", wrap_logger(PrintLogger(), processors=[capture]))
    return capture


def test_no_state_is_forgotten() -> None:
    assert {timer.state for timer in TIMERS} == set(DUE) == set(REMINDED)


@timed
def test_not_a_second_early(session: Session, state: OrderState) -> None:
    order = make_order(session, state)
    after, target = DUE[state]
    assert act_at(session, NOW + after - SECOND) == []
    # The look may be an old one; the decision is not.
    assert timers.run_out(session, order.id, NOW + after - SECOND) is None
    assert order.state is state
    assert act_at(session, NOW + after) == [order]
    assert order.state is target
    assert (order.due_at, order.reminded_at) == (None, None)
    event = order.events[-1]
    assert (event.actor, event.actor_id, event.at) == (Actor.CLOCK, None, NOW + after)
    assert timers.run_out(session, order.id, NOW + after) is None
    assert not list(queries.stock_differences(session))


def test_nothing_else_moves_by_itself(session: Session) -> None:
    for state in set(S) - set(DUE):
        order = make_order(session, state)
        assert timer_of(state) is None
        assert timers.run_out(session, order.id, NOW + 365 * DAY) is None
        assert order.state is state
    assert act_at(session, NOW + 365 * DAY) == remind_at(session, NOW + 13 * HOUR) == []


def test_an_unpaid_order_frees_its_stock_and_is_asked_for_no_more(session: Session) -> None:
    order = make_order(session, S.ACCEPTED)
    act_at(session, NOW + 72 * HOUR)
    assert [hold.quantity for line in order.lines for hold in line.holds] == [0]
    assert session.scalars(select(Payment)).one().state is PaymentState.LAPSED


def test_a_cash_order_waits_for_no_money(session: Session) -> None:
    producer = make_producer(session, cash_on_delivery=True)
    order = make_order(session, S.ACCEPTED, producer=producer, method=PaymentMethod.COD)
    assert act_at(session, NOW + 30 * DAY) == remind_at(session, NOW + 49 * HOUR) == []
    assert order.state is S.ACCEPTED


def test_a_paid_order_does_not_lapse(session: Session) -> None:
    order = make_order(session, S.ACCEPTED)
    pay(session, order)
    assert act_at(session, NOW + 30 * DAY) == []
    assert order.state is S.ACCEPTED


def claim(session: Session, order: Order, at: datetime) -> Payment:
    payment = session.scalars(select(Payment)).one()
    return claims.claim(session, payment, at, reference="BCA Sari", proof_key=None, by=BUYER)


def test_a_claimed_order_waits_for_the_operator(session: Session) -> None:
    order = make_order(session, S.ACCEPTED)
    claim(session, order, NOW + 72 * HOUR - SECOND)
    assert timers.run_out(session, order.id, NOW + 72 * HOUR) is None
    assert act_at(session, NOW + 30 * DAY) == remind_at(session, NOW + 49 * HOUR) == []


def test_a_rejection_gives_the_grace_again(session: Session) -> None:
    order = make_order(session, S.ACCEPTED)
    payment = claim(session, order, NOW + 71 * HOUR)
    operator = make_user(session, Role.OPERATOR)
    at = NOW + 100 * HOUR
    claims.reject(session, payment, operator.id, at, reason="belum masuk")
    assert remind_at(session, at + HOUR) == [], "the rejection has told them"
    assert act_at(session, at + 24 * HOUR - SECOND) == []
    assert act_at(session, at + 24 * HOUR) == [order]


def test_what_a_person_did_first_stands(session: Session) -> None:
    order = make_order(session, S.COUNTERED)
    (found,) = timers.overdue(session, TIMERS[1], NOW + 25 * HOUR, limit=10)
    lifecycle.agree(session, order, BUYER, NOW + 25 * HOUR)
    assert timers.run_out(session, found.id, NOW + 25 * HOUR) is None
    assert order.state is S.ACCEPTED
    assert order.due_at == NOW + (25 + 72) * HOUR


def test_what_the_clock_did_first_stands(session: Session) -> None:
    order = make_order(session, S.COUNTERED)
    act_at(session, NOW + 25 * HOUR)
    with pytest.raises(MoveRefused, match="Lewat waktu") as refused:
        lifecycle.agree(session, order, BUYER, NOW + 25 * HOUR)
    assert refused.value.details["state"] is S.EXPIRED


def test_a_new_state_has_a_time_of_its_own(session: Session) -> None:
    order = make_order(session, S.COUNTERED, now=NOW)
    lifecycle.agree(session, order, BUYER, NOW + 23 * HOUR)
    assert act_at(session, NOW + (23 + 72) * HOUR - SECOND) == []
    assert act_at(session, NOW + (23 + 72) * HOUR) == [order]


@timed
def test_reminded_once_and_in_time(session: Session, state: OrderState) -> None:
    order = make_order(session, state)
    at = NOW + REMINDED[state]
    assert remind_at(session, at - SECOND) == []
    assert remind_at(session, at) == [order]
    assert remind_at(session, at + HOUR) == []
    assert actions(order).count(Action.REMIND) == 1
    assert (order.state, order.reminded_at) == (state, at)
    # A second look that was under way at the same moment.
    assert timers.remind(session, order.id, at + HOUR) is None


def test_nobody_is_reminded_of_what_is_over(session: Session) -> None:
    for state, (after, _target) in DUE.items():
        order = make_order(session, state)
        assert order not in remind_at(session, NOW + after)
        assert timers.remind(session, order.id, NOW + after) is None
        # The last moment at which there is something to be reminded of.
        assert order in remind_at(session, NOW + after - SECOND)


def test_each_state_has_its_reminder(session: Session) -> None:
    order = make_order(session)
    assert remind_at(session, NOW + 13 * HOUR) == [order]
    lifecycle.accept(session, order, PRODUCER, NOW + 14 * HOUR)
    assert order.reminded_at is None
    assert remind_at(session, NOW + (14 + 48) * HOUR) == [order]
    assert actions(order).count(Action.REMIND) == 2


def test_a_list_is_read_in_pieces(session: Session) -> None:
    # Some due at the same moment: a piece may end between them.
    orders = [make_order(session, now=NOW + n // 3 * HOUR) for n in range(7)]
    found: list[str] = []
    after = None
    while piece := timers.overdue(session, TIMERS[0], NOW + 9 * DAY, after=after, limit=2):
        found += [waiting.number for waiting in piece]
        after = piece[-1]
    assert found == [order.number for order in orders]


def test_a_week_without_a_worker_is_caught_up(
    session: Session, tick: Callable[[], Counter[str]], clock_at: Callable[[datetime], None]
) -> None:
    for state in DUE:
        make_order(session, state)
    clock_at(NOW + 7 * DAY + HOUR)
    assert tick() == {"lapse": 3, "receive": 1}
    assert session.scalars(select(OrderEvent).where(OrderEvent.action == Action.REMIND)).all() == []
    for _ in range(2):
        assert tick() == {}
    assert not list(queries.stock_differences(session))


def test_reminders_and_their_end(
    session: Session, tick: Callable[[], Counter[str]], clock_at: Callable[[datetime], None]
) -> None:
    for state in DUE:
        make_order(session, state)
    clock_at(NOW + 13 * HOUR)
    assert tick() == {"remind": 2}
    assert tick() == {}
    clock_at(NOW + 49 * HOUR)
    assert tick() == {"lapse": 2, "remind": 1}
    assert tick() == {}
    clock_at(NOW + 6 * DAY)
    assert tick() == {"lapse": 1, "remind": 1}
    clock_at(NOW + 8 * DAY)
    assert tick() == {"receive": 1}
    assert tick() == {}


def test_one_failing_order_does_not_stop_the_others(
    session: Session,
    tick: Callable[[], Counter[str]],
    clock_at: Callable[[datetime], None],
    monkeypatch: pytest.MonkeyPatch,
    said: LogCapture,
) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 2)
    orders = [make_order(session, name="Sari Contoh") for _ in range(5)]
    broken = orders[0].number

    def refuse(order: Order, **_rest: Any) -> None:
        if order.number == broken:
            raise ValueError(f"nobody must read of {order.purchase.name}")

    clock_at(NOW + 25 * HOUR)
    with order_moved.connected_to(refuse):
        assert tick() == {"lapse": 4, "failed": 1}
    assert orders[0].state is S.PLACED
    assert session.scalars(select(OrderEvent).where(OrderEvent.action == Action.LAPSE)).all()
    (told,) = [line for line in said.entries if line["event"] == "job failed"]
    assert (told["order"], told["error"]) == (broken, "ValueError")
    assert "Sari" not in repr(said.entries)
    # It is found again, and done as soon as it can be.
    assert tick() == {"lapse": 1}


def test_a_job_that_fails_does_not_stop_the_others(
    app: Flask, monkeypatch: pytest.MonkeyPatch, said: LogCapture
) -> None:
    def fail(*_all: Any, **_named: Any) -> None:
        raise OSError("the network is down")

    monkeypatch.setattr(jobs.sending, "run", fail)
    reports = {job.name: jobs.run(app, job) for job in jobs.JOBS}
    assert [name for name, report in reports.items() if report.failed] == ["notices"]
    failures = [line for line in said.entries if line["event"] == "job failed"]
    assert [line["job"] for line in failures] == ["notices"]


def test_what_nobody_needs_is_swept_away(app: Flask, session: Session) -> None:
    now = clock.now()
    for age in (29 * DAY, 31 * DAY):
        carts.create(session, secret_token(), now - age)
    session.commit()
    (job,) = [job for job in jobs.JOBS if job.name == "sweep"]
    assert jobs.run(app, job).counts == {"carts": 1}
    assert jobs.run(app, job).counts == {}
    assert session.scalar(select(func.count(Cart.id))) == 1


def test_it_stops_between_two_orders(
    app: Flask, session: Session, clock_at: Callable[[datetime], None]
) -> None:
    for _ in range(3):
        make_order(session)
    session.commit()
    clock_at(NOW + 25 * HOUR)
    answers = iter([False, False, False, False, True])
    (job,) = [job for job in jobs.JOBS if job.name == "timers"]
    report = jobs.run(app, job, lambda: next(answers, True))
    assert report.counts == {"lapse": 2}


def test_tick_says_what_it_did(
    app: Flask, session: Session, clock_at: Callable[[datetime], None]
) -> None:
    make_order(session)
    make_order(session, S.SHIPPED)
    session.commit()
    clock_at(NOW + 8 * DAY)
    answer = app.test_cli_runner().invoke(args=["tick"])
    assert answer.exit_code == 0, answer.output
    assert "timers: 1 lapse, 1 receive\n" in answer.output
    assert "timers: nothing\n" in app.test_cli_runner().invoke(args=["tick"]).output


def test_tick_fails_when_something_does(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.sending, "run", lambda *_all: 1 / 0)
    answer = app.test_cli_runner().invoke(args=["tick"])
    assert answer.exit_code == 1
    assert "notices: 1 failed\n" in answer.output
