"""Every page that links lead to, as each role, in a real browser: nothing on the console, nothing
that the content policy refuses, nothing inline, nothing from elsewhere."""

from __future__ import annotations

import re
from collections import deque
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.people import Market

pytestmark = pytest.mark.browser
# Pages of one kind: the first one, which has the most on it.
ALIKE = 1
MOST = 60
STARTS = {
    "": ("/", "/products", "/villages", "/cart", "/sign-in", "/register", "/regions"),
    "pembeli": ("/account", "/account/purchases"),
    "produsen": ("/inbox", "/shop", "/shop/products", "/shop/members"),
    "pejabat": ("/reach", "/programme", "/mentoring"),
    "operator": ("/desk", "/desk/payouts", "/desk/statements", "/desk/notices", "/desk/tariffs"),
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


@pytest.mark.parametrize("who", STARTS, ids=lambda who: who or "nobody")
def test_every_page_is_clean(market: Market, who: str) -> None:
    with market.visited_by(who) as person:
        page = person.page
        page.context.add_init_script(LISTEN)
        waiting, wrong, opened = deque(STARTS[who]), [], 0
        seen, kinds = set(waiting), dict[tuple[str, ...], int]()
        while waiting and opened < MOST:
            address = waiting.popleft()
            found, links = look(page, market.url, address)
            wrong += found
            opened += 1
            for link in links:
                left_out = _FILES.search(link.partition("?")[0]) or link.startswith("/en")
                kind = kind_of(link)
                if left_out or link in seen or kinds.get(kind, 0) >= ALIKE:
                    continue
                kinds[kind] = kinds.get(kind, 0) + 1
                seen.add(link)
                waiting.append(link)
    assert wrong == []
    assert opened > len(STARTS[who]), "links are followed"
