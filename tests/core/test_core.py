"""Money, quantities, time and tokens."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovop_market.core import clock, tokens
from ovop_market.core.money import Rupiah, format_rupiah, total
from ovop_market.core.quantity import Grams, billed_kilograms, format_weight


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "Rp0"), (45_000, "Rp45.000"), (1_234_567, "Rp1.234.567"), (-500, "-Rp500")],
)
def test_rupiah_are_written_as_in_indonesia(amount: int, text: str) -> None:
    assert format_rupiah(amount) == text


@given(st.lists(st.integers(0, 10**12)))
def test_sums_are_exact(amounts: list[int]) -> None:
    assert total(*map(Rupiah, amounts)) == sum(amounts)


@pytest.mark.parametrize(
    ("grams", "text"), [(500, "500 g"), (1000, "1 kg"), (1500, "1,5 kg"), (1250, "1,25 kg")]
)
def test_weights_are_written_with_a_comma(grams: int, text: str) -> None:
    assert format_weight(grams) == text


@given(st.integers(1, 10**6))
def test_couriers_bill_started_kilograms(grams: int) -> None:
    kilograms = billed_kilograms(grams)
    assert (kilograms - 1) * 1000 < max(grams, 1000) <= kilograms * 1000


def test_minimum_weight_is_billed() -> None:
    assert billed_kilograms(200, Grams(5000)) == 5


def test_the_day_in_bangka_begins_seven_hours_before_utc() -> None:
    assert clock.wib_date(datetime(2026, 11, 23, 16, 59, tzinfo=UTC)) == date(2026, 11, 23)
    assert clock.wib_date(datetime(2026, 11, 23, 17, 0, tzinfo=UTC)) == date(2026, 11, 24)
    assert clock.start_of_day(date(2026, 11, 24)) == datetime(2026, 11, 23, 17, tzinfo=UTC)


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        clock.wib(datetime(2026, 11, 24))


def test_the_week_begins_on_monday() -> None:
    assert clock.monday(date(2026, 11, 24)) == date(2026, 11, 23)
    assert clock.monday(date(2026, 11, 23)) == date(2026, 11, 23)


def test_tokens_have_192_bits_and_are_compared_whole() -> None:
    token = tokens.secret_token()
    assert len(token) >= 32
    assert tokens.matches(token, token)
    assert not tokens.matches(token[:-1], token)
    assert not tokens.matches("\ud800", token)
    assert len({tokens.secret_token() for _ in range(100)}) == 100


def test_order_numbers_have_no_letters_that_sound_or_look_alike() -> None:
    number = tokens.order_number()
    assert len(number) == 9
    assert not set(number) & set("01OILU")
