"""Which names the site answers to: checked before anything else looks at the request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, request

from ovop_market.web.headers import POLICY

# A name or an IPv4 address with short, plain labels, or a bracketed IPv6 address; then a port.
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?::[0-9]{1,5})?"
    r"|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?"
)
# Monitors on the machine itself ask under these, whatever the public name is.
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})


def name_in(host: str) -> str:
    """The name in a Host header, without its port."""
    return (host if host.endswith("]") else host.rpartition(":")[0] or host).lower()


def _is_address(host: str) -> bool:
    """Whether what stands in brackets, if anything does, is an IPv6 address: the pattern lets
    through what only looks like one, and urlsplit would raise on it with every address made."""
    if not host.startswith("["):
        return True
    try:
        IPv6Address(name_in(host)[1:-1])
    except ValueError:
        return False
    return True


def is_local(host: str) -> bool:
    """Whether a Host header names the machine itself."""
    return name_in(host) in _LOCAL


def public_root() -> str:
    """`https://name` of the site: the configured one, or the name under which it was asked."""
    configured: str = current_app.config["OVOP"].public_url
    return configured or request.host_url.rstrip("/")


class KnownHosts:
    """WSGI: answers 400 to a Host header that is malformed or, where PUBLIC_URL says what the
    site is called, another's."""

    def __init__(
        self,
        wrapped: Callable[..., Iterable[bytes]],
        public_url: str,
        refusal: Callable[[], str],
    ) -> None:
        self.wrapped = wrapped
        self._refusal = refusal
        self.name = (urlsplit(public_url).hostname or "") if public_url else ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self._known(environ.get("HTTP_HOST", "")):
            return self.wrapped(environ, start_response)
        body = self._refusal().encode()
        start_response(
            "400 BAD REQUEST",
            [
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
                ("Content-Security-Policy", POLICY),
                ("Referrer-Policy", "no-referrer"),
                ("X-Content-Type-Options", "nosniff"),
            ],
        )
        return [body]

    def _known(self, host: str) -> bool:
        if not _HOST.fullmatch(host) or "xn--" in host.lower() or not _is_address(host):
            return False
        return not self.name or is_local(host) or name_in(host) == self.name


def init_app(app: Flask) -> None:
    """Wraps everything else."""
    from ovop_market.web import plain_errors

    @cache
    def refusal() -> str:
        return plain_errors.page(
            app, 400, f"/assets/{app.extensions['assets']['css/site.css'].address}"
        )

    app.wsgi_app = KnownHosts(  # type: ignore[method-assign]
        app.wsgi_app, app.config["OVOP"].public_url, refusal
    )
