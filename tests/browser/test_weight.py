"""What a public page costs a phone on a weak signal: its text, styles and scripts, compressed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Request

from tests.browser.people import Market

pytestmark = pytest.mark.browser
PAGES = ("/", "/products", "/products/pempek-udang-belo-laut", "/villages/belo-laut")
MOST_BYTES = 60_000
# Pictures come later and are counted elsewhere.
KINDS = ("document", "stylesheet", "script", "xhr", "fetch")


@pytest.mark.parametrize("path", PAGES)
def test_a_public_page_is_light(market: Market, path: str) -> None:
    with market.visited_by() as visitor:
        requests: list[Request] = []

        def note(request: Request) -> None:
            requests.append(request)

        visitor.page.on("requestfinished", note)
        visitor.open(path)
        weights = {r.url: r.sizes() for r in requests if r.resource_type in KINDS}
    assert len(weights) >= 4  # the page, its style sheet, two scripts
    total = sum(w["responseBodySize"] + w["responseHeadersSize"] for w in weights.values())
    assert total <= MOST_BYTES, weights
