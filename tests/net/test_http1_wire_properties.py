"""The response reader under any split of any bytes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coded import split
from smartclient._model.errors import ChunkedEncodingError, ConnectionError
from smartclient._model.message import Head
from smartclient._net.http1_wire import ResponseReader
from wire_readings import outcome

METHODS = st.sampled_from(["GET", "HEAD", "POST", "CONNECT"])

# What the grammar is made of, and what breaks it: arbitrary bytes alone would hardly get past the status line.
FRAGMENTS = st.sampled_from(
    [
        *(
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.0 200\r\n",
            b"HTTP/1.1 100 C\r\n\r\n",
            b"HTTP/1.1 101 S\r\n",
            b"HTTP/1.1 204 N\r\n",
        ),
        *(b"Content-Length: 3\r\n", b"Content-Length: 3, 3\r\n", b"Content-Length: 4\r\n", b"Connection: close\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Keep-Alive: timeout=9\r\n", b"A:b\r\n"),
        *(b"3\r\nabc\r\n", b"0\r\n\r\n", b"0\r\n", b"2;x=y\r\n\r\n\r\n", b"abc", b"f", b"0"),
        *(b"\r\n", b"\r", b"\n", b"\0", b" ", b"\t", b":", b";", b",", b"\xff", b"\r\n\r\n", b" folded\r\n", b": \r\n"),
    ]
)
HOSTILE_WIRES = st.one_of(
    st.binary(max_size=60),
    st.lists(FRAGMENTS, max_size=12).map(b"".join),
    st.lists(FRAGMENTS, max_size=12).map(lambda fragments: b"HTTP/1.1 200 OK\r\n" + b"".join(fragments)),
    st.lists(FRAGMENTS, max_size=12).map(
        lambda fragments: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(fragments)
    ),
)


@given(HOSTILE_WIRES, st.lists(st.integers(0, 10_000), max_size=8), METHODS, st.booleans(), st.booleans())
def test_any_split_of_any_bytes_gives_the_same_result_or_the_same_error(
    wire: bytes, cuts: list[int], method: str, lenient: bool, upgrade: bool
) -> None:
    whole = outcome([wire], method, lenient=lenient, upgrade=upgrade)
    assert outcome(split(wire, cuts), method, lenient=lenient, upgrade=upgrade) == whole
    assert outcome([wire[i : i + 1] for i in range(len(wire))], method, lenient=lenient, upgrade=upgrade) == whole


REPEATED = st.sampled_from(
    [
        head + body
        for head in (
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nKeep-Alive: timeout=9\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: a=b\r\n\r\n",
            b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
            b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
            b"HTTP/1.1 204 N\r\n\r\n",
        )
        for body in (b"", b"abc", b"abcd")
    ]
)


@given(st.lists(st.tuples(REPEATED, METHODS, st.lists(st.integers(0, 80), max_size=3)), min_size=2, max_size=6))
def test_what_came_before_changes_no_reading(exchanges: list[tuple[bytes, str, list[int]]]) -> None:
    reader = ResponseReader()
    for wire, method, cuts in exchanges:
        fresh = ResponseReader()
        readings = []
        for each in (reader, fresh):
            each.start(method)
            events = [event for piece in split(wire, cuts) for event in each.feed(piece)]
            said = [event if isinstance(event, bytes) else repr(event) for event in events]
            fields = [event.fields.lines for event in events if isinstance(event, Head)]
            now = each.complete, each.reusable, each.keep_alive_timeout, each.surplus, each.head_started
            readings.append((said, fields, now))
        assert readings[0] == readings[1]
        if not (reader.complete and reader.reusable):
            return


@given(HOSTILE_WIRES, METHODS)
def test_a_lenient_reader_reads_what_a_strict_one_reads(wire: bytes, method: str) -> None:
    strict = outcome([wire], method)
    if isinstance(strict[0], type):
        return
    *said, reusable, close_delimited, surplus, timeout = outcome([wire], method, lenient=True)
    assert reusable is False
    assert (*said, strict[-4], close_delimited, surplus, timeout) == strict


TOKENS = st.text("abcXYZ019-_.!#$%&'*+^`|~", min_size=1, max_size=12).filter(
    lambda name: name.lower() not in ("content-length", "transfer-encoding", "connection")
)
VALUES = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f") | st.sampled_from(" \t"),
    max_size=30,
).map(lambda value: value.strip(" \t"))
FIELDS = st.lists(st.tuples(TOKENS, VALUES), max_size=6)


@st.composite
def responses(draw: st.DrawFn) -> tuple[bytes, int, tuple[tuple[str, str], ...], bytes, tuple[tuple[str, str], ...]]:
    """A valid response, and what it says: status, field lines, body, trailers."""
    status = draw(st.sampled_from([200, 206, 301, 404, 500]))
    lines = draw(FIELDS)
    pieces = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=5))
    trailers: list[tuple[str, str]] = []
    content = b"".join(pieces)
    if draw(st.booleans()):
        trailers = draw(FIELDS)
        lines = [*lines, ("Transfer-Encoding", "chunked")]
        extension = draw(st.sampled_from([b"", b";a=b"]))
        body = b"".join([b"%X%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces]) + b"0\r\n"
        body += "".join([f"{name}:{value}\r\n" for name, value in trailers]).encode("latin-1") + b"\r\n"
    else:
        lines = [("Content-Length", str(len(content))), *lines]
        body = content
    head = f"HTTP/1.1 {status} \r\n" + "".join([f"{name}: {value}\r\n" for name, value in lines]) + "\r\n"
    return head.encode("latin-1") + body, status, tuple(lines), content, tuple(trailers)


@given(responses(), st.lists(st.integers(0, 10_000), max_size=8))
def test_a_valid_response_is_read_as_it_was_written(response: Any, cuts: list[int]) -> None:
    wire, status, lines, content, trailers = response
    said, said_trailers, body, complete, _, close_delimited, surplus, _ = outcome(split(wire, cuts), "GET")
    assert (said[0], said[3], body) == (status, lines, content)
    assert [line for line in said_trailers if line in trailers] == list(said_trailers)
    assert (complete, close_delimited, surplus) == (True, False, b"")


@pytest.mark.parametrize("error", [ChunkedEncodingError, ConnectionError])
def test_the_errors_are_those_that_callers_catch(error: type[Exception]) -> None:
    kinds = {outcome([wire], "GET")[0] for wire in (b"?", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n?")}
    assert any(issubclass(kind, error) for kind in kinds)
