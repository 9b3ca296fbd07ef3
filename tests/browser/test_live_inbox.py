"""A producer who leaves the inbox open sees a new order without doing anything."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Response, expect

from ovop_market.seeds.demo_producers import WEAVER
from tests.browser.people import Market

pytestmark = pytest.mark.browser
SECONDS_BETWEEN_POLLS = 20
MARK = "nobody has loaded this page again"


def next_poll(page: Page) -> Response:
    """Moves the browser's clock (see page.clock.install), so that nobody has to wait."""
    with page.expect_response(lambda answer: urlsplit(answer.url).path == "/inbox/poll") as poll:
        page.clock.fast_forward(SECONDS_BETWEEN_POLLS * 1000)
    return poll.value


def test_a_new_order_appears_by_itself(market: Market) -> None:
    with market.visited_by("perajin") as weaver, market.visited_by() as buyer:
        page = weaver.page
        page.clock.install()
        weaver.open("/inbox")
        page.evaluate("mark => { document.body.dataset.mark = mark; }", MARK)
        buyer.put_in_cart("keranjang-rotan-dendang", 0, 1)
        buyer.order("Pembeli Bandung", {WEAVER: "jne-reg"})
        (number,) = buyer.orders()
        assert number not in weaver.orders()

        assert next_poll(page).status == 200
        order = page.locator(f"[data-order='{number}']")
        expect(order).to_be_visible()
        assert order.get_attribute("data-state") == "PLACED"
        assert page.evaluate("document.body.dataset.mark") == MARK


def test_nothing_is_sent_when_nothing_is_new(market: Market) -> None:
    with market.visited_by("perajin") as weaver:
        weaver.page.clock.install()
        weaver.open("/inbox")
        before = weaver.orders()
        # Twice: the first answer must not have ended the polling.
        assert [next_poll(weaver.page).status for _ in range(2)] == [204, 204]
        assert weaver.orders() == before
