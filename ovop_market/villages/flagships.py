"""The product that a village was designated for, where this website sells it. Its words are kept
beside it: they are of what is not sold here, too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from ovop_market.villages.models import Designation


@dataclass(frozen=True, slots=True)
class FlagshipProduct:
    """A product. It has a page only while it is on sale."""

    id: int
    slug: str
    name: str
    on_sale: bool


# catalogue: the products that a village has on sale, by name; and products by their ids. It puts
# its functions here when it is loaded, as with the hooks in `queries`; until then there are none.
on_sale_in: Callable[[Session, int], Sequence[FlagshipProduct]] | None = None
by_ids: Callable[[Session, Collection[int]], Mapping[int, FlagshipProduct]] | None = None


def named(session: Session, ids: Iterable[int | None]) -> Mapping[int, FlagshipProduct]:
    """The products of designations, by their ids. At most one statement."""
    wanted = {each for each in ids if each is not None}
    return by_ids(session, wanted) if by_ids and wanted else {}


def choices(session: Session, designation: Designation) -> list[FlagshipProduct]:
    """What can be chosen: what its village has on sale, and what is chosen already."""
    found = list(on_sale_in(session, designation.village_id)) if on_sale_in else []
    chosen = named(session, [designation.flagship_product_id])
    return found + [each for key, each in chosen.items() if key not in {p.id for p in found}]
