"""Reports on paper: A4 pages in the letters that every PDF reader has itself.

Those letters are of western Europe. Whatever else is in a text is written by what comes nearest, or
as a question mark: no name breaks a report.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from fpdf import FPDF, FontFace, ViewerPreferences
from fpdf.enums import Align

MIMETYPE = "application/pdf"
MARGIN = 18  # millimetres
WIDTH = 210 - 2 * MARGIN
_ENCODING = "cp1252"
_NEAREST = {"≥": ">=", "≤": "<=", "−": "–", "→": "->", "\u2011": "-", "\u202f": " ", "\u2009": " "}
UNKNOWN = "?"
_ALL_PAGES = "{all pages}"

Colour = tuple[int, int, int]
INK: Colour = (31, 36, 33)
QUIET: Colour = (92, 96, 90)
LINE: Colour = (190, 186, 176)
PALE: Colour = (232, 240, 240)
# The shades of the site's map, from nothing to most, and what is written on each.
SHADES: tuple[Colour, ...] = (
    (240, 236, 226),
    (207, 227, 228),
    (157, 202, 209),
    (98, 171, 183),
    (29, 111, 126),
    (11, 75, 88),
)
DARK = 4  # from this shade on, letters are white


def plain(text: str) -> str:
    """The text in letters that a report has, one by one; what has none is one question mark."""
    found: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        written = _letter(character)
        if written != UNKNOWN or found[-1:] != [UNKNOWN]:
            found.append(written)
    return "".join(found)


def _letter(character: str) -> str:
    if character in _NEAREST:
        return _NEAREST[character]
    if character in "\n?":
        return character
    if character == "\t" or unicodedata.category(character) == "Zs":
        return " "
    if not character.isprintable():
        return ""
    if _known(character):
        return character
    nearest = [c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)]
    return "".join(c for c in nearest if _known(c)) or UNKNOWN


def _known(character: str) -> bool:
    try:
        character.encode(_ENCODING)
    except UnicodeEncodeError:
        return False
    return True


def cut(text: str, most: int) -> str:
    """At most so many characters, on one line."""
    line = " ".join(plain(text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Head:
    """A column of a table: its title, its part of the width, and whether numbers stand in it."""

    title: str
    width: int
    number: bool = True


class Paper(FPDF):
    """A report: what stands at the foot of each page, headings, paragraphs and tables."""

    def __init__(self, *, title: str, author: str, language: str, made: datetime, foot: str):
        super().__init__(format="A4")
        self.core_fonts_encoding = _ENCODING
        self.foot = foot
        self.set_title(title)
        self.set_author(author)
        self.set_subject(title)
        self.set_creator("OVOP Market")
        self.set_lang(language)
        self.set_creation_date(made)
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.set_margins(MARGIN, 14, MARGIN)
        self.set_auto_page_break(True, margin=20)
        self.alias_nb_pages(_ALL_PAGES)
        self.c_margin = 0
        self.write_in(10)
        self.add_page()

    def normalize_text(self, text: str) -> str:
        """Every text that is measured or written goes through here, some of them twice."""
        kept = "".join(c if c in _ALREADY else plain(c) for c in unicodedata.normalize("NFC", text))
        return "".join(c if c in _ALREADY else c.encode(_ENCODING).decode("latin-1") for c in kept)

    def footer(self) -> None:
        """The foot of each page."""
        self.set_y(-14)
        self.write_in(8, colour=QUIET)
        self.cell(WIDTH - 40, 5, cut(self.foot, 110))
        # How many pages there are is not known yet: one digit is as wide as another.
        said = _("Halaman %(n)s dari %(all)s", n=self.page_no(), all="9")
        width = self.get_string_width(said)
        said = _("Halaman %(n)s dari %(all)s", n=self.page_no(), all=_ALL_PAGES)
        self.set_x(MARGIN + WIDTH - width)
        self.cell(width, 5, said)

    def write_in(self, size: float, *, bold: bool = False, colour: Colour = INK) -> None:
        """Letters of a size and colour, from here on."""
        self.set_font("helvetica", "B" if bold else "", size)
        self.set_text_color(*colour)

    def paragraph(
        self,
        text: str,
        size: float = 10,
        *,
        bold: bool = False,
        colour: Colour = INK,
        align: Align = Align.L,
        gap: float = 2,
    ) -> None:
        """A text over the whole width, and a gap after it."""
        self.write_in(size, bold=bold, colour=colour)
        self.multi_cell(
            WIDTH, size * 0.46, text, align=align, new_x="LMARGIN", new_y="NEXT", padding=0
        )
        self.ln(gap)

    def heading(self, text: str, room: float) -> None:
        """A heading that stands in the reader's list of contents, on the same page as what comes
        after it, which needs `room` millimetres."""
        if self.will_page_break(room + 12):
            self.add_page()
        self.ln(3)
        self.start_section(plain(text))
        self.paragraph(text, 12.5, bold=True, gap=1.5)

    def lines(self, heads: Sequence[Head], rows: Sequence[Sequence[str]]) -> None:
        """A table; its head stands on each page that it reaches."""
        self.write_in(8.5)
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        self.set_fill_color(255, 255, 255)
        with self.table(
            width=WIDTH,
            col_widths=[head.width for head in heads],
            text_align=["RIGHT" if head.number else "LEFT" for head in heads],
            borders_layout="HORIZONTAL_LINES",
            headings_style=FontFace(emphasis="BOLD", color=INK, fill_color=PALE),
            line_height=4.2,
            padding=(0.9, 1),
        ) as table:
            table.row([head.title for head in heads])
            for row in rows:
                table.row([cut(text, 60) for text in row])
        self.ln(2)

    def words_at(
        self, x: float, y: float, width: float, text: str, *, align: Align = Align.C
    ) -> None:
        """A text on one line in a box, whatever of it fits."""
        self.set_xy(x, y)
        shown = plain(text)
        while shown and self.get_string_width(shown) > width:
            shown = shown[:-1]
        self.cell(width, self.font_size, shown, align=align)


# What cp1252 has where Latin-1 has nothing: letters that have been through `normalize_text`.
_ALREADY = frozenset(map(chr, range(0x80, 0xA0)))
