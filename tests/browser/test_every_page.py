"""Every page that links lead to, as each role, in a real browser: nothing on the console, nothing
that the content policy refuses, nothing inline, nothing from elsewhere."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from tests import factories
from tests.browser import prepared
from tests.browser.people import Market, Person
from tests.process.server import Server

pytestmark = pytest.mark.browser
# Pages of one kind: the first one, which has the most on it. Of a page with filters so many ways to
# set them.
ALIKE = 1
WAYS = 6
MOST = 120
# Who has just asked to sell; and who is asked for a code.
APPLICANT, CODE = "applicant", "code"
STARTS = {
    "": (
        *("/", "/products", "/villages", "/cart", "/sign-in", "/register", "/regions", "/sell"),
        *("/data", "/privacy", "/privacy/erased", "/password/reset", "/password/reset/sent"),
        *("/register/sent", "/password/reset/waiting", "/checkout"),
    ),
    "pembeli": (
        *("/account", "/account/purchases", "/account/erasure", "/account/second-factor"),
        *("/account/confirmation", "/account/email/removal"),
    ),
    "produsen": ("/inbox", "/shop", "/shop/products", "/shop/members"),
    # A household, a household of a group, and who packs.
    "perajin": ("/inbox", "/shop"),
    "anggota": ("/inbox", "/shop"),
    "pengemas": ("/inbox", "/inbox/today"),
    "pejabat": ("/reach", "/programme", "/mentoring"),
    "operator": ("/desk", "/desk/payouts", "/desk/statements", "/desk/notices", "/desk/tariffs"),
    # Who has just made an account and asked to sell.
    APPLICANT: ("/account", "/sell", "/shop", "/shop/products", "/password/reset/sent"),
    CODE: ("/sign-in/code",),
}
PREPARED = {"": prepared.for_nobody, "operator": prepared.for_the_operator, CODE: prepared.guarded}
# What no browser shows as a page: files, pictures, pieces of pages, and what programs ask for.
NO_PAGES = re.compile(
    r"^/(assets|media|api|healthz|readyz|metrics|cart/badge|inbox/poll|inbox/session)\b|"
    r"\.(csv|xlsx|pdf|png|xml|txt|js|webmanifest)$|/proof$|/photos/|/file$"
)
# Pages that the demo does not have; tests/guards/test_who_sees_what.py asks for them.
NOT_HERE = {
    "/desk/gateway": "the demo is paid without a gateway",
    "/reach/exports/<key>": "a file so large that it is waited for: tests/reach",
}
_FILES = re.compile(
    r"\.(csv|xlsx|pdf|png|xml|txt|json|webmanifest)$|^/(?:assets|media|api)/|/proof$"
)
# Where a part of an address names one thing of many.
_NAMES = re.compile(r"(?<=/)(?:\d+|[A-Z0-9]{4}-[A-Z0-9]{4}|[A-Za-z0-9_-]{24,})(?=/|$)")
_OF_A_KIND = re.compile(
    r"^/(products|villages|made|groups|mentoring/producers|shop/products)/(?!new\b)[^/]+"
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
  const links = [...document.querySelectorAll('a[href]')]
    .map(a => new URL(a.getAttribute('href'), location).href);
  // A form that only asks leads somewhere as well: as it stands, with all that can be ticked.
  for (const form of document.querySelectorAll('form:not([method=post])'))
    for (const button of form.querySelectorAll('[type=submit]')) {
      for (const box of form.elements) if (box.type === 'checkbox') box.checked = true;
      const action = button.getAttribute('formaction') || form.getAttribute('action') || '';
      const asked = new URL(action, location);
      asked.search = new URLSearchParams(new FormData(form));
      links.push(asked.href);
    }
  return { found, refused: window.refused, links };
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


def fill_cart(person: Person) -> None:
    person.put_in_cart("pempek-udang-belo-laut", 0, 1)


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


def give_password(person: Person) -> None:
    page = person.page
    person.open("/sign-in")
    page.fill("[name=login]", prepared.GUARDED)
    page.fill("[name=password]", factories.PASSWORD)
    page.click("form[action$='/sign-in'] [type=submit]")
    page.wait_for_url("**/sign-in/code")


# What people do before they look around.
FIRST = {"": fill_cart, APPLICANT: apply, CODE: give_password}


@pytest.fixture(scope="module")
def prepared_for(
    servers: Callable[[str], Server], applications: dict[str, Flask]
) -> dict[str, Sequence[str]]:
    """The addresses of what was made for some of them."""
    engine = create_engine(servers("sqlite").environ["DATABASE_URL"])
    with applications["sqlite"].app_context(), Session(engine) as session:
        addresses = {who: prepare(session) for who, prepare in PREPARED.items()}
        session.commit()
    engine.dispose()
    return addresses


@dataclass(frozen=True, slots=True)
class Tour:
    """What was opened, and what was wrong there."""

    opened: Sequence[str]
    wrong: Sequence[str]


@pytest.fixture(scope="module")
def tours() -> dict[str, Tour]:
    """Those that were made."""
    return {}


@pytest.fixture
def tour(
    market: Market, prepared_for: dict[str, Sequence[str]], tours: dict[str, Tour]
) -> Callable[[str], Tour]:
    def made(who: str) -> Tour:
        if who not in tours:
            tours[who] = go_through(market, who, (*STARTS[who], *prepared_for.get(who, ())))
        return tours[who]

    return made


def go_through(market: Market, who: str, starts: Sequence[str]) -> Tour:
    """Goes through the pages that a person comes to."""
    wrong: list[str] = []
    opened: list[str] = []
    with market.visited_by("" if who in FIRST else who) as person:
        if who in FIRST:
            FIRST[who](person)
        page = person.page
        page.context.add_init_script(LISTEN)
        waiting = deque(starts)
        seen, kinds = set(waiting), Counter[tuple[str, ...]]()
        while waiting and len(opened) < MOST:
            address = waiting.popleft()
            found, links = look(page, market.url, address)
            wrong += found
            opened.append(address)
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
    return Tour(opened, wrong)


@pytest.mark.parametrize("who", STARTS, ids=lambda who: who or "nobody")
def test_every_page_is_clean(tour: Callable[[str], Tour], who: str) -> None:
    toured = tour(who)
    assert list(toured.wrong) == []
    assert len(toured.opened) > len(STARTS[who]), "links are followed"


def test_no_page_is_left_out(tour: Callable[[str], Tour], applications: dict[str, Flask]) -> None:
    rules = applications["sqlite"].url_map
    adapter = rules.bind("localhost")
    paths = [urlsplit(address).path for who in STARTS for address in tour(who).opened]
    looked_at = {adapter.match(path)[0] for path in paths}
    left = [
        f"{rule.endpoint}: {rule.rule}"
        for rule in rules.iter_rules()
        if "GET" in (rule.methods or ()) and rule.endpoint not in looked_at
        if not NO_PAGES.search(rule.rule) and rule.rule not in NOT_HERE
    ]
    assert not left, "\n".join(left)
