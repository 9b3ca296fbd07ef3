"""What a household does next with its share of a group's order."""

from __future__ import annotations

from ovop_market.orders.models import Allocation
from ovop_market.orders.presentation import may_be_made
from ovop_market.orders.share_states import ANSWERABLE, ShareAction, ShareState
from ovop_market.orders.states import OrderState


def next_step(share: Allocation) -> ShareAction | None:
    """What the household does next; None when it is somebody else's turn."""
    order = share.line.order
    if order.state not in ANSWERABLE:
        return None
    if share.state is ShareState.OFFERED:
        return ShareAction.TAKE
    begun = order.state is OrderState.PREPARING
    ready = order.state is OrderState.ACCEPTED and may_be_made(order)
    if share.state is ShareState.TAKEN and (begun or ready):
        return ShareAction.HAND_IN
    return None
