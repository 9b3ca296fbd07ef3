"""Where things went: sums by province and regency, of what was verified and of what is reported."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.reach.figures import Line, PlaceLine, Reported, Sums
from ovop_market.reach.filters import Filters
from ovop_market.reach.models import (
    Channel,
    Counts,
    ReachDay,
    ReachMonth,
    ReachPlaceMonth,
    ReachVillagePlace,
)
from ovop_market.reach.parts import both, pair
from ovop_market.reach.recount import PROVINCE_LENGTH
from ovop_market.regions.models import Region

# By channel and regency: the sums of the period, and of the year before.
Counted = Mapping[tuple[Channel, str], tuple[Sums, Sums]]
# Code, name and level.
PlaceName = tuple[str, str, int]


def opened(provinces: Sequence[PlaceLine], code: str) -> PlaceLine | None:
    """The chosen province, or the one that most went to."""
    for province in provinces:
        if province.key == code:
            return province
    most = max(provinces, key=lambda province: province.now.orders, default=None)
    return most if most and most.now.units else None


def added(key: str, name: str, lines: Iterable[Line]) -> Line:
    lines = tuple(lines)
    return Line(
        key,
        name,
        sum((line.now for line in lines), Sums()),
        sum((line.before for line in lines), Sums()),
    )


def counted(session: Session, actor: User, filters: Filters) -> Counted:
    """What went where, through which channel."""
    if filters.product:
        rollup: type[Counts] = ReachDay
    elif filters.narrowed:
        rollup = ReachVillagePlace
    else:
        rollup = ReachMonth if actor.role is Role.OPERATOR else ReachPlaceMonth
    sides = both(actor, filters, rollup=rollup)
    rows = session.execute(sides.by(sides.c.channel, sides.c.region_code))
    return {(Channel(channel), code): pair(numbers) for channel, code, *numbers in rows}


def of_channels(counts: Counted, *, reported: bool) -> dict[str, tuple[Sums, Sums]]:
    found: dict[str, tuple[Sums, Sums]] = {}
    for (channel, code), (now, before) in counts.items():
        if channel.reported is reported:
            sums = found.get(code, (Sums(), Sums()))
            found[code] = (sums[0] + now, sums[1] + before)
    return found


def regions(session: Session) -> Sequence[PlaceName]:
    rows = session.execute(
        select(Region.code, Region.name, Region.level)
        .where(Region.level <= 2)
        .order_by(Region.code)
    )
    return [(code, name, level) for code, name, level in rows]


def provinces(
    regions: Sequence[PlaceName], counts: Mapping[str, tuple[Sums, Sums]]
) -> tuple[PlaceLine, ...]:
    """All provinces with those regencies that something went to."""
    places: dict[str, list[PlaceLine]] = defaultdict(list)
    size: dict[str, int] = defaultdict(int)
    for code, name, level in regions:
        if level == 2:
            size[code[:PROVINCE_LENGTH]] += 1
        if code in counts:
            places[code[:PROVINCE_LENGTH]].append(PlaceLine(code, name, *counts[code]))
    provinces = []
    for code, name, level in regions:
        if level == 1:
            inside = sorted(places[code], key=most_first)
            sums = added(code, name, inside)
            provinces.append(
                PlaceLine(code, name, sums.now, sums.before, size[code], tuple(inside))
            )
    return tuple(provinces)


def reached(provinces: Iterable[PlaceLine], *, before: bool = False) -> int:
    """How many regencies something went to."""
    return sum(
        (place.before if before else place.now).units > 0
        for province in provinces
        for place in province.places
    )


def told(counts: Counted, provinces: Sequence[PlaceLine]) -> Reported:
    """What sellers report, with its own sums."""
    channels = []
    for channel in Channel:
        if channel.reported:
            sums = [Line("", "", *found) for (of, _), found in counts.items() if of is channel]
            channels.append(added(channel, "", sums))
    places = [place for province in provinces for place in province.places]
    return Reported(
        total=added("", "", provinces),
        regencies=reached(provinces),
        regencies_before=reached(provinces, before=True),
        channels=tuple(channels),
        places=tuple(sorted(places, key=most_first)),
    )


def most_first(line: Line) -> tuple[int, int, str]:
    return (-line.now.orders, -line.now.units, line.name)
