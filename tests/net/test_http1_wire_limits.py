"""The response reader's limits: the last size that passes, the first that does not; hostile sizes in linear time."""

from collections.abc import Iterator

import pytest

from smartclient._model.errors import ChunkedEncodingError, RemoteProtocolError, RequestException
from smartclient._model.message import Head
from smartclient._net.http1_wire import End, Event, ResponseReader

KIB = 1024
STATUS = b"HTTP/1.1 200 OK\r\n"
CHUNKED = STATUS + b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH_ZERO = b"Content-Length: 0\r\n"


def feed(wire: bytes, step: int) -> list[Event]:
    reader = ResponseReader()
    reader.start("GET")
    return [event for at in range(0, len(wire), step) for event in reader.feed(wire[at : at + step])]


def padding(size: int, line: int = 8 * KIB) -> Iterator[bytes]:
    """Field lines of `size` bytes in all, their line ends included."""
    while size:
        this = size if size <= line else min(line, size - 8)
        yield b"P:" + b"p" * (this - 4) + b"\r\n"
        size -= this


def head_of(size: int) -> bytes:
    """A head of `size` bytes, counted up to the line end of its last line."""
    rest = size + 2 - len(STATUS) - len(LENGTH_ZERO)
    return STATUS + LENGTH_ZERO + b"".join(padding(rest)) + b"\r\n"


def trailers_of(size: int) -> bytes:
    """A chunked body's end with trailers of `size` bytes, counted from the line end before to that of the last line."""
    return b"0\r\n" + b"".join(padding(size)) + b"\r\n"


# id: what passes, what does not, the error
LIMITS: dict[str, tuple[bytes, bytes, type[RequestException]]] = {
    "head-128-KiB": (head_of(128 * KIB), head_of(128 * KIB + 1), RemoteProtocolError),
    "line-64-KiB": (
        STATUS + LENGTH_ZERO + b"A:" + b"a" * (64 * KIB - 2) + b"\r\n\r\n",
        STATUS + LENGTH_ZERO + b"A:" + b"a" * (64 * KIB - 1) + b"\r\n\r\n",
        RemoteProtocolError,
    ),
    "line-64-KiB-white-space": (
        STATUS + LENGTH_ZERO + b"A:" + b" " * (64 * KIB - 2) + b"\r\n\r\n",
        STATUS + LENGTH_ZERO + b"A:" + b" " * (64 * KIB - 1) + b"\r\n\r\n",
        RemoteProtocolError,
    ),
    "status-line-64-KiB": (
        b"HTTP/1.1 200 " + b"a" * (64 * KIB - 13) + b"\r\n" + LENGTH_ZERO + b"\r\n",
        b"HTTP/1.1 200 " + b"a" * (64 * KIB - 12) + b"\r\n" + LENGTH_ZERO + b"\r\n",
        RemoteProtocolError,
    ),
    "lines-256": (
        STATUS + LENGTH_ZERO + b"A: b\r\n" * 255 + b"\r\n",
        STATUS + LENGTH_ZERO + b"A: b\r\n" * 256 + b"\r\n",
        RemoteProtocolError,
    ),
    "lines-256-folded": (
        STATUS + LENGTH_ZERO + b"A: b\r\n" + b" c\r\n" * 254 + b"\r\n",
        STATUS + LENGTH_ZERO + b"A: b\r\n" + b" c\r\n" * 255 + b"\r\n",
        RemoteProtocolError,
    ),
    "interim-16": (
        b"HTTP/1.1 100 C\r\n\r\n" * 16 + STATUS + LENGTH_ZERO + b"\r\n",
        b"HTTP/1.1 100 C\r\n\r\n" * 17 + STATUS + LENGTH_ZERO + b"\r\n",
        RemoteProtocolError,
    ),
    "trailers-16-KiB": (
        CHUNKED + trailers_of(16 * KIB),
        CHUNKED + trailers_of(16 * KIB + 1),
        ChunkedEncodingError,
    ),
    "trailer-lines-64": (
        CHUNKED + b"0\r\n" + b"A: b\r\n" * 64 + b"\r\n",
        CHUNKED + b"0\r\n" + b"A: b\r\n" * 65 + b"\r\n",
        ChunkedEncodingError,
    ),
    "chunk-line-4-KiB": (
        CHUNKED + b"1;" + b"e" * (4 * KIB - 4) + b"\r\nx\r\n0\r\n\r\n",
        CHUNKED + b"1;" + b"e" * (4 * KIB - 3) + b"\r\nx\r\n0\r\n\r\n",
        ChunkedEncodingError,
    ),
    "extensions-16-KiB-and-what-came": (
        CHUNKED + b"1;234567\r\nx\r\n" * 2730 + b"0;" + b"e" * 2 + b"\r\n\r\n",
        CHUNKED + b"1;234567\r\nx\r\n" * 2731 + b"0;" + b"e" * 2 + b"\r\n\r\n",
        ChunkedEncodingError,
    ),
    "length-18-digits": (
        STATUS + b"Content-Length: 000000000000000000\r\n\r\n",
        STATUS + b"Content-Length: 0000000000000000000\r\n\r\n",
        RemoteProtocolError,
    ),
}


@pytest.mark.parametrize("step", [1, 1000, 2**30], ids=["bytewise", "pieces", "whole"])
@pytest.mark.parametrize(("passes", "fails", "error"), LIMITS.values(), ids=LIMITS)
def test_limit(passes: bytes, fails: bytes, error: type[RequestException], step: int) -> None:
    assert isinstance(feed(passes, step)[-1], End)
    with pytest.raises(error):
        feed(fails, step)


ENDLESS: dict[str, tuple[bytes, bytes, int]] = {
    "head-one-line": (STATUS + b"A: ", b"a", 128 * KIB),
    "head-lines": (STATUS, b"A: b\r\n", 128 * KIB),
    "interim": (b"", b"HTTP/1.1 103 E\r\n\r\n", 16 * 18),
    "chunk-line": (CHUNKED + b"1;", b"e", 4 * KIB),
    "chunk-zeros": (CHUNKED, b"0", 17),
    "trailers": (CHUNKED + b"0\r\n", b"A: b\r\n", 16 * KIB),
}


@pytest.mark.parametrize(("start", "again", "limit"), ENDLESS.values(), ids=ENDLESS)
def test_an_endless_line_or_block_ends_at_its_limit(start: bytes, again: bytes, limit: int) -> None:
    with pytest.raises(RequestException):
        feed(start + again * (1 + (limit + 16) // len(again)), len(again))


# Sizes at which anything quadratic would take minutes.
HOSTILE: dict[str, bytes] = {
    "white-space-then-nul": STATUS + b"A:" + b" " * 60_000 + b"\0\r\n\r\n",
    "white-space-in-value": STATUS + b"A: b" + b" \t" * 30_000 + b"c\r\nContent-Length: 0\r\n\r\n",
    "white-space-lines": STATUS + (b"A:" + b" " * 500 + b"\r\n") * 250 + b"\r\n",
    "no-colon": STATUS + b"a" * 60_000 + b"\r\n\r\n",
    "no-colon-lines": STATUS + b"aaa\r\n" * 25_000 + b"\r\n",
    "few-lines-no-colon": STATUS + (b"a" * 500 + b"\r\n") * 250 + b"\r\n",
    "folds": STATUS + b"A: b\r\n" + (b" " + b"c" * 400 + b"\r\n") * 250 + b"Content-Length: 0\r\n\r\n",
    "carriage-returns": STATUS + b"A: " + b"\r" * 60_000 + b"\r\n\r\n",
    "length-repeated": STATUS + b"Content-Length: " + b"5," * 30_000 + b"5\r\n\r\n",
    "length-of-digits": STATUS + b"Content-Length: " + b"9" * 60_000 + b"\r\n\r\n",
    "codings": STATUS + b"Transfer-Encoding: " + b"gzip," * 12_000 + b"chunked\r\n\r\n",
    "options": STATUS + b"Connection: " + b"a," * 30_000 + b"close\r\nContent-Length: 0\r\n\r\n",
    "repeats": STATUS + (b"A: " + b"b" * 500 + b"\r\n") * 250 + b"\r\n",
    "tiny-chunks": CHUNKED + b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n",
    "tiny-chunks-with-extensions": CHUNKED + b"1;\r\nx\r\n" * 100_000 + b"0\r\n\r\n",
    "chunk-white-space": CHUNKED + b"1" + b" " * 4_000 + b"\r\n",
    "chunk-semicolons": CHUNKED + b"1" + b" ;" * 2_000 + b"\r\nx\r\n0\r\n\r\n",
    "huge-chunk": CHUNKED + b"ffffffffffffffff\r\n" + b"x" * 100_000,
}


@pytest.mark.parametrize("step", [7, 2**30], ids=["pieces", "whole"])
@pytest.mark.parametrize("wire", HOSTILE.values(), ids=HOSTILE)
def test_hostile_sizes_give_a_result_or_our_error(wire: bytes, step: int) -> None:
    assert len(shown(wire, step)) < 200


def shown(wire: bytes, step: int) -> str:
    """What came of it: the kinds of events, or the error's text."""
    try:
        return " ".join(sorted({type(event).__name__ for event in feed(wire, step)}))
    except RequestException as error:
        return str(error)


def test_names_and_status_lines_beyond_the_memo_are_read_all_the_same() -> None:
    reader = ResponseReader()
    for number in range(3000):
        reader.start("GET")
        name = f"X-{number}-" + "n" * (number % 100)
        wire = f"HTTP/1.1 200 {number}\r\n{name}: v\r\nContent-Length: 0\r\n\r\n".encode()
        head = reader.feed(wire)[0]
        assert isinstance(head, Head)
        assert (head.reason, head.fields.get(name.lower())) == (str(number), "v")
    for number in range(1, 6000):
        reader.start("GET")
        assert reader.feed(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (number, b"x" * number))[1] == b"x" * number
