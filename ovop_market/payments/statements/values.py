"""What banks write in a cell: days, amounts, and marks for money in and money out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache


class DateOrder(StrEnum):
    """In which order a day is written where its figures do not tell."""

    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"


class Decimal(StrEnum):
    """Which mark stands before the sen; the other one stands between thousands."""

    COMMA = ","
    POINT = "."

    @property
    def thousands(self) -> str:
        return "." if self is Decimal.COMMA else ","


@dataclass(frozen=True, slots=True)
class Written:
    """A day as it is written; `year` is None where only day and month are."""

    year: int | None
    month: int
    day: int


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in sen, as it is written: without a sign it is neither in nor out.

    `sign` is -1 or 1 where a minus, a plus, brackets or a mark (CR, DB) say so, else 0.
    """

    sen: int
    sign: int = 0


# The first letters of the months, in Indonesian and English.
MONTHS = {
    **{"jan": 1, "feb": 2, "peb": 2, "mar": 3, "apr": 4, "mei": 5, "may": 5, "jun": 6, "jul": 7},
    **{"agu": 8, "agt": 8, "ags": 8, "aug": 8, "sep": 9, "okt": 10, "oct": 10},
    **{"nov": 11, "nop": 11, "des": 12, "dec": 12},
}
MARKS = {
    **dict.fromkeys(("cr", "c", "k", "kr", "kredit", "credit", "masuk", "in", "+"), 1),
    **dict.fromkeys(("db", "d", "dr", "de", "debit", "debet", "keluar", "out", "-"), -1),
}
FIRST_YEAR, LAST_YEAR = 1990, 2100
# More figures than any account here will ever hold, and few enough for 64 bits of sen.
_MOST_FIGURES = 15
_LONGEST = 60

_TIME = r"(?:[T ,;].*)?$"
_SOLID = re.compile(r"(\d{8})" + _TIME)
_YEAR_FIRST = re.compile(r"(\d{4})([-/. ])(\d{1,2})\2(\d{1,2})" + _TIME)
_FIGURES = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})(?:\2(\d{4}|\d{2}))?" + _TIME)
_NAMED = re.compile(r"(\d{1,2})[-/. ]?([A-Za-z]{3,9})\.?(?:[-/., ]*(\d{4}|\d{2}))?" + _TIME)
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})[-. ]+(\d{1,2}),?(?:[- ]+(\d{4}))?" + _TIME)
_WEEKDAY = re.compile(r"[A-Za-z]{3,9}, *(?=\d)")
_AMOUNT = re.compile(
    r"(?P<open>\()?(?P<before>[-+])?(?:rp|idr)?\.?(?P<inside>[-+])?"
    r"(?P<figures>\d[\d.,]*?)(?:,-|\.-)?(?P<after>[-+])?\)?(?P<mark>[a-z]{1,6})?\.?",
    re.IGNORECASE,
)
_SPACES = str.maketrans("", "", " \t\u00a0\u202f'\"_")


def clean(text: str) -> str:
    """A cell without the spaces and the quotation marks by which spreadsheets keep text as text."""
    return text.replace("\u00a0", " ").strip(" \t\n'\"")


@lru_cache(maxsize=8192)
def read_day(text: str, order: DateOrder) -> Written | None:
    """The day that a cell names, with or without a time after it; None if it is no day."""
    text = _WEEKDAY.sub("", clean(text)[:_LONGEST])
    if not text.isascii():
        return None
    if found := _SOLID.match(text):
        figures = found[1]
        as_year_first = _written(figures[:4], figures[4:6], figures[6:])
        return as_year_first or _in_order((figures[:2], figures[2:4], figures[4:]), order)
    if found := _YEAR_FIRST.match(text):
        return _written(found[1], found[3], found[4])
    if found := _FIGURES.match(text):
        return _in_order((found[1], found[3], found[4]), order)
    if found := _NAMED.match(text):
        return _written(found[3], _month(found[2]), found[1])
    if found := _MONTH_FIRST.match(text):
        return _written(found[3], _month(found[1]), found[2])
    return None


def _in_order(figures: tuple[str, str, str | None], order: DateOrder) -> Written | None:
    first, second, third = figures
    if order is DateOrder.DMY:
        return _written(third, second, first)
    if order is DateOrder.MDY or third is None:
        return _written(third, first, second)
    return _written(first, second, third)


def _month(name: str) -> int:
    return MONTHS.get(name[:3].lower(), 0)


def _written(year: str | None, month: str | int, day: str | int) -> Written | None:
    of = int(year) if year else None
    if year is not None and of is not None and len(year) <= 2:
        of += 2000
    if of is not None and not FIRST_YEAR <= of <= LAST_YEAR:
        return None
    try:
        # 2000 is a leap year: 29 February may be meant.
        date(of or 2000, int(month), int(day))
    except ValueError:
        return None
    return Written(of, int(month), int(day))


def in_year(written: Written, period: tuple[date, date] | None, today: date) -> date | None:
    """The day on the calendar. Without a year it is the one within the statement's period, else the
    last such day that has been."""
    if written.year is not None:
        return date(written.year, written.month, written.day)
    if period is not None:
        for year in range(period[0].year, period[1].year + 1):
            day = _day(year, written)
            if day is not None and period[0] <= day <= period[1]:
                return day
    latest = today + timedelta(days=1)
    days = (_day(year, written) for year in range(latest.year, latest.year - 8, -1))
    return next((day for day in days if day is not None and day <= latest), None)


def _day(year: int, written: Written) -> date | None:
    try:
        return date(year, written.month, written.day)
    except ValueError:
        return None


def guess_order(texts: Iterable[str]) -> DateOrder:
    """The order in which most of these days can be read; as it is written here, if in doubt."""
    wanted = list(texts)
    readable = {
        order: sum(read_day(text, order) is not None for text in wanted) for order in DateOrder
    }
    return max(DateOrder, key=lambda order: readable[order])


def read_amount(text: str, decimal: Decimal) -> Amount | None:
    """The amount that a cell says; None if it is none, or could be two different ones."""
    text = clean(text)[:_LONGEST].translate(_SPACES)
    found = _AMOUNT.fullmatch(text)
    if found is None or not text.isascii():
        return None
    sen = _sen(found["figures"], decimal)
    mark = MARKS.get(found["mark"].lower(), 0) if found["mark"] else 0
    if sen is None or (found["mark"] and not mark):
        return None
    signs = [found["before"], found["inside"], found["after"], "-" if found["open"] else None]
    given = [MARKS[sign] for sign in signs if sign]
    if mark > 0 and any(sign < 0 for sign in given):
        # "-3.000 CR": a correction, or money in? A person sees.
        return None
    return Amount(sen, mark or (min(given) if given else 0))


def _sen(figures: str, decimal: Decimal) -> int | None:
    whole, fraction = figures, ""
    if figures.count(decimal) == 1:
        whole, fraction = figures.split(decimal)
        # Three figures after the only mark may be thousands, as the other half of the world writes.
        if not fraction or (len(fraction) == 3 and (len(whole) <= 3 or fraction != "000")):
            return None
    # Several of the same mark can only stand between thousands.
    several = figures.count(decimal) > 1 and decimal.thousands not in figures
    groups = whole.split(decimal if several else decimal.thousands)
    ragged = len(groups[0]) > 3 or any(len(group) != 3 for group in groups[1:])
    if len(groups) > 1 and ragged:
        return None
    joined = "".join(groups)
    if not joined.isdecimal() or len(joined) > _MOST_FIGURES or not (fraction or "0").isdecimal():
        return None
    return int(joined) * 100 + int((fraction + "00")[:2])


def guess_decimal(texts: Iterable[str]) -> Decimal:
    """The mark that stands before the sen in these amounts; as it is written here, if in doubt."""
    certain = dict.fromkeys(Decimal, 0)
    likely = dict.fromkeys(Decimal, 0)
    for text in texts:
        found = _AMOUNT.fullmatch(clean(text)[:_LONGEST].translate(_SPACES))
        marks = re.sub(r"\d", "", found["figures"]) if found else ""
        if not found or not marks:
            continue
        last = Decimal(marks[-1])
        other = Decimal(last.thousands)
        behind = len(found["figures"]) - found["figures"].rindex(last) - 1
        if len(set(marks)) == 2:
            certain[last] += 1
        elif len(marks) > 1:
            certain[other] += 1
        elif behind == 3:
            likely[other] += 1
        else:
            certain[last] += 1
    votes = certain if any(certain.values()) else likely
    return max(Decimal, key=lambda mark: votes[mark])


def read_mark(text: str) -> int:
    """1 for money in, -1 for money out, 0 if the cell does not say."""
    text = clean(text).lower().rstrip(".")
    return MARKS.get(text, 0)
