"""One cart is one purchase, however often and however simultaneously its form is sent."""

from __future__ import annotations

import pytest

from tests.process.market import Market, Sold, at_once
from tests.process.server import running
from tests.process.visitor import Buyer, ready_to_buy

pytestmark = pytest.mark.process
TIMES, ROUNDS = 20, 2
TABS = 4


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


def test_two_tabs_order_a_cart_once(market: Market) -> None:
    """Each tab has a form, and a key, of its own: the first one wins, the other finds no cart."""
    variant_id = market.stock(50)
    server = market.server()
    with running([server]):
        for n in range(TABS):
            one = ready_to_buy(server.port, variant_id, f"Pembeli {n}")
            other = Buyer(one.visitor, one.visitor.checkout_form(f"Pembeli {n}"))
            answers = at_once([one.place, other.place])
            assert sorted(answer.status for answer in answers) == [303, 409]
    assert market.sold() == Sold(TABS, TABS, TABS, 50 - TABS)
    assert market.faults() == []
