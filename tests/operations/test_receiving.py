"""What a connection keeps of a request, and whether the parser has read just that."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from gunicorn.config import Config

from ovop_market.operations import framing, receiving
from ovop_market.operations.receiving import IN_MEMORY, SLOWEST, Connection

NEXT = b"GET /next HTTP/1.1\r\n\r\n"
HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture
def connection() -> Iterator[Connection]:
    ours, theirs = socket.socketpair()
    connection = Connection(Config(), ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
    yield connection
    connection.close()
    theirs.close()


def plain(content: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(content) + content


def in_chunks(content: bytes) -> bytes:
    parts = [content[at : at + 1000] for at in range(0, len(content), 1000)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"


def read(connection: Connection) -> bytes:
    """As a thread does it."""
    connection.init()
    content: bytes = next(connection.parser).body.read()
    return content


@pytest.mark.parametrize("size", [0, 5, 3 * IN_MEMORY])
@pytest.mark.parametrize("framed", [plain, in_chunks])
@pytest.mark.parametrize("step", [997, 10**7])
def test_one_after_the_other(connection: Connection, size: int, framed: object, step: int) -> None:
    assert callable(framed)
    content = b"x" * size
    request = framed(content)
    line = request + NEXT
    for at in range(0, len(line), step):
        connection.take(line[at : at + step])
    assert connection.whole
    assert connection.length == len(request)
    assert read(connection) == content
    assert connection.used_up
    connection.next()
    assert connection.length == len(NEXT)
    assert connection.whole
    assert read(connection) == b""
    assert connection.used_up


def test_what_is_left_over_is_seen(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were we ever wrong about an end, the rest would otherwise be the next request."""
    monkeypatch.setattr(framing, "read_head", lambda _head: framing.Head(len(NEXT), False, False))
    connection.take(HEAD + b"\r\n" + NEXT)
    assert connection.whole
    assert read(connection) == b""
    assert not connection.used_up


def test_time_is_given_for_what_is_announced_or_has_come(connection: Connection) -> None:
    chunks = in_chunks(b"x" * 2 * SLOWEST)
    at = chunks.index(b"\r\n\r\n") + 4
    connection.take(chunks[: at - 1])
    assert connection.allowance == 0
    connection.take(chunks[at - 1 : at + SLOWEST])
    assert connection.allowance == (at + SLOWEST) / SLOWEST
    connection.next()
    assert connection.allowance == 0
    whole = plain(b"x" * 2 * SLOWEST)
    connection.take(whole[:100])
    assert connection.allowance == len(whole) / SLOWEST


def test_what_is_too_large_is_not_waited_for(connection: Connection) -> None:
    connection.take(HEAD + b"Content-Length: %d\r\n\r\n" % (receiving.MAX_BODY + 1))
    assert connection.whole
    assert connection.overlong


class Full:
    """A file on a disk that has no room left: what is written waits, and cannot be kept."""

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        self.flush()


def test_a_full_disk_is_found_out_before_a_thread_has_it(connection: Connection) -> None:
    request = plain(b"x" * (IN_MEMORY + 1))
    connection.take(request[:-1])
    connection._file = Full()  # type: ignore[assignment]
    with pytest.raises(OSError, match="No space"):
        connection.take(request[-1:])
    # Giving the connection up must not end the process that serves all the others.
    connection.close()


def test_who_takes_a_large_answer_slowly_gets_all_of_it() -> None:
    pair = socket.socketpair()
    ours = receiving.Steady(fileno=pair[0].detach())
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    pair[1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    answer, taken = bytes(1000) * 200, bytearray()

    def take() -> None:
        while part := pair[1].recv(4000):
            taken.extend(part)
            time.sleep(0.02)

    slow = threading.Thread(target=take)
    slow.start()
    # All of it takes longer than this; each step does not.
    ours.settimeout(0.4)
    ours.sendall(answer)
    ours.close()
    slow.join()
    pair[1].close()
    assert bytes(taken) == answer


class Listener:
    """Somebody is at the door, and there is no room for another file."""

    def accept(self) -> None:
        raise OSError(errno.EMFILE, "Too many open files")


def test_without_room_for_another_file_the_slowest_goes(connection: Connection) -> None:
    worker = object.__new__(receiving.Worker)
    worker._waiting, dropped = {connection: None}, []
    worker._drop = dropped.append  # type: ignore[method-assign]
    worker.accept(Listener())  # type: ignore[arg-type]
    assert dropped == [connection]
