"""Lines of time: regencies reached month by month, buyers who came back, and villages beside each
other on one scale. Their columns are drawn as one path each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ovop_market.reach.figures import Spread, Sums

MULTIPLES = 12  # a page
# A column is so wide, and so far from the next; the picture is so high.
WIDE, APART, HIGH = 8, 10, 60


@dataclass(frozen=True, slots=True)
class ReturningLine:
    """A year's purchases, and those of buyers who had bought before."""

    year: int
    purchases: int
    returning: int
    held: bool = False

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.returning / self.purchases if self.purchases else 0.0


@dataclass(frozen=True, slots=True)
class Multiple:
    """A village and its months."""

    slug: str
    name: str
    points: tuple[Sums, ...]

    @property
    def total(self) -> Sums:
        """Of all months."""
        return sum(self.points, Sums())


# Numbers as they stand beside each other; of a withheld one what is shown of it, and that it is.
Columns = Sequence[tuple[int, bool]]


def most(numbers: Iterable[int]) -> int:
    """The largest, which the scale ends with; at least 1."""
    return max(1, max(numbers, default=0))


def orders(points: Iterable[Sums]) -> Columns:
    """The orders of a village's months."""
    return [(point.orders, point.held) for point in points]


def spread(lines: Iterable[Spread]) -> Columns:
    """The regencies of each month."""
    return [(line.regencies, line.held) for line in lines]


def top(multiples: Iterable[Multiple]) -> int:
    """Where the scale of all of them ends."""
    return most(point.orders for each in multiples for point in each.points)


def filled(columns: Columns, scale: int) -> str:
    """The path of what is shown: a column for each number, `scale` being as high as the picture."""
    path = []
    for index, (number, _held) in enumerate(columns):
        if number > 0:
            # What is there is seen, however little.
            height = max(1, round(HIGH * number / scale))
            path.append(f"M{index * APART + 1} {HIGH}v-{height}h{WIDE}v{height}z")
    return "".join(path)


def marked(columns: Columns, scale: int) -> str:
    """The path of marks where a number is withheld: a striped stump upon what is shown of it."""
    path = []
    for index, (number, held) in enumerate(columns):
        if held:
            bottom = max(HIGH - round(HIGH * number / scale), 14)
            path.append(f"M{index * APART + 1 + WIDE // 2} {bottom}v-14")
    return "".join(path)
