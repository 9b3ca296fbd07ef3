"""How packs are shared out among households: pure arithmetic on whole numbers.

Who had least lately, relative to what it can make, comes first. Think of a vessel for each
household, as wide as its capacity and filled already with what it had in the last 90 days; packs
are poured over all of them until their level is the same, or a vessel is full (what is left of its
capacity). What comes out in fractions is rounded by largest remainder, and nobody is asked for less
than a batch that is worth lighting the stove for, as long as others can make those packs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm


@dataclass(frozen=True, slots=True)
class Taker:
    """A household among which packs are shared out.

    `capacity`: packs that it makes in a week (its width); `free`: packs that it can still take;
    `lately`: packs that it had in the last 90 days; `batch`: the fewest that are worth its while.
    """

    key: int
    capacity: int
    free: int
    lately: int = 0
    batch: int = 1

    @property
    def least(self) -> int:
        """The fewest packs that it can usefully be asked for."""
        return min(self.batch, self.free)


def split(wanted: int, takers: Sequence[Taker]) -> dict[int, int]:
    """Packs for each taker, by key; takers without a share are left out.

    The shares sum to `wanted`, or to all that is free if that is less; none is above what is free.
    """
    able = [t for t in takers if t.free > 0 and t.capacity > 0]
    wanted = min(wanted, sum(t.free for t in able))
    if wanted <= 0:
        return {}
    # Levels are weeks of a capacity. In this unit all that matter are whole numbers.
    unit = lcm(*(t.capacity for t in able))
    # Those who had least lately first; of equals, who can make more.
    able.sort(key=lambda t: (t.lately * unit // t.capacity, -t.capacity, t.key))
    if all(t.least == 1 for t in able):
        return _poured(wanted, able, unit)
    fewest = _fewest(wanted, able)
    # The more of them share, the smaller the shares: as many as all get a useful one. Where even
    # the fewest do not, they share all the same.
    more = range(fewest + 1, len(able) + 1)
    useful = bisect_left(more, True, key=lambda n: not _useful(wanted, able[:n], unit))
    return _poured(wanted, able[: fewest + useful], unit)


def _fewest(wanted: int, able: Sequence[Taker]) -> int:
    """How many of the first takers it needs at least for so many packs."""
    found = 0
    for number, taker in enumerate(able, start=1):
        found += taker.free
        if found >= wanted:
            return number
    return len(able)


def _useful(wanted: int, takers: Sequence[Taker], unit: int) -> bool:
    shares = _poured(wanted, takers, unit)
    return all(shares.get(t.key, t.least) >= t.least for t in takers)


def _poured(wanted: int, takers: Sequence[Taker], unit: int) -> dict[int, int]:
    """The shares of these takers, who are able to make so many together."""
    over, under = _level(wanted, takers, unit)
    # In parts of the level's denominator, so that whole numbers do: packs, and what is left over.
    parts = {t.key: divmod(_into(t, over, under), under) for t in takers}
    shares = {key: packs for key, (packs, _rest) in parts.items()}
    by_remainder = sorted(
        takers, key=lambda t: (-parts[t.key][1], t.lately * unit // t.capacity, t.key)
    )
    for taker in by_remainder[: wanted - sum(shares.values())]:
        shares[taker.key] += 1
    return {key: share for key, share in shares.items() if share}


def _level(wanted: int, takers: Sequence[Taker], unit: int) -> tuple[int, int]:
    """The level, as a fraction, at which exactly the wanted packs have been poured."""
    begins = {t.key: t.lately * unit // t.capacity for t in takers}
    fulls = {t.key: (t.lately + t.free) * unit // t.capacity for t in takers}
    marks = sorted({*begins.values(), *fulls.values()})

    def volume(mark: int) -> int:
        return sum(_into(t, mark, unit) for t in takers)

    above = bisect_left(marks, wanted * unit, key=volume)
    top = marks[min(above, len(marks) - 1)]
    if above == 0 or volume(top) == wanted * unit:
        return top, unit
    # Between two marks the same vessels fill: those begun below the mark and not full there.
    filling = [t for t in takers if begins[t.key] < top and fulls[t.key] >= top]
    full = sum(t.free for t in takers if fulls[t.key] < top)
    rest = wanted - full + sum(t.lately for t in filling)
    return rest, sum(t.capacity for t in filling)


def _into(taker: Taker, over: int, under: int) -> int:
    """What a taker gets when all are filled up to the level over/under, times `under`."""
    return min(max(over * taker.capacity - under * taker.lately, 0), under * taker.free)


def relative(had: Mapping[int, int], capacity: Mapping[int, int]) -> Fraction | None:
    """The smallest share over the largest, each relative to capacity: 1 is perfectly fair.

    None as long as fewer than two can be compared, or nobody had anything.
    """
    shares = [Fraction(had.get(key, 0), width) for key, width in capacity.items() if width > 0]
    if len(shares) < 2 or not any(shares):
        return None
    return min(shares) / max(shares)
