"""Arithmetic of Kemendagri codes: 19 · 19.05 · 19.05.01 · 19.05.01.2006."""

from __future__ import annotations

import re

_CODE = re.compile(r"[0-9]{2}(\.[0-9]{2}(\.[0-9]{2}(\.[0-9]{4})?)?)?")
_DIGITS = 10  # of a village's code without its dots
_LEVEL = 10_000_000_000  # one more than the greatest number of so many digits


def is_code(text: str) -> bool:
    """Whether the text has the shape of a code; there need not be such an area."""
    return _CODE.fullmatch(text) is not None


def level_of(code: str) -> int:
    """1 province, 2 regency or city, 3 district, 4 village."""
    return code.count(".") + 1


def province_of(code: str) -> str:
    """The code of the province around an area, or of itself."""
    return code[:2]


def regency_of(code: str) -> str:
    """The code of the regency or city around an area. Raises ValueError for a province."""
    if level_of(code) < 2:
        raise ValueError(f"{code} is a province and lies in no regency")
    return code[:5]


def parent_of(code: str) -> str | None:
    """The code of the area next around, or None for a province."""
    return code.rpartition(".")[0] or None


def is_within(code: str, area: str) -> bool:
    """Whether an area lies in another, or is that other."""
    return code == area or code.startswith(area + ".")


def around(code: str) -> list[str]:
    """The codes of the areas around an area, nearest first, without itself."""
    parts = code.split(".")
    return [".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]


def sort_key(code: str) -> int:
    """A number that orders areas by level, then by code."""
    digits = code.replace(".", "").ljust(_DIGITS, "0")
    return level_of(code) * _LEVEL + int(digits)


def sort_keys_of(level: int) -> tuple[int, int]:
    """The least and the greatest sort key of a level."""
    return level * _LEVEL, (level + 1) * _LEVEL - 1
