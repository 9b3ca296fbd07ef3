"""A backup put into an empty place. Nothing is touched before all of it has been read and compared
with its manifest, and nothing is left when it fails; but once the database is there, so are its
pictures, whatever happens then: no row may be without its file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from flask import Flask

from ovop_market.config import Config
from ovop_market.operations import postgres
from ovop_market.operations.archive import MEDIA, BackupError, Manifest, Reader
from ovop_market.operations.backup import (
    Ask,
    kind_of,
    pictures,
    server_version,
    sqlite_file,
    tables,
)
from ovop_market.operations.revisions import Revisions
from ovop_market.web.logs import log

# What is not whole yet, beside what it becomes: renaming is then all there is left to do.
_UNDERWAY = ".restoring"
# Seconds for which it is waited until the server has given up a restoration, or committed it.
_PATIENCE = 15.0


def run(app: Flask, path: Path) -> Manifest:
    """Restores a backup; returns what it held. Raises BackupError, or OSError for lack of room."""
    config: Config = app.config["OVOP"]
    with Reader(path) as archive:
        manifest = archive.manifest
        _refuse_foreign(manifest, config, Revisions(app))
        _refuse_full(config)
        archive.check()
        with _pictures_put(archive, config.media) as put:
            if manifest.database == "sqlite":
                _put_sqlite(archive, sqlite_file(config), put)
            else:
                _put_postgres(archive, config, put)
    return manifest


def _refuse_foreign(manifest: Manifest, config: Config, revisions: Revisions) -> None:
    kind = kind_of(config)
    if manifest.database != kind:
        raise BackupError(
            f"this is a backup of {manifest.database}, and DATABASE_URL names {kind}: set another"
        )
    if not revisions.known(manifest.revision):
        raise BackupError(
            f"this backup is of migration {manifest.revision}, which this release does not know"
            f" (it ends at {revisions.newest}): upgrade the program first"
        )


def _refuse_full(config: Config) -> None:
    """Only an empty place: nothing is ever written over."""
    if next(pictures(config.media), None) is not None:
        raise BackupError(f"there are pictures in {config.media} already: name an empty OVOP_MEDIA")
    if kind_of(config) == "sqlite":
        present = _tables_of_file(sqlite_file(config))
    else:
        with _connected(config) as connection:
            present = tables("postgresql", _asking(connection))
    if present:
        raise BackupError(
            f"the database of DATABASE_URL has {len(present)} tables already: name an empty one"
        )


def _tables_of_file(path: Path) -> list[str]:
    if not path.exists() or path.stat().st_size == 0:
        return []
    try:
        with closing(sqlite3.connect(path)) as connection:
            return tables("sqlite", lambda told: connection.execute(told).fetchall())
    except sqlite3.Error:
        raise BackupError(f"{path} is something else than an empty database") from None


@dataclass(slots=True)
class _Put:
    """Pictures in their place. `stay`: the database that shows them is there, or may be."""

    paths: list[Path] = field(default_factory=list)
    stay: bool = False


@contextmanager
def _pictures_put(archive: Reader, media: Path) -> Iterator[_Put]:
    """Puts the pictures into place; takes them away again if the database then fails. They come
    first, as always: no row is ever without its file."""
    underway = media / _UNDERWAY
    shutil.rmtree(underway, ignore_errors=True)
    put = _Put()
    try:
        for member in archive.manifest.pictures:
            target = underway / member.removeprefix(MEDIA)
            _make_folder(target.parent)
            archive.extract(member, target)
            target.chmod(0o600 if _private(target.parent) else 0o644)
        for member in archive.manifest.pictures:
            name = member.removeprefix(MEDIA)
            target = media / name
            _make_folder(target.parent)
            put.paths.append(target)
            (underway / name).rename(target)
        yield put
    except BaseException:
        if not put.stay:
            for path in put.paths:
                path.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(underway, ignore_errors=True)


def _private(folder: Path) -> bool:
    return "private" in folder.parts


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700 if folder.name == "private" else 0o755, parents=True, exist_ok=True)


def _put_sqlite(archive: Reader, target: Path, put: _Put) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    underway = target.with_name(target.name + _UNDERWAY)
    underway.unlink(missing_ok=True)
    try:
        archive.extract(archive.manifest.database_member, underway)
        underway.chmod(0o600)
        with closing(sqlite3.connect(underway)) as connection:
            damage = [line for (line,) in connection.execute("PRAGMA integrity_check")]
            if damage != ["ok"]:
                raise BackupError(f"the restored database is damaged: {damage[0]}")
            _compare(archive.manifest, "sqlite", lambda told: connection.execute(told).fetchall())
        with underway.open("rb") as file:
            os.fsync(file.fileno())
        # Logs of the empty database that was here would be taken for this one's.
        for ending in ("-wal", "-shm"):
            target.with_name(target.name + ending).unlink(missing_ok=True)
        put.stay = True
        try:
            underway.rename(target)
        except OSError:
            put.stay = False
            raise
        os.sync()
    except sqlite3.Error as error:
        raise BackupError(f"SQLite: {error}") from None
    finally:
        underway.unlink(missing_ok=True)


def _put_postgres(archive: Reader, config: Config, put: _Put) -> None:
    manifest = archive.manifest
    with _connected(config) as connection:
        needed = max(server_version(connection), int(manifest.server))
    program = postgres.tool("pg_restore", needed, config.pg_bin)
    put.stay = True
    try:
        with archive.open(manifest.database_member) as dump:
            postgres.restore(program, config.database_url, dump)
    except BaseException:
        # Its commit may be done all the same, and only the word of it lost. Who interrupts this as
        # well does not get to know, and the pictures stay.
        put.stay = _has_tables(config)
        if put.stay:
            log.warning("broken off", told="the database may be there, so its pictures stay")
        raise
    try:
        with _connected(config) as connection:
            _compare(manifest, "postgresql", _asking(connection))
            connection.commit()
            # It plans by what it knows of its tables, and knows nothing yet.
            connection.autocommit = True
            with suppress(psycopg.Error):
                connection.execute("ANALYZE")
    except BackupError as error:
        raise BackupError(
            f"database and pictures are in place, but were not found to be whole ({error}):"
            " empty both before another try"
        ) from None
    os.sync()


def _has_tables(config: Config) -> bool:
    """Whether a restoration that broke off has come to its commit; if nobody can tell, it may.

    pg_restore is dead by now, but the server may still be at what it was told last."""
    underway = (
        "SELECT 1 FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = %s"
    )
    give_up = time.monotonic() + _PATIENCE
    try:
        with _connected(config) as connection:
            connection.autocommit = True
            while connection.execute(underway, [postgres.RESTORING]).fetchone():
                if time.monotonic() > give_up:
                    return True
                time.sleep(0.1)
            return bool(tables("postgresql", _asking(connection)))
    except BackupError:
        return True


def _compare(manifest: Manifest, kind: str, ask: Ask) -> None:
    """Whether each table has as many rows as when it was backed up."""
    rows = {
        name: int(ask(f'SELECT count(*) FROM "{name}"')[0][0])  # noqa: S608 - our own names
        for name in tables(kind, ask)
    }
    if rows != dict(manifest.rows):
        differing = sorted(
            name for name in {*rows, *manifest.rows} if rows.get(name) != manifest.rows.get(name)
        )
        raise BackupError(f"what was restored differs in {', '.join(differing[:5])}")


@contextmanager
def _connected(config: Config) -> Iterator[psycopg.Connection[Any]]:
    url = postgres.plain_url(config.database_url, password=True)
    try:
        with psycopg.connect(url) as connection:
            yield connection
    except psycopg.Error as error:
        raise BackupError(f"PostgreSQL: {type(error).__name__}: {str(error).strip()}") from None


def _asking(connection: psycopg.Connection[Any]) -> Ask:
    return lambda told: connection.execute(cast(LiteralString, told)).fetchall()
