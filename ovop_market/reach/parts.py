"""Parts of the statements that read the rollups: which channel, and which months."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func

from ovop_market.reach.filters import Period
from ovop_market.reach.models import Channel, Counts, ReachDay


def through(reported: bool, rollup: type[Counts] = ReachDay) -> ColumnElement[bool]:
    """What the website has verified, or what sellers report: they are never added together."""
    channel: Any = rollup.channel
    return channel != Channel.WEB if reported else channel == Channel.WEB  # type: ignore[no-any-return]


def within(period: Period, rollup: type[Counts] = ReachDay) -> ColumnElement[bool]:
    """Days, or months (each by its first day)."""
    moment: Any = ReachDay.day if rollup is ReachDay else rollup.month  # type: ignore[attr-defined]
    return moment.between(period.start, period.end)  # type: ignore[no-any-return]


def total(value: Any) -> ColumnElement[int]:
    """A sum that stays an integer: PostgreSQL adds 64-bit integers up to a numeric, which would
    arrive as Decimal."""
    return cast(func.sum(value), BigInteger)
