"""What is worked out from shown numbers: never more than they say."""

from __future__ import annotations

from ovop_market.reach import series
from ovop_market.reach.concentration import Part, concentration
from ovop_market.reach.figures import Sums
from ovop_market.reach.first import FirstLine, first_reached
from ovop_market.reach.rungs import VillageRungs, rungs

HELD = Sums(held=True)


def some(number: int, *, held: bool = False) -> Sums:
    return Sums(number, number * 2, number * 1000, held)


# The first year

NAMES = {"31": "Jakarta", "32": "Jawa Barat", "51": "Bali", "94": "Papua Tengah", "17": "Bengkulu"}


def test_the_first_year_is_the_earliest_of_which_something_is_shown() -> None:
    found = first_reached(
        {
            2026: {"31": some(9), "32": some(7), "94": HELD, "51": some(5)},
            2024: {"31": some(5), "51": Sums()},
            2025: {"32": HELD},
        },
        NAMES,
    )
    assert found == (
        FirstLine("31", "Jakarta", 2024),
        FirstLine("32", "Jawa Barat", 2026, or_earlier=True),
        FirstLine("51", "Bali", 2026),
        FirstLine("94", "Papua Tengah", None, or_earlier=True),
    )


def test_a_lower_bound_is_something_and_a_later_withheld_year_says_nothing() -> None:
    by_year = {2024: {"31": some(6, held=True)}, 2025: {"31": HELD}}
    assert first_reached(by_year, NAMES) == (FirstLine("31", "Jakarta", 2024),)


# The rungs


def test_rungs_are_what_is_left_of_the_next_wider_area() -> None:
    found = rungs(
        {
            2025: (some(5), some(5), some(5), some(30)),
            2026: (some(10), some(25), some(45), some(100)),
        }
    )
    assert [(rung.name, rung.sums.orders, rung.since, rung.or_earlier) for rung in found] == [
        ("village", 15, 2025, False),
        ("regency", 15, 2026, False),
        ("province", 20, 2026, False),
        ("nation", 80, 2025, False),
    ]
    assert all(rung.sums == some(rung.sums.orders) for rung in found)


def test_of_a_difference_with_a_withheld_number_nothing_is_said() -> None:
    found = rungs({2025: (some(5), HELD, some(40), some(90))})
    assert [rung.sums for rung in found] == [some(5), HELD, HELD, some(50)]
    assert [(rung.since, rung.or_earlier) for rung in found] == [
        (2025, False),
        (None, True),
        (None, True),
        (2025, False),
    ]


def test_rungs_add_up_the_years_asked_for_and_know_since_when_of_all() -> None:
    by_year = {
        2024: (some(5), some(10), some(20), some(40)),
        2025: (HELD, some(9), some(9), some(9)),
    }
    home, near, province, nation = rungs(by_year, {2025})
    assert (home.sums, home.since) == (HELD, 2024)
    assert (near.sums, near.since) == (HELD, 2024)
    assert (province.sums, province.since) == (Sums(), 2024)
    assert (nation.sums, nation.since) == (Sums(), 2024)
    both = rungs(by_year)
    assert both[0].sums == some(5, held=True)
    village = VillageRungs("ketap", "Ketap", both)
    assert village.held and sum(village.shares) <= 940
    assert sum(VillageRungs("a", "A", rungs({2024: by_year[2024]})).shares) == 1000
    assert VillageRungs("a", "A", rungs({})).shares == (0, 0, 0, 0)


# Concentration

PLACES = {"31.74": some(50), "32.73": some(30), "16.71": some(10), "91.71": some(10)}


def test_the_share_of_the_three_largest() -> None:
    found = concentration(PLACES, some(100))
    assert (found.kind, found.percent, found.rest, found.held) == ("exact", 90, 100, 0)
    assert found.largest == (
        Part("31.74", 50, 500),
        Part("32.73", 30, 300),
        Part("16.71", 10, 100),
    )


def test_it_is_at_least_so_much_where_a_place_is_withheld() -> None:
    found = concentration({**PLACES, "19.71": HELD}, some(111))
    assert (found.kind, found.percent) == ("least", 81)  # 81,08, and never rounded up
    assert found.held == 99
    assert concentration({**PLACES, "19.71": HELD}, some(101)).percent == 89  # 89,1


def test_of_a_withheld_total_it_is_a_share_of_what_is_shown() -> None:
    found = concentration(PLACES, some(60, held=True))
    assert (found.kind, found.percent, found.held) == ("shown", 90, 0)


def test_of_nothing_there_is_no_share() -> None:
    assert concentration({}, Sums()).kind == "none"
    assert concentration({"31.74": HELD}, HELD).kind == "none"
    one = concentration({"31.74": some(7)}, some(7))
    assert (one.percent, len(one.largest)) == (100, 1)


# Columns


def test_columns_leave_a_gap_with_a_mark_where_a_number_is_withheld() -> None:
    columns = series.orders((some(60), HELD, Sums(), some(30, held=True), some(1)))
    assert series.filled(columns, 60) == (
        "M1 60v-60h8v60zM31 60v-30h8v30zM41 60v-1h8v1z"  # none of the second and third
    )
    assert series.marked(columns, 60) == "M15 60v-14M35 30v-14"


def test_all_villages_have_one_scale() -> None:
    villages = [
        series.Multiple("a", "A", (some(3), some(9))),
        series.Multiple("b", "B", (HELD, some(40, held=True))),
    ]
    assert series.top(villages) == 40
    assert villages[1].total == some(40, held=True)
    assert series.top([]) == 1
    assert series.ReturningLine(2026, 0, 0).share == 0
