"""A server that behaves like Komerce RajaOngkir, as far as a market sees it: the search for places
and the cost of a parcel.

Like the real one, it wants the key in a header of that name, knows places by numbers of its own,
takes several couriers at once (jne:pos), answers 404 for what it does not know, and writes days as
`3 day` or `1-2 day`, or not at all.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "kunci-contoh"


def place(number: int, district: str, city: str, province: str) -> dict[str, Any]:
    return {
        "id": number,
        "label": f"{district}, {district}, {city}, {province}, 00000",
        "province_name": province,
        "city_name": city,
        "district_name": district,
        "subdistrict_name": district,
        "zip_code": "00000",
    }


def offer(courier: str, service: str, cost: Any, etd: Any = "") -> dict[str, Any]:
    return {
        "name": courier.upper(),
        "code": courier,
        "service": service,
        "description": service,
        "cost": cost,
        "etd": etd,
    }


@dataclass
class RajaOngkirStub:
    """Started by `with`. `down`, `slow` (seconds before an answer), `drip` (seconds between bytes),
    `status` and `raw` make it fail in the ways of the world."""

    places: list[dict[str, Any]] = field(
        default_factory=lambda: [
            place(31, "MENTOK", "BANGKA BARAT", "BANGKA BELITUNG"),
            place(88, "COBLONG", "CIAMIS", "JAWA BARAT"),
            place(72, "COBLONG", "BANDUNG", "JAWA BARAT"),
            place(71, "COBLONG", "BANDUNG", "JAWA BARAT"),
        ]
    )
    # Per kilogram, as they are offered from Mentok to Bandung.
    offers: list[dict[str, Any]] = field(
        default_factory=lambda: [
            offer("jne", "REG", 27_000, "2-3 day"),
            offer("jne", "YES", 60_000, "1 day"),
            offer("sicepat", "BEST", 30_000, ""),
        ]
    )
    status: int = 200
    retry_after: str = ""
    slow: float = 0
    drip: float = 0
    raw: bytes | None = None
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/v1"

    def __enter__(self) -> RajaOngkirStub:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def search(self, query: dict[str, str]) -> tuple[int, Any]:
        words = query.get("search", "").lower()
        found = [row for row in self.places if words in row["label"].lower()]
        return (200, found) if found else (404, None)

    def cost(self, form: dict[str, str]) -> tuple[int, Any]:
        here, there = int(form["origin"]), int(form["destination"])
        if (here, there) != (31, 71):
            return 404, None
        kilograms = -(-int(form["weight"]) // 1000)
        couriers = form["courier"].split(":")
        return 200, [
            {**row, "cost": row["cost"] * kilograms} if type(row.get("cost")) is int else row
            for row in self.offers
            if row["code"] in couriers
        ]


def _handler(stub: RajaOngkirStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(parts.query))
            if parts.path == "/api/v1/destination/domestic-destination":
                self._api(f"search {query.get('search')}", stub.search(query))
            else:
                self._answer(404, b"{}")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            form = dict(urllib.parse.parse_qsl(body))
            if self.path == "/api/v1/calculate/domestic-cost":
                self._api(f"cost {form['weight']} {form['courier']}", stub.cost(form))
            else:
                self._answer(404, b"{}")

        def _api(self, what: str, answer: tuple[int, Any]) -> None:
            stub.requests.append(what)
            time.sleep(stub.slow)
            status, rows = answer
            if self.headers.get("key") != KEY:
                status, rows = 401, None
            if stub.status != 200:
                status, rows = stub.status, None
            meta = {"message": "", "code": status, "status": "success" if rows else "error"}
            said = stub.raw or json.dumps({"meta": meta, "data": rows}).encode()
            self._answer(status, said)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if stub.retry_after:
                self.send_header("Retry-After", stub.retry_after)
            if status in (301, 302):
                self.send_header("Location", f"{stub.url}/elsewhere")
            self.end_headers()
            try:
                for at in range(len(body)) if stub.drip else [0]:
                    self.wfile.write(body[at : at + 1] if stub.drip else body)
                    self.wfile.flush()
                    time.sleep(stub.drip)
            except OSError:
                return

        def log_message(self, *_values: object) -> None:
            """Tests are quiet."""

    return Handler
