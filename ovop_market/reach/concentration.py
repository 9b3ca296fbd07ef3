"""How much of all goes to the few places that most goes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ovop_market.reach.figures import Sums

LARGEST = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A place (its key), what is shown of it, and its share in thousandths."""

    key: str
    number: int
    share: int


@dataclass(frozen=True, slots=True)
class Concentration:
    """The largest places and their share of all in whole percents.

    `kind`: exact; least, where one of the largest may be withheld; shown, where the total is
    withheld, so that it is a share of what is shown; none, where nothing is. `rest` and `held`, in
    thousandths: of the other places, and of what is withheld.
    """

    kind: str
    percent: int = 0
    largest: tuple[Part, ...] = ()
    rest: int = 0
    held: int = 0


def concentration(
    places: Mapping[str, Sums], total: Sums, measure: str = "orders"
) -> Concentration:
    """Of the places by key, and of all together."""
    shown = sorted(
        ((getattr(sums, measure), key) for key, sums in places.items()),
        key=lambda pair: (-pair[0], pair[1]),
    )
    known = sum(number for number, _key in shown)
    if not known:
        return Concentration("none")
    kind, whole = "exact", max(getattr(total, measure), known)
    if total.held:
        kind, whole = "shown", known
    elif any(sums.held for sums in places.values()):
        kind = "least"
    top = [(number, key) for number, key in shown[:LARGEST] if number]
    of_top = sum(number for number, _key in top)
    parts = tuple(Part(key, number, 1000 * number // whole) for number, key in top)
    # What is said to be at least so much must not be rounded up.
    rounded = 0 if kind == "least" else whole // 2
    return Concentration(
        kind,
        (100 * of_top + rounded) // whole,
        parts,
        1000 * (known - of_top) // whole,
        1000 * (whole - known) // whole,
    )
