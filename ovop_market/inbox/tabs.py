"""The tabs of the inbox, as data: which orders lie where. Nothing here knows of the database.

An order lies in exactly one of the contract's seven tabs; NOW gathers what needs the producer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ovop_market.orders.share_states import ANSWERABLE, OPEN, ShareState, may_be_handed_in
from ovop_market.orders.states import OrderState

S = OrderState


class Tab(StrEnum):
    """`tab=…` in the address; NOW is the page without it."""

    NOW = "now"
    NEW = "new"
    TO_MAKE = "to_make"
    TO_SHIP = "to_ship"
    SHIPPED = "shipped"
    DONE = "done"
    CANCELLED = "cancelled"
    UNPAID = "unpaid"


@dataclass(frozen=True, slots=True)
class Shelf:
    """The states of a tab's orders.

    `accepted`: it also has the accepted orders whose gate to preparing is open (True: paid, or
    cash) or shut (False). `closed`: they are over, so the latest comes first.
    """

    states: frozenset[OrderState]
    accepted: bool | None = None
    closed: bool = False

    def holds(self, state: OrderState, gate_open: bool) -> bool:
        """Whether an order in this state lies here."""
        if state is S.ACCEPTED:
            return self.accepted is gate_open
        return state in self.states


SHELVES: dict[Tab, Shelf] = {
    Tab.NOW: Shelf(frozenset({S.PLACED, S.PREPARING, S.READY, S.DISPUTED}), accepted=True),
    Tab.NEW: Shelf(frozenset({S.PLACED, S.COUNTERED})),
    Tab.TO_MAKE: Shelf(frozenset({S.PREPARING}), accepted=True),
    Tab.TO_SHIP: Shelf(frozenset({S.READY})),
    Tab.SHIPPED: Shelf(frozenset({S.SHIPPED, S.DISPUTED})),
    Tab.DONE: Shelf(frozenset({S.RECEIVED}), closed=True),
    Tab.CANCELLED: Shelf(frozenset({S.DECLINED, S.EXPIRED, S.CANCELLED}), closed=True),
    Tab.UNPAID: Shelf(frozenset(), accepted=False),
}


def tab_of(text: str | None) -> Tab:
    """The tab of an address; anything unknown is what needs the producer now."""
    try:
        return Tab(text or "")
    except ValueError:
        return Tab.NOW


@dataclass(frozen=True, slots=True)
class ShareShelf:
    """The states of a tab's shares of a group's order.

    `taken`: of taken ones, those whose order may be made (True) or not yet (False); None: all.
    """

    states: frozenset[ShareState]
    taken: bool | None = None
    closed: bool = False

    def holds(self, state: ShareState, order: OrderState, gate_open: bool) -> bool:
        """Whether a share in this state, of an order in that one, lies here."""
        if state not in self.states:
            return False
        if state in OPEN and order not in ANSWERABLE:
            return False
        if state is not ShareState.TAKEN or self.taken is None:
            return True
        return may_be_handed_in(order, gate_open) is self.taken


SHARE_SHELVES: dict[Tab, ShareShelf] = {
    Tab.NOW: ShareShelf(frozenset({ShareState.OFFERED, ShareState.TAKEN}), taken=True),
    Tab.NEW: ShareShelf(frozenset({ShareState.OFFERED})),
    Tab.TO_MAKE: ShareShelf(frozenset({ShareState.TAKEN}), taken=True),
    Tab.UNPAID: ShareShelf(frozenset({ShareState.TAKEN}), taken=False),
    Tab.DONE: ShareShelf(frozenset({ShareState.MADE, ShareState.SETTLED}), closed=True),
    Tab.CANCELLED: ShareShelf(
        frozenset({ShareState.DECLINED, ShareState.LAPSED, ShareState.WITHDRAWN}), closed=True
    ),
}
