"""Whatever is tapped is large enough for a thumb: 44 by 44 px (WCAG 2.5.5), on a phone.

Links within a sentence are exempt, as they are there: the line's height is theirs.
"""

from __future__ import annotations

import pytest

from tests.browser.people import Market, Person

pytestmark = pytest.mark.browser
PUBLIC = (
    "/",
    "/villages",
    "/villages/belo-laut",
    "/products",
    "/products?q=rotan",
    "/data",
    "/sign-in",
    "/password/reset",
    "/password/reset/waiting",
)
PRODUCT = "/products/pempek-udang-belo-laut"
SIGNED_IN = {
    "pembeli": ("/account", "/account/purchases"),
    "produsen": (
        "/account",
        "/inbox",
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
    "pejabat": ("/account", "/reach", "/reach?channel=reported"),
    "pengemas": ("/account", "/inbox", "/shop/staff"),
    "operator": ("/desk", "/desk/users", "/desk/users/2"),
}
# The label of a radio button or a box is tapped as well; a covering link is as large as its card.
SMALL = """
() => [...document.querySelectorAll("a, button, summary, select, input:not([type=hidden])")]
  .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.matches(".skip"))
  .filter((each) => !each.matches(".cover"))
  .filter((each) => {
    const text = each.closest("p, li, span");
    const alone = !text || text.textContent.trim() === each.textContent.trim();
    return alone || !each.matches("a") || getComputedStyle(each).display !== "inline";
  })
  .map((each) => {
    const tapped = each.closest("label, .check") || each;
    const { width, height } = tapped.getBoundingClientRect();
    return [each.outerHTML.slice(0, 120), Math.round(width), Math.round(height)];
  })
  .filter(([, width, height]) => width < 44 || height < 44)
"""


def check(person: Person, path: str) -> None:
    person.open(path)
    assert person.page.evaluate(SMALL) == [], path


def test_a_visitors_pages(market: Market) -> None:
    with market.visited_by() as visitor:
        for path in (*PUBLIC, PRODUCT):
            check(visitor, path)
        visitor.put_in_cart("pempek-udang-belo-laut", 0, 2)
        check(visitor, "/cart")
        check(visitor, "/checkout")


@pytest.mark.parametrize("who", SIGNED_IN)
def test_pages_of_ones_own(market: Market, who: str) -> None:
    with market.visited_by(who) as person:
        for path in SIGNED_IN[who]:
            check(person, path)
