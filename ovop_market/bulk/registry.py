"""Which things can be done to many at once. Features put theirs here when they are loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel.speaklater import LazyString
from sqlalchemy.orm import Session

# Things in one go.
MOST = 100
# A slip is noticed at once; later, things have gone on.
UNDO_WITHIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Planned:
    """What would become of one thing. `mark` is another one whenever the thing has changed in a
    way that matters; `problem` says why it is left out, if it is; `note` what else to know."""

    id: int
    name: str
    url: str
    mark: str
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class By:
    """Who does it, when and why; and to what, by the mark of the thing when it was shown."""

    actor_id: int
    now: datetime
    reason: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class BulkAction:
    """Something that can be done to many.

    `plan` tells of each thing that exists what would become of it; `do` does it to one, under its
    lock, and returns what its undoing has to know; `undo` takes it back, if nothing has been done
    to the thing since. Both raise MarketError for what cannot be. `sentence` says in words what
    will happen to so many; `home` is the path of the page where the things are chosen.
    """

    name: str
    title: LazyString
    verb: LazyString
    sentence: Callable[[int], str]
    home: str
    plan: Callable[[Session, Sequence[int], datetime], list[Planned]]
    do: Callable[[Session, int, By], dict[str, object]]
    undo: Callable[[Session, int, Mapping[str, object], By], None] | None = None
    # What the reason is for, where there must be one; else None.
    reason: LazyString | None = None
    danger: bool = False


ACTIONS: dict[str, BulkAction] = {}


def register(action: BulkAction) -> None:
    """Makes it known to the pages of `bulk.views`."""
    ACTIONS[action.name] = action
