"""The map as it is drawn: tiles, colours and what they mean, by numbers or by years."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from ovop_market.reach import words
from ovop_market.reach.figures import Overview, PlaceLine
from ovop_market.reach.first import FirstLine
from ovop_market.reach.steps import MOST_STEPS, Steps, unit_of
from ovop_market.reach.tiles import TILES, Tile
from ovop_market.web.filters import number

LONG = 4  # more letters are written smaller


@dataclass(frozen=True, slots=True)
class Cell:
    """A province. `step` of the colours, `held`: nothing is shown of it; `title` in words."""

    code: str
    tile: Tile
    step: int
    value: str
    title: str
    url: str
    current: bool
    held: bool

    @property
    def long(self) -> bool:
        """Whether its value is written smaller."""
        return len(self.value) > LONG


@dataclass(frozen=True, slots=True)
class Shade:
    """What a colour means."""

    cls: str
    text: str


@dataclass(frozen=True, slots=True)
class Map:
    """Tiles, and what their colours mean."""

    cells: tuple[Cell, ...]
    shades: tuple[Shade, ...]


def drawn(reach: Overview, address: Callable[[str], str]) -> Map:
    """The map that the filters ask for; `address` makes the URL of a province."""
    if reach.filters.by_first:
        return _by_years(reach, address)
    return _by_numbers(reach, address)


def _by_numbers(reach: Overview, address: Callable[[str], str]) -> Map:
    measure = reach.filters.counted
    noted = reach.filters.reported
    numbers = [getattr(line.now, measure) for line in reach.provinces]
    steps = Steps.of_orders(numbers) if measure == "orders" else Steps.of_amounts(numbers)

    def cell(line: PlaceLine) -> Cell:
        value: int = getattr(line.now, measure)
        least = "≥" if line.now.held and value else ""
        held = line.now.held and not value
        text = "" if held else f"{least}{short(value)}"
        return _cell(
            reach, line, address, steps.of(value), text, place(line, measure, noted=noted), held
        )

    shades = [Shade("s0", _("belum ada"))]
    for step, least, most in steps.ranges:
        text = _round(least) if least == most else f"{_round(least)}–{_round(most)}"
        shades.append(Shade(f"s{step}", text))
    return _map(reach, cell, shades)


def _by_years(reach: Overview, address: Callable[[str], str]) -> Map:
    found = {line.key: line for line in reach.first}
    years = sorted({line.year for line in reach.first if line.year and line.key in TILES})
    steps = {year: max(MOST_STEPS - index, 1) for index, year in enumerate(years)}

    def cell(line: PlaceLine) -> Cell:
        first = found.get(line.key, FirstLine(line.key, line.name))
        held = first.year is None and first.or_earlier
        value = "" if first.year is None else f"{'≤' if first.or_earlier else ''}{first.year}"
        title = f"{line.name}: {when(first)}"
        return _cell(reach, line, address, steps.get(first.year or 0, 0), value, title, held)

    shades = [Shade(f"s{steps[year]}", str(year)) for year in years[: MOST_STEPS - 1 or None]]
    if later := years[MOST_STEPS - 1 :]:
        last = str(later[0]) if len(later) == 1 else f"{later[0]}–{later[-1]}"
        shades.append(Shade("s1", last))
    return _map(reach, cell, [Shade("s0", _("belum pernah")), *shades])


def _cell(
    reach: Overview,
    line: PlaceLine,
    address: Callable[[str], str],
    step: int,
    value: str,
    title: str,
    held: bool,
) -> Cell:
    current = reach.province is not None and reach.province.key == line.key
    url = address(line.key)
    return Cell(line.key, TILES[line.key], step, value, title, url, current, held)


def _map(reach: Overview, cell: Callable[[PlaceLine], Cell], shades: Sequence[Shade]) -> Map:
    cells = tuple(cell(line) for line in reach.provinces if line.key in TILES)
    held = [Shade("held", _("ditahan"))] if any(each.held for each in cells) else []
    return Map(cells, (*shades, *held))


def when(line: FirstLine) -> str:
    """The first year in words."""
    if line.year is None:
        return _("ditahan") if line.or_earlier else _("belum pernah")
    return _("%(year)s atau lebih awal", year=line.year) if line.or_earlier else str(line.year)


def place(line: PlaceLine, measure: str, *, noted: bool) -> str:
    """A province with what went there; `noted`: as sellers report."""
    held = line.now.held
    if held and not getattr(line.now, measure):
        return f"{line.name}: {_('ditahan')}"
    if measure == "revenue":
        return f"{line.name}: {words.figure(line.now.revenue, held=held, rupiah=True)}"
    told = {
        "orders": words.figure(line.now.orders, held=held),
        "units": words.figure(line.now.units, held=held),
    }
    if noted:
        return f"{line.name}: {_('%(orders)s catatan, %(units)s bungkus', **told)}"
    return f"{line.name}: {_('%(orders)s pesanan, %(units)s bungkus', **told)}"


def _round(value: int) -> str:
    return number(value) if value < 10_000 else short(value)


def short(value: int) -> str:
    """A number in a few letters, for a tile."""
    unit = unit_of(value)
    texts = {
        1_000: _("%(n)srb", n=value // unit),
        1_000_000: _("%(n)sjt", n=value // unit),
        1_000_000_000: _("%(n)sM", n=value // unit),
    }
    return texts.get(unit, str(value))
