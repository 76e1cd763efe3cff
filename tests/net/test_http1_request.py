"""The outgoing bytes: what a request's head is, and what never gets into one."""

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.body import NO_BODY, RequestBody
from smartclient._model.errors import InvalidHeader, InvalidURL, RequestException
from smartclient._model.headers import NO_FIELDS, Fields
from smartclient._net.http1_request import LAST_CHUNK, chunk, framing_for, request_head

ACCEPT = Fields([("Accept", "*/*"), ("X-A", "b\xe9")])


@pytest.mark.parametrize(
    ("arguments", "wire"),
    [
        (("GET", "/", "a", NO_FIELDS, b""), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (
            ("GET", "/p?q=%20", "a.example:8080", ACCEPT, b""),
            b"GET /p?q=%20 HTTP/1.1\r\nHost: a.example:8080\r\nAccept: */*\r\nX-A: b\xe9\r\n\r\n",
        ),
        (
            ("POST", "/", "[::1]:80", ACCEPT, b"Content-Length: 5\r\n"),
            b"POST / HTTP/1.1\r\nHost: [::1]:80\r\nAccept: */*\r\nX-A: b\xe9\r\nContent-Length: 5\r\n\r\n",
        ),
        (("OPTIONS", "*", "a", NO_FIELDS, b""), b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        (("CONNECT", "a:443", "a:443", NO_FIELDS, b""), b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
        (("GET", "http://b/x", "b", NO_FIELDS, b""), b"GET http://b/x HTTP/1.1\r\nHost: b\r\n\r\n"),
        (
            ("m-search", "/" + "x" * 5000, "a", NO_FIELDS, b""),
            b"m-search /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 5000),
        ),
        (
            ("GET", "/", "a", Fields([("Accept", "x"), ("hOST", "b_c.example")]), b""),
            b"GET / HTTP/1.1\r\nHost: b_c.example\r\nAccept: x\r\n\r\n",
        ),
    ],
    ids=["plain", "fields", "framing", "asterisk", "authority", "absolute", "long-target", "own-host"],
)
def test_request_head(arguments: tuple[str, str, str, Fields, bytes], wire: bytes) -> None:
    assert request_head(*arguments) == wire
    assert request_head(*arguments) == wire  # from the memo


BAD_TEXTS = [
    "",
    " ",
    "a b",
    "a\tb",
    "a\rb",
    "a\nb",
    "a\r\nX: y",
    "a\0",
    "a\x7f",
    "a\x80",
    "ä",
    "€",
    "\ud800",
    "a\u2028b",
]


@pytest.mark.parametrize("bad", BAD_TEXTS, ids=ascii)
def test_a_bad_method_target_or_host_stays_here(bad: str) -> None:
    with pytest.raises(InvalidHeader):
        request_head(bad, "/", "a", NO_FIELDS, b"")
    for target in (bad, "/" + bad + "x" * 2000) if bad else (bad,):
        with pytest.raises(InvalidURL) as caught:
            request_head("GET", target, "a", NO_FIELDS, b"")
        assert bad.strip() == "" or bad not in str(caught.value)
    with pytest.raises(InvalidURL):
        request_head("GET", "/", bad, NO_FIELDS, b"")


@pytest.mark.parametrize("bad", ["a/b", "a@b", "a,b", "a?b", "a#b", "a\\b", 'a"b', "a<b"])
def test_a_host_is_one_host(bad: str) -> None:
    with pytest.raises(InvalidURL):
        request_head("GET", "/", bad, NO_FIELDS, b"")
    with pytest.raises(InvalidHeader):
        request_head("GET", "/", "a", Fields([("Host", bad)]), b"")


@pytest.mark.parametrize(
    "fields",
    [
        Fields([("Host", "a"), ("Host", "a")]),
        Fields([("Host", "")]),
        Fields([("Content-Length", "5")]),
        Fields([("content-length", "5")]),
        Fields([("Transfer-Encoding", "chunked")]),
    ],
    ids=["two-hosts", "empty-host", "length", "length-lower", "coding"],
)
def test_fields_that_would_contradict_stay_here(fields: Fields) -> None:
    with pytest.raises(InvalidHeader):
        request_head("GET", "/", "a", fields, b"")


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_any_text_gives_one_head_or_our_error(method: str, target: str, host: str) -> None:
    try:
        wire = request_head(method, target, host, NO_FIELDS, b"")
    except RequestException:
        return
    assert wire == f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("ascii")
    assert wire.count(b"\r\n") == 3
    assert wire.count(b" ") == 3


@pytest.mark.parametrize(
    ("method", "body", "framing"),
    [
        ("GET", NO_BODY, b""),
        ("HEAD", NO_BODY, b""),
        ("DELETE", NO_BODY, b""),
        ("OPTIONS", NO_BODY, b""),
        ("QUERY", NO_BODY, b""),
        ("POST", NO_BODY, b"Content-Length: 0\r\n"),
        ("PUT", NO_BODY, b"Content-Length: 0\r\n"),
        ("PATCH", NO_BODY, b"Content-Length: 0\r\n"),
        ("POST", RequestBody(b"hello"), b"Content-Length: 5\r\n"),
        ("GET", RequestBody(b"hello"), b"Content-Length: 5\r\n"),
        ("DELETE", RequestBody([b"a", b"b"], length=2), b"Content-Length: 2\r\n"),
        ("POST", RequestBody([b"a"]), b"Transfer-Encoding: chunked\r\n"),
        ("GET", RequestBody([]), b"Transfer-Encoding: chunked\r\n"),
    ],
)
def test_framing_for(method: str, body: RequestBody, framing: bytes) -> None:
    assert framing_for(method, body) == framing


@pytest.mark.parametrize(("data", "wire"), [(b"x", b"1\r\nx\r\n"), (b"y" * 26, b"1a\r\n%b\r\n" % (b"y" * 26))])
def test_chunk(data: bytes, wire: bytes) -> None:
    assert chunk(data) == wire


def test_h11_reads_the_request_that_was_written() -> None:
    body = RequestBody(iter([b"hello", b"world"]))
    wire = request_head("POST", "/p?q", "a.example", ACCEPT, framing_for("POST", body))
    wire += b"".join([chunk(piece) for piece in body.pieces()]) + LAST_CHUNK
    server = h11.Connection(h11.SERVER)
    server.receive_data(wire)
    request = server.next_event()
    assert isinstance(request, h11.Request)
    assert (request.method, request.target) == (b"POST", b"/p?q")
    assert request.headers.raw_items() == [
        (b"Host", b"a.example"),
        (b"Accept", b"*/*"),
        (b"X-A", b"b\xe9"),
        (b"Transfer-Encoding", b"chunked"),
    ]
    received = b""
    while isinstance(event := server.next_event(), h11.Data):
        received += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    assert received == b"helloworld"
