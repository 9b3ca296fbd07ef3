"""What is no request at all never reaches the application: the server answers it. That too is a
page of ours, and its words and its sender are in no log."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from tests.process.server import HOST, Server, running

pytestmark = pytest.mark.process
SECRET = "a-token-that-nobody-may-read"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    tmp_path = tmp_path_factory.mktemp("no-request")
    place = {"DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite3'}", "OVOP_MEDIA": str(tmp_path)}
    # Without production's checks: nothing of this needs a database.
    server = Server(tmp_path, {**place, "OVOP_ENV": "development"})
    with running([server]):
        yield server


def said(server: Server, sent: bytes) -> bytes:
    with socket.create_connection((HOST, server.port), timeout=30) as line:
        line.sendall(sent)
        answer = b""
        while piece := line.recv(65536):
            answer += piece
        return answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (f"GET /purchases/{SECRET} NOTHTTP/1.1\r\n\r\n".encode(), 400),
        (f"GET /purchases/{SECRET}{'x' * 9000} HTTP/1.1\r\n\r\n".encode(), 414),
        (f"GET / HTTP/1.1\r\nHost: x\r\nBad header {SECRET}: x\r\n\r\n".encode(), 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: nonsense\r\n\r\n", 400),
    ],
)
def test_the_servers_own_errors(server: Server, sent: bytes, status: int) -> None:
    head, _blank, body = said(server, sent).partition(b"\r\n\r\n")
    answered = int(head.split(b" ")[1])
    assert answered == status, head
    assert b'<main id="main"' in body
    assert b"Ke halaman depan" in body
    assert SECRET.encode() not in head + body
    log = server.log.read_text("utf-8")
    assert SECRET not in log
    assert "127.0.0.1" not in log.replace(f"http://{HOST}", "")
    lines = [json.loads(line) for line in log.splitlines()]
    assert any(line["event"] == "no request" and line["status"] == status for line in lines)
