"""The cart in a browser: a changed number is saved by itself, and nothing overtakes it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.people import Market, Person

pytestmark = pytest.mark.browser
PEMPEK, BASKET = "pempek-udang-belo-laut", "keranjang-rotan-dendang"
LINES = "**/cart/lines/*"
SLOW = 0.7  # seconds that an answer takes on a weak signal


@pytest.fixture
def buyer(market: Market) -> Iterator[Person]:
    """Somebody with a pack of pempek and a basket in the cart, on a phone with a weak signal."""
    with market.visited_by() as person:
        person.put_in_cart(PEMPEK, 0, 1)
        person.put_in_cart(BASKET, 0, 1)
        person.page.route(LINES, _slowly)
        yield person


def _slowly(route: Route) -> None:
    time.sleep(SLOW)
    route.continue_()


def fields(buyer: Person) -> Locator:
    return buyer.page.locator("#cart [name=quantity]")


def more(buyer: Person, line: int) -> Locator:
    return buyer.page.get_by_role("button", name="Tambah").nth(line)


def stored(buyer: Person) -> list[str]:
    """The numbers as the server has them."""
    buyer.page.unroute(LINES)
    buyer.open("/cart")
    return fields(buyer).evaluate_all("fields => fields.map(field => field.value)")


def test_a_changed_number_is_saved_by_itself(buyer: Person) -> None:
    page = buyer.page
    expect(page.get_by_role("button", name="Ubah")).to_have_count(0)
    amount = page.locator("#cart li data.money").first
    one = int(amount.get_attribute("value") or 0)
    more(buyer, 0).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(amount).to_have_attribute("value", str(3 * one))
    # The same button has the focus, in the new cart; the count at the top has come along.
    expect(more(buyer, 0)).to_be_focused()
    expect(page.locator("#visitor .count")).to_have_text("4")
    assert stored(buyer) == ["3", "1"]


def test_a_later_change_is_not_overtaken_by_an_earlier_answer(buyer: Person) -> None:
    with buyer.page.expect_request(LINES):
        more(buyer, 0).click()
    more(buyer, 0).click()
    more(buyer, 1).click()
    buyer.page.get_by_role("link", name="Lanjut ke pesanan").click()
    buyer.page.wait_for_url("**/checkout")
    assert stored(buyer) == ["3", "2"]


def test_whoever_goes_on_orders_the_number_in_sight(buyer: Person) -> None:
    fields(buyer).first.fill("4")
    buyer.page.get_by_role("link", name="Lanjut ke pesanan").click()
    buyer.page.wait_for_url("**/checkout")
    expect(buyer.page.locator("#delivery")).to_contain_text("4 × ")


def test_taking_a_line_out_forgets_what_was_typed_in_it(buyer: Person) -> None:
    more(buyer, 0).click()
    buyer.page.get_by_role("button", name=re.compile("Keluarkan Pempek")).click()
    expect(fields(buyer)).to_have_count(1)
    assert stored(buyer) == ["1"]


def test_a_refusal_stands_beside_the_line_and_nobody_goes_on(market: Market) -> None:
    with market.visited_by(refused=422) as buyer:
        buyer.put_in_cart(PEMPEK, 0, 1)
        fields(buyer).fill("1000")
        buyer.page.get_by_role("link", name="Lanjut ke pesanan").click()
        expect(buyer.page.locator("#cart li .error")).to_contain_text("Isi jumlah 1 sampai 999")
        expect(fields(buyer)).to_have_value("1000")
        expect(buyer.page.get_by_role("link", name="Lanjut ke pesanan")).to_have_count(0)
        assert buyer.page.url.endswith("/cart")
        # Mended by itself, too.
        fields(buyer).fill("2")
        fields(buyer).blur()
        expect(buyer.page.get_by_role("link", name="Lanjut ke pesanan")).to_be_visible()
        assert stored(buyer) == ["2"]


def test_without_a_signal_the_number_waits_and_is_sent_in_the_end(market: Market) -> None:
    with market.visited_by(offline=True) as buyer:
        buyer.put_in_cart(PEMPEK, 0, 1)
        buyer.page.route(LINES, lambda route: route.abort("internetdisconnected"))
        more(buyer, 0).click()
        expect(buyer.page.locator("#notices")).to_contain_text("Tidak ada sambungan")
        buyer.page.unroute(LINES)
        buyer.page.get_by_role("link", name="Lanjut ke pesanan").click()
        buyer.page.wait_for_url("**/checkout")
        assert stored(buyer) == ["2"]


def test_without_script_there_is_a_button(market: Market) -> None:
    with market.visited_by(script=False) as buyer:
        buyer.put_in_cart(PEMPEK, 0, 1)
        fields(buyer).fill("3")
        buyer.page.get_by_role("button", name="Ubah").click()
        expect(buyer.page.locator("#cart")).to_contain_text("3 × Rp")
