"""What a backup needs around it: PostgreSQL's programs, a name for itself, a file of its own."""

from __future__ import annotations

import fcntl
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from ovop_market.operations import postgres
from ovop_market.operations.archive import BackupError, Manifest, Reader, Writer
from ovop_market.operations.backup import pictures
from ovop_market.operations.revisions import Revisions
from tests.process.commands import pg_bin

URL = "postgresql+psycopg://market:hunter2@db.example:5433/ovop?sslmode=require"


def program(folder: Path, says: str) -> None:
    path = folder / "pg_dump"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def test_an_old_pg_dump_is_not_used(tmp_path: Path) -> None:
    program(tmp_path, "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)")
    with pytest.raises(BackupError) as told:
        postgres.tool("pg_dump", 18, str(tmp_path))
    assert "of version 15" in str(told.value)
    assert "postgresql-client-18" in str(told.value)
    assert "OVOP_PG_BIN" in str(told.value)
    assert postgres.tool("pg_dump", 15, str(tmp_path)) == str(tmp_path / "pg_dump")
    program(tmp_path, "pg_dump (PostgreSQL) 18beta1")
    assert postgres.tool("pg_dump", 18, str(tmp_path))


def test_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="none was found"):
        postgres.tool("pg_dump", 18, str(tmp_path))


def test_a_newer_one_is_found_behind_an_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("15", "18"):
        (tmp_path / version).mkdir()
        program(tmp_path / version, f"pg_dump (PostgreSQL) {version}.1")
    places = [str(tmp_path / version / "pg_dump") for version in ("15", "18")]
    monkeypatch.setattr(postgres, "_places", lambda _name, _folder: iter(places))
    assert postgres.tool("pg_dump", 16, "") == places[1]


def test_the_password_is_in_no_list_of_processes() -> None:
    assert postgres.plain_url(URL) == ("postgresql://market@db.example:5433/ovop?sslmode=require")
    assert "hunter2" in postgres.plain_url(URL, password=True)
    assert postgres._environ(URL)["PGPASSWORD"] == "hunter2"


def test_what_is_being_written_and_what_points_elsewhere_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "private" / "exports").mkdir(parents=True)
    for name in ("a.webp", "private/b.webp", ".x.new", "private/.y.new", "private/exports/z.xlsx"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "link.webp").symlink_to("/etc/passwd")
    assert [name for name, _path in pictures(tmp_path)] == ["a.webp", "private/b.webp"]


def manifest(**changed: object) -> Manifest:
    whole = {
        "app_version": "1",
        "taken_at": "2026-11-29T00:00:00+00:00",
        "database": "sqlite",
        "server": "3",
        "revision": "0026",
        "rows": {},
    }
    return Manifest(**{**whole, **changed})  # type: ignore[arg-type]


def test_an_archive_is_written_to_a_pipe_and_read_again(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        """Nothing can be written twice."""

        def __init__(self) -> None:
            self.came = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.came += bytes(data)
            return len(data)

    pipe = Pipe()
    writer = Writer(pipe)  # type: ignore[arg-type]
    writer.add("database.sqlite3", io.BytesIO(b"x" * 3_000_000), compress=True)
    writer.add("media/a.webp", io.BytesIO(b"picture"))
    writer.finish(manifest(members=writer.members))
    path = tmp_path / "b.zip"
    path.write_bytes(pipe.came)
    with Reader(path) as archive:
        archive.check()
        assert archive.manifest.pictures == ["media/a.webp"]
        archive.extract("media/a.webp", tmp_path / "a.webp")
    assert (tmp_path / "a.webp").read_bytes() == b"picture"


@pytest.mark.parametrize(
    "name", ["/etc/cron.d/x", "media/../x", "media//x", "elsewhere/x", "media", "media/a\\..\\b"]
)
def test_no_way_out_of_the_folder(tmp_path: Path, name: str) -> None:
    path = tmp_path / "b.zip"
    told = {
        "app_version": "1",
        "taken_at": "",
        "database": "sqlite",
        "server": "3",
        "revision": "0026",
        "rows": {},
        "members": {name: {"size": 1, "sha256": "0" * 64}},
        "missing": [],
        "format": 1,
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"x")
        archive.writestr("manifest.json", json.dumps(told))
    with pytest.raises(BackupError):
        Reader(path)


@pytest.mark.parametrize(
    "told", [b"", b"[]", b"{}", b'{"format": 1}', b"\xff", b'{"format": 1, "members": 5}']
)
def test_a_manifest_that_is_none(tmp_path: Path, told: bytes) -> None:
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", told)
    with pytest.raises(BackupError):
        Reader(path)


def test_two_backups_do_not_write_one_file(app: Flask, tmp_path: Path) -> None:
    with (tmp_path / "b.zip.part").open("wb") as part:
        fcntl.flock(part, fcntl.LOCK_EX)
        answer = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "b.zip")])
    assert answer.exit_code == 1
    assert "another backup is writing" in answer.output
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.parametrize("words", [[], ["--overwrite"]], ids=["new", "overwrite"])
def test_a_finished_backup_is_not_emptied_by_the_next(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """Between opening the file and holding it, whoever wrote it may have come to the end."""
    target, part = tmp_path / "b.zip", tmp_path / "b.zip.part"
    held = fcntl.flock

    def meanwhile(file: Any, how: int) -> None:
        if not target.exists():
            part.write_bytes(b"another one's")
            part.rename(target)
            (tmp_path / "kept.zip").hardlink_to(target)
        held(file, how)

    monkeypatch.setattr("ovop_market.operations.commands.fcntl.flock", meanwhile)
    # Programs of the server's own version, wherever the tests' server comes from.
    monkeypatch.setitem(app.config, "OVOP", replace(app.config["OVOP"], pg_bin=pg_bin()))
    answer = app.test_cli_runner().invoke(args=["backup", *words, str(target)])
    assert (tmp_path / "kept.zip").read_bytes() == b"another one's"
    if words:
        assert answer.exit_code == 0, answer.output
        assert zipfile.is_zipfile(target)
    else:
        assert answer.exit_code == 1
        assert "is there already" in answer.output
        assert target.read_bytes() == b"another one's"
    assert not part.exists()


def test_which_migrations_there_are(app: Flask) -> None:
    revisions = Revisions(app)
    assert revisions.known(revisions.newest)
    assert revisions.known("0001")
    assert not revisions.known("9999")
