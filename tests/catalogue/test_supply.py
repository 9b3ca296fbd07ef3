"""Who makes how much by when: pure arithmetic, tried with anything."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ovop_market.catalogue.models import StockKind
from ovop_market.catalogue.supply import HORIZON_WEEKS, Supply, from_stock, ready_now, to_be_made

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


@given(supplies, st.integers(1, 999), st.integers(0, 40))
def test_capacity_is_never_promised_twice(means: list[Supply], quantity: int, taken: int) -> None:
    held = {(supply.offer_id, MONDAY): min(taken, supply.weekly_capacity) for supply in means}
    plan = to_be_made(means, held, quantity, TUESDAY)
    possible = sum(s.weekly_capacity for s in means) * HORIZON_WEEKS - sum(held.values())
    if plan is None:
        assert possible < quantity
        return
    assert sum(share.quantity for share in plan.shares) == quantity
    used: Counter[tuple[int, date]] = Counter()
    for share in plan.shares:
        assert share.kind is StockKind.CAPACITY
        assert share.week is not None
        used[share.offer_id, share.week] += share.quantity
    for (offer_id, week), packs in used.items():
        capacity = next(s.weekly_capacity for s in means if s.offer_id == offer_id)
        assert packs + held.get((offer_id, week), 0) <= capacity
    assert plan.ready_by >= TUESDAY


def test_a_large_order_gets_a_later_week() -> None:
    household = Supply(offer_id=1, ready=0, weekly_capacity=20, lead_days=2)
    plan = to_be_made([household], {}, 50, TUESDAY)
    assert plan is not None
    assert [(share.week, share.quantity) for share in plan.shares] == [
        (MONDAY, 20),
        (MONDAY + timedelta(weeks=1), 20),
        (MONDAY + timedelta(weeks=2), 10),
    ]
    assert plan.ready_by == MONDAY + timedelta(weeks=2, days=2)


def test_a_group_shares_a_week_among_its_households() -> None:
    means = [Supply(n, 0, 10, 1) for n in range(1, 13)]
    plan = to_be_made(means, {}, 100, TUESDAY)
    assert plan is not None
    assert sorted(share.quantity for share in plan.shares) == [8] * 8 + [9] * 4
    assert plan.ready_by == TUESDAY + timedelta(days=1)
