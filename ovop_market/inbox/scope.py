"""Whose orders and shares an account sees: all of the producers that it owns; of those that it
packs for, what has been said yes to. Who packs need not know who asked for what in vain."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Offer
from ovop_market.orders.models import Allocation, Order
from ovop_market.orders.share_states import ShareState
from ovop_market.orders.states import OrderState
from ovop_market.villages.policy import Duty
from ovop_market.villages.queries import own_producers

# Cancelled ones too: who has begun to pack one must see why it is gone.
PACKED = frozenset(
    {
        OrderState.ACCEPTED,
        OrderState.PREPARING,
        OrderState.READY,
        OrderState.SHIPPED,
        OrderState.RECEIVED,
        OrderState.DISPUTED,
        OrderState.CANCELLED,
    }
)
MADE = frozenset({ShareState.TAKEN, ShareState.MADE, ShareState.SETTLED, ShareState.WITHDRAWN})


def seen_orders(user: User) -> ColumnElement[bool]:
    """The orders that the account sees."""
    # The first part is what an index answers; the second narrows it down.
    return and_(
        Order.producer_id.in_(own_producers(user, Duty.SEE)),
        or_(Order.state.in_(PACKED), Order.producer_id.in_(own_producers(user))),
    )


def seen_shares(user: User) -> ColumnElement[bool]:
    """The shares of the account's households; the offer must be joined."""
    return and_(
        Offer.producer_id.in_(own_producers(user, Duty.SEE)),
        or_(Allocation.state.in_(MADE), Offer.producer_id.in_(own_producers(user))),
    )
