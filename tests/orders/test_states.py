"""The full grid: every state × action × actor, against the table as the design gives it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from ovop_market.core.errors import MoveRefused
from ovop_market.orders import states
from ovop_market.orders.states import Action, Actor, Facts, OrderState, move, moves_open_to

NOW = datetime(2026, 11, 24, tzinfo=UTC)
UNPAID = Facts(paid=False, cash=False, by_courier=True, received_at=None, now=NOW)
PAID = Facts(paid=True, cash=False, by_courier=True, received_at=None, now=NOW)
CASH = Facts(paid=False, cash=True, by_courier=True, received_at=None, now=NOW)
PAID_CASH = Facts(paid=True, cash=True, by_courier=True, received_at=None, now=NOW)
PAID_PICKUP = Facts(paid=True, cash=False, by_courier=False, received_at=None, now=NOW)
SITUATIONS = {
    "unpaid": UNPAID,
    "paid": PAID,
    "cash": CASH,
    "paid cash": PAID_CASH,
    "paid, pickup": PAID_PICKUP,
}

# Written from the design, not from the code: "STATE action actor" → (target, situations).
ALL = set(SITUATIONS)
COURIER = {"unpaid", "paid", "cash", "paid cash"}
EXPECTED = {
    "PLACED accept producer": ("ACCEPTED", ALL),
    "PLACED counter producer": ("COUNTERED", ALL),
    "PLACED decline producer": ("DECLINED", ALL),
    "PLACED lapse clock": ("EXPIRED", ALL),
    "PLACED cancel buyer": ("CANCELLED", ALL),
    "PLACED revoke operator": ("CANCELLED", ALL),
    "COUNTERED agree buyer": ("ACCEPTED", ALL),
    "COUNTERED lapse clock": ("EXPIRED", ALL),
    "COUNTERED cancel buyer": ("CANCELLED", ALL),
    "COUNTERED revoke operator": ("CANCELLED", ALL),
    "ACCEPTED lapse clock": ("EXPIRED", {"unpaid"}),
    "ACCEPTED cancel buyer": ("CANCELLED", {"unpaid", "cash"}),
    "ACCEPTED start producer": ("PREPARING", {"paid", "cash", "paid cash", "paid, pickup"}),
    "ACCEPTED finish producer": ("READY", {"paid", "cash", "paid cash", "paid, pickup"}),
    "ACCEPTED give_up producer": ("CANCELLED", {"cash"}),
    "PREPARING give_up producer": ("CANCELLED", {"cash"}),
    "READY give_up producer": ("CANCELLED", {"cash"}),
    "ACCEPTED revoke operator": ("CANCELLED", ALL),
    "PREPARING finish producer": ("READY", ALL),
    "PREPARING revoke operator": ("CANCELLED", ALL),
    "READY ship producer": ("SHIPPED", COURIER),
    "READY hand_over producer": ("RECEIVED", {"paid, pickup"}),
    "READY revoke operator": ("CANCELLED", ALL),
    "SHIPPED receive buyer": ("RECEIVED", ALL),
    "SHIPPED receive clock": ("RECEIVED", ALL),
    "SHIPPED dispute buyer": ("DISPUTED", ALL),
    "RECEIVED dispute buyer": ("DISPUTED", ALL),
    "DISPUTED settle_for_producer operator": ("RECEIVED", ALL),
    "DISPUTED settle_for_buyer operator": ("CANCELLED", ALL),
}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("state", OrderState)
def test_every_state_and_action(state: OrderState, situation: str) -> None:
    for action, actor in itertools.product(Action, Actor):
        target, when = EXPECTED.get(f"{state} {action} {actor}", (None, set()))
        if situation in when:
            assert move(state, action, actor, SITUATIONS[situation]).target == target
        else:
            with pytest.raises(MoveRefused):
                move(state, action, actor, SITUATIONS[situation])


def test_the_table_has_no_line_that_the_design_lacks() -> None:
    lines = {f"{m.source} {m.action} {m.actor}" for m in states.MOVES}
    assert lines == set(EXPECTED)
    assert len(states.MOVES) == len(lines), "a line stands twice"


@pytest.mark.parametrize(
    ("after", "possible"),
    [
        (timedelta(0), True),
        (timedelta(days=2), True),
        (timedelta(days=2, seconds=1), False),
    ],
)
def test_a_dispute_has_two_days_after_receipt(after: timedelta, possible: bool) -> None:
    facts = Facts(paid=True, cash=False, by_courier=True, received_at=NOW, now=NOW + after)
    assert (Action.DISPUTE in moves_open_to(Actor.BUYER, OrderState.RECEIVED, facts)) is possible


def test_what_was_held_is_released_on_every_exit_before_the_goods_leave() -> None:
    for line in states.MOVES:
        leaves_for_good = line.target in states.FINAL
        still_in_the_house = line.source is not OrderState.DISPUTED
        assert line.releases == (leaves_for_good and still_in_the_house), line
        assert line.refunds == leaves_for_good, line


def test_timers_are_moves_of_the_clock() -> None:
    for timer in states.TIMERS:
        assert move(timer.state, timer.action, Actor.CLOCK, UNPAID)
    due = {timer.state: timer.due for timer in states.TIMERS}
    assert due == {
        OrderState.PLACED: timedelta(hours=24),
        OrderState.COUNTERED: timedelta(hours=24),
        OrderState.ACCEPTED: timedelta(hours=72),
        OrderState.SHIPPED: timedelta(days=7),
    }


def test_final_states_stay_final() -> None:
    assert not [line for line in states.MOVES if line.source in states.FINAL]
