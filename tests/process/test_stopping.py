"""Told to stop, a server and a worker finish what they have in hand; nobody new is let in."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, select

from ovop_market.notices.models import Notice
from ovop_market.notices.states import NoticeState
from ovop_market.orders.models import Purchase
from tests.notices.post_office import PostOffice, wait_until
from tests.process.market import Market, Sold
from tests.process.server import HOST, Process, Server, running
from tests.process.test_notices import fill
from tests.process.visitor import Buyer, ready_to_buy

pytestmark = pytest.mark.process
# A request in flight has 30 seconds; these need a few.
SLOW = 3.0


class SlowForm:
    """A checkout form of which one half has been sent."""

    def __init__(self, buyer: Buyer) -> None:
        body = urlencode(buyer.form).encode()
        cookies = "; ".join(f"{k}={v}" for k, v in buyer.visitor.cookies.items())
        head = (
            f"POST /checkout HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookies}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._socket = socket.create_connection((HOST, buyer.visitor.port), timeout=40)
        self._rest = body[len(body) // 2 :]
        self._socket.sendall(head.encode() + body[: len(body) // 2])

    def finish(self) -> bytes:
        """Sends the other half; the whole answer."""
        self._socket.sendall(self._rest)
        answer = b""
        while piece := self._socket.recv(65536):
            answer += piece
        self._socket.close()
        return answer


def stopped(process: Process) -> tuple[threading.Thread, list[int | None]]:
    """Tells it to stop; its exit code will be in the list."""
    codes: list[int | None] = []
    thread = threading.Thread(target=lambda: codes.append(process.stop(signal.SIGTERM)))
    thread.start()
    return thread, codes


def refuses(server: Server) -> bool:
    try:
        socket.create_connection((HOST, server.port), timeout=2).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_slow_form_is_answered_and_nobody_else_let_in(market: Market) -> None:
    variant_id = market.stock(10)
    server = market.server()
    with running([server]):
        buyer = ready_to_buy(server.port, variant_id, "Pembeli lambat")
        form = SlowForm(buyer)
        time.sleep(0.5)  # until a thread has taken it
        stopping, codes = stopped(server)
        wait_until(lambda: refuses(server))
        time.sleep(SLOW)
        assert stopping.is_alive()
        answer = form.finish()
        stopping.join()
    assert answer.startswith(b"HTTP/1.1 303 "), answer[:300]
    assert codes == [0]
    assert market.sold() == Sold(1, 1, 1, 9)
    assert market.faults() == []
    with market.session() as session:
        # The link that was answered leads there.
        token = session.scalars(select(Purchase.token)).one()
    assert token.encode() in answer


@contextmanager
def locked(market: Market) -> Iterator[None]:
    """Nobody else can place an order meanwhile."""
    if market.url.startswith("sqlite"):
        engine = create_engine(market.url)
        with engine.begin():  # a writer (extensions.database)
            yield
        engine.dispose()
        return
    plain = make_url(market.url).set(drivername="postgresql").render_as_string(False)
    with psycopg.connect(plain) as connection:
        connection.execute("LOCK TABLE purchase IN EXCLUSIVE MODE")
        yield


def test_who_waits_for_the_database_is_answered(market: Market) -> None:
    variant_id = market.stock(10)
    server = market.server()
    with running([server]):
        buyer = ready_to_buy(server.port, variant_id, "Pembeli sabar")
        answers = []
        placing = threading.Thread(target=lambda: answers.append(buyer.place()))
        with locked(market):
            placing.start()
            time.sleep(0.7)
            stopping, codes = stopped(server)
            wait_until(lambda: refuses(server))
            time.sleep(0.3)
        placing.join()
        stopping.join()
    assert [answer.status for answer in answers] == [303]
    assert codes == [0]
    assert market.sold() == Sold(1, 1, 1, 9)
    assert market.faults() == []


def test_silent_connections_do_not_hold_it_up(market: Market) -> None:
    server = market.server()
    with running([server]):
        silent = [socket.create_connection((HOST, server.port)) for _ in range(20)]
        time.sleep(6)  # the threads have given them back by now
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 12
        for each in silent:
            each.close()


def test_the_worker_sends_the_message_in_hand(market: Market) -> None:
    """The mail server takes its time: the message is sent once, and known to be sent."""
    fill(market)
    with PostOffice(seconds=SLOW) as office:
        worker = market.worker()
        worker.environ = {**worker.environ, "SMTP_URL": office.url}
        with running([worker]):
            wait_until(lambda: office.connections > 0)
            time.sleep(0.5)
            assert worker.stop() == 0
    assert office.counted()
    assert set(office.counted().values()) == {1}
    with market.session() as session:
        states = session.scalars(select(Notice.state)).all()
    assert states.count(NoticeState.SENT) == len(office.mails)
    assert states.count(NoticeState.SENDING) == 0
