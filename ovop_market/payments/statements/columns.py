"""Which column of a sheet is what, and how its days and amounts are written. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ovop_market.payments.statements import words
from ovop_market.payments.statements.sheets import Row, Sheet
from ovop_market.payments.statements.values import (
    DateOrder,
    Decimal,
    guess_decimal,
    guess_order,
    read_day,
    read_mark,
)
from ovop_market.payments.statements.words import Role

# Rows that are looked at to tell what a column holds and how it is written.
_SAMPLE = 2_000
_AMOUNTS = (Role.AMOUNT, Role.CREDIT, Role.DEBIT, Role.BALANCE)


@dataclass(frozen=True, slots=True)
class Columns:
    """The column (from 0) of each role that there is, and how days and amounts are written."""

    at: Mapping[Role, int]
    order: DateOrder = DateOrder.DMY
    decimal: Decimal = Decimal.COMMA

    @property
    def complete(self) -> bool:
        """Whether movements can be read: a day and an amount are known."""
        return Role.DATE in self.at and bool(
            {Role.AMOUNT, Role.CREDIT, Role.DEBIT} & self.at.keys()
        )

    @property
    def digest(self) -> str:
        """A name for exactly this reading of a file."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()

    def as_json(self) -> dict[str, object]:
        """What `kept` reads."""
        return {
            **{str(role): column for role, column in self.at.items()},
            "order": str(self.order),
            "decimal": str(self.decimal),
        }


def kept(values: Mapping[str, Any], width: int) -> Columns | None:
    """Columns as they were kept, or None when they do not fit a sheet of this width."""
    try:
        at = {role: values[role] for role in Role if values.get(role) is not None}
        columns = Columns(at, DateOrder(values["order"]), Decimal(values["decimal"]))
    except (KeyError, ValueError):
        return None
    fits = all(type(column) is int and 0 <= column < width for column in at.values())
    return columns if fits and columns.complete else None


def recognise(sheet: Sheet) -> Columns:
    """The columns by their names and by what stands in them; what nobody can tell is left open."""
    sample = sheet.rows[:_SAMPLE]
    at = dict(words.roles(sheet.header))
    if not sheet.header:
        at = _by_content(sheet, sample)
    if Role.MARK in at and not _are_marks(sample, at[Role.MARK]):
        del at[Role.MARK]
    if Role.AMOUNT in at and Role.MARK not in at:
        # Some banks leave the column of CR and DB without a name.
        spare = (column for column in range(sheet.width) if column not in at.values())
        mark = next((column for column in spare if _are_marks(sample, column)), None)
        at |= {Role.MARK: mark} if mark is not None else {}
    return settle(sheet, at)


def settle(sheet: Sheet, at: Mapping[Role, int]) -> Columns:
    """The columns with the order of days and the decimal mark that fit what stands in them."""
    sample = sheet.rows[:_SAMPLE]
    days = _cells(sample, at[Role.DATE]) if Role.DATE in at else ()
    amounts = (text for role in _AMOUNTS if role in at for text in _cells(sample, at[role]))
    return Columns(dict(at), guess_order(days), guess_decimal(amounts))


def _by_content(sheet: Sheet, sample: Sequence[Row]) -> dict[Role, int]:
    """A sheet without names: the first column of days, and the one with the longest texts. Which
    figures are amounts a person has to say."""
    found: dict[Role, int] = {}
    lengths = {}
    for column in range(sheet.width):
        texts = list(_cells(sample, column))
        if Role.DATE not in found and texts and _mostly_days(texts):
            found[Role.DATE] = column
        elif texts:
            lengths[column] = sum(map(len, texts)) / len(texts)
    if lengths:
        found[Role.DESCRIPTION] = max(lengths, key=lambda column: lengths[column])
    return found


def _mostly_days(texts: list[str]) -> bool:
    order = guess_order(texts)
    return sum(read_day(text, order) is not None for text in texts) * 10 >= len(texts) * 8


def _are_marks(sample: Sequence[Row], column: int) -> bool:
    """Whether a column says nothing but CR and DB, or their like."""
    texts = list(_cells(sample, column))
    return bool(texts) and all(read_mark(text) for text in texts)


def _cells(rows: Sequence[Row], column: int) -> Iterator[str]:
    """What stands in a column, where something does."""
    return (row.cells[column] for row in rows if column < len(row.cells) and row.cells[column])
