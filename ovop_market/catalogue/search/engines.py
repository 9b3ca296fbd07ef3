"""What the two databases do for a search: find the words that occur, and the products with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Integer,
    String,
    and_,
    bindparam,
    column,
    func,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product, on_show
from ovop_market.catalogue.search import names, words
from ovop_market.catalogue.search.words import Document, Terms

# So many products are looked at, the newest first; a search that finds more is no search.
MAX_CANDIDATES = 1000

_vocabulary = table("product_word_fts", column("term", String))
_index = table("product_fts", column("rowid", Integer))


def matching(session: Session, query: str) -> list[int]:
    """The ids of the listed products that match, the best first: at most MAX_CANDIDATES.

    Empty when nothing matches or the query has no letters and figures. Two to four statements;
    never an exception, whatever was typed.
    """
    asked = words.of_query(query)
    if not asked:
        return []
    terms = _terms(session, asked)
    known = [meant for meant in terms if meant]
    if not known:
        return []
    if len(known) == len(asked):
        found = words.rank(_candidates(session, known, every=True), known, len(known))
        if found or len(asked) == 1:
            return found
    return words.rank(_candidates(session, known, every=False), known, 1)


def ranked(session: Session, ids: Sequence[int]) -> FromClause:
    """The ids as something to join: columns `id` and `place`, which counts up from the best."""
    if session.get_bind().dialect.name == "sqlite":
        rows = func.json_each(json.dumps(list(ids))).table_valued(
            column("key", Integer), column("value", Integer)
        )
        numbered = select(rows.c.value.label("id"), rows.c.key.label("place"))
    else:
        wanted = bindparam("ranked_ids", list(ids), type_=ARRAY(Integer), unique=True)
        places = (
            func.unnest(wanted)
            .table_valued(column("id", Integer), with_ordinality="place", name="numbered")
            .render_derived()
        )
        numbered = select(places.c.id, places.c.place)
    # Read once: SQLite would read the whole list again for every product.
    return numbered.cte("ranked").prefix_with("MATERIALIZED")


def _terms(session: Session, asked: Sequence[str]) -> list[Terms]:
    """For each word, the words that occur and that it stands for; none if it stands for nothing."""
    occurring = _occurring(session, asked)
    terms: list[Terms] = [words.known_terms(word, occurring) for word in asked]
    unknown = [word for word, meant in zip(asked, terms, strict=True) if not meant]
    if unknown:
        alike = _alike(session, unknown)
        terms = [
            meant or words.resembling_terms(word, alike)
            for word, meant in zip(asked, terms, strict=True)
        ]
    return terms


def _occurring(session: Session, asked: Iterable[str]) -> set[str]:
    term = _vocabulary.c.term
    conditions: list[ColumnElement[bool]] = []
    for word in asked:
        spellings = {word, words.stem(word), *names.others(word)}
        conditions += [term == spelling for spelling in sorted(spellings)]
        if len(word) >= words.MIN_PREFIX:
            # Both vocabularies are sorted by bytes: what begins with "teh" lies before "tei".
            conditions.append(and_(term >= word, term < word[:-1] + chr(ord(word[-1]) + 1)))
    parts = [select(term).where(condition) for condition in conditions]
    return set(session.scalars(parts[0].union(*parts[1:])))


def _alike(session: Session, unknown: Sequence[str]) -> Sequence[str]:
    """At least the words that `resembling_terms` would take."""
    if session.get_bind().dialect.name == "sqlite":
        shortest, longest = min(map(len, unknown)) - 2, max(map(len, unknown)) + 2
        length = func.length(_vocabulary.c.term)
        return session.scalars(
            select(_vocabulary.c.term).where(length.between(shortest, longest))
        ).all()
    wanted = bindparam("wanted", list(unknown), type_=ARRAY(String))
    return session.scalars(select(func.fts_similar_words(wanted))).all()


def _candidates(session: Session, asked: Sequence[Terms], *, every: bool) -> Sequence[Document]:
    """The newest products with every one, or any, of the words."""
    # By a sum, so that PostgreSQL does not walk down the primary key instead of using the index.
    newest_first = (Product.id + literal_column("0", Integer)).desc()
    statement = (
        select(Product.id, Product.search_title, Product.search_text)
        .where(on_show(), _found(session, asked, every=every))
        .order_by(newest_first)
        .limit(MAX_CANDIDATES)
    )
    return [Document(*row) for row in session.execute(statement)]


def _found(session: Session, asked: Sequence[Terms], *, every: bool) -> ColumnElement[bool]:
    # Terms are made of small letters and figures alone, so nothing in them is an operator.
    if session.get_bind().dialect.name == "sqlite":
        groups = ["(" + " OR ".join(f'"{term}"' for term in terms) + ")" for terms in asked]
        match = (" AND " if every else " OR ").join(groups)
        hits = select(_index.c.rowid).where(
            text("product_fts MATCH :match").bindparams(match=match)
        )
        return Product.id.in_(hits)
    groups = ["(" + " | ".join(terms) + ")" for terms in asked]
    match = (" & " if every else " | ").join(groups)
    # Written as in migration 0004, letter for letter, or the index is not used.
    indonesian: ColumnElement[str] = literal_column("'indonesian'")
    space: ColumnElement[str] = literal_column("' '")
    both = Product.search_title.concat(space).concat(Product.search_text)
    vector = func.to_tsvector(indonesian, both)
    return vector.bool_op("@@")(func.to_tsquery(indonesian, match))
