"""The life of an allocation, one member household's share of a group's order, as data.

Nothing here knows of Flask or of the database. What happens to the order itself is in states.py;
what an order's move does to its open shares is `FOLLOWS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from ovop_market.core import moves
from ovop_market.orders.states import Action, OrderState


class ShareState(StrEnum):
    """Where a share stands between the group and the household."""

    OFFERED = "OFFERED"
    TAKEN = "TAKEN"
    MADE = "MADE"
    SETTLED = "SETTLED"
    DECLINED = "DECLINED"
    LAPSED = "LAPSED"
    # The order is over, or the coordinator has shared it out otherwise.
    WITHDRAWN = "WITHDRAWN"


class ShareAction(StrEnum):
    """What is done to a share."""

    OFFER = "offer"
    TAKE = "take"
    DECLINE = "decline"
    LAPSE = "lapse"
    HAND_IN = "hand_in"
    SETTLE = "settle"
    WITHDRAW = "withdraw"


S, A = ShareState, ShareAction

MOVES: Mapping[tuple[ShareState, ShareAction], ShareState] = {
    (S.OFFERED, A.TAKE): S.TAKEN,
    (S.OFFERED, A.DECLINE): S.DECLINED,
    (S.OFFERED, A.LAPSE): S.LAPSED,
    (S.OFFERED, A.WITHDRAW): S.WITHDRAWN,
    # Somebody falls ill: what was taken is given back, and offered to the others.
    (S.TAKEN, A.DECLINE): S.DECLINED,
    (S.TAKEN, A.HAND_IN): S.MADE,
    (S.TAKEN, A.WITHDRAW): S.WITHDRAWN,
    (S.MADE, A.SETTLE): S.SETTLED,
    (S.MADE, A.WITHDRAW): S.WITHDRAWN,
}

# Shares that stand for packs: offered, to be made, made.
LIVE = frozenset({S.OFFERED, S.TAKEN, S.MADE, S.SETTLED})
# Shares of which somebody still has to do something.
OPEN = frozenset({S.OFFERED, S.TAKEN})

# States of an order in which its shares can be answered, and in which they can be handed in.
ANSWERABLE = frozenset(
    {OrderState.PLACED, OrderState.COUNTERED, OrderState.ACCEPTED, OrderState.PREPARING}
)

# What a coordinator, a buyer or the clock does to the whole order, its shares follow: the actions
# that are done, in this order, to each share that allows them.
FOLLOWS: Mapping[Action, tuple[ShareAction, ...]] = {
    Action.ACCEPT: (A.TAKE,),
    Action.COUNTER: (A.TAKE,),
    Action.AGREE: (A.TAKE,),
    # Who never answered, though somebody could, has made nothing (allocating.follow).
    Action.FINISH: (A.TAKE, A.HAND_IN),
    Action.HAND_OVER: (A.SETTLE,),
    Action.RECEIVE: (A.SETTLE,),
    Action.SETTLE_FOR_PRODUCER: (A.SETTLE,),
    Action.SETTLE_FOR_BUYER: (A.SETTLE,),
}

# Nobody has to answer between these hours of the evening and the morning (WIB).
EVENING, MORNING = 21, 7

# How long a household has to answer, and how long before the order's own deadline that ends, so
# that there is time to offer the share to somebody else.
ANSWER = timedelta(hours=12)
MARGIN = timedelta(hours=2)
# A share that could only be answered in less than this is offered as long as the order waits.
SHORTEST = timedelta(hours=1)


def may_be_handed_in(order: OrderState, gate_open: bool) -> bool:
    """Whether an order's shares are to be made now; `gate_open`: it is paid, or paid in cash."""
    return order is OrderState.PREPARING or (order is OrderState.ACCEPTED and gate_open)


def next_step(state: ShareState, order: OrderState, gate_open: bool) -> ShareAction | None:
    """What the household does next with its share; None when it is somebody else's turn."""
    if state is S.OFFERED and order in ANSWERABLE:
        return A.TAKE
    if state is S.TAKEN and may_be_handed_in(order, gate_open):
        return A.HAND_IN
    return None


def after(state: ShareState, action: ShareAction) -> ShareState:
    """The state that follows. Raises MoveRefused when the table has no such move."""
    return moves.after(MOVES, state, action, "a share")


def allows(state: ShareState, action: ShareAction) -> bool:
    """Whether the table has this move."""
    return (state, action) in MOVES
