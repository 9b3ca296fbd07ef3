"""docs/asvs.md: each requirement of ASVS 5.0, levels 1 and 2, once, and tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

from ovop_market.config import ROOT

# How many requirements of level 1 or 2 each section has, in order; those of level 3 alone have no
# line. "1.2" → the numbers after it. Chapters 9, 10 and 17 do not apply (see the document).
SECTIONS = {
    "1.1": "1-2",
    "1.2": "1-9",
    "1.3": "1-11",
    "1.4": "1-3",
    "1.5": "1-2",
    "2.1": "1-3",
    "2.2": "1-3",
    "2.3": "1-4",
    "2.4": "1",
    "3.2": "1-2",
    "3.3": "1-4",
    "3.4": "1-6",
    "3.5": "1-5",
    "3.7": "1-2",
    "4.1": "1-3",
    "4.2": "1",
    "4.3": "1-2",
    "4.4": "1-4",
    "5.1": "1",
    "5.2": "1-3",
    "5.3": "1-2",
    "5.4": "1-3",
    "6.1": "1-3",
    "6.2": "1-12",
    "6.3": "1-4",
    "6.4": "1-4",
    "6.5": "1-5",
    "6.6": "1-3",
    "6.8": "1-4",
    "7.1": "1-3",
    "7.2": "1-4",
    "7.3": "1-2",
    "7.4": "1-5",
    "7.5": "1-2",
    "7.6": "1-2",
    "8.1": "1-2",
    "8.2": "1-3",
    "8.3": "1",
    "8.4": "1",
    "11.1": "1-2",
    "11.2": "1-3",
    "11.3": "1-3",
    "11.4": "1-4",
    "11.5": "1",
    "11.6": "1",
    "12.1": "1-3",
    "12.2": "1-2",
    "12.3": "1-4",
    "13.1": "1",
    "13.2": "1-5",
    "13.3": "1-2",
    "13.4": "1-5",
    "14.1": "1-2",
    "14.2": "1-4",
    "14.3": "1-3",
    "15.1": "1-3",
    "15.2": "1-3",
    "15.3": "1-7",
    "16.1": "1",
    "16.2": "1-5",
    "16.3": "1-4",
    "16.4": "1-3",
    "16.5": "1-3",
}


def _document() -> str:
    return (ROOT / "docs" / "asvs.md").read_text("utf-8")


def test_every_requirement_has_its_line() -> None:
    wanted = []
    for section, numbers in SECTIONS.items():
        first, _dash, last = numbers.partition("-")
        wanted += [f"{section}.{n}" for n in range(int(first), int(last or first) + 1)]
    lines = re.findall(r"^\| ([0-9.]+)(?: L1)? \| (.+) \| (.+) \| (.*) \|$", _document(), re.M)
    assert [number for number, *_rest in lines] == wanted
    # Of the 70 of level 1, nine stand in the chapters that are left out.
    assert len(re.findall(r"^\| [0-9.]+ L1 ", _document(), re.M)) == 61


def test_what_tests_it_is_there() -> None:
    named = set(re.findall(r"`((?:tests|benchmarks|docs)/[^`]+)`", _document()))
    assert len(named) > 40
    assert [name for name in sorted(named) if not Path(ROOT, name).exists()] == []
