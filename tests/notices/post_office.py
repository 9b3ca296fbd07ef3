"""A real SMTP server on this machine that keeps what it gets, and refuses what it is told to."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.process.server import HOST, free_port

Answer = str | None


class PostOffice:
    """Entered to be open. `refuse` answers a recipient with a line of SMTP, or None to take it;
    `refuse_data` does so when the message has been read."""

    def __init__(
        self,
        *,
        password: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        seconds: float = 0,
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.connections = 0
        # Of each message: whether it came by TLS.
        self.encrypted: list[bool] = []
        self.refuse: Callable[[str], Answer] = lambda _address: None
        self.refuse_data: Callable[[], Answer] = lambda: None
        self._lock = threading.Lock()
        self._seconds = seconds
        self._password, self._tls = password, tls
        self._controller: Controller | None = None
        self.port = free_port()

    def __enter__(self) -> Self:
        more: dict[str, Any] = {"tls_context": self._tls}
        if self._password is not None:
            more |= {
                "authenticator": self._authenticate,
                "auth_required": True,
                # Loopback: nobody listens.
                "auth_require_tls": False,
            }
        self._controller = Controller(self, hostname=HOST, port=self.port, **more)
        self._controller.start()
        return self

    def __exit__(self, *_error: object) -> None:
        assert self._controller is not None
        self._controller.stop()

    @property
    def url(self) -> str:
        return f"smtp://{HOST}:{self.port}"

    def to(self, address: str) -> list[EmailMessage]:
        """What came for an address."""
        return [mail for mail in self.mails if mail["To"] == address]

    def subjects(self, address: str) -> list[str]:
        return [str(mail["Subject"]) for mail in self.to(address)]

    def counted(self) -> Counter[str]:
        """How often each Message-ID has come."""
        return Counter(str(mail["Message-ID"]) for mail in self.mails)

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        said = (given.login.decode(), given.password.decode())
        right = said == self._password
        # Not handled: the server itself says no.
        return AuthResult(success=right, handled=right)

    async def handle_EHLO(
        self,
        _server: SMTP,
        session: Session,
        _envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_RCPT(
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        refused = self.refuse(address)
        if refused is not None:
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self._seconds)
        refused = self.refuse_data()
        if refused is not None:
            return refused
        mail = message_from_bytes(bytes(envelope.content or b""), policy=default)
        assert isinstance(mail, EmailMessage)
        with self._lock:
            self.mails.append(mail)
            self.encrypted.append(session.ssl is not None)
            self.envelopes.append((envelope.mail_from or "", list(envelope.rcpt_tos)))
        return "250 taken"


def plain(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def rich(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def wait_until(happened: Callable[[], bool], seconds: float = 30) -> None:
    """Raises AssertionError if it does not happen in time."""
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
