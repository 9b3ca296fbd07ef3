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
from ovop_market.villages.models import Producer, ProducerStaff
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


def test_an_answer_that_was_lost_is_no_second_tap(village: Village, phone: Phone) -> None:
    number = village.numbers[0]
    page = phone.sign_in()
    lost: list[int] = []

    def lose(route: Route) -> None:
        """The server does it, and nobody hears of it."""
        lost.append(route.fetch().status)
        route.abort("connectionreset")

    phone.context.route("**/acceptance", lose, times=1)
    with page.expect_response("**/acceptance") as answer:
        tap(page, number)
    assert answer.value.status == 204  # it waits
    assert lost == [200]
    assert village.accepted(number) == 1
    page.reload()
    expect(page.locator(WAITING)).to_be_hidden()
    expect(page.locator(NEEDS)).to_be_hidden()
    assert phone.waiting(page) == 0
    assert village.accepted(number) == 1


def test_the_last_list_and_opened_orders_open_without_a_signal(
    village: Village, phone: Phone
) -> None:
    first, second, _third = village.numbers
    page = phone.sign_in()
    page.goto(f"/inbox/{first}")
    expect(page.locator(SAVED)).to_be_visible()
    expect(page.locator("#kept-copy")).to_be_hidden()
    phone.offline()
    page.goto("/inbox")
    expect(page.locator("#kept-copy")).to_contain_text(
        re.compile(r"tersimpan pukul \d\d\.\d\d WIB")
    )
    for number in village.numbers:
        expect(row(page, number)).to_be_visible()
    # With its styles: not a bare page.
    assert page.evaluate("getComputedStyle(document.querySelector('.order')).display") == "grid"
    page.goto(f"/inbox/{first}")
    expect(page.locator("#order")).to_be_visible()
    expect(page.locator("#kept-copy")).to_be_visible()
    # One that was never opened: the list instead, which says so.
    page.goto(f"/inbox/{second}")
    expect(page.locator("#not-kept")).to_be_visible()
    expect(row(page, second)).to_be_visible()
    # The signal is back: the page is today's without anybody's doing.
    page.goto("/inbox")
    expect(page).to_have_url(re.compile("/inbox$"))
    expect(page.locator("#not-kept")).to_be_hidden()
    phone.offline(False)
    expect(page.locator("#kept-copy")).to_be_hidden()
    # Nothing else was kept: no public page, no sign-in page, no account.
    page.goto("/account")
    page.goto("/products")
    assert set(phone.kept(page)) == {"/inbox", f"/inbox/{first}"}


def test_a_form_with_fields_waits_as_it_was_filled_in(village: Village, phone: Phone) -> None:
    number = village.numbers[0]
    page = phone.sign_in()
    page.goto(f"/inbox/{number}")
    expect(page.locator(SAVED)).to_be_visible()
    phone.offline()
    page.get_by_text("Tidak sanggup").click()
    page.fill("#decline-reason", "Rotan sedang habis & hujan")
    page.get_by_role("button", name="Tolak").click()
    expect(page.locator("#order [data-mark]")).to_contain_text("Tolak")
    expect(page.locator("#order form:visible")).to_have_count(0)
    phone.offline(False)
    expect(page.locator("#order")).to_have_attribute("data-state", "DECLINED")
    expect(page.locator(SENT)).to_contain_text("1")
    with village.market.session() as session:
        event = session.scalars(select(OrderEvent).where(OrderEvent.action == Action.DECLINE)).one()
        assert event.reason == "Rotan sedang habis & hujan"


def test_two_tabs_send_once(village: Village, phone: Phone) -> None:
    first, second = phone.sign_in(), phone.open()
    number = village.numbers[0]
    expect(second.locator(SAVED)).to_be_visible()
    phone.offline()
    # The same order, in each of them, before the one knows of the other.
    tap(first, number)
    expect(row(first, number).locator("[data-mark]")).to_be_visible()
    expect(row(second, number).locator("[data-mark]")).to_be_visible()
    sent: list[str] = []
    phone.context.on("request", lambda request: sent.append(request.url))
    phone.offline(False)
    for page in (first, second):
        expect(page.locator(WAITING)).to_be_hidden()
        expect(row(page, number)).to_have_count(0)
    assert len([url for url in sent if url.endswith("/acceptance")]) <= 1
    assert village.accepted(number) == 1


def test_a_token_of_a_session_that_is_over_is_renewed(village: Village, phone: Phone) -> None:
    number = village.numbers[0]
    page = phone.sign_in()
    phone.offline()
    tap(page, number)
    expect(row(page, number).locator("[data-mark]")).to_be_visible()
    # The session ends while the phone is away: nothing is sent, and nothing is lost.
    phone.context.clear_cookies()
    phone.offline(False)
    page.goto("/inbox")
    page.wait_for_url("**/sign-in?**")
    assert phone.kept(page) == []
    assert phone.waiting(page) == 1
    assert village.accepted(number) == 0
    page = phone.sign_in(page=page)
    expect(page.locator(WAITING)).to_be_hidden()
    expect(row(page, number)).to_have_count(0)
    assert village.accepted(number) == 1


def test_a_tap_after_the_session_has_ended_asks_to_sign_in(village: Village, phone: Phone) -> None:
    number = village.numbers[0]
    page = phone.sign_in()
    phone.context.clear_cookies()
    tap(page, number)
    page.wait_for_url("**/sign-in?**")
    assert village.accepted(number) == 0
    page = phone.sign_in(page=page)
    expect(row(page, number)).to_have_count(0)
    assert village.accepted(number) == 1


def test_signing_out_erases_what_was_kept(village: Village, phone: Phone) -> None:
    page = phone.sign_in()
    page.goto("/account")
    assert phone.kept(page) == ["/inbox"]
    page.get_by_role("button", name="Keluar").click()
    page.wait_for_url("**/sign-in")
    assert phone.kept(page) == []
    assert phone.waiting(page) == 0


def test_erasing_the_account_erases_what_was_kept(village: Village, phone: Phone) -> None:
    with village.market.session() as session:
        # Somebody else answers for the producer: only then may its person go.
        producer = session.scalars(select(Producer).order_by(Producer.id)).first()
        other = session.scalars(select(User).where(User.email == OTHER)).one()
        assert producer is not None
        session.add(ProducerStaff(user_id=other.id, producer_id=producer.id))
    page = phone.sign_in()
    page.goto("/account/erasure")
    assert phone.kept(page) == ["/inbox"]
    page.fill("[name=password]", PASSWORD)
    page.check("[name=sure]")
    page.click("form[action$='/account/erasure'] [type=submit]")
    page.wait_for_url("**/privacy/erased")
    assert phone.kept(page) == []


@pytest.mark.parametrize("login", [OTHER, "pembeli@ovop.example"])
def test_another_account_neither_sees_nor_sends(village: Village, phone: Phone, login: str) -> None:
    number = village.numbers[0]
    page = phone.sign_in()
    phone.offline()
    tap(page, number)
    expect(row(page, number).locator("[data-mark]")).to_be_visible()
    phone.context.clear_cookies()
    phone.offline(False)
    page.goto("/sign-in")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.click("form[action$='/sign-in'] [type=submit]")
    page.wait_for_url(re.compile("/(inbox|account)$"))
    for _ in range(100):
        if not phone.waiting(page):
            break
        page.wait_for_timeout(100)
    assert phone.waiting(page) == 0
    expect(page.locator(f"[data-order='{number}']")).to_have_count(0)
    assert f"/inbox/{number}" not in phone.kept(page)
    phone.offline()
    if login == OTHER:
        page.goto("/inbox")
        expect(page.locator(f"[data-order='{number}']")).to_have_count(0)
    assert village.accepted(number) == 0


def test_the_inbox_can_be_put_among_the_apps(village: Village, phone: Phone) -> None:
    page = phone.sign_in()
    devtools = phone.context.new_cdp_session(page)
    found = devtools.send("Page.getAppManifest")
    assert found["errors"] == []
    assert found["url"].endswith("/manifest.webmanifest")
    faults = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # An empty browser keeps nothing, as one that is incognito.
    assert {fault["errorId"] for fault in faults} <= {"in-incognito"}


@pytest.mark.parametrize("status", [503, 429])
def test_a_server_that_is_busy_is_asked_again(village: Village, phone: Phone, status: int) -> None:
    number = village.numbers[0]
    page = phone.sign_in()
    refused: list[int] = []

    def refuse(route: Route) -> None:
        refused.append(village.accepted(number))
        route.fulfill(status=status)

    phone.context.route("**/acceptance", refuse, times=1)
    with page.expect_response("**/acceptance") as answer:
        tap(page, number)
    # Nothing was decided. From here on the browser may wake the worker by itself at any time.
    assert answer.value.status == 204
    assert refused == [0]
    page.reload()
    expect(row(page, number)).to_have_count(0)
    assert village.accepted(number) == 1


def test_an_answer_that_takes_long_is_not_waited_for(village: Village, phone: Phone) -> None:
    number = village.numbers[0]
    page = phone.sign_in()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    phone.context.route("**/acceptance", hold, times=1)
    tap(page, number)
    expect(row(page, number).locator("[data-mark]")).to_be_visible()
    held[0].continue_()
    expect(row(page, number)).to_have_count(0)
    expect(page.locator(SENT)).to_contain_text("1")
    assert village.accepted(number) == 1


def test_what_rests_on_a_refused_tap_is_not_sent(village: Village, phone: Phone) -> None:
    number = village.numbers[0]
    page = phone.sign_in()
    phone.offline()
    for seen in ("COUNTERED", "PLACED"):
        status = page.evaluate(
            """async ([number, seen]) => {
              const account = document.getElementById("taps").dataset.account;
              const answer = await fetch(`/inbox/${number}/acceptance`, {
                method: "POST",
                body: new URLSearchParams({ seen, idempotency_key: seen, back: "list" }),
                headers: { "HX-Request": "true", "Tap-Account": account, "Tap-Words": seen },
              });
              return answer.status;
            }""",
            [number, seen],
        )
        assert status == 204
    phone.offline(False)
    page.reload()
    expect(page.locator(NEEDS)).to_contain_text("2")
    assert village.accepted(number) == 0


def test_it_is_sent_with_no_page_of_the_inbox_open(
    village: Village, phone: Phone, server: Server
) -> None:
    number = village.numbers[0]
    page = phone.sign_in()
    phone.offline()
    tap(page, number)
    expect(row(page, number).locator("[data-mark]")).to_be_visible()
    page.close()
    phone.offline(False)
    page = phone.open("/products")
    devtools = phone.context.new_cdp_session(page)
    registered: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registered.extend(r["registrationId"] for r in event["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    page.wait_for_timeout(200)
    devtools.send(
        "ServiceWorker.dispatchSyncEvent",
        {
            "origin": f"http://{HOST}:{server.port}",
            "registrationId": registered[-1],
            "tag": "taps",
            "lastChance": False,
        },
    )
    for _ in range(100):
        if not phone.waiting(page):
            break
        page.wait_for_timeout(100)
    assert village.accepted(number) == 1
