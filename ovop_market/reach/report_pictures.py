"""The pictures of the report, drawn as shapes: they stay sharp and need no colour to be read."""

from __future__ import annotations

from collections.abc import Sequence

from babel.dates import format_date
from flask_babel import gettext as _
from fpdf.enums import Align

from ovop_market.reach import tiles, words
from ovop_market.reach.figures import Change, MonthLine, Overview, Sums
from ovop_market.reach.steps import Steps
from ovop_market.web import filters as text
from ovop_market.web import language
from ovop_market.web.paper import DARK, INK, LINE, MARGIN, QUIET, SHADES, WIDTH, Colour, Paper

WHITE: Colour = (255, 255, 255)
BEFORE: Colour = (201, 183, 156)
NOW = SHADES[4]
_ACROSS = 4  # boxes in a row
_MOST = 10_000  # numbers from here on are written in thousands


def short(value: int) -> str:
    """A number in at most four characters or so, for a tile or above a bar."""
    if value < _MOST:
        return text.number(value)
    if value < 1_000_000:
        return _("%(n)srb", n=value // 1000)
    return _("%(n)sjt", n=value // 1_000_000)


def boxes(paper: Paper, items: Sequence[tuple[str, str, str]]) -> None:
    """Numbers in boxes: what each is of, the number, and what it is compared with."""
    gap, height = 2.5, 19.0
    width = (WIDTH - gap * (_ACROSS - 1)) / _ACROSS
    top = paper.get_y()
    paper.set_draw_color(*LINE)
    paper.set_line_width(0.25)
    for index, (name, value, said) in enumerate(items):
        row, column = divmod(index, _ACROSS)
        x, y = MARGIN + column * (width + gap), top + row * (height + gap)
        paper.rect(x, y, width, height, round_corners=True, corner_radius=1.2)
        paper.write_in(8, colour=QUIET)
        paper.words_at(x + 2.5, y + 2, width - 5, name, align=Align.L)
        # The longest sum of money must stand there whole: a number cut short is another number.
        size = 14.0
        paper.write_in(size, bold=True)
        while paper.get_string_width(value) > width - 5 and size > 6:
            size -= 0.5
            paper.write_in(size, bold=True)
        paper.words_at(x + 2.5, y + 7, width - 5, value, align=Align.L)
        paper.write_in(7.5, colour=QUIET)
        paper.words_at(x + 2.5, y + 14, width - 5, said, align=Align.L)
    rows = -(-len(items) // _ACROSS)
    paper.set_y(top + rows * (height + gap))


def tile_map(paper: Paper, reach: Overview) -> None:
    """Where orders went, each province a tile of one size."""
    width, height = WIDTH / tiles.COLUMNS, 10.5
    paper.heading(_("Ke mana pesanan pergi"), tiles.ROWS * height + 16)
    steps = Steps.of_orders(line.now.orders for line in reach.provinces)
    top = paper.get_y()
    held = False
    for line in reach.provinces:
        if line.key not in tiles.TILES:
            continue
        tile = tiles.TILES[line.key]
        x, y = MARGIN + tile.column * width, top + tile.row * height
        step = steps.of(line.now.orders)
        paper.set_fill_color(*SHADES[step])
        paper.rect(
            x + 0.3,
            y + 0.3,
            width - 0.6,
            height - 0.6,
            style="F",
            round_corners=True,
            corner_radius=1,
        )
        colour = WHITE if step >= DARK else INK
        paper.write_in(7, colour=colour)
        paper.words_at(x, y + 1.5, width, tile.short)
        paper.write_in(9, bold=True, colour=colour)
        held = held or words.is_held(line)
        paper.words_at(x, y + 5.2, width, _marked(line.now))
    paper.set_y(top + tiles.ROWS * height + 1.5)
    ranges = [(SHADES[0], _("belum ada"))]
    for step, least, most in steps.ranges:
        said = text.number(least)
        ranges.append((SHADES[step], said if least == most else f"{said}–{text.number(most)}"))
    _key(paper, ranges)
    note = _("Angka di tiap petak adalah banyaknya pesanan.")
    if held:
        note += f" {_held_note()}"
    paper.paragraph(note, 8, colour=QUIET, gap=0)


def _marked(sums: Sums) -> str:
    """Orders where there is no room for words; of what is withheld, the mark alone."""
    if not sums.held:
        return short(sums.orders)
    return f"{short(sums.orders)}*" if sums.orders else "*"


def _held_note() -> str:
    return _("*: ditahan, seluruhnya atau sebagian.")


def _key(paper: Paper, items: Sequence[tuple[Colour, str]]) -> None:
    y = paper.get_y()
    x: float = MARGIN
    paper.write_in(8)
    paper.set_draw_color(*LINE)
    for colour, said in items:
        paper.set_fill_color(*colour)
        paper.rect(x, y, 4, 3.2, style="DF")
        width = paper.get_string_width(said) + 1
        paper.words_at(x + 5.2, y + 0.2, width, said, align=Align.L)
        x += width + 10
    paper.set_y(y + 5)


def months(paper: Paper, lines: Sequence[MonthLine]) -> None:
    """Columns of each month beside those of a year before; their numbers stand under them."""
    if not lines:
        return
    height, label = 42.0, 26.0
    paper.heading(_("Bulan demi bulan"), height + 30)
    most = max(max(line.now.orders, line.before.orders) for line in lines) or 1
    width = (WIDTH - label) / len(lines)
    bar = min(width * 0.36, 7.0)
    base = paper.get_y() + height
    for index, line in enumerate(lines):
        middle = MARGIN + label + (index + 0.5) * width
        for value, colour, x in (
            (line.before.orders, BEFORE, middle - bar),
            (line.now.orders, NOW, middle),
        ):
            tall = (height - 3) * value / most
            if value:
                paper.set_fill_color(*colour)
                paper.rect(x, base - tall, bar, tall, style="F")
    paper.set_draw_color(*INK)
    paper.set_line_width(0.3)
    paper.line(MARGIN + label, base, MARGIN + WIDTH, base)
    rows = [
        (_("Bulan"), [_month(line) for line in lines], None),
        (_("Masa ini"), [_marked(line.now) for line in lines], NOW),
        (_("Setahun lalu"), [_marked(line.before) for line in lines], BEFORE),
    ]
    y = base + 1.5
    for name, values, shade in rows:
        if shade is not None:
            paper.set_fill_color(*shade)
            paper.rect(MARGIN, y + 0.2, 3, 2.8, style="F")
        paper.write_in(8, bold=shade is None)
        paper.words_at(MARGIN + 4.5, y, label - 5, name, align=Align.L)
        paper.write_in(7.5, bold=shade is None)
        for index, written in enumerate(values):
            paper.words_at(MARGIN + label + index * width, y, width, written)
        y += 4.6
    paper.set_y(y + 0.5)
    note = _("Pesanan tiap bulan, di samping bulan yang sama setahun sebelumnya.")
    if any(words.is_held(line) or words.is_held(line, before=True) for line in lines):
        note += f" {_held_note()}"
    paper.paragraph(note, 8, colour=QUIET, gap=0)


def _month(line: MonthLine) -> str:
    return str(format_date(line.first, "MMM yy", locale=language.current()))


def ladder(paper: Paper, reach: Overview) -> None:
    """How far packs went from their village, rung by rung."""
    paper.heading(_("Dari desa ke seluruh Indonesia"), 42)
    names, now = words.rungs(), reach.ladder
    before = dict(reach.ladder_before.rungs)
    longest = max((units for _rung, units in now.rungs), default=0) or 1
    label, numbers = 58.0, 62.0
    room = WIDTH - label - numbers
    y = paper.get_y()
    for rung, units in now.rungs:
        paper.write_in(9.5)
        paper.words_at(MARGIN, y + 1, label - 2, names[rung], align=Align.L)
        paper.set_fill_color(*SHADES[0])
        paper.rect(MARGIN + label, y, room, 5.4, style="F")
        paper.set_fill_color(*NOW)
        if units:
            paper.rect(MARGIN + label, y, room * units / longest, 5.4, style="F")
        said = words.figure(units, held=rung in now.unknown)
        share = now.share(rung)
        if share is not None:
            # A part of what is not known would be another number.
            share_of = text.percent(share)
            said = _("%(units)s bungkus (%(share)s)", units=text.number(units), share=share_of)
        unknown = rung in now.unknown | reach.ladder_before.unknown
        change = words.change(Change.between(before[rung], units), held=unknown)
        paper.words_at(MARGIN + label + room + 3, y + 1, 44, said, align=Align.L)
        paper.write_in(9, colour=QUIET)
        paper.words_at(MARGIN + WIDTH - 15, y + 1, 15, change, align=Align.R)
        y += 7.4
    paper.set_y(y)
    note = _("Bungkus menurut jauhnya dari desa; di kanan: perubahan dari setahun lalu.")
    if not reach.filters.period.whole_years:
        note += f" {words.of_years(reach)}"
    paper.paragraph(note, 8, colour=QUIET, gap=0)
