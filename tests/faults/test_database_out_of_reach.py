"""PostgreSQL stops, hangs, or cuts somebody off: people are told soon, and nothing is lost.

When it is back, so is the market, without a restart of anything.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial

import psycopg
import pytest
from sqlalchemy import make_url, text, update

from ovop_market.catalogue.models import Variant
from ovop_market.core import clock
from ovop_market.extensions.breaker import AGAIN_AFTER
from ovop_market.orders.models import OrderEvent
from tests.factories import make_order, make_product
from tests.faults.helping import (
    Timed,
    answers_200,
    hasty_worker,
    is_ours,
    resent,
    soon,
    timed,
    wait_until,
)
from tests.faults.postgres import Postgres
from tests.process.market import Market, at_once
from tests.process.server import Server, Worker, running
from tests.process.test_worker import LONG_AGO
from tests.process.visitor import Answer, Buyer, Visitor, ready_to_buy

pytestmark = pytest.mark.process
# What the database says when it waits for a question, the first time to whom it has let in.
READY = b"Z\x00\x00\x00\x05"
PUBLIC = ("/", "/products", "/products/pempek", "/villages/belo-laut")
# Seconds after which it shows by its age that a page is one that was kept.
OLD = 2


@pytest.fixture
def both(frail_market: Market) -> Iterator[tuple[Server, Worker]]:
    # In one process, so that it is known which pages it has kept.
    server, worker = frail_market.server(), hasty_worker(frail_market)
    server.environ = {**server.environ, "WEB_CONCURRENCY": "1"}
    with running([server, worker]):
        yield server, worker


def overdue(market: Market) -> str:
    """An order that the worker has to end."""
    with market.session() as session:
        at = clock.now() - LONG_AGO
        product = make_product(session, slug=f"lama-{os.urandom(3).hex()}", capacity=10)
        return make_order(session, product=product, quantity=1, now=at).number


def ended(market: Market, number: str) -> int:
    with market.session() as session:
        found = session.query(OrderEvent).filter(OrderEvent.actor == "clock").all()
        return sum(event.order.number == number for event in found)


def visit(port: int, page: str) -> Timed:
    return timed(lambda: Visitor(port).get(page))


def test_people_are_told_and_what_they_typed_is_kept(
    frail_market: Market, postgres: Postgres, both: tuple[Server, Worker]
) -> None:
    market, (server, worker) = frail_market, both
    variant_id = market.stock(3)
    for number, how in enumerate(("stopped", "frozen"), 1):
        buyer = ready_to_buy(server.port, variant_id, f"Pembeli {number}")
        for page in PUBLIC:
            assert visit(server.port, page).status == 200
        look = partial(buyer.visitor.get, "/checkout")
        well = at_once([lambda look=look: timed(look)] * 4)
        well += [visit(server.port, page) for page in ("/cart", f"/products?q=lama{number}")]
        assert {one.status for one in well} == {200}
        time.sleep(OLD)
        broken: AbstractContextManager[None] = getattr(postgres, how)()
        with broken:
            again = told(server, buyer, how, soon(*well))
        back = wait_until(lambda: answers_200(server.port, "/readyz"))
        print(f"{how}: ready again {back:.2f} s after the database")
        wait_until(lambda: answers_200(server.port, "/cart"))
        placed = buyer.visitor.place(again)
        assert placed.status == 303, placed.body[:2000]
        assert buyer.place().location == placed.location
        assert market.sold().purchases == number
        # A change is on the public pages again: they are no longer what was kept.
        with market.session() as session:
            session.execute(update(Variant).values(price=46_500 + number))
        seen = f"46.50{number}"
        wait_until(lambda seen=seen: seen in Visitor(server.port).get("/products/pempek").body)
    # The worker, which has been there all the time, does its work again.
    assert worker._process is not None
    assert worker._process.poll() is None
    number_of_old = overdue(market)
    wait_until(lambda: ended(market, number_of_old) > 0, 90)
    assert ended(market, number_of_old) == 1
    assert market.faults() == []


def told(server: Server, buyer: Buyer, how: str, most: float) -> dict[str, str]:
    """While the database is out of reach: everybody is answered soon. Returns the form that is
    offered to be sent again."""
    # One that is alone, with nobody who finds it out for it.
    asked = [timed(lambda: buyer.visitor.get("/cart"))]
    # Many at once, so that one cannot hide behind what another has found out.
    asked += at_once([lambda: timed(buyer.place)] * 4)
    asked += [timed(lambda: buyer.visitor.get("/cart")), visit(server.port, "/products?q=baru")]
    alive, ready = visit(server.port, "/healthz"), visit(server.port, "/readyz")
    kept = [visit(server.port, page) for page in PUBLIC for _ in range(4)]
    assert {one.status for one in asked} == {503}
    assert all(is_ours(one.answer) for one in asked)
    assert max(one.seconds for one in [*asked, alive, ready, *kept]) < most
    assert (alive.status, ready.status) == (200, 503)
    assert {one.status for one in kept} == {200}
    assert all(int(one.answer.headers["Age"]) >= OLD for one in kept)
    print(
        f"{how}: 503 after {max(one.seconds for one in asked):.2f} s, kept pages after"
        f" {max(one.seconds for one in kept):.2f} s, readyz {ready.seconds:.2f} s"
    )
    form = resent(asked[1].answer)
    assert form["name"] == buyer.form["name"]
    return form


def test_a_database_that_hangs_is_waited_for_by_few(
    frail_market: Market, postgres: Postgres, both: tuple[Server, Worker]
) -> None:
    """The first wait as long as people do; whoever comes later is told at once, also where a
    connection would be there for everybody."""
    market, (server, _worker) = frail_market, both
    variant_id = market.stock(9)
    buyers = [ready_to_buy(server.port, variant_id, f"Pembeli {n}") for n in range(2)]
    well = [timed(lambda: buyers[0].visitor.get("/cart")) for _ in range(3)]
    plain = make_url(market.url).set(drivername="postgresql").render_as_string(False)
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with market.session() as session, psycopg.connect(plain, autocommit=True) as eye:
        # Each of these keeps its connection busy, so that there are eight of them.
        session.execute(text("LOCK TABLE cart IN ACCESS EXCLUSIVE MODE"))
        visitors = [lambda: buyers[0].visitor.get("/cart")] * 8
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(visit) for visit in visitors]
            # Who is so late that the first has given up finds a connection all the same.
            wait_until(
                lambda: eye.execute(waiting).fetchone() == (8,) or all(one.done() for one in asked)
            )
            session.rollback()
        assert {one.result().status for one in asked} <= {200, 503}
    wait_until(lambda: answers_200(server.port, "/cart"))
    with postgres.frozen():
        first = at_once([lambda b=buyer: timed(b.place) for buyer in buyers])
        later = [timed(lambda: buyers[0].visitor.get("/cart")) for _ in range(12)]
    assert {one.status for one in [*first, *later]} == {503}
    assert all(is_ours(one.answer) for one in [*first, *later])
    whole = sum(one.seconds for one in later)
    print("after", [round(one.seconds, 1) for one in [*first, *later]], "s")
    assert whole < 3 * soon(*well), "each of them has waited"
    wait_until(lambda: answers_200(server.port, "/cart"))
    wait_until(lambda: buyers[0].place().status == 303)
    assert market.faults() == []


def test_a_database_that_lets_in_and_answers_nothing(frail_market: Market) -> None:
    """As behind pgbouncer: it takes whoever comes, whatever has become of the database."""
    market = frail_market
    variant_id = market.stock(9)
    with proxied(market) as (line, through):
        server = through.server()
        server.environ = {**server.environ, "WEB_CONCURRENCY": "1"}
        with running([server]):
            buyers = [ready_to_buy(server.port, variant_id, f"Pembeli {n}") for n in range(2)]
            look = partial(timed, partial(buyers[0].visitor.get, "/cart"))
            well = [look() for _ in range(3)]
            line.silent = True
            first = at_once([partial(timed, buyer.place) for buyer in buyers])
            later = []
            for _ in range(4):
                later += [look() for _ in range(3)]
                time.sleep(AGAIN_AFTER)  # one may look again, and no more
            line.silent = False
            print("after", [round(one.seconds, 1) for one in [*first, *later]], "s")
            assert {one.status for one in [*first, *later]} == {503}
            assert all(is_ours(one.answer) for one in [*first, *later])
            assert max(one.seconds for one in [*first, *later]) < soon(*well)
            assert sum(one.seconds for one in later) < 3 * soon(*well), "each of them has waited"
            wait_until(lambda: buyers[0].place().status == 303)
    assert market.sold().purchases == 1
    assert market.faults() == []


def reachable(url: str) -> bool:
    """Whether PostgreSQL lets somebody in."""
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_cut_transaction_leaves_nothing_and_is_done_once(
    frail_market: Market, both: tuple[Server, Worker]
) -> None:
    """Cut before its commit, by an administrator and by kill -9 of the process behind it."""
    market, (server, _worker) = frail_market, both
    variant_id = market.stock(5)
    for number, how in enumerate(("terminate", "kill"), 1):
        buyer = ready_to_buy(server.port, variant_id, f"Pembeli {number}")
        plain = make_url(market.url).set(drivername="postgresql").render_as_string(False)
        holder, eye = psycopg.connect(plain), psycopg.connect(plain, autocommit=True)
        # It has written its purchase, and waits for the pack of somebody else.
        holder.execute("SELECT * FROM offer FOR UPDATE")
        answers: list[Answer] = []
        sent = threading.Thread(target=lambda b=buyer, to=answers: to.append(b.place()))
        sent.start()
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        wait_until(lambda eye=eye, sql=waiting: eye.execute(sql).fetchone() is not None, 10)
        (pid,) = eye.execute(waiting).fetchone() or (0,)
        if how == "terminate":
            eye.execute("SELECT pg_terminate_backend(%s)", (pid,))
        else:
            os.kill(pid, signal.SIGKILL)  # PostgreSQL cuts everybody off, and recovers.
        sent.join(30)
        holder.close()
        eye.close()
        assert [answer.status for answer in answers] == [503], answers
        assert is_ours(answers[0])
        # The server's pool may have found its way back before the database lets everybody in.
        wait_until(lambda url=plain: answers_200(server.port, "/readyz") and reachable(url))
        assert market.sold().purchases == number - 1
        again = resent(answers[0])
        wait_until(lambda b=buyer, form=again: b.visitor.place(form).status == 303)
        assert market.sold().purchases == number
    assert market.sold().ready == 3
    assert market.faults() == []


def test_whoever_does_not_know_whether_it_was_kept_asks_again(
    frail_market: Market, both: tuple[Server, Worker]
) -> None:
    """The commit is done and its answer lost: the same form finds the same purchase."""
    market, (server, _worker) = frail_market, both
    buyer = ready_to_buy(server.port, market.stock(5), "Ibu Sari")
    with proxied(market) as (line, through):
        other = through.server()
        with running([other]):
            buyer.visitor.port = other.port
            well = timed(lambda: buyer.visitor.get("/cart"))
            assert well.status == 200
            # What the database answers to the commit never arrives.
            line.cut_after_commit = True
            lost = timed(buyer.place)
    assert (lost.status, line.cut) == (503, True)
    assert lost.seconds < soon(well)
    assert is_ours(lost.answer)
    assert market.sold().purchases == 1, "it had been kept"
    buyer.visitor.port = server.port
    again = buyer.visitor.place(resent(lost.answer))
    assert (again.status, buyer.place().location) == (303, again.location)
    assert (market.sold().purchases, market.sold().ready) == (1, 4)
    assert market.faults() == []


@dataclass
class Line:
    """A line to the database that forgets an answer, or all of them, when it is told to."""

    path: str
    target: str
    cut_after_commit: bool = False
    cut: bool = False
    # Whoever comes is let in, and then nothing is passed on.
    silent: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)

    def serve(self) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path)
            listener.listen()
            listener.settimeout(0.2)
            while not self._stop.is_set():
                with contextlib.suppress(TimeoutError):
                    near, _address = listener.accept()
                    threading.Thread(target=self._pass_on, args=(near,), daemon=True).start()

    def _pass_on(self, near: socket.socket) -> None:
        with near, socket.socket(socket.AF_UNIX) as far:
            near.setblocking(True)
            far.connect(self.target)
            committing = let_in = False
            while True:
                ready, _, _ = select.select([near, far], [], [])
                for side in ready:
                    data = side.recv(65536)
                    if not data:
                        return
                    if self.silent and let_in:
                        continue
                    let_in = let_in or (side is far and READY in data)
                    if side is near:
                        committing = b"COMMIT\0" in data
                        far.sendall(data)
                    elif self.cut_after_commit and committing and b"COMMIT\0" in data:
                        self.cut = True
                        return
                    else:
                        near.sendall(data)

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def proxied(market: Market) -> Iterator[tuple[Line, Market]]:
    """The same market, over a line that can be cut at a chosen moment."""
    url = make_url(market.url)
    name = ".s.PGSQL.5432"
    with tempfile.TemporaryDirectory(prefix="ovop-line-") as folder:
        line = Line(f"{folder}/{name}", f"{url.query['host']}/{name}")
        thread = threading.Thread(target=line.serve)
        thread.start()
        try:
            other = url.update_query_dict({"host": folder}).render_as_string(False)
            yield line, Market(other, market.folder)
        finally:
            line.stop()
            thread.join()
