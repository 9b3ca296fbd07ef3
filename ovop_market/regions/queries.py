"""Reads about areas: searching them, and looking one up."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, union_all
from sqlalchemy.orm import Session

from ovop_market.regions import codes, ranking, words
from ovop_market.regions import search as engine
from ovop_market.regions.models import Region, RegionSpelling, RegionWord

ADDRESS_LEVELS = (3, 4)
# Where a regency is asked for: by its own name, or by that of a district in it.
REGENCY_LEVELS = (2, 3)
LIMIT = 12

# How many areas of a level are looked at whose words begin so; the first by code. Of more, some
# that begin better may be missed, but none that has exactly this name.
_MOST_BY_WORDS = 200
_MOST_EXACT = 60
# How many known words one mistyped word may stand for.
_MOST_MEANINGS = 12


@dataclass(frozen=True, slots=True)
class RegionHit:
    """An area as an answer to a search."""

    code: str
    name: str
    kind: str
    path: str
    postal_code: str | None
    level: int


_COLUMNS = (
    Region.code,
    Region.name,
    Region.kind,
    Region.path,
    Region.postal_code,
    Region.level,
    Region.name_key,
    Region.own_words,
    Region.all_words,
)


def get(session: Session, code: str) -> Region | None:
    """The area with this code, or None, whatever the code is."""
    return session.get(Region, code) if codes.is_code(code) else None


def address_region(session: Session, code: str) -> Region | None:
    """The area if it is one that an address may name: a district or a village."""
    region = get(session, code)
    return region if region is not None and region.level in ADDRESS_LEVELS else None


def search(
    session: Session, q: str, *, levels: Collection[int] = ADDRESS_LEVELS, limit: int = LIMIT
) -> list[RegionHit]:
    """The areas that fit best to a name, several words, a postal code or a Kemendagri code.

    Any text is allowed; too short or unknown, it finds nothing. Typing errors are forgiven when
    nothing fits as it is typed. The order is the same on both databases.
    """
    typed = words.tokens(q)
    code = q.strip()
    if codes.is_code(code) and "." in code:
        region = get(session, code)
        return [_hit(region)] if region is not None and region.level in levels else []
    if not typed:
        return []
    asked: list[dict[str, int]] = [{word: 0} for word in typed]
    found = _candidates(session, asked, levels, limit)
    if not found and _searchable(typed):
        asked = _meanings(session, typed)
        found = _candidates(session, asked, levels, limit)
    return _best(asked, found, limit)


def picker_options(
    session: Session,
    form_q: str,
    selected_code: str,
    levels: Collection[int] = ADDRESS_LEVELS,
) -> list[RegionHit]:
    """What the address picker shows: the chosen area first, then what the words find."""
    chosen = get(session, selected_code) if selected_code else None
    found = search(session, form_q, levels=levels)
    if chosen is None or chosen.level not in levels:
        return found
    return [_hit(chosen), *(hit for hit in found if hit.code != chosen.code)]


def _searchable(typed: Iterable[str]) -> bool:
    """Whether a word is long enough to look names through by it; else only whole names count."""
    return any(len(word) >= words.MIN_PREFIX for word in typed)


def _candidates(
    session: Session, asked: ranking.Meanings, levels: Collection[int], limit: int
) -> dict[str, Any]:
    """Rows by code: the areas among which the best answers are, at most a few hundred."""
    meanings = {next(iter(known)): list(known) for known in asked}
    ordered = sorted(set(levels))
    sources = [_named_exactly(list(meanings), level) for level in ordered]
    if not _searchable(meanings):
        return _fetch(session, sources)
    readings = [
        [meanings.get(word, [word]) for word in reading]
        for reading in words.readings(list(meanings))
    ]

    def having(level: int, *, own: bool) -> Select[Any]:
        return engine.matching(session, readings, level, own=own, limit=_MOST_BY_WORDS)

    sources += [having(level, own=True) for level in ordered]
    found: dict[str, Any] = {}
    for level in ordered:
        # Larger areas first, and smaller ones only if there is room: the name of a province alone
        # fits thousands of villages.
        found |= _fetch(session, [*sources, having(level, own=False)])
        sources = []
        if len(found) >= limit:
            break
    return found


def _named_exactly(typed: list[str], level: int) -> Select[Any]:
    names = {" ".join(typed), "".join(typed)}
    return (
        select(Region.sort_key)
        .where(Region.name_key.in_(names), Region.level == level)
        .order_by(Region.sort_key)
        .limit(_MOST_EXACT)
    )


def _fetch(session: Session, sources: list[Select[Any]]) -> dict[str, Any]:
    keys = union_all(*(select(source.subquery()) for source in sources))
    rows = session.execute(select(*_COLUMNS).where(Region.sort_key.in_(keys)))
    return {row.code: row for row in rows}


def _meanings(session: Session, typed: list[str]) -> list[dict[str, int]]:
    """What each word can have meant, itself first, with the number of errors in it then."""
    mistyped = [word for word in typed if words.mistypable(word)]
    if not mistyped:
        return [{word: 0} for word in typed]
    spellings = sorted(set().union(*(words.spellings(word) for word in mistyped)))
    sources = [
        select(RegionSpelling.word).where(RegionSpelling.spelling.in_(spellings)),
        select(RegionWord.word).where(RegionWord.word.in_(spellings)),
    ]
    known = set(session.scalars(union_all(*sources)))
    meanings = {word: _nearest(word, known) for word in mistyped}
    if strange := [word for word in mistyped if len(meanings[word]) == 1]:
        # Nothing is written like it: a part from the middle of a word, then.
        parts = [select(engine.words_containing(w, _MOST_MEANINGS).subquery()) for w in strange]
        known = set(session.scalars(union_all(*parts)))
        for word in strange:
            meanings[word] |= {other: 1 for other in sorted(known) if word in other}
    return [meanings.get(word, {word: 0}) for word in typed]


def _nearest(typed: str, known: set[str]) -> dict[str, int]:
    near = []
    for word in known - {typed}:
        errors = words.distance(typed, word)
        if errors <= words.forgiven(typed):
            near.append((errors, word))
    return {typed: 0} | {word: errors for errors, word in sorted(near)[:_MOST_MEANINGS]}


def _best(asked: ranking.Meanings, found: dict[str, Any], limit: int) -> list[RegionHit]:
    ranked = [(ranking.rank(asked, ranking.Candidate.of(row)), row) for row in found.values()]
    ranked.sort(key=lambda pair: pair[0])
    fewest_errors = ranked[0][0][0] if ranked else 0
    return [_hit(row) for rank, row in ranked[:limit] if rank[0] == fewest_errors]


def _hit(row: Any) -> RegionHit:
    return RegionHit(row.code, row.name, str(row.kind), row.path, row.postal_code, row.level)
