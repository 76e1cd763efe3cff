"""The response reader, as tables: every row is read whole, byte by byte, and with trailing data."""

from typing import Any, NamedTuple

import pytest

from smartclient._model.errors import ChunkedEncodingError, IncompleteBody, RemoteProtocolError, SessionMisuse
from smartclient._model.message import Head, Interim
from smartclient._net.http1_wire import End, ResponseReader

MODES = ("whole", "bytewise", "trailing")
TRAILING = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Outcome(NamedTuple):
    """What one response came to; `lines`, `interim` and `trailers` are plain values, so that a table can say them."""

    interim: tuple[int, ...]
    status: int
    version: str
    reason: str
    lines: tuple[tuple[str, str], ...]
    body: bytes
    trailers: tuple[tuple[str, str], ...]
    complete: bool


def read(reader: ResponseReader, wire: bytes, mode: str, *, eof: bool = False) -> Outcome:
    pieces = [wire[i : i + 1] for i in range(len(wire))] if mode == "bytewise" else [wire]
    events = [event for piece in pieces for event in reader.feed(piece)]
    if eof:
        events += reader.feed_eof()
    heads = [event for event in events if isinstance(event, Head)]
    assert len(heads) == 1
    body = [event for event in events if isinstance(event, bytes)]
    assert all(body)
    ends = [event for event in events if isinstance(event, End)]
    assert ends == events[-1:] * reader.complete
    head = heads[0]
    assert {name: head.fields.get(name) for name in head.fields.index} == {
        name: ", ".join(head.fields.getlist(name)) for name in {name.lower() for name, _ in head.fields}
    }
    return Outcome(
        tuple(event.head.status for event in events if isinstance(event, Interim)),
        head.status,
        head.version,
        head.reason,
        head.fields.lines,
        b"".join(body),
        ends[0].trailers.lines if ends else (),
        reader.complete,
    )


def head(*lines: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([status, *lines, "", ""]).encode("latin-1")


CHUNKED = head("Transfer-Encoding: chunked")

# id: method, wire, expected (of Outcome, and `reusable`)
COMPLETE: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "length": ("GET", head("Content-Length: 5") + b"hello", {"body": b"hello", "reusable": True}),
    "length-zero": ("GET", head("Content-Length: 0"), {"body": b"", "reusable": True}),
    "length-leading-zeros": ("GET", head("Content-Length: 005") + b"hello", {"body": b"hello", "reusable": True}),
    "length-repeated-lines": (
        "GET",
        head("Content-Length: 5", "Content-Length: 5") + b"hello",
        {"body": b"hello", "reusable": True, "lines": (("Content-Length", "5"),)},
    ),
    "length-repeated-in-one-line": (
        "GET",
        head("Content-Length: 5 ,5") + b"hello",
        {"body": b"hello", "reusable": True, "lines": (("Content-Length", "5"),)},
    ),
    "names-keep-their-case": (
        "GET",
        head("x-LOWER: a", "X-Upper:b", "Content-Length: 0"),
        {"lines": (("x-LOWER", "a"), ("X-Upper", "b"), ("Content-Length", "0")), "reusable": True},
    ),
    "repeats-stay-apart": (
        "GET",
        head("Set-Cookie: a=1", "Set-Cookie: b=2, c", "Content-Length: 0"),
        {"lines": (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2, c"), ("Content-Length", "0")), "reusable": True},
    ),
    "white-space-around-values": (
        "GET",
        head("A: \t x \t y \t ", "B:", "C: ", "D:\t", "Content-Length:0"),
        {"lines": (("A", "x \t y"), ("B", ""), ("C", ""), ("D", ""), ("Content-Length", "0")), "reusable": True},
    ),
    "values-are-latin-1": (
        "GET",
        head("A: \xe9\x85\xa0", "B: \x01\x7f", "Content-Length: 0"),
        {"lines": (("A", "\xe9\x85\xa0"), ("B", "\x01\x7f"), ("Content-Length", "0")), "reusable": True},
    ),
    "colons-in-values": (
        "GET",
        head("A: b: c:d", "Content-Length: 0"),
        {"lines": (("A", "b: c:d"), ("Content-Length", "0")), "reusable": True},
    ),
    "no-reason": ("GET", head("Content-Length: 0", status="HTTP/1.1 200"), {"reason": "", "reusable": True}),
    "empty-reason": ("GET", head("Content-Length: 0", status="HTTP/1.1 200 "), {"reason": "", "reusable": True}),
    "odd-reason": (
        "GET",
        head("Content-Length: 0", status="HTTP/1.1 404  N\xf6:\t "),
        {"status": 404, "reason": " N\xf6:\t ", "reusable": True},
    ),
    "status-999": ("GET", head("Content-Length: 0", status="HTTP/1.1 999 ?"), {"status": 999, "reusable": True}),
    "blank-line-before": ("GET", b"\r\n" + head("Content-Length: 1") + b"x", {"body": b"x", "reusable": True}),
    "fold": (
        "GET",
        head("A: b \t", " \t c", "\td:e", "Content-Length: 0"),
        {"lines": (("A", "b c d:e"), ("Content-Length", "0")), "reusable": True},
    ),
    "fold-of-white-space": (
        "GET",
        head("A:", "  ", "Content-Length: 0"),
        {"lines": (("A", ""), ("Content-Length", "0")), "reusable": True},
    ),
    "chunked": (
        "GET",
        CHUNKED + b"5\r\nhello\r\n006\r\n world\r\n0\r\n\r\n",
        {"body": b"hello world", "reusable": True},
    ),
    "chunked-empty": ("GET", CHUNKED + b"0\r\n\r\n", {"body": b"", "reusable": True}),
    "chunked-any-case": ("GET", head("transfer-ENCODING:\tChunKed ") + b"0\r\n\r\n", {"body": b"", "reusable": True}),
    "chunked-hex-case": (
        "GET",
        CHUNKED + b"a\r\n0123456789\r\nB\r\n0123456789\n\r\n00\r\n\r\n",
        {"body": b"01234567890123456789\n", "reusable": True},
    ),
    "chunked-16-digits": ("GET", CHUNKED + b"0000000000000001\r\nx\r\n0\r\n\r\n", {"body": b"x", "reusable": True}),
    "chunked-line-ends-inside": (
        "GET",
        CHUNKED + b"4\r\n\r\n\r\n\r\n0\r\n\r\n",
        {"body": b"\r\n\r\n", "reusable": True},
    ),
    "chunk-extensions": (
        "GET",
        CHUNKED + b'1;a\r\nx\r\n1 \t; b="c d"\r\ny\r\n0;z\r\n\r\n',
        {"body": b"xy", "reusable": True},
    ),
    "trailers": (
        "GET",
        CHUNKED + b"1\r\nx\r\n0\r\nA: b\r\nC:\r\n d \r\n\r\n",
        {"body": b"x", "trailers": (("A", "b"), ("C", "d")), "reusable": True},
    ),
    "trailers-not-allowed": (
        "GET",
        CHUNKED + b"0\r\nContent-Length: 9\r\nTransfer-encoding: x\r\nHost: h\r\nAuthorization: a\r\nA: b\r\n\r\n",
        {"trailers": (("A", "b"),), "lines": (("Transfer-Encoding", "chunked"),), "reusable": True},
    ),
    "interim": (
        "GET",
        head(status="HTTP/1.1 100 Continue")
        + head("Link: x", status="HTTP/1.1 103 E")
        + head("Content-Length: 1")
        + b"x",
        {"interim": (100, 103), "status": 200, "body": b"x", "reusable": True},
    ),
    "interim-16": (
        "GET",
        head(status="HTTP/1.1 102 P") * 16 + head("Content-Length: 0"),
        {"interim": (102,) * 16, "reusable": True},
    ),
    "head-with-length": ("HEAD", head("Content-Length: 5"), {"body": b"", "reusable": True}),
    "head-chunked": ("HEAD", CHUNKED, {"body": b"", "reusable": True}),
    "head-no-framing": ("HEAD", head(), {"body": b"", "reusable": True}),
    "204": ("GET", head(status="HTTP/1.1 204 No Content"), {"status": 204, "body": b"", "reusable": True}),
    "204-length-zero": ("GET", head("Content-Length: 0", status="HTTP/1.1 204 N"), {"status": 204, "reusable": True}),
    "304-with-length": ("GET", head("Content-Length: 5", status="HTTP/1.1 304 N"), {"status": 304, "reusable": True}),
    "304-chunked": (
        "GET",
        head("Transfer-Encoding: chunked", status="HTTP/1.1 304 N"),
        {"status": 304, "reusable": True},
    ),
    "connect-refused": (
        "CONNECT",
        head("Content-Length: 2", status="HTTP/1.1 407 P") + b"no",
        {"status": 407, "body": b"no", "reusable": True},
    ),
    "close": ("GET", head("Content-Length: 1", "Connection: x, CLOSE") + b"x", {"body": b"x", "reusable": False}),
    "close-beats-keep-alive": (
        "GET",
        head("Content-Length: 0", "Connection: keep-alive", "Connection: close"),
        {"reusable": False},
    ),
    "keep-alive-1.1": ("GET", head("Content-Length: 0", "Connection: Keep-Alive"), {"reusable": True}),
    "1.0": (
        "GET",
        head("Content-Length: 1", status="HTTP/1.0 200 OK") + b"x",
        {"version": "HTTP/1.0", "body": b"x", "reusable": False},
    ),
    "1.0-keep-alive": (
        "GET",
        head("Content-Length: 0", "Connection: Keep-Alive", status="HTTP/1.0 200 OK"),
        {"version": "HTTP/1.0", "reusable": True},
    ),
    # Tolerated, at the price of the connection.
    "coding-beside-length": (
        "GET",
        head("Content-Length: 9", "Transfer-Encoding: chunked") + b"1\r\nx\r\n0\r\n\r\n",
        {"body": b"x", "lines": (("Transfer-Encoding", "chunked"),), "reusable": False},
    ),
    "coding-in-1.0": (
        "GET",
        head("Connection: keep-alive", "Transfer-Encoding: chunked", status="HTTP/1.0 200 OK") + b"1\r\nx\r\n0\r\n\r\n",
        {"body": b"x", "reusable": False},
    ),
    "204-announcing-content": ("GET", head("Content-Length: 5", status="HTTP/1.1 204 N"), {"reusable": False}),
    "204-announcing-chunks": ("GET", head("Transfer-Encoding: chunked", status="HTTP/1.1 204 N"), {"reusable": False}),
    "interim-announcing-content": (
        "GET",
        head("Content-Length: 5", status="HTTP/1.1 103 E") + head("Content-Length: 0"),
        {"interim": (103,), "reusable": False},
    ),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("method", "wire", "expected"), COMPLETE.values(), ids=COMPLETE)
def test_reads_a_response_to_its_end(method: str, wire: bytes, expected: dict[str, Any], mode: str) -> None:
    reader = ResponseReader()
    reader.start(method)
    outcome = read(reader, wire + TRAILING * (mode == "trailing"), mode)
    wanted = dict(expected)
    assert reader.reusable is (wanted.pop("reusable") and mode != "trailing")
    assert outcome == outcome._replace(complete=True, **wanted)
    assert reader.surplus == TRAILING * (mode == "trailing")
    assert reader.head_started
    assert not reader.close_delimited


UNTIL_CLOSE: dict[str, tuple[bytes, bytes]] = {
    "no-framing": (head(), b"hello"),
    "no-framing-empty": (head(), b""),
    "1.0": (head(status="HTTP/1.0 200 OK"), b"hello"),
    "other-coding": (head("Transfer-Encoding: gzip"), b"hello"),
    "other-coding-beside-length": (head("Transfer-Encoding: identity", "Content-Length: 2"), b"hello"),
    "chunked-not-last": (head("Transfer-Encoding: chunked, gzip"), b"hello"),
    "chunked-with-parameter": (head("Transfer-Encoding: chunked;a=b"), b"hello"),
    "chunked-quoted": (head('Transfer-Encoding: "chunked"'), b"hello"),
    "chunked-after-control-byte": (head("Transfer-Encoding: \x0bchunked"), b"hello"),
    "chunked-then-comma": (head("Transfer-Encoding: chunked,"), b"hello"),
    "empty-coding": (head("Transfer-Encoding: ", "Content-Length: 2"), b"hello"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("start", "body"), UNTIL_CLOSE.values(), ids=UNTIL_CLOSE)
def test_reads_until_close(start: bytes, body: bytes, mode: str) -> None:
    if mode == "trailing":
        body += TRAILING
    reader = ResponseReader()
    reader.start("GET")
    outcome = read(reader, start + body, mode, eof=True)
    assert (outcome.body, outcome.complete) == (body, True)
    assert (reader.close_delimited, reader.reusable, reader.surplus) == (True, False, b"")
    assert "content-length" not in {name.lower() for name, _ in outcome.lines}


HEADS_REJECTED: dict[str, bytes] = {
    # status line
    "version-2": head(status="HTTP/2 200 OK"),
    "version-1.2": head(status="HTTP/1.2 200 OK"),
    "version-0.9": head(status="HTTP/0.9 200 OK"),
    "version-long": head(status="HTTP/1.10 200 OK"),
    "version-lower-case": head(status="http/1.1 200 OK"),
    "other-protocol": b"SSH-2.0-OpenSSH\r\n\r\n",
    "body-only": b"<html></html>\r\n\r\n",
    "two-spaces": head(status="HTTP/1.1  200 OK"),
    "tab": head(status="HTTP/1.1\t200 OK"),
    "space-before": head(status=" HTTP/1.1 200 OK"),
    "no-status": head(status="HTTP/1.1"),
    "two-digits": head(status="HTTP/1.1 20 OK"),
    "four-digits": head(status="HTTP/1.1 2000 OK"),
    "signed-status": head(status="HTTP/1.1 +20 OK"),
    "unicode-digit": head(status="HTTP/1.1 20\xb2 OK"),
    "status-099": head(status="HTTP/1.1 099 OK"),
    "status-000": head(status="HTTP/1.1 000 OK"),
    "no-space-before-reason": head(status="HTTP/1.1 200OK"),
    "two-blank-lines": b"\r\n\r\n" + head("Content-Length: 0"),
    "101-unasked": head("Upgrade: x", "Connection: upgrade", status="HTTP/1.1 101 S"),
    "interim-17": head(status="HTTP/1.1 102 P") * 17 + head(),
    # bytes
    "bare-lf-only": b"HTTP/1.1 200 OK\nA: b\n\n",
    "bare-lf-in-status-line": head(status="HTTP/1.1 200 O\nK"),
    "bare-lf-after-status-line": b"HTTP/1.1 200 OK\nA: b\r\n\r\n",
    "bare-lf-in-value": head("A: b\nC: d"),
    "bare-lf-in-name": head("A\nB: c"),
    "bare-lf-before-blank-line": b"HTTP/1.1 200 OK\r\nA: b\n\r\n\r\n",
    "bare-lf-before-status-line": b"\n" + head(),
    "bare-cr-in-status-line": head(status="HTTP/1.1 200 O\rK"),
    "bare-cr-in-value": head("A: b\rC: d"),
    "bare-cr-ends-value": head("A: b\r", "C: d"),
    "bare-cr-in-name": head("A\rB: c"),
    "bare-cr-before-name": head("\rA: b"),
    "nul-in-value": head("A: b\0"),
    "nul-in-name": head("A\0: b"),
    "nul-in-reason": head(status="HTTP/1.1 200 \0"),
    # field lines
    "no-colon": head("A: b", "C"),
    "no-colon-at-first": head("C", "A: b"),
    "empty-name": head(": b"),
    "space-before-colon": head("A : b"),
    "tab-before-colon": head("Transfer-Encoding\t: chunked"),
    "name-with-space": head("A B: c"),
    "name-not-token": head("A(): c"),
    "name-latin-1": head("\xe4: c"),
    "fold-first": head(" A: b", "C: d"),
    "fold-first-no-colon": head(" b", "C: d"),
    "fold-of-length": head("Content-Length: 1", " 2"),
    "fold-of-length-to-nothing": head("content-length: 1", " "),
    "fold-of-coding": head("Transfer-Encoding:", " chunked"),
    "fold-of-connection": head("CONNECTION: keep-alive,", "\tclose"),
    "fold-of-a-fold-of-connection": head("Connection: a", " b", " : c"),
    # framing
    "length-empty": head("Content-Length: "),
    "length-signed": head("Content-Length: +5"),
    "length-negative": head("Content-Length: -5"),
    "length-underscore": head("Content-Length: 1_0"),
    "length-hex": head("Content-Length: 0x5"),
    "length-superscript": head("Content-Length: 5\xb2"),
    "length-inner-space": head("Content-Length: 5 5"),
    "length-19-digits": head("Content-Length: 0000000000000000005"),
    "length-differs": head("Content-Length: 5", "Content-Length: 6"),
    "length-differs-in-spelling": head("Content-Length: 5, 05"),
    "length-trailing-comma": head("Content-Length: 5,"),
    "length-control-byte": head("Content-Length: \x0b5"),
    "length-bad-beside-coding": head("Content-Length: x", "Transfer-Encoding: chunked"),
    "chunked-twice": head("Transfer-Encoding: chunked, chunked"),
    "chunked-twice-apart": head("Transfer-Encoding: chunked", "Transfer-Encoding: gzip, CHUNKED"),
    "chunked-twice-not-last": head("Transfer-Encoding: chunked, chunked, gzip"),
    "coding-before-chunked": head("Transfer-Encoding: gzip, chunked"),
    "comma-before-chunked": head("Transfer-Encoding: , chunked"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wire", HEADS_REJECTED.values(), ids=HEADS_REJECTED)
def test_rejects_a_head(wire: bytes, mode: str) -> None:
    reader = ResponseReader()
    reader.start("GET")
    with pytest.raises(RemoteProtocolError) as caught:
        read(reader, wire + TRAILING * (mode == "trailing"), mode)
    assert len(str(caught.value)) < 200
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()
    assert_dead(reader)


BODIES_REJECTED: dict[str, bytes] = {
    "size-empty": b"\r\n",
    "size-17-digits": b"00000000000000001\r\nx\r\n",
    "size-signed": b"+1\r\nx\r\n",
    "size-negative": b"-1\r\nx\r\n",
    "size-0x": b"0x1\r\nx\r\n",
    "size-underscore": b"1_0\r\n",
    "size-space-before": b" 1\r\nx\r\n",
    "size-space-after": b"1 \r\nx\r\n",
    "size-letter": b"g\r\n",
    "size-latin-1": b"1\xb2\r\n",
    "extension-without-semicolon": b"1 a\r\nx\r\n",
    "bare-lf-after-size": b"1\nx\r\n0\r\n\r\n",
    "bare-cr-after-size": b"1\rx\r\n",
    "bare-lf-in-extension": b"1;a\nb\r\nx\r\n",
    "bare-cr-in-extension": b"1;a\rb\r\nx\r\n",
    "nul-in-extension": b"1;\0\r\nx\r\n",
    "data-too-long": b"1\r\nxy\r\n0\r\n\r\n",
    "data-then-lf": b"1\r\nx\n0\r\n\r\n",
    "data-then-cr": b"1\r\nx\r0\r\n\r\n",
    "data-then-cr-cr-lf": b"1\r\nx\r\r\n0\r\n\r\n",
    "data-then-size": b"1\r\nx1\r\ny\r\n",
    "trailer-without-colon": b"0\r\nA\r\n\r\n",
    "trailer-bare-lf": b"0\r\nA: b\n\r\n\r\n",
    "trailer-bare-cr": b"0\r\nA: b\rc\r\n\r\n",
    "trailer-nul": b"0\r\nA: b\0\r\n\r\n",
    "trailer-fold-first": b"0\r\n A: b\r\n\r\n",
    "trailer-space-before-colon": b"0\r\nA : b\r\n\r\n",
    "end-bare-lf": b"0\r\n\n\r\n",
    "end-bare-cr": b"0\r\n\rx\r\n\r\n",
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("body", BODIES_REJECTED.values(), ids=BODIES_REJECTED)
def test_rejects_a_chunked_body(body: bytes, mode: str) -> None:
    reader = ResponseReader()
    reader.start("GET")
    with pytest.raises(ChunkedEncodingError) as caught:
        read(reader, CHUNKED + b"1\r\nx\r\n" + body + TRAILING * (mode == "trailing"), mode)
    assert not isinstance(caught.value, IncompleteBody)
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()
    assert_dead(reader)


def assert_dead(reader: ResponseReader) -> None:
    assert not reader.complete
    with pytest.raises(RemoteProtocolError, match="unusable"):
        reader.feed(b"x")
    with pytest.raises(RemoteProtocolError, match="unusable"):
        reader.feed_eof()
    with pytest.raises(SessionMisuse):
        reader.start("GET")


CUT: dict[str, tuple[bytes, type[Exception], str]] = {
    "nothing": (b"", RemoteProtocolError, "without a response"),
    "blank-line": (b"\r\n", RemoteProtocolError, "middle of the head"),
    "status-line": (b"HTTP/1.1 200", RemoteProtocolError, "middle of the head"),
    "last-line-end": (head()[:-1], RemoteProtocolError, "middle of the head"),
    "after-interim": (head(status="HTTP/1.1 100 C"), RemoteProtocolError, "middle of the head"),
    "length-at-start": (head("Content-Length: 2"), IncompleteBody, "2 bytes"),
    "length": (head("Content-Length: 2") + b"x", IncompleteBody, "1 bytes"),
    "chunk-size": (CHUNKED, IncompleteBody, "chunk"),
    "chunk-size-half": (CHUNKED + b"5", IncompleteBody, "chunk"),
    "chunk-data": (CHUNKED + b"5\r\nhell", IncompleteBody, "chunk"),
    "chunk-end": (CHUNKED + b"5\r\nhello", IncompleteBody, "chunk"),
    "chunk-end-half": (CHUNKED + b"5\r\nhello\r", IncompleteBody, "chunk"),
    "no-last-chunk": (CHUNKED + b"5\r\nhello\r\n", IncompleteBody, "chunk"),
    "after-last-chunk": (CHUNKED + b"0\r\n", IncompleteBody, "chunk"),
    "trailers": (CHUNKED + b"0\r\nA: b\r\n", IncompleteBody, "chunk"),
}


@pytest.mark.parametrize("mode", ["whole", "bytewise"])
@pytest.mark.parametrize(("wire", "error", "text"), CUT.values(), ids=CUT)
def test_an_early_end_is_an_error(wire: bytes, error: type[Exception], text: str, mode: str) -> None:
    reader = ResponseReader()
    reader.start("GET")
    for piece in [wire[i : i + 1] for i in range(len(wire))] if mode == "bytewise" else [wire]:
        reader.feed(piece)
    assert reader.head_started is bool(wire)
    with pytest.raises(error, match=text):
        reader.feed_eof()
    assert_dead(reader)


@pytest.mark.parametrize("mode", MODES)
def test_an_upgrade_that_was_asked_for_hands_over_what_came_after(mode: str) -> None:
    reader = ResponseReader()
    reader.start("GET", upgrade=True)
    wire = head(status="HTTP/1.1 103 E") + head("Upgrade: websocket", status="HTTP/1.1 101 S")
    outcome = read(reader, wire + TRAILING * (mode == "trailing"), mode)
    assert (outcome.interim, outcome.status, outcome.body, outcome.complete) == ((103,), 101, b"", True)
    assert (reader.surplus, reader.reusable) == (TRAILING * (mode == "trailing"), False)


def test_an_upgrade_that_was_refused_is_a_plain_response() -> None:
    reader = ResponseReader()
    reader.start("GET", upgrade=True)
    assert read(reader, head("Content-Length: 1") + b"x", "whole").body == b"x"
    assert reader.reusable


@pytest.mark.parametrize("status", [200, 204, 299])
@pytest.mark.parametrize("mode", MODES)
def test_a_tunnel_hands_over_what_came_after(status: int, mode: str) -> None:
    reader = ResponseReader()
    reader.start("CONNECT")
    wire = head("Content-Length: 5", "Transfer-Encoding: chunked", status=f"HTTP/1.1 {status} C")
    outcome = read(reader, wire + TRAILING * (mode == "trailing"), mode)
    assert (outcome.status, outcome.body, outcome.complete) == (status, b"", True)
    assert (reader.surplus, reader.reusable) == (TRAILING * (mode == "trailing"), False)


def test_one_reader_reads_one_response_after_the_other() -> None:
    reader = ResponseReader()
    reader.start("GET")
    read(reader, head("Content-Length: 1", "Keep-Alive: timeout=5") + b"x", "whole")
    assert (reader.keep_alive_timeout, reader.reusable, reader.complete, reader.head_started) == (5.0, True, True, True)
    reader.start("HEAD")
    assert (reader.keep_alive_timeout, reader.complete, reader.head_started) == (None, False, False)
    assert read(reader, head(status="HTTP/1.1 100 C") + head("Content-Length: 1"), "bytewise").body == b""
    reader.start("GET")
    assert read(reader, CHUNKED + b"1\r\ny\r\n0\r\nA: b\r\n\r\n", "whole").trailers == (("A", "b"),)
    reader.start("GET")
    outcome = read(reader, CHUNKED + b"1\r\ny\r\n0\r\n\r\n", "whole")
    assert (outcome.body, outcome.trailers) == (b"y", ())


def test_a_request_needs_a_reusable_connection() -> None:
    reader = ResponseReader()
    reader.start("GET")
    with pytest.raises(SessionMisuse):
        reader.start("GET")
    read(reader, head("Content-Length: 0") + b"x", "whole")
    with pytest.raises(SessionMisuse):
        reader.start("GET")


def test_unasked_bytes_cost_the_connection() -> None:
    reader = ResponseReader()
    assert reader.feed(TRAILING) == []
    assert (reader.surplus, reader.reusable, reader.head_started) == (TRAILING, False, False)


def test_late_bytes_cost_the_connection_and_are_bounded() -> None:
    reader = ResponseReader()
    reader.start("GET")
    read(reader, head("Content-Length: 0"), "whole")
    before = reader.reusable
    for _ in range(100):
        assert reader.feed(b"x" * 1024) == []
    assert (before, reader.reusable) == (True, False)
    assert 1024 <= len(reader.surplus) <= 32 * 1024


def test_no_bytes_are_no_event_and_no_end() -> None:
    reader = ResponseReader()
    reader.start("GET")
    assert reader.feed(b"") == []
    assert not reader.head_started
    reader.feed(head("Content-Length: 1"))
    assert reader.feed(b"") == []
    assert not reader.complete


def test_an_end_between_responses_is_no_event() -> None:
    reader = ResponseReader()
    assert reader.feed_eof() == []
    assert not reader.reusable


@pytest.mark.parametrize("start", [head("Content-Length: 100"), head(), CHUNKED + b"64\r\n"])
def test_a_body_piece_is_not_copied(start: bytes) -> None:
    reader = ResponseReader()
    reader.start("GET")
    reader.feed(start)
    piece = b"x" * 50
    (event,) = reader.feed(piece)
    assert event is piece


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("timeout=5", 5.0),
        ("timeout=0", 0.0),
        ("max=100, Timeout = 15", 15.0),
        ('timeout="7", max=1', 7.0),
        ("timeout=00000000000000000005", 5.0),
        ("timeout=2147483648", 2.0**31),
        ("timeout=2147483649", 2.0**31),
        ("timeout=" + "9" * 5000, 2.0**31),
        ("max=100", None),
        ("", None),
        ("timeout", None),
        ("timeout=", None),
        ("timeout=-5", None),
        ("timeout=soon", None),
        ("timeout=\xb2", None),
        ("xtimeout=5", None),
        (", \t" * 5000 + "timeout", None),
    ],
    ids=lambda value: str(value)[:24],
)
def test_keep_alive_timeout(value: str, seconds: float | None) -> None:
    reader = ResponseReader()
    reader.start("GET")
    read(reader, head(f"Keep-Alive: {value}", "Content-Length: 0"), "whole")
    assert reader.keep_alive_timeout == seconds


LENIENT: dict[str, tuple[bytes, dict[str, Any]]] = {
    "bare-lf": (b"HTTP/1.1 200 OK\nA: b\nContent-Length: 1\n\nx", {"lines": (("A", "b"), ("Content-Length", "1"))}),
    "mixed": (b"HTTP/1.1 200 OK\nA: b\r\nContent-Length: 1\n\r\nx", {"lines": (("A", "b"), ("Content-Length", "1"))}),
    "crlf": (head("A: b", "Content-Length: 1") + b"x", {"lines": (("A", "b"), ("Content-Length", "1"))}),
    "blank-line-before": (b"\nHTTP/1.0 200 OK\nContent-Length: 1\n\nx", {"version": "HTTP/1.0"}),
    "fold": (b"HTTP/1.1 200 OK\nA: b\n c\nContent-Length: 1\n\nx", {"lines": (("A", "b c"), ("Content-Length", "1"))}),
    "chunks": (b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\nx\n0\n\n", {}),
    "chunks-mixed": (b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1;a\r\nx\n0\r\n\n", {}),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\nA: b\r\nC: d\n\n", {"trailers": (("A", "b"), ("C", "d"))}),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("wire", "expected"), LENIENT.values(), ids=LENIENT)
def test_a_lenient_reader_takes_a_bare_lf(wire: bytes, expected: dict[str, Any], mode: str) -> None:
    reader = ResponseReader(lenient=True)
    reader.start("GET")
    outcome = read(reader, wire + TRAILING * (mode == "trailing"), mode)
    assert outcome == outcome._replace(body=b"x", complete=True, **expected)
    assert (reader.surplus, reader.reusable) == (TRAILING * (mode == "trailing"), False)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [name for name in HEADS_REJECTED if "bare-lf" not in name])
def test_a_lenient_reader_rejects_the_rest(name: str, mode: str) -> None:
    reader = ResponseReader(lenient=True)
    reader.start("GET")
    with pytest.raises(RemoteProtocolError):
        read(reader, HEADS_REJECTED[name] + TRAILING * (mode == "trailing"), mode)


def test_values_stay_out_of_representations() -> None:
    reader = ResponseReader()
    reader.start("GET")
    events = reader.feed(head("Set-Cookie: secret", "Transfer-Encoding: chunked") + b"0\r\nA: secret\r\n\r\n")
    assert "secret" not in repr(events) + repr(reader)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "lines",
    [("Set-Cookie: secret\0",), ("Set-Cookie: a\rsecret",), ("Set Cookie: secret",), ("Connection: a", " secret")],
    ids=["nul", "cr", "name", "fold"],
)
def test_values_stay_out_of_error_texts(lines: tuple[str, ...], mode: str) -> None:
    reader = ResponseReader()
    reader.start("GET")
    with pytest.raises(RemoteProtocolError) as caught:
        read(reader, head(*lines), mode)
    assert "secret" not in str(caught.value)
