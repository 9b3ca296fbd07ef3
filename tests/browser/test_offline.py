"""A producer's phone with a bad signal: the inbox opens without one, and taps wait for it.

The test's phone loses its signal as a browser does (playwright), worker included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import func, select

from ovop_market.accounts.models import Role, User
from ovop_market.core import clock
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.villages.models import Producer
from tests.browser.people import HEIGHT, PATIENCE_MS, PHONE, Watch
from tests.conftest import Database
from tests.factories import PASSWORD, make_order, make_producer, make_product, make_user
from tests.process.conftest import new_market
from tests.process.market import Market
from tests.process.server import HOST, Server, running

pytestmark = [pytest.mark.browser, pytest.mark.process]
MAKER, OTHER = "perajin@ovop.example", "tetangga@ovop.example"
WAITING, NEEDS, SENT, SAVED = (
    f"#taps [data-count={name}]" for name in ("waiting", "needs", "sent", "saved")
)


@pytest.fixture
def engine_name() -> str:
    return "sqlite"


@dataclass
class Village:
    """A market of its own with two households; the first has three new orders."""

    market: Market
    numbers: list[str]

    def accepted(self, number: str) -> int:
        """How many events say that an order was accepted."""
        with self.market.session() as session:
            count = select(func.count(OrderEvent.id)).join(OrderEvent.order)
            asked = count.where(Order.number == number, OrderEvent.action == Action.ACCEPT)
            return session.scalar(asked) or 0

    def state(self, number: str) -> OrderState:
        with self.market.session() as session:
            return session.scalars(select(Order.state).where(Order.number == number)).one()

    def cancel(self, number: str) -> None:
        """The buyer cancels an order."""
        with self.market.session() as session:
            order = session.scalars(select(Order).where(Order.number == number)).one()
            lifecycle.act(
                session, order, Action.CANCEL, By(Actor.BUYER), clock.now(), reason="salah pesan"
            )


@pytest.fixture
def village(
    applications: dict[str, Flask], databases: dict[str, Database], tmp_path: Path
) -> Iterator[Village]:
    with applications["sqlite"].test_request_context():
        market = new_market(databases["sqlite"], tmp_path)
        with market.session() as session:
            now = clock.now()
            for login in (MAKER, OTHER):
                user = make_user(session, Role.PRODUCER, login=login)
                make_producer(session, staff=user, name=f"Rumah {login[:4]}")
            make_user(session, Role.BUYER, login="pembeli@ovop.example")
            first = session.scalars(select(Producer).order_by(Producer.id)).first()
            product = make_product(session, first, capacity=100)
            orders = [make_order(session, product=product, now=now) for _ in range(3)]
            numbers = [order.number for order in orders]
        yield Village(market, numbers)


@pytest.fixture
def server(village: Village) -> Iterator[Server]:
    found = village.market.server()
    with running([found]):
        yield found


@dataclass
class Phone:
    """A phone whose browser can lose its signal."""

    context: BrowserContext

    def open(self, path: str = "/inbox") -> Page:
        page = self.context.new_page()
        page.goto(path)
        return page

    def sign_in(self, login: str = MAKER, page: Page | None = None) -> Page:
        page = page or self.context.new_page()
        page.goto("/sign-in?next=/inbox")
        page.fill("[name=login]", login)
        page.fill("[name=password]", PASSWORD)
        page.click("form[action$='/sign-in'] [type=submit]")
        page.wait_for_url("**/inbox")
        expect(page.locator(SAVED)).to_be_visible()
        return page

    def offline(self, off: bool = True) -> None:
        self.context.set_offline(off)

    def kept(self, page: Page) -> list[str]:
        """The paths of all pages that are kept."""
        return page.evaluate(
            """async () => {
              const found = [];
              for (const name of await caches.keys()) {
                for (const { url } of await (await caches.open(name)).keys()) {
                  const { pathname, search } = new URL(url);
                  if (!pathname.startsWith("/assets/")) found.push(pathname + search);
                }
              }
              return found.sort();
            }"""
        )

    def waiting(self, page: Page) -> int:
        """How many taps are written down, whoever's."""
        return page.evaluate(
            """() => new Promise((resolve) => {
              const opening = indexedDB.open("taps", 1);
              opening.onsuccess = () => {
                if (!opening.result.objectStoreNames.length) { resolve(0); return; }
                const asked = opening.result.transaction("taps").objectStore("taps").count();
                asked.onsuccess = () => { opening.result.close(); resolve(asked.result); };
              };
            })"""
        )


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[Phone]:
    context = browser.new_context(
        base_url=f"http://{HOST}:{server.port}",
        viewport={"width": PHONE, "height": HEIGHT},
        locale="id-ID",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    watch = Watch(offline=True)
    context.on("weberror", watch._error)
    try:
        yield Phone(context)
        assert not watch.complaints, watch.complaints
    finally:
        context.close()


def row(page: Page, number: str):
    return page.locator(f"#inbox-live [data-order='{number}']")


def tap(page: Page, number: str) -> None:
    """Presses "Terima" in a row."""
    row(page, number).get_by_role("button", name="Terima").click()


def test_taps_wait_for_a_signal(village: Village, phone: Phone) -> None:
    page = phone.sign_in()
    phone.offline()
    for number in village.numbers:
        tap(page, number)
        expect(row(page, number).locator("[data-mark]")).to_contain_text("Menunggu sinyal")
        expect(row(page, number).get_by_role("button", name="Terima")).to_have_count(0)
        # Shown as what it is: nothing has been done.
        assert row(page, number).get_attribute("data-state") == "PLACED"
    expect(page.locator(WAITING)).to_contain_text("3")
    page.close()
    assert [village.accepted(number) for number in village.numbers] == [0, 0, 0]
    phone.offline(False)
    page = phone.open()
    expect(page.locator(WAITING)).to_be_hidden()
    expect(page.locator(NEEDS)).to_be_hidden()
    assert [village.accepted(number) for number in village.numbers] == [1, 1, 1]
    page.reload()
    page.wait_for_timeout(500)
    assert phone.waiting(page) == 0
    assert [village.accepted(number) for number in village.numbers] == [1, 1, 1]


def test_a_tap_that_was_overtaken_is_shown_and_not_applied(village: Village, phone: Phone) -> None:
    first, second, third = village.numbers
    page = phone.sign_in()
    phone.offline()
    for number in village.numbers:
        tap(page, number)
        expect(row(page, number).locator("[data-mark]")).to_be_visible()
    page.close()
    village.cancel(second)
    phone.offline(False)
    page = phone.open()
    expect(page.locator(NEEDS)).to_contain_text("1")
    item = page.locator("#taps li")
    expect(item).to_have_count(1)
    expect(item).to_contain_text(f"Terima · {second}")
    expect(item).to_contain_text("Sudah didahului")
    expect(item).to_contain_text("Dibatalkan")  # the server's words
    assert [village.accepted(number) for number in village.numbers] == [1, 0, 1]
    assert village.state(second) is OrderState.CANCELLED
    expect(row(page, first)).to_have_count(0)  # accepted: the buyer's turn
    expect(row(page, third)).to_have_count(0)
    # It stays until the person has seen it.
    page.reload()
    expect(item).to_have_count(1)
    assert item.get_by_role("link").get_attribute("href").endswith(f"/inbox/{second}")
    item.get_by_role("button", name="Saya mengerti").click()
    expect(item).to_have_count(0)
    expect(page.locator(NEEDS)).to_be_hidden()
    assert phone.waiting(page) == 0
