"""A bank's CSV export as text and as cells: encoding, delimiter, where the table begins. Pure."""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ovop_market.payments.statements import words
from ovop_market.payments.statements.values import DateOrder, read_day

MOST_BYTES = 5 * 1024 * 1024
MOST_LINES = 20_000
# Banks give a dozen; each one more costs the preview a look at all rows.
MOST_COLUMNS = 60
DELIMITERS = (",", ";", "\t", "|")
# Banks write a few lines about the account before the table.
_PREAMBLE = 60
# A description may be broken into a few lines; a quotation mark that is never closed swallows all.
_LINES_OF_ROW = 12
_FOREIGN = (b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff")


class Fault(StrEnum):
    """Why a file cannot be read at all."""

    EMPTY = "empty"
    TOO_LARGE = "too large"
    TOO_LONG = "too long"
    NOT_TEXT = "not text"
    NO_TABLE = "no table"


class UnreadableFile(Exception):
    """The file is no CSV that could be a bank statement."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Row:
    """Cells, and the line of the file on which they begin."""

    number: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file cut into cells. `header` is empty where no row names the columns; it may do so in
    words that nobody here knows.

    `width` is how many cells a row has at most; `digest` names the header, whatever the rows say.
    """

    header: Sequence[str]
    preamble: Sequence[Row]
    rows: Sequence[Row]
    width: int
    digest: str


def decode(content: bytes) -> str:
    """The text of a file, its lines ended by line feeds alone, without NUL. Raises UnreadableFile.

    UTF-8 and UTF-16 with their marks, UTF-16 without, UTF-8, else Windows-1252.
    """
    if len(content) > MOST_BYTES:
        raise UnreadableFile(Fault.TOO_LARGE)
    if content.startswith(_FOREIGN):
        raise UnreadableFile(Fault.NOT_TEXT)
    text = _text(content)
    if text is None:
        raise UnreadableFile(Fault.NOT_TEXT)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").lstrip("\ufeff")
    if not text.strip():
        raise UnreadableFile(Fault.EMPTY)
    if text.count("\n") > MOST_LINES + _PREAMBLE:
        raise UnreadableFile(Fault.TOO_LONG)
    return text


def _text(content: bytes) -> str | None:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    # Every second byte of Latin letters in UTF-16 is NUL.
    head = content[:2000]
    if len(head) > 3 and head.count(0) * 3 > len(head):
        little = head[1::2].count(0) >= head[::2].count(0)
        return content.decode("utf-16-le" if little else "utf-16-be", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    control = sum(character < " " and character not in "\t\r\n\f" for character in text[:2000])
    return None if control * 20 > len(text[:2000]) else text


def cut(text: str) -> Sheet:
    """The cells of a file, by the delimiter under which its header is found. Raises UnreadableFile.

    Without a header the delimiter is the one that cuts most rows into the most cells alike.
    """
    lines = text.split("\n")
    head = lines[:_PREAMBLE]
    tried = {mark: _rows(head, mark) for mark in DELIMITERS}
    headers = {mark: _header_at(rows) for mark, rows in tried.items()}
    named = [mark for mark, at in headers.items() if at is not None]
    if named:
        delimiter = max(named, key=lambda mark: _worth(tried[mark], headers[mark]))
        rows = _rows(lines, delimiter)
        # A row at the edge of what was tried may look different in the whole file.
        at = _header_at(rows[: len(tried[delimiter])])
    else:
        delimiter = max(DELIMITERS, key=lambda mark: _alike(tried[mark]))
        rows = _rows(lines, delimiter)
        at = _words_above_days(rows[: len(tried[delimiter])])
    return _sheet(rows, at)


def _worth(rows: Sequence[Row], at: int | None) -> int:
    return len(words.roles(rows[at].cells)) if at is not None else 0


def _alike(rows: Sequence[Row]) -> int:
    """How many cells there are in rows that have as many as most have; more than one."""
    widths = Counter(len(row.cells) for row in rows if len(row.cells) > 1)
    return max((width * n for width, n in widths.items()), default=0)


def _sheet(rows: list[Row], at: int | None) -> Sheet:
    header = rows[at].cells if at is not None else ()
    body = rows[at + 1 :] if at is not None else rows
    widths = Counter(len(row.cells) for row in body if len(row.cells) > 1)
    usual = max(widths, key=lambda width: (widths[width], width), default=0)
    width = max(len(header), usual)
    if width < 2:
        raise UnreadableFile(Fault.NO_TABLE)
    if len(body) > MOST_LINES:
        raise UnreadableFile(Fault.TOO_LONG)
    if width > MOST_COLUMNS:
        raise UnreadableFile(Fault.NO_TABLE)
    return Sheet(header, rows[:at] if at is not None else (), body, width, _digest(header, width))


def _header_at(rows: Sequence[Row]) -> int | None:
    return next((n for n, row in enumerate(rows) if words.is_header(row.cells)), None)


def _words_above_days(rows: Sequence[Row]) -> int | None:
    """The row of words, in whichever language, just above the first row that begins to tell days:
    a header that nobody has heard of."""
    days = (n for n, row in enumerate(rows) if any(map(_is_day, row.cells)))
    at = next(days, 0) - 1
    named = [cell for cell in rows[at].cells if cell] if at >= 0 else []
    return at if len(named) > 1 and all(any(map(str.isalpha, c)) for c in named) else None


def _is_day(cell: str) -> bool:
    return any(read_day(cell, order) for order in DateOrder)


def _digest(header: Sequence[str], width: int) -> str:
    names = [" ".join(words.words(name)) for name in header] or [f"{width} columns without names"]
    return hashlib.sha256("\x1f".join(names).encode("utf-8", "replace")).hexdigest()


def _rows(lines: Sequence[str], delimiter: str) -> list[Row]:
    """Rows that are not empty, as quoted; if that cannot be, without regard to quotation marks."""
    try:
        return _parse(lines, delimiter, quoted=True)
    except csv.Error:
        pass
    try:
        return _parse(lines, delimiter, quoted=False)
    except csv.Error:
        raise UnreadableFile(Fault.NO_TABLE) from None


def _parse(lines: Sequence[str], delimiter: str, *, quoted: bool) -> list[Row]:
    reader = csv.reader(
        (line + "\n" for line in lines),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        skipinitialspace=True,
    )
    rows, before = [], 0
    for cells in reader:
        begun, before = before + 1, reader.line_num
        if before - begun >= _LINES_OF_ROW:
            raise csv.Error("a quotation mark is never closed")
        if any(cell.strip() for cell in cells):
            rows.append(Row(begun, tuple(cell.strip() for cell in cells)))
    return rows
