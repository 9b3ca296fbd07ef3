"""The movements of a sheet: day, rupiah, words, and a fingerprint of each. Pure.

A movement's fingerprint is made of what the bank says of it (day, amount, words, balance) and of
how many just like it stood in the same file: it is the same in whichever file, and at whichever
place.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from ovop_market.payments.statements import words
from ovop_market.payments.statements.columns import Columns
from ovop_market.payments.statements.sheets import Row, Sheet
from ovop_market.payments.statements.values import (
    Amount,
    DateOrder,
    in_year,
    read_amount,
    read_day,
    read_mark,
)
from ovop_market.payments.statements.words import Role

LONGEST_DESCRIPTION = 300
# What an operator is shown of a row that cannot be read.
_LONGEST_SHOWN = 120
_DAY_IN_TEXT = re.compile(r"\d{1,2}[-/. ](?:\d{1,2}|[A-Za-z]{3,9})[-/. ]\d{4}|\d{4}-\d\d-\d\d")


class Problem(StrEnum):
    """Why a row cannot be read as a movement."""

    DAY = "day"
    FUTURE = "future"
    AMOUNT = "amount"
    BOTH = "both"
    DIRECTION = "direction"
    WIDTH = "width"


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement on the account: rupiah, positive when it came in; sen are left out."""

    row: int
    day: date
    amount: int
    description: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A row that tells of money and cannot be read, and why. `text` is how it begins."""

    row: int
    problem: Problem
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sheet says. `passed_over` counts rows without a movement: balances, sums, remarks."""

    movements: Sequence[Movement]
    unread: Sequence[Unread]
    passed_over: int

    @property
    def total_in(self) -> int:
        """Rupiah that came in."""
        return sum(m.amount for m in self.movements if m.amount > 0)

    @property
    def total_out(self) -> int:
        """Rupiah that went out, as a positive number."""
        return -sum(m.amount for m in self.movements if m.amount < 0)

    @property
    def period(self) -> tuple[date, date] | None:
        """The first and the last day."""
        days = [m.day for m in self.movements]
        return (min(days), max(days)) if days else None


class _NotRead(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


@dataclass(frozen=True, slots=True)
class _Draft:
    row: int
    day: date
    amount: int
    description: str
    balance: str


def read(sheet: Sheet, columns: Columns, today: date) -> Reading:
    """The movements of a sheet, as its columns are understood; `today` is the day of the upload.

    Nothing at all is read while the columns are not complete.
    """
    if not columns.complete:
        return Reading((), (), 0)
    period = _period(sheet, columns.order)
    drafts: list[_Draft] = []
    unread: list[Unread] = []
    passed_over = 0
    for row in sheet.rows:
        try:
            draft = _draft(row, sheet, columns, period, today)
        except _NotRead as refused:
            text = " · ".join(cell for cell in row.cells if cell)
            unread.append(Unread(row.number, refused.problem, plain(text)[:_LONGEST_SHOWN]))
            continue
        if draft is None:
            passed_over += 1
        else:
            drafts.append(draft)
    return Reading(_named(drafts), unread, passed_over)


def plain(text: str) -> str:
    """Text in one line, without what no page and no database can hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _draft(
    row: Row, sheet: Sheet, columns: Columns, period: tuple[date, date] | None, today: date
) -> _Draft | None:
    """The movement of a row; None when it tells of none. Raises _NotRead."""
    written = read_day(_cell(row, columns, Role.DATE), columns.order)
    if row.cells == sheet.header or (written is None and words.sums_up(row.cells)):
        return None
    try:
        rupiah = _rupiah(row, columns)
    except _NotRead:
        if written is None:
            # Neither a day nor an amount: a remark.
            return None
        raise
    if rupiah == 0:
        return None
    if any(row.cells[sheet.width :]):
        raise _NotRead(Problem.WIDTH)
    day = in_year(written, period, today) if written else None
    if day is None:
        raise _NotRead(Problem.DAY)
    if day > today + timedelta(days=1):
        raise _NotRead(Problem.FUTURE)
    texts = (_cell(row, columns, role) for role in (Role.DESCRIPTION, Role.DETAIL))
    description = plain(" ".join(texts))[:LONGEST_DESCRIPTION]
    return _Draft(row.number, day, rupiah, description, _balance(row, columns))


def _rupiah(row: Row, columns: Columns) -> int:
    """Whole rupiah with their sign; 0 when the row says no amount. Raises _NotRead."""
    if Role.CREDIT in columns.at or Role.DEBIT in columns.at:
        credit, debit = (_amount(row, columns, role) for role in (Role.CREDIT, Role.DEBIT))
        if credit.sen and debit.sen:
            raise _NotRead(Problem.BOTH)
        # A credit with a minus takes money back; a debit is money out however it is signed.
        return -(debit.sen // 100) if debit.sen else (credit.sen // 100) * (credit.sign or 1)
    amount = _amount(row, columns, Role.AMOUNT)
    if Role.MARK not in columns.at or not amount.sen:
        return amount.sen // 100 * (amount.sign or 1)
    mark = read_mark(_cell(row, columns, Role.MARK))
    sign = mark or amount.sign
    # A minus beside "CR" may be a correction: a person sees.
    if not sign or (mark > 0 > amount.sign):
        raise _NotRead(Problem.DIRECTION)
    return amount.sen // 100 * sign


def _amount(row: Row, columns: Columns, role: Role) -> Amount:
    text = _cell(row, columns, role)
    if not text.strip("-–"):
        return Amount(0)
    found = read_amount(text, columns.decimal)
    if found is None:
        raise _NotRead(Problem.AMOUNT)
    return found


def _balance(row: Row, columns: Columns) -> str:
    """The balance in sen, however it is written; the text itself where it cannot be read."""
    text = _cell(row, columns, Role.BALANCE)
    found = read_amount(text, columns.decimal)
    return str(found.sen * (found.sign or 1)) if found else text


def _cell(row: Row, columns: Columns, role: Role) -> str:
    at = columns.at.get(role)
    return row.cells[at] if at is not None and at < len(row.cells) else ""


def _period(sheet: Sheet, order: DateOrder) -> tuple[date, date] | None:
    """The days that the lines above the table name, the first and the last."""
    cells = (cell for row in sheet.preamble for cell in row.cells)
    texts = (text for cell in cells for text in _DAY_IN_TEXT.findall(cell))
    written = (found for text in texts if (found := read_day(text, order)))
    days = [date(of.year, of.month, of.day) for of in written if of.year]
    return (min(days), max(days)) if len(days) > 1 else None


def _named(drafts: Sequence[_Draft]) -> list[Movement]:
    """Movements with their fingerprints, in the order of the file."""
    seen: Counter[tuple[date, int, str, str]] = Counter()
    found = []
    for draft in drafts:
        said = "".join(draft.description.split()).casefold()
        alike = (draft.day, draft.amount, said, draft.balance)
        parts = (draft.day.isoformat(), str(draft.amount), said, draft.balance, str(seen[alike]))
        seen[alike] += 1
        fingerprint = hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()
        found.append(Movement(draft.row, draft.day, draft.amount, draft.description, fingerprint))
    return found
