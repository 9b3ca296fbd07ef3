"""What the two databases do differently: finding candidates, filling tables fast.

SQLite searches the FTS5 table `region_fts`, PostgreSQL the GIN indexes on the word columns (both
made by migration 0003). Both are only asked which areas have words that begin so and so, in the
order of `sort_key`: a question with one answer. What is best among them is decided in `ranking`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Table,
    bindparam,
    column,
    func,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from ovop_market.extensions.database import Model
from ovop_market.regions import codes
from ovop_market.regions.models import Region, RegionWord

# One way to read a query: for each of its words the beginnings that it can have meant.
Reading = Sequence[Sequence[str]]
_LOAD_LOCK = 190502  # any number, as long as nothing else locks by it

_fts = table("region_fts", column("rowid", BigInteger))


def on_postgresql(session: Session) -> bool:
    """Whether this session talks to PostgreSQL; if not, then to SQLite."""
    return session.get_bind().dialect.name == "postgresql"


def matching(
    session: Session, readings: Sequence[Reading], level: int, *, own: bool, limit: int
) -> Select[Any]:
    """The sort keys of at most `limit` areas of a level with such words, least first.

    `own` looks at their own words only, else at those of the areas around them too.
    """
    if on_postgresql(session):
        words = Region.own_words if own else Region.all_words
        asked = bindparam(None, _tsquery(readings)).cast(TSQUERY)
        return (
            select(Region.sort_key)
            # The level is written out: it picks the partial index.
            .where(Region.level == literal_column(str(int(level))), words.op("@@")(asked))
            # Plus nothing, or the planner may walk the index on `sort_key` in search of matches.
            .order_by(Region.sort_key + 0)
            .limit(limit)
        )
    asked_of = "own_words" if own else "all_words"
    match = f"{asked_of} : ({_fts5(readings)})"
    least, greatest = codes.sort_keys_of(level)
    rowid = cast("ColumnElement[int]", _fts.c.rowid)
    return (
        select(rowid)
        .where(text("region_fts MATCH :match").bindparams(bindparam("match", match, unique=True)))
        .where(rowid.between(least, greatest))
        .order_by(rowid)
        .limit(limit)
    )


def _tsquery(readings: Sequence[Reading]) -> str:
    """Words are letters and figures only (`words.plain`): nothing in them needs escaping."""
    return _any_of(readings, " & ", " | ", "'{}':*")


def _fts5(readings: Sequence[Reading]) -> str:
    return _any_of(readings, " AND ", " OR ", '"{}" *')


def _any_of(readings: Sequence[Reading], every: str, either: str, beginning: str) -> str:
    return either.join(
        "("
        + every.join(
            "(" + either.join(beginning.format(word) for word in meanings) + ")"
            for meanings in reading
        )
        + ")"
        for reading in readings
    )


def words_containing(part: str, limit: int) -> Select[Any]:
    """Known words with this part (letters only), shortest first."""
    return (
        select(RegionWord.word)
        .where(RegionWord.word.like(f"%{part}%"))
        .order_by(func.length(RegionWord.word), RegionWord.word)
        .limit(limit)
    )


def prepare_load(session: Session) -> None:
    """Waits until nobody else loads regions; on SQLite a writer is alone anyway."""
    if on_postgresql(session):
        session.execute(select(func.pg_advisory_xact_lock(_LOAD_LOCK)))
        # The indexes take all new rows at once at the end, which is faster.
        session.execute(text("SET LOCAL gin_pending_list_limit = '256MB'"))


def fill(session: Session, model: type[Model], rows: Iterable[Mapping[str, Any]]) -> None:
    """Inserts many new rows, in the given order, as fast as the database can."""
    target = cast(Table, model.__table__)
    names = [c.name for c in target.columns]
    listed = ", ".join(names)
    values = (tuple(row[name] for name in names) for row in rows)
    driver: Any = session.connection().connection.driver_connection
    if on_postgresql(session):
        with driver.cursor() as cursor, cursor.copy(f"COPY {target} ({listed}) FROM STDIN") as copy:
            for row in values:
                copy.write_row(row)
    else:
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {target} ({listed}) VALUES ({marks})"  # noqa: S608 (our names)
        driver.executemany(statement, values)


def finish_load(session: Session) -> None:
    """Brings the indexes up to date, and tells the planner what the tables now hold."""
    if on_postgresql(session):
        for name in ("fts_region_own", "fts_region_all", "fts_region_own_4", "fts_region_all_4"):
            session.execute(select(func.gin_clean_pending_list(name)))
        for name in ("region", "region_word", "region_spelling"):
            session.execute(text(f"ANALYZE {name}"))
    else:
        session.execute(text("INSERT INTO region_fts (region_fts) VALUES ('rebuild')"))
