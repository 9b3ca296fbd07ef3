"""Komerce RajaOngkir over HTTP (its "direct search" endpoints). Nothing here touches the database.

https://rajaongkir.com/docs/shipping-cost/endpoint-rajaongkir-for-search-base/: the key goes into
the header `key`; places have numbers of Komerce's own, found by a search; costs are asked by form
for one weight and several couriers, and answered as a list of
{code, service, cost, etd: "1-2 day"}. What it does not know is answered with 404.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ovop_market.delivery.rates.interface import District, Quoted, Unreachable
from ovop_market.regions.words import plain

ADDRESS = "https://rajaongkir.komerce.id/api/v1"
# Seconds for an answer, from asking to its last byte.
PATIENCE = 2.0
_MOST_BYTES = 512 * 1024
_MOST_PLACES = 100
# Beyond it a price or a number of days is no answer but an accident.
_MOST_RUPIAH = 100_000_000
_MOST_DAYS = 60
_TOO_MANY = 429
_NOT_KNOWN = 404
_LONGEST_SERVICE = 60
_DAYS = re.compile(r"([0-9]{1,2})(?: ?- ?([0-9]{1,2}))? ?(?:days?|hari)?")
_HOURS = re.compile(r"[0-9]{1,2}(?: ?- ?[0-9]{1,2})? ?(?:hours?|jam)")


class _Nowhere(HTTPRedirectHandler):
    """Follows no answer to another address with our key."""

    def redirect_request(self, *_values: Any) -> None:
        return None


class RajaOngkir:
    """The API as it is configured."""

    def __init__(self, key: str, address: str = "", patience: float = PATIENCE) -> None:
        self._key = key
        self._address = address or ADDRESS
        self._patience = patience
        self._opener = build_opener(_Nowhere)

    def place(self, district: District) -> str | None:
        query = {"search": district.name, "limit": _MOST_PLACES, "offset": 0}
        found = self._ask(f"/destination/domestic-destination?{urlencode(query)}")
        there = [row for row in found if isinstance(row.get("id"), int) and _is_in(district, row)]
        best = min(there, key=lambda row: (-_alike(district, row), row["id"]), default=None)
        return None if best is None else str(best["id"])

    def rates(
        self, origin: str, destination: str, kilograms: int, couriers: Sequence[str]
    ) -> Mapping[str, Sequence[Quoted]]:
        form = {
            "origin": origin,
            "destination": destination,
            "weight": kilograms * 1000,
            "courier": ":".join(couriers),
            "price": "lowest",
        }
        offered: dict[str, list[Quoted]] = {courier: [] for courier in couriers}
        for row in self._ask("/calculate/domestic-cost", urlencode(form).encode()):
            quoted = _quoted(row)
            courier = str(row.get("code", "")).lower()
            if quoted is not None and courier in offered:
                offered[courier].append(quoted)
        return offered

    def _ask(self, path: str, body: bytes | None = None) -> list[dict[str, Any]]:
        """The rows of an answer; none for what the API does not know. Raises Unreachable."""
        # The address is http or https: see config.
        request = Request(  # noqa: S310
            self._address + path,
            body,
            {"key": self._key, "Accept": "application/json", "User-Agent": "ovop-market"},
        )
        begun = time.monotonic()
        try:
            with self._opener.open(request, timeout=self._patience) as answer:
                content = self._read(answer, begun + self._patience)
            said = json.loads(content)
        except HTTPError as refusal:
            refusal.close()
            if refusal.code == _NOT_KNOWN:
                return []
            raise Unreachable(f"status {refusal.code}", _wait(refusal)) from None
        # A time-out and a broken connection are OSErrors; garbage is a ValueError.
        except (OSError, HTTPException, ValueError, RecursionError) as problem:
            raise Unreachable(type(problem).__name__) from None
        rows = said.get("data") if isinstance(said, dict) else None
        if not isinstance(rows, list):
            raise Unreachable("no data")
        return [row for row in rows if isinstance(row, dict)]

    @staticmethod
    def _read(answer: Any, until: float) -> bytes:
        """The whole answer, if it comes in time: an API that sends a byte now and then must not
        hold up a page."""
        parts, size = [], 0
        while part := answer.read1(65_536):
            parts.append(part)
            size += len(part)
            if size > _MOST_BYTES or time.monotonic() > until:
                raise OSError("too much or too slow")
        return b"".join(parts)


def _wait(refusal: HTTPError) -> float:
    """Seconds for which we are asked to be quiet. A quota that is used up comes back next day."""
    if refusal.code != _TOO_MANY:
        return 0
    said = refusal.headers.get("Retry-After", "")
    return float(said) if said.isascii() and said.isdigit() and len(said) < 6 else float("inf")


def _is_in(district: District, row: Mapping[str, Any]) -> bool:
    """Whether a place lies in the district: of the same name, in a regency of the same name."""
    regency = re.sub(r"^(kabupaten|kab|kota|administrasi) ", "", _plain(row.get("city_name")))
    return _plain(row.get("district_name")) == district.name and regency == district.regency


def _alike(district: District, row: Mapping[str, Any]) -> int:
    """How many words the provinces' names share. Some are written otherwise there: BANGKA BELITUNG
    without its islands, NANGGROE ACEH DARUSSALAM."""
    return len(set(_plain(row.get("province_name")).split()) & set(district.province.split()))


def _plain(value: Any) -> str:
    return plain(value) if isinstance(value, str) else ""


def _quoted(row: Mapping[str, Any]) -> Quoted | None:
    """An offer, if it is one."""
    service, price = row.get("service"), row.get("cost")
    if not isinstance(service, str) or not 0 < len(service.strip()) <= _LONGEST_SERVICE:
        return None
    if isinstance(price, bool) or not isinstance(price, int) or not 0 < price <= _MOST_RUPIAH:
        return None
    return Quoted(service.strip(), price, _days(row.get("etd")))


def _days(said: Any) -> tuple[int, int] | None:
    """`3 day`, `1-2 day`, `2-3` or `6-8 hours`; anything else says nothing."""
    text = said.strip().lower() if isinstance(said, str) else ""
    if _HOURS.fullmatch(text):
        return (0, 1)
    found = _DAYS.fullmatch(text)
    if found is None:
        return None
    first = int(found[1])
    last = int(found[2] or first)
    return (first, last) if first <= last <= _MOST_DAYS else None
