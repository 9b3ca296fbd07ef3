"""How numbers stand on the officials' page: as they are, or, where something is withheld, that they
are at least so much or that nothing is shown (ADR 27).

Written here and not in a macro, because a page has a thousand of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache, lru_cache

from babel.dates import format_date
from flask_babel import gettext as _
from markupsafe import Markup, escape

from ovop_market.core.money import format_rupiah
from ovop_market.reach.figures import Change, Ladder, Line, Sums
from ovop_market.web import language
from ovop_market.web.filters import number, percent


def shown(sums: Sums, measure: str = "orders") -> str:
    """One of MEASURES."""
    value: int = getattr(sums, measure)
    text = format_rupiah(value) if measure == "revenue" else number(value)
    return marked(text, held=bool(value)) if sums.held else text


def counted(value: int, held: bool = False) -> str:
    """A count, of places or the like."""
    return marked(number(value), held=bool(value)) if held else number(value)


def share(ladder: Ladder, name: str) -> str:
    """One of a ladder's shares; a dash where nothing was sent."""
    found = ladder.share(name)
    if found is None:
        return _held(language.current()) if ladder.held else "–"
    return percent(found)


def marked(text: str, *, held: bool) -> str:
    """A number of which something is withheld; `held`: something of it is shown."""
    code = language.current()
    return _least(code) + text if held else _held(code)


@cache
def _held(code: str) -> Markup:
    # By language, in which this is asked for.
    return Markup('<i class="held">{}</i>').format(_("ditahan"))


@cache
def _least(code: str) -> Markup:
    text = '<span aria-hidden="true">≥\N{NO-BREAK SPACE}</span><span class="hide">{} </span>'
    return Markup(text).format(_("sedikitnya"))  # noqa: S704 (its own)


def change(found: Change) -> Markup:
    """How much more or less, by a shape as well as by its colour."""
    kind = found.kind
    if kind == "up":
        return Markup(f'<span class="up">▲ {number(found.percent)}%</span>')  # noqa: S704 (a number)
    if kind == "down":
        return Markup(f'<span class="down">▼ {number(found.percent)}%</span>')  # noqa: S704
    return _changes(language.current()).get(kind, _NO_CHANGE)


_NO_CHANGE = Markup("<span>–</span>")


@cache
def _changes(code: str) -> dict[str, Markup]:
    return {
        "same": Markup("<span>= {}</span>").format(_("sama")),
        "new": Markup('<span class="up">▲ {}</span>').format(_("baru")),
    }


def cells(line: Line) -> Markup:
    """Three cells of a table: orders, those of a year before, and how they changed."""
    return Markup(  # noqa: S704 (of numbers, and escaped)
        f'<td class="num">{shown(line.now)}</td><td class="num">{shown(line.before)}</td>'
        f'<td class="num">{change(line.change)}</td>'
    )


def amounts(line: Line) -> Markup:
    """Two cells of a table: packs and revenue."""
    return Markup(  # noqa: S704 (of numbers, and escaped)
        f'<td class="num">{shown(line.now, "units")}</td>'
        f'<td class="num">{shown(line.now, "revenue")}</td>'
    )


def since(year: int, or_earlier: bool) -> str:
    """The first year of something, or that it may have been earlier."""
    return _since(language.current(), year, or_earlier)


@lru_cache(maxsize=200)
def _since(code: str, year: int, or_earlier: bool) -> str:
    if or_earlier:
        return _("sejak %(year)s atau lebih awal", year=year)
    return _("sejak %(year)s", year=year)


def short_month(first: date) -> str:
    """`Nov 26`, over the column of a table."""
    return format_date(first, "MMM yy", locale=language.current())


def options(choices: Iterable[tuple[str, str]], chosen: str) -> Markup:
    """The options of a long choice: value and text."""
    rows = [
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>'
        f"{escape(text)}</option>"
        for value, text in choices
    ]
    return Markup("\n".join(rows))  # noqa: S704 (escaped above)
