"""What has been decided of a year, as the database keeps it (reach_shown): a row for each table, as
JSON. It holds for as long as the year's stamp is the same.

Written by `settling` alone; whoever reads it saves itself the deciding.
"""

from __future__ import annotations

import json
import sys
from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from ovop_market.reach.figures import Returning, Share, Sums
from ovop_market.reach.grids import HELD, Grid
from ovop_market.reach.models import ReachShown, ReachShownYear
from ovop_market.reach.raw import Sold, Tree
from ovop_market.reach.read_once import Kept, Reached, Reserves, province_of

# Another number makes all that is stored be decided again: to be raised whenever a rule of
# withholding, a table or its form is another. tests/reach/test_settling.py tells who forgets it.
VERSION = 1

# What nearly every page asks of a tree, and one of its own (see `basic`).
_BASIC = (
    "months",
    "provinces",
    "places",
    "villages",
    "products",
    "village provinces",
    "stayed",
    "sold",
    "reached",
    "reserves",
)


def basic(tree: Tree) -> tuple[str, ...]:
    """The names of the parts that are read at once."""
    return (
        *_BASIC,
        f"villages in:{province_of(tree.area)}",
        "channels" if tree.reported else "returning",
    )


def read(
    session: Session, kept: Mapping[Tree, Kept], names: Callable[[Tree], Collection[str]]
) -> None:
    """Puts what is stored of some trees to what is kept of them, if it still holds: one statement,
    or none if nothing is missing."""
    wanted = {
        (tree.year, tree.area, tree.reported, said(found.stamp)): found
        for tree, found in kept.items()
        if found.stored and not all(map(found.has, names(tree)))
    }
    if not wanted:
        return
    parts = sorted({name for tree in kept for name in names(tree)})
    header = ReachShownYear
    key = (header.year, header.area_code, header.reported)
    rows = session.execute(
        select(*key, header.stamp, ReachShown.part, ReachShown.data)
        .join(
            ReachShown,
            and_(
                ReachShown.year == header.year,
                ReachShown.area_code == header.area_code,
                ReachShown.reported == header.reported,
            ),
        )
        .where(
            header.year.in_({year for year, *_ in wanted}),
            header.area_code.in_({area for _, area, *_ in wanted}),
            ReachShown.part.in_(parts),
        )
    )
    for year, area, reported, stamp, part, data in rows:
        found = wanted.get((year, area, reported, stamp))
        if found and not found.has(part):
            found.unread[part] = partial(decoded, part, data)
    for found in wanted.values():
        found.new = False


def said(stamp: tuple[int, ...]) -> str:
    """A stamp as text, with the version of the rules."""
    return " ".join(map(str, (VERSION, *stamp)))


def nothing(tree: Tree) -> dict[str, Any]:
    """The parts of a tree that holds nothing."""
    return {name: _CODECS[_kind(name)].nothing() for name in basic(tree)}


def encoded(part: str, what: Any) -> str:
    """A part as text."""
    # Sorted, so that what says the same is the same.
    return json.dumps(_CODECS[_kind(part)].write(what), separators=(",", ":"), sort_keys=True)


def decoded(part: str, data: str) -> Any:
    """The same again."""
    return _CODECS[_kind(part)].read(json.loads(data))


def _kind(part: str) -> str:
    return part.partition(":")[0]


class _Codec(NamedTuple):
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    nothing: Callable[[], Any]


def _write_grid(grid: Grid[Any, Any]) -> Any:
    return {
        "rows": grid.rows,
        "columns": [_plain(column) for column in grid.columns],
        "cells": list(map(_write_numbers, grid.numbers)),
        "totals": list(map(_write_numbers, grid.whole)),
    }


def _grid(key: Callable[[Any], Any]) -> _Codec:
    """Of a grid whose columns are made of text like this."""

    def read(data: Any) -> Grid[Any, Any]:
        return Grid(
            data["rows"],
            [key(column) for column in data["columns"]],
            list(map(_read_numbers, data["cells"])),
            list(map(_read_numbers, data["totals"])),
        )

    return _Codec(_write_grid, read, lambda: Grid((), (), [()] * 4, [()] * 4))


def _write_numbers(numbers: array[int]) -> str:
    """The bytes, as narrow as the largest number allows, after the letter of their kind: a page
    reads hundred thousands, and as digits that takes five times as long."""
    least, most = min(numbers, default=0), max(numbers, default=0)
    kind = next(kind for kind, limit in _KINDS.items() if -limit <= least and most < limit)
    packed = array(kind, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return kind + b64encode(packed.tobytes()).decode()


def _read_numbers(text: str) -> array[int]:
    packed = array(text[0], b64decode(text[1:]))
    if sys.byteorder == "big":
        packed.byteswap()
    return packed


def _plain(column: Any) -> Any:
    return column.isoformat() if isinstance(column, date) else column


def _days(days: Iterable[date]) -> list[str]:
    return [day.isoformat() for day in days]


def _of_days(texts: Iterable[str]) -> tuple[date, ...]:
    return tuple(date.fromisoformat(text) for text in texts)


def _share(share: Share) -> list[int]:
    return [share.purchases, share.returning, int(share.held)]


def _shared(data: list[int]) -> Share:
    return Share(data[0], data[1], bool(data[2]))


# A list for each number: there are many products.
_SOLD = _Codec(
    lambda what: list(zip(*((key, *what[key]) for key in sorted(what)), strict=True)),
    lambda data: dict(zip(data[0], map(Sold, *data[1:]), strict=True)) if data else {},
    dict,
)
_REACHED = _Codec(
    lambda what: [_days(what.months), what.bits, what.purchases],
    lambda data: Reached(_of_days(data[0]), data[1], data[2]),
    lambda: Reached((), {}, {}),
)
_RESERVES = _Codec(
    lambda what: [what.products, what.regencies, _days(what.months)],
    lambda data: Reserves(tuple(data[0]), tuple(data[1]), _of_days(data[2])),
    lambda: Reserves((), (), ()),
)
_STAYED = _Codec(
    lambda what: {str(village): None if s.held else s.units for village, s in what.items()},
    lambda data: {
        int(village): HELD if units is None else Sums(units=units)
        for village, units in data.items()
    },
    dict,
)
_RETURNING = _Codec(
    lambda what: {
        "whole": _share(what.whole),
        "villages": {str(village): _share(share) for village, share in what.villages.items()},
    },
    lambda data: Returning(
        _shared(data["whole"]),
        {int(village): _shared(share) for village, share in data["villages"].items()},
    ),
    Returning,
)
# Signed integers of 1, 2, 4 and 8 bytes, with what is too large for them.
_KINDS = {"b": 2**7, "h": 2**15, "i": 2**31, "q": 2**63}
_BY_MONTH, _BY_PLACE = _grid(date.fromisoformat), _grid(str)
# By the kind of a part, which its name begins with.
_CODECS: Mapping[str, _Codec] = {
    **dict.fromkeys(
        ("months", "provinces", "places", "channels", "villages", "products"), _BY_MONTH
    ),
    **dict.fromkeys(("village provinces", "villages in"), _BY_PLACE),
    "sold": _SOLD,
    "reached": _REACHED,
    "reserves": _RESERVES,
    "stayed": _STAYED,
    "returning": _RETURNING,
}
