"""Shares sum, fit, and are fair: catalogue.fairness against what it promises."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ovop_market.catalogue.fairness import Taker, relative, split


def test_everybody_gets_as_much_as_they_can_make() -> None:
    takers = [Taker(1, 60, 60), Taker(2, 30, 30), Taker(3, 10, 10)]
    assert split(50, takers) == {1: 30, 2: 15, 3: 5}


def test_who_had_least_lately_comes_first() -> None:
    takers = [Taker(1, 40, 40, lately=80), Taker(2, 40, 40, lately=40)]
    assert split(40, takers) == {2: 40}
    assert split(60, takers) == {1: 20, 2: 40}


def test_nobody_is_asked_for_more_than_is_left() -> None:
    takers = [Taker(1, 40, 5), Taker(2, 40, 40)]
    assert split(30, takers) == {1: 5, 2: 25}
    assert split(100, takers) == {1: 5, 2: 40}


def test_whole_packs_go_to_the_largest_remainders() -> None:
    # 3.5, 2.1 and 1.4 of seven packs: the half is the largest remainder.
    takers = [Taker(1, 50, 50), Taker(2, 30, 30), Taker(3, 20, 20)]
    assert split(7, takers) == {1: 4, 2: 2, 3: 1}


def test_nobody_is_asked_for_less_than_a_useful_batch() -> None:
    takers = [Taker(n, 40, 40, batch=10) for n in range(1, 13)]
    shares = split(35, takers)
    assert sum(shares.values()) == 35
    assert len(shares) == 3
    assert min(shares.values()) >= 10


def test_a_batch_that_nobody_can_avoid_is_made_all_the_same() -> None:
    assert split(3, [Taker(1, 40, 40, batch=10)]) == {1: 3}


def test_nothing_is_shared_among_nobody() -> None:
    assert split(5, []) == {}
    assert split(0, [Taker(1, 10, 10)]) == {}
    assert split(5, [Taker(1, 0, 0), Taker(2, 10, 0)]) == {}


takers_of_any_kind = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 200), st.integers(0, 2000), st.integers(1, 30)),
    max_size=30,
).map(lambda rows: [Taker(key, *row) for key, row in enumerate(rows)])


@given(st.integers(0, 999), takers_of_any_kind)
def test_shares_sum_exactly_and_fit(wanted: int, takers: list[Taker]) -> None:
    shares = split(wanted, takers)
    able = {t.key: t for t in takers if t.capacity > 0 and t.free > 0}
    assert sum(shares.values()) == min(wanted, sum(t.free for t in able.values()))
    assert all(0 < packs <= able[key].free for key, packs in shares.items())


@given(st.integers(1, 999), takers_of_any_kind)
def test_who_gets_something_was_not_far_ahead(wanted: int, takers: list[Taker]) -> None:
    """Nobody is raised above somebody who could still take more, by more than a pack's rounding."""
    takers = [Taker(t.key, t.capacity, t.free, t.lately) for t in takers if t.capacity and t.free]
    shares = split(wanted, takers)
    after = {t.key: Fraction(t.lately + shares.get(t.key, 0), t.capacity) for t in takers}
    for low in takers:
        if shares.get(low.key, 0) >= low.free:
            continue
        for high in takers:
            if shares.get(high.key, 0):
                ahead = Fraction(shares[high.key] - 1 + high.lately, high.capacity)
                assert ahead <= after[low.key] + Fraction(1, low.capacity)


@given(st.integers(1, 999), takers_of_any_kind)
def test_a_share_below_a_batch_only_where_it_cannot_be_helped(
    wanted: int, takers: list[Taker]
) -> None:
    shares = split(wanted, takers)
    by_key = {t.key: t for t in takers}
    if all(packs >= by_key[key].least for key, packs in shares.items()):
        return
    able = sorted(
        (t for t in takers if t.capacity and t.free),
        key=lambda t: (Fraction(t.lately, t.capacity), -t.capacity, t.key),
    )
    needed = next(
        (n for n in range(1, len(able)) if sum(t.free for t in able[:n]) >= wanted), len(able)
    )
    # Not one household more than it takes to make so many.
    assert set(shares) <= {t.key for t in able[:needed]}


def test_twenty_orders_among_twelve_households_leave_nobody_behind() -> None:
    """500 packs, twenty times: capacities and histories differ, what they had evens out."""
    capacities = dict(enumerate([20, 35, 50, 50, 60, 80, 80, 90, 100, 110, 120, 140]))
    before = dict(enumerate([0, 40, 10, 90, 0, 30, 120, 20, 0, 60, 10, 50]))
    had = dict(before)
    for _order in range(20):
        takers = [Taker(key, width, width, had[key], 5) for key, width in capacities.items()]
        shares = split(500, takers)
        assert sum(shares.values()) == 500
        for key, packs in shares.items():
            had[key] += packs
    fair = relative(had, capacities)
    assert fair is not None
    assert 1 / fair <= Fraction(12, 10)
    # Also of these orders alone nobody with capacity went without.
    alone = relative({key: had[key] - before[key] for key in had}, capacities)
    assert alone is not None
    assert alone > 0


def test_how_fair_it_was() -> None:
    assert relative({1: 10, 2: 20}, {1: 10, 2: 20}) == 1
    assert relative({1: 10, 2: 10}, {1: 10, 2: 20}) == Fraction(1, 2)
    assert relative({1: 10}, {1: 10, 2: 20}) == 0
    assert relative({}, {1: 10, 2: 20}) is None
    assert relative({1: 5}, {1: 10}) is None
