"""What gunicorn does in our way: how it stops, what it answers itself, and what it says.

Settings are in gunicorn.conf.py.
"""

from __future__ import annotations

import contextlib
import logging
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from gunicorn import glogging, util

from ovop_market.operations import receiving
from ovop_market.web import plain_errors
from ovop_market.web.logs import log, places_of


class Polite:
    """Mixed into gunicorn's threaded worker."""

    alive: bool
    app: Any
    log: Any
    nr_conns: int
    sockets: Any
    pending_conns: Any
    worker_connections: int
    _accepting: bool

    def set_accept_enabled(self, enabled: bool) -> None:
        """Told to stop, it takes who is waiting at the door and closes it: who comes then is
        refused, and asks again when the market is up, instead of being let wait for nothing."""
        if not enabled and not self.alive and self._accepting:
            for listener in self.sockets:
                while select.select([listener], [], [], 0)[0] and self._more():
                    self.accept(listener)  # type: ignore[attr-defined]
        super().set_accept_enabled(enabled)  # type: ignore[misc]
        if not self.alive:
            for listener in self.sockets:
                listener.close()

    def _more(self) -> bool:
        return self.nr_conns < self.worker_connections

    def _cap_keepalive(self, deadline: float) -> None:
        """Who has not said anything yet is not waited for when it stops, no more than who has been
        answered."""
        super()._cap_keepalive(deadline)  # type: ignore[misc]
        for connection in self.pending_conns:
            connection.timeout = min(connection.timeout, deadline)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """What is no request is answered in the site's own look, and logged without the address
        and the words of whoever sent it: both may be a person's."""
        said = Said()
        with self.log.silence():
            super().handle_error(req, said, addr, exc)  # type: ignore[misc]
        status = said.status
        tell = log.warning if status < 500 else log.error
        tell("no request", status=status, error=type(exc).__name__, places=places_of(exc)[-1:])
        with contextlib.suppress(OSError):
            util.write_nonblock(client, self.answer_to(HTTPStatus(status)))

    def refuse(self, connection: receiving.Connection, status: HTTPStatus) -> None:
        """What was seen to be no request before a thread had it is logged like that too; whoever
        was only slow is not."""
        if status is not HTTPStatus.REQUEST_TIMEOUT:
            log.warning("no request", status=status.value, error=receiving.Refused.__name__)
        super().refuse(connection, status)  # type: ignore[misc]

    def answer_to(self, status: HTTPStatus) -> bytes:
        """What somebody reads whose request never came to the application."""
        return plain_errors.whole_answer(self.app.wsgi(), status)


class Worker(Polite, receiving.Worker):
    """What serves: it receives whole requests, and stops without turning anybody away."""


class Said:
    """Takes what gunicorn would have answered."""

    status = 500

    def settimeout(self, _seconds: float | None) -> None:
        """It waits for nobody."""

    def setblocking(self, _flag: bool) -> None:
        """It waits for nobody."""

    def gettimeout(self) -> float | None:
        return None

    def sendall(self, sent: bytes) -> None:
        self.status = int(sent.split(b" ", 2)[1])

    def fileno(self) -> int:
        return -1


class Log(glogging.Logger):  # type: ignore[misc]
    """gunicorn's own words, as lines of the application's log. They are logged as they stand in its
    source: what is filled in may be an address or a request's line."""

    _silenced = threading.local()

    @contextmanager
    def silence(self) -> Iterator[None]:
        """What this thread says meanwhile is not logged."""
        self._silenced.now = True
        try:
            yield
        finally:
            self._silenced.now = False

    @property
    def quiet(self) -> bool:
        return getattr(self._silenced, "now", False)

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers = [_Hearing(self)]


class _Hearing(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        if self._log.quiet:
            return
        error = record.exc_info[1] if record.exc_info else None
        more = {"error": type(error).__name__, "places": places_of(error)} if error else {}
        numbers = [of for of in record.args or () if isinstance(of, int)]
        tell = log.error if record.levelno >= logging.ERROR else log.warning
        tell("server", message=str(record.msg), numbers=numbers, **more)
