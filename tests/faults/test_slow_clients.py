"""Two hundred clients that send slowly, or do not take what they asked for, keep nobody out."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import psutil
import pytest

from tests.faults.helping import PATIENCE, Timed, timed, wait_until
from tests.process.market import Market, at_once
from tests.process.server import HOST, Server, running
from tests.process.visitor import SAME_ORIGIN, Visitor

pytestmark = pytest.mark.process
SLOW, PROBES = 200, 8
# Of these, what must be there at once before anybody else comes.
MANY = 180
UPLOAD = 1024 * 1024
# For less than this, gunicorn waits until it takes a process for dead; it usually waits for longer.
# Whoever is held up by its clients is then ended within the test.
HASTY = {"GUNICORN_CMD_ARGS": "--timeout 30"}
# How long they are left alone with the server before anybody else comes.
SECONDS_BEFORE = 2.0
# So long, at least, the server bears with whoever sends slowly.
SECONDS_OF_PATIENCE = 10.0
Send = Callable[[socket.socket], None]


def heads(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")


def one_more_header(client: socket.socket) -> None:
    client.sendall(b"X-More: 1\r\n")


def bodies(client: socket.socket) -> None:
    client.sendall(
        b"POST /cart/lines HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 8192\r\n\r\nquantity="
    )


def one_more_byte(client: socket.socket) -> None:
    client.sendall(b"1")


def uploads(client: socket.socket) -> None:
    """A megabyte, of which a tenth comes at once: as much as is kept in a file."""
    client.sendall(
        b"POST /cart/lines HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n"
        b"Content-Length: %d\r\n\r\n" % UPLOAD
    )
    client.sendall(b"x" * (UPLOAD // 10))


def a_little_more(client: socket.socket) -> None:
    client.sendall(b"x" * 512)


def chunks(client: socket.socket) -> None:
    client.sendall(
        b"POST /cart/lines HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
    )


def one_more_chunk(client: socket.socket) -> None:
    client.sendall(b"1\r\n1\r\n")


def much(path: str, client: socket.socket) -> None:
    """Asks for the same again and again, and takes nothing of it."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    client.sendall(request * 40)


def next_byte(client: socket.socket) -> None:
    client.recv(1)


def nothing(_client: socket.socket) -> None:
    """Connected, and silent."""


@contextmanager
def slow_clients(port: int, first: Send, then: Send) -> Iterator[None]:
    """So many at once, until it is over; each does something small every second."""
    clients, stop = [], threading.Event()
    for _ in range(SLOW):
        client = socket.socket()
        # A small window: what is not taken stays with the server.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.settimeout(5)
        client.connect((HOST, port))
        clients.append(client)
        with contextlib.suppress(OSError):
            first(client)
        client.settimeout(0.05)

    def trickle() -> None:
        while not stop.wait(1):
            for client in clients:
                with contextlib.suppress(OSError):
                    then(client)

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        time.sleep(SECONDS_BEFORE)
        yield
    finally:
        stop.set()
        thread.join()
        for client in clients:
            client.close()


@pytest.fixture
def server(market: Market) -> Iterator[Server]:
    server = market.server()
    server.environ = {**server.environ, **HASTY}
    with running([server]):
        yield server


@pytest.fixture
def slowhttptest() -> str:
    """https://github.com/shekyan/slowhttptest, which many know and anybody may aim at us."""
    found = shutil.which("slowhttptest")
    if found:
        return found
    reason = "no slowhttptest: install it"
    if os.environ.get("OVOP_NO_SKIP"):
        pytest.fail(reason)
    pytest.skip(reason)


def probes(server: Server, variant_id: int) -> list[Timed]:
    """What other people do meanwhile: half of them look, half of them fill a cart."""
    line = {"variant_id": str(variant_id), "quantity": "1"}

    def probe(number: int) -> Timed:
        visitor = Visitor(server.port)
        if number % 2:
            return timed(lambda: visitor.get("/products/pempek"))
        return timed(lambda: visitor.ask("POST", "/cart/lines", line, SAME_ORIGIN))

    answered = at_once([partial(probe, number) for number in range(PROBES)])
    assert sorted(one.status for one in answered) == [200] * 4 + [303] * 4
    assert max(one.seconds for one in answered) < PATIENCE
    return answered


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("first", "then"),
    [
        (nothing, nothing),
        (heads, one_more_header),
        (bodies, one_more_byte),
        (uploads, a_little_more),
        (chunks, one_more_chunk),
        (partial(much, "/"), next_byte),
        (partial(much, "/cart"), next_byte),
    ],
    ids=[
        "silent",
        "slow heads",
        "slow bodies",
        "slow uploads",
        "slow chunks",
        "slow readers",
        "slow readers of what is made",
    ],
)
def test_others_are_answered(market: Market, server: Server, first: Send, then: Send) -> None:
    variant_id, pids = market.stock(50), server.workers()
    with slow_clients(server.port, first, then):
        answered = probes(server, variant_id)
    print("the slowest of 8 after", round(max(one.seconds for one in answered), 2), "s")
    assert server.workers() == pids, "somebody who served was ended"


def held(pid: int, port: int) -> int:
    """How many connections to the server that process has."""
    found = psutil.Process(pid).net_connections("tcp")
    return sum(
        one.status == psutil.CONN_ESTABLISHED and bool(one.raddr) and one.raddr.port == port
        for one in found
    )


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", ["-H", "-i", "2"]),
        ("/cart/lines", ["-B", "-i", "2", "-s", str(UPLOAD)]),
        ("/products", ["-X", "-w", "512", "-y", "1024", "-n", "2", "-z", "32", "-k", "5"]),
    ],
    ids=["slowloris", "are you dead yet", "slow read"],
)
def test_others_are_answered_under_slowhttptest(
    market: Market, server: Server, slowhttptest: str, path: str, kind: list[str]
) -> None:
    variant_id, pids = market.stock(50), server.workers()
    command = [slowhttptest, "-c", str(SLOW), "-r", str(SLOW), "-l", "120", "-p", "5", *kind]
    attack = subprocess.Popen(
        [*command, "-u", f"http://{HOST}:{server.port}{path}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    begun = time.monotonic()
    try:
        wait_until(lambda: held(attack.pid, server.port) >= MANY)
        time.sleep(SECONDS_BEFORE)
        before = held(attack.pid, server.port)
        assert before >= MANY, "they were sent away"
        answered = [*probes(server, variant_id), *probes(server, variant_id)]
        # The server's patience ends after fifteen seconds, and with it the attack.
        late = time.monotonic() - begun > SECONDS_OF_PATIENCE
        assert late or attack.poll() is None, "it was over before it was looked at"
    finally:
        attack.kill()
        attack.wait()
    print(
        "beside",
        before,
        "the slowest of 16 after",
        round(max(one.seconds for one in answered), 2),
        "s",
    )
    assert server.workers() == pids, "somebody who served was ended"
