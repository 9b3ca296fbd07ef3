"""Parts of pages that are put in place by HTMX: the browser has nothing to object to.

Browsers and their helpers write `style` attributes of their own on fields (a textarea that was
made larger has one); the policy allows no text to become one, so HTMX must not copy them.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from ovop_market.seeds.demo_producers import GROUP
from tests.browser.people import Market

pytestmark = pytest.mark.browser
PEMPEK = "pempek-udang-belo-laut"
# As if somebody had pulled at each field; an attribute stays behind.
PULL = """
() => document.querySelectorAll("main [id]").forEach((each) => {
  each.style.height = "60px";
  each.style.height = "";
})
"""


def pull(page: Page) -> None:
    page.evaluate(PULL)
    assert page.locator("main [id][style]").count()


def test_updates_do_not_break_the_policy(market: Market) -> None:
    with market.visited_by() as buyer:
        page = buyer.page
        buyer.put_in_cart(PEMPEK, 0, 1)
        pull(page)
        page.get_by_role("button", name="Tambah").click()
        expect(page.locator("#cart")).to_contain_text("2 × Rp")
        buyer.open("/checkout")
        pull(page)
        buyer.choose_region("cipaganti")
        purchase = buyer.order("Pembeli Bandung", {GROUP: "paxel-dingin"})
        pull(page)
        claim = page.locator("[data-payment]:has(form)").first
        claim.locator("[name=reference]").fill("Bank Contoh")
        pull(page)
        buyer.press(claim)
        assert page.url.endswith(purchase)
    with market.visited_by("operator") as operator:
        operator.open("/desk")
        page = operator.page
        claimed = page.locator("[data-stuck]").filter(has_text="Pembeli Bandung").first
        claimed.locator("a.cover").click()
        operator.settle()
        pull(page)
        operator.press(page.locator("main form[hx-post]").first)
    with market.visited_by("pejabat") as official:
        official.open("/reach")
        pull(official.page)
        official.page.locator("#reach-villages a").first.click()
        official.settle()
