"""Deciding on a table, unless it is the same as when it was decided last."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ovop_market.reach.grids import Cells
from ovop_market.reach.raw import Raw
from ovop_market.reach.read_once import Kept
from ovop_market.reach.withholding import Withheld, withhold


def decide(
    kept: Kept, name: str, cells: Cells[Any, Any], overlap: bool = False, **limits: Any
) -> Withheld[Any, Any]:
    """What is withheld of a table, by its name; `limits` as `withhold` takes them."""
    numbers = numbers_of(cells)
    if kept.memo is None:
        return withhold(numbers, overlap=overlap, **limits)
    said = (sorted(numbers.items()), [(key, _listed(limits[key])) for key in sorted(limits)])
    digest = hashlib.blake2b(repr(said).encode(), digest_size=16).digest()
    before = kept.memo.get(name)
    if before is None or before[0] != digest:
        before = digest, withhold(numbers, overlap=overlap, **limits)
        kept.memo[name] = before
    return before[1]


def numbers_of(cells: Mapping[Any, Raw]) -> dict[Any, float]:
    """As how many purchases each cell counts."""
    return {key: numbers.weight for key, numbers in cells.items()}


def _listed(limit: Any) -> Any:
    return limit if isinstance(limit, bool) else sorted(limit)
