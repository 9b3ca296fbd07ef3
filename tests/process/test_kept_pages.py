"""A change is on the public pages of every server process within two seconds."""

from __future__ import annotations

import re
import time

import pytest
from sqlalchemy import update

from ovop_market.catalogue.models import Variant
from tests.process.market import Market
from tests.process.server import Server, running
from tests.process.visitor import Answer, Visitor

pytestmark = pytest.mark.process
SECONDS = 2
PAGES = ("/", "/products", "/products?q=pempek", "/products/pempek", "/villages/belo-laut")
# Each request is a new connection, which any of a server's workers may take.
REQUESTS = 6


def answers(server: Server, page: str) -> list[Answer]:
    return [Visitor(server.port).get(page) for _ in range(REQUESTS)]


def kept_elsewhere(answer: Answer) -> int:
    """The seconds for which browsers and proxies may go on showing this answer."""
    found = re.search(r"max-age=(\d+)", answer.headers["Cache-Control"])
    assert found, answer.headers["Cache-Control"]
    return int(found.group(1))


def test_a_new_price_is_seen_everywhere(market: Market) -> None:
    market.stock(10)
    servers = [market.server(), market.server()]
    with running(servers):
        before = {page: answers(server, page) for server in servers for page in PAGES}
        assert all("45.000" in a.body for page in PAGES for a in before[page])
        with market.session() as session:
            session.execute(update(Variant).values(price=46_500))
        # A cache that fetched just before the change may show the old page for so long; what it
        # fetches then must be new.
        time.sleep(SECONDS - max(kept_elsewhere(a) for page in PAGES for a in before[page]))
        for server in servers:
            for page in PAGES:
                for answer in answers(server, page):
                    assert "46.500" in answer.body, page
                    assert "45.000" not in answer.body, page
