"""Working days against a slow, obvious recount; Lebaran; years that nobody knows yet."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lokal.holidays import HOLIDAY_YEARS, get_holidays

from ovop_market.catalogue import calendar, seasons
from ovop_market.catalogue.calendar import Closure

# A busy machine may take long for one of them.
unhurried = settings(deadline=None)
DAY = timedelta(days=1)
# The national holidays of 2026, and the joint leave of Idulfitri, written out by hand.
FREE_2026 = {
    *((1, 1), (1, 16), (2, 17), (3, 19), (3, 20), (3, 21), (3, 22), (3, 23), (3, 24), (4, 3)),
    *((4, 5), (5, 1), (5, 14), (5, 27), (5, 31), (6, 1), (6, 16), (8, 17), (8, 25), (12, 25)),
}
days = st.dates(date(2026, 1, 1), date(2026, 12, 31))


def works(day: date, shut: tuple[Closure, ...] = ()) -> bool:
    closed = any(c.first <= day and (c.last is None or day <= c.last) for c in shut)
    return day.weekday() < 6 and (day.month, day.day) not in FREE_2026 and not closed


@unhurried
@given(days)
def test_every_day_of_a_year(day: date) -> None:
    assert calendar.is_working_day(day) == works(day)


@unhurried
@given(
    st.dates(date(2026, 1, 1), date(2026, 8, 1)),
    st.integers(0, 40),
    st.none() | st.tuples(st.integers(-20, 40), st.integers(0, 30)),
)
def test_working_days_are_counted_one_by_one(
    start: date, count: int, shut: tuple[int, int] | None
) -> None:
    closures: tuple[Closure, ...] = ()
    if shut:
        first = start + shut[0] * DAY
        closures = (Closure(first, first + shut[1] * DAY),)
    expected = start
    if count == 0:
        while not works(expected, closures):
            expected += DAY
    for _n in range(count):
        expected += DAY
        while not works(expected, closures):
            expected += DAY
    assert calendar.add_working_days(start, count, closures) == expected


def test_no_day_comes_after_a_closure_without_end() -> None:
    monday = date(2026, 11, 23)
    shut = (Closure(date(2026, 11, 25), None),)
    assert calendar.add_working_days(monday, 1, shut) == date(2026, 11, 24)
    assert calendar.add_working_days(monday, 2, shut) is None


def test_joint_leave_is_work_except_at_lebaran() -> None:
    assert calendar.is_working_day(date(2026, 12, 24))
    assert not calendar.is_working_day(date(2026, 12, 25))
    assert not calendar.is_working_day(date(2026, 3, 24))


def test_only_sundays_are_free_in_years_that_are_not_known() -> None:
    year = max(HOLIDAY_YEARS) + 1
    assert not calendar.knows(year)
    new_year = date(year, 1, 1)
    assert calendar.is_working_day(new_year) == (new_year.weekday() != 6)
    assert calendar.feasts(new_year, new_year) == []
    assert calendar.next_lebaran(date(year, 6, 1)) is None
    assert seasons.season(new_year).unknown_year == year


@pytest.mark.parametrize(
    ("day", "feast"),
    [
        (date(2026, 1, 1), date(2026, 3, 21)),
        (date(2026, 3, 20), date(2026, 3, 21)),
        (date(2026, 3, 21), date(2027, 3, 10)),
        (date(2026, 11, 29), date(2027, 3, 10)),
    ],
)
def test_the_next_lebaran(day: date, feast: date) -> None:
    assert calendar.next_lebaran(day) == feast


def test_days_of_a_feast_are_one() -> None:
    found = calendar.feasts(date(2026, 3, 1), date(2026, 3, 31))
    assert [(f.first.day, f.last.day) for f in found] == [(19, 19), (20, 24)]
    assert found[1].name.startswith("Idulfitri")


def test_weeks_before_lebaran() -> None:
    weeks = calendar.weeks_before(date(2027, 3, 10), 4, date(2027, 1, 4))
    # Lebaran's own week begins with Nyepi on Monday and joint leave on Tuesday: nobody works.
    assert weeks == [date(2027, 2, n) for n in (8, 15, 22)] + [date(2027, 3, 1)]
    assert calendar.weeks_before(date(2027, 3, 10), 4, date(2027, 2, 24)) == weeks[2:]


def test_lokal_has_what_we_rely_on() -> None:
    """Names and kinds of a new edition: Lebaran would be missing in silence."""
    for year in HOLIDAY_YEARS:
        names = {(row.type, row.name.split()[0]) for row in get_holidays(year).holidays}
        assert ("libur_nasional", calendar.LEBARAN) in names


def test_a_season_is_told_from_twelve_weeks_before() -> None:
    assert seasons.season(date(2026, 12, 15)).lebaran is None
    season = seasons.season(date(2026, 12, 16))
    assert (season.lebaran, season.weeks_left) == (date(2027, 3, 10), 12)
    assert [week.days for week in season.weeks] == [6, 6, 6, 6]
    assert [feast.first for feast in season.feasts] == [
        date(2026, 12, 25),
        date(2027, 1, 1),
        date(2027, 1, 5),
    ]
