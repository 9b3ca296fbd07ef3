"""How much room is left where the database and the pictures are."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from ovop_market.config import Config

# Less than a tenth, or less than a gigabyte, is little: pictures and the database's own copying
# need some at once.
LITTLE_SHARE = 0.1
LITTLE_BYTES = 1_000_000_000
DATABASE, PICTURES = "database", "pictures"


@dataclass(frozen=True, slots=True)
class Disk:
    """A volume: what is on it, its size and what is free, in bytes."""

    holds: tuple[str, ...]
    total: int
    free: int

    @property
    def low(self) -> bool:
        return self.free < LITTLE_BYTES or self.free < self.total * LITTLE_SHARE

    @property
    def percent(self) -> int:
        """What is free, in whole per cent, rounded down."""
        return self.free * 100 // self.total if self.total else 0


def places(config: Config) -> Mapping[str, Path]:
    """The folders of this installation. A PostgreSQL has its own machine, which watches itself."""
    found = {PICTURES: config.media}
    url = make_url(config.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        found[DATABASE] = Path(url.database).parent
    return found


def disks(config: Config) -> list[Disk]:
    """Each volume once, however much of ours is on it; what cannot be asked is left out."""
    by_device: dict[int, tuple[list[str], Path]] = {}
    for name, folder in places(config).items():
        with contextlib.suppress(OSError):
            device = folder.stat().st_dev
            by_device.setdefault(device, ([], folder))[0].append(name)
    found: list[Disk] = []
    for names, folder in by_device.values():
        with contextlib.suppress(OSError):
            usage = shutil.disk_usage(folder)
            found.append(Disk(tuple(sorted(names)), usage.total, usage.free))
    return found


def low_disks(config: Config) -> list[Disk]:
    """The volumes with little room left."""
    return [disk for disk in disks(config) if disk.low]
