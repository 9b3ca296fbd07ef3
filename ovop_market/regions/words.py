"""Names and what people type, reduced to the same plain words; and how mistyped words meet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import combinations, pairwise

MAX_QUERY = 100  # characters
MAX_TOKENS = 8
MIN_PREFIX = 3  # letters; fewer would match half the country
MIN_MISTYPED = 4  # letters; shorter words are neighbours of too many others
MAX_MISTYPED = 24  # letters; no word in a name is longer

# What people write before a name. "kota" is no noise: it tells Kota Bandung from the regency.
_NOISE = frozenset(
    {
        *("kec", "kecamatan", "distrik", "kel", "kelurahan", "ds", "desa"),
        *("kab", "kabupaten", "prov", "provinsi", "kode", "pos", "kodepos"),
    }
)
_APOSTROPHES = re.compile("['’‘`]")
_OTHER = re.compile(r"[^a-z0-9]+")
_REGENCY = re.compile(r"^(?:kota administrasi|kabupaten administrasi|kota|kabupaten) ")


def plain(text: str) -> str:
    """Lower-case ASCII letters and figures in words, one space between: "Du’en" is "duen"."""
    folded = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text)).lower()
    return _OTHER.sub(" ", folded.encode("ascii", "ignore").decode()).strip()


def readable(text: str) -> str:
    """What was typed, without characters that no page can show, and of bounded length."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.split())[:MAX_QUERY].strip()


def name_key(name: str, level: int) -> str:
    """The name in plain words; a city or regency (level 2) without that word."""
    words = plain(name)
    return _REGENCY.sub("", words) if level == 2 else words


def tokens(text: str) -> list[str]:
    """The words of a query that say something: without "kec.", "desa" and the like."""
    words = plain(text[:MAX_QUERY]).split()
    return ([word for word in words if word not in _NOISE] or words)[:MAX_TOKENS]


def readings(typed: list[str]) -> list[list[str]]:
    """Ways to read the words: as typed, and with two neighbours written as one."""
    joined = [[*typed[:i], a + b, *typed[i + 2 :]] for i, (a, b) in enumerate(pairwise(typed))]
    return [typed, *joined]


def one_left_out(word: str) -> set[str]:
    """The word without each of its letters in turn."""
    return {word[:i] + word[i + 1 :] for i in range(len(word))}


def mistypable(word: str) -> bool:
    """Whether errors in this word are forgiven: it is made of letters, not few and not too many."""
    return MIN_MISTYPED <= len(word) <= MAX_MISTYPED and word.isalpha()


def spellings(word: str) -> set[str]:
    """Under these spellings the words are found that this one may stand for.

    Each known word is kept as it is and with one letter left out (`one_left_out`). Leaving out none
    or one here meets all words that are one error away (a letter too many, too few, wrong, or two
    swapped); leaving out two, in a longer word, meets most that are two away.
    """
    found = one_left_out(word) | {word}
    if forgiven(word) > 1:
        for i, j in combinations(range(len(word)), 2):
            found.add(word[:i] + word[i + 1 : j] + word[j + 1 :])
    return found


def forgiven(word: str) -> int:
    """How many typing errors are forgiven in a word of this length."""
    return 1 if len(word) < 7 else 2


def distance(a: str, b: str) -> int:
    """Typing errors between two words (Damerau–Levenshtein, optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[-1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def kept(text: str) -> frozenset[str]:
    """The words in a column of words: a text or, on PostgreSQL, a tsvector ("'belo' 'laut'")."""
    return frozenset(text.replace("'", "").split())


def distinct(names: Iterable[str]) -> set[str]:
    """All words of plain names that have a letter."""
    return {word for name in names for word in name.split() if not word.isdigit()}
