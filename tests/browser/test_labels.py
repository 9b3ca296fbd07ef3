"""Labels on paper: each on its own A6, four on an A4, nothing cut off; a scanner finds the page."""

from __future__ import annotations

import io
import re

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page

from tests.browser.people import Market
from tests.browser.test_accessible import examine

pytestmark = pytest.mark.browser
# Millimetres of a CSS pixel.
MM = 25.4 / 96
LONG = "Jalan Panjang Sekali Nomor 123, RT 004 RW 012, Perumahan Griya Asri, belakang masjid, " * 4
# What is larger than its label, or its label than its part of the sheet.
CUT = """
() => [...document.querySelectorAll(".label")]
  .filter((label) => label.scrollHeight > label.clientHeight + 1
    || label.scrollWidth > label.clientWidth + 1)
  .map((label) => [label.dataset.label, label.scrollHeight, label.clientHeight])
"""
# The longest that the tables allow.
STRETCH = """
(street) => {
  const label = document.querySelector(".label");
  label.classList.add("long");
  label.querySelector(".name").textContent = street.slice(0, 100);
  const lines = label.querySelector(".to p:last-child");
  lines.firstChild.textContent = street.slice(0, 300);
  const list = label.querySelector("ul");
  list.replaceChildren(...Array.from({ length: 6 }, () => {
    const line = document.createElement("li");
    line.textContent = street.slice(0, 160);
    return line;
  }));
  label.querySelector(".way").textContent = street.slice(0, 90);
  if (label.querySelector(".cash")) return;
  const cash = document.createElement("p");
  cash.className = "cash";
  cash.textContent = "COD: tagih Rp1.000.000";
  list.after(cash);
}
"""


def sheets(page: Page) -> list[tuple[int, int]]:
    """Width and height of each sheet that would come out of a printer, in millimetres."""
    pdf = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    return [(round(float(w) / 72 * 25.4), round(float(h) / 72 * 25.4)) for w, h in boxes]


@pytest.mark.parametrize(("paper", "size"), [("a4", (210, 297)), ("a6", (105, 148))])
def test_labels_fit_their_paper(market: Market, paper: str, size: tuple[int, int]) -> None:
    with market.visited_by("produsen", width=1280) as coordinator:
        page = coordinator.page
        coordinator.open("/inbox/packing")
        for box in page.locator("[name=order]").all():
            box.check()
        with page.expect_navigation():
            page.click("form[action$='/inbox/labels'] [type=submit]")
        count = page.locator(".label").count()
        assert count > 1
        coordinator.open(f"{page.url}&paper={paper}")
        page.emulate_media(media="print")
        assert page.evaluate(CUT) == []
        page.evaluate(STRETCH, LONG)
        assert page.evaluate(CUT) == []
        expected = -(-count // 4) if paper == "a4" else count
        assert sheets(page) == [size] * expected


@pytest.mark.parametrize("path", ["/inbox/today", "/inbox/packing"])
def test_lists_begin_on_the_first_sheet(market: Market, path: str) -> None:
    with market.visited_by("produsen", width=1280) as coordinator:
        coordinator.open(path)
        page = coordinator.page
        page.set_viewport_size({"width": 794, "height": 1123})
        page.emulate_media(media="print")
        top = page.locator("h1").evaluate("each => each.getBoundingClientRect().top")
        assert top * MM < 60
        # All of the demo's short lists are on as many sheets as their length says.
        height = page.evaluate("document.documentElement.scrollHeight") * MM
        assert len(sheets(page)) <= height // (297 - 32) + 1


def test_a_scanner_finds_who_made_it(market: Market) -> None:
    with market.visited_by("produsen", width=1280) as coordinator:
        coordinator.open("/inbox/labels")
        shot = coordinator.page.locator(".label .code").first.screenshot()
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(shot)).convert("RGB"))
    assert found.text.startswith(f"{market.url}/made/")
    with market.visited_by() as anybody:
        anybody.open(found.text.removeprefix(market.url))
        examine(anybody.page)
        with anybody.page.expect_navigation():
            anybody.page.get_by_role("link", name="Pesan lagi").click()
        assert "/products/" in anybody.page.url
