"""People at a browser: what they do on the pages, with or without JavaScript.

Whatever goes wrong on the way (a message on the console, a violated policy, a failed request) is
noted, and is checked when the person leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

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
UNSETTLED = ".htmx-request, .htmx-swapping, .htmx-settling"
# A request that a newer one replaces, or that the next page cuts off.
CUT_OFF = "net::ERR_ABORTED"
NO_SIGNAL = "net::ERR_INTERNET_DISCONNECTED"
# How it is noted on the console, by the browser and by HTMX.
NO_SIGNAL_NOTED = (NO_SIGNAL, "htmx:afterRequest", "htmx:sendError")


@dataclass
class Watch:
    """Everything that a browser complains of."""

    complaints: list[str] = field(default_factory=list)
    # A status that the test brings about; browsers note it on the console as well.
    expected: int = 0
    # Whether the test takes the signal away.
    offline: bool = False

    def over(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)

    def _console(self, message: ConsoleMessage) -> None:
        expected = self.expected and f"status of {self.expected}" in message.text
        cut_off = self.offline and any(noted in message.text for noted in NO_SIGNAL_NOTED)
        if message.type in COMPLAINTS and not expected and not cut_off:
            self.complaints.append(f"console: {message.text} ({message.location})")

    def _error(self, error: WebError) -> None:
        self.complaints.append(f"script: {error.error}")

    def _failed(self, request: Request) -> None:
        if request.failure != CUT_OFF and not (self.offline and request.failure == NO_SIGNAL):
            self.complaints.append(f"{request.failure}: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status != self.expected:
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
        """Waits for what HTMX still fetches and puts in place."""
        expect(self.page.locator(UNSETTLED)).to_have_count(0)

    def sign_in(self, who: str) -> None:
        """Signs in to a demo account by the first part of its address."""
        self.open("/sign-in")
        self.page.fill("[name=login]", f"{who}@ovop.example")
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("form[action$='/sign-in'] [type=submit]")
        self.page.wait_for_url(lambda address: not address.endswith("/sign-in"))
        self.settle()

    def put_in_cart(self, slug: str, variant: int, quantity: int) -> int:
        """Puts packs of a variant (by position) into the cart; returns what they cost."""
        self.open(f"/products/{slug}")
        option = self.page.locator("label.option:has([name=variant_id])").nth(variant)
        option.click()
        price = option.locator("data.money").get_attribute("value")
        self.page.fill("[name=quantity]", str(quantity))
        self.page.click("form[action$='/cart/lines'] [type=submit]")
        self.page.wait_for_url("**/cart")
        self.settle()
        return int(price or 0) * quantity

    def choose_region(self, name: str, code: str = BANDUNG) -> None:
        """Finds the area by its name on the checkout page, by typing or by the button."""
        choice = self.page.locator(f"[name=region_code][value='{code}']")
        if self.script:
            self.page.locator("#region_q").press_sequentially(name, delay=20)
            choice.check()
        else:
            self.page.fill("#region_q", name)
            self.page.click("[name=find_region]")
            choice.check()
            self.page.locator("[name=update]").first.click()
        expect(self.page.locator("#delivery [name^=delivery-]").first).to_be_attached()
        self.settle()

    def order(self, name: str, ways: dict[str, str], pay_by: str = "transfer") -> str:
        """Fills in the checkout page and sends it; returns the purchase page's path."""
        page = self.page
        self.open("/checkout")
        page.fill("[name=name]", name)
        page.fill("[name=phone]", "0812-0000-1234")
        self.choose_region("cipaganti")
        page.fill("[name=street]", "Jalan Contoh 2")
        page.check("[name=consent]")
        for producer, code in ways.items():
            way = page.locator(f"[name=delivery-{producer}][value={code}]")
            way.check()
            # With script, each choice renews all from there on, but for what was ticked.
            self.settle()
            if self.script:
                expect(way).to_be_focused()
        page.check(f"[name=payment_method][value={pay_by}]")
        expect(page.locator("[name=consent]")).to_be_checked()
        page.click("#send .button")
        page.wait_for_url("**/purchases/*")
        self.settle()
        return urlsplit(page.url).path

    def orders(self) -> dict[str, str]:
        """The orders on this page: their numbers, and their states."""
        rows = self.page.locator("[data-order]")
        found = rows.evaluate_all("rows => rows.map(row => [row.dataset.order, row.dataset.state])")
        return dict(found)

    def press(self, form: Locator) -> None:
        """Sends a form by its button, and waits for what comes of it."""
        button = form.locator("[type=submit]")
        if self.script and form.get_attribute("hx-post"):
            with self.page.expect_response(lambda answer: answer.request.method == "POST"):
                button.click()
        else:
            with self.page.expect_navigation():
                button.click()
        self.settle()


@dataclass(frozen=True, slots=True)
class Market:
    """A server, and a browser in which people visit it."""

    browser: Browser
    url: str

    @contextmanager
    def visited_by(
        self,
        who: str = "",
        *,
        script: bool = True,
        width: int = PHONE,
        scheme: Scheme = "light",
        refused: int = 0,
        offline: bool = False,
    ) -> Iterator[Person]:
        """Somebody with an empty browser, signed in to a demo account if `who` is given.

        `refused`: the status with which the test means to be refused; `offline`: whether it takes
        the signal away.
        """
        context = self.browser.new_context(
            base_url=self.url,
            java_script_enabled=script,
            viewport={"width": width, "height": HEIGHT},
            color_scheme=scheme,
            locale="id-ID",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        watch = Watch(expected=refused, offline=offline)
        watch.over(context)
        try:
            person = Person(context.new_page(), script)
            if who:
                person.sign_in(who)
            yield person
            assert not watch.complaints, "\n".join(watch.complaints)
        finally:
            context.close()
