"""What all messages have, and the addresses in them: nobody's request is at hand when a notice is
written, so an address is made from PUBLIC_URL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.routing import MapAdapter

from ovop_market.web import language

# Where `make run` serves, if nothing says what the site is called.
USUAL_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Message:
    """A message in the reader's language.

    `subject` and `todo` (what it means for the reader, in a sentence or two) name no person, no
    amount and no secret: they are all that a phone shows on its locked screen. `rows` are labels
    with values. `link` may be secret; `path` is where a phone goes when the notice is tapped.
    """

    subject: str
    todo: str
    link: str
    path: str
    button: str
    rows: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """What differs between messages."""

    subject: str
    todo: str
    rows: Sequence[tuple[str, str]] = field(default=())
    notes: Sequence[str] = field(default=())
    button: str = ""


class Links:
    """Addresses of our pages in one language."""

    def __init__(self, app: Flask, public_url: str, code: str) -> None:
        parts = urlsplit(public_url or USUAL_URL)
        prefix = language.PREFIX if code == language.OTHER else ""
        self._adapter: MapAdapter = app.url_map.bind(
            parts.netloc, script_name=parts.path + prefix + "/", url_scheme=parts.scheme
        )

    def to(self, endpoint: str, **values: Any) -> str:
        """`https://name/en/…`"""
        return self._adapter.build(endpoint, values, force_external=True)

    def path(self, endpoint: str, **values: Any) -> str:
        """`/en/…`"""
        return self._adapter.build(endpoint, values)
