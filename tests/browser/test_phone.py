"""Notices on a phone: the panel of the inbox, and the service worker that shows what is pushed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from ovop_market.accounts.models import Role
from ovop_market.notices.models import PushSubscription
from tests.conftest import Database
from tests.factories import PASSWORD, make_producer, make_user
from tests.notices.browsers import ENDPOINT, make_keys
from tests.process.conftest import new_market
from tests.process.market import Market
from tests.process.server import HOST, Server, running

pytestmark = [pytest.mark.browser, pytest.mark.process]
LOGIN = "perajin@ovop.example"
KEY = base64.urlsafe_b64encode(bytes(range(1, 33))).rstrip(b"=").decode("ascii")

# Subscribing for real would ask a push service on the internet: this answers in its place.
NO_INTERNET = """
(([endpoint, p256dh, auth]) => {
  const kept = () => localStorage.getItem("subscribed") !== null;
  const subscription = {
    endpoint,
    options: {},
    toJSON: () => ({ endpoint, keys: { p256dh, auth } }),
    unsubscribe: async () => { localStorage.removeItem("subscribed"); return true; },
  };
  PushManager.prototype.subscribe = async ({ applicationServerKey, userVisibleOnly }) => {
    if (applicationServerKey.length !== 65 || !userVisibleOnly) throw new Error("no key");
    localStorage.setItem("subscribed", "yes");
    return subscription;
  };
  PushManager.prototype.getSubscription = async () => (kept() ? subscription : null);
})(%s);
"""


@pytest.fixture
def household(databases: dict[str, Database], tmp_path: Path) -> Market:
    """A market of its own, with one producer."""
    found = new_market(databases["sqlite"], tmp_path)
    with found.session() as session:
        make_producer(session, staff=make_user(session, Role.PRODUCER, login=LOGIN))
    return found


@pytest.fixture
def server(household: Market) -> Iterator[Server]:
    found = Server(household.folder, {**household.environ, "OVOP_VAPID_KEY": KEY})
    with running([found]):
        yield found


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    """A phone whose owner allows notifications."""
    origin = f"http://{HOST}:{server.port}"
    with browser.new_context(
        base_url=origin, viewport={"width": 360, "height": 740}, locale="id-ID"
    ) as context:
        context.grant_permissions(["notifications"], origin=origin)
        browser_keys = [f"{ENDPOINT}abc", *make_keys()[1:]]
        context.add_init_script(NO_INTERNET % json.dumps(browser_keys))
        yield context


def inbox(context: BrowserContext, page: Page | None = None) -> Page:
    page = page or context.new_page()
    page.goto("/sign-in?next=/inbox")
    page.fill("[name=login]", LOGIN)
    page.fill("[name=password]", PASSWORD)
    page.click("form[action$='/sign-in'] [type=submit]")
    page.wait_for_url("**/inbox")
    return page


def endpoints(market: Market) -> list[str]:
    with market.session() as session:
        return list(session.scalars(select(PushSubscription.endpoint)))


def test_a_phone_is_told_and_told_no_more(household: Market, phone: BrowserContext) -> None:
    page = inbox(phone)
    on = page.get_by_role("button", name="Kabari saya di HP ini")
    off = page.get_by_role("button", name="Jangan kabari lagi")
    on.click()
    expect(off).to_be_visible()
    expect(on).to_be_hidden()
    assert endpoints(household) == [f"{ENDPOINT}abc"]
    # Another visit: what the server has lost meanwhile it is told again.
    with household.session() as session:
        session.query(PushSubscription).delete()
    page.evaluate("sessionStorage.clear()")
    with page.expect_response("**/inbox/notifications"):
        page.reload()
    expect(off).to_be_visible()
    assert endpoints(household) == [f"{ENDPOINT}abc"]
    # Signed out it is told nothing; signed in again, in the same tab, as before.
    page.goto("/account")
    page.get_by_role("button", name="Keluar").click()
    page.wait_for_url("**/sign-in")
    assert endpoints(household) == []
    with page.expect_response("**/inbox/notifications"):
        inbox(phone, page)
    expect(off).to_be_visible()
    assert endpoints(household) == [f"{ENDPOINT}abc"]
    off.click()
    expect(on).to_be_visible()
    assert endpoints(household) == []


def test_who_has_refused_is_not_asked(phone: BrowserContext) -> None:
    phone.add_init_script(
        "Object.defineProperty(Notification, 'permission', { get: () => 'denied' });"
    )
    page = inbox(phone)
    expect(page.get_by_role("heading", name="Pesanan masuk")).to_be_visible()
    expect(page.locator("#phone")).to_be_hidden()


def test_what_is_pushed_is_shown(phone: BrowserContext, server: Server) -> None:
    page = inbox(phone)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    devtools = phone.new_cdp_session(page)
    registered: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registered.extend(r["registrationId"] for r in event["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    page.wait_for_timeout(200)
    told = {"title": "Pesanan baru 7K4M", "body": "Jawab.", "path": "/inbox/7K4M", "tag": "n-1"}
    for _ in range(2):
        devtools.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": f"http://{HOST}:{server.port}",
                "registrationId": registered[-1],
                "data": json.dumps(told),
            },
        )
    page.wait_for_function(
        """async () => {
          const registration = await navigator.serviceWorker.ready;
          return (await registration.getNotifications()).length > 0;
        }"""
    )
    shown = page.evaluate(
        """async () => {
          const registration = await navigator.serviceWorker.ready;
          const found = await registration.getNotifications();
          return found.map((each) => [each.title, each.body, each.data.path, each.tag]);
        }"""
    )
    # Twice the same notice is one on the screen.
    assert shown == [[told["title"], told["body"], told["path"], told["tag"]]]
