"""Whom to visit, as pure rules."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ovop_market.reach import due_rules
from ovop_market.reach.due_rules import Known, Reason, Sales, Sold, Span, reasons
from ovop_market.reach.figures import Sums
from ovop_market.reach.filters import add_months
from ovop_market.villages.models import PermitKind

TODAY = date(2026, 11, 29)
THIS = date(2026, 11, 1)
ALL_VALID = dict.fromkeys(PermitKind)
FOOD = frozenset(PermitKind)
CRAFT = frozenset({PermitKind.NIB})


def months(**sold: tuple[int, int]) -> Sales:
    """m1 is the month that is over, m2 the one before …"""
    by_month = {add_months(THIS, -int(name[1:])): Sold(*pair) for name, pair in sold.items()}
    spans = due_rules.spans(TODAY)

    def within(span: Span) -> list[Sold]:
        return [sold for month, sold in by_month.items() if span.first <= month <= span.last]

    def over(span: Span) -> Sold:
        found = within(span)
        return Sold(sum(sold.orders for sold in found), sum(sold.revenue for sold in found))

    star = sum(sold.orders > 0 for sold in within(spans.star))
    return Sales(over(spans.now).revenue, over(spans.before), over(spans.year_before), star)


def why(reason: Reason, **known: object) -> list[due_rules.Due]:
    found = reasons(Known(**{"last_visit": TODAY, **known}), TODAY)
    return [due for due in found if due.reason is reason]


def test_nothing_known_is_never_visited() -> None:
    (due,) = reasons(Known(), TODAY)
    assert (due.reason, due.days) == (Reason.UNVISITED, None)


@pytest.mark.parametrize(("days", "due"), [(0, 0), (89, 0), (90, 1), (400, 1)])
def test_ninety_days(days: int, due: int) -> None:
    assert len(why(Reason.UNVISITED, last_visit=TODAY - timedelta(days=days))) == due


@pytest.mark.parametrize(
    ("left", "due", "ended"),
    [(None, 0, False), (61, 0, False), (60, 1, False), (0, 1, False), (-1, 1, True)],
)
def test_permits(left: int | None, due: int, ended: bool) -> None:
    until = None if left is None else TODAY + timedelta(days=left)
    found = why(Reason.PERMIT, permits={PermitKind.PIRT: until})
    assert len(found) == due
    assert all(each.ended is ended for each in found)


SIX = months(**{f"m{n}": (1, 1_000) for n in (1, 2, 3, 5, 8, 12)})
ELIGIBLE: dict[str, object] = {"permits": ALL_VALID, "needed": FOOD, "sales": SIX, "stars": 2}


@pytest.mark.parametrize(
    ("change", "due"),
    [
        ({}, 1),
        ({"stars": None}, 1),
        ({"stars": 3}, 0),
        ({"stars": 5}, 0),
        ({"needed": frozenset()}, 0),
        ({"permits": {PermitKind.NIB: None, PermitKind.PIRT: None}}, 0),
        ({"permits": {**ALL_VALID, PermitKind.PIRT: TODAY}}, 1),
        ({"permits": {**ALL_VALID, PermitKind.PIRT: TODAY - timedelta(days=1)}}, 0),
        ({"permits": {PermitKind.NIB: None}, "needed": CRAFT}, 1),
        ({"permits": {PermitKind.NIB: None}}, 0),
        ({"permits": {}, "needed": CRAFT}, 0),
        ({"sales": months(**{f"m{n}": (9, 1) for n in (1, 2, 3, 4, 5)})}, 0),
        # The month before the last twelve, and the present one, do not count.
        ({"sales": months(**{f"m{n}": (9, 1) for n in (0, 1, 2, 3, 4, 5, 13)})}, 0),
    ],
)
def test_eligible_for_a_star(change: dict[str, object], due: int) -> None:
    assert len(why(Reason.STAR, **{**ELIGIBLE, **change})) == due


@pytest.mark.parametrize(
    ("sold", "due"),
    [
        ({}, None),
        # Against the same months of the year before.
        ({"m1": (7, 700), "m13": (5, 1_000)}, True),
        ({"m1": (7, 701), "m13": (5, 1_000)}, None),
        ({"m1": (7, 500), "m13": (5, 1_000), "m4": (9, 1)}, True),
        ({"m13": (5, 1_000)}, True),
        ({"m1": (4, 100), "m13": (5, 1_000)}, True),
        # Too few a year before: the months before are asked.
        ({"m13": (4, 1_000)}, None),
        ({"m1": (6, 600), "m13": (4, 10), "m4": (3, 500), "m6": (2, 500)}, False),
        ({"m1": (6, 600), "m4": (4, 1_000)}, None),
        # The year before has risen: the months before do not matter.
        ({"m1": (6, 600), "m13": (5, 100), "m4": (9, 9_000)}, None),
        # Months beyond the three.
        ({"m1": (7, 900), "m13": (5, 1_000), "m16": (9, 9_000)}, None),
    ],
)
def test_falling(sold: dict[str, tuple[int, int]], due: bool | None) -> None:
    found = why(Reason.FALLING, sales=months(**sold))
    assert [each.year for each in found] == ([] if due is None else [due])


@pytest.mark.parametrize(
    ("today", "now", "before", "year_before", "star"),
    [
        (date(2026, 11, 1), (8, 10), (5, 7), (-4, -2), (-1, 10)),
        (date(2026, 11, 30), (8, 10), (5, 7), (-4, -2), (-1, 10)),
        (date(2026, 12, 1), (9, 11), (6, 8), (-3, -1), (0, 11)),
        (date(2026, 2, 28), (-1, 1), (-4, -2), (-13, -11), (-10, 1)),
    ],
)
def test_whole_months_before_today(
    today: date,
    now: tuple[int, int],
    before: tuple[int, int],
    year_before: tuple[int, int],
    star: tuple[int, int],
) -> None:
    """By number of the month in 2026: 0 is December 2025."""
    spans = due_rules.spans(today)
    january = date(2026, 1, 1)
    wanted = {"now": now, "before": before, "year_before": year_before, "star": star}
    for name, numbers in wanted.items():
        months = tuple(add_months(january, number - 1) for number in numbers)
        assert getattr(spans, name) == months, name
    assert spans.all == (spans.year_before.first, spans.now.last)


def test_unanswered() -> None:
    assert why(Reason.UNANSWERED) == []
    (due,) = why(Reason.UNANSWERED, waiting=True)
    assert due.waiting and not due.lapsed
    assert len(why(Reason.UNANSWERED, waiting=True, lapsed=True)) == 1


def test_all_at_once_in_their_order() -> None:
    sold = months(**{f"m{n}": (5, 100) for n in range(1, 13)}, m13=(9, 9_000))
    known = Known(
        permits={**ALL_VALID, PermitKind.HALAL: TODAY},
        needed=FOOD,
        sales=sold,
        waiting=True,
    )
    assert [due.reason for due in reasons(known, TODAY)] == list(Reason)


def test_what_is_withheld_is_hollow() -> None:
    this = TODAY.replace(day=1)
    shown = {this: Sums(held=True), add_months(this, -1): Sums(5, 5, 500)}
    line = due_rules.line(shown, TODAY)
    assert len(line) == 24 and line[0].first == date(2024, 12, 1)
    few, five, none = line[-1], line[-2], line[-3]
    assert (few.orders, few.revenue, few.height, few.hollow) == (None, None, 2.5, True)
    assert (five.orders, five.revenue, five.height, five.hollow) == (5, 500, 5, False)
    assert (none.orders, none.revenue, none.hollow) == (0, 0, False)
