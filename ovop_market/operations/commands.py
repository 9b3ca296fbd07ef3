"""`flask backup`, `flask restore`."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from ovop_market.config import Config
from ovop_market.operations import backup as backing
from ovop_market.operations import restore as restoring
from ovop_market.operations.archive import BackupError, Manifest
from ovop_market.operations.revisions import Revisions
from ovop_market.web import plain_errors
from ovop_market.web.logs import log

STANDARD_OUTPUT = "-"


@click.command("backup")
@click.argument("file")
@click.option("--overwrite", is_flag=True, help="Replace FILE when it is there already.")
@with_appcontext
def backup(file: str, overwrite: bool) -> None:
    """Writes database and pictures into FILE while the market is open; `-` is standard output.

    FILE holds personal data: keep it as the database itself.
    """
    config: Config = current_app.config["OVOP"]
    with _told_plainly():
        if file == STANDARD_OUTPUT:
            manifest = _to_standard_output(config)
        else:
            manifest = _to_file(config, Path(file), overwrite=overwrite)
    rows, pictures = sum(manifest.rows.values()), len(manifest.pictures)
    log.info("backup", rows=rows, pictures=pictures, revision=manifest.revision)
    click.echo(
        f"{file}: {len(manifest.rows)} tables with {rows} rows, {pictures} picture files,"
        f" as of migration {manifest.revision}",
        err=True,
    )
    if manifest.missing:
        click.echo(
            f"{len(manifest.missing)} pictures had no file any more: {manifest.missing[0]} …",
            err=True,
        )


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def restore(file: Path) -> None:
    """Puts the backup FILE into an empty database and an empty folder of pictures."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with _told_plainly():
        manifest = restoring.run(app, file)
    rows, pictures = sum(manifest.rows.values()), len(manifest.pictures)
    log.info("restored", rows=rows, pictures=pictures, revision=manifest.revision)
    click.echo(
        f"restored as of {manifest.taken_at}: {len(manifest.rows)} tables with {rows} rows,"
        f" {pictures} picture files; counts and hashes agree"
    )
    if manifest.revision != Revisions(app).newest:
        click.echo("it is of an earlier release: now run flask --app wsgi db upgrade")
    click.echo("then compare: ledger verify, stock verify, reach verify")


@click.command("error-pages")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@with_appcontext
def error_pages(folder: Path) -> None:
    """Writes the error pages for a proxy in front into FOLDER: what it shows when it cannot ask."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with _told_plainly():
        click.echo(f"{plain_errors.write_all(app, folder)} pages in {folder}")


def _to_standard_output(config: Config) -> Manifest:
    out = sys.stdout.buffer
    if out.isatty():
        raise BackupError("standard output is a terminal: send it on, as in backup - | age …")
    with tempfile.TemporaryDirectory(prefix="ovop-backup-") as scratch:
        manifest = backing.write(config, out, Path(scratch))
    out.flush()
    return manifest


def _to_file(config: Config, target: Path, *, overwrite: bool) -> Manifest:
    """Written beside it and renamed when all of it is on the disk: FILE is whole or not there."""
    part = target.with_name(target.name + ".part")
    _refuse_present(target, overwrite=overwrite)
    with _alone(part) as out:
        try:
            # Another backup may have come to its end while this one began.
            _refuse_present(target, overwrite=overwrite)
            manifest = _with_scratch(config, out, part.with_name(part.name + ".d"))
            out.flush()
            os.fsync(out.fileno())
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return manifest


def _refuse_present(target: Path, *, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise BackupError(f"{target} is there already: name another file, or say --overwrite")


def _with_scratch(config: Config, out: IO[bytes], scratch: Path) -> Manifest:
    """Beside the file, under a name of its own: what a killed backup has left there goes away."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(0o700)
    try:
        return backing.write(config, out, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _alone(part: Path) -> Iterator[IO[bytes]]:
    """The file, for its owner only and for one backup at a time, emptied of what one has left that
    was killed."""
    with _locked(part) as file:
        file.truncate()
        yield file


def _locked(part: Path) -> IO[bytes]:
    """The file of this name, held by nobody else. Whoever held it before may have renamed it
    between our opening and our holding it: then what we hold is a finished backup."""
    while True:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        file = os.fdopen(descriptor, "r+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), part.stat()):
                    return file
        except BlockingIOError:
            file.close()
            raise BackupError(f"another backup is writing {part}") from None
        except BaseException:
            file.close()
            raise
        file.close()


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    except BrokenPipeError:
        raise click.ClickException("who should take the backup has gone away") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise click.ClickException("there is no room left: nothing was written") from None
        where = f" {error.filename}" if error.filename else ""
        raise click.ClickException(f"{error.strerror}{where}") from None
