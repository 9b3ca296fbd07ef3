"""Every page, on a phone and on a desk: nothing that axe objects to, nothing beside the screen.

A complaint of the browser (its console, a violated policy, a failed request) fails as well: see
people.Watch.
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ovop_market.seeds.demo_producers import GROUP, WEAVER
from tests.browser.people import PHONE, Market, Person, Scheme

pytestmark = pytest.mark.browser
PRODUCT = "/products/pempek-udang-belo-laut"
PUBLIC = ("/", "/villages", "/villages/belo-laut", PRODUCT, "/products", "/products?q=rotan")
STAFF = {
    "produsen": ("/inbox", "/inbox?tab=done", "/shop"),
    "pejabat": ("/reach",),
    "operator": ("/desk", "/desk/payments"),
}
# The first of a list, opened.
DETAILS = {"produsen": "[data-order] a.cover", "operator": "[data-stuck] a.cover"}
SCREENS: list[tuple[int, Scheme]] = [(PHONE, "light"), (1280, "light"), (PHONE, "dark")]


def check(person: Person, path: str) -> None:
    person.open(path)
    examine(person.page)


def examine(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
    beside = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert beside <= 0, f"{page.url} is {beside} px wider than the screen"


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_public_pages(market: Market, width: int, scheme: Scheme) -> None:
    with market.visited_by(width=width, scheme=scheme) as visitor:
        for path in PUBLIC:
            check(visitor, path)
        # Not even the badge of the cart, which each of them has fetched.
        assert visitor.page.context.cookies() == []
        check(visitor, "/sign-in")


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_a_buyers_pages(market: Market, width: int, scheme: Scheme) -> None:
    with market.visited_by(width=width, scheme=scheme) as buyer:
        check(buyer, "/cart")
        buyer.put_in_cart("pempek-udang-belo-laut", 0, 2)
        buyer.put_in_cart("keranjang-rotan-dendang", 0, 1)
        examine(buyer.page)
        check(buyer, "/checkout")
        buyer.choose_region("cipaganti")
        examine(buyer.page)
        purchase = buyer.order("Pembeli Bandung", {GROUP: "paxel-dingin", WEAVER: "jne-reg"})
        check(buyer, purchase)


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_a_refused_form(market: Market, width: int, scheme: Scheme) -> None:
    with market.visited_by(width=width, scheme=scheme, refused=422) as buyer:
        buyer.put_in_cart("keranjang-rotan-dendang", 0, 1)
        buyer.open("/checkout")
        with buyer.page.expect_navigation():
            buyer.page.click("#delivery .button.primary")
        expect(buyer.page.locator(".errors[role=alert]")).to_be_focused()
        examine(buyer.page)


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
@pytest.mark.parametrize("who", STAFF)
def test_staff_pages(market: Market, who: str, width: int, scheme: Scheme) -> None:
    with market.visited_by(who, width=width, scheme=scheme) as person:
        for path in STAFF[who]:
            check(person, path)
        if who in DETAILS:
            person.open(STAFF[who][0])
            with person.page.expect_navigation():
                person.page.locator(DETAILS[who]).first.click()
            examine(person.page)
