"""Who buys, in bulk: some for the first time, some again, most of them from the same village."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from random import Random
from typing import NamedTuple

# How many orders are of somebody who has bought from the same village before, or from another.
_SAME_VILLAGE, _ANY_VILLAGE = 0.22, 0.08

Address = tuple[str, str]  # code, postal code


class Buyer(NamedTuple):
    """Who buys: whether ever before, and whether from this village."""

    number: int
    repeat: bool
    repeat_here: bool

    @property
    def phone(self) -> str:
        """Plainly invented, and too long to be anybody's: there are more buyers than numbers that
        are invented (demo_producers.invented_phone)."""
        return f"+628120000{self.number:07d}"

    @property
    def key(self) -> str:
        """What recognises them: as long and as scattered as a real one, many times faster."""
        return sha256(b"%d" % self.number).hexdigest()


class Buyers:
    """All who have bought so far, numbered from `first`. Orders come the earliest first."""

    def __init__(self, rng: Random, first: int) -> None:
        self.rng, self.first = rng, first
        # By number: where they live, and the villages (their codes) that they have bought from.
        self.addresses: list[Address] = []
        self.villages: list[tuple[str, ...]] = []
        # By village: whoever has bought from it.
        self.of_village: dict[str, list[int]] = defaultdict(list)

    def back(self, village: str) -> tuple[Buyer, Address] | None:
        """Somebody who comes back, to this village, with their address; None for somebody new."""
        luck, known = self.rng.random(), self.of_village[village]
        if luck < _SAME_VILLAGE and known:
            place = known[int(len(known) * self.rng.random())]
        elif _SAME_VILLAGE <= luck < _SAME_VILLAGE + _ANY_VILLAGE and self.addresses:
            place = int(len(self.addresses) * self.rng.random())
        else:
            return None
        before = self.villages[place]
        here = village in before
        if not here:
            self.villages[place] = (*before, village)
            known.append(place)
        return Buyer(self.first + place, True, here), self.addresses[place]

    def new(self, village: str, address: Address) -> Buyer:
        """Somebody who lives there and buys for the first time."""
        place = len(self.addresses)
        self.addresses.append(address)
        self.villages.append((village,))
        self.of_village[village].append(place)
        return Buyer(self.first + place, False, False)
