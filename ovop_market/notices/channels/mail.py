"""E-mail by SMTP: one connection for a batch, plain text and HTML, encrypted where it can be."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from flask import Flask
from flask_babel import gettext as _

from ovop_market.core.errors import ConfigurationError
from ovop_market.notices.channels import SECONDS, ChannelDown, Outgoing
from ovop_market.notices.states import DELIVERED, Failure, Outcome, later, never
from ovop_market.web.language import speaking

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"smtp": 25, "smtps": 465}
# Answers by which a server says that it is the address, not the message, that it does not take.
_NO_SUCH_ADDRESS = range(500, 600)


@dataclass(frozen=True, slots=True)
class Server:
    """Where SMTP_URL points: smtp:// (STARTTLS where it is offered) or smtps://."""

    host: str
    port: int
    encrypted: bool
    user: str
    password: str

    @property
    def near(self) -> bool:
        """Whether it is on this machine, where nobody listens on the way."""
        return self.host in _LOOPBACK


def server_of(url: str) -> Server:
    """The server of an SMTP_URL; user and password are percent-decoded. Raises
    ConfigurationError."""
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise ConfigurationError("SMTP_URL must look like smtp://user:password@host:587") from None
    return Server(
        host=parts.hostname or "",
        port=port,
        encrypted=parts.scheme == "smtps",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


class Mailer:
    """Entered for a batch: it connects for the first message, and again after a lost connection."""

    def __init__(self, app: Flask, url: str, mail_from: str) -> None:
        self._app, self._server = app, server_of(url)
        self._from = mail_from
        self._sender = parseaddr(mail_from)[1]
        self._connection: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._connection.quit()
        self._forget()

    def send(self, outgoing: Outgoing) -> Outcome:
        """Hands one message to the server. Raises ChannelDown when it cannot be reached."""
        try:
            mail = compose(self._app, self._from, outgoing)
        except ValueError:
            # A line break where none may be, an address that is none: it could only go astray.
            return never(Failure.ADDRESS)
        connection = self._connection or self._connect()
        try:
            connection.send_message(mail, self._sender, [outgoing.address])
        except smtplib.SMTPRecipientsRefused as refused:
            code, _text = next(iter(refused.recipients.values()))
            outcome = _refused(code, Failure.ADDRESS)
        except smtplib.SMTPSenderRefused as refused:
            # About us, not about this reader: somebody will have to set it right.
            outcome = later(Failure.REFUSED, refused.smtp_code)
        except smtplib.SMTPDataError as refused:
            outcome = _refused(refused.smtp_code, Failure.CONTENT)
        except smtplib.SMTPNotSupportedError:
            outcome = never(Failure.ADDRESS)
        except (OSError, smtplib.SMTPException):
            # Lost in the middle: whether it got through is not known, so it is sent again.
            self._forget()
            return later(Failure.UNREACHABLE)
        else:
            return DELIVERED
        if connection.sock is None:
            # smtplib hangs up when the server says that it is going (421).
            self._connection = None
        return outcome

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        context = ssl.create_default_context()
        if server.near:
            # A mail server of this machine signs its certificate itself.
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            if server.encrypted:
                connection: smtplib.SMTP = smtplib.SMTP_SSL(
                    server.host, server.port, timeout=SECONDS, context=context
                )
            else:
                connection = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
        except (OSError, smtplib.SMTPException):
            raise ChannelDown(Failure.UNREACHABLE) from None
        self._connection = connection
        try:
            self._sign_in(connection, context)
        except smtplib.SMTPAuthenticationError as refused:
            self._forget()
            raise ChannelDown(Failure.SIGN_IN, refused.smtp_code) from None
        except (OSError, smtplib.SMTPException):
            self._forget()
            raise ChannelDown(Failure.UNREACHABLE) from None
        return connection

    def _sign_in(self, connection: smtplib.SMTP, context: ssl.SSLContext) -> None:
        server = self._server
        connection.ehlo()
        encrypted = server.encrypted
        if not encrypted and connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
            encrypted = True
        if server.user:
            if not encrypted and not server.near:
                raise smtplib.SMTPException("a password is not sent where others can read it")
            connection.login(server.user, server.password)

    def _forget(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
        self._connection = None


def _refused(code: int, failure: Failure) -> Outcome:
    """5xx is for good; anything else may pass."""
    return never(failure, code) if code in _NO_SUCH_ADDRESS else later(Failure.NOT_NOW, code)


def compose(app: Flask, mail_from: str, outgoing: Outgoing) -> EmailMessage:
    """The e-mail. Raises ValueError for an address or a subject that no header may hold."""
    message = outgoing.message
    mail = EmailMessage(SMTP_POLICY)
    mail["From"] = mail_from
    mail["To"] = outgoing.address
    if len(mail["To"].addresses) != 1 or mail["To"].addresses[0].addr_spec != outgoing.address:
        raise ValueError("not one address")
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(outgoing.at)
    # The same for every try, so that a mail program shows what came twice once.
    host = parseaddr(mail_from)[1].rpartition("@")[2]
    mail["Message-ID"] = f"<{outgoing.name}@{host}>"
    # RFC 3834: no out-of-office answer to this.
    mail["Auto-Submitted"] = "auto-generated"
    with speaking(outgoing.language):
        values = {"message": message, "hello": _greeting(outgoing), "lang": outgoing.language}
        plain = app.jinja_env.get_template("notices/mail.txt").render(values)
        rich = app.jinja_env.get_template("notices/mail.html").render(values)
    mail.set_content(plain, cte="quoted-printable")
    mail.add_alternative(rich, subtype="html", cte="quoted-printable")
    mail["Content-Language"] = outgoing.language
    return mail


def _greeting(outgoing: Outgoing) -> str:
    return _("Halo %(name)s,", name=outgoing.reader) if outgoing.reader else _("Halo,")
