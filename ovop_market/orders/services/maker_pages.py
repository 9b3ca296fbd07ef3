"""Gives every order that is made a maker page, in the transaction that lets it be made.

A label may be printed from then on, and printing (a GET) changes nothing: so the code is there
before anybody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ovop_market.core import clock
from ovop_market.core.tokens import maker_code
from ovop_market.extensions.database import AT_ONCE, insert_into
from ovop_market.orders.maker_models import MakerPage
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.presentation import may_be_made
from ovop_market.orders.signals import order_moved, order_noted
from ovop_market.orders.states import Action, OrderState

S = OrderState
# From here on an order is being made, or has been.
_MADE = frozenset({S.PREPARING, S.READY, S.SHIPPED, S.RECEIVED, S.DISPUTED})


def begin() -> None:
    """Listens from now on; once is enough for the process."""
    order_moved.connect(_follow)
    order_noted.connect(_follow_notes)


def open_for(session: Session, order_ids: Iterable[int]) -> None:
    """Gives the orders a page with a code, unless they have one; many as fast as few."""
    rows = [{"order_id": order_id, "code": maker_code()} for order_id in order_ids]
    if rows:
        table: Any = MakerPage.__table__
        new = insert_into(session, table).on_conflict_do_nothing(index_elements=["order_id"])
        session.execute(new, rows)


def catch_up(session: Session) -> int:
    """Pages for orders that were written past the services (seeds); returns how many were missing.

    They were made when their history says that they were finished.
    """
    unmade = select(Order).outerjoin(MakerPage).where(MakerPage.order_id.is_(None))
    due = Order.state.in_(_MADE)
    accepted = unmade.where(Order.state == S.ACCEPTED)
    wanted = [order.id for order in session.scalars(accepted) if may_be_made(order)]
    wanted += session.scalars(unmade.with_only_columns(Order.id).where(due))
    for start in range(0, len(wanted), AT_ONCE):
        ids = wanted[start : start + AT_ONCE]
        open_for(session, ids)
        finished = session.execute(
            select(OrderEvent.order_id, func.min(OrderEvent.at))
            .where(OrderEvent.order_id.in_(ids), OrderEvent.action == Action.FINISH)
            .group_by(OrderEvent.order_id)
        )
        days = [
            {"order_id": order_id, "made_on": clock.wib_date(at)} for order_id, at in finished if at
        ]
        if days:
            session.execute(update(MakerPage), days)
    return len(wanted)


def _follow(order: Order, *, session: Session, event: OrderEvent, **_rest: Any) -> None:
    finished = event.action is Action.FINISH
    # An acceptance opens the gate where nothing is to be paid first.
    if finished or (order.state is S.ACCEPTED and may_be_made(order)):
        open_for(session, [order.id])
    if finished:
        session.execute(
            update(MakerPage)
            .where(MakerPage.order_id == order.id, MakerPage.made_on.is_(None))
            .values(made_on=clock.wib_date(event.at))
        )


def _follow_notes(
    _sender: Any, *, session: Session, events: Sequence[OrderEvent], **_rest: Any
) -> None:
    paid = (event.order for event in events if event.action is Action.PAY)
    open_for(session, [o.id for o in paid if o.state is S.ACCEPTED and may_be_made(o)])
