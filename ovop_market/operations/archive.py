"""The file that a backup is: a ZIP with the database, the pictures, and a manifest that tells what
there must be.

Pictures are stored as they are (they are compressed already). Every member's SHA-256 and size are
in the manifest, which is written last: a backup that broke off has none, and is none. It can be
written to a pipe, for a copy that goes elsewhere at once.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ovop_market.core import clock

MANIFEST = "manifest.json"
MEDIA = "media/"
# Of the manifest; what a later one means may be something else.
FORMAT = 1
_PIECE = 1024 * 1024
# Whatever a broken file makes the reader raise.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)


class BackupError(Exception):
    """A backup or a restoration that cannot be. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the archive; `size` in bytes before compression."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds. `database` is the kind, `revision` the migration it is at, `rows` the
    count of each table; `missing` are pictures that rows show and that had no file any more."""

    app_version: str
    taken_at: str
    database: str
    server: str
    revision: str
    rows: Mapping[str, int]
    members: Mapping[str, Member] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    format: int = FORMAT

    @property
    def database_member(self) -> str:
        """Where the database is in the archive."""
        return database_member(self.database)

    @property
    def pictures(self) -> list[str]:
        """The pictures' members."""
        return [name for name in self.members if name.startswith(MEDIA)]


def database_member(kind: str) -> str:
    """The database's place in an archive: SQLite's own file, or what pg_dump writes."""
    return "database.sqlite3" if kind == "sqlite" else "database.dump"


class Writer:
    """Writes an archive, to a file or to a pipe."""

    def __init__(self, out: IO[bytes]) -> None:
        self.members: dict[str, Member] = {}
        self._at = clock.wib(clock.now())
        self._zip = zipfile.ZipFile(out, "w", allowZip64=True)

    def add(self, name: str, source: IO[bytes], *, compress: bool = False) -> Member:
        """Writes all of a source as a member."""
        seen, size = hashlib.sha256(), 0
        with self._opened(name, compress) as member:
            while piece := source.read(_PIECE):
                seen.update(piece)
                size += len(piece)
                member.write(piece)
        self.members[name] = Member(size, seen.hexdigest())
        return self.members[name]

    def finish(self, manifest: Manifest) -> None:
        """Writes the manifest: from now on it is a backup."""
        with self._opened(MANIFEST, compress=True) as member:
            member.write(json.dumps(asdict(manifest), indent=1, ensure_ascii=False).encode())
        self._zip.close()

    def abandon(self) -> None:
        """Leaves it as it is, broken off."""
        self._zip.fp = None

    def _opened(self, name: str, compress: bool) -> IO[bytes]:
        info = zipfile.ZipInfo(name, self._at.timetuple()[:6])
        info.external_attr = 0o100600 << 16
        info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        # Of a database most is air: the quickest level takes what there is to win.
        info._compresslevel = 1  # type: ignore[attr-defined]
        return self._zip.open(info, "w", force_zip64=True)


class Reader:
    """An archive that is read. Raises BackupError when it is none, or is damaged."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise BackupError(f"cannot read {path}: {error.strerror}") from None
        except _BROKEN:
            raise BackupError(f"{path} is no whole backup: use another copy") from None
        try:
            self.manifest = self._manifest()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._zip.close()

    def check(self) -> None:
        """Reads everything, and compares it with the manifest."""
        for name in self.manifest.members:
            with self.open(name) as member:
                while member.read(_PIECE):
                    pass

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A member; whoever has read it to its end knows that it is what was written."""
        try:
            with self._zip.open(name) as member:
                checked = _Checked(member, self.manifest.members[name])
                yield checked  # type: ignore[misc]
        except (*_BROKEN, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise _damaged(name) from None

    def extract(self, name: str, target: Path) -> None:
        """Writes a member into a file of its own, which must not be there yet."""
        with self.open(name) as member, target.open("xb") as file:
            shutil.copyfileobj(member, file, _PIECE)

    def _manifest(self) -> Manifest:
        try:
            told: dict[str, Any] = json.loads(self._zip.read(MANIFEST))
            if told.get("format") != FORMAT:
                raise BackupError(
                    "this backup was made by a newer release: upgrade the program first"
                )
            members = {name: Member(**of) for name, of in told.pop("members").items()}
            manifest = Manifest(**{**told, "missing": tuple(told["missing"])}, members=members)
        except (*_BROKEN, OSError, AttributeError):
            raise _damaged(MANIFEST) from None
        names = self._zip.namelist()
        if sorted(names) != sorted([MANIFEST, *members]):
            raise BackupError("the archive does not hold what its manifest says: use another copy")
        for name in members:
            _refuse_elsewhere(name, manifest.database_member)
        return manifest


class _Checked:
    """A member that is compared with the manifest as it is read."""

    def __init__(self, member: IO[bytes], expected: Member) -> None:
        self._member = member
        self._left = expected
        self._seen = hashlib.sha256()
        self._size = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._member.read(size)
        self._seen.update(piece)
        self._size += len(piece)
        if (not piece or size < 0) and self._left != Member(self._size, self._seen.hexdigest()):
            raise zipfile.BadZipFile("not what was written")
        return piece


def _damaged(name: str) -> BackupError:
    return BackupError(f"the backup is damaged ({name}): use another copy")


def _refuse_elsewhere(name: str, database: str) -> None:
    """Only the database and files below the pictures' folder have a place in an archive."""
    path = PurePosixPath(name)
    below = name.startswith(MEDIA) and len(path.parts) > 1
    odd = path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name
    if odd or str(path) != name or not (below or name == database):
        raise BackupError(f"the archive holds a file that has no place in a backup: {name!r}")


def stamp(moment: datetime) -> str:
    """A moment as the manifest tells it: ISO 8601, in UTC."""
    return moment.isoformat(timespec="seconds")
