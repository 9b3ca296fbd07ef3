"""Where things went, as lines: provinces with their regencies, and what sellers report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.reach.figures import Line, PlaceLine, Reported, Sums
from ovop_market.reach.models import Channel
from ovop_market.reach.recount import PROVINCE_LENGTH
from ovop_market.reach.shown import Shown
from ovop_market.regions import codes
from ovop_market.regions.models import Region

# Code, name and level.
PlaceName = tuple[str, str, int]


def opened(provinces: Sequence[PlaceLine], code: str) -> PlaceLine | None:
    """The chosen province, or the one that most went to."""
    for province in provinces:
        if province.key == code:
            return province
    most = max(provinces, key=lambda province: province.now.orders, default=None)
    return most if most and most.now.units else None


def regions(session: Session) -> Sequence[PlaceName]:
    """All provinces, then all regencies."""
    # By the key that is indexed: nine in ten areas are villages.
    (least, _), (_, greatest) = codes.sort_keys_of(1), codes.sort_keys_of(2)
    rows = session.execute(
        select(Region.code, Region.name, Region.level)
        .where(Region.sort_key.between(least, greatest))
        .order_by(Region.sort_key)
    )
    return [(code, name, level) for code, name, level in rows]


def provinces(
    regions: Sequence[PlaceName], now: Mapping[str, Sums], before: Mapping[str, Sums]
) -> tuple[PlaceLine, ...]:
    """All provinces with those regencies that something went to, or may have gone to."""
    places: dict[str, list[PlaceLine]] = defaultdict(list)
    size: dict[str, int] = defaultdict(int)
    for code, name, level in regions:
        if level == 2:
            size[code[:PROVINCE_LENGTH]] += 1
            if code in now or code in before:
                line = PlaceLine(code, name, now.get(code, Sums()), before.get(code, Sums()))
                places[code[:PROVINCE_LENGTH]].append(line)
    return tuple(
        PlaceLine(
            code,
            name,
            now.get(code, Sums()),
            before.get(code, Sums()),
            size[code],
            tuple(sorted(places[code], key=most_first)),
        )
        for code, name, level in regions
        if level == 1
    )


def told(now: Shown, before: Shown, provinces: Sequence[PlaceLine]) -> Reported:
    """What sellers report, with its own sums."""
    channels, channels_before = now.by_channel(), before.by_channel()
    lines = [
        Line(channel, "", channels.get(channel, Sums()), channels_before.get(channel, Sums()))
        for channel in Channel
        if channel.reported
    ]
    places = [place for province in provinces for place in province.places]
    return Reported(
        total=Line("", "", now.total, before.total),
        spread=now.spread,
        spread_before=before.spread,
        channels=() if now.by_years else tuple(lines),
        places=tuple(sorted(places, key=most_first)),
    )


def most_first(line: Line) -> tuple[int, int, str]:
    """How lines are sorted: by orders, packs and name."""
    return (-line.now.orders, -line.now.units, line.name)
