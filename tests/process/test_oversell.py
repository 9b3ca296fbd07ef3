"""Fifty packs and two hundred buyers: fifty buy, the others are told so, and nothing breaks."""

from __future__ import annotations

from functools import partial

import pytest

from tests.process.market import Market, Sold, a_few_at_a_time, at_once
from tests.process.server import Server, running
from tests.process.visitor import Answer, ready_to_buy

pytestmark = pytest.mark.process
STOCK, BUYERS = 50, 200


def rush(servers: list[Server], variant_id: int) -> list[Answer]:
    """All buyers have the form in front of them, then all send it at the same moment.

    Who has waited too long, on a slow machine, is told so and sends it again (docs/adr/0042).
    """
    prepare = [
        partial(ready_to_buy, servers[n % len(servers)].port, variant_id, f"Pembeli {n}")
        for n in range(BUYERS)
    ]
    buyers = a_few_at_a_time(prepare)
    return at_once([buyer.insist for buyer in buyers])


def check(market: Market, answers: list[Answer]) -> None:
    assert [a.body[:500] for a in answers if a.status >= 500] == []
    bought = [a for a in answers if a.status == 303]
    refused = [a for a in answers if a.status == 409]
    assert (len(bought), len(refused)) == (STOCK, BUYERS - STOCK)
    assert len({a.location for a in bought}) == STOCK
    # Each is told why, on the page with the form as it was typed.
    assert all("Stok habis." in a.body and "Pembeli " in a.body for a in refused)
    assert market.sold() == Sold(STOCK, STOCK, STOCK, 0)
    assert market.faults() == []


def test_nothing_is_sold_twice(market: Market, engine_name: str) -> None:
    """By one server on SQLite; on PostgreSQL by two, as on two machines."""
    variant_id = market.stock(STOCK)
    servers = [market.server() for _ in range(1 if engine_name == "sqlite" else 2)]
    with running(servers):
        check(market, rush(servers, variant_id))
