"""What was typed at checkout survives a look elsewhere, in this tab, until it is ordered."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from ovop_market.seeds.demo_producers import GROUP
from tests.browser.people import Market, Person
from tests.factories import BANDUNG

pytestmark = pytest.mark.browser
PEMPEK = "pempek-udang-belo-laut"
TYPED = {"name": "Pembeli Bandung", "phone": "0812-0000-1234", "street": "Jalan Contoh 2"}
KEPT = "sessionStorage.getItem('checkout') || ''"


def fill_in(buyer: Person) -> None:
    """Everything but the last word."""
    buyer.put_in_cart(PEMPEK, 0, 1)
    buyer.open("/checkout")
    for name, value in TYPED.items():
        buyer.page.fill(f"[name={name}]", value)
    buyer.choose_region("cipaganti")
    buyer.page.check("[name=payment_method][value=qris]")
    buyer.page.check("[name=consent]")
    buyer.settle()


def expect_all(page: Page) -> None:
    for name, value in TYPED.items():
        expect(page.locator(f"[name={name}]")).to_have_value(value)
    expect(page.locator(f"[name=region_code][value='{BANDUNG}']")).to_be_checked()
    expect(page.locator("[name=payment_method][value=qris]")).to_be_checked()
    expect(page.locator(f"[name=delivery-{GROUP}]:checked")).to_have_count(1)
    # A word that is given with the order, not kept for it.
    expect(page.locator("[name=consent]")).not_to_be_checked()


def test_nothing_typed_is_lost_by_looking_elsewhere(market: Market) -> None:
    with market.visited_by() as buyer:
        page = buyer.page
        fill_in(buyer)
        page.locator("#visitor").get_by_role("link", name="Keranjang").click()
        page.get_by_role("link", name="Lanjut ke pesanan").click()
        page.wait_for_url("**/checkout")
        expect_all(page)
        page.get_by_role("link", name="English").click()
        page.wait_for_url("**/en/checkout**")
        expect_all(page)
        kept = page.evaluate(KEPT)
        assert "csrf" not in kept and "idempotency" not in kept


def test_it_is_forgotten_once_it_is_ordered(market: Market) -> None:
    with market.visited_by() as buyer:
        page = buyer.page
        fill_in(buyer)
        assert TYPED["street"] in page.evaluate(KEPT)
        page.check("[name=consent]")
        page.click("#send .button")
        page.wait_for_url("**/purchases/*")
        assert TYPED["street"] not in page.evaluate(KEPT)
        buyer.put_in_cart(PEMPEK, 0, 1)
        buyer.open("/checkout")
        expect(page.locator("[name=street]")).to_have_value("")


def test_what_an_account_typed_is_not_for_the_next_person(market: Market) -> None:
    with market.visited_by("pembeli") as buyer:
        page = buyer.page
        fill_in(buyer)
        buyer.open("/account")
        page.get_by_role("button", name="Keluar").click()
        page.wait_for_url("**/sign-in")
        assert not page.evaluate(KEPT)
        buyer.put_in_cart(PEMPEK, 0, 1)
        buyer.open("/checkout")
        expect(page.locator("[name=street]")).to_have_value("")


def test_what_a_guest_typed_is_not_for_whoever_signs_in(market: Market) -> None:
    with market.visited_by() as buyer:
        page = buyer.page
        fill_in(buyer)
        buyer.sign_in("pembeli")
        buyer.open("/checkout")
        expect(page.locator("[name=street]")).to_have_value("")
        expect(page.locator("[name=name]")).not_to_have_value(TYPED["name"])
        assert TYPED["street"] not in page.evaluate(KEPT)
