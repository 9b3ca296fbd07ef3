"""A test client that reads like a browser and complains like a validator.

Every HTML page that a test fetches is checked: valid HTML5, one h1, one main, a language, a label
on every field, no duplicate id, no inline script or style, nothing loaded from elsewhere.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ovop_market.extensions import db

_NAMESPACE = "{http://www.w3.org/1999/xhtml}"
_UNLABELLED = {"hidden", "submit", "button", "image", "reset"}


class CheckingClient(FlaskClient):
    """Checks what it fetches, and can fill in forms."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        # The test's own transaction ends here: what it has made is there for the request, and
        # what the request does is there for the test.
        db.session.commit()
        # A context of its own: inside the test's, requests would share `g`, and with it users.
        with self.application.app_context():
            response = super().open(*args, **kwargs)
        redirected = 300 <= response.status_code < 400
        if response.mimetype == "text/html" and not redirected and not response.content_encoding:
            body = response.get_data(as_text=True)
            if body:
                check_html(body, whole="<html" in body[:200])
        return response

    def csrf(self, page: str) -> str:
        """The token in the forms of a page."""
        return token_in(self.get(page).get_data(as_text=True))

    def send(self, page: str, action: str, **fields: Any) -> TestResponse:
        """Posts to `action` with the token that stands on `page`."""
        return self.post(action, data={"csrf_token": self.csrf(page), **fields})


def token_in(body: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', body)
    assert found, "there is no form with a token on this page"
    return found.group(1)


def words(body: str) -> str:
    """What people read of a page, without the tags. What is in these is made up of anything: a
    token may hold whatever short word a test looks for."""
    return re.sub(r"<[^>]*>", " ", body)


def value_of(body: str, name: str) -> str:
    """The value of the first input of this name."""
    for tag in re.findall(r"<input[^>]*>", body):
        if f'name="{name}"' in tag:
            found = re.search(r'value="([^"]*)"', tag)
            return found.group(1) if found else ""
    raise AssertionError(f"there is no input {name}")


# What differs between pages of one kind and cannot make one of them wrong: words without any sign
# that means something in HTML, what fields and pictures hold, and addresses on this site.
_PLAIN = r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff<>&\"'=]"
_WORDS = re.compile(rf">\s*(?!\s)({_PLAIN}+)<")
_HELD = re.compile(
    rf'\b(value|datetime|data-[a-z-]+|class|title|width|height|x|y|d|viewBox)="{_PLAIN}*"'
)
_CHOSEN = re.compile(r" (?:selected|checked|open)(?=>)")
_ADDRESS = re.compile(
    rf'\b(href|src|action|hx-get|hx-post)="((?:http://localhost)?/)(?!/)(?:{_PLAIN}|=|&amp;)*"'
)
_fine: set[int] = set()


def check_html(body: str, *, whole: bool) -> None:
    """Raises AssertionError with what is wrong. A page like one that has passed is not read again:
    reading one takes as long as making it."""
    kind = _HELD.sub(r"\1", _WORDS.sub(">x<", body))
    known = hash(_ADDRESS.sub(r'\1="\2"', _CHOSEN.sub("", kind)))
    if known not in _fine:
        _check(body, whole=whole)
        _fine.add(known)


def _check(body: str, *, whole: bool) -> None:
    parser = html5lib.HTMLParser(strict=False)
    root = parser.parse(body) if whole else parser.parseFragment(body, container="div")
    wrong = [
        f"{place}: {code} {details}"
        for place, code, details in parser.errors
        if whole or code != "expected-doctype-but-got-start-tag"
    ]
    elements = [e for e in root.iter() if isinstance(e.tag, str)]
    wrong += _ids(elements) + _fields(elements) + _inline(elements) + _foreign(elements)
    if whole:
        wrong += _skeleton(elements)
    assert not wrong, "\n".join([*wrong[:12], body[:400]])


def _tag(element: Element) -> str:
    return element.tag.removeprefix(_NAMESPACE)


def _ids(elements: list[Element]) -> list[str]:
    counted = Counter(e.get("id") for e in elements if e.get("id") is not None)
    return [f"id {name!r} stands {n} times" for name, n in counted.items() if n > 1 or not name]


def _fields(elements: list[Element]) -> list[str]:
    labels = {e.get("for") for e in elements if _tag(e) == "label"} - {None}
    inside = {
        id(child) for e in elements if _tag(e) == "label" for child in e.iter() if child is not e
    }
    wrong = []
    for e in elements:
        field = _tag(e) in ("select", "textarea") or (
            _tag(e) == "input" and e.get("type") not in _UNLABELLED
        )
        if field and not (
            e.get("id") in labels
            or id(e) in inside
            or e.get("aria-label")
            or e.get("aria-labelledby")
        ):
            wrong.append(f"{_tag(e)} {e.get('name')!r} has no label")
        if _tag(e) == "img" and e.get("alt") is None:
            wrong.append(f"picture without alt: {e.get('src')}")
        if _tag(e) == "form" and e.get("action", "").startswith("http"):
            wrong.append(f"form to another site: {e.get('action')}")
    return wrong


def _inline(elements: list[Element]) -> list[str]:
    wrong = []
    for e in elements:
        if e.get("style") is not None or _tag(e) == "style":
            wrong.append(f"inline style on {_tag(e)}")
        if _tag(e) == "script" and e.get("src") is None:
            wrong.append("inline script")
        wrong += [f"{name} on {_tag(e)}" for name in e.attrib if name.lower().startswith("on")]
    return wrong


def _foreign(elements: list[Element]) -> list[str]:
    loading = {"script": "src", "img": "src", "link": "href", "source": "srcset", "iframe": "src"}
    wrong = []
    for e in elements:
        address = e.get(loading.get(_tag(e), ""), "")
        linked = _tag(e) == "link" and e.get("rel") in ("canonical", "alternate")
        if address.startswith(("http:", "https:", "//")) and not linked:
            wrong.append(f"{_tag(e)} is loaded from elsewhere: {address}")
    return wrong


def _skeleton(elements: list[Element]) -> list[str]:
    counted = Counter(_tag(e) for e in elements)
    wrong = [
        f"{counted[tag]} elements {tag} instead of one"
        for tag in ("h1", "main", "title")
        if counted[tag] != 1 and not (tag == "title" and counted[tag] > 1)
    ]
    html = elements[0]
    if not html.get("lang"):
        wrong.append("no language")
    levels = [int(_tag(e)[1]) for e in elements if re.fullmatch(r"h[1-6]", _tag(e))]
    wrong += [f"h{b} follows h{a}" for a, b in itertools.pairwise(levels) if b > a + 1]
    return wrong
