"""How messages leave the house. A channel is given what is ready to be sent: it reads no database,
and no transaction is open while it waits for somebody else's server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from ovop_market.notices.states import Failure, Outcome
from ovop_market.notices.texts import Message

# How long somebody else's server may be silent.
SECONDS = 10


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a push goes, and the keys with which only that browser reads it."""

    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way to one recipient. `name` is the same however often it is sent."""

    notice_id: int
    name: str
    message: Message
    language: str
    at: datetime
    # The name with which the reader is greeted; the address (e-mail) or the browser (push).
    reader: str = ""
    address: str = ""
    browser: Browser | None = None


class ChannelDown(Exception):
    """Nothing can be sent this way at the moment. `failure` and `code` say why."""

    def __init__(self, failure: Failure, code: int = 0) -> None:
        super().__init__(str(failure))
        self.failure, self.code = failure, code


class Courier(Protocol):
    """Sends messages one after the other; entered and left once for a batch."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def send(self, outgoing: Outgoing) -> Outcome:
        """Hands one message over. Raises ChannelDown when the others need not be tried either."""
        ...
