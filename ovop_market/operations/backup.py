"""A consistent copy of database and pictures, while the market is open (docs/adr/0041).

Pictures are copied before the database and, those that have come meanwhile, after it. A file comes
before its row and goes after it, and nothing is swept within an hour: so each row of the copied
database has its file in the archive.
"""

from __future__ import annotations

import re
import sqlite3
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, LiteralString, cast

import psycopg
from sqlalchemy import make_url

from ovop_market.config import ROOT, Config
from ovop_market.core import clock
from ovop_market.extensions.pictures import PictureColumns
from ovop_market.operations import postgres
from ovop_market.operations.archive import (
    MEDIA,
    BackupError,
    Manifest,
    Writer,
    database_member,
    stamp,
)
from ovop_market.payments.models import Payment

# Of SQLite's copy at a time; nobody waits for it, since in WAL mode who reads holds up nobody.
_PAGES = 2_000
# Workbooks that somebody waits for: made anew when they are asked for again.
_PASSING = "private/exports/"
_KEY = re.compile(r"(?:^|/)([0-9a-f]{40})[-.]", re.ASCII)

Ask = Callable[[str], Sequence[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class _Database:
    """A snapshot of a database: how it is asked, and what is written of it."""

    kind: str
    server: str
    ask: Ask
    contents: Callable[[Writer], None]


def write(config: Config, out: IO[bytes], scratch: Path) -> Manifest:
    """Writes a backup. SQLite's copy is made in the folder `scratch` first.

    Raises BackupError, or OSError when there is no room."""
    writer = Writer(out)
    try:
        return _written(config, writer, scratch)
    except BaseException:
        writer.abandon()
        raise


def _written(config: Config, writer: Writer, scratch: Path) -> Manifest:
    _add_pictures(writer, config.media)
    with _snapshot(config, scratch) as database:
        revision = _revision(database.ask)
        database.contents(writer)
        rows = {
            name: int(database.ask(f'SELECT count(*) FROM "{name}"')[0][0])  # noqa: S608
            for name in sorted(tables(database.kind, database.ask))
        }
        shown = _shown(database)
    _add_pictures(writer, config.media)
    there = {found[1] for name in writer.members if (found := _KEY.search(name))}
    manifest = Manifest(
        app_version=app_version(),
        taken_at=stamp(clock.now()),
        database=database.kind,
        server=database.server,
        revision=revision,
        rows=rows,
        members=writer.members,
        missing=tuple(sorted(shown - there)),
    )
    writer.finish(manifest)
    return manifest


def app_version() -> str:
    """The version of this program."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def kind_of(config: Config) -> str:
    """`sqlite` or `postgresql`."""
    return make_url(config.database_url).get_backend_name()


def sqlite_file(config: Config) -> Path:
    """Where SQLite's database is."""
    return Path(make_url(config.database_url).database or "")


def pictures(media: Path) -> Iterator[tuple[str, Path]]:
    """The files of a folder of pictures: name below it and path. What is being written, what is
    passing and what only points elsewhere is none."""
    for path in sorted(media.rglob("*")):
        name = path.relative_to(media).as_posix()
        left_out = name.startswith(_PASSING) or any(
            part.startswith(".") for part in Path(name).parts
        )
        if not left_out and path.is_file() and not path.is_symlink():
            yield name, path


def tables(kind: str, ask: Ask) -> list[str]:
    """The tables of a database, but for the database's own."""
    statement = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%'"
        " ESCAPE '\\'"
        if kind == "sqlite"
        else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    return [str(name) for (name,) in ask(statement)]


def server_version(connection: psycopg.Connection[Any]) -> int:
    """PostgreSQL's major version."""
    return connection.info.server_version // 10_000


def _add_pictures(writer: Writer, media: Path) -> None:
    """Adds those that are not in the archive yet."""
    for name, path in pictures(media):
        if MEDIA + name in writer.members:
            continue
        try:
            file = path.open("rb")
        except FileNotFoundError:
            continue  # swept away meanwhile: nothing showed it
        with file:
            writer.add(MEDIA + name, file)


@contextmanager
def _snapshot(config: Config, scratch: Path) -> Iterator[_Database]:
    if kind_of(config) == "sqlite":
        with _of_sqlite(sqlite_file(config), scratch / "database.sqlite3") as database:
            yield database
    else:
        with _of_postgres(config) as database:
            yield database


@contextmanager
def _of_sqlite(source: Path, target: Path) -> Iterator[_Database]:
    """SQLite's online backup (https://sqlite.org/backup.html), of one read transaction: without it
    every write of somebody else would have it begin anew."""
    if not source.is_file():
        raise BackupError(f"there is no database at {source}")
    target.unlink(missing_ok=True)
    target.touch(0o600)
    try:
        with (
            closing(sqlite3.connect(source, isolation_level=None)) as live,
            closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            live.execute("PRAGMA query_only = ON")
            live.execute("BEGIN")
            live.execute("SELECT count(*) FROM sqlite_master").fetchone()
            copy.execute("PRAGMA synchronous = OFF")
            live.backup(copy, pages=_PAGES)
            live.execute("ROLLBACK")
            # One file, without a log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            damage = [line for (line,) in copy.execute("PRAGMA integrity_check") if line != "ok"]
            if damage:
                raise BackupError(f"the database is damaged: {damage[0]}")

            def contents(writer: Writer) -> None:
                with target.open("rb") as file:
                    writer.add(database_member("sqlite"), file, compress=True)

            yield _Database(
                "sqlite",
                sqlite3.sqlite_version,
                lambda statement: copy.execute(statement).fetchall(),
                contents,
            )
    except sqlite3.Error as error:
        raise BackupError(f"SQLite: {error}") from None
    finally:
        target.unlink(missing_ok=True)


@contextmanager
def _of_postgres(config: Config) -> Iterator[_Database]:
    """A snapshot that pg_dump reads too, so that counts and rows are of the same moment."""
    try:
        with psycopg.connect(postgres.plain_url(config.database_url, password=True)) as connection:
            version = server_version(connection)
            program = postgres.tool("pg_dump", version, config.pg_bin)
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # It is idle here for as long as pg_dump needs.
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            connection.execute("SET LOCAL statement_timeout = 0")
            (snapshot,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)

            def contents(writer: Writer) -> None:
                with postgres.dumping(program, config.database_url, str(snapshot)) as dump:
                    writer.add(database_member("postgresql"), dump)

            yield _Database(
                "postgresql",
                str(version),
                lambda statement: connection.execute(cast(LiteralString, statement)).fetchall(),
                contents,
            )
    except psycopg.Error as error:
        raise BackupError(f"PostgreSQL: {type(error).__name__}: {str(error).strip()}") from None


def _revision(ask: Ask) -> str:
    try:
        rows = ask("SELECT version_num FROM alembic_version")
    except (sqlite3.Error, psycopg.Error):
        rows = []
    if not rows:
        raise BackupError("the database is empty: there is nothing to back up")
    return str(rows[0][0])


def _shown(database: _Database) -> set[str]:
    """The keys of all pictures that rows show. A database that is behind may lack some tables."""
    columns = [(m.__tablename__, "key") for m in PictureColumns.__subclasses__()]  # type: ignore[attr-defined]
    present = set(tables(database.kind, database.ask))
    found: set[str] = set()
    for table, column in [*columns, (Payment.__tablename__, "proof_key")]:
        if table in present:
            statement = f'SELECT DISTINCT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL'  # noqa: S608
            found.update(str(key) for (key,) in database.ask(statement))
    return found
