"""Since when something goes somewhere, as far as it can be told from what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ovop_market.reach.figures import Sums


@dataclass(frozen=True, slots=True)
class FirstLine:
    """A province or a regency, and the first year of which something is shown.

    `or_earlier`: an earlier year is withheld, so that it may have been then. Without a year there
    is nothing but what is withheld.
    """

    key: str
    name: str
    year: int | None = None
    or_earlier: bool = False


def first_reached(
    by_year: Mapping[int, Mapping[str, Sums]], names: Mapping[str, str]
) -> tuple[FirstLine, ...]:
    """The places of `names` (by code) that something went to or may have gone to; in the order of
    the years, those of which nothing is shown last."""
    lines = []
    for code, name in names.items():
        year, or_earlier = since({year: places.get(code) for year, places in by_year.items()})
        if year is not None or or_earlier:
            lines.append(FirstLine(code, name, year, or_earlier))
    return tuple(sorted(lines, key=lambda line: (line.year or 10_000, line.key)))


def since(by_year: Mapping[int, Sums | None]) -> tuple[int | None, bool]:
    """The first year of which something is shown, and whether it may have been earlier."""
    maybe = False
    for year in sorted(by_year):
        found = by_year[year]
        if found is not None and found.units > 0:
            return year, maybe
        maybe = maybe or (found is not None and found.held)
    return None, maybe
