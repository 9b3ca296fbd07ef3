"""The products that villages are designated for, as `villages.flagships` asks for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product
from ovop_market.catalogue.queries import listed
from ovop_market.villages import flagships
from ovop_market.villages.flagships import FlagshipProduct
from ovop_market.villages.models import Producer


def _products() -> Select[int, str, str, bool]:
    return select(Product.id, Product.slug, Product.name, and_(*listed()))


def _on_sale_in(session: Session, village_id: int) -> Sequence[FlagshipProduct]:
    rows = session.execute(
        _products()
        .join(Product.producer)
        .where(Producer.village_id == village_id, *listed())
        .order_by(Product.name, Product.id)
    )
    return [FlagshipProduct(*row) for row in rows]


def _by_ids(session: Session, ids: Collection[int]) -> Mapping[int, FlagshipProduct]:
    rows = session.execute(_products().where(Product.id.in_(ids)))
    return {row[0]: FlagshipProduct(*row) for row in rows}


flagships.on_sale_in = _on_sale_in
flagships.by_ids = _by_ids
