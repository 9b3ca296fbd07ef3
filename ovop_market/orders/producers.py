"""What hangs on a producer: products on show, orders that are running, households."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from ovop_market.catalogue.models import Product
from ovop_market.orders.models import Order
from ovop_market.orders.states import FINAL, OrderState
from ovop_market.villages import producer_queries
from ovop_market.villages.models import Producer
from ovop_market.villages.producer_queries import Weight

# Nothing is left to do for the producer.
_OVER = (*FINAL, OrderState.RECEIVED)


def weights_of(session: Session, ids: Sequence[int]) -> Mapping[int, Weight]:
    """The same for each of these producers: one statement."""
    member = aliased(Producer)
    products = (
        select(func.count())
        .where(Product.producer_id == Producer.id, Product.listed)
        .correlate(Producer)
        .scalar_subquery()
    )
    running = (
        select(func.count())
        .where(Order.producer_id == Producer.id, Order.state.not_in(_OVER))
        .correlate(Producer)
        .scalar_subquery()
    )
    members = (
        select(func.count())
        .where(member.group_id == Producer.id)
        .correlate(Producer)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Producer.id, products, running, members).where(Producer.id.in_(ids))
    )
    return {id_: Weight(shown, open_now, people) for id_, shown, open_now, people in rows}


producer_queries.weights_of = weights_of
