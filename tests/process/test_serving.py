"""Requests as clients send them: in pieces, many at a time, too large, or not to the end."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import Database
from tests.process.conftest import new_market
from tests.process.market import Market
from tests.process.server import HOST, Server, running

pytestmark = pytest.mark.process
MIB = 1024 * 1024
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(scope="module")
def market(databases: dict[str, Database], tmp_path_factory: pytest.TempPathFactory) -> Market:
    folder: Path = tmp_path_factory.mktemp("serving")
    return new_market(databases["sqlite"], folder, "serving")


@pytest.fixture(scope="module")
def server(market: Market) -> Iterator[Server]:
    server = market.server()
    with running([server]):
        yield server


class Client:
    """A connection, and what came on it."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection((HOST, server.port), timeout=60)
        self.came = b""

    def send(self, *pieces: bytes) -> Client:
        for piece in pieces:
            self.socket.sendall(piece)
        return self

    def until(self, wanted: bytes, times: int = 1) -> bytes:
        while self.came.count(wanted) < times:
            data = self.socket.recv(65536)
            assert data, self.came
            self.came += data
        return self.came

    def to_the_end(self) -> bytes:
        while data := self.socket.recv(65536):
            self.came += data
        self.socket.close()
        return self.came


def post(length: int, *, path: str = "/cart/lines", more: bytes = b"") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n"
    )
    return head.encode() + more + b"\r\n"


def chunked(
    *chunks: bytes, path: str = "/cart/lines", kind: bytes = b"application/x-www-form-urlencoded"
) -> bytes:
    head = post(0, path=path).replace(b"application/x-www-form-urlencoded", kind)
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head.replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + body + b"0\r\n\r\n"


def statuses(came: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", came)]


def test_in_single_bytes(server: Server) -> None:
    client = Client(server)
    client.send(*(bytes([byte]) for byte in HEALTH))
    assert b"200 OK" in client.until(b'"alive"')
    # The same connection again, in two pieces and with a body.
    client.came = b""
    body = b"variant_id=0&quantity=1"
    client.send(post(len(body)), body[:5], body[5:])
    assert client.until(b"HTTP/1.1 ").startswith(b"HTTP/1.1 4")


def test_many_at_once_on_one_connection(server: Server) -> None:
    body = b"variant_id=0&quantity=1"
    client = Client(server).send(HEALTH * 3 + post(len(body)) + body + HEALTH * 3)
    came = client.until(b'"alive"', 6)
    assert came.count(b"HTTP/1.1 200") == 6
    assert came.count(b"HTTP/1.1 4") == 1


def test_a_large_body_is_taken_and_refused_by_the_application(server: Server) -> None:
    """Beyond what stays in memory: the page is our own."""
    body = b"note=" + b"x" * 300_000
    client = Client(server).send(post(len(body)), body)
    came = client.until(b"</html>")
    assert came.startswith(b"HTTP/1.1 413")
    assert b"Kiriman terlalu besar" in came


def test_what_is_beyond_all_limits_is_refused_unread(server: Server) -> None:
    client = Client(server).send(post(10**11))
    assert client.to_the_end().startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 10_000, b"431"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
def test_what_is_no_request_of_ours(server: Server, request_: bytes, status: bytes) -> None:
    client = Client(server).send(request_)
    assert client.to_the_end().startswith(b"HTTP/1.1 " + status)


def test_whoever_asks_before_sending_is_told_to_go_on(server: Server) -> None:
    body = b"variant_id=0&quantity=1"
    client = Client(server).send(post(len(body), more=b"Expect: 100-continue\r\n"))
    client.until(b"100 Continue\r\n\r\n")
    assert b"HTTP/1.1 4" in client.send(body).until(b"HTTP/1.1 4")


def test_whoever_asks_before_sending_is_told_once(server: Server) -> None:
    """By the loop that receives; not again by who reads it then, before the answer."""
    body, more = b"variant_id=0&quantity=1", b"Expect: 100-continue\r\nConnection: close\r\n"
    client = Client(server).send(post(len(body), more=more))
    client.until(b"100 Continue\r\n\r\n")
    assert statuses(client.send(body).to_the_end()) in ([100, 404], [100, 422])
    head, blank, chunks = chunked(b"variant_id=0").partition(b"\r\n\r\n")
    client = Client(server).send(head + b"\r\n" + more[:-2] + blank)
    client.until(b"100 Continue\r\n\r\n")
    client.send(chunks).to_the_end()
    assert client.came.count(b"100 Continue") == 1
    # Who has sent it already is not told to.
    came = Client(server).send(post(len(body), more=more) + body).to_the_end()
    assert b"100 Continue" not in came


def test_whoever_leaves_in_the_middle_leaves_nothing(server: Server) -> None:
    for piece in (b"", HEALTH[:20], post(5000) + b"quantity="):
        Client(server).send(piece).socket.close()
    assert b"200 OK" in Client(server).send(HEALTH).until(b'"alive"')


def test_whoever_is_told_that_it_is_the_last_one_is_cut_off(server: Server) -> None:
    last = HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert Client(server).send(last).to_the_end().startswith(b"HTTP/1.1 200")


def test_a_body_in_chunks_is_a_body(
    market: Market, server: Server, applications: dict[str, Flask]
) -> None:
    """And what comes after it, on the same connection, is the next request."""
    with applications["sqlite"].app_context():
        body = b"quantity=x7y&variant_id=%d" % market.stock(50)
    sent = chunked(body[:10], body[10:]) + HEALTH
    client = Client(server).send(sent)
    came = client.until(b'"alive"')
    assert statuses(came) == [422, 200]
    assert b'value="x7y"' in came
    client.came = b""
    client.send(*(bytes([byte]) for byte in sent))
    assert statuses(client.until(b'"alive"')) == [422, 200]


def test_a_large_body_in_chunks_is_refused_by_the_application(server: Server) -> None:
    came = Client(server).send(chunked(*[b"n=" + b"x" * 998] * 70)).until(b"</html>")
    assert statuses(came) == [413]
    assert b"Kiriman terlalu besar" in came
    # Kept in a file, and read from there.
    came = Client(server).send(chunked(*[b"x" * 8000] * 40)).until(b"</html>")
    assert statuses(came) == [413]


@pytest.mark.parametrize(("pieces", "refused"), [(11, False), (13, True)])
def test_an_upload_in_chunks_is_held_to_its_limit(
    server: Server, pieces: int, refused: bool
) -> None:
    """pictures.MAX_BODY is 12 MiB."""
    parts = b'--b\r\nContent-Disposition: form-data; name="proof"; filename="a"\r\n\r\n'
    upload = chunked(
        parts,
        *[b"x" * MIB] * pieces,
        b"\r\n--b--\r\n",
        path="/purchases/none/payments/1/claim",
        kind=b"multipart/form-data; boundary=b",
    )
    came = Client(server).send(upload).until(b"</html>")
    assert (statuses(came) == [413]) is refused, came[:300]


def test_chunks_beyond_all_limits_are_refused_before_they_come(server: Server) -> None:
    announced = chunked().removesuffix(b"0\r\n\r\n") + b"2000001\r\n"
    came = Client(server).send(announced).to_the_end()
    assert statuses(came) == [413]
    assert b'<main id="main"' in came


def test_whoever_asks_before_sending_chunks_is_told_to_go_on(server: Server) -> None:
    head, blank, body = chunked(b"variant_id=0").partition(b"\r\n\r\n")
    client = Client(server).send(head + b"\r\nExpect: 100-continue" + blank)
    client.until(b"100 Continue\r\n\r\n")
    assert b"HTTP/1.1 4" in client.send(body).until(b"HTTP/1.1 4")


def lines(*fields: bytes, version: bytes = b"1.1") -> bytes:
    first = b"POST /cart/lines HTTP/" + version
    return b"\r\n".join([first, b"Host: 127.0.0.1", *fields, b"", b""])


LENGTH, CHUNKED = b"Content-Length: 5", b"Transfer-Encoding: chunked"
EMPTY = b"0\r\n\r\n"
SMUGGLING = {
    "a length and chunks": lines(LENGTH, CHUNKED) + EMPTY,
    "chunks and a length": lines(CHUNKED, LENGTH) + EMPTY,
    "chunks in an old request": lines(CHUNKED, version=b"1.0") + EMPTY,
    "another coding": lines(b"Transfer-Encoding: gzip") + EMPTY,
    "a coding before chunks": lines(b"Transfer-Encoding: gzip, chunked") + EMPTY,
    "chunks of chunks": lines(CHUNKED, CHUNKED) + EMPTY,
    "identity": lines(b"Transfer-Encoding: identity", LENGTH) + EMPTY,
    "a coding that looks like chunks": lines(b"Transfer-Encoding: \x0bchunked") + EMPTY,
    "a coding with a blank before the colon": lines(b"Transfer-Encoding : chunked", LENGTH) + EMPTY,
    "a coding on the next line": lines(b"Transfer-Encoding:", b" chunked") + EMPTY,
    "two lengths": lines(LENGTH, b"Content-Length: 0") + EMPTY,
    "the same length twice": lines(LENGTH, LENGTH) + EMPTY,
    "a list of lengths": lines(b"Content-Length: 5, 5") + EMPTY,
    "a length with a sign": lines(b"Content-Length: +5") + EMPTY,
    "a hexadecimal length": lines(b"Content-Length: 0x5") + EMPTY,
    "digits of another script": lines(b"Content-Length: \xb2") + EMPTY,
    "a length with a blank before the colon": lines(b"Content-Length : 5") + EMPTY,
    "a length on the next line": lines(b"Content-Length:", b"\t5") + EMPTY,
    "a length in a line that goes on": lines(b"X: a", b" Content-Length: 5") + EMPTY,
    "a length behind a bare line feed": lines(b"X: a\nContent-Length: 5") + EMPTY,
    "a length behind a bare carriage return": lines(b"X: a\rContent-Length: 5") + EMPTY,
    "bare line feeds": lines(LENGTH).replace(b"\r\n", b"\n") + EMPTY,
    "a head that ends in bare line feeds": lines(LENGTH)[:-2] + b"\n\n",
    "two empty lines first": b"\r\n\r\n" + lines(LENGTH) + EMPTY,
    "no size of a chunk": lines(CHUNKED) + b"\r\n",
    "a size with a sign": lines(CHUNKED) + b"+0\r\n\r\n",
    "a size with a prefix": lines(CHUNKED) + b"0x0\r\n\r\n",
    "a chunk longer than it says": lines(CHUNKED) + b"1\r\nab\r\n" + EMPTY,
    "a bare line feed behind a size": lines(CHUNKED) + b"1\na\r\n" + EMPTY,
    "a bare line feed behind an extension": lines(CHUNKED) + b"1;a\nb\r\nc\r\n" + EMPTY,
    "a bare line feed behind a chunk": lines(CHUNKED) + b"1\r\na\n" + EMPTY,
    "a length behind the body": lines(CHUNKED) + b"0\r\nContent-Length: 5\r\n\r\n",
}


@pytest.mark.parametrize("sent", SMUGGLING.values(), ids=SMUGGLING)
def test_what_could_be_read_in_two_ways_hides_no_request(server: Server, sent: bytes) -> None:
    """It is refused, and nothing that comes after it on this connection is served."""
    came = Client(server).send(sent + HEALTH).to_the_end()
    assert statuses(came) == [400]
    assert b'"alive"' not in came
    assert b"Connection: close" in came


def test_one_empty_line_first_is_nothing(server: Server) -> None:
    """Old clients send it after a form."""
    came = Client(server).send(HEALTH + b"\r\n" + HEALTH).until(b'"alive"', 2)
    assert statuses(came) == [200, 200]
