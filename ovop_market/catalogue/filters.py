"""What a buyer may ask of the list of products, as it stands in the page's address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ovop_market.catalogue.models import Category
from ovop_market.catalogue.search.words import MAX_QUERY
from ovop_market.regions.codes import is_code
from ovop_market.web.paging import page_number


class Sort(StrEnum):
    """The order of the products."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    CHEAPEST = "price"
    DEAREST = "-price"


@dataclass(frozen=True, slots=True)
class Filters:
    """The wishes; empty ones are left out. `to` is the code of the region it must arrive in."""

    q: str = ""
    village: str = ""
    category: Category | None = None
    ready: bool = False
    to: str = ""
    sort: Sort = Sort.NEWEST
    page: int = 1

    @classmethod
    def read(cls, args: Mapping[str, str]) -> Filters:
        """From an address. What cannot be read counts as not asked; nothing is refused."""
        q = " ".join("".join(c if c.isprintable() else " " for c in args.get("q", "")).split())
        q = q[:MAX_QUERY]
        to = args.get("to", "").strip()
        sorts = {str(sort): sort for sort in Sort if q or sort is not Sort.RELEVANCE}
        categories = {str(category): category for category in Category}
        return cls(
            q=q,
            village=args.get("village", "").strip(),
            category=categories.get(args.get("category", "")),
            ready=args.get("ready", "") == "1",
            to=to if is_code(to) else "",
            sort=sorts.get(args.get("sort", ""), Sort.RELEVANCE if q else Sort.NEWEST),
            page=page_number(args.get("page", "")),
        )

    def written(self, **changed: object) -> dict[str, str]:
        """As query parameters, those that say nothing left out; some may be replaced by name.

        Another filter begins on the first page again.
        """
        usual = Sort.RELEVANCE if self.q else Sort.NEWEST
        values: dict[str, object] = {
            "q": self.q,
            "village": self.village,
            "category": self.category or "",
            "ready": "1" if self.ready else "",
            "to": self.to,
            "sort": "" if self.sort is usual else self.sort,
            "page": "" if changed or self.page == 1 else self.page,
        }
        return {name: str(value) for name, value in {**values, **changed}.items() if value}

    @property
    def narrowed(self) -> bool:
        """Whether anything but the words and the order was asked."""
        return bool(self.village or self.category or self.ready or self.to)
