"""Pages and their forms, found by following links, and filled in as a person would."""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.exceptions import HTTPException

from ovop_market.core import clock
from tests.factories import BANDUNG

# Pages of one kind that are looked at: the first ones differ most.
ALIKE = 3
MOST_PAGES = 160
# Where there is nothing to fill in, or what ends the visit.
NOT_FOLLOWED = ("/assets/", "/media/", "/en", "/sign-out", "/api/", "/sw.js", "/data")
_FILES = re.compile(r"\.(csv|xlsx|pdf|png|xml|txt|webmanifest)$|/photos/|/proof$|/file$")


CONTROLS = ("input", "textarea", "select", "button")
TEXTS = ("textarea", "select")


@dataclass(frozen=True, slots=True)
class Input:
    """A control: its name, what kind it is, and the values that it offers or holds."""

    name: str
    kind: str
    value: str = ""
    offers: tuple[str, ...] = ()
    required: bool = False
    least: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it stands on a page, with the controls that a person may change."""

    page: str
    method: str
    action: str
    endpoint: str
    inputs: tuple[Input, ...]
    files: bool = False

    @property
    def name(self) -> str:
        return f"{self.endpoint} ({', '.join(i.name for i in self.inputs)[:60]})"

    @property
    def texts(self) -> bool:
        """Whether it takes texts, which might be cut off."""
        return any(i.kind in ("text", "textarea", "search") for i in self.inputs)

    def filled(self) -> list[tuple[str, Any]]:
        """What a person sends who fills in all of it."""
        return [(i.name, value) for i in self.inputs if (value := filling(i)) is not None]


@dataclass
class _Draft:
    method: str
    action: str
    files: bool
    inputs: dict[str, Input] = field(default_factory=dict)


class _Reader(HTMLParser):
    """Links and forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[_Draft] = []
        self._by_id: dict[str, _Draft] = {}
        self._open: _Draft | None = None
        self._select: tuple[_Draft, str] | None = None
        self._text: tuple[_Draft, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in a:
            self.links.append(a["href"])
        elif tag == "form":
            self._open = _Draft(
                a.get("method", "get").upper(), a.get("action", ""), "multipart" in str(a)
            )
            self.forms.append(self._open)
            self._by_id[a.get("id", "")] = self._open
        form = self._by_id.get(a["form"]) if "form" in a else self._open
        if form is None:
            return
        if tag == "button":
            a["type"] = a.get("type", "submit")
        if tag in CONTROLS and a.get("name") and "disabled" not in a:
            self._add(form, tag, a)
        elif tag == "option" and self._select and "disabled" not in a:
            draft, name = self._select
            found = draft.inputs[name]
            draft.inputs[name] = replace(found, offers=(*found.offers, a.get("value", "")))

    def _add(self, form: _Draft, tag: str, a: dict[str, str]) -> None:
        name, kind = a["name"], a.get("type", tag if tag in TEXTS else "text")
        made = Input(name, kind, a.get("value", ""), (), "required" in a, a.get("min", ""))
        if kind in ("button", "image", "reset") or (kind == "submit" and name in form.inputs):
            return
        if kind in ("radio", "checkbox"):
            known = form.inputs.get(name, replace(made, value=""))
            chosen = made.value if "checked" in a else known.value
            made = replace(known, value=chosen, offers=(*known.offers, made.value or "on"))
        form.inputs[name] = made
        if tag == "select":
            self._select = (form, name)
        if tag == "textarea":
            self._text = (form, name)

    def handle_data(self, data: str) -> None:
        if self._text:
            form, name = self._text
            form.inputs[name] = replace(
                form.inputs[name], value=form.inputs[name].value + data.lstrip("\n")
            )

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._text = None


def read(page: str, body: str, app: Flask) -> tuple[list[str], list[Form]]:
    """The links and forms of a page of this site."""
    reader = _Reader()
    reader.feed(body)
    forms = []
    for draft in reader.forms:
        action = draft.action or page
        endpoint = endpoint_of(app, draft.method, action)
        if endpoint:
            inputs = tuple(draft.inputs.values())
            forms.append(Form(page, draft.method, action, endpoint, inputs, draft.files))
    return reader.links, forms


def endpoint_of(app: Flask, method: str, address: str) -> str:
    """The view behind an address; empty for what is none of ours."""
    parts = urlsplit(address)
    if parts.netloc or parts.scheme:
        return ""
    try:
        endpoint, _arguments = app.url_map.bind("localhost").match(parts.path, method=method)
    except HTTPException:
        return ""
    return str(endpoint)


def crawl(app: Flask, client: FlaskClient, starts: Sequence[str]) -> Iterator[list[Form]]:
    """The forms of each page, from link to link; of pages of one kind only the first ones."""
    waiting, seen, kinds = deque(starts), set(starts), dict[tuple[str, ...], int]()
    pages = 0
    while waiting and pages < MOST_PAGES:
        page = waiting.popleft()
        answer = client.get(page)
        assert answer.status_code < 500, (page, answer.status_code)
        if answer.mimetype != "text/html" or answer.status_code != 200:
            continue
        pages += 1
        links, forms = read(page, answer.get_data().decode("utf-8", "replace"), app)
        yield forms
        for link in links:
            parts = urlsplit(link)
            address = (parts.path or page) + (f"?{parts.query}" if parts.query else "")
            endpoint = endpoint_of(app, "GET", address) if not parts.netloc else ""
            left_out = address.startswith(NOT_FOLLOWED) or _FILES.search(parts.path)
            if not endpoint or left_out or address in seen:
                continue
            kind = (endpoint, *sorted({name for name, _value in parse_qsl(parts.query)}))
            if kinds.get(kind, 0) < ALIKE:
                kinds[kind] = kinds.get(kind, 0) + 1
                seen.add(address)
                waiting.append(address)


def kind_of(name: str) -> str:
    """The name of a field without what it is about: one of many of its kind."""
    return re.sub(r"\d+|(?<=^delivery-).*", "#", name)


def forms_of(app: Flask, client: FlaskClient, starts: Sequence[str]) -> list[Form]:
    """The forms of all pages, each once: forms are alike that have one view and the same fields."""
    found: dict[tuple[str, ...], Form] = {}
    for forms in crawl(app, client, starts):
        for form in forms:
            names = dict.fromkeys(kind_of(i.name) for i in form.inputs)
            found.setdefault((form.endpoint, form.method, *names), form)
    return list(found.values())


# Buttons that ask for another page before the form is sent.
LEFT_ALONE = ("find_region", "update")
# What a person writes, by the name of the field; else by its kind.
_WRITTEN = {
    "phone": "0812-3456-7890",
    "email": "sari@ovop.example",
    "login": "sari@ovop.example",
    "password": "kata-sandi-panjang-77",
    "postal_code": "40131",
    "region_code": BANDUNG,
    "q": "udang",
    "nib": "1234567890123",
    "tracking_number": "JP1234567",
    "courier": "JNE",
    "consent": "1",
    "reference": "BCA Sari",
    "days_to": "9",
}
_BY_KIND = {"number": "3", "tel": "0812-3456-7890", "email": "sari@ovop.example"}


def filling(control: Input) -> Any:
    """A value for a control, or None where a person leaves it alone."""
    offers = [offer for offer in control.offers if offer]
    match control.kind:
        case "hidden" | "submit":
            return None if control.name in LEFT_ALONE else control.value
        case "radio" | "select":
            return control.value or next(iter(offers), "")
        case "checkbox":
            return offers[0] if control.required or control.name == "consent" else control.value
        case "file":
            return photo()
        case "date":
            later = clock.wib_date(clock.now()) + timedelta(days=3)
            return control.value or control.least or later.isoformat()
        case "number":
            return control.value or control.least or "3"
    written = _WRITTEN.get(control.name) or _BY_KIND.get(control.kind)
    return control.value or written or f"Contoh {control.name}"[:40]


def photo() -> tuple[io.BytesIO, str]:
    """A small picture, as a file field sends it."""
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "JPEG")
    file.seek(0)
    return file, "foto.jpg"
