"""What stands still behind the desk: the worker, and room on the disks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import format_decimal
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ovop_market.config import Config
from ovop_market.web import beats, disks
from ovop_market.web.disks import DATABASE, Disk
from ovop_market.web.filters import moment

GIGABYTE, MEGABYTE = 1_000_000_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that whoever runs the machine has to do."""

    name: str
    title: str
    text: str


def alerts(session: Session, config: Config, now: datetime) -> Sequence[Alert]:
    """The worker first: without it nothing is told and nothing lapses. One statement."""
    found: list[Alert] = []
    seen = beats.worker_seen(session)
    if beats.is_silent(seen, now):
        since = (
            _("Terakhir terlihat %(moment)s.", moment=moment(seen))
            if seen
            else _("Belum pernah terlihat.")
        )
        text = _("Pesan tidak terkirim dan batas waktu pesanan tidak berjalan. Jalankan lagi.")
        found.append(Alert("worker", _("Pekerja di latar diam"), f"{since} {text}"))
    return found + [_low(disk) for disk in disks.low_disks(config)]


def _low(disk: Disk) -> Alert:
    where = _("basis data dan foto") if len(disk.holds) > 1 else _("foto")
    if disk.holds == (DATABASE,):
        where = _("basis data")
    left = _(
        "Tinggal %(free)s dari %(total)s (%(percent)s%%).",
        free=size(disk.free),
        total=size(disk.total),
        percent=disk.percent,
    )
    text = _("Kosongkan atau tambah ruangnya, sebelum pesanan dan foto tidak bisa disimpan.")
    return Alert("disk", _("Ruang untuk %(what)s hampir habis", what=where), f"{left} {text}")


def size(count: int) -> str:
    """Bytes in words: 12,3 GB, 840 MB."""
    if count >= GIGABYTE:
        return f"{format_decimal(round(count / GIGABYTE, 1))} GB"
    return f"{format_decimal(count // MEGABYTE)} MB"
