"""A server that behaves like Midtrans, as far as a market sees it: Snap, the status API, the page
on which a buyer pays, and signed notifications.

Like the real one, it wants the server key by Basic auth, knows nothing of a page until its buyer
has chosen a way to pay, writes amounts as `83000.00`, and answers 407 for what has expired.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SERVER_KEY = "SB-Mid-server-for-tests"
_NAME = re.compile(r"[A-Za-z0-9._~-]{1,50}")
# The status code that goes with a status.
_CODES = {"pending": "201", "deny": "202", "expire": "407", "cancel": "200", "failure": "202"}


@dataclass
class Page:
    """What Snap has made: nothing is charged until somebody pays."""

    asked: dict[str, Any]
    token: str
    status: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return str(self.asked["transaction_details"]["order_id"])

    @property
    def gross_amount(self) -> str:
        return str(self.extra.get("gross_amount") or f"{self.amount}.00")

    @property
    def amount(self) -> int:
        return int(self.asked["transaction_details"]["gross_amount"])


class MidtransStub:
    """Started by `with`. `down` makes it fail, `before` is called before every answer.

    With `notifies`, the market's address for notifications, it tells by itself when somebody pays.
    """

    def __init__(self, server_key: str = SERVER_KEY) -> None:
        self.server_key = server_key
        self.pages: dict[str, Page] = {}
        self.requests: list[str] = []
        self.down = False
        self.raw: bytes | None = None
        self.before: Callable[[], None] = lambda: None
        self.redirect_url = ""
        self.notifies = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> MidtransStub:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def make(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Snap: a page for an amount."""
        details = asked.get("transaction_details", {})
        code, amount = details.get("order_id"), details.get("gross_amount")
        wrong = []
        if not isinstance(code, str) or not _NAME.fullmatch(code):
            wrong.append("transaction_details.order_id is not valid")
        elif code in self.pages and self.pages[code].status not in ("", "expire"):
            wrong.append("transaction_details.order_id sudah digunakan")
        if not isinstance(amount, int) or amount < 1:
            wrong.append("transaction_details.gross_amount is not valid")
        items = asked.get("item_details", [])
        if items and sum(item["price"] * item["quantity"] for item in items) != amount:
            wrong.append("transaction_details.gross_amount is not equal to the sum of items")
        if any(len(item["name"]) > 50 for item in items):
            wrong.append("item_details.name is too long")
        if wrong:
            return 400, {"error_messages": wrong}
        page = Page(asked, secrets.token_hex(18))
        self.pages[page.code] = page
        address = self.redirect_url or f"{self.url}/snap/v4/redirection/{page.token}"
        return 201, {"token": page.token, "redirect_url": address}

    def move(self, code: str, status: str, **extra: Any) -> Page:
        """Something happens on the page: paid (settlement), denied, expired…"""
        page = self.pages[code]
        page.status, page.extra = status, extra
        return page

    def standing(self, code: str) -> tuple[int, dict[str, Any]]:
        """The status API, whose answer is also what a notification holds."""
        page = self.pages.get(code)
        if page is None or not page.status:
            missing = {"status_code": "404", "status_message": "Transaction doesn't exist."}
            return 404, missing
        said = {
            "status_code": _CODES.get(page.status, "200"),
            "status_message": "Success, transaction is found",
            "transaction_id": page.token,
            "order_id": code,
            "gross_amount": page.gross_amount,
            "currency": "IDR",
            "payment_type": "bank_transfer",
            "transaction_time": "2026-11-24 10:05:00",
            "transaction_status": page.status,
            "fraud_status": "accept",
            "merchant_id": "G0000",
            **page.extra,
        }
        said["signature_key"] = self.sign(said)
        return 200, {name: value for name, value in said.items() if value is not None}

    def sign(self, said: dict[str, Any]) -> str:
        text = said["order_id"] + said["status_code"] + said["gross_amount"] + self.server_key
        return hashlib.sha512(text.encode()).hexdigest()

    def notification(self, code: str) -> dict[str, Any]:
        """What Midtrans would send about the page now."""
        return self.standing(code)[1]

    def notify(self, code: str, address: str) -> int:
        """Sends it over HTTP; returns the status of the answer."""
        request = urllib.request.Request(
            address,
            json.dumps(self.notification(code)).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)


def _handler(stub: MidtransStub) -> type[BaseHTTPRequestHandler]:
    key = base64.b64encode(f"{stub.server_key}:".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/snap/v1/transactions":
                self._api(lambda: stub.make(json.loads(body)))
            elif page := self._page():
                stub.move(page.code, "settlement")
                if stub.notifies:
                    stub.notify(page.code, stub.notifies)
                self.send_response(303)
                self.send_header("Location", page.asked["callbacks"]["finish"])
                self.end_headers()
            else:
                self._answer(404, {})

        def do_GET(self) -> None:
            found = re.fullmatch(r"/v2/([^/]+)/status", self.path)
            if found:
                self._api(lambda: stub.standing(urllib.parse.unquote(found[1])))
            elif page := self._page():
                html = (
                    '<!doctype html><html lang="id"><title>Midtrans</title><main>'
                    f"<h1>Bayar {page.amount}</h1>"
                    '<form method="post"><button>Bayar</button></form></main></html>'
                )
                self._send(200, html.encode(), "text/html; charset=utf-8")
            else:
                self._answer(404, {})

        def _page(self) -> Page | None:
            token = self.path.removeprefix("/snap/v4/redirection/")
            return next((p for p in stub.pages.values() if p.token == token), None)

        def _api(self, answer: Callable[[], tuple[int, dict[str, Any]]]) -> None:
            stub.requests.append(f"{self.command} {self.path}")
            stub.before()
            if self.headers.get("Authorization") != f"Basic {key}":
                self._answer(401, {"error_messages": ["Access denied"]})
            elif stub.down:
                self._send(502, b"<html>Bad gateway</html>", "text/html")
            elif stub.raw is not None:
                self._send(200, stub.raw, "application/json")
            else:
                self._answer(*answer())

        def _answer(self, status: int, said: dict[str, Any]) -> None:
            self._send(status, json.dumps(said).encode(), "application/json")

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_values: object) -> None:
            """Tests are quiet."""

    return Handler
