"""The life of a notice, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from ovop_market.core.moves import after


class NoticeState(StrEnum):
    """Owed, being handed to the channel by a worker, handed over, given up, or no longer needed."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    DROPPED = "DROPPED"


class NoticeAction(StrEnum):
    """What is done to a notice. RETURN: the worker had no time to try it."""

    CLAIM = "claim"
    RETURN = "return"
    DELIVER = "deliver"
    POSTPONE = "postpone"
    GIVE_UP = "give_up"
    DROP = "drop"
    RETRY = "retry"


class Channel(StrEnum):
    """How a notice travels. WhatsApp is none of these: a person taps to send it."""

    EMAIL = "email"
    PUSH = "push"


S, A = NoticeState, NoticeAction

NOTICE_MOVES: dict[tuple[NoticeState, NoticeAction], NoticeState] = {
    (S.PENDING, A.CLAIM): S.SENDING,
    # A worker died while it was sending: after its lease another one claims the notice again.
    (S.SENDING, A.CLAIM): S.SENDING,
    (S.SENDING, A.RETURN): S.PENDING,
    (S.SENDING, A.DELIVER): S.SENT,
    (S.SENDING, A.POSTPONE): S.PENDING,
    (S.SENDING, A.GIVE_UP): S.FAILED,
    (S.SENDING, A.DROP): S.DROPPED,
    (S.FAILED, A.RETRY): S.PENDING,
    (S.FAILED, A.DROP): S.DROPPED,
}

# How long a worker has for what it has claimed; then another may claim it.
LEASE = timedelta(minutes=2)

# What happened longer ago is not told any more.
OLDEST = timedelta(days=3)

# How long to wait after each failure; after the last one the notice is given up.
BACK_OFF: tuple[timedelta, ...] = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
)


class Failure(StrEnum):
    """Why a notice was not delivered; without the channel's own words, which quote addresses."""

    UNREACHABLE = "unreachable"
    SIGN_IN = "sign-in"
    NOT_NOW = "not now"
    ADDRESS = "address"
    CONTENT = "content"
    REFUSED = "refused"
    TEXT = "text"
    GONE = "gone"
    NOT_NEEDED = "not needed"
    TOO_OLD = "too old"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a try. `code` is the channel's number for it (550, 410; 0: none); `after` is
    how long the channel asks to be left alone."""

    action: NoticeAction
    failure: Failure | None = None
    code: int = 0
    after: timedelta = timedelta()

    @property
    def words(self) -> str | None:
        """As it is kept: `address 550`."""
        if self.failure is None:
            return None
        return f"{self.failure} {self.code}" if self.code else str(self.failure)


DELIVERED = Outcome(A.DELIVER)
# The push service says that the browser is no more.
GONE = Outcome(A.DROP, Failure.GONE)


def later(failure: Failure, code: int = 0, after: timedelta = timedelta()) -> Outcome:
    """It may go better next time."""
    return Outcome(A.POSTPONE, failure, code, after)


def never(failure: Failure, code: int = 0) -> Outcome:
    """It would fail the same way every time."""
    return Outcome(A.GIVE_UP, failure, code)


def dropped(failure: Failure) -> Outcome:
    """It need not be told any more."""
    return Outcome(A.DROP, failure)


def notice_after(state: NoticeState, action: NoticeAction) -> NoticeState:
    """The state that the action leads to. Raises MoveRefused when the table has no such move."""
    return after(NOTICE_MOVES, state, action, "a notice")
