"""Who makes how much by when: pure arithmetic, tried with anything."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ovop_market.catalogue.calendar import Closure
from ovop_market.catalogue.models import StockKind
from ovop_market.catalogue.supply import Supply, from_stock, ready_now, timetable, to_be_made

# A busy machine may take long for one of them.
unhurried = settings(deadline=None)
TUESDAY = date(2026, 11, 24)
MONDAY = date(2026, 11, 23)

supplies = st.lists(
    st.builds(
        Supply,
        offer_id=st.integers(1, 10**6),
        ready=st.integers(0, 60),
        weekly_capacity=st.integers(0, 60),
        lead_days=st.integers(0, 14),
    ),
    max_size=12,
    unique_by=lambda supply: supply.offer_id,
)


@unhurried
@given(supplies, st.integers(1, 999))
def test_ready_packs_are_never_promised_twice(means: list[Supply], quantity: int) -> None:
    plan = from_stock(means, quantity, TUESDAY)
    if plan is None:
        assert ready_now(means) < quantity
        return
    assert sum(share.quantity for share in plan.shares) == quantity
    assert plan.from_stock
    ready = {supply.offer_id: supply.ready for supply in means}
    assert all(0 < share.quantity <= ready[share.offer_id] for share in plan.shares)


closures = st.lists(
    st.builds(
        lambda start, length: Closure(
            TUESDAY + timedelta(days=start),
            None if length is None else TUESDAY + timedelta(days=start + length),
        ),
        st.integers(-10, 60),
        st.none() | st.integers(0, 30),
    ),
    max_size=2,
).map(tuple)
plans = st.dictionaries(st.integers(0, 5), st.integers(0, 60), max_size=3).map(
    lambda weeks: tuple((MONDAY + timedelta(weeks=n), packs) for n, packs in weeks.items())
)
makers = st.lists(
    st.builds(
        Supply,
        offer_id=st.integers(1, 10**6),
        ready=st.just(0),
        weekly_capacity=st.integers(0, 60),
        lead_days=st.integers(0, 14),
        closures=closures,
        plans=plans,
    ),
    max_size=6,
    unique_by=lambda supply: supply.offer_id,
)
todays = st.integers(0, 6).map(lambda n: MONDAY + timedelta(days=n))


@unhurried
@given(makers, st.integers(1, 999), st.integers(0, 40), todays)
def test_capacity_is_never_promised_twice(
    means: list[Supply], quantity: int, taken: int, today: date
) -> None:
    held = {(s.offer_id, MONDAY): min(taken, s.capacity_in(MONDAY, today)) for s in means}
    plan = to_be_made(means, held, quantity, today)
    stages = timetable(means, held, today)
    if plan is None:
        assert not stages or stages[-1].packs < quantity
        return
    assert sum(share.quantity for share in plan.shares) == quantity
    used: Counter[tuple[int, date]] = Counter()
    for share in plan.shares:
        assert share.kind is StockKind.CAPACITY
        assert share.week is not None
        used[share.offer_id, share.week] += share.quantity
    for (offer_id, week), packs in used.items():
        maker = next(s for s in means if s.offer_id == offer_id)
        assert packs + held.get((offer_id, week), 0) <= maker.capacity_in(week, today)
    assert plan.ready_by >= today


@unhurried
@given(makers, todays)
def test_the_timetable_tells_what_orders_get(means: list[Supply], today: date) -> None:
    for stage in timetable(means, {}, today):
        plan = to_be_made(means, {}, stage.packs, today)
        assert plan is not None
        assert plan.ready_by == stage.ready_by


@unhurried
@given(st.integers(0, 60), closures, todays, st.integers(0, 5))
def test_a_week_counts_its_working_days_one_by_one(
    weekly: int, shut: tuple[Closure, ...], today: date, ahead: int
) -> None:
    week = MONDAY + timedelta(weeks=ahead)
    days = 0
    for n in range(7):
        day = week + timedelta(days=n)
        free = day.weekday() == 6 or day in (date(2026, 12, 25), date(2027, 1, 1))
        off = any(c.first <= day and (c.last is None or day <= c.last) for c in shut)
        days += day >= today and not free and not off
    supply = Supply(1, 0, weekly, 2, shut)
    assert supply.capacity_in(week, today) == weekly * days // 6


def test_a_large_order_gets_a_later_week() -> None:
    household = Supply(offer_id=1, ready=0, weekly_capacity=20, lead_days=2)
    plan = to_be_made([household], {}, 50, TUESDAY)
    assert plan is not None
    # From Tuesday on five of six days are left.
    assert [(share.week, share.quantity) for share in plan.shares] == [
        (MONDAY, 16),
        (MONDAY + timedelta(weeks=1), 20),
        (MONDAY + timedelta(weeks=2), 14),
    ]
    # 14 of 20 packs take five days.
    assert plan.ready_by == MONDAY + timedelta(weeks=2, days=4)


def test_a_group_shares_a_week_among_its_households() -> None:
    means = [Supply(n, 0, 12, 1) for n in range(1, 13)]
    plan = to_be_made(means, {}, 100, TUESDAY)
    assert plan is not None
    assert sorted(share.quantity for share in plan.shares) == [8] * 8 + [9] * 4
    # Five days are left of the week: a pack takes its share of them.
    assert plan.ready_by == date(2026, 11, 28)


def test_lead_time_is_over_before_anything_is_ready() -> None:
    weaver = Supply(1, 0, 60, lead_days=5)
    plan = to_be_made([weaver], {}, 1, TUESDAY)
    assert plan is not None
    # Wednesday to Saturday, then Monday.
    assert plan.ready_by == date(2026, 11, 30)


def test_a_closed_household_is_planned_for_the_weeks_after() -> None:
    closed = Supply(1, 0, 12, 1, (Closure(date(2026, 11, 20), date(2026, 11, 30)),))
    plan = to_be_made([closed], {}, 5, TUESDAY)
    assert plan is not None
    assert [share.week for share in plan.shares] == [date(2026, 11, 30)]
    for_good = Supply(1, 0, 12, 1, (Closure(date(2026, 11, 20), None),))
    assert to_be_made([for_good], {}, 5, TUESDAY) is None


def test_nothing_is_promised_that_would_be_ready_after_closing_for_good() -> None:
    leaving = Supply(1, 0, 60, 3, (Closure(date(2026, 11, 26), None),))
    assert to_be_made([leaving], {}, 1, TUESDAY) is None
    quick = Supply(1, 0, 60, 1, (Closure(date(2026, 11, 26), None),))
    plan = to_be_made([quick], {}, 1, TUESDAY)
    assert plan is not None
    assert plan.ready_by == date(2026, 11, 25)


def test_what_the_maker_said_of_a_week_stands() -> None:
    said = Supply(1, 0, 6, 1, plans=((MONDAY, 30), (MONDAY + timedelta(weeks=1), 0)))
    plan = to_be_made([said], {}, 36, TUESDAY)
    assert plan is not None
    assert [(s.week, s.quantity) for s in plan.shares] == [
        (MONDAY, 30),
        (MONDAY + timedelta(weeks=2), 6),
    ]
    away = Supply(1, 0, 6, 1, (Closure(MONDAY, date(2026, 11, 29)),), ((MONDAY, 30),))
    assert away.capacity_in(MONDAY, TUESDAY) == 0


def test_a_number_said_for_a_week_of_holidays_means_work_on_them() -> None:
    week = date(2026, 3, 23)
    assert Supply(1, 0, 60, 1).capacity_in(week, week) == 40
    lebaran = date(2026, 3, 16)
    usual = Supply(1, 0, 60, 1)
    # Nyepi on Thursday; Idulfitri with its joint leave on Friday and Saturday.
    assert usual.capacity_in(lebaran, lebaran) == 30
    saturday = date(2026, 3, 21)
    assert usual.capacity_in(lebaran, saturday) == 0
    said = Supply(1, 0, 60, 1, plans=((lebaran, 8),))
    plan = to_be_made([said], {}, 8, saturday)
    assert plan is not None
    assert plan.shares[0].week == lebaran
