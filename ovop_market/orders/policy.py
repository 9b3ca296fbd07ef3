"""Which duty in a producer (villages.policy) an action for it takes."""

from __future__ import annotations

from collections.abc import Mapping

from ovop_market.orders.share_states import ShareAction
from ovop_market.orders.states import Action
from ovop_market.villages.policy import Duty

# Actions that are not here bind the producer: its owner does them.
_ORDER: Mapping[Action, Duty] = {
    Action.START: Duty.PREPARE,
    Action.FINISH: Duty.PREPARE,
    Action.SHIP: Duty.SEND,
    Action.HAND_OVER: Duty.SEND,
    Action.TRACK: Duty.SEND,
}
_SHARE: Mapping[ShareAction, Duty] = {ShareAction.HAND_IN: Duty.PREPARE}


def duty_of(action: Action) -> Duty:
    """The duty that an action on an order takes."""
    return _ORDER.get(action, Duty.OWN)


def share_duty_of(action: ShareAction) -> Duty:
    """The duty that an action on a household's share takes."""
    return _SHARE.get(action, Duty.OWN)
