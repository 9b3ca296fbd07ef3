"""Errors that people meet. Each carries a message for them, already in their language, and says
over HTTP what kind of refusal it is. Whoever raises one changes nothing before."""

from collections.abc import Mapping
from typing import Any


class MarketError(Exception):
    """Something a person can understand and act on.

    `message` tells what happened and what to do next; `status` is the HTTP status of the answer.
    """

    status = 400

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details


class NotFound(MarketError):
    """There is no such thing, or it is somebody else's: the two must look the same."""

    status = 404


class NotAllowed(MarketError):
    """The person is known and may not do this."""

    status = 403


class Conflict(MarketError):
    """The world has moved on since the page was made: somebody or the clock was faster."""

    status = 409


class Unusable(MarketError):
    """What was sent is understood and cannot be done as it is."""

    status = 422


class TooOften(MarketError):
    """It was tried more often than a person does. `details["retry_after"]` is in seconds."""

    status = 429


class MoveRefused(Conflict):
    """A life cycle has no such move from the present state."""


class OutOfStock(Conflict):
    """Fewer packs are left than asked for. `details["left"]` is their number."""


class ConfigurationError(Exception):
    """The program is configured wrongly and must not start. The message says what to set."""
