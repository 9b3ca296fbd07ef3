"""What the rollups hold of a year, read once and kept with what is decided of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import date
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from ovop_market.reach import raw
from ovop_market.reach.grids import Cells, of_rows
from ovop_market.reach.raw import Raw, Tree
from ovop_market.reach.recount import PROVINCE_LENGTH

Made = TypeVar("Made")


def province_of(code: str) -> str:
    """The province of a regency."""
    return code[:PROVINCE_LENGTH]


class ReadOnce:
    """The numbers of one tree, before anything is withheld. Nothing of it is ever shown."""

    def __init__(self, session: Session, tree: Tree, kept: dict[Hashable, Any]) -> None:
        self.tree, self.session, self.kept = tree, session, kept

    def sold(self) -> Mapping[int, raw.Sold]:
        """What each product sold in the year: for those who choose what to ask for, never shown."""
        return self._keep("sold", lambda: raw.sold(self.session, self.tree))

    def raw_places(self) -> Mapping[tuple[str, date], Raw]:
        """What went where: for counting places (see `spread`), never shown."""
        return self._keep("raw places", lambda: raw.places(self.session, self.tree))

    def raw_sent(self) -> Mapping[str, Raw]:
        """What went where in the year."""
        return self._keep("raw sent", lambda: of_rows(self.raw_places()))

    def raw_village_places(self) -> Mapping[tuple[int, str], Raw]:
        """The same of villages in the year."""
        return self._keep("raw village places", lambda: raw.village_places(self.session, self.tree))

    def raw_sent_by(self, village_id: int) -> frozenset[str]:
        """The regencies that a village sent to in the year."""

        def find() -> Mapping[int, set[str]]:
            codes: dict[int, set[str]] = {}
            for village, code in self.raw_village_places():
                codes.setdefault(village, set()).add(code)
            return codes

        return frozenset(self._keep("raw sent by", find).get(village_id, ()))

    def raw_reached(self) -> Mapping[date, frozenset[str]]:
        """By month: the regencies that something went to."""

        def find() -> Mapping[date, frozenset[str]]:
            codes: dict[date, set[str]] = {}
            for code, month in self.raw_places():
                codes.setdefault(month, set()).add(code)
            return {month: frozenset(found) for month, found in codes.items()}

        return self._keep("raw reached", find)

    def raw_reached_in(self, months: frozenset[date]) -> frozenset[str]:
        """The same of some months together."""

        def find() -> frozenset[str]:
            some = (codes for month, codes in self.raw_reached().items() if month in months)
            return frozenset().union(*some)

        return self._keep(("raw reached", months), find)

    def raw_product_places(self, village_id: int) -> Mapping[tuple[int, str], Raw]:
        """The same of a village's products."""
        return self._keep(
            ("raw product places", village_id),
            lambda: raw.product_places(self.session, self.tree, village_id),
        )

    def places_in(self, province: str) -> Cells[int, str]:
        """What villages sent to the regencies of a province."""

        def find() -> Cells[int, str]:
            if "raw village places" not in self.kept:
                return raw.village_places(self.session, self.tree, province)
            cells = self.raw_village_places()
            return {key: n for key, n in cells.items() if province_of(key[1]) == province}

        return self._keep(("places in", province), find)

    def _keep(self, name: Hashable, make: Callable[[], Made]) -> Made:
        if name in self.kept:
            return self.kept[name]  # type: ignore[no-any-return]
        # What another thread has kept meanwhile stays: it may have decided by it already.
        return self.kept.setdefault(name, make())  # type: ignore[no-any-return]
