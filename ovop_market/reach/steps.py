"""The colour steps of the map: a few ranges of numbers that suit what there is to show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MOST_STEPS = 5


@dataclass(frozen=True, slots=True)
class Steps:
    """The largest number of each step; step 0 is for nothing at all.

    Each step is as many times the one before it, because a few provinces take most of the orders.
    """

    tops: tuple[int, ...]

    @classmethod
    def up_to(cls, most: int) -> Steps:
        """Steps from 1 to `most`; fewer when there are fewer numbers than steps."""
        if most <= 0:
            return cls(())
        wanted = (round(most ** (step / MOST_STEPS)) for step in range(1, MOST_STEPS + 1))
        return cls(tuple(sorted(set(wanted))))

    def of(self, number: int) -> int:
        """The step of a number."""
        if number <= 0:
            return 0
        below = sum(number > top for top in self.tops)
        return self._shade(min(below, len(self.tops) - 1))

    @property
    def ranges(self) -> Iterator[tuple[int, int, int]]:
        """Step, smallest and largest number of it."""
        smallest = 1
        for index, top in enumerate(self.tops):
            yield self._shade(index), smallest, top
            smallest = top + 1

    def _shade(self, index: int) -> int:
        # Few steps are spread to the dark end: the most is always the darkest.
        return MOST_STEPS - len(self.tops) + index + 1
