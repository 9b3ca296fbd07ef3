"""What monitors read of a real server with several processes, and its worker."""

from __future__ import annotations

import fcntl
import http.client
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ovop_market.core import clock
from ovop_market.web import beats, health
from tests.notices.post_office import wait_until
from tests.process.market import Market
from tests.process.server import HOST, ROOT, Server, running
from tests.process.visitor import Visitor

pytestmark = pytest.mark.process
_FIGURE = re.compile(r"^(\w+)(?:\{(.*)\})? ([0-9.e+-]+)$", re.M)


def figures(server: Server) -> dict[str, float]:
    answer = Visitor(server.port).get("/metrics")
    assert answer.status == 200
    return {
        f"{name} {labels}".strip(): float(v) for name, labels, v in _FIGURE.findall(answer.body)
    }


def test_all_processes_are_counted_and_the_worker_too(market: Market) -> None:
    market.stock(5)
    server, worker = market.server(), market.worker()
    server.environ = {**server.environ, "WEB_CONCURRENCY": "3"}
    rule = 'ovop_request_seconds_count method="GET",rule="/villages",status="2xx"'
    with running([server, worker]):
        for _ in range(30):
            # A new connection each time: any process may take it.
            assert Visitor(server.port).get("/villages").status == 200
        seen = [figures(server)[rule] for _ in range(4)]
        # Whoever is asked answers for all.
        assert seen == [30.0] * 4
        beat = "ovop_worker_beat_timestamp_seconds"
        wait_until(lambda: beat in figures(server))
        told = figures(server)
        assert abs(told[beat] - time.time()) < beats.SILENT_AFTER.total_seconds()
        assert told["ovop_database_up"] == 1
        assert Visitor(server.port).get("/readyz").status == 200
        folder = next(p for p in _folders(server) if p.exists())
        assert server.stop() == 0
        assert not folder.exists()


def _folders(server: Server) -> Iterator[Path]:
    for place in (Path("/dev/shm"), Path("/tmp")):
        yield from place.glob(f"ovop-figures-{server.group}-*")


def test_what_a_killed_server_left_is_removed_and_a_living_ones_is_not(market: Market) -> None:
    """Whichever processes can be seen: another container's ids mean nothing here."""
    place = next(p for p in (Path("/dev/shm"), Path("/tmp")) if os.access(p, os.W_OK))
    ours = [place / f"ovop-figures-{pid}-{os.getpid()}" for pid in (4_000_001, 1)]
    for folder in ours:
        folder.mkdir()
    living, left = ours
    held = os.open(living, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        first, second = market.server(), market.server()
        with running([first]):
            assert (living.exists(), left.exists()) == (True, False)
            (own,) = _folders(first)
            with running([second]):
                assert own.exists()
                assert len(list(_folders(second))) == 1
        # Killed, with all its processes.
        with running([second]):
            assert not own.exists()
            assert living.exists()
    finally:
        os.close(held)
        living.rmdir()


def test_a_folder_that_vanishes_costs_figures_and_no_answer(market: Market) -> None:
    """Whoever clears up such places: pages are answered, and new processes count again."""
    server = market.server()
    server.environ = {**server.environ, "WEB_CONCURRENCY": "1"}
    with running([server]):
        (folder,) = _folders(server)
        shutil.rmtree(folder)
        for path in ("/healthz", "/villages", "/metrics"):
            assert Visitor(server.port).get(path).status == 200, path
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: bool(server.workers()) and server.workers() != {worker})
        for path in ("/healthz", "/villages", "/metrics"):
            assert Visitor(server.port).get(path).status == 200, path
        rule = 'ovop_request_seconds_count method="GET",rule="/villages",status="2xx"'
        assert figures(server)[rule] == 1


def test_settings_that_are_read_anew_keep_the_folder(market: Market) -> None:
    """SIGHUP: no second folder, no further descriptor, and nothing that was counted is lost."""
    server = market.server()
    rule = 'ovop_request_seconds_count method="GET",rule="/villages",status="2xx"'
    with running([server]):
        (folder,) = _folders(server)
        assert Visitor(server.port).get("/villages").status == 200
        master, before = psutil.Process(server.group), server.workers()
        open_before = master.num_fds()
        for _ in range(2):
            master.send_signal(signal.SIGHUP)
            gone = before
            wait_until(lambda gone=gone: len(server.workers()) == 2 and not gone & server.workers())
            before = server.workers()
        server.wait()
        assert list(_folders(server)) == [folder]
        assert master.num_fds() <= open_before
        assert Visitor(server.port).get("/villages").status == 200
        assert figures(server)[rule] == 2


def test_a_folder_without_its_name_is_removed_once_it_is_old(market: Market) -> None:
    """Of a server that was killed before it had named it; a young one may be in the making."""
    place = next(p for p in (Path("/dev/shm"), Path("/tmp")) if os.access(p, os.W_OK))
    old, young = (place / f".ovop-figures-{n}-{os.getpid()}" for n in (4_000_002, 4_000_003))
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (time.time() - 120,) * 2)
    try:
        with running([market.server()]):
            assert (old.exists(), young.exists()) == (False, True)
    finally:
        for folder in (old, young):
            shutil.rmtree(folder, ignore_errors=True)


def test_a_silent_worker_is_told_once_the_server_is_up(market: Market) -> None:
    """A server whose worker died long ago: within its first minute it waits for a new one."""
    with market.session() as session:
        beats.beat(session, clock.now() - 3 * beats.SILENT_AFTER)
    server = market.server()
    with running([server]):
        first = Visitor(server.port).get("/readyz")
        assert first.status == 200
        assert health.COMING_UP == 60


def test_who_stops_agrees_on_how_long() -> None:
    """gunicorn waits for requests, whoever starts gunicorn for gunicorn, and a proxy for both."""

    def number(file: str, pattern: str) -> int:
        found = re.search(pattern, (ROOT / file).read_text("utf-8"), re.M)
        assert found, file
        return int(found[1])

    requests = number("gunicorn.conf.py", r"^graceful_timeout = (\d+)$")
    assert requests == 30
    assert number("Makefile", r"KILL_WAIT = (\d+);") > requests
    for unit in ("ovop-market", "ovop-market-worker"):
        file = f"deploy/systemd/{unit}.service"
        assert number(file, r"^TimeoutStopSec=(\d+)$") > requests
    assert number("ovop_market/worker.py", r"^PATIENCE = (\d+)$") < requests
    slowest = number("gunicorn.conf.py", r"^timeout = (\d+)$")
    assert number("deploy/nginx/ovop-market.conf", r"proxy_read_timeout (\d+)s;") > slowest


def test_a_token_opens_the_figures_from_elsewhere(market: Market) -> None:
    server = market.server()
    token = "a-token-for-the-monitor-1234"
    server.environ = {**server.environ, "OVOP_METRICS_TOKEN": token, "TRUSTED_PROXIES": "1"}
    with running([server]):
        for said, status in ((token, 200), (f"{token}x", 404), ("", 404)):
            connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
            headers = {"Authorization": f"Bearer {said}", "X-Forwarded-For": "203.0.113.5"}
            connection.request("GET", "/metrics", headers=headers)
            assert connection.getresponse().status == status
            connection.close()
    assert token not in server.log.read_text("utf-8")
