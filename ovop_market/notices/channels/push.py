"""Web Push (RFC 8030, 8291, 8292): to the browsers of those who asked for it.

An endpoint comes from a visitor's browser, so it is believed only if it is at a push service that
browsers really use: our server asks no other address in a visitor's name.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from datetime import timedelta
from email.utils import parseaddr
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ovop_market.core.errors import ConfigurationError
from ovop_market.core.tokens import digest
from ovop_market.notices.channels import SECONDS, Browser, Outgoing
from ovop_market.notices.states import DELIVERED, GONE, Failure, Outcome, later, never

# The push services of Chrome and its relatives, Firefox, Edge, Safari; and of whom everything
# below the name belongs to them.
HOSTS = frozenset({"fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com"})
DOMAINS = (".push.services.mozilla.com", ".notify.windows.com", ".push.apple.com")
LONGEST_ENDPOINT = 1000  # characters
# How long a push service keeps a message for a phone that is off; then the list has it anyway.
KEPT = timedelta(hours=24)
LONGEST_WAIT = timedelta(hours=12)
_CURVE = ec.SECP256R1()
_KEY_BYTES, _POINT_BYTES, _AUTH_BYTES = 32, 65, 16
_GONE = frozenset({404, 410})
_NOT_NOW = frozenset({408, 425, 429})


def _decoded(text: str) -> bytes:
    """Base64url with or without padding. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def public_key(private_key: str) -> str:
    """What browsers need to subscribe: the public half of the VAPID key, in base64url.

    Raises ConfigurationError unless the private half is 32 bytes of base64url.
    """
    try:
        raw = _decoded(private_key)
        if len(raw) != _KEY_BYTES:
            raise ValueError
        key = ec.derive_private_key(int.from_bytes(raw, "big"), _CURVE)
    except (ValueError, binascii.Error):
        raise ConfigurationError(
            "OVOP_VAPID_KEY must be a P-256 private key: 32 bytes in base64url"
        ) from None
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return _encoded(point)


# Labels of a name as it can be looked up (RFC 1035).
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def is_push_service(endpoint: str) -> bool:
    """Whether an endpoint is an https address at a push service, and nothing but that."""
    if len(endpoint) > LONGEST_ENDPOINT or not endpoint.isascii() or not endpoint.isprintable():
        return False
    if " " in endpoint or "\\" in endpoint:
        return False
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = parts.netloc.lower() == host and port is None and "@" not in parts.netloc
    known = _HOST.fullmatch(host) and (host in HOSTS or host.endswith(DOMAINS))
    return parts.scheme == "https" and plain and bool(known) and len(parts.path) > 1


def are_keys(p256dh: str, auth: str) -> bool:
    """Whether these are a browser's keys: a point of the curve, and 16 bytes."""
    try:
        point, secret = _decoded(p256dh), _decoded(auth)
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)
    except (ValueError, binascii.Error):
        return False
    return len(point) == _POINT_BYTES and len(secret) == _AUTH_BYTES


def payload(outgoing: Outgoing) -> str:
    """What the phone shows: what is to be done, and where; nobody's name, no amount."""
    message = outgoing.message
    return json.dumps(
        {
            "title": message.subject,
            "body": message.todo,
            "path": message.path,
            "lang": outgoing.language,
            # A notice that comes twice replaces itself.
            "tag": outgoing.name,
        },
        ensure_ascii=False,
    )


class Pusher:
    """Entered for a batch. A push service that is out of reach is asked once in it."""

    def __init__(
        self, vapid_key: str, mail_from: str, trusted: Callable[[str], bool] = is_push_service
    ) -> None:
        self._key = vapid_key
        self._subject = f"mailto:{parseaddr(mail_from)[1]}"
        self._trusted = trusted
        self._session: Any = None
        self._down: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def send(self, outgoing: Outgoing) -> Outcome:
        """Hands one message to its push service."""
        browser = outgoing.browser
        if browser is None or not self._trusted(browser.endpoint):
            return never(Failure.ADDRESS)
        host = urlsplit(browser.endpoint).netloc
        if host in self._down:
            return later(Failure.UNREACHABLE)
        try:
            answer = self._post(browser, outgoing)
        except OSError:
            # All that requests raises is one.
            self._down.add(host)
            return later(Failure.UNREACHABLE)
        return _outcome(answer.status_code, answer.headers.get("Retry-After", ""))

    def _post(self, browser: Browser, outgoing: Outgoing) -> Any:
        # Slow to import, and of no use to a process that sends nothing.
        from py_vapid import Vapid02
        from pywebpush import WebPusher

        if self._session is None:
            self._session = _direct_session()
        origin = urlsplit(browser.endpoint)
        claims = {"sub": self._subject, "aud": f"{origin.scheme}://{origin.netloc}"}
        pusher = WebPusher(
            {
                "endpoint": browser.endpoint,
                "keys": {"p256dh": browser.p256dh, "auth": browser.auth},
            },
            requests_session=self._session,
        )
        return pusher.send(
            payload(outgoing),
            headers={
                **Vapid02.from_raw(self._key.encode("ascii")).sign(claims),
                "Urgency": "high",
                # A service keeps one message of a topic for a phone that is off.
                "Topic": digest(outgoing.name)[:32],
            },
            ttl=int(KEPT.total_seconds()),
            timeout=SECONDS,
        )


def _direct_session() -> Any:
    """Follows no redirect: it might lead anywhere."""
    import requests

    class Direct(requests.Session):
        def post(self, *args: Any, **values: Any) -> requests.Response:
            return super().post(*args, **{**values, "allow_redirects": False})

    return Direct()


def _outcome(status: int, retry_after: str) -> Outcome:
    if status in range(200, 300):
        return DELIVERED
    if status in _GONE:
        return GONE
    if status in _NOT_NOW or status >= 500:
        seconds = int(retry_after) if retry_after.isascii() and retry_after.isdecimal() else 0
        after = min(timedelta(seconds=min(seconds, 10**6)), LONGEST_WAIT)
        return later(Failure.NOT_NOW, status, after)
    return never(Failure.REFUSED, status)
