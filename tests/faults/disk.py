"""A disk of 8 MB, which can be filled up and emptied again while servers write to it."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

MEGABYTES = 8
_FILLER = "filler"


class Disk(Protocol):
    """Where files are, and whether there is room for more."""

    @property
    def folder(self) -> Path: ...
    def fill(self, *, but: int = 0) -> None:
        """Leaves room for so many bytes, and no more."""

    def free(self) -> None:
        """Makes room again."""


@dataclass
class Tmpfs:
    """A file system of its own."""

    folder: Path

    def fill(self, *, but: int = 0) -> None:
        with (self.folder / _FILLER).open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError as error:
                assert error.errno == errno.ENOSPC
        if but:
            os.truncate(self.folder / _FILLER, (self.folder / _FILLER).stat().st_size - but)

    def free(self) -> None:
        (self.folder / _FILLER).unlink(missing_ok=True)


@dataclass
class Limited:
    """Where nothing may be mounted: processes that may not let any file grow."""

    folder: Path
    groups: list[int] = field(default_factory=list)

    def fill(self, *, but: int = 0) -> None:
        self._limit(but)

    def free(self) -> None:
        self._limit(psutil.RLIM_INFINITY)

    def _limit(self, most: int) -> None:
        for group in self.groups:
            for process in [psutil.Process(group), *psutil.Process(group).children()]:
                process.rlimit(psutil.RLIMIT_FSIZE, (most, psutil.RLIM_INFINITY))


@contextmanager
def small_disk(folder: Path, owner: int | None = None) -> Iterator[Disk]:
    """An empty one at this place, which must not be there yet."""
    folder.mkdir()
    size = f"size={MEGABYTES}m,mode=755"
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=False, stderr=-3
        ).returncode
        == 0
    )
    if not mounted:
        yield Limited(folder)
        return
    try:
        if owner is not None:
            os.chown(folder, owner, -1)
        yield Tmpfs(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
