"""Where the demo's buyers live: more in Jakarta, Bandung, Palembang and the own province."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.regions.models import Region

PROVINCE = "19"
HOME = "19.05"
# How many addresses of one regency are used at most.
_ADDRESSES = 24


@dataclass(frozen=True, slots=True)
class Circle:
    """Regencies that are reached alike: weight when the market began and now (see `weights`)."""

    first: float
    last: float
    regencies: Mapping[str, int]


CIRCLES: tuple[Circle, ...] = (
    Circle(40, 24, {"19.05": 1}),
    Circle(24, 26, {"19.71": 5, "19.01": 4, "19.04": 3, "19.03": 2, "19.02": 2, "19.06": 1}),
    Circle(
        18,
        46,
        {
            "31.74": 6,
            "31.73": 4,
            "31.75": 4,
            "31.71": 3,
            "31.72": 2,
            "32.73": 8,
            "16.71": 8,
        },
    ),
    # From the third or fourth month on: Java and Sumatra beyond the first cities.
    Circle(
        3,
        30,
        {
            "32.75": 4,
            "32.76": 4,
            "36.74": 4,
            "36.71": 3,
            "32.71": 3,
            "32.01": 2,
            "32.04": 2,
            "33.74": 3,
            "34.04": 2,
            "34.71": 3,
            "35.78": 4,
            "35.73": 2,
            "33.72": 2,
            "35.15": 1,
            "33.22": 1,
            "12.71": 2,
            "13.71": 2,
            "14.71": 2,
            "15.71": 2,
            "17.71": 1,
            "18.71": 3,
            "18.72": 1,
            "21.71": 3,
            "21.72": 1,
            "16.07": 2,
            "16.02": 1,
            "16.74": 1,
            "11.71": 1,
        },
    ),
    # The rest of Indonesia, one regency after the other.
    Circle(
        0.2,
        13,
        {
            "51.71": 4,
            "51.03": 2,
            "52.71": 2,
            "53.71": 1,
            "61.71": 3,
            "62.71": 1,
            "63.71": 2,
            "64.71": 3,
            "64.72": 2,
            "65.71": 1,
            "71.71": 2,
            "72.71": 1,
            "73.71": 4,
            "74.71": 1,
            "75.71": 1,
            "76.02": 1,
            "81.71": 1,
            "82.71": 1,
            "91.71": 2,
            "92.02": 1,
            "93.01": 1,
            "94.01": 1,
            "96.71": 1,
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Address:
    """A village (or, where the table has none, a district) that parcels go to."""

    code: str
    name: str
    postal_code: str

    @property
    def regency(self) -> str:
        return self.code[:5]


@dataclass(frozen=True, slots=True)
class Places:
    """The addresses that the region table has, by regency."""

    addresses: Mapping[str, Sequence[Address]]
    # Those of the home regency, each by its own code.
    villages: Mapping[str, Address]

    def weights(self, progress: float) -> dict[str, float]:
        """How likely each regency is at this part (0 to 1) of the demo's two years."""
        found: dict[str, float] = {}
        for circle in CIRCLES:
            there = {r: w for r, w in circle.regencies.items() if r in self.addresses}
            whole = circle.first + (circle.last - circle.first) * progress
            for number, (regency, weight) in enumerate(there.items()):
                # Far regencies join one by one.
                joined = circle.first >= 1 or progress >= number / (len(there) + 1)
                found[regency] = whole * weight / sum(there.values()) if joined else 0.0
        return found

    def first_of(self, regency: str) -> Address:
        """One address there. Raises KeyError when the table has none."""
        return self.addresses[regency][0]


def find(session: Session) -> Places:
    """The addresses of the wanted regencies, ordered by code."""
    wanted = [regency for circle in CIRCLES for regency in circle.regencies]
    rows = session.execute(
        select(Region.code, Region.name, Region.postal_code, Region.level)
        .where(Region.level >= 3, func.substr(Region.code, 1, 5).in_(wanted))
        .order_by(Region.code)
    ).all()
    levels: dict[str, int] = {}
    for row in rows:
        levels[row.code[:5]] = max(row.level, levels.get(row.code[:5], 0))
    found: dict[str, list[Address]] = {}
    for code, name, postal_code, level in rows:
        if level == levels[code[:5]]:
            found.setdefault(code[:5], []).append(Address(code, name, postal_code or "00000"))
    return Places(
        {regency: many[:: max(1, len(many) // _ADDRESSES)] for regency, many in found.items()},
        {address.code: address for address in found.get(HOME, ())},
    )
