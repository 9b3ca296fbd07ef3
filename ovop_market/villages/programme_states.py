"""The stages of a designation as data: which follows which, and what the programme asks at each.

The order is that of Permenperin 14/2021; who mentors a village is told by its stars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ovop_market.villages.models import Stage


class Mentor(StrEnum):
    """Who mentors a village."""

    REGENCY = "regency"
    PROVINCE = "province"
    MINISTRY = "ministry"


@dataclass(frozen=True, slots=True)
class Move:
    """A step that may be taken. One back puts a mistake right, and needs a reason."""

    to: Stage
    back: bool = False


MOVES: Mapping[Stage, tuple[Move, ...]] = {
    Stage.PROPOSAL: (Move(Stage.SELECTION),),
    Stage.SELECTION: (Move(Stage.DESIGNATION), Move(Stage.PROPOSAL, back=True)),
    Stage.DESIGNATION: (Move(Stage.MENTORING), Move(Stage.SELECTION, back=True)),
    Stage.MENTORING: (Move(Stage.EVALUATION), Move(Stage.DESIGNATION, back=True)),
    Stage.EVALUATION: (Move(Stage.MENTORING, back=True),),
}
# A village has been designated from here on.
DESIGNATED = (Stage.DESIGNATION, Stage.MENTORING, Stage.EVALUATION)

_MENTORS: Mapping[int, Mentor] = {
    1: Mentor.REGENCY,
    2: Mentor.REGENCY,
    3: Mentor.PROVINCE,
    4: Mentor.MINISTRY,
    5: Mentor.MINISTRY,
}


def move(now: Stage, to: Stage) -> Move | None:
    """The step from one stage to another, if there is one."""
    return next((step for step in MOVES[now] if step.to is to), None)


def mentor(stars: int | None) -> Mentor:
    """Who mentors a village with so many stars; one without any is its regency's."""
    return _MENTORS[stars] if stars else Mentor.REGENCY
