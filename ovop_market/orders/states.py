"""The life of an order, as data. Nothing here knows of Flask or of the database.

`MOVES` is the whole table: who may do what from which state, under which condition. Whoever wants
to know whether a move is possible asks `move`; nobody compares states elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ovop_market.core.errors import MoveRefused


class OrderState(StrEnum):
    """Where an order stands between the buyer and the producer."""

    PLACED = "PLACED"
    COUNTERED = "COUNTERED"
    ACCEPTED = "ACCEPTED"
    PREPARING = "PREPARING"
    READY = "READY"
    SHIPPED = "SHIPPED"
    RECEIVED = "RECEIVED"
    DISPUTED = "DISPUTED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class Action(StrEnum):
    """What somebody does to an order."""

    PLACE = "place"
    ACCEPT = "accept"
    COUNTER = "counter"
    DECLINE = "decline"
    GIVE_UP = "give_up"
    AGREE = "agree"
    LAPSE = "lapse"
    CANCEL = "cancel"
    REVOKE = "revoke"
    START = "start"
    FINISH = "finish"
    SHIP = "ship"
    HAND_OVER = "hand_over"
    RECEIVE = "receive"
    DISPUTE = "dispute"
    SETTLE_FOR_PRODUCER = "settle_for_producer"
    SETTLE_FOR_BUYER = "settle_for_buyer"
    # Not moves, but lines of an order's history all the same.
    PAY = "pay"
    UNPAY = "unpay"
    REMIND = "remind"
    TRACK = "track"
    # Something about a member household's share of it (share_states.ShareAction, in the details).
    SHARE = "share"


class Actor(StrEnum):
    """On whose behalf an action is done."""

    BUYER = "buyer"
    PRODUCER = "producer"
    OPERATOR = "operator"
    CLOCK = "clock"


class Condition(StrEnum):
    """What must hold besides the state."""

    ALWAYS = "always"
    UNPAID = "unpaid"
    # Unpaid, and money is awaited before anything is made.
    AWAITING_MONEY = "awaiting_money"
    # The gate before preparing: paid, or to be paid in cash when it arrives.
    PAID_OR_CASH = "paid_or_cash"
    # To be paid in cash, and nobody has paid yet: a promise that costs its buyer nothing.
    UNPAID_CASH = "unpaid_cash"
    BY_COURIER = "by_courier"
    AT_COLLECTION_POINT = "at_collection_point"
    DISPUTE_WINDOW = "dispute_window"


S, A, W, C = OrderState, Action, Actor, Condition

# How long after receipt a buyer may still object.
DISPUTE_WINDOW = timedelta(days=2)

# States that an order does not leave any more (RECEIVED only for a dispute in its window).
FINAL = frozenset({S.DECLINED, S.EXPIRED, S.CANCELLED})


@dataclass(frozen=True, slots=True)
class Facts:
    """What a condition looks at. `paid` is in full; moments are timezone-aware."""

    paid: bool
    cash: bool
    by_courier: bool
    received_at: datetime | None
    now: datetime

    def meet(self, condition: Condition) -> bool:
        """Whether the condition holds."""
        match condition:
            case Condition.ALWAYS:
                return True
            case Condition.UNPAID:
                return not self.paid
            case Condition.AWAITING_MONEY:
                return not self.paid and not self.cash
            case Condition.PAID_OR_CASH:
                return self.paid or self.cash
            case Condition.UNPAID_CASH:
                return self.cash and not self.paid
            case Condition.BY_COURIER:
                return self.by_courier
            case Condition.AT_COLLECTION_POINT:
                return not self.by_courier
            case Condition.DISPUTE_WINDOW:
                return self.received_at is None or self.now <= self.received_at + DISPUTE_WINDOW


@dataclass(frozen=True, slots=True)
class Move:
    """One line of the table.

    `releases`: what was held for the order is free again. `refunds`: what was paid is owed back.
    """

    source: OrderState
    action: Action
    actor: Actor
    target: OrderState
    condition: Condition = Condition.ALWAYS
    releases: bool = False
    refunds: bool = False


def _exit(
    source: OrderState,
    action: Action,
    actor: Actor,
    target: OrderState,
    condition: Condition = Condition.ALWAYS,
) -> Move:
    return Move(source, action, actor, target, condition, releases=True, refunds=True)


MOVES: tuple[Move, ...] = (
    Move(S.PLACED, A.ACCEPT, W.PRODUCER, S.ACCEPTED),
    Move(S.PLACED, A.COUNTER, W.PRODUCER, S.COUNTERED),
    _exit(S.PLACED, A.DECLINE, W.PRODUCER, S.DECLINED),
    Move(S.COUNTERED, A.AGREE, W.BUYER, S.ACCEPTED),
    _exit(S.PLACED, A.LAPSE, W.CLOCK, S.EXPIRED),
    _exit(S.COUNTERED, A.LAPSE, W.CLOCK, S.EXPIRED),
    _exit(S.ACCEPTED, A.LAPSE, W.CLOCK, S.EXPIRED, C.AWAITING_MONEY),
    _exit(S.PLACED, A.CANCEL, W.BUYER, S.CANCELLED),
    _exit(S.COUNTERED, A.CANCEL, W.BUYER, S.CANCELLED),
    _exit(S.ACCEPTED, A.CANCEL, W.BUYER, S.CANCELLED, C.UNPAID),
    Move(S.ACCEPTED, A.START, W.PRODUCER, S.PREPARING, C.PAID_OR_CASH),
    Move(S.ACCEPTED, A.FINISH, W.PRODUCER, S.READY, C.PAID_OR_CASH),
    Move(S.PREPARING, A.FINISH, W.PRODUCER, S.READY),
    Move(S.READY, A.SHIP, W.PRODUCER, S.SHIPPED, C.BY_COURIER),
    Move(S.READY, A.HAND_OVER, W.PRODUCER, S.RECEIVED, C.AT_COLLECTION_POINT),
    # Whoever buys for cash may never come, or not answer: what is kept for them must not be kept
    # for good (docs/adr/0047).
    *(
        _exit(source, A.GIVE_UP, W.PRODUCER, S.CANCELLED, C.UNPAID_CASH)
        for source in (S.ACCEPTED, S.PREPARING, S.READY)
    ),
    Move(S.SHIPPED, A.RECEIVE, W.BUYER, S.RECEIVED),
    Move(S.SHIPPED, A.RECEIVE, W.CLOCK, S.RECEIVED),
    Move(S.SHIPPED, A.DISPUTE, W.BUYER, S.DISPUTED),
    Move(S.RECEIVED, A.DISPUTE, W.BUYER, S.DISPUTED, C.DISPUTE_WINDOW),
    Move(S.DISPUTED, A.SETTLE_FOR_PRODUCER, W.OPERATOR, S.RECEIVED),
    # The goods have left the house: money goes back, stock does not.
    Move(S.DISPUTED, A.SETTLE_FOR_BUYER, W.OPERATOR, S.CANCELLED, refunds=True),
    *(
        _exit(source, A.REVOKE, W.OPERATOR, S.CANCELLED)
        for source in (S.PLACED, S.COUNTERED, S.ACCEPTED, S.PREPARING, S.READY)
    ),
)

_TABLE = {(m.source, m.action, m.actor): m for m in MOVES}

# Lines of an order's history that are no moves.
NOTES = frozenset({A.PAY, A.UNPAY, A.REMIND, A.TRACK, A.SHARE})

# Those that people write themselves: who, and in which state.
WRITTEN: tuple[tuple[OrderState, Action, Actor], ...] = ((S.SHIPPED, A.TRACK, W.PRODUCER),)

# Actions that must say why.
NEEDS_REASON = frozenset({A.DECLINE, A.GIVE_UP, A.CANCEL, A.REVOKE, A.DISPUTE, A.SETTLE_FOR_BUYER})


@dataclass(frozen=True, slots=True)
class Timer:
    """What the clock does to an order that stays in a state. `grace` follows `after`.

    `remind_after`: how long before whoever is awaited is reminded.
    """

    state: OrderState
    action: Action
    after: timedelta
    remind_after: timedelta
    grace: timedelta = timedelta()

    @property
    def due(self) -> timedelta:
        """From entering the state to the clock's action."""
        return self.after + self.grace


TIMERS: tuple[Timer, ...] = (
    Timer(S.PLACED, A.LAPSE, timedelta(hours=24), timedelta(hours=12)),
    Timer(S.COUNTERED, A.LAPSE, timedelta(hours=24), timedelta(hours=12)),
    Timer(S.ACCEPTED, A.LAPSE, timedelta(hours=48), timedelta(hours=48), grace=timedelta(hours=24)),
    Timer(S.SHIPPED, A.RECEIVE, timedelta(days=7), timedelta(days=5)),
)


def timer_of(state: OrderState) -> Timer | None:
    """The clock's move from this state, if it has one."""
    return next((timer for timer in TIMERS if timer.state is state), None)


def move(state: OrderState, action: Action, actor: Actor, facts: Facts) -> Move:
    """The move that the table has. Raises MoveRefused when it has none or its condition fails."""
    found = _TABLE.get((state, action, actor))
    if found is None or not facts.meet(found.condition):
        raise MoveRefused(
            f"{actor} cannot {action} an order that is {state}",
            state=state,
            action=action,
            condition=None if found is None else found.condition,
        )
    return found


def moves_open_to(actor: Actor, state: OrderState, facts: Facts) -> Iterator[Action]:
    """What this actor can do now, in the order of the table."""
    for line in MOVES:
        if line.source is state and line.actor is actor and facts.meet(line.condition):
            yield line.action


def notes_open_to(actor: Actor, state: OrderState) -> Iterator[Action]:
    """What this actor can add to the history now, besides moves."""
    for source, action, by in WRITTEN:
        if source is state and by is actor:
            yield action
