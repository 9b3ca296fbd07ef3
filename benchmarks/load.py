"""The clients: each process keeps some connections open and asks again as soon as it has an answer.

One loop over all connections of a process, and as little parsing as possible, so that the client
takes few of the cores that it shares with the server.
"""

from __future__ import annotations

import math
import selectors
import socket
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from tests.process.server import HOST

PROCESSES = 2
CONNECTIONS = 8  # of each process
_CHUNK = 1 << 18
_LENGTH = b"\r\ncontent-length: "


@dataclass(frozen=True, slots=True)
class Target:
    """A page of a server."""

    port: int
    path: str
    encoding: str = ""

    def request(self) -> bytes:
        lines = [f"GET {self.path} HTTP/1.1", f"Host: {HOST}:{self.port}", "Accept: text/html"]
        if self.encoding:
            lines.append(f"Accept-Encoding: {self.encoding}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass(frozen=True, slots=True)
class Sample:
    """What a client saw: the latency of each answer, and the time it took; all in seconds."""

    latencies: Sequence[float]
    seconds: float
    client_cpu: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def client_share(self) -> float:
        """The part of one core that the clients used."""
        return self.client_cpu / self.seconds


def joined(samples: Sequence[Sample]) -> Sample:
    """The sample of clients that asked at the same time."""
    return Sample(
        [latency for sample in samples for latency in sample.latencies],
        max(sample.seconds for sample in samples),
        sum(sample.client_cpu for sample in samples),
    )


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least `part` of the values do not exceed."""
    return sorted(values)[max(math.ceil(len(values) * part) - 1, 0)]


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    asked_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)
    wanted: int = 0  # bytes of the whole answer, once its head is known

    def ask(self, request: bytes) -> None:
        self.received.clear()
        self.wanted = 0
        self.asked_at = time.perf_counter()
        self.socket.sendall(request)

    def is_answered(self) -> bool:
        """Reads what is there. Raises RuntimeError for anything but a 200 with a length."""
        chunk = self.socket.recv(_CHUNK)
        if not chunk:
            raise RuntimeError("the server closed a connection that was to be kept open")
        self.received += chunk
        if not self.wanted:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = bytes(self.received[: end + 2]).lower()
            at = head.find(_LENGTH)
            if not head.startswith(b"http/1.1 200") or at < 0:
                raise RuntimeError(f"not a page: {head[:300]!r}")
            begin = at + len(_LENGTH)
            self.wanted = end + 4 + int(head[begin : head.index(b"\r\n", begin)])
        return len(self.received) >= self.wanted


def ask(target: Target, seconds: float) -> Sample:
    """Asks for the page for so long, on all connections of one process."""
    request, latencies = target.request(), []
    with selectors.DefaultSelector() as selector:
        for _ in range(CONNECTIONS):
            opened = socket.create_connection((HOST, target.port), timeout=60)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(opened, selectors.EVENT_READ, _Connection(opened))
        connections = [key.data for key in selector.get_map().values()]
        begun, cpu = time.perf_counter(), time.process_time()
        for connection in connections:
            connection.ask(request)
        now = begun
        while now - begun < seconds:
            for key, _events in selector.select(1.0):
                if key.data.is_answered():
                    now = time.perf_counter()
                    latencies.append(now - key.data.asked_at)
                    key.data.ask(request)
            now = time.perf_counter()
        sample = Sample(latencies, now - begun, time.process_time() - cpu)
        for connection in connections:
            connection.socket.close()
    return sample


def ask_from_all(pool: Executor, target: Target, seconds: float) -> Sample:
    """Asks from all client processes at the same time."""
    waiting = [pool.submit(ask, target, seconds) for _ in range(PROCESSES)]
    return joined([future.result() for future in waiting])
