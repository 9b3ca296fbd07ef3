"""The life cycle of a producer, as data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from ovop_market.core.moves import after


class ProducerState(StrEnum):
    """Where a producer stands with the market."""

    # Has asked to sell; an operator looks at it. Prepares listings that nobody else sees.
    APPLIED = "applied"
    REFUSED = "refused"
    APPROVED = "approved"
    # Sells nothing for now, by an operator's word; what is ordered already goes on.
    SUSPENDED = "suspended"
    # For good, by its own word or an operator's. Its history stays.
    CLOSED = "closed"


class ProducerAction(StrEnum):
    """What is done to a producer."""

    APPLY = "apply"
    APPROVE = "approve"
    # Takes an approval back that was given by mistake, before anything came of it.
    RECALL = "recall"
    REFUSE = "refuse"
    SUSPEND = "suspend"
    RESUME = "resume"
    CLOSE = "close"


S, A = ProducerState, ProducerAction
MOVES: Mapping[tuple[ProducerState, ProducerAction], ProducerState] = {
    (S.APPLIED, A.APPROVE): S.APPROVED,
    (S.APPLIED, A.REFUSE): S.REFUSED,
    (S.REFUSED, A.APPLY): S.APPLIED,
    (S.APPROVED, A.RECALL): S.APPLIED,
    (S.APPROVED, A.SUSPEND): S.SUSPENDED,
    (S.SUSPENDED, A.RESUME): S.APPROVED,
    (S.APPLIED, A.CLOSE): S.CLOSED,
    (S.REFUSED, A.CLOSE): S.CLOSED,
    (S.APPROVED, A.CLOSE): S.CLOSED,
    (S.SUSPENDED, A.CLOSE): S.CLOSED,
}

# What its own people may do; everything else is for operators.
OWN = frozenset({A.APPLY, A.CLOSE})
# Whoever is told no is told why.
WITH_REASON = frozenset({A.REFUSE, A.SUSPEND})
# Of the programme: whom officials visit, and what they count.
IN_PROGRAMME = (S.APPROVED, S.SUSPENDED)


def state_after(state: ProducerState, action: ProducerAction) -> ProducerState:
    """The state that the action leads to. Raises MoveRefused when there is no such move."""
    return after(MOVES, state, action, "a producer")


def moves_from(state: ProducerState) -> list[ProducerAction]:
    """What can be done in this state, in the order of the actions."""
    return [action for action in ProducerAction if (state, action) in MOVES]
