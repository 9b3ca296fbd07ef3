"""The same form, sent twenty times at the same moment, is one purchase."""

from __future__ import annotations

import pytest

from tests.process.market import Market, Sold, at_once
from tests.process.server import running
from tests.process.visitor import ready_to_buy

pytestmark = pytest.mark.process
TIMES, ROUNDS = 20, 2


def test_all_get_the_same_purchase(market: Market) -> None:
    variant_id = market.stock(50)
    server = market.server()
    with running([server]):
        for n in range(ROUNDS):
            buyer = ready_to_buy(server.port, variant_id, f"Pembeli {n}")
            answers = at_once([buyer.place] * TIMES)
            assert [(a.status, a.body[:500]) for a in answers if a.status != 303] == []
            assert len({answer.location for answer in answers}) == 1
    assert market.sold() == Sold(ROUNDS, ROUNDS, ROUNDS, 50 - ROUNDS)
    assert market.faults() == []
