"""Tariff tables as CSV: bytes to text, text to lines, and what is wrong in each line. Pure.

Operators make these files in spreadsheets, which put their own marks into them: a byte-order mark,
semicolons, points between thousands, an apostrophe before what is text; and they take 19.10 for a
number and write 19.1. All that is understood; anything else is said by line, nothing is guessed.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from flask_babel import gettext as _

from ovop_market.core.errors import Unusable
from ovop_market.regions import codes

MOST_BYTES = 1024 * 1024
MOST_LINES = 10_000
EVERYWHERE = "*"
DELIMITERS = (",", ";", "\t")
# The header of a file that is given out; all but the names of areas are read again.
HEADER = (
    "service", "origin", "destination", "price", "min_weight_grams", "days_from", "days_to",
    "origin_name", "destination_name",
)  # fmt: skip
# Bounds beyond which a number is a slip of the finger.
MOST_RUPIAH = 10_000_000
MOST_GRAMS = 1_000_000
MOST_DAYS = 60
# The seller's own delivery is for the neighbourhood.
MOST_DAYS_LOCAL = 1

_OTHER_NAMES = {
    "layanan": "service",
    "kode layanan": "service",
    "asal": "origin",
    "tujuan": "destination",
    "harga": "price",
    "harga per kg": "price",
    "price per kg": "price",
    "ongkos": "price",
    "berat minimum": "min_weight_grams",
    "berat minimum gram": "min_weight_grams",
    "min weight grams": "min_weight_grams",
    "hari dari": "days_from",
    "days from": "days_from",
    "hari sampai": "days_to",
    "days to": "days_to",
}
_NEEDED = ("service", "origin", "destination", "price", "days_from", "days_to")
_USUAL_GRAMS = 1000
# A line break inside quotation marks that are never closed would swallow the file.
_LONGEST_CELL = 200
_FOREIGN = (b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff")
_FORMULA_STARTS = ("=", "+", "-", "@")

Key = tuple[str, str, str]
Terms = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Line:
    """A tariff as a file says it: codes, rupiah, grams, days. An empty code is everywhere."""

    number: int
    service: str
    origin: str
    destination: str
    price: int
    min_weight_grams: int
    days_from: int
    days_to: int

    @property
    def key(self) -> Key:
        return (self.service, self.origin, self.destination)

    @property
    def terms(self) -> Terms:
        return (self.price, self.min_weight_grams, self.days_from, self.days_to)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line of the file, in words."""

    number: int
    text: str


@dataclass(slots=True)
class Reading:
    """What a file says, and where it cannot be understood."""

    lines: list[Line] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def decode(content: bytes) -> str:
    """The text of a file, its lines ended by line feeds alone. Raises Unusable.

    UTF-8 with its mark or without, UTF-16 with its mark, else Windows-1252.
    """
    if len(content) > MOST_BYTES:
        raise Unusable(_("Berkasnya terlalu besar: paling besar 1 MB."), field="file")
    if content.startswith(_FOREIGN) or (b"\0" in content and not _is_utf16(content)):
        raise Unusable(
            _("Ini bukan CSV. Simpan tabelnya sebagai CSV dulu, lalu unggah."), field="file"
        )
    if _is_utf16(content):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", "replace")
    return tidy(text)


def tidy(text: str) -> str:
    """The same for a text that was pasted."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").lstrip("\ufeff")
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise Unusable(_("Berkasnya terlalu besar: paling besar 1 MB."), field="file")
    if not text.strip():
        raise Unusable(_("Berkasnya kosong."), field="file")
    return text


def _is_utf16(content: bytes) -> bool:
    return content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def read(text: str) -> Reading:
    """The lines of a file. Raises Unusable when it has no header or is no table at all."""
    rows = _rows(text)
    number, header = next(rows, (0, []))
    columns = _columns(header)
    reading, first_at = Reading(), dict[Key, int]()
    for number, cells in rows:
        if len(reading.lines) + len(reading.faults) >= MOST_LINES:
            raise Unusable(_("Berkasnya terlalu panjang: paling banyak 10.000 baris."))
        found = _line(number, cells, columns)
        if isinstance(found, Fault):
            reading.faults.append(found)
        elif found.key in first_at:
            text = _("Sama dengan baris %(number)d: hapus salah satu.", number=first_at[found.key])
            reading.faults.append(Fault(number, text))
        else:
            first_at[found.key] = number
            reading.lines.append(found)
    if not reading.lines and not reading.faults:
        raise Unusable(_("Di bawah judul kolom tidak ada baris."), field="file")
    return reading


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, with the number of the line on which each begins."""
    head = next((line for line in text.split("\n") if line.strip()), "")
    delimiter = max(DELIMITERS, key=head.count)
    reader = csv.reader(text.split("\n"), delimiter=delimiter, skipinitialspace=True)
    begun = 1
    try:
        for cells in reader:
            if any(len(cell) > _LONGEST_CELL for cell in cells):
                raise csv.Error
            if any(cell.strip() for cell in cells):
                yield begun, [_plain(cell) for cell in cells]
            begun = reader.line_num + 1
    except csv.Error:
        raise Unusable(
            _("Baris %(number)d tidak terbaca: periksa tanda kutipnya.", number=begun), field="file"
        ) from None


def _plain(cell: str) -> str:
    """A cell without blanks and without the mark by which spreadsheets keep text as text."""
    text = " ".join(cell.split())
    return text[1:] if text.startswith("'") else text


def _columns(header: Sequence[str]) -> dict[str, int]:
    named: dict[str, int] = {}
    for at, cell in enumerate(header):
        name = re.sub(r"[^a-z]+", " ", cell.lower()).strip()
        name = _OTHER_NAMES.get(name, name.replace(" ", "_"))
        if name in HEADER:
            named.setdefault(name, at)
    missing = [name for name in _NEEDED if name not in named]
    if missing:
        raise Unusable(
            _(
                "Baris pertama harus berisi judul kolom. Yang belum ada: %(names)s.",
                names=", ".join(missing),
            ),
            field="file",
        )
    return named


def _line(number: int, cells: Sequence[str], columns: dict[str, int]) -> Line | Fault:
    """A line as it is understood, or all that is wrong with it."""
    said = {name: cells[at] if at < len(cells) else "" for name, at in columns.items()}
    wrong: list[str] = []
    if any(cell.startswith(_FORMULA_STARTS) for cell in said.values()):
        return Fault(number, _("Ada sel yang berisi rumus. Tulis nilainya saja."))
    origin = _area(said["origin"], _("asal"), wrong)
    destination = _area(said["destination"], _("tujuan"), wrong)
    price = _number(said["price"], _("harga"), 1, MOST_RUPIAH, wrong, money=True)
    grams = _USUAL_GRAMS
    if said.get("min_weight_grams"):
        name = _("berat minimum")
        grams = _number(said["min_weight_grams"], name, 1, MOST_GRAMS, wrong, money=True)
    first = _number(said["days_from"], _("hari dari"), 0, MOST_DAYS, wrong)
    last = _number(said["days_to"], _("hari sampai"), 0, MOST_DAYS, wrong)
    if not said["service"]:
        wrong.insert(0, _("Isi kode layanan."))
    if not wrong and first > last:
        wrong.append(_("Hari dari (%(first)d) lebih dari hari sampai.", first=first))
    if wrong:
        return Fault(number, " ".join(wrong))
    service = said["service"].lower()
    return Line(number, service, origin, destination, price, grams, first, last)


def _area(text: str, name: str, wrong: list[str]) -> str:
    """A code of an area. A spreadsheet takes 19.10 for a number: 19.1, or 19,1."""
    if text == EVERYWHERE:
        return ""
    code = text.replace(",", ".")
    if re.fullmatch(r"[0-9]{2}\.[0-9]", code):
        code += "0"
    if not codes.is_code(code):
        if text:
            wrong.append(_("%(name)s: %(text)s bukan kode wilayah.", name=name, text=text[:20]))
        else:
            wrong.append(_("%(name)s: isi kode wilayah, atau * untuk semua.", name=name))
        return ""
    return code


def _number(
    text: str, name: str, least: int, most: int, wrong: list[str], *, money: bool = False
) -> int:
    """A whole number, of money also as it is written here: Rp38.000."""
    digits = text.strip()
    if money:
        digits = re.sub(r"^rp\.? ?", "", digits.lower())
        if re.fullmatch(r"[0-9]{1,3}([.,][0-9]{3})+", digits):
            digits = re.sub(r"[.,]", "", digits)
    if not re.fullmatch(r"[0-9]{1,9}", digits):
        wrong.append(_("%(name)s: tulis angka bulat.", name=name))
        return least
    value = int(digits)
    if not least <= value <= most:
        wrong.append(
            _("%(name)s: dari %(least)d sampai %(most)d.", name=name, least=least, most=most)
        )
    return value
