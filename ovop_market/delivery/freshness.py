"""How long goods may be on the way: of each product, and of a parcel of several. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ovop_market.catalogue.models import Product, Storage


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long a parcel may be on the way, in days, by ordinary courier and in a cold chain.

    None: as long as it takes. Beside each limit the product that sets it.
    """

    ordinary: int | None = None
    cold_chain: int | None = None
    ordinary_product: str = ""
    cold_product: str = ""

    @classmethod
    def of(cls, products: Iterable[Product]) -> Freshness:
        """What the most delicate of the products allows."""
        many = list(products)
        ordinary, ordinary_product = _least(many, cold_chain=False)
        cold, cold_product = _least(many, cold_chain=True)
        return cls(ordinary, cold, ordinary_product, cold_product)

    def limit(self, cold_chain: bool) -> int | None:
        """Days at most, in a cold chain or without one."""
        return self.cold_chain if cold_chain else self.ordinary

    def allows(self, days: int, cold_chain: bool) -> bool:
        """Whether goods still arrive fresh after so many days on the way."""
        limit = self.limit(cold_chain)
        return limit is None or days <= limit

    def product(self, cold_chain: bool) -> str:
        """The name of the product that sets the limit; empty if nothing does."""
        return self.cold_product if cold_chain else self.ordinary_product


def most_days(product: Product, *, cold_chain: bool) -> int | None:
    """Days that a product may be on the way; None: as long as it takes.

    A cold chain keeps what must be kept cold for its shelf life; what need not be, it does not keep
    longer than an ordinary courier. `delivery.reachable` says the same in SQL.
    """
    if cold_chain and product.storage is not Storage.AMBIENT:
        return product.shelf_life_days or product.max_transit_days
    return product.max_transit_days


def _least(products: list[Product], *, cold_chain: bool) -> tuple[int | None, str]:
    limits = [(most_days(p, cold_chain=cold_chain), p.name) for p in products]
    known = [(days, name) for days, name in limits if days is not None]
    return min(known, default=(None, ""))
