"""A sale beyond the website takes two taps on a phone, with script and without."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import Market
from tests.browser.test_accessible import examine
from tests.browser.test_targets import SMALL

pytestmark = pytest.mark.browser
BUTTONS = ".sellables a"
SAVE = "#sale .bar button"


def notes(page: Page) -> list[str]:
    rows = page.locator("[data-note]")
    return rows.evaluate_all("rows => rows.map(row => row.dataset.note)")


@pytest.mark.parametrize("script", [True, False])
def test_two_taps(market: Market, script: bool) -> None:
    with market.visited_by("anggota", script=script) as seller:
        page = seller.page
        seller.open("/shop/sales")
        before = notes(page)
        # The first: what was sold. The form is in sight, and so is its button.
        page.locator(BUTTONS).first.click()
        expect(page.locator("#sale h2")).to_be_in_viewport()
        expect(page.locator(SAVE)).to_be_in_viewport(ratio=1)
        # The second: save.
        page.click(SAVE)
        expect(page.locator(".notice.done")).to_be_in_viewport()
        expect(page.locator(".notice.done")).to_contain_text("Tercatat")
        seller.settle()
        after = notes(page)
        assert after[1 : len(before) + 1] == before[: len(after) - 1] and after[0] not in before
        first = page.locator("[data-note]").first
        seller.press(first.locator("form"))
        expect(page.locator("[data-note]").first).to_contain_text("Dibatalkan")


def test_the_price_follows_the_packs_until_it_is_written(market: Market) -> None:
    with market.visited_by("perajin") as seller:
        page = seller.page
        seller.open("/shop/sales")
        page.locator(BUTTONS).first.click()
        price = page.locator("#sale").get_attribute("data-price")
        assert price is not None
        page.fill("#quantity", "2")
        expect(page.locator("#total")).to_have_value(f"{2 * int(price):,}".replace(",", "."))
        page.fill("#total", "12345")
        page.click("#quantity-more")
        expect(page.locator("#total")).to_have_value("12345")


def test_a_place_far_away(market: Market) -> None:
    with market.visited_by("anggota") as seller:
        page = seller.page
        seller.open("/shop/sales")
        page.locator(BUTTONS).first.click()
        page.locator("#sale summary").first.click()
        page.locator("#region_q").press_sequentially("jakarta selatan", delay=20)
        page.locator("#region-options [value='31.74']").check()
        seller.settle()
        assert page.evaluate(SMALL) == []
        examine(page)
        page.click(SAVE)
        expect(page.locator("[data-note]").first).to_contain_text("Jakarta Selatan")
