"""Tables as files that a spreadsheet opens as they are."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

from werkzeug.wrappers import Response

# A cell that begins so is a formula to a spreadsheet: people's text must stay text.
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


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
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    response = Response("\ufeff" + text.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
