"""How what a group's order brought is split over those who made it: pure arithmetic, rupiah.

Everybody's part is measured by the price of the packs that they handed in; what nobody handed in is
a part of its own. Whole rupiah by largest remainder, and nothing is lost or made up: the parts sum
to the amount, to the rupiah.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Split:
    """Rupiah by household, and what belongs to none of them."""

    households: Mapping[int, int]
    rest: int


def split(amount: int, worth: int, made: Mapping[int, int]) -> Split:
    """Splits what an order brought for its goods; a negative amount went back to the buyer.

    `worth` is the price of all packs of the order, `made` that of the packs that each household
    handed in.
    """
    if amount < 0:
        back = split(-amount, worth, made)
        return Split({key: -part for key, part in back.households.items()}, -back.rest)
    by_all = sum(made.values())
    # Households cannot have handed in more than was ordered; if they have, all of it is theirs.
    rest = max(worth - by_all, 0)
    whole = by_all + rest
    if not whole:
        return Split(dict.fromkeys(made, 0), amount)
    floors = {key: divmod(amount * price, whole) for key, price in made.items()}
    rest_part, rest_over = divmod(amount * rest, whole)
    parts = {key: rupiah for key, (rupiah, _over) in floors.items()}
    # Nobody gets a rupiah without a remainder: there are fewer of those rupiah than remainders.
    queue: list[tuple[int, int, int | None]] = [(-rest_over, 0, None)]
    queue += [(-over, -made[key], key) for key, (_rupiah, over) in floors.items()]
    queue.sort(key=lambda one: (one[0], one[1], one[2] or 0))
    for _over, _price, key in queue[: amount - sum(parts.values()) - rest_part]:
        if key is None:
            rest_part += 1
        else:
            parts[key] += 1
    return Split(parts, rest_part)


def between(before: int, after: int, worth: int, made: Mapping[int, int]) -> Split:
    """What the parts change by when an order has brought `after` instead of `before`.

    So parts of months, or of payouts, that follow each other add up to those of the whole.
    """
    was, now = split(before, worth, made), split(after, worth, made)
    return Split(
        {key: now.households[key] - was.households[key] for key in made}, now.rest - was.rest
    )
