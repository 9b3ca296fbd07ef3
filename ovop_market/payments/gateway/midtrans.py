"""Midtrans over HTTP, by its official client. Nothing here touches the database, and nothing here
may be called while a transaction is open: an answer can take seconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask_babel import gettext as _
from midtransclient import Snap
from midtransclient.config import ApiConfig
from midtransclient.error_midtrans import JSONDecodeError, MidtransAPIError

from ovop_market.config import Config
from ovop_market.core import clock
from ovop_market.core.errors import MarketError
from ovop_market.payments.gateway.standing import Standing, standing
from ovop_market.web.logs import log

# Seconds to wait for a connection, and for each part of the answer.
PATIENCE = (5, 10)
# As long as a stored address may be.
_LONGEST_ADDRESS = 500
_PAGES = {True: "https://app.midtrans.com", False: "https://app.sandbox.midtrans.com"}

T = TypeVar("T")


class Unreachable(MarketError):
    """Midtrans does not answer, or not in a way that can be understood. It passes: ask again.

    `answered`: it is there, but what it says of this page is strange.
    """

    status = 503
    answered = False


class NameTaken(Unreachable):
    """Midtrans knows the name of this page already: another one is needed."""


class _Patient:
    """What the official client sends with: its own `requests`, but it neither waits for ever nor
    follows an answer to another address with our key."""

    def __init__(self, http: Any) -> None:
        self._http = http

    def request(self, method: str, url: str, **values: Any) -> Any:
        values |= {"timeout": PATIENCE, "allow_redirects": False}
        return self._http.request(method, url, **values)


class _At(ApiConfig):  # type: ignore[misc]
    """The client's settings, with everything at one address."""

    def __init__(self, url: str, server_key: str) -> None:
        super().__init__(server_key=server_key)
        self._url = url

    def get_core_api_base_url(self) -> str:
        return self._url

    def get_snap_base_url(self) -> str:
        return f"{self._url}/snap/v1"


class Midtrans:
    """The gateway as it is configured."""

    def __init__(self, server_key: str, *, production: bool, url: str = "") -> None:
        self.server_key = server_key
        self._pages = {_PAGES[production]}
        self._client = Snap(is_production=production, server_key=server_key)
        self._client.http_client.http_client = _Patient(self._client.http_client.http_client)
        if url:
            self._client.api_config = _At(url, server_key)
            self._pages.add(_origin(url))

    def page_for(
        self, code: str, amount: int, *, back: str, now: datetime, lifetime: timedelta
    ) -> str:
        """The address of a new page on which `amount` (rupiah) can be paid for `lifetime` from now.

        `back` is where the buyer goes afterwards. Midtrans is told nothing about the buyer. Raises
        Unreachable, NameTaken.
        """
        minutes = int(lifetime.total_seconds()) // 60
        asked = {
            "transaction_details": {"order_id": code, "gross_amount": amount},
            "item_details": [
                {"id": code, "name": "Pesanan OVOP Market", "price": amount, "quantity": 1}
            ],
            "credit_card": {"secure": True},
            "callbacks": {"finish": back},
            "expiry": {
                "start_time": clock.wib(now).strftime("%Y-%m-%d %H:%M:%S %z"),
                "unit": "minutes",
                "duration": minutes,
            },
            "page_expiry": {"unit": "minutes", "duration": minutes},
        }
        answer = self._ask(lambda: self._client.create_transaction(asked))
        address = answer.get("redirect_url") if isinstance(answer, dict) else None
        if not isinstance(address, str) or not self._ours(address):
            raise _unreachable("a page elsewhere")
        return address

    def standing(self, code: str) -> Standing | None:
        """How the page stands; None as long as the buyer has not chosen a way to pay there, since
        Midtrans knows nothing of it till then. Raises Unreachable."""
        try:
            answer = self._ask(lambda: self._client.transactions.status(code))
            return None if answer is None else standing(code, answer)
        except ValueError as problem:
            refusal = _unreachable(str(problem))
            refusal.answered = True
            raise refusal from None

    def _ask(self, call: Callable[[], T]) -> T | None:
        """What the client answers; None for 404. Raises Unreachable, NameTaken."""
        try:
            return call()
        except MidtransAPIError as refusal:
            said = refusal.api_response_dict
            inside = said.get("status_code") if isinstance(said, dict) else None
            if "404" in (str(refusal.http_status_code), inside):
                return None
            if "order_id" in str(said):
                raise NameTaken(_unavailable()) from None
            raise _unreachable(f"status {refusal.http_status_code}") from None
        # `requests` raises OSErrors; a strange answer makes the client stumble in its own ways.
        except (OSError, JSONDecodeError, ValueError, TypeError, AttributeError) as problem:
            raise _unreachable(type(problem).__name__) from None

    def _ours(self, address: str) -> bool:
        """Whether a buyer may be sent there: to Midtrans, over https, and nowhere else."""
        plain = address.isascii() and address.isprintable() and not set(address) & {" ", "\\"}
        if not plain or len(address) > _LONGEST_ADDRESS:
            return False
        try:
            return _origin(address) in self._pages
        except ValueError:
            return False


def configured(config: Config) -> Midtrans | None:
    """The gateway of this installation, if it has one."""
    if not config.midtrans_server_key:
        return None
    return Midtrans(
        config.midtrans_server_key,
        production=config.midtrans_production,
        url=config.midtrans_url,
    )


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _unavailable() -> str:
    return _("Halaman pembayaran belum bisa dibuka. Coba lagi, atau pilih cara lain.")


def _unreachable(why: str) -> Unreachable:
    # Never the answer itself: it may tell about a person.
    log.warning("gateway out of reach", why=why)
    return Unreachable(_unavailable())
