"""Plain words, spellings and code arithmetic: pure functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovop_market.regions import codes, words
from ovop_market.regions.aliases import ALIASES

letters = st.text("abcdefghijklmnopqrstuvwxyz", min_size=words.MIN_MISTYPED, max_size=14)


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("  Belo   Laut ", "belo laut"),
        ("Du’en", "duen"),
        ("Wari/Taiyeve II", "wari taiyeve ii"),
        ("Pulo Lon / Pulo Dayah", "pulo lon pulo dayah"),
        ("Mentok\x00", "mentok"),
        ("ÉNDE", "ende"),
        ("日本", ""),
    ],
)
def test_plain_words(typed: str, plain: str) -> None:
    assert words.plain(typed) == plain


def test_what_people_write_before_a_name_is_left_out() -> None:
    assert words.tokens("Kec. Coblong, Kota Bandung") == ["coblong", "kota", "bandung"]
    assert words.tokens("desa") == ["desa"]


def test_a_city_is_called_without_the_word() -> None:
    assert words.name_key("Kota Administrasi Jakarta Selatan", 2) == "jakarta selatan"
    assert words.name_key("Kota Baru", 3) == "kota baru"


@given(word=letters, data=st.data())
def test_one_typing_error_is_always_met(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 2))
    letter = data.draw(st.sampled_from("aeiouxyz"))
    mistyped = data.draw(
        st.sampled_from(
            [
                word[:place] + word[place + 1 :],
                word[:place] + letter + word[place:],
                word[:place] + letter + word[place + 1 :],
                word[:place] + word[place + 1] + word[place] + word[place + 2 :],
            ]
        )
    )
    assert words.distance(word, mistyped) <= 1
    assert words.spellings(mistyped) & (words.one_left_out(word) | {word})


@given(a=letters, b=letters)
def test_distance_is_symmetric(a: str, b: str) -> None:
    assert words.distance(a, b) == words.distance(b, a)
    assert (words.distance(a, b) == 0) == (a == b)


def test_codes() -> None:
    village = "19.05.01.2006"
    assert codes.province_of(village) == "19"
    assert codes.regency_of(village) == "19.05"
    assert codes.parent_of(village) == "19.05.01"
    assert codes.parent_of("19") is None
    assert codes.around(village) == ["19.05.01", "19.05", "19"]
    assert [codes.level_of(code) for code in ("19", "19.05", "19.05.01", village)] == [1, 2, 3, 4]
    assert codes.is_within(village, "19.05")
    assert codes.is_within("19.05", "19.05")
    assert not codes.is_within("19.051", "19.05")
    with pytest.raises(ValueError, match="province"):
        codes.regency_of("19")


@pytest.mark.parametrize("text", ["", "19.", "19.5", "19.05.01.20060", "19.05.01\n", "१९", "1905"])
def test_what_is_no_code(text: str) -> None:
    assert not codes.is_code(text)


def test_codes_are_ordered_by_level_then_code() -> None:
    in_order = ["11", "96", "11.01", "96.71", "11.01.01", "96.71.02", "11.01.01.2001"]
    keys = [codes.sort_key(code) for code in in_order]
    assert keys == sorted(keys)
    for code, key in zip(in_order, keys, strict=True):
        least, greatest = codes.sort_keys_of(codes.level_of(code))
        assert least <= key <= greatest


def test_aliases_are_plain_and_lead_somewhere() -> None:
    from lokal import wilayah

    for alias, regions in ALIASES.items():
        assert words.plain(alias) == alias
        assert all(wilayah.wilayah_name(code) for code in regions), alias
