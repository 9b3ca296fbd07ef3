"""pg_dump and pg_restore: where they are, and how they are run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sqlalchemy import URL, make_url

from ovop_market.operations.archive import BackupError

# As the server knows a restoration of ours.
RESTORING = "ovop-market restore"
_VERSION = re.compile(r"\b(\d+)(?:\.\d+)*")


def tool(name: str, at_least: int, folder: str) -> str:
    """The program, of a version not older than the server's: an older pg_dump refuses.

    Looked for in OVOP_PG_BIN (`folder`) where that is set, else on PATH, where `pg_config` says,
    and where Debian puts it. Raises BackupError that says what to install.
    """
    seen: list[str] = []
    for path in _places(name, folder):
        version = _version(path)
        if version >= at_least:
            return path
        seen.append(f"{path} is of version {version}")
    found = "; ".join(seen) or "none was found"
    raise BackupError(
        f"{name} of PostgreSQL {at_least} or newer is needed ({found}). Install"
        f" postgresql-client-{at_least}, or say in OVOP_PG_BIN in which folder it is"
    )


def _places(name: str, folder: str) -> Iterator[str]:
    if folder:
        folders: Sequence[Path] = [Path(folder)]
    else:
        on_path = shutil.which(name)
        if on_path:
            yield on_path
        versions = Path("/usr/lib/postgresql").glob("*/bin")
        folders = [*_of_pg_config(), *sorted(versions, reverse=True)]
    for where in folders:
        if (where / name).is_file():
            yield str(where / name)


def _of_pg_config() -> list[Path]:
    program = shutil.which("pg_config")
    if program is None:
        return []
    told = subprocess.run(  # noqa: S603 - the machine's own
        [program, "--bindir"], capture_output=True, text=True, check=False
    )
    return [Path(told.stdout.strip())] if told.returncode == 0 else []


def _version(path: str) -> int:
    told = subprocess.run(  # noqa: S603 - the machine's own
        [path, "--version"], capture_output=True, text=True, check=False
    )
    found = _VERSION.search(told.stdout)
    return int(found[1]) if found else 0


def plain_url(database_url: str, *, password: bool = False) -> str:
    """The URL as PostgreSQL's own programs read it; without the password, which everybody on the
    machine could read in the list of processes."""
    url = make_url(database_url)
    plain = URL.create(
        "postgresql",
        username=url.username,
        password=url.password if password else None,
        host=url.host,
        port=url.port,
        database=url.database,
        query=url.query,
    )
    return plain.render_as_string(hide_password=False)


def _under_its_name(database_url: str) -> str:
    url = make_url(database_url).update_query_dict({"application_name": RESTORING})
    return plain_url(url.render_as_string(hide_password=False))


def _environ(database_url: str) -> dict[str, str]:
    password = make_url(database_url).password
    return {**os.environ, **({"PGPASSWORD": password} if password else {})}


@contextmanager
def _running(
    command: Sequence[str], database_url: str, stdin: int, stdout: int
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that ends with us: whatever breaks this off, it is dead before anybody is told."""
    with subprocess.Popen(  # noqa: S603 - the machine's own, with words of ours
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=_environ(database_url),
    ) as process:
        try:
            yield process
            process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise


def _complaint(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    return process.stderr.read().decode("utf-8", "replace").strip()


@contextmanager
def dumping(program: str, database_url: str, snapshot: str) -> Iterator[IO[bytes]]:
    """What pg_dump writes of an exported snapshot: all but the queue of jobs, which may be lost.

    Raises BackupError when it fails."""
    command = [
        program,
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        "--exclude-schema=jobs",
        f"--snapshot={snapshot}",
        f"--dbname={plain_url(database_url)}",
    ]
    with _running(command, database_url, subprocess.DEVNULL, subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout
        complaint = _complaint(process)
    if process.returncode:
        raise BackupError(f"pg_dump failed: {complaint.splitlines()[-1:]}")


def restore(program: str, database_url: str, dump: IO[bytes]) -> None:
    """Runs pg_restore in one transaction. When it fails nothing is there: BackupError says why."""
    command = [
        program,
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
        "--single-transaction",
        f"--dbname={_under_its_name(database_url)}",
    ]
    with _running(command, database_url, subprocess.PIPE, subprocess.DEVNULL) as process:
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it says why
            shutil.copyfileobj(dump, process.stdin, 1024 * 1024)
        with suppress(BrokenPipeError):
            process.stdin.close()
        complaint = _complaint(process)
    if process.returncode:
        # Its words may quote rows: only the first line, which names what failed.
        raise BackupError(f"pg_restore failed: {complaint.partition(chr(10))[0]}")
