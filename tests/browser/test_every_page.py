"""Every page that links lead to, as each role, in a real browser: nothing on the console, nothing
that the content policy refuses, nothing inline, nothing from elsewhere."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.people import Market, Person

pytestmark = pytest.mark.browser
# Pages of one kind: the first one, which has the most on it. Of a page with filters so many ways to
# set them.
ALIKE = 1
WAYS = 6
MOST = 120
APPLICANT = "applicant"
STARTS = {
    "": (
        *("/", "/products", "/villages", "/cart", "/sign-in", "/register", "/regions", "/sell"),
        *("/data", "/privacy", "/privacy/erased", "/password/reset", "/password/reset/sent"),
        "/register/sent",
    ),
    "pembeli": ("/account", "/account/purchases", "/account/erasure", "/account/second-factor"),
    "produsen": ("/inbox", "/shop", "/shop/products", "/shop/members"),
    # A household, a household of a group, and who packs.
    "perajin": ("/inbox", "/shop"),
    "anggota": ("/inbox", "/shop"),
    "pengemas": ("/inbox", "/inbox/today"),
    "pejabat": ("/reach", "/programme", "/mentoring"),
    "operator": ("/desk", "/desk/payouts", "/desk/statements", "/desk/notices", "/desk/tariffs"),
    # Who has just made an account and asked to sell.
    APPLICANT: ("/account", "/sell", "/shop", "/shop/products", "/password/reset/sent"),
}
_FILES = re.compile(
    r"\.(csv|xlsx|pdf|png|xml|txt|json|webmanifest)$|^/(?:assets|media|api)/|/proof$"
)
# Where a part of an address names one thing of many.
_NAMES = re.compile(r"(?<=/)(?:\d+|[A-Z0-9]{4}-[A-Z0-9]{4}|[A-Za-z0-9_-]{24,})(?=/|$)")
_OF_A_KIND = re.compile(
    r"^/(products|villages|made|groups|mentoring/producers|shop/products)/[^/]+"
)

# What is refused is told by the browser itself, as an event of the document.
LISTEN = """
window.refused = [];
document.addEventListener('securitypolicyviolation', event =>
  window.refused.push(event.violatedDirective + ' ' + event.blockedURI));
"""
INLINE = """
() => {
  const found = [];
  for (const element of document.querySelectorAll('*')) {
    for (const { name, value } of element.attributes) {
      if (name === 'style' || name.startsWith('on')) found.push(`${name} on ${element.tagName}`);
      if (/^\\s*javascript:/i.test(value)) found.push(`${name}=javascript: on ${element.tagName}`);
    }
    if (element.tagName === 'STYLE') found.push('style element');
    if (element.tagName === 'SCRIPT' && !element.src) found.push('script without src');
  }
  const here = location.origin;
  for (const entry of performance.getEntriesByType('resource'))
    if (!entry.name.startsWith(here) && !entry.name.startsWith('data:')) found.push(entry.name);
  return { found, refused: window.refused,
           links: [...document.querySelectorAll('a[href]')]
             .map(a => new URL(a.getAttribute('href'), location).href) };
}
"""


def kind_of(address: str) -> tuple[str, ...]:
    """What an address has in common with those of pages of the same kind."""
    parts = urlsplit(address)
    path = _OF_A_KIND.sub(r"/\1/*", _NAMES.sub("*", parts.path))
    return (path, *sorted({name for name, _value in parse_qsl(parts.query)}))


def look(page: Page, home: str, address: str) -> tuple[list[str], list[str]]:
    """What is wrong on a page, and where its links lead on this site."""
    answer = page.goto(address, wait_until="load")
    assert answer is not None
    seen = page.evaluate(INLINE)
    wrong = [f"{address}: {what}" for what in (*seen["found"], *seen["refused"])]
    if answer.status >= 400:
        wrong.append(f"{address}: {answer.status}")
    if "content-security-policy" not in answer.headers:
        wrong.append(f"{address}: no content policy")
    here = [link for link in seen["links"] if link.startswith(f"{home}/")]
    links = [link.removeprefix(home).partition("#")[0] for link in here]
    return wrong, links


def apply(person: Person) -> None:
    page = person.page
    person.open("/register?next=/sell")
    page.fill("[name=name]", "Bu Cemara")
    page.fill("[name=login]", "cemara@ovop.example")
    page.fill("[name=password]", "perahu-hijau-di-muara-77")
    page.click("form[action$='/register'] [type=submit]")
    page.wait_for_url("**/register/sent*")
    person.open("/sell")
    page.select_option("[name=village]", index=1)
    page.select_option("[name=kind]", "household")
    page.fill("form[action$='/sell'] [name=name]", "Dapur Bu Cemara")
    page.fill("[name=about]", "Keripik dari kebun sendiri.")
    page.fill("[name=phone]", "0812-0000-7777")
    page.click("form[action$='/sell'] [type=submit]")
    page.wait_for_url("**/sell")


def tour(market: Market, who: str, starts: Sequence[str]) -> list[str]:
    """What is wrong on the pages that a person comes to."""
    wrong: list[str] = []
    with market.visited_by("" if who == APPLICANT else who) as person:
        if who == APPLICANT:
            apply(person)
        page = person.page
        page.context.add_init_script(LISTEN)
        waiting, opened = deque(starts), 0
        seen, kinds = set(waiting), Counter[tuple[str, ...]]()
        while waiting and opened < MOST:
            address = waiting.popleft()
            found, links = look(page, market.url, address)
            wrong += found
            opened += 1
            for link in links:
                left_out = _FILES.search(link.partition("?")[0]) or link.startswith("/en")
                kind = kind_of(link)
                ways = (*kind[:1], "?")
                if left_out or link in seen or kinds[kind] >= ALIKE or kinds[ways] >= WAYS:
                    continue
                kinds[kind] += 1
                kinds[ways] += kind[1:] != ()
                seen.add(link)
                waiting.append(link)
    assert not waiting, f"{who} has more pages than are looked at: {list(waiting)[:5]}"
    assert opened > len(starts), "links are followed"
    return wrong


@pytest.mark.parametrize("who", STARTS, ids=lambda who: who or "nobody")
def test_every_page_is_clean(market: Market, who: str) -> None:
    assert tour(market, who, STARTS[who]) == []
