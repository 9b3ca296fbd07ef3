"""People at a browser: what they do on the pages, with or without JavaScript.

Whatever goes wrong on the way (a message on the console, a violated policy, a failed request) is
noted, and is checked when the person leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    WebError,
    expect,
)

from ovop_market.seeds.demo_producers import PASSWORD
from tests.factories import BANDUNG

Scheme = Literal["light", "dark"]
PHONE = 360
HEIGHT = 800
# A busy machine may take long; a healthy one does not wait for it.
PATIENCE_MS = 20_000
COMPLAINTS = ("error", "warning")
# A request that a newer one replaces, or that the next page cuts off.
CUT_OFF = "net::ERR_ABORTED"


@dataclass
class Watch:
    """Everything that a browser complains of."""

    complaints: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in COMPLAINTS:
            self.complaints.append(f"console: {message.text} ({message.location})")

    def _error(self, error: WebError) -> None:
        self.complaints.append(f"script: {error.error}")

    def _failed(self, request: Request) -> None:
        if request.failure != CUT_OFF:
            self.complaints.append(f"{request.failure}: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a browser of their own."""

    page: Page
    script: bool

    def open(self, path: str) -> None:
        """Goes to a page and waits for all of it."""
        response = self.page.goto(path, wait_until="load")
        assert response is not None and response.ok, f"{path}: {response and response.status}"
        self.settle()

    def settle(self) -> None:
        """Waits for what the page still fetches."""
        self.page.wait_for_load_state("networkidle")

    def sign_in(self, who: str) -> None:
        """Signs in to a demo account by the first part of its address."""
        self.open("/sign-in")
        self.page.fill("[name=login]", f"{who}@ovop.example")
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("form[action$='/sign-in'] [type=submit]")
        self.page.wait_for_url(lambda address: not address.endswith("/sign-in"))
        self.settle()

    def put_in_cart(self, slug: str, variant: int, quantity: int) -> int:
        """Orders packs of a variant (by position) on the product's page; returns their price."""
        self.open(f"/products/{slug}")
        option = self.page.locator("label.option:has([name=variant_id])").nth(variant)
        option.click()
        price = option.locator("[data-rupiah]").get_attribute("data-rupiah")
        self.page.fill("[name=quantity]", str(quantity))
        self.page.click("form[action$='/cart/lines'] [type=submit]")
        self.page.wait_for_url("**/cart")
        return int(price or 0) * quantity
