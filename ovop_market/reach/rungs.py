"""How far a village has come: what it sells at home, in its regency, in its province and beyond,
and since which year."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ovop_market.reach.figures import Sums
from ovop_market.reach.first import since
from ovop_market.reach.grids import without

HELD_WIDE = 60  # thousandths of a bar that say: it may be more
RUNGS = ("village", "regency", "province", "nation")
# What a village sold in a year: at home, in its regency, in its province, in all. Each holds the
# one before it.
Within = tuple[Sums, Sums, Sums, Sums]


@dataclass(frozen=True, slots=True)
class Rung:
    """One of RUNGS, without those below it, and the first year of which something is shown (or an
    earlier one, which is withheld)."""

    name: str
    sums: Sums
    since: int | None
    or_earlier: bool


@dataclass(frozen=True, slots=True)
class VillageRungs:
    """A village with its rungs, from home outwards."""

    slug: str
    name: str
    rungs: tuple[Rung, ...]

    @property
    def held(self) -> bool:
        """Whether something of it is withheld."""
        return any(rung.sums.held for rung in self.rungs)

    @property
    def shares(self) -> tuple[int, ...]:
        """Of each rung in what is shown (units), in thousandths; room is left for what is not."""
        units = [rung.sums.units for rung in self.rungs]
        room = 1000 - HELD_WIDE if self.held else 1000
        return tuple(room * each // (sum(units) or 1) for each in units)


def rungs(by_year: Mapping[int, Within], summed: Collection[int] | None = None) -> tuple[Rung, ...]:
    """The rungs of a village: sums of the years `summed` (None: of all), and since when of all."""
    apart = {year: _apart(within) for year, within in by_year.items()}
    found = []
    for index, name in enumerate(RUNGS):
        sums = Sums()
        for year, parts in apart.items():
            if summed is None or year in summed:
                sums += parts[index]
        found.append(Rung(name, sums, *since({year: apart[year][index] for year in apart})))
    return tuple(found)


def _apart(within: Within) -> Within:
    """Each rung without those below it. Where that would be too little, one of them is withheld
    already: home too, although it is no destination (Published.stayed)."""
    home, regency, province, everywhere = within
    return home, without(regency, home), without(province, regency), without(everywhere, province)
