"""The server dies in the middle of a stream of checkouts: what it has answered, it has kept."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

import pytest
from sqlalchemy import func, select

from ovop_market.orders.models import Purchase
from tests.process.market import Market, Sold, a_few_at_a_time
from tests.process.server import Server, running
from tests.process.visitor import Answer, Buyer, Visitor, ready_to_buy

pytestmark = pytest.mark.process
BUYERS, STOCK = 60, 70
# The server is killed as soon as so many have been answered; others are under way then.
ANSWERED_BEFORE = 20


@dataclass
class Stream:
    """Checkouts, until the server is gone."""

    server: Server
    answered: int = 0
    _lock: Lock = field(default_factory=Lock)

    def place(self, buyer: Buyer) -> Answer | None:
        """The answer, or None for whom the server died before."""
        try:
            answer = buyer.place()
        except (OSError, http.client.HTTPException):
            return None
        with self._lock:
            self.answered += 1
            if self.answered == ANSWERED_BEFORE:
                self.server.kill()
        return answer


@pytest.fixture
def server(market: Market) -> Iterator[Server]:
    server = market.server()
    with running([server]):
        yield server


def test_what_was_answered_is_there_and_nothing_twice(market: Market, server: Server) -> None:
    variant_id = market.stock(STOCK)
    names = [f"Pembeli {n}" for n in range(BUYERS)]
    buyers = a_few_at_a_time(
        [partial(ready_to_buy, server.port, variant_id, name) for name in names]
    )
    stream = Stream(server)
    first = a_few_at_a_time([partial(stream.place, buyer) for buyer in buyers])
    placed = {n: answer for n, answer in enumerate(first) if answer is not None}
    assert {answer.status for answer in placed.values()} == {303}
    assert ANSWERED_BEFORE <= len(placed) < BUYERS

    with market.session() as session:
        kept = set(session.scalars(select(Purchase.token)))
    assert {answer.location.rpartition("/")[2] for answer in placed.values()} <= kept
    assert market.faults() == []

    server.start()
    server.wait()
    # Everybody sends the same form again, with the cookie from before the crash.
    again = a_few_at_a_time([buyer.place for buyer in buyers])
    assert {answer.status for answer in again} == {303}
    assert all(again[n].location == answer.location for n, answer in placed.items())
    check_all_bought_once(market, names)
    page = Visitor(server.port).get(again[0].location)
    assert page.status == 200
    assert 'data-state="ACCEPTED"' in page.body


def check_all_bought_once(market: Market, names: list[str]) -> None:
    with market.session() as session:
        bought = session.execute(select(Purchase.name, func.count()).group_by(Purchase.name)).all()
    assert dict(bought) == dict.fromkeys(names, 1)
    assert market.sold() == Sold(BUYERS, BUYERS, BUYERS, STOCK - BUYERS)
    assert market.faults() == []
