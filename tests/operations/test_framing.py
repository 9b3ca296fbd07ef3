"""Where requests end: in whatever pieces they come, and never elsewhere than for gunicorn."""

from __future__ import annotations

from http import HTTPStatus
from itertools import pairwise

import pytest
from gunicorn.config import Config
from gunicorn.http import RequestParser
from hypothesis import given, settings
from hypothesis import strategies as st

from ovop_market.operations import framing
from ovop_market.operations.framing import Chunks, Refused, read_head, refuse_bare_ends

NEXT = b"GET /next HTTP/1.1\r\n\r\n"
WHOLE = b'5\r\nhello\r\n1A ; a=b;c="d;\\" e"\r\n' + b"x" * 26 + b"\r\n000\r\nX-Sum: 1\r\nY:\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\n"


def fed(*pieces: bytes) -> tuple[Chunks, int]:
    chunks = Chunks()
    return chunks, sum(chunks.take(piece) for piece in pieces)


def test_a_body_ends_where_its_last_chunk_does() -> None:
    chunks, taken = fed(WHOLE + NEXT)
    assert (chunks.done, taken, chunks.size) == (True, len(WHOLE), 31)
    assert chunks.take(NEXT) == 0


def test_byte_by_byte() -> None:
    chunks = Chunks()
    for at, byte in enumerate(WHOLE, 1):
        assert not chunks.done
        assert chunks.take(bytes([byte])) == 1
        assert chunks.done is (at == len(WHOLE))
    assert chunks.framing + chunks.size == len(WHOLE)


@given(st.lists(st.integers(0, len(WHOLE + NEXT)), max_size=12))
def test_in_any_pieces(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(WHOLE + NEXT)]
    pieces = [(WHOLE + NEXT)[a:b] for a, b in pairwise(edges)]
    chunks, taken = fed(*pieces)
    assert (chunks.done, taken, chunks.size) == (True, len(WHOLE), 31)


@pytest.mark.parametrize("body", [b"0\r\n\r\n", b"0;a\r\n\r\n", b"0 ;a\r\n\r\n"])
def test_an_empty_one(body: bytes) -> None:
    chunks, taken = fed(body)
    assert (chunks.done, taken, chunks.size) == (True, len(body), 0)


@pytest.mark.parametrize(
    "body", [b"", b"5", b"5\r\nhel", b"5\r\nhello\r", b"0\r\n", b"0\r\nA: b\r\n\r"]
)
def test_one_that_is_not_all_there(body: bytes) -> None:
    chunks, taken = fed(body)
    assert (chunks.done, taken) == (False, len(body))


MALFORMED = {
    "no size": b"\r\n",
    "a sign": b"+5\r\nhello",
    "below nothing": b"-1\r\n",
    "a prefix": b"0x5\r\nhello",
    "an underscore": b"1_0\r\n",
    "a blank before it": b" 5\r\nhello",
    "a blank behind it": b"5 \r\nhello",
    "no hexadecimal": b"g\r\n",
    "more digits than a size has": b"0" * 17 + b"\r\n\r\n",
    "a bare line feed": b"5\nhello\r\n",
    "a bare carriage return": b"5\rhello\r\n",
    "two carriage returns": b"5\r\r\nhello",
    "no name of an extension": b"5;\r\nhello",
    "an extension of something else": b"5;a=\x00\r\nhello",
    "an unfinished quotation": b'5;a="b\r\nhello',
    "no end of a chunk": b"5\r\nhello0\r\n\r\n",
    "a chunk longer than it says": b"5\r\nhello!\r\n0\r\n\r\n",
    "half an end of a chunk": b"5\r\nhello\n0\r\n\r\n",
    "an overlong line": b"5;" + b"a" * framing.MAX_LINE,
    "an overlong trailer": b"0\r\nA: " + b"a" * framing.MAX_LINE,
    "too many trailers": b"0\r\n" + b"A: b\r\n" * (framing.MAX_TRAILERS + 1),
    "a trailer without a name": b"0\r\n: b\r\n",
    "a trailer with a blank": b"0\r\nA : b\r\n",
    "a trailer on two lines": b"0\r\nA: b\r\n c\r\n",
    "a trailer that ends otherwise": b"0\r\nA: b\n\r\n",
    "a trailer about the body": b"0\r\nContent-Length: 5\r\n",
    "a trailer about the request": b"0\r\nhost: elsewhere\r\n",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed(body: bytes) -> None:
    for pieces in ([body], [bytes([byte]) for byte in body]):
        with pytest.raises(Refused) as refused:
            fed(*pieces)
        assert refused.value.status is HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    "body",
    [
        b"%x\r\n" % (framing.MAX_BODY + 1),
        b"f" * 16 + b"\r\n",
        b"5\r\nhello\r\n%x\r\n" % (framing.MAX_BODY - 4),
        b"1\r\nx\r\n" * (framing.MAX_FRAMING // 5 + 1),
    ],
    ids=["one chunk", "an enormous chunk", "the second chunk", "too small chunks"],
)
def test_what_is_too_large_is_refused_before_it_comes(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        fed(body)
    assert refused.value.status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@pytest.mark.parametrize(
    ("head", "length", "chunked", "waits"),
    [
        (b"GET / HTTP/1.1\r\n", 0, False, False),
        (b"\r\nGET / HTTP/1.1\r\nHost: a\r\n", 0, False, False),
        (POST + b"Content-Length: 12\r\n", 12, False, False),
        (POST + b"content-length:\t007 \r\nExpect: 100-Continue\r\n", 7, False, True),
        (b"POST /x HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n", 1, False, False),
        (POST + b"X: content-length: 9\r\nX-Content-Length: 9\r\n", 0, False, False),
        (POST + b"TRANSFER-ENCODING: Chunked\t\r\n", 0, True, False),
    ],
)
def test_what_a_head_says(head: bytes, length: int, chunked: bool, waits: bool) -> None:
    assert read_head(head) == framing.Head(length, chunked, waits)


AMBIGUOUS = {
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n",
    "the same length twice": POST + b"Content-Length: 5\r\ncontent-length: 5\r\n",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n",
    "a length with a sign": POST + b"Content-Length: +5\r\n",
    "a length below nothing": POST + b"Content-Length: -5\r\n",
    "a hexadecimal length": POST + b"Content-Length: 0x5\r\n",
    "a length with an underscore": POST + b"Content-Length: 1_0\r\n",
    "digits of another script": POST + b"Content-Length: \xb2\r\n",
    "an empty length": POST + b"Content-Length:\r\n",
    "a length nobody sends": POST + b"Content-Length: " + b"9" * 16 + b"\r\n",
    "a blank before the colon": POST + b"Content-Length : 5\r\n",
    "a blank before the name": POST + b" Content-Length: 5\r\n",
    "a length on the next line": POST + b"Content-Length:\r\n 5\r\n",
    "a line that goes on": POST + b"X: a\r\n\tContent-Length: 5\r\n",
    "a bare line feed": POST + b"X: a\nContent-Length: 5\r\n",
    "a bare carriage return": POST + b"X: a\rContent-Length: 5\r\n",
    "a line without a name": POST + b": a\r\n",
    "a line without a colon": POST + b"Content-Length\r\n",
    "a zero byte": POST + b"X: a\x00\r\nContent-Length: 5\r\n",
    "a length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "chunks and a length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "chunks in an old request": b"POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
    "another coding": POST + b"Transfer-Encoding: gzip\r\n",
    "no coding": POST + b"Transfer-Encoding:\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n",
    "two codings": POST + b"Transfer-Encoding: gzip, chunked\r\n",
    "chunks of chunks": POST + b"Transfer-Encoding: chunked, chunked\r\n",
    "chunks twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "almost chunks": POST + b"Transfer-Encoding: xchunked\r\n",
    "chunks in quotes": POST + b'Transfer-Encoding: "chunked"\r\n',
    "chunks with more": POST + b"Transfer-Encoding: chunked;q=1\r\n",
    "a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n",
    "a coding with a blank before the colon": POST + b"Transfer-Encoding : chunked\r\n",
    "nothing asked": b"\r\n",
    "two empty lines first": b"\r\n\r\n" + POST,
}


@pytest.mark.parametrize("head", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_could_be_read_in_two_ways(head: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_head(head)
    assert refused.value.status is HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("part", [b"\n", b"GET / HTTP/1.1\n", b"GET /\r H", b"A: b\r\r\n"])
def test_a_head_that_will_never_end_is_not_waited_for(part: bytes) -> None:
    with pytest.raises(Refused):
        refuse_bare_ends(part, 0)
    with pytest.raises(Refused):
        for at in range(len(part)):
            refuse_bare_ends(part[: at + 1], at)


def test_one_that_may_go_on_is() -> None:
    head = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r"
    for at in range(len(head)):
        refuse_bare_ends(head[: at + 1], at)


def ends(request: bytes) -> tuple[int, int] | None:
    """Where a request ends and how much its body holds, as we see it; None for what we refuse."""
    at = request.find(b"\r\n\r\n")
    try:
        if at < 0:
            return None
        head = read_head(request[: at + 2])
        if not head.chunked:
            return at + 4 + head.length, head.length
        chunks = Chunks()
        taken = chunks.take(request[at + 4 :])
    except Refused:
        return None
    return (at + 4 + taken, chunks.size) if chunks.done else None


def ends_for_gunicorn(request: bytes) -> tuple[int, int] | None:
    """The same as gunicorn sees it. It may refuse what it likes: it closes the connection then."""
    parser = RequestParser(Config(), [request], ("127.0.0.1", 1))
    try:
        size = len(next(parser).body.read())
    except Exception:  # the server answers each of them, and closes
        return None
    return len(request) - len(parser.unreader.take_buffered()), size


PARTS = [
    b"POST / HTTP/1.1",
    b"POST / HTTP/1.0",
    b"GET / HTTP/1.2",
    b"Host: a",
    b"Content-Length: 5",
    b"Content-Length",
    b"Transfer-Encoding: chunked",
    b"transfer-encoding",
    b"chunked",
    b"hello",
    *(
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b"0\r\n\r\n",
        b"5\r\nhello\r\n",
        b"5",
        b"0",
        b"A",
        b"a: b",
    ),
    *(b":", b";", b"=", b'"', b"\\", b",", b" ", b"\t", b"+", b"\x00", b"\x0b", b"\x85", b"\xb2"),
]
PLAUSIBLE = st.sampled_from(
    [
        POST + b"Content-Length: 5\r\n\r\nhello",
        POST + b"Host: a\r\nTransfer-Encoding: chunked\r\n\r\n" + WHOLE,
        b"\r\n" + NEXT,
        POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + WHOLE,
    ]
)
CHANGES = st.lists(
    st.tuples(st.integers(0, 140), st.integers(0, 4), st.sampled_from([b"", *PARTS])), max_size=4
)


def changed(request: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for at, dropped, put in changes:
        request = request[:at] + put + request[at + dropped :]
    return request + NEXT


@settings(max_examples=1500, deadline=None)
@given(st.builds(changed, PLAUSIBLE, CHANGES) | st.lists(st.sampled_from(PARTS)).map(b"".join))
def test_gunicorn_never_sees_another_end(request: bytes) -> None:
    """What we let through ends for gunicorn where it ends for us, or is refused by it."""
    seen = ends(request)
    if seen is None or seen[0] > len(request):
        return
    assert ends_for_gunicorn(request) in (seen, None)


@pytest.mark.parametrize("body", [WHOLE, b"0\r\n\r\n"])
def test_gunicorn_reads_what_we_let_through(body: bytes) -> None:
    request = POST + b"Transfer-Encoding: chunked\r\n\r\n" + body
    seen = ends(request + NEXT)
    assert seen == ends_for_gunicorn(request + NEXT)
    assert seen is not None
    assert seen[0] == len(request)
