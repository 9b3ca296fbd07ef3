"""Periods and what an address says: pure, without a database."""

from datetime import date

import pytest
from flask import Flask
from flask_babel import Babel

from ovop_market.reach import forms
from ovop_market.reach.figures import Change
from ovop_market.reach.filters import Filters, Period, add_months, usual
from ovop_market.reach.queries import Choices, VillageChoice
from ovop_market.reach.steps import Steps, unit_of

TODAY = date(2026, 11, 24)
KNOWN = Choices(
    (VillageChoice(1, "belo-laut", "Belo Laut", (2016,)),), (("pempek", "Pempek"),), (2016,)
)


@pytest.mark.parametrize(
    ("period", "before"),
    [
        ((2026, 10, 1, 2026, 10, 31), (2025, 10, 1, 2025, 10, 31)),
        # Whole Februaries stay whole, into a leap year and out of one.
        ((2025, 2, 1, 2025, 2, 28), (2024, 2, 1, 2024, 2, 29)),
        ((2024, 2, 1, 2024, 2, 29), (2023, 2, 1, 2023, 2, 28)),
        ((2024, 2, 1, 2026, 3, 31), (2023, 2, 1, 2025, 3, 31)),
    ],
)
def test_the_year_before(period, before):
    start, end = date(*period[:3]), date(*period[3:])
    assert Period(start, end).year_before == Period(date(*before[:3]), date(*before[3:]))


@pytest.mark.parametrize(
    ("today", "start"),
    [
        (TODAY, date(2026, 1, 1)),
        (date(2026, 4, 1), date(2026, 1, 1)),
        (date(2026, 3, 31), date(2025, 1, 1)),
        (date(2026, 1, 1), date(2025, 1, 1)),
    ],
)
def test_the_usual_period_is_the_calendar_year(today, start):
    period = usual(today)
    assert period.start == start
    assert (period.end.year, period.end.month) == (2026, today.month)


def test_months_are_added_across_years():
    assert add_months(date(2026, 1, 1), -1) == date(2025, 12, 1)
    assert add_months(date(2026, 12, 1), 1) == date(2027, 1, 1)


@pytest.fixture
def speaking():
    app = Flask(__name__)
    Babel(app, default_locale="id")
    with app.test_request_context():
        yield


def read(**args: str) -> tuple[Filters, list[str]]:
    return forms.read({name.rstrip("_"): text for name, text in args.items()}, KNOWN, TODAY)


def test_good_filters_are_read_and_written_alike(speaking):
    asked = {
        "from": "2026-01-01",
        "to": "2026-03-31",
        "village": "belo-laut",
        "year": "2016",
        "product": "pempek",
        "province": "32",
    }
    filters, said = forms.read(asked, KNOWN, TODAY)
    assert said == []
    assert forms.written(filters) == asked
    assert not filters.period.one_month


@pytest.mark.parametrize(
    "args",
    [
        {"from_": "kemarin"},
        {"from_": "2026-02-30"},
        {"to": "0001-01-01"},
        {"to": "9999-12-31"},
        {"village": "atlantis"},
        {"village": "x\x00'; --"},
        {"product": "\ud800"},
        {"year": "1e3"},
        {"year": "-1"},
        {"year": "9" * 5000},
    ],
)
def test_what_cannot_be_read_is_left_out_and_said(speaking, args):
    filters, said = read(**args)
    assert len(said) == 1
    assert filters == Filters(usual(TODAY))


def test_an_unknown_province_opens_nothing(speaking):
    assert read(province="99\x00") == (Filters(usual(TODAY)), [])


def test_days_in_the_wrong_order_are_swapped(speaking):
    filters, said = read(from_="2026-03-01", to="2026-01-01")
    assert filters.period == Period(date(2026, 1, 1), date(2026, 3, 31))
    assert len(said) == 1


def test_a_very_long_period_is_cut(speaking):
    filters, said = read(from_="2001-01-01", to="2100-12-31")
    assert len(list(filters.period.months)) == 60
    assert len(said) == 1


def test_one_end_is_enough(speaking):
    assert read(from_="2026-10-05")[0].period == Period(date(2026, 10, 1), date(2026, 11, 30))
    assert read(from_="2027-01-05")[0].period == Period(date(2027, 1, 1), date(2027, 1, 31))
    assert read(to="2026-03-05")[0].period == Period(date(2025, 4, 1), date(2026, 3, 31))


def test_a_day_stands_for_its_whole_month(speaking):
    filters, said = read(from_="2026-02-10", to="2026-02-11")
    assert filters.period == Period(date(2026, 2, 1), date(2026, 2, 28))
    assert filters.period.one_month and said == []


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        (0, 0, Change("none")),
        (0, 5, Change("new")),
        (5, 0, Change("down", 100)),
        (100, 118, Change("up", 18)),
        (1000, 1001, Change("same")),
        (3, 2, Change("down", 33)),
    ],
)
def test_change(before, now, change):
    assert Change.between(before, now) == change


def covers(steps: Steps, first: int, most: int) -> None:
    ranges = list(steps.ranges)
    assert steps.of(0) == 0
    assert len(ranges) <= 5
    assert [least for _, least, _ in ranges] == [first, *(top + 1 for _, _, top in ranges)][:-1]
    for step, least, top in ranges:
        assert least <= top
        assert steps.of(least) == steps.of(top) == step
        # It is true as it is told.
        assert top == most or top % unit_of(top) == 0
    assert ranges[-1] == (5, ranges[-1][1], most)


@pytest.mark.parametrize("most", [5, 6, 9, 11, 48, 100, 461, 12_345, 10**7])
def test_colours_of_orders_begin_with_what_may_be_shown(most):
    covers(Steps.of_orders([0, most]), 5, most)
    assert [least for _, least, _ in Steps.of_orders([461]).ranges] == [5, 13, 32, 76, 188]


@pytest.mark.parametrize(
    ("numbers", "first"),
    [
        ([5], 5),
        ([0, 57, 5_700], 50),
        ([999, 1_000], 900),
        ([38_250, 0, 41_000], 30_000),
        ([450_000, 38_250_000], 400_000),
        ([1_999_999, 2_000_000], 1_000_000),
        ([9_500_000, 3_400_000_000], 9_000_000),
    ],
)
def test_colours_of_packs_and_rupiah_begin_where_those_begin(numbers, first):
    covers(Steps.of_amounts(numbers), first, max(numbers))


def test_nothing_has_no_colours():
    for steps in (Steps.of_orders([]), Steps.of_orders([0, 0]), Steps.of_amounts([0])):
        assert list(steps.ranges) == []
        assert steps.of(0) == 0
