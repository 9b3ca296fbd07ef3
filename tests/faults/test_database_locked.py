"""Somebody holds the database's lock for longer than people wait: what they typed is kept."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import make_url

from tests.factories import make_user
from tests.faults.helping import is_ours, resent, soon, timed
from tests.pages import token_in
from tests.process.market import Market, at_once
from tests.process.server import Server, running
from tests.process.test_races import signed_in
from tests.process.visitor import Visitor, ready_to_buy

pytestmark = pytest.mark.process
# Longer than anybody waits for it.
SECONDS_LOCKED = 8.0
# Then it ends, whatever has become of the test.
AT_MOST = 60.0


@contextmanager
def locked(market: Market) -> Iterator[threading.Event]:
    """Nobody else can write until the block is left, and for SECONDS_LOCKED at least. The event
    tells that it is over."""
    told, over, held = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        if market.url.startswith("sqlite"):
            file = sqlite3.connect(make_url(market.url).database or "", isolation_level=None)
            file.execute("BEGIN IMMEDIATE")
        else:
            plain = make_url(market.url).set(drivername="postgresql").render_as_string(False)
            file = psycopg.connect(plain)
            # Whoever reads gets through, whoever writes does not.
            file.execute("LOCK TABLE cart, purchase, customer_order IN EXCLUSIVE MODE")
        held.set()
        begun = time.monotonic()
        told.wait(AT_MOST)
        time.sleep(max(0.0, begun + SECONDS_LOCKED - time.monotonic()))
        over.set()
        file.rollback()
        file.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(AT_MOST)
    try:
        yield over
    finally:
        told.set()
        thread.join()


@pytest.fixture
def server(market: Market) -> Iterator[Server]:
    server = market.server()
    with running([server]):
        yield server


def test_an_order_waits_on_its_page_and_is_placed_once(market: Market, server: Server) -> None:
    variant_id = market.stock(3)
    buyer = ready_to_buy(server.port, variant_id, 'Ibu <b>Sari</b> & "Pak" Adi')
    with market.session() as session:
        make_user(session, login="sari@ovop.example")
    person = signed_in(server.port, "sari@ovop.example")
    assert person.fill_cart(variant_id).status == 303
    token_of_person = token_in(person.get("/account").body)
    public = Visitor(server.port).get("/products/pempek")
    form_of_person = {"csrf_token": token_of_person, "name": "Sari"}
    pids = server.workers()
    pages = ("/products/pempek", "/", "/villages/belo-laut", "/cart", "/readyz")
    well = {page: timed(lambda page=page: buyer.visitor.get(page)) for page in pages}
    form_itself = timed(lambda: buyer.visitor.get("/checkout"))
    with locked(market) as over:
        refused, own = at_once(
            [
                lambda: timed(buyer.place),
                lambda: timed(lambda: person.ask("POST", "/checkout", form_of_person)),
            ]
        )
        assert refused.status == 503, refused.answer.body[:2000]
        assert refused.seconds < soon(form_itself)
        print(f"503 after {refused.seconds:.2f} s")
        assert is_ours(refused.answer)
        assert refused.answer.headers["Retry-After"] == "5"
        again = resent(refused.answer)
        token = again.pop("csrf_token")
        assert again == {k: v for k, v in buyer.form.items() if k != "csrf_token"}
        assert "<b>Sari" not in refused.answer.body
        # Whoever is signed in is looked up first: that is what has to wait here.
        assert own.status == 503, own.answer.body[:2000]
        assert own.seconds < soon(form_itself)
        assert resent(own.answer)["name"] == "Sari"
        # Whoever only looks is held up by nobody.
        for page in pages:
            seen = timed(lambda page=page: buyer.visitor.get(page))
            assert (page, seen.status) == (page, 200)
            assert seen.seconds < soon(well[page])
        assert Visitor(server.port).get("/products/pempek").body == public.body
        assert not over.is_set(), "the lock was gone before the answers came"
    assert over.is_set()
    assert server.workers() == pids, "nobody who served was ended for waiting"
    placed = buyer.visitor.place(again | {"csrf_token": token})
    assert placed.status == 303, placed.body[:2000]
    twice = buyer.place()
    assert (twice.status, twice.location) == (303, placed.location)
    assert (market.sold().purchases, market.sold().ready) == (1, 2)
    assert market.faults() == []
