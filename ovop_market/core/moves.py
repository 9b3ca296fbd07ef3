"""A life cycle as data: a table from a state and what is done to the state that follows."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from ovop_market.core.errors import MoveRefused

State = TypeVar("State", bound=StrEnum)
Action = TypeVar("Action", bound=StrEnum)


def after(
    moves: Mapping[tuple[State, Action], State], state: State, action: Action, what: str
) -> State:
    """The state that the action leads to. Raises MoveRefused when the table has no such move."""
    target = moves.get((state, action))
    if target is None:
        raise MoveRefused(f"cannot {action} {what} that is {state}", state=state, action=action)
    return target
