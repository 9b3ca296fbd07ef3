"""How money, weights, days and times are written on the screen, in both languages."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache

from babel.dates import format_date
from babel.numbers import format_decimal, get_group_symbol
from flask import Flask

from ovop_market.core import clock
from ovop_market.core.masking import masked_phone
from ovop_market.core.money import format_rupiah
from ovop_market.core.quantity import format_weight
from ovop_market.web import language


def day(value: date | datetime) -> str:
    """`24 November 2026`; a moment is put on the calendar of WIB first."""
    on = clock.wib_date(value) if isinstance(value, datetime) else value
    return format_date(on, "d MMMM y", locale=language.current())


def day_of_year(value: date) -> str:
    """`3 Desember`, of days that are near."""
    return format_date(value, "d MMMM", locale=language.current())


def short_day(value: date | datetime) -> str:
    """`24 Nov`, for lists."""
    on = clock.wib_date(value) if isinstance(value, datetime) else value
    return format_date(on, "d MMM", locale=language.current())


def month(value: date) -> str:
    """`November 2026`."""
    return format_date(value, "MMMM y", locale=language.current())


def clock_time(value: datetime) -> str:
    """`10.05 WIB`."""
    return clock.wib(value).strftime("%H.%M WIB")


def moment(value: datetime) -> str:
    """`24 November 2026, 10.05 WIB`."""
    return f"{day(value)}, {clock_time(value)}"


def number(value: int) -> str:
    """`12.345` in Indonesian, `12,345` in English."""
    if -1000 < value < 1000:
        return str(value)
    # Babel's format_decimal says the same in a third of a millisecond: too long for a long table.
    return f"{value:,}".replace(",", _between_thousands(language.current()))


@cache
def _between_thousands(code: str) -> str:
    return get_group_symbol(code)


def percent(share: float) -> str:
    """`18%` of a share between 0 and 1."""
    return f"{share * 100:.0f}%"


def tenths(value: int) -> str:
    """`2,4` of 24 tenths."""
    return format_decimal(Decimal(value) / 10, locale=language.current())


def printable(text: str) -> str:
    """The text without what no page can hold (control characters)."""
    return "".join(character for character in text if character.isprintable())


def init_app(app: Flask) -> None:
    """Makes the filters known to templates."""
    app.jinja_env.filters.update(
        rupiah=format_rupiah,
        weight=format_weight,
        day=day,
        short_day=short_day,
        month=month,
        clock_time=clock_time,
        moment=moment,
        number=number,
        percent=percent,
        tenths=tenths,
        printable=printable,
        masked_phone=masked_phone,
    )
