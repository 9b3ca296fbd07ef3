"""What an order brought is split to the rupiah, whatever was handed in."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ovop_market.payments.splitting import between, split

PRICE = st.integers(0, 50_000_000)
made = st.dictionaries(st.integers(1, 10_000), PRICE, max_size=15)
amounts = st.integers(-(10**10), 10**10)


def test_by_packs_and_price() -> None:
    found = split(450_000, 450_000, {1: 270_000, 2: 180_000})
    assert (found.households, found.rest) == ({1: 270_000, 2: 180_000}, 0)


def test_the_rest_is_a_part_of_its_own() -> None:
    found = split(400_000, 450_000, {1: 225_000, 2: 112_500})
    assert (found.households, found.rest) == ({1: 200_000, 2: 100_000}, 100_000)


def test_what_cannot_be_divided_goes_to_the_largest_remainder() -> None:
    """100 over 3, 3 and 1 sevenths: 42.86, 42.86 and 14.29."""
    found = split(100, 7, {5: 3, 4: 3, 1: 1})
    assert found.households == {5: 43, 4: 43, 1: 14}
    # Of equal remainders who made more comes first, then the lower key, then the rest.
    assert split(1, 2, {9: 1}).households == {9: 1}
    assert split(1, 2, {9: 1, 3: 1}).households == {9: 0, 3: 1}


def test_nobody_handed_in_anything() -> None:
    assert split(5_000, 5_000, {}).rest == 5_000
    assert split(5_000, 0, {}).rest == 5_000
    found = split(5_000, 0, {1: 0})
    assert (found.households, found.rest) == ({1: 0}, 5_000)


@given(amounts, PRICE, made)
def test_the_parts_sum_to_the_amount(amount: int, worth: int, made: dict[int, int]) -> None:
    found = split(amount, worth, made)
    assert sum(found.households.values()) + found.rest == amount
    assert found.households.keys() == made.keys()


@given(st.integers(0, 10**10), PRICE, made)
def test_each_part_is_within_a_rupiah_of_its_due(
    amount: int, worth: int, made: dict[int, int]
) -> None:
    found = split(amount, worth, made)
    whole = max(worth, sum(made.values()))
    for key, price in made.items():
        due = Fraction(amount * price, whole) if whole else 0
        assert abs(found.households[key] - due) < 1
        assert found.households[key] >= 0
    assert found.rest >= 0
    if whole and sum(made.values()) >= worth:
        assert found.rest == 0


@given(st.integers(0, 10**10), PRICE, made)
def test_who_handed_in_more_gets_no_less(amount: int, worth: int, made: dict[int, int]) -> None:
    parts = split(amount, worth, made).households
    assert all(parts[a] >= parts[b] for a in made for b in made if made[a] > made[b])


@given(amounts, PRICE, made)
def test_what_goes_back_is_taken_as_it_was_given(
    amount: int, worth: int, made: dict[int, int]
) -> None:
    there, back = split(amount, worth, made), split(-amount, worth, made)
    assert back.rest == -there.rest
    assert back.households == {key: -part for key, part in there.households.items()}


@given(st.lists(amounts, min_size=1, max_size=6), PRICE, made)
def test_spans_add_up_to_the_whole(amounts: list[int], worth: int, made: dict[int, int]) -> None:
    """However often money comes and goes, each one's parts sum to the part of what is left."""
    total, sums, rest = 0, dict.fromkeys(made, 0), 0
    for amount in amounts:
        step = between(total, total + amount, worth, made)
        assert sum(step.households.values()) + step.rest == amount
        total += amount
        rest += step.rest
        sums = {key: sums[key] + part for key, part in step.households.items()}
    whole = split(total, worth, made)
    assert (sums, rest) == (whole.households, whole.rest)
