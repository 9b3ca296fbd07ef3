"""Who waits for whom: first the purchases, then the producers, each in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from ovop_market.catalogue.models import Offer
from ovop_market.extensions.database import AT_ONCE
from ovop_market.orders.models import Allocation, Order, OrderLine, Purchase
from ovop_market.villages.models import Producer


def lock(session: Session, order: Order) -> Order:
    """The order as it is now, which nobody else changes until the transaction ends.

    The purchase is what is locked: its orders and payments move one at a time, so that a buyer, an
    operator and the clock never wait for each other in a circle.
    """
    lock_purchase(session, order.purchase_id)
    session.refresh(order)
    session.scalars(
        select(OrderLine)
        .where(OrderLine.order_id == order.id)
        .options(
            selectinload(OrderLine.holds),
            # In statements of their own: offers may be locked later, which no outer join allows.
            selectinload(OrderLine.allocations)
            .selectinload(Allocation.offer)
            .selectinload(Offer.producer),
        )
        .execution_options(populate_existing=True)
    ).all()
    return order


def lock_purchase(session: Session, purchase_id: int) -> None:
    """Nobody else moves an order or a payment of the purchase until the transaction ends."""
    lock_purchases(session, [purchase_id])


def lock_purchases(session: Session, purchase_ids: Iterable[int]) -> None:
    """The same for many, locked in the order of their ids, so that two who lock many never wait for
    each other in a circle."""
    _lock_rows(session, Purchase, purchase_ids)


def order_in_time(session: Session, purchase_ids: Iterable[int]) -> None:
    """Makes the events of a producer commit in the order of their ids, until the transaction ends.

    An inbox asks for events after the last one that it knows; one that came late with a smaller id
    would never be news. Called before any event is written, for all purchases that are touched: all
    their producers are locked at once, because money for one order may move another one, and so
    that two never wait for each other in a circle.
    """
    wanted = sorted(set(purchase_ids))
    producers: set[int] = set()
    for start in range(0, len(wanted), AT_ONCE):
        ids = wanted[start : start + AT_ONCE]
        producers.update(
            session.scalars(select(Order.producer_id).where(Order.purchase_id.in_(ids)).distinct())
        )
    lock_producers(session, producers)


def lock_producers(session: Session, producer_ids: Iterable[int]) -> None:
    """Their next events are written by nobody else until the transaction ends."""
    # Rows that point to a producer may be written meanwhile: their foreign keys only look.
    _lock_rows(session, Producer, producer_ids, key_share=True)


def _lock_rows(
    session: Session,
    model: type[Purchase] | type[Producer],
    ids: Iterable[int],
    *,
    key_share: bool = False,
) -> None:
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), AT_ONCE):
        session.execute(
            select(model.id)
            .where(model.id.in_(wanted[start : start + AT_ONCE]))
            .order_by(model.id)
            .with_for_update(key_share=key_share)
        ).all()
