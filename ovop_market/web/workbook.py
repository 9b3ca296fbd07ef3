"""Tables as an Excel workbook: typed cells, one sheet for each table, charts that Excel draws.

Text is written as text and never read: no formula, no link and no number comes of it, whoever typed
it. The same tables at the same moment are the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import IO, Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from ovop_market.web.filters import printable

MAX_ROWS = 1_048_576  # of a sheet, by the format
MAX_TEXT = 32_767  # characters of a cell, by the format
_LINE_HEIGHT = 15  # points
_MOST_LINES = 12
MIMETYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Kind(StrEnum):
    """What stands in a cell, and so how it is written."""

    TEXT = "text"
    NUMBER = "number"
    RUPIAH = "rupiah"
    # The same of what is no less, and may be more.
    AT_LEAST = "at least"
    AT_LEAST_RUPIAH = "at least rupiah"
    SHARE = "share"
    CHANGE = "change"
    DAY = "day"
    MONTH = "month"


_FORMATS: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"text_wrap": True, "valign": "top"},
    Kind.NUMBER: {"num_format": "#,##0"},
    Kind.RUPIAH: {"num_format": '"Rp"#,##0'},
    Kind.AT_LEAST: {"num_format": '"≥ "#,##0'},
    Kind.AT_LEAST_RUPIAH: {"num_format": '"≥ Rp"#,##0'},
    Kind.SHARE: {"num_format": "0%"},
    Kind.CHANGE: {"num_format": "+0%;-0%;0%"},
    Kind.DAY: {"num_format": "d mmm yyyy", "align": "left"},
    Kind.MONTH: {"num_format": "mmm yyyy", "align": "left"},
}
_HEADER = {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#CFE3E4", "bottom": 1}
# The colours of the site's charts: the first series dark, the one it is compared with light.
_COLOURS = ("#1D6F7E", "#C9B79C", "#62ABB7")


Plain = str | int | float | date | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A value that is not of its column's kind."""

    value: Plain
    kind: Kind


Value = Plain | Cell


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its title; `width` in characters."""

    title: str
    kind: Kind = Kind.TEXT
    width: int = 14


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of columns of the sheet: `labels` names each row, `values` are its bars."""

    title: str
    labels: int
    values: tuple[int, ...]
    # Bars that lie, for names that are long; else columns that stand.
    lying: bool = False
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table. `large`: its rows are written one by one and not kept; it can have no chart.

    A table that is longer than a sheet ends with `cut`, which says so.
    """

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Value]]
    chart: Chart | None = None
    large: bool = False
    most: int = MAX_ROWS
    cut: str = ""


def write(target: IO[bytes], sheets: Iterable[Sheet], *, title: str, made: datetime) -> None:
    """Writes the workbook. `made` is the moment that it says it was made at."""
    book = Workbook(target, {"in_memory": False})
    book.set_properties({"title": title, "created": made.replace(tzinfo=None)})
    formats = {kind: book.add_format(form) for kind, form in _FORMATS.items()}
    header = book.add_format(_HEADER)
    for sheet in sheets:
        # Each sheet asks for itself when it is made; charts need theirs kept, to hold its numbers.
        book.constant_memory = sheet.large
        _fill(book, book.add_worksheet(sheet.name), sheet, formats, header)
    book.close()


def one_line(text: str) -> str:
    """The text as a cell can hold it."""
    return printable(" ".join(text.splitlines()))[:MAX_TEXT]


def _fill(
    book: Any, paper: Worksheet, sheet: Sheet, formats: dict[Kind, Format], header: Format
) -> None:
    paper.freeze_panes(1, 0)
    paper.set_landscape()
    paper.set_paper(9)  # A4
    paper.fit_to_pages(1, 0)
    paper.repeat_rows(0)
    for index, column in enumerate(sheet.columns):
        paper.set_column(index, index, column.width)
    _make_room(paper, 0, sheet.columns, [column.title for column in sheet.columns])
    for index, column in enumerate(sheet.columns):
        paper.write_string(0, index, column.title, header)
    last = 0
    for last, row in enumerate(_limited(sheet), 1):
        _make_room(paper, last, sheet.columns, row)
        for index, (column, value) in enumerate(zip(sheet.columns, row, strict=False)):
            _write(paper, last, index, column.kind, value, formats)
    if sheet.chart is not None and last:
        _draw(book, paper, sheet, sheet.chart, last)


def _make_room(
    paper: Worksheet, row: int, columns: Sequence[Column], values: Sequence[Value]
) -> None:
    """As many lines as the longest text of a row needs: not every program finds that out itself."""
    lines = max(
        (
            _lines(value, column.width)
            for column, value in zip(columns, values, strict=False)
            if isinstance(value, str)
        ),
        default=1,
    )
    if lines > 1:
        paper.set_row(row, _LINE_HEIGHT * min(lines, _MOST_LINES))


def _lines(text: str, width: int) -> int:
    """How many lines a text takes in a column of so many characters, broken between words."""
    if len(text) <= width:
        return 1
    lines, left = 1, width
    for word in one_line(text).split():
        if len(word) > left and left < width:
            lines, left = lines + 1, width
        lines, left = lines + (len(word) - 1) // width, left - len(word) - 1
    return lines


def _limited(sheet: Sheet) -> Iterator[Sequence[Value]]:
    """The rows, as far as they fit under the header; then the sentence about the others."""
    for number, row in enumerate(sheet.rows, 2):
        if number == sheet.most:
            # The last row: of this table there may be one more, or thousands.
            yield (Cell(sheet.cut, Kind.TEXT),)
            return
        yield row


def _write(
    paper: Worksheet, row: int, column: int, kind: Kind, value: Value, formats: dict[Kind, Format]
) -> None:
    if isinstance(value, Cell):
        plain, kind = value.value, value.kind
    else:
        plain = value
    if plain is None:
        return
    if isinstance(plain, str):
        paper.write_string(row, column, one_line(plain), formats[Kind.TEXT])
    elif isinstance(plain, date):
        # A day without an hour: a workbook knows no zones, and nothing here is of one.
        paper.write_datetime(row, column, datetime.combine(plain, time.min), formats[kind])
    else:
        paper.write_number(row, column, plain, formats[kind])


def _draw(book: Any, paper: Worksheet, sheet: Sheet, chart: Chart, rows: int) -> None:
    last = min(rows, chart.most or rows)
    drawn = book.add_chart({"type": "bar" if chart.lying else "column"})
    for colour, column in zip(_COLOURS, chart.values, strict=False):
        drawn.add_series(
            {
                "name": [sheet.name, 0, column],
                "categories": [sheet.name, 1, chart.labels, last, chart.labels],
                "values": [sheet.name, 1, column, last, column],
                "fill": {"color": colour},
                "border": {"color": "#0B4B58"},
                "gap": 60,
            }
        )
    drawn.set_title({"name": chart.title, "name_font": {"size": 12}})
    axis: dict[str, Any] = {"text_axis": True}
    if sheet.columns[chart.labels].kind is Kind.MONTH:
        axis = {"date_axis": True, "num_format": "mmm yy", "major_unit_type": "months"}
    drawn.set_x_axis(axis)
    drawn.set_y_axis({"reverse": chart.lying, "major_gridlines": {"visible": not chart.lying}})
    drawn.set_legend({"none": True} if len(chart.values) == 1 else {"position": "bottom"})
    drawn.set_size({"width": 720, "height": max(360, 26 * last) if chart.lying else 360})
    # Under the table: beside it, a printed page would have to be made smaller.
    paper.insert_chart(rows + 2, 0, drawn)
