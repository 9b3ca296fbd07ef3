"""What may be asked, as data: the document describes it and `read` reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from ovop_market.catalogue.models import Category
from ovop_market.core.errors import MarketError
from ovop_market.opendata.reach_records import REGENCY_PATTERN, Kind
from ovop_market.opendata.records import SLUG_PATTERN
from ovop_market.opendata.shape import Schema, Text
from ovop_market.villages.models import Stage
from ovop_market.web.paging import LAST_PAGE

LONGEST_SHOWN = 40  # characters of a name that nobody knows
Asked = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter. `usual` is taken where it is left out."""

    name: str
    text: Text
    schema: Schema = field(hash=False)
    example: Any = None
    required: bool = False
    usual: Any = None


def _one_of(choices: Sequence[str]) -> Schema:
    return {"type": "string", "enum": [str(each) for each in choices]}


_SLUG: Schema = {"type": "string", "pattern": SLUG_PATTERN}
_REGENCY: Schema = {"type": "string", "pattern": REGENCY_PATTERN}
_YEAR: Schema = {"type": "integer", "minimum": 2000, "maximum": 2100}

PAGE = Parameter(
    "page",
    _l("Halaman yang diminta, mulai dari 1."),
    {"type": "integer", "minimum": 1, "maximum": LAST_PAGE},
    usual=1,
)
PER_PAGE = Parameter(
    "per_page",
    _l("Banyaknya baris di satu halaman."),
    {"type": "integer", "minimum": 1, "maximum": 200},
    usual=50,
)
REGENCY = Parameter(
    "regency", _l("Hanya desa di kabupaten atau kota ini (kode)."), _REGENCY, "19.05"
)
VILLAGE = Parameter("village", _l("Hanya desa ini (kunci desa)."), _SLUG, "belo-laut")
THE_VILLAGE = Parameter("village", _l("Desa yang diminta (kunci desa)."), _SLUG, "belo-laut", True)
CATEGORY = Parameter("category", _l("Hanya produk jenis ini."), _one_of(list(Category)), "tea")
PROGRAMME_YEAR = Parameter("year", _l("Hanya tahun program ini."), _YEAR, 2016)
STAGE = Parameter("stage", _l("Hanya yang sedang di tahap ini."), _one_of(list(Stage)), "mentoring")
AREA = Parameter(
    "area",
    _l("Kabupaten atau kota tempat desa-desanya (kode; lihat /reach)."),
    _REGENCY,
    "19.05",
    True,
)
YEAR = Parameter(
    "year",
    _l("Tahun kalender yang sudah berakhir, sejak 1 April berikutnya (lihat /reach)."),
    _YEAR,
    2025,
    True,
)
KIND = Parameter(
    "kind",
    _l("Yang diperiksa situs ini (verified), atau yang dilaporkan penjual (reported)."),
    _one_of(list(Kind)),
    usual=str(Kind.VERIFIED),
)


class Refused(MarketError):
    """Some parameters cannot be used; `parameters` says of each why."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        named = [{"name": name, "detail": why} for name, why in wrong.items()]
        said = " ".join(f"{name}: {why}" for name, why in wrong.items())
        super().__init__(said, parameters=named)


def read(args: MultiDict[str, str], known: Sequence[Parameter]) -> dict[str, Any]:
    """What an address asks. Raises Refused, which names everything that is wrong with it."""
    wrong: dict[str, str] = {}
    asked: dict[str, Any] = {}
    names = {each.name: each for each in known}
    for name in args:
        if name not in names:
            shown = "".join(c if c.isprintable() else " " for c in name)[:LONGEST_SHOWN]
            wrong[shown] = _("Parameter ini tidak dikenal.")
    for name, parameter in names.items():
        given = args.getlist(name)
        if len(given) > 1:
            wrong[name] = _("Tulis parameter ini sekali saja.")
        elif given:
            value = _value(given[0], parameter.schema)
            if value is None:
                wrong[name] = _why(parameter.schema)
            asked[name] = value
        elif parameter.required:
            wrong[name] = _("Parameter ini harus ada.")
        else:
            asked[name] = parameter.usual
    if wrong:
        raise Refused(wrong)
    return asked


def _value(text: str, schema: Schema) -> Any:
    """What a text means; nothing where it does not fit."""
    if schema["type"] == "integer":
        # Cut short: Python refuses to read numbers of thousands of figures.
        if not re.fullmatch("[0-9]{1,9}", text):
            return None
        number = int(text)
        return number if schema["minimum"] <= number <= schema["maximum"] else None
    if "enum" in schema:
        return text if text in schema["enum"] else None
    return text if re.fullmatch(schema["pattern"].removesuffix("$") + r"\Z", text) else None


def _why(schema: Schema) -> str:
    if schema["type"] == "integer":
        least, most = schema["minimum"], schema["maximum"]
        return _("Isi bilangan bulat %(least)s sampai %(most)s.", least=least, most=most)
    if "enum" in schema:
        return _("Isi salah satu dari: %(choices)s.", choices=", ".join(schema["enum"]))
    return _("Tulis sesuai pola %(pattern)s.", pattern=schema["pattern"])
