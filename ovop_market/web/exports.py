"""Tables as files that a spreadsheet opens as they are."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from flask import stream_with_context
from werkzeug.wrappers import Response

# A cell that begins so is a formula to a spreadsheet: people's text must stay text.
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# Lines that are sent in one piece: few enough to hold, enough to be worth sending.
_AT_ONCE = 500


def _cell(value: object) -> object:
    """A cell on one line; with a mark before what a spreadsheet would take for a formula, also
    behind blanks and in the full-width letters of East Asia."""
    if not isinstance(value, str):
        return value
    line = " ".join(value.splitlines())
    seen = unicodedata.normalize("NFKC", "".join(c for c in line if c.isprintable())).lstrip()
    return "'" + line if seen.startswith(_FORMULA_STARTS) else line


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A CSV download in UTF-8 with a byte-order mark, which Excel needs to recognise UTF-8."""
    return download(name, Response("".join(_pieces(header, rows)), mimetype="text/csv"))


def csv_stream(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The same file, sent while it is read: however long it is, little of it is held at a time.

    The rows may come from the database session of this request: it stays open until the last one
    is sent, or nobody takes them any more.
    """
    pieces = stream_with_context(_pieces(header, rows))
    return download(name, Response(pieces, mimetype="text/csv"))


def download(name: str, response: Response) -> Response:
    """The answer as a file that is saved under a name."""
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _pieces(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield "\ufeff" + _lines([header])
    left = iter(rows)
    while some := list(islice(left, _AT_ONCE)):
        yield _lines([_cell(value) for value in row] for row in some)


def _lines(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
