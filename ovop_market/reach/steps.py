"""The colour steps of the map: a few ranges of numbers that suit what there is to show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ovop_market.reach.withholding import FEWEST

MOST_STEPS = 5
# From which number on so many are told as one: 12,345 as 12 thousand.
_UNITS = ((1_000_000_000, 1_000_000_000), (1_000_000, 1_000_000), (10_000, 1_000))


def unit_of(number: int) -> int:
    """In what a number is told where there is little room: ones, thousands, millions, milliards."""
    return next((unit for least, unit in _UNITS if number >= least), 1)


@dataclass(frozen=True, slots=True)
class Steps:
    """Where the first step begins, and the largest number of each; step 0 is for nothing at all.

    Each step is as many times the one before it, because a few provinces take most of the orders.
    """

    first: int
    tops: tuple[int, ...]

    @classmethod
    def of_orders(cls, numbers: Iterable[int]) -> Steps:
        """Steps for orders, as they are shown: fewer than FEWEST never are."""
        return cls._between(FEWEST, max(numbers, default=0))

    @classmethod
    def of_amounts(cls, numbers: Iterable[int]) -> Steps:
        """Steps for packs or rupiah: they begin at the smallest there is, or a little before."""
        some = [number for number in numbers if number > 0]
        least = min(some, default=0)
        round_one = 10 ** (len(str(least)) - 1)
        return cls._between(least // round_one * round_one, max(some, default=0))

    @classmethod
    def _between(cls, first: int, most: int) -> Steps:
        """Fewer steps than there may be where there are fewer numbers. Tops are round numbers, so
        that they are true as they are told."""
        if most <= 0:
            return cls(0, ())
        first = min(first, most)
        tops = set()
        for step in range(1, MOST_STEPS + 1):
            top = round(first * (most / first) ** (step / MOST_STEPS))
            tops.add(min(-(-top // unit_of(top)) * unit_of(top), most))
        return cls(first, tuple(sorted(tops | {most})))

    def of(self, number: int) -> int:
        """The step of a number."""
        if number <= 0:
            return 0
        below = sum(number > top for top in self.tops)
        return self._shade(min(below, len(self.tops) - 1))

    @property
    def ranges(self) -> Iterator[tuple[int, int, int]]:
        """Step, smallest and largest number of it."""
        smallest = self.first
        for index, top in enumerate(self.tops):
            yield self._shade(index), smallest, top
            smallest = top + 1

    def _shade(self, index: int) -> int:
        # Few steps are spread to the dark end: the most is always the darkest.
        return MOST_STEPS - len(self.tops) + index + 1
