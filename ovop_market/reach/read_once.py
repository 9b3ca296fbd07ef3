"""What the rollups hold of a year, read once and kept with what is decided of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from ovop_market.reach import raw
from ovop_market.reach.grids import Cells, added_up, of_rows
from ovop_market.reach.raw import Raw, Tree
from ovop_market.reach.recount import PROVINCE_LENGTH
from ovop_market.reach.withholding import Withheld

Made = TypeVar("Made")
Memo = dict[str, tuple[bytes, Withheld[Any, Any]]]


def province_of(code: str) -> str:
    """The province of a regency."""
    return code[:PROVINCE_LENGTH]


@dataclass(frozen=True, slots=True)
class Reached:
    """The months with purchases; of each regency that something went to, in which of them (a bit
    for each, that of the first month being 1) and how many purchases of the year."""

    months: tuple[date, ...]
    bits: Mapping[str, int]
    purchases: Mapping[str, int]

    def over(self, months: Collection[date]) -> frozenset[str]:
        """The regencies that something went to in some months."""
        asked = sum(1 << bit for bit, month in enumerate(self.months) if month in months)
        return frozenset(code for code, bits in self.bits.items() if bits & asked)


@dataclass(frozen=True, slots=True)
class Reserves:
    """The products, the regencies and the months that are kept in reserve (ADR 27)."""

    products: tuple[int, ...]
    regencies: tuple[str, ...]
    months: tuple[date, ...]


@dataclass(slots=True, eq=False)
class Kept:
    """What there is of a tree, by the name of each part, as of its stamp.

    `memo` is what was decided last, by the table's name, with a digest of what it was decided of:
    what a receipt does not touch need not be decided again. None: it is not remembered.

    `unread`: what is stored of it and has not been asked for. `stored`: whether the database has
    more of it; `new`: whether it has not been asked yet.
    """

    stamp: tuple[int, ...]
    parts: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, Callable[[], Any]] = field(default_factory=dict)
    memo: Memo | None = None
    stored: bool = False
    new: bool = False

    def has(self, name: str) -> bool:
        """Whether a part of it is there."""
        return name in self.parts or name in self.unread

    def keep(self, name: str, make: Callable[[], Made]) -> Made:
        """A part of it: as it is there, or is made now."""
        if name in self.parts:
            return self.parts[name]  # type: ignore[no-any-return]
        made = self.unread.get(name, make)()
        # What another thread has kept meanwhile stays: it may have decided by it already.
        kept = self.parts.setdefault(name, made)
        self.unread.pop(name, None)
        return kept  # type: ignore[no-any-return]


class ReadOnce:
    """The numbers of one tree, before anything is withheld. Nothing of it is ever shown."""

    def __init__(self, session: Session, tree: Tree, kept: Kept) -> None:
        self.tree, self.session, self.kept = tree, session, kept

    def sold(self) -> Mapping[int, raw.Sold]:
        """What each product sold in the year: for those who choose what to ask for, never shown."""
        return self.kept.keep("sold", lambda: raw.sold(self.session, self.tree))

    def reached(self) -> Reached:
        """Which regencies something went to: for counting places (see `spread`), never shown."""

        def find() -> Reached:
            months = tuple(sorted({month for _, month in self.raw_places()}))
            at = {month: 1 << bit for bit, month in enumerate(months)}
            bits: dict[str, int] = {}
            for code, month in self.raw_places():
                bits[code] = bits.get(code, 0) | at[month]
            sent = self.raw_sent()
            return Reached(months, bits, {code: sent[code].purchases for code in bits})

        return self.kept.keep("reached", find)

    def reached_in(self, month: date) -> frozenset[str]:
        """The same of one month."""
        return self.kept.keep(f"reached in:{month}", lambda: self.reached().over([month]))

    def raw_places(self) -> Cells[str, date]:
        """What went where, by month."""
        return self.kept.keep("raw places", lambda: raw.places(self.session, self.tree))

    def raw_sent(self) -> Mapping[str, Raw]:
        """What went where, in the year."""
        return self.kept.keep("raw sent", lambda: of_rows(self.raw_places()))

    def raw_provinces(self) -> Cells[str, date]:
        """What went to which province, by month."""
        return self.kept.keep("raw provinces", lambda: added_up(self.raw_places(), province_of))

    def raw_product_places(self, village_id: int) -> Cells[int, str]:
        """What was sent of a village's products."""
        return self.kept.keep(
            f"raw product places:{village_id}",
            lambda: raw.product_places(self.session, self.tree, village_id),
        )

    def raw_village_places(self) -> Cells[int, str]:
        """What villages sent in the year."""
        return self.kept.keep(
            "raw village places", lambda: raw.village_places(self.session, self.tree)
        )

    def places_in(self, province: str) -> Cells[int, str]:
        """The same to the regencies of a province."""
        if "raw village places" not in self.kept.parts:
            return raw.village_places(self.session, self.tree, province)

        def find() -> Mapping[str, Cells[int, str]]:
            parts: dict[str, dict[tuple[int, str], Raw]] = {}
            for key, numbers in self.raw_village_places().items():
                parts.setdefault(province_of(key[1]), {})[key] = numbers
            return parts

        return self.kept.keep("raw by province", find).get(province, {})
