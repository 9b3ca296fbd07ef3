"""Words, stems, typing errors and ranks: what the databases need not know. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

from ovop_market.catalogue.search import names
from ovop_market.regions.words import distance, plain

# A query is read up to here; nobody types more, and what is longer is not a question.
MAX_QUERY = 200
MAX_WORDS = 8
MAX_WORD = 40
# A word may stand for so many longer ones that begin with it, and for so many that resemble it.
MAX_PREFIXED = 30
MAX_SIMILAR = 5
MIN_PREFIX = 3
MIN_MISTYPED = 3
# What a match is worth: the word itself, its stem, another name for the same, a word that begins
# with it, one that resembles it; and where it stands.
EXACT, STEM, NAME, PREFIX, ONE_ERROR, TWO_ERRORS = 1.0, 0.9, 0.8, 0.7, 0.6, 0.4
IN_TITLE, IN_TEXT, IN_BACKGROUND = 3.0, 1.0, 0.5
# A match that is worth less than this share of the best product's match for the same word is none:
# a search for pempek shall not bring everything else from the village whose flagship is pempek.
WORTH_SHOWING = 0.2
# The share of trigrams that resembling words have in common, as migration 0004 says it too.
SIMILARITY_QUARTERS = 1

# Words that stand in most texts and say nothing.
_FILLERS = frozenset(
    {"ada", "atau", "bagi", "dan", "dari", "dengan", "dgn", "di", "dr", "for", "from", "in"}
    | {"ini", "itu", "ke", "of", "oleh", "pada", "the", "untuk", "utk", "with", "yang", "yg"}
)
_stemmer = snowballstemmer.stemmer("indonesian")

# Signs in the two columns; no word contains them and no index keeps them.
STEMS, BACKGROUND = "|", "/"

Terms = Mapping[str, float]


def listed(text: str) -> list[str]:
    """The words of a text in small letters and figures, without accents or signs."""
    return [word[:MAX_WORD] for word in plain(text).split()]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The stem of an Indonesian word, by the algorithm that PostgreSQL's `indonesian` has too."""
    return str(_stemmer.stemWord(word))


def with_stems(words: Iterable[str]) -> str:
    """The words, a bar, and those of their stems that are not among them: `anyaman | anyam`."""
    kept = list(dict.fromkeys(word for word in words if word not in _FILLERS))
    stems = dict.fromkeys(stem(word) for word in kept)
    return " ".join([*kept, STEMS, *(s for s in stems if s not in kept)])


def of_query(query: str) -> list[str]:
    """The words that a query asks for, in its order, each once."""
    words = listed(query[:MAX_QUERY])
    asked = [word for word in words if word not in _FILLERS] or words
    return list(dict.fromkeys(asked))[:MAX_WORDS]


def known_terms(word: str, vocabulary: Collection[str]) -> dict[str, float]:
    """The words of the vocabulary that the word is, is inflected from or begins, and other names
    of the same; with weights."""
    terms: dict[str, float] = {}
    if len(word) >= MIN_PREFIX:
        longer = sorted((t for t in vocabulary if t.startswith(word)), key=lambda t: (len(t), t))
        terms = dict.fromkeys(longer[:MAX_PREFIXED], PREFIX)
    terms |= {name: NAME for name in names.others(word) if name in vocabulary}
    if stem(word) in vocabulary:
        terms[stem(word)] = STEM
    if word in vocabulary:
        terms[word] = EXACT
    return terms


def resembling_terms(word: str, vocabulary: Iterable[str]) -> dict[str, float]:
    """The words of the vocabulary that the word was most likely meant to be; with weights."""
    if len(word) < MIN_MISTYPED or word.isdigit():
        return {}
    most = 1 if len(word) <= 5 else 2
    mine = _trigrams(word)
    found: list[tuple[int, int, str]] = []
    for term in vocabulary:
        if abs(len(term) - len(word)) > most or term.isdigit():
            continue
        theirs = _trigrams(term)
        shared = len(mine & theirs)
        if 4 * shared < SIMILARITY_QUARTERS * len(mine | theirs):
            continue
        errors = distance(word, term)
        if errors <= most:
            found.append((errors, -shared, term))
    found.sort()
    return {
        term: ONE_ERROR if errors == 1 else TWO_ERRORS
        for errors, _shared, term in found[:MAX_SIMILAR]
        if errors == found[0][0]
    }


@lru_cache(maxsize=20_000)
def _trigrams(word: str) -> frozenset[str]:
    """As pg_trgm makes them: two spaces before the word, one behind it."""
    padded = f"  {word} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


@dataclass(frozen=True, slots=True)
class Document:
    """What search knows of a product: its id, and its two columns as the writer filled them."""

    id: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class _Match:
    """How well a document answers: how many words it has, their worth together and one by one."""

    words: int
    worth: float
    by_word: tuple[float, ...]
    id: int

    def stands_beside(self, best: _Match) -> bool:
        """Whether it has as many words as the best, each of them well enough."""
        return self.words == best.words and all(
            mine >= WORTH_SHOWING * theirs or not mine
            for mine, theirs in zip(self.by_word, best.by_word, strict=True)
        )


def rank(documents: Iterable[Document], asked: Sequence[Terms], at_least: int) -> list[int]:
    """The ids of the documents with `at_least` so many of the words, the best first.

    Only those with the most words are left: "pempek jakarta" finds pempek although no product has
    to do with Jakarta.
    """
    matches = [_match(document, asked) for document in documents]
    matches = [match for match in matches if match.words >= at_least]
    matches.sort(key=lambda match: (-match.words, -match.worth, match.id))
    return [match.id for match in matches if match.stands_beside(matches[0])]


def _match(document: Document, asked: Sequence[Terms]) -> _Match:
    title = document.title.partition(STEMS)[0].split()
    text, _, background = document.text.partition(BACKGROUND)
    # The word lies where it counts most; the later assignment wins.
    places = dict.fromkeys(background.split(), IN_BACKGROUND)
    places |= dict.fromkeys(text.split(), IN_TEXT)
    places |= dict.fromkeys(document.title.split(), IN_TITLE)
    by_word = tuple(
        max(weight * places.get(term, 0.0) for term, weight in terms.items()) for terms in asked
    )
    # Of two with the same matches: the one whose title begins so, then the one that says less.
    begins = 0.5 if title and title[0] in asked[0] else 0.0
    worth = round(sum(by_word) + begins + 1 / (10 + len(title)), 6)
    return _Match(sum(map(bool, by_word)), worth, by_word, document.id)
