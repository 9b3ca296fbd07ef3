"""Every page, on a phone and on a desk, light and dark: nothing that axe objects to, nothing beside
the screen. A page is loaded once, on a phone, and looked at on each screen.

A complaint of the browser (its console, a violated policy, a failed request) fails as well: see
people.Watch.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ovop_market.core import clock
from ovop_market.seeds.demo_producers import GROUP, WEAVER
from tests.browser.people import HEIGHT, PHONE, Market, Person, Scheme

pytestmark = pytest.mark.browser
PRODUCT = "/products/pempek-udang-belo-laut"
PUBLIC = (
    "/",
    "/villages",
    "/villages/belo-laut",
    PRODUCT,
    "/products",
    "/products?q=rotan",
    "/data",
)
STAFF = {
    "produsen": (
        "/inbox",
        "/inbox?tab=done",
        "/inbox/today",
        "/inbox/packing",
        "/inbox/labels",
        "/shop",
        "/shop/sales",
        "/shop/statement",
        "/shop/staff",
        "/groups/kelompok-pempek-belo-laut/sharing",
    ),
    "anggota": ("/inbox", "/shop/statement"),
    "pejabat": (
        "/reach",
        "/reach?channel=reported",
        "/reach?measure=first",
        "/programme",
        "/programme/1",
        "/programme/new",
        "/programme/effect",
    ),
    "pengemas": ("/inbox", "/shop/staff"),
    "operator": (
        "/desk",
        "/desk/payments",
        "/desk/users",
        "/desk/users/2",
        "/desk/producers",
        "/desk/producers/dapur-teri-ibu-camar",
        "/desk/listings",
        "/desk/listings/keripik-kelor-teluk-limau",
        "/desk/bulk/listings-approve?id=1&id=2",
        "/desk/batches",
    ),
}
# The first of a list, opened.
DETAILS = {"produsen": "[data-order] a.cover", "operator": "[data-stuck] a.cover"}
SCREENS: list[tuple[int, Scheme]] = [(PHONE, "light"), (1280, "light"), (PHONE, "dark")]


def check(person: Person, path: str) -> None:
    person.open(path)
    examine(person.page)


def examine(page: Page) -> None:
    """Raises AssertionError with what is wrong on a screen; leaves the page on the first."""
    for width, scheme in (*SCREENS[1:], SCREENS[0]):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(page)
        where = f"{page.url}, {width} px, {scheme}"
        assert found.violations_count == 0, f"{where}\n{found.generate_report()}"
        beside = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert beside <= 0, f"{where}: {beside} px wider than the screen"


def test_public_pages(market: Market) -> None:
    with market.visited_by() as visitor:
        for path in PUBLIC:
            check(visitor, path)
        # Not even the badge of the cart, which each of them has fetched.
        assert visitor.page.context.cookies() == []
        check(visitor, "/sign-in")


def test_a_buyers_pages(market: Market) -> None:
    with market.visited_by() as buyer:
        check(buyer, "/cart")
        buyer.put_in_cart("pempek-udang-belo-laut", 0, 2)
        buyer.put_in_cart("keranjang-rotan-dendang", 0, 1)
        examine(buyer.page)
        check(buyer, "/checkout")
        buyer.choose_region("cipaganti")
        examine(buyer.page)
        purchase = buyer.order("Pembeli Bandung", {GROUP: "paxel-dingin", WEAVER: "jne-reg"})
        check(buyer, purchase)


def test_asking_to_sell(market: Market) -> None:
    with market.visited_by("pembeli") as buyer:
        check(buyer, "/sell")


def test_a_refused_form(market: Market) -> None:
    with market.visited_by(refused=422) as buyer:
        buyer.put_in_cart("keranjang-rotan-dendang", 0, 1)
        buyer.open("/checkout")
        with buyer.page.expect_navigation():
            buyer.page.click("#send .button")
        expect(buyer.page.locator(".errors[role=alert]")).to_be_focused()
        examine(buyer.page)


def test_how_a_payout_is_split(market: Market) -> None:
    # A payout was made in each of the last weeks, so in the month before this.
    month = clock.wib_date(clock.now()).replace(day=1) - timedelta(days=1)
    with market.visited_by("produsen") as coordinator:
        coordinator.open(f"/shop/statement?month={month:%Y-%m}")
        with coordinator.page.expect_navigation():
            coordinator.page.locator("a[href*='/payouts/']").first.click()
        coordinator.page.locator("summary").first.click()
        examine(coordinator.page)


@pytest.mark.parametrize("who", STAFF)
def test_staff_pages(market: Market, who: str) -> None:
    with market.visited_by(who) as person:
        for path in STAFF[who]:
            check(person, path)
        if who in DETAILS:
            person.open(STAFF[who][0])
            with person.page.expect_navigation():
                person.page.locator(DETAILS[who]).first.click()
            examine(person.page)
