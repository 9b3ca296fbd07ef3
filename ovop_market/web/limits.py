"""How often something may be asked: limits as data, and the decorator by which views name theirs
(`@limits.on("checkout")`).

A limit has up to two rates. `address`: of all that comes from one address, generous, since a whole
village may share one (carrier-grade NAT); it keeps a flood from the database. `person`: of one
account, one secret link or one visitor, which is what a person at a keyboard never reaches. Why the
numbers are what they are: docs/adr/0043. OVOP_LIMITS changes them.

Counted in Redis where REDIS_URL says so, for all processes together; else by each process for
itself, so that N processes let through up to N times as much. A counter is never a lock: it ends
with its minute, hour or day, however often somebody asks in vain.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, current_app, request, session
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, RateLimiter
from werkzeug.wrappers import Response

from ovop_market.core.errors import ConfigurationError, TooOften
from ovop_market.core.tokens import digest
from ovop_market.extensions import limiter
from ovop_market.extensions.addresses import sender
from ovop_market.web import access, sessions
from ovop_market.web.logs import log

View = TypeVar("View", bound=Callable[..., Any])
ADDRESS, PERSON = "address", "person"
OFF = "off"
# Guessing secret links is dearer than following them.
UNKNOWN_LINK = 20
# Uploads are counted in KiB as well: the third rate of `upload`, by person.
SIZE = "size"
_KIB = 1024

# name → by what it is counted → rates, as the library `limits` reads them.
LIMITS: Mapping[str, Mapping[str, str]] = {
    # A basket every other second by one visitor; the busiest shop of a village in a minute.
    "checkout": {ADDRESS: "1200 per minute", PERSON: "40 per minute"},
    "cart": {ADDRESS: "1800 per minute", PERSON: "240 per minute"},
    # Secret links: looked at, and acted on. A link that leads nowhere costs UNKNOWN_LINK.
    "tracking": {ADDRESS: "1200 per minute"},
    "purchase": {ADDRESS: "1200 per minute", PERSON: "60 per minute"},
    "claim": {ADDRESS: "600 per minute", PERSON: "30 per 10 minutes"},
    # The gateway is asked in the buyer's name.
    "gateway": {ADDRESS: "300 per minute", PERSON: "20 per 10 minutes"},
    # A password is hashed for each.
    "register": {ADDRESS: "60 per minute; 600 per hour", PERSON: "20 per minute"},
    "login change": {ADDRESS: "60 per minute; 300 per hour", PERSON: "20 per minute; 60 per hour"},
    "reset": {ADDRESS: "60 per minute; 300 per hour", PERSON: "10 per minute"},
    # What is kept (web.kept) is answered before anything is counted.
    "search": {ADDRESS: "1500 per minute"},
    "areas": {ADDRESS: "3000 per minute"},
    "delivery": {ADDRESS: "1500 per minute"},
    "upload": {
        ADDRESS: "1200 per 10 minutes",
        PERSON: "120 per 10 minutes; 600 per day",
        SIZE: f"{600 * _KIB} per day",
    },
    "export": {ADDRESS: "600 per minute", PERSON: "60 per minute"},
    # The number with which it was ordered is asked for: nobody shall try them all.
    "erasure": {ADDRESS: "300 per hour", PERSON: "10 per hour"},
    "apply": {ADDRESS: "120 per hour", PERSON: "20 per hour"},
    "own data": {ADDRESS: "300 per hour", PERSON: "10 per hour"},
    "browser": {ADDRESS: "600 per minute", PERSON: "60 per hour"},
}

# While Redis is out of reach, this process counts alone, and asks it again after so many seconds.
_ASK_AGAIN_AFTER = 5.0


@dataclass(slots=True)
class _Counter:
    """Where requests are counted: where all processes see it, else here."""

    alone: RateLimiter
    until: float = 0.0

    def hit(self, item: RateLimitItem, key: tuple[str, ...], cost: int) -> float | None:
        """Counts; None when it is within the limit, else the moment from which it is again."""
        if time.monotonic() >= self.until:
            try:
                return _hit(limiter.limiter, item, key, cost)
            except Exception as error:  # whatever the storage raises: it is out of reach
                log.warning("limits are counted by each process", error=type(error).__name__)
                self.until = time.monotonic() + _ASK_AGAIN_AFTER
        return _hit(self.alone, item, key, cost)


def _hit(
    strategy: RateLimiter, item: RateLimitItem, key: tuple[str, ...], cost: int
) -> float | None:
    if strategy.hit(item, *key, cost=cost):
        return None
    return strategy.get_window_stats(item, *key).reset_time


def on(*names: str) -> Callable[[View], View]:
    """The view is counted under these limits, once its door has let the request in. Stands below
    the route, beside the door."""
    unknown = set(names) - LIMITS.keys()
    if unknown:
        raise ValueError(f"there is no limit {', '.join(sorted(unknown))}")

    def mark(view: View) -> View:
        view.limits = names  # type: ignore[attr-defined]
        return view

    return mark


def names_of(endpoint: str | None) -> tuple[str, ...]:
    """The limits that a view names."""
    view = current_app.view_functions.get(endpoint or "")
    names: tuple[str, ...] = getattr(view, "limits", ())
    return names


def count(name: str, *, cost: int = 1) -> None:
    """Counts this request under a limit. Raises TooOften, with the seconds to wait."""
    rates: Mapping[str, Mapping[str, tuple[RateLimitItem, ...]]] = current_app.extensions["limits"]
    for kind, items in rates[name].items():
        whose = sender() if kind == ADDRESS else _person()
        if not whose:
            continue
        paid = _kibibytes() if kind == SIZE else cost
        for item in items:
            again_at = _counter().hit(item, (name, kind, whose), paid)
            if again_at is not None:
                _refuse(name, kind, max(1, math.ceil(again_at - time.time())))


def from_this_machine() -> bool:
    """Whether the address says nothing about who asks: it is the machine's own, as behind a proxy
    that TRUSTED_PROXIES does not count."""
    return sender() in ("127.0.0.1", "::1", "::/64", "unknown")


def _person() -> str:
    """The account; else the secret link; else the visitor by cart or session; empty: nobody known.

    On public pages nobody is looked at: they are the same for everybody.
    """
    if access.on_public_page():
        return ""
    if current_user.is_authenticated:
        return f"account {current_user.id}"
    known = (request.view_args or {}).get("token") or sessions.cart_token()
    known = known or session.get("csrf_token")
    # Redis is no place for secrets.
    return digest(str(known)) if known else ""


def _kibibytes() -> int:
    """What is sent; in chunks nobody says how much: it counts as the most that the view takes."""
    view = current_app.view_functions.get(request.endpoint or "")
    length = request.content_length
    return math.ceil((getattr(view, "max_body", 0) if length is None else length) / _KIB)


def _counter() -> _Counter:
    counter: _Counter = current_app.extensions["limits counter"]
    return counter


def _refuse(name: str, kind: str, seconds: int) -> None:
    log.info("too often", limit=name, by=kind)
    message = (
        _(
            "Kiriman berkas Anda hari ini sudah terlalu besar. Coba lagi %(wait)s.",
            wait=_in(seconds),
        )
        if kind == SIZE
        else _("Terlalu sering dicoba. Coba lagi %(wait)s.", wait=_in(seconds))
    )
    raise TooOften(message, retry_after=seconds)


def _in(seconds: int) -> str:
    """The wait in words, rounded up."""
    if seconds < 100:
        return ngettext("%(num)d detik lagi", "%(num)d detik lagi", seconds)
    minutes = math.ceil(seconds / 60)
    if minutes < 100:
        return ngettext("%(num)d menit lagi", "%(num)d menit lagi", minutes)
    return ngettext("%(num)d jam lagi", "%(num)d jam lagi", math.ceil(minutes / 60))


def _count_request() -> None:
    """After the door: what is turned away there costs nothing and is nobody's."""
    for name in names_of(request.endpoint):
        count(name)


def _count_guess(response: Response) -> Response:
    """A secret link that leads nowhere: whoever follows many of those is guessing."""
    door = access.door_of(request.endpoint)
    if response.status_code == 404 and door is not None and door.kind == "link":
        with contextlib.suppress(TooOften):
            count("tracking", cost=UNKNOWN_LINK)
    return response


def _rates(changed: Mapping[str, str]) -> dict[str, dict[str, tuple[RateLimitItem, ...]]]:
    """All rates, with what the operator has changed. Raises ConfigurationError for a name that
    there is not."""
    changes = dict(changed)
    all_off = changes.pop("all", "") == OFF
    rates: dict[str, dict[str, tuple[RateLimitItem, ...]]] = {}
    for name, kinds in LIMITS.items():
        rates[name] = {}
        for kind, usual in kinds.items():
            rate = changes.pop(f"{name}.{kind}", OFF if all_off else usual)
            rates[name][kind] = () if rate == OFF else tuple(parse_many(rate))
    if changes:
        raise ConfigurationError(f"OVOP_LIMITS knows no {', '.join(sorted(changes))}")
    return rates


def init_app(app: Flask) -> None:
    """Counts behind the doors; must come after web.access."""
    app.extensions["limits"] = _rates(app.config["OVOP"].limits)
    app.extensions["limits counter"] = _Counter(FixedWindowRateLimiter(MemoryStorage()))
    app.before_request(_count_request)
    app.after_request(_count_guess)
