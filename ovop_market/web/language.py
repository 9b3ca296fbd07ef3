"""Two languages, two addresses: Indonesian at the root, English for the same page under /en.

A page's language is part of its address, so public pages need no cookie and caches need no Vary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

from flask import Flask, request
from flask_babel import force_locale

from ovop_market.extensions import babel
from ovop_market.web.hosts import public_root

DEFAULT, OTHER = "id", "en"
PREFIX = f"/{OTHER}"
# What may stand in a path as it is (RFC 3986).
_PATH = "/:@!$&'()*+,;=~-._"
NAMES = {"id": "Bahasa Indonesia", "en": "English"}


class LanguagePrefix:
    """WSGI: moves a leading /en from the path to the script name; url_for then keeps it."""

    def __init__(self, wrapped: Callable[..., Iterable[bytes]]) -> None:
        self.wrapped = wrapped

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == PREFIX or path.startswith(PREFIX + "/"):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + PREFIX
            environ["PATH_INFO"] = path[len(PREFIX) :] or "/"
            environ["ovop.language"] = OTHER
        return self.wrapped(environ, start_response)


_spoken: ContextVar[str | None] = ContextVar("spoken", default=None)


def current() -> str:
    """The language that is spoken here; else that of this request (`id` outside of one)."""
    spoken = _spoken.get()
    if spoken is not None:
        return spoken
    return str(request.environ.get("ovop.language", DEFAULT)) if request else DEFAULT


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Within, texts are in this language: those for somebody else than the reader of this page,
    and those that are written outside of any request."""
    token = _spoken.set(code if code in NAMES else DEFAULT)
    try:
        with force_locale(current()):
            yield
    finally:
        _spoken.reset(token)


def _addresses() -> dict[str, str]:
    """This page's address in each language, for the switch and for search engines."""
    if request.method not in ("GET", "HEAD"):
        # The target of a form: nothing is there to be read in another language.
        return {DEFAULT: "/", OTHER: f"{PREFIX}/"}
    query = request.query_string.decode("latin-1")
    tail = quote(request.path, safe=_PATH) + (f"?{query}" if query else "")
    root = request.script_root.removesuffix(PREFIX)
    return {DEFAULT: root + tail, OTHER: root + PREFIX + tail}


def _context() -> dict[str, Any]:
    here = current()
    there = OTHER if here == DEFAULT else DEFAULT
    addresses = _addresses()
    return {
        "html_lang": here,
        "site_root": public_root(),
        "language_urls": {code: public_root() + a for code, a in addresses.items()},
        "canonical_url": public_root() + addresses[here],
        "other_language": there,
        "other_language_url": addresses[there],
        "other_language_name": NAMES[there],
    }


def init_app(app: Flask) -> None:
    """Chooses the language of messages, dates and figures."""
    babel.init_app(app, locale_selector=current)
    app.wsgi_app = LanguagePrefix(app.wsgi_app)  # type: ignore[method-assign]
    app.context_processor(_context)
