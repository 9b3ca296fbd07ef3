"""Which permits producers need for what they list: the one rule of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Category, Product
from ovop_market.villages import permit_queries
from ovop_market.villages.models import PermitKind, Producer

NOT_FOOD = frozenset({Category.CRAFT, Category.CARE})


def needed_permits(categories: Iterable[Category]) -> frozenset[PermitKind]:
    """The permits that these kinds of product need: a business number for all; for food and drinks
    also the home-industry permit and the halal certificate (UU 33/2014, PP 42/2024)."""
    kinds = set(categories)
    if kinds - NOT_FOOD:
        return frozenset(PermitKind)
    return frozenset({PermitKind.NIB}) if kinds else frozenset()


def needs(session: Session, *whose: ColumnElement[bool]) -> dict[int, frozenset[PermitKind]]:
    """What producers need, by their id. Who lists nothing is not there: nobody knows yet. `whose`
    is said of producers and their villages."""
    listed: dict[int, set[Category]] = defaultdict(set)
    rows = session.execute(
        select(Product.producer_id, Product.category)
        .join(Product.producer)
        .join(Producer.village)
        .where(Product.listed, *whose)
        .distinct()
    )
    for producer_id, category in rows:
        listed[producer_id].add(category)
    return {producer_id: needed_permits(found) for producer_id, found in listed.items()}


def _needed_by(session: Session, ids: Sequence[int]) -> Mapping[int, frozenset[PermitKind]]:
    return needs(session, Producer.id.in_(ids))


permit_queries.needed_by = _needed_by
