"""Where a request ends: read from its head and from its chunks, before anybody else reads it.

Two readers of one connection that do not agree about it let a sender hide a request in another
one's body ("smuggling"). So nothing is guessed or mended here: what gunicorn's parser, or a proxy,
might read in another way is no request, and its connection is closed (docs/adr/0042).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

# Of a body: more than any view takes (web.pictures.MAX_UPLOAD), which then says so unread.
MAX_BODY = 32 * 1024 * 1024
# What chunks may take beside their content, in all: those of a few bytes cost more than they carry.
MAX_FRAMING = 128 * 1024
# Bytes of the line before a chunk, or of a trailer; and so many trailers.
MAX_LINE = 1024
MAX_TRAILERS = 32

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_TEXT = rb"[\t\x20-\x7e\x80-\xff]*"
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_FIELD = re.compile(rb"(%b):%b" % (_TOKEN, _TEXT))
# No line is continued on the next one, none ends in anything but CRLF. One empty line may come
# first: old clients send it after a form.
_HEAD = re.compile(rb"(?:\r\n)?(%b)\r\n(?:%b:%b\r\n)*" % (rb"[^\r\n]+", _TOKEN, _TEXT))
_LENGTH = re.compile(rb"^content-length:([^\r]*)", re.I | re.M)
_CODING = re.compile(rb"^transfer-encoding:([^\r]*)", re.I | re.M)
_EXPECTS = re.compile(rb"^expect:[ \t]*100-continue[ \t]*\r$", re.I | re.M)
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")
_SIZE = re.compile(
    rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?)*"
    % (_TOKEN, _TOKEN, _QUOTED)
)
# What would say, after the body, whose and how long it was.
_NEVER_AFTER = frozenset(
    b"authorization content-length content-type host te trailer transfer-encoding".split()
)


class Refused(Exception):
    """What came is no request that we take; `status` says why."""

    def __init__(self, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(frozen=True)
class Head:
    """What a head says of the body behind it."""

    length: int
    chunked: bool
    # The sender waits for a word before it sends the body.
    waits: bool


def read_head(head: bytes) -> Head:
    """Of all lines of a head, each with its end. Raises Refused for what is none, or ambiguous."""
    found = _HEAD.fullmatch(head)
    if found is None:
        raise Refused
    newest = found[1].endswith(b" HTTP/1.1")
    lengths, codings = _LENGTH.findall(head), _CODING.findall(head)
    waits = newest and _EXPECTS.search(head) is not None
    if not codings:
        return Head(_only_length(lengths), chunked=False, waits=waits)
    if (
        not newest
        or lengths
        or [coding.strip(b" \t").lower() for coding in codings] != [b"chunked"]
    ):
        raise Refused
    return Head(0, chunked=True, waits=waits)


def _only_length(lengths: list[bytes]) -> int:
    if not lengths:
        return 0
    digits = lengths[0].strip(b" \t")
    # isdigit() of bytes: 0 to 9, and no sign.
    if len(lengths) > 1 or not digits.isdigit() or len(digits) > 15:
        raise Refused
    return int(digits)


def refuse_bare_ends(part: bytes | bytearray, since: int) -> None:
    """For a head that has not come to its end: it never will, or has for somebody else. What came
    before `since` has been looked at."""
    if _BARE.search(part, max(0, since - 1)):
        raise Refused


class Chunks:
    """Follows a body that comes in chunks (RFC 9112, 7.1) to its end, in whatever pieces it comes.
    It keeps nothing of it but the line it is in."""

    def __init__(self) -> None:
        self.done = False
        # Bytes of content that have been announced, and of everything else that has come.
        self.size, self.framing = 0, 0
        self._left = 0  # of the chunk's content
        self._line = bytearray()
        self._reads: Callable[[bytes], None] = self._size
        self._trailers = 0

    def take(self, data: bytes) -> int:
        """How many bytes of this belong to the body: fewer than all where it ends. Raises Refused
        for what is not well formed, or too large."""
        at = 0
        while at < len(data) and not self.done:
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
            else:
                at = self._take_line(data, at)
        return at

    def _take_line(self, data: bytes, at: int) -> int:
        # After a chunk's content there is nothing but the end of the line.
        most = 2 if self._reads == self._gap else MAX_LINE
        end = data.find(b"\n", at, at + most)
        stop = min(at + most, len(data)) if end < 0 else end + 1
        self._line += data[at:stop]
        self.framing += stop - at
        if self.framing > MAX_FRAMING:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if len(self._line) > most or (end < 0 and len(self._line) == most):
            raise Refused
        if end >= 0:
            line = bytes(self._line)
            self._line.clear()
            if not line.endswith(b"\r\n"):
                raise Refused
            self._reads(line[:-2])
        return stop

    def _size(self, line: bytes) -> None:
        found = _SIZE.fullmatch(line)
        if found is None:
            raise Refused
        self._left = int(found[1], 16)
        self.size += self._left
        if self.size > MAX_BODY:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        self._reads = self._gap if self._left else self._trailer

    def _gap(self, line: bytes) -> None:
        if line:
            raise Refused
        self._reads = self._size

    def _trailer(self, line: bytes) -> None:
        if not line:
            self.done = True
            return
        found = _FIELD.fullmatch(line)
        self._trailers += 1
        if found is None or found[1].lower() in _NEVER_AFTER or self._trailers > MAX_TRAILERS:
            raise Refused
