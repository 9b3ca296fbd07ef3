"""The data dictionary: the records that programs get, described for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import limits
from flask_babel import gettext as _

from ovop_market.opendata import records
from ovop_market.opendata.parameters import Parameter
from ovop_market.opendata.resources import RESOURCES, Resource
from ovop_market.opendata.shape import Text, hints, parts, told_of, used_by
from ovop_market.web.filters import number


@dataclass(frozen=True, slots=True)
class FieldLine:
    """A field: its name, what kind of value it has, and what that means."""

    name: str
    kind: str
    text: Text


@dataclass(frozen=True, slots=True)
class Table:
    """An address with what may be asked of it and the fields of its rows. `resource` is none for
    what stands only inside others."""

    record: str
    text: Text
    lines: Sequence[FieldLine]
    resource: Resource | None = None

    @property
    def parameters(self) -> Sequence[Parameter]:
        """Those of its own; every list has its pages besides."""
        return self.resource.parameters if self.resource else ()


def tables() -> list[Table]:
    """Every address."""
    return [_table(each.record, each) for each in RESOURCES]


def inner_tables() -> list[Table]:
    """What stands inside the rows of others, and beside them."""
    outer = {each.record for each in RESOURCES}
    found = {inner: None for each in RESOURCES for inner in used_by(each.record)}
    return [_table(each) for each in (*found, records.Meta) if each not in outer]


def attribution() -> str:
    """How to cite the data."""
    return _(
        "Data terbuka OVOP Market, program Satu Desa Satu Produk Kabupaten Bangka Barat, CC BY 4.0"
    )


def rate_in_words(rate: str) -> str:
    """How often one may ask, as the settings have it ("120 per minute")."""
    periods = {1: _("detik"), 60: _("menit"), 3600: _("jam"), 86400: _("24 jam")}
    said = []
    for limit in limits.parse_many(rate):
        seconds = limit.get_expiry()
        period = periods.get(seconds) or _("%(count)s detik", count=number(seconds))
        many = number(limit.amount)
        said.append(_("%(many)s permintaan tiap %(period)s", many=many, period=period))
    return ", ".join(said)


def _table(record: type, resource: Resource | None = None) -> Table:
    lines = [
        FieldLine(
            each.name, _kind(hints(record)[each.name], told_of(each).unit), told_of(each).text
        )
        for each in fields(record)
    ]
    return Table(record.__name__, record.TEXT, lines, resource)  # type: ignore[attr-defined]


def _kind(kind: Any, unit: Text) -> str:
    base, many, optional = parts(kind)
    if is_dataclass(base) and isinstance(base, type):
        said = str(base.__name__)
    elif base is int:
        said = _("bilangan bulat")
    elif base is bool:
        said = _("ya atau tidak")
    elif base is date:
        said = _("tanggal")
    else:
        said = _("salah satu kata") if issubclass(base, StrEnum) else _("teks")
    said = _("daftar %(kind)s", kind=said) if many else said
    said = f"{said} ({unit})" if unit else said
    return _("%(kind)s, bisa kosong", kind=said) if optional else said
