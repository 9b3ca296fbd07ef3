"""Requests are given to a thread once they have arrived whole: whoever sends slowly waits outside.

gunicorn's threads read from clients themselves, so that as many slow ones as there are threads keep
everybody out. Here the loop that accepts connections also receives: it never waits for anybody, and
keeps what has come in memory, uploads in a temporary file. A thread then finds all of a request,
and its answer goes into the kernel's buffer at once. What is slow has deadlines (docs/adr/0042).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import selectors
import socket
import struct
import tempfile
import termios
import time
from functools import partial
from http import HTTPStatus
from typing import IO, Any

from gunicorn import http
from gunicorn.workers import gthread

from ovop_market.operations import framing
from ovop_market.operations.framing import MAX_BODY, Refused

# Seconds: for the head of a request; for its body on top of what its size may take; until a thread
# gives up on a client that does not take its answer.
PATIENCE = 15
# Bytes a second below which nobody's upload is waited for: half of what 2G manages.
SLOWEST = 8 * 1024
# Seconds in which a client that has been answered may close its end.
LINGER = 2
MAX_HEAD = 64 * 1024
# What is longer is kept in a file.
IN_MEMORY = 96 * 1024
AT_ONCE = 256 * 1024
# The kernel keeps so much of an answer (less where it is told to): pages and pictures fit.
SEND_BUFFER = 1024 * 1024
# Of the last answer, what may still be under way when the next request is begun.
UNDER_WAY = 64 * 1024
LOOK_AGAIN = 0.5  # seconds between two looks at the deadlines
# Bytes of all uploads that a process keeps in files while they come in.
IN_FILES = 256 * 1024 * 1024


class Steady(socket.socket):
    """A socket whose time limit is for each step: who takes a large answer slowly gets all of it
    (Python's own counts the whole answer)."""

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        left = memoryview(data).cast("B")
        while left:
            left = left[self.send(left, flags) :]


class Connection(gthread.TConn):  # type: ignore[misc]
    """A client's connection, with what has come of its next request. gunicorn's parser reads from
    it as from a socket, but never waits."""

    parser: Any

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.closing = False
        self._begin(b"")

    def _begin(self, data: bytes) -> None:
        self._came = bytearray()
        self._file: IO[bytes] | None = None
        # Bytes of this request: that are there, that there will be once that is known, and that
        # have been read. What comes after them belongs to the next one.
        self.length, self.wanted, self._read = 0, 0, 0
        self._rest = b""
        self._headed = self.overlong = False
        self._chunks: framing.Chunks | None = None
        if data:
            self.take(data)

    @property
    def whole(self) -> bool:
        return 0 < self.wanted <= self.length

    @property
    def silent(self) -> bool:
        """Whether nothing has come yet."""
        return self.length == 0

    @property
    def allowance(self) -> float:
        """Seconds that its size is good for: if it comes in chunks, what is there of it."""
        return max(self.wanted, self.length) / SLOWEST if self._headed else 0.0

    @property
    def used_up(self) -> bool:
        """Whether the parser has read what was received, and nothing is left of it: else they do
        not agree where the request ended, and whatever comes next is nobody's."""
        read = self._read if self._file is None else self._file.tell()
        return read == self.length and not self.parser.unreader.buf.getvalue()

    @property
    def in_file(self) -> int:
        """Bytes that it keeps in a file."""
        return 0 if self._file is None else self.length

    def next(self) -> None:
        """The request has been answered. Raises Refused for what has come of the next one."""
        self._drop_file()
        self._begin(self._rest)

    def _drop_file(self) -> None:
        if self._file is not None:
            # What it has not written yet is wanted no more, so a full disk does not matter.
            with contextlib.suppress(OSError):
                self._file.close()

    def take(self, data: bytes) -> None:
        """More has come. Raises Refused for what is no request, OSError if it cannot be kept."""
        if self._headed:
            self._take_body(data)
            return
        before = self.length
        self._came += data
        self.length = len(self._came)
        end = self._came.find(b"\r\n\r\n", max(0, before - 3))
        if self.length > MAX_HEAD and not 0 <= end <= MAX_HEAD:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if end < 0:
            framing.refuse_bare_ends(self._came, before)
        else:
            self._take_head(end)

    def _take_head(self, end: int) -> None:
        head = framing.read_head(bytes(self._came[: end + 2]))
        after = bytes(self._came[end + 4 :])
        del self._came[end + 4 :]
        self._headed, self.length = True, len(self._came)
        self.overlong = head.length > MAX_BODY
        if head.chunked:
            self._chunks = framing.Chunks()
        else:
            self.wanted = self.length + (0 if self.overlong else head.length)
        self._take_body(after)
        if head.waits and not self.whole:
            with contextlib.suppress(OSError):
                self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _take_body(self, data: bytes) -> None:
        """Its own part is kept as it came; where chunks end, the parser will see for itself."""
        if self._chunks is None:
            own = min(len(data), self.wanted - self.length)
        else:
            own = self._chunks.take(data)
        self._keep(data[:own])
        self.length += own
        self._rest += data[own:]
        if self._chunks is not None and self._chunks.done:
            self.wanted = self.length
        if self.whole and self._file is not None:
            # What there is no room for is found out here, where it can still be answered.
            self._file.flush()

    def _keep(self, data: bytes) -> None:
        if self._file is None and self.length + len(data) > IN_MEMORY:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `next` and `close`
            self._file.write(self._came)
            self._came.clear()
        if self._file is None:
            self._came += data
        else:
            self._file.write(data)

    def init(self) -> None:
        """A thread has it now, with all of the request: it waits only to be rid of its answer."""
        if self.parser is None:
            self.parser = http.get_parser(self.cfg, self, self.client)
        self.initialized = True
        self.sock.settimeout(PATIENCE)
        if self._file is not None:
            self._file.seek(0)

    def recv(self, size: int) -> bytes:
        """For the parser: what is there of this request; nothing where it ends."""
        if self._file is not None:
            return self._file.read(size)
        data = bytes(self._came[self._read : self._read + size])
        self._read += len(data)
        return data

    def under_way(self) -> int:
        """Bytes of answers that the client has not taken yet."""
        try:
            answer = fcntl.ioctl(self.sock.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        except OSError:
            return 0
        return int(struct.unpack("i", answer)[0])

    def close(self, graceful: bool = False) -> None:
        self._drop_file()
        super().close(graceful)


class Worker(gthread.ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, whose loop receives requests. It has no TLS: a proxy has."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Whoever has to send something, or to take it; the longest waiting first.
        self._waiting: dict[Connection, None] = {}
        self._looked_at = 0.0

    def accept(self, listener: socket.socket) -> None:
        try:
            sock, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE) and self._waiting:
                # No room for another file: the one that has been slow for longest makes it.
                self._drop(next(iter(self._waiting)))
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        sock = Steady(sock.family, sock.type, sock.proto, fileno=sock.detach())
        self.nr_conns += 1
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        connection = Connection(self.cfg, sock, address, listener.getsockname())
        if len(self._waiting) >= self.worker_connections - 2 * self.cfg.threads:
            # Whoever has been slow for longest makes room for somebody new.
            self._drop(next(iter(self._waiting)))
        self._wait_for(connection, PATIENCE)
        # As a rule it has come along.
        self._receive(connection, sock)

    def _wait_for(self, connection: Connection, seconds: float) -> None:
        connection.sock.setblocking(False)
        connection.timeout = time.monotonic() + seconds
        self._waiting[connection] = None
        self.poller.register(
            connection.sock, selectors.EVENT_READ, partial(self._receive, connection)
        )

    def _receive(self, connection: Connection, sock: socket.socket) -> None:
        if connection not in self._waiting:
            return  # dropped by what came just before
        try:
            data = sock.recv(AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        if connection.closing:
            return
        if connection.silent:
            connection.timeout = time.monotonic() + PATIENCE
        allowed = connection.allowance
        try:
            connection.take(data)
            if connection.in_file and sum(one.in_file for one in self._waiting) > IN_FILES:
                raise Refused(HTTPStatus.SERVICE_UNAVAILABLE)
        except Refused as refused:
            self.refuse(connection, refused.status)
        except OSError:
            self.refuse(connection, HTTPStatus.INSUFFICIENT_STORAGE)
        else:
            if connection.whole:
                self._hand_over(connection)
            else:
                connection.timeout += connection.allowance - allowed

    def _hand_over(self, connection: Connection) -> None:
        """To a thread; but who asks without taking what was answered is waited for first."""
        self._unregister(connection)
        if connection.under_way() > UNDER_WAY:
            return
        self._waiting.pop(connection, None)
        connection.data_ready = True
        self.enqueue_req(connection)

    def handle_request(self, req: Any, conn: Connection) -> bool:
        # Whoever waited to be told to go on has been told: all of it is here.
        req._expected_100_continue = False
        return bool(super().handle_request(req, conn))

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """Called in the loop, once a thread has done its part."""
        try:
            again = bool(fs.result()) and not conn.overlong and conn.used_up
        except Exception:  # whatever it was: it has been told and logged
            again = False
        if not again:
            self._end(conn)
            return
        try:
            conn.next()
            patience = self.cfg.keepalive if conn.silent else PATIENCE + conn.allowance
            if conn.silent and not self.alive:
                patience = LINGER  # told to stop while it was being answered
            self._wait_for(conn, patience)
            if conn.whole:
                self._hand_over(conn)
        except Refused as refused:
            self.refuse(conn, refused.status)
        except OSError:
            self._drop(conn)

    def answer_to(self, status: HTTPStatus) -> bytes:
        """What somebody reads whose request never reached the application; see serving."""
        body = f"{status.value} {status.phrase}\n".encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\n"
            f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def refuse(self, connection: Connection, status: HTTPStatus) -> None:
        with contextlib.suppress(OSError):
            connection.sock.setblocking(False)
            connection.sock.send(self.answer_to(status))
        self._end(connection)

    def _end(self, connection: Connection) -> None:
        """Says that nothing more comes, and takes what the client still sends, lest it lose the
        answer; without waiting for it."""
        self._unregister(connection)
        connection.closing = True
        try:
            connection.sock.shutdown(socket.SHUT_WR)
            self._wait_for(connection, LINGER)
        except OSError:
            self._drop(connection)

    def _unregister(self, connection: Connection) -> None:
        with contextlib.suppress(KeyError, ValueError, OSError):
            self.poller.unregister(connection.sock)

    def _drop(self, connection: Connection) -> None:
        self._unregister(connection)
        self._waiting.pop(connection, None)
        self.nr_conns -= 1
        connection.close()

    def murder_pending(self) -> None:
        """gunicorn's loop calls this each time round: who has had long enough goes."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_AGAIN:
            return
        self._looked_at = now
        for connection in list(self._waiting):
            if connection.timeout <= now:
                if connection.closing or connection.silent or connection.whole:
                    self._drop(connection)
                else:
                    self.refuse(connection, HTTPStatus.REQUEST_TIMEOUT)
            elif connection.whole and not connection.closing:
                self._hand_over(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        """Told to stop: whoever has not said anything is not waited for."""
        super()._cap_keepalive(deadline)
        for connection in self._waiting:
            if connection.silent:
                connection.timeout = min(connection.timeout, deadline)
