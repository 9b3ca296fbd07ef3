"""A visitor of a real server: cookies, forms, redirects not followed; standard library only."""

from __future__ import annotations

import http.client
import re
import time
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from tests.factories import BANDUNG
from tests.pages import token_in, value_of
from tests.process.server import HOST

# Longer than the database lets a writer wait for its turn: a slow answer is still an answer.
TIMEOUT = 60.0
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
_ATTRIBUTE = re.compile(r'([a-z_-]+)(?:="([^"]*)")?(?=[\s>])')


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def location(self) -> str:
        return self.headers["Location"] or ""


@dataclass
class Visitor:
    """One browser. Each request has its own connection, so that none is lost to an old one."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Sends a request. Raises OSError or HTTPException when no whole answer comes."""
        sent = dict(headers or {})
        if form is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        return self._ask(method, path, urlencode(form) if form is not None else body, sent)

    def send(self, path: str, body: bytes, content_type: str) -> Answer:
        """Posts a body that is made already: one with a file in it."""
        return self._ask("POST", path, body, {"Content-Type": content_type})

    def _ask(
        self, method: str, path: str, body: bytes | str | None, sent: dict[str, str]
    ) -> Answer:
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        connection = http.client.HTTPConnection(HOST, self.port, timeout=TIMEOUT)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return answer

    def upload(
        self, path: str, form: dict[str, str], name: str, content: bytes, type_: str = "image/png"
    ) -> Answer:
        """Sends a form with a file."""
        edge = "edge-of-a-part"
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode()
            for n, v in form.items()
        ]
        head = (
            f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="foto"\r\n'
            f"Content-Type: {type_}\r\n\r\n"
        )
        body = b"".join([*parts, head.encode(), content, f"\r\n--{edge}--\r\n".encode()])
        kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
        return self.ask("POST", path, headers=kind, body=body)

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def fill_cart(self, variant_id: int) -> Answer:
        """Puts one pack into the cart, as the form on the product's page does."""
        line = {"variant_id": str(variant_id), "quantity": "1"}
        return self.ask("POST", "/cart/lines", line, SAME_ORIGIN)

    def checkout_form(self, name: str) -> dict[str, str]:
        """The checkout form, filled in."""
        page = self.get(f"/checkout?region_code={BANDUNG}")
        assert page.status == 200, page.body[:2000]
        return filled(page.body, name)

    def place(self, form: dict[str, str]) -> Answer:
        """Sends the checkout form."""
        return self.ask("POST", "/checkout", form)


def filled(page: str, name: str) -> dict[str, str]:
    """The form of a checkout page as somebody sends it who keeps what it proposes."""
    return {
        "csrf_token": token_in(page),
        "idempotency_key": value_of(page, "idempotency_key"),
        "seen": value_of(page, "seen"),
        "name": name,
        "phone": "0812-3456-7890",
        "region_code": BANDUNG,
        "street": "Jalan Contoh 2",
        "postal_code": "40131",
        "consent": "1",
        **_checked(page),
    }


def _checked(page: str) -> dict[str, str]:
    """The radio buttons that are checked on a page: names and values."""
    inputs = [dict(_ATTRIBUTE.findall(tag)) for tag in re.findall(r"<input[^>]*>", page)]
    return {i["name"]: i["value"] for i in inputs if i.get("type") == "radio" and "checked" in i}


@dataclass(frozen=True, slots=True)
class Buyer:
    """A visitor and the form that is about to be sent, again and again if need be."""

    visitor: Visitor
    form: dict[str, str]

    def place(self) -> Answer:
        return self.visitor.place(self.form)

    def insist(self, times: int = 20) -> Answer:
        """Sends the form, and again as often as the market is busy and says when to come back."""
        answer = self.place()
        while answer.status == 503 and (times := times - 1):
            assert answer.headers["Retry-After"] and self.form["name"] in answer.body
            time.sleep(0.5)
            answer = self.place()
        return answer


def ready_to_buy(port: int, variant_id: int, name: str) -> Buyer:
    """A visitor with one pack in the cart and the filled form in front of them."""
    visitor = Visitor(port)
    added = visitor.fill_cart(variant_id)
    assert added.status == 303, added.body[:2000]
    return Buyer(visitor, visitor.checkout_form(name))
