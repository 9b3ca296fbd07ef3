"""How well an area answers a query: one order for both databases. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

from ovop_market.regions import words


class Match(IntEnum):
    """How the words of a query meet an area, best first."""

    EXACT = 0  # its name, another name, its postal code; or such a name of an area around it
    BEGINS = 1  # its name begins with these whole words
    OWN_WHOLE = 2  # all words are whole words of its name
    OWN = 3  # all words begin words of its name
    PLACED = 4  # its whole name, and the rest says where it lies
    NAMED = 5  # some of its name, and the rest says where it lies
    AROUND = 6  # the words only say where it lies


# What each word of a query can have meant, and the number of typing errors then.
Meanings = Sequence[dict[str, int]]
# (errors, match, how loosely, level, whose name, city first, name, code)
Rank = tuple[int, Match, int, int, int, int, str, str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What ranking needs to know of an area. The words come from the tables of the search."""

    code: str
    level: int
    name_key: str
    own: frozenset[str]
    around: frozenset[str]
    keys_around: tuple[str, ...]
    city: bool

    @classmethod
    def of(cls, row: Any) -> Candidate:
        """From a row of `region`."""
        own, everything = words.kept(row.own_words), words.kept(row.all_words)
        # From the right: some villages have a comma in their name.
        keys, city = _around(*row.path.rsplit(", ", row.level - 1)[1:])
        return cls(row.code, row.level, row.name_key, own, everything - own, keys, city)


@lru_cache(maxsize=8_192)
def _around(*names: str) -> tuple[tuple[str, ...], bool]:
    """The names of the areas around, as they may be asked for, and whether one is a city."""
    keys = [words.plain(name).replace(" ", "") for name in names]
    city = False
    if len(names) > 1:
        regency = names[-2]
        city = regency.startswith("Kota ")
        keys.append(words.name_key(regency, 2).replace(" ", ""))
    return tuple(keys), city


# (errors, 1 if only begun, the known word, the meaning)
_Met = tuple[int, int, str, str]


def _met(meanings: dict[str, int], known: Collection[str]) -> _Met | None:
    """The best way in which a word of the query occurs among known ones."""
    best: _Met | None = None
    for meaning, errors in meanings.items():
        if meaning in known:
            found = (errors, 0, meaning, meaning)
        else:
            begun = min((word for word in known if word.startswith(meaning)), default=None)
            if begun is None:
                continue
            found = (errors, 1, begun, meaning)
        best = found if best is None else min(best, found)
    return best


def rank(asked: Meanings, area: Candidate) -> Rank:
    """The place of an area among the answers to a query; smaller comes first."""
    errors = loose = own = 0
    meant: list[str] = []
    left, left_around = set(area.own), set(area.around)
    for meanings in asked:
        if met := _met(meanings, left):
            own += 1
        else:
            # One met in neither is half of a word that was written as two, or says it twice.
            met = _met(meanings, left_around) or (0, 2, "", next(iter(meanings)))
        left.discard(met[2])
        left_around.discard(met[2])
        errors, loose = errors + met[0], loose + met[1]
        meant.append(met[3])
    whose = _whose_name("".join(meant), area)
    return (
        errors,
        _match(meant, area, own, loose) if whose is None else Match.EXACT,
        loose if whose is None else 0,
        area.level,
        whose or 0,
        0 if area.city else 1,
        area.name_key,
        area.code,
    )


def _whose_name(joined: str, area: Candidate) -> int | None:
    """0 if this is exactly the area's own name, 1 if that of an area around it, else None."""
    name_words = area.name_key.split()
    if joined == "".join(name_words) or (joined in area.own and joined not in name_words):
        return 0
    if joined in area.keys_around:
        return 1
    # An area's other names are kept among its words, joined; so is no other word of that length.
    aliases = joined in area.around and not any(joined in key for key in area.keys_around)
    return 1 if aliases else None


def _match(meant: list[str], area: Candidate, own: int, loose: int) -> Match:
    if own == len(meant):
        if area.name_key.startswith(" ".join(meant) + " "):
            return Match.BEGINS
        return Match.OWN if loose else Match.OWN_WHOLE
    if own == 0:
        return Match.AROUND
    return Match.PLACED if set(area.name_key.split()) <= set(meant) else Match.NAMED
