"""Servers that do what servers must not: the right answer or one of our errors; what is dirty is never used again."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from loopback.clients import Client
from loopback.scripted import (
    CUT,
    HALF_CLOSE,
    HOLD,
    READ_HEAD,
    RESET,
    Connection,
    ScriptedServer,
    Send,
    Step,
    Tell,
    Wait,
)
from loopback.ways import usage
from smartclient.exceptions import (
    ChunkedEncodingError,
    ConnectionError,
    IncompleteBody,
    ReadError,
    RemoteProtocolError,
    RequestException,
    ServerDisconnected,
    SSLError,
)

Scripted = Callable[..., ScriptedServer]
Script = Sequence[bytes | Step]

CLEAN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BARE = b"HTTP/1.1 200 OK\r\n"
TEN = BARE + b"Content-Length: 10\r\n\r\n"
CHUNKED = BARE + b"Transfer-Encoding: chunked\r\n\r\n"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
CLOSE = b"Connection: close\r\n"
LONG = 200_000  # bytes, past every limit of the head

BARE_LF = b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"

REFUSED: dict[str, tuple[Script, type[RequestException]]] = {
    "garbage": ([b"\x00\xff\xfe binary nonsense\r\n\r\n", HOLD], RemoteProtocolError),
    "garbage without a line end": ([b"\x16\x03\x01 what is this", HOLD], RemoteProtocolError),
    "another protocol": ([Send(b"220 mail.test ESMTP\r\n"), HOLD], RemoteProtocolError),
    "HTTP/2": ([b"HTTP/2 200\r\n\r\n", HOLD], RemoteProtocolError),
    "status with a sign": ([b"HTTP/1.1 +20 OK\r\n\r\n", HOLD], RemoteProtocolError),
    "status below 100": ([b"HTTP/1.1 099 No\r\n\r\n", HOLD], RemoteProtocolError),
    "endless line": ([b"HTTP/1.1 200 OK\r\nX: " + b"x" * LONG, HOLD], RemoteProtocolError),
    "endless head": ([BARE + b"X-Same: again and again\r\n" * (LONG // 20), HOLD], RemoteProtocolError),
    "endless interim": ([b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000, HOLD], RemoteProtocolError),
    "endless blank lines": ([b"\r\n" * LONG, HOLD], RemoteProtocolError),
    "folded length": ([BARE + b"Content-Length:\r\n 5\r\n\r\nclean", HOLD], RemoteProtocolError),
    "two lengths": ([BARE + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk", HOLD], RemoteProtocolError),
    "huge length": ([BARE + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", HOLD], RemoteProtocolError),
    "negative length": ([BARE + b"Content-Length: -1\r\n\r\n", HOLD], RemoteProtocolError),
    "bare LF": ([BARE_LF, HOLD], RemoteProtocolError),
    "NUL in a field": ([BARE + b"X: a\0b\r\n\r\n", HOLD], RemoteProtocolError),
    "101 unasked": ([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + POISON, HOLD], RemoteProtocolError),
    "closed without an answer": ([READ_HEAD, CUT], ServerDisconnected),
    "closed before the request": ([CUT], ConnectionError),
    "closed in the head": ([BARE + b"Content-Le", CUT], ServerDisconnected),
    "reset without an answer": ([READ_HEAD, RESET], ReadError),
    "reset in the head": ([BARE + b"Content-Le", RESET], ReadError),
    "reset in the body": ([TEN + b"half", RESET], IncompleteBody),
    "closed in the body": ([TEN + b"half", CUT], IncompleteBody),
    "half closed in the body": ([TEN + b"half", HALF_CLOSE, HOLD], IncompleteBody),
    "closed in a chunk": ([CHUNKED + b"5\r\nha", CUT], IncompleteBody),
    "closed between chunks": ([CHUNKED + b"2\r\nha\r\n", CUT], IncompleteBody),
    "closed in the trailers": ([CHUNKED + b"2\r\nha\r\n0\r\nX-Tr", CUT], IncompleteBody),
    "chunk size of no number": ([CHUNKED + b"0x2\r\nok\r\n0\r\n\r\n", HOLD], ChunkedEncodingError),
    "chunk size too large": ([CHUNKED + b"f" * 17 + b"\r\nok", HOLD], ChunkedEncodingError),
    "chunk longer than its size": ([CHUNKED + b"2\r\nok!\r\n0\r\n\r\n", HOLD], ChunkedEncodingError),
    "endless chunk extension": ([CHUNKED + b"1;" + b"x" * LONG, HOLD], ChunkedEncodingError),
    "endless trailers": ([CHUNKED + b"0\r\n" + b"X: x\r\n" * LONG, HOLD], ChunkedEncodingError),
}
ONE_ERROR = pytest.mark.parametrize(("script", "kind"), REFUSED.values(), ids=REFUSED)


def limited(client: Client, authority: Authority | None = None) -> Any:
    """A session with one connection, no retries, and a guard against hangs."""
    trust = {} if authority is None else {"verify": str(authority.ca_file)}
    return client.session(limits=smartclient.Limits(max_connections=1), retries=0, timeout=20, **trust)


def assert_goes_on(session: Any, server: ScriptedServer, retries: int = 0) -> None:
    """The next call has a connection of its own, the answer to itself, and the slot of the one before."""
    assert usage(session) == (0, 0)
    assert session.get(server.url + "/next", retries=retries).content == b"clean"
    assert len(server.connections) == 2
    assert server.connections[0].over.wait(20)
    assert b"/next" not in server.connections[0].received


@ONE_ERROR
def test_broken_answer(client: Client, scripted: Scripted, script: Script, kind: type[RequestException]) -> None:
    server, session = scripted(script, [CLEAN]), limited(client)
    with pytest.raises(kind) as caught:
        session.get(server.url)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isascii()
    assert_goes_on(session, server)


@pytest.mark.parametrize("piece", [1, 7], ids=["bytewise", "sevenths"])
@pytest.mark.parametrize("name", ["another protocol", "two lengths", "closed in the trailers", "101 unasked"])
def test_broken_answer_in_small_pieces(client: Client, scripted: Scripted, name: str, piece: int) -> None:
    script, kind = REFUSED[name]
    small = [READ_HEAD, *(Send(step, piece) if isinstance(step, bytes) else step for step in script)]
    server, session = scripted(small, [CLEAN]), limited(client)
    with pytest.raises(kind):
        session.get(server.url)
    assert_goes_on(session, server)


TOLERATED: dict[str, tuple[str, Script, int, bytes]] = {
    "bytes after the length": ("GET", [OK + POISON, HOLD], 200, b"ok"),
    "bytes after the last chunk": ("GET", [CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + POISON, HOLD], 200, b"ok"),
    "length too short": ("GET", [BARE + b"Content-Length: 2\r\n\r\nokay", HOLD], 200, b"ok"),
    "length and chunks": (
        "GET",
        [BARE + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", HOLD],
        200,
        b"ok",
    ),
    "HEAD with a body": ("HEAD", [POISON, HOLD], 200, b""),
    "204 with a body": ("GET", [b"HTTP/1.1 204 No\r\nContent-Length: 6\r\n\r\npoison", HOLD], 204, b""),
    "304 with a body": ("GET", [b"HTTP/1.1 304 No\r\nContent-Length: 6\r\n\r\npoison", HOLD], 304, b""),
    "until the end of the connection": ("GET", [BARE + b"\r\nok", CUT], 200, b"ok"),
    "HTTP/1.0": ("GET", [b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", HOLD], 200, b"ok"),
    "close announced, not done": ("GET", [BARE + CLOSE + b"Content-Length: 2\r\n\r\nok", HOLD], 200, b"ok"),
    "status 999": ("GET", [b"HTTP/1.1 999 Odd\r\n" + CLOSE + b"Content-Length: 2\r\n\r\nok", HOLD], 999, b"ok"),
}


@pytest.mark.parametrize(("method", "script", "status", "content"), TOLERATED.values(), ids=TOLERATED)
def test_tolerated_at_the_price_of_the_connection(
    client: Client, scripted: Scripted, method: str, script: Script, status: int, content: bytes
) -> None:
    server, session = scripted(script, [CLEAN]), limited(client)
    response = session.request(method, server.url)
    assert (response.status_code, response.content) == (status, content)
    assert_goes_on(session, server)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("late", [POISON, b"\r\n", b"x"], ids=["a response", "a blank line", "one byte"])
def test_unasked_bytes_on_an_idle_connection(
    client: Client, scripted: Scripted, authority: Authority, tls: bool, late: bytes
) -> None:
    go_on, sent = threading.Event(), threading.Event()
    options = {"context": authority.server_context()} if tls else {}
    server = scripted([OK, Wait(go_on), Send(late), Tell(sent), HOLD], [CLEAN], **options)
    session = limited(client, authority)
    assert session.get(server.url).content == b"ok"
    go_on.set()
    assert sent.wait(20)
    assert_goes_on(session, server)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_unasked_bytes_right_behind_the_answer(
    client: Client, scripted: Scripted, authority: Authority, tls: bool
) -> None:
    """Over TLS the second record may be in the same segment as the first, where no poll of the socket sees it."""
    options = {"context": authority.server_context()} if tls else {}
    sent = threading.Event()
    server = scripted([READ_HEAD, Send(OK + POISON, len(OK)), Tell(sent), HOLD], [CLEAN], **options)
    session = limited(client, authority)
    assert session.get(server.url).content == b"ok"
    assert sent.wait(20)
    assert_goes_on(session, server)


ENDS: dict[str, tuple[Script, type[RequestException] | bytes]] = {
    "until close, orderly": ([BARE + b"\r\nok"], b"ok"),
    "until close, cut": ([BARE + b"\r\nok", CUT], IncompleteBody),
    "until close, reset": ([BARE + b"\r\nok", RESET], IncompleteBody),
    "whole, then cut": ([OK, CUT], b"ok"),
    "chunked whole, then cut": ([CHUNKED + b"2\r\nok\r\n0\r\n\r\n", CUT], b"ok"),
    "half, orderly": ([TEN + b"half"], IncompleteBody),
    "half, cut": ([TEN + b"half", CUT], IncompleteBody),
    "in a chunk, cut": ([CHUNKED + b"5\r\nha", CUT], IncompleteBody),
    "in the head, cut": ([BARE, CUT], RequestException),
    "no answer, cut": ([READ_HEAD, CUT], RequestException),
}


@pytest.mark.parametrize(("script", "expected"), ENDS.values(), ids=ENDS)
def test_end_of_tls(
    client: Client, scripted: Scripted, authority: Authority, script: Script, expected: type[RequestException] | bytes
) -> None:
    server = scripted(script, [CLEAN], context=authority.server_context())
    session = limited(client, authority)
    if isinstance(expected, bytes):
        assert session.get(server.url).content == expected
    else:
        with pytest.raises(expected):
            session.get(server.url)
    assert server.connection(0).over.wait(20)
    assert_goes_on(session, server, retries=1)  # the news of the end may be on its way yet


def test_no_tls_at_all(client: Client, scripted: Scripted, authority: Authority) -> None:
    server, session = scripted([Send(OK), HOLD]), limited(client, authority)
    with pytest.raises(SSLError):
        session.get(f"https://localhost:{server.port}")
    assert usage(session) == (0, 0)
    assert server.connection(0).over.wait(20)


def test_end_in_the_handshake(client: Client, scripted: Scripted, authority: Authority) -> None:
    server, session = scripted([CUT]), limited(client, authority)
    with pytest.raises(SSLError):
        session.get(f"https://localhost:{server.port}")
    assert usage(session) == (0, 0)


UPLOAD = b"u" * 20_000_000
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno"


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("end", [HOLD, CUT], ids=["and reads on", "and closes"])
def test_early_answer_to_an_upload(
    client: Client, scripted: Scripted, authority: Authority, tls: bool, end: Step
) -> None:
    options = {"context": authority.server_context()} if tls else {}
    server = scripted([READ_HEAD, Send(TOO_LARGE), end], [CLEAN], **options)
    session = limited(client, authority)
    response = session.post(server.url, data=UPLOAD)
    assert (response.status_code, response.content) == (413, b"no")
    assert_goes_on(session, server)


def test_early_answer_whose_body_comes_later(client: Client, scripted: Scripted) -> None:
    server = scripted([READ_HEAD, Send(TOO_LARGE, len(TOO_LARGE) - 1), HOLD], [CLEAN])
    session = limited(client)
    assert session.post(server.url, data=iter([b"u" * 300_000] * 60)).content == b"no"
    assert_goes_on(session, server)


class ReadBody(Step):
    """Awaits and records `length` bytes."""

    def __init__(self, length: int) -> None:
        self.length = length

    def play(self, connection: Connection) -> None:
        received = [connection.received[connection._taken :]]
        left = self.length - len(received[0])
        while left > 0 and (data := connection.socket.recv(2**18)):
            received.append(data)
            left -= len(data)
        connection.received = b"".join(received)
        connection._taken = 0
        connection._record(len(connection.received))


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Still\r\n\r\n"


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("data", [UPLOAD, b"small"], ids=["large", "small"])
def test_interim_answers_do_not_stop_an_upload(
    client: Client, scripted: Scripted, authority: Authority, tls: bool, data: bytes
) -> None:
    options = {"context": authority.server_context()} if tls else {}
    server = scripted([READ_HEAD, Send(INTERIM, 7), ReadBody(len(data)), Send(OK), CLEAN], **options)
    session = limited(client, authority)
    response = session.post(server.url, data=data)
    assert (response.content, [status for status, _ in response.interim]) == (b"ok", [100, 103, 102])
    assert server.connections[0].requests[1] == data  # all of it, once
    assert session.get(server.url + "/next").content == b"clean"
    assert len(server.connections) == 1


def test_upload_to_a_server_that_resets(client: Client, scripted: Scripted) -> None:
    server, session = scripted([READ_HEAD, RESET], [CLEAN]), limited(client)
    with pytest.raises(RequestException) as caught:
        session.post(server.url, data=UPLOAD)
    assert caught.value.sent == "partly"
    assert_goes_on(session, server)


def test_bare_lf_of_an_old_server(client: Client, scripted: Scripted) -> None:
    server = scripted([BARE_LF, HOLD], [BARE_LF, HOLD])
    session = client.session(lenient_http1=True, retries=0)
    assert [session.get(server.url).content for _ in range(2)] == [b"ok"] * 2, "a connection was used again"
    assert len(server.requests) == 2
