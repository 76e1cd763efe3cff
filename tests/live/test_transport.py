"""`transport=`: exchanges by others, of which any pool of httpcore is one."""

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpcore
import pytest

import smartclient
from loopback.authority import Authority
from loopback.clients import Client
from loopback.origin import Origin
from loopback.scripted import CUT, ScriptedServer
from smartclient import exceptions
from smartclient._net.transport import AsyncTransport, SyncTransport
from smartclient.exceptions import IncompleteBody, InvalidOption, RemoteProtocolError


class Closing:
    """A body that counts how often it was closed, and may break off."""

    def __init__(self, *pieces: bytes, failure: Exception | None = None) -> None:
        self.pieces = pieces
        self.failure = failure
        self.closed = 0

    def __iter__(self) -> Any:
        yield from self.pieces
        if self.failure is not None:
            raise self.failure

    async def __aiter__(self) -> Any:
        for piece in self:
            yield piece

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class Scripted:
    """A transport of the test's own: gives its answers one by one, raising those that are errors."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[Any] = []

    def handle_request(self, request: Any) -> Any:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def handle_async_request(self, request: Any) -> Any:
        return self.handle_request(request)


def answer(status: int = 200, *headers: tuple[Any, Any], stream: Any = (b"ok",), **extensions: Any) -> Any:
    return SimpleNamespace(status=status, headers=list(headers), stream=stream, extensions=extensions)


@pytest.fixture
def core_pool(client: Client, authority: Authority) -> Any:
    """A pool of httpcore for the client's mode."""
    import ssl

    context = ssl.create_default_context(cafile=str(authority.ca_file))
    if client.mode == "blocking":
        pool: Any = httpcore.ConnectionPool(ssl_context=context)
        yield pool
        pool.close()
    else:
        pool = httpcore.AsyncConnectionPool(ssl_context=context)
        yield pool
        client._portal.call(pool.aclose)


def test_httpcore_pool_carries_all_kinds_of_calls(
    client: Client, core_pool: Any, origin: Origin, tls_origin: Origin
) -> None:
    session = client.session(transport=core_pool)
    assert session.get(origin.url + "/gzip").text.startswith("a gzip page")
    assert session.get(tls_origin.url + "/chunked/100").content == b"0123456789" * 100
    assert session.get(origin.url + "/redirect/2").json()["method"] == "GET"
    session.get(origin.url + "/cookies/set?tea=green")
    assert session.get(origin.url + "/cookies").json() == {"tea": "green"}
    echo = session.post(origin.url + "/echo?q=%20", data=b"body", auth=("user", "pass")).json()
    assert (echo["method"], echo["target"], echo["body"]) == ("POST", "/echo?q=%20", "Ym9keQ==")
    assert session.put(origin.url + "/echo", data=iter([b"a", b"b"])).json()["body"] == "YWI="
    head = session.head(origin.url + "/bytes/10")
    assert (head.headers["content-length"], head.content, head.reason) == ("10", b"", "OK")
    assert session.get(origin.url + "/status/204").content == b""
    hosts = [value for name, value in echo["headers"] if name.lower() == "host"]
    assert hosts == [f"127.0.0.1:{origin.port}"]
    assert origin.seen.connections == 1


# httpcore leaves generators of its own to the collector, of which trio complains.
@pytest.mark.filterwarnings("ignore:Async generator 'httpcore:ResourceWarning")
def test_httpcore_pool_gets_its_connections_back(client: Client, core_pool: Any, origin: Origin) -> None:
    session = client.session(transport=core_pool)
    with session.stream("GET", origin.url + "/chunked/1000") as response:
        assert next(iter(response.iter_content(10))) == b"0123456789"
    assert session.get(origin.url + "/bytes/3").content == b"012"
    assert [each.is_idle() for each in core_pool.connections] == [True]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://name.invalid/"])
def test_httpcore_errors_become_ours(client: Client, core_pool: Any, url: str) -> None:
    with pytest.raises(exceptions.ConnectionError) as caught:
        client.session(transport=core_pool, retries=0).get(url)
    assert type(caught.value) is exceptions.ConnectionError
    assert caught.value.sent == "nothing"


def test_httpcore_body_that_breaks_off(client: Client, core_pool: Any, scripted: Callable[..., ScriptedServer]) -> None:
    server = scripted([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", CUT])
    with pytest.raises(IncompleteBody) as caught:
        client.session(transport=core_pool, retries=0).get(server.url)
    assert caught.value.sent == "wholly"


def test_what_a_transport_is_given(client: Client) -> None:
    transport = Scripted(answer())
    session = client.session(transport=transport, timeout=(3, 4), headers=None)
    session.put("http://[::1]:8080/a?b=c#d", data=b"xyz", headers={"X-A": "ü"})
    (request,) = transport.requests
    url = request.url
    assert (request.method, url.scheme, url.host, url.port, url.target) == (b"PUT", b"http", b"::1", 8080, b"/a?b=c")
    assert (bytes(url), tuple(url.origin)) == (b"http://[::1]:8080/a?b=c", (b"http", b"::1", 8080))
    assert (request.headers[0], request.headers[-1]) == ((b"Host", b"[::1]:8080"), (b"Content-Length", b"3"))
    assert (b"X-A", b"\xfc") in request.headers
    assert request.extensions["timeout"]["connect"] == 3
    assert request.extensions["timeout"]["read"] == 4
    assert b"".join(request.stream) == b"xyz"


def test_what_a_transport_may_answer(client: Client) -> None:
    stream = Closing(b"a", b"", b"b")
    found = answer(207, (b"X-A", b"1"), ("x-a", "2"), stream=stream, reason_phrase=b"Multi", http_version=b"HTTP/2")
    response = client.session(transport=Scripted(found)).get("http://h.example/")
    assert (response.status_code, response.reason, response.content) == (207, "Multi", b"ab")
    assert response.headers["X-A"] == "1, 2"
    assert stream.closed == 1


@pytest.mark.parametrize(
    "wrong",
    [None, 5, answer(99), answer("200"), answer(stream=None), answer(stream=5)],
    ids=["none", "int", "status-99", "status-text", "no-stream", "stream-of-nothing"],
)
def test_no_response(client: Client, wrong: Any) -> None:
    with pytest.raises(InvalidOption, match="transport"):
        client.session(transport=Scripted(wrong), retries=0).get("http://h.example/")


@pytest.mark.parametrize("line", [("A", "b\r\nc"), ("a b", "c"), (b"A", b"\0"), ("A", 5)])
def test_fields_that_are_none(client: Client, line: Any) -> None:
    with pytest.raises(RemoteProtocolError):
        client.session(transport=Scripted(answer(200, line)), retries=0).get("http://h.example/")


ERRORS = [
    pytest.param(httpcore.ConnectTimeout("t"), exceptions.ConnectTimeout, "nothing"),
    pytest.param(httpcore.PoolTimeout("t"), exceptions.PoolTimeout, "nothing"),
    pytest.param(httpcore.ReadTimeout("t"), exceptions.ReadTimeout, "wholly"),
    pytest.param(httpcore.WriteTimeout("t"), exceptions.WriteTimeout, "wholly"),
    pytest.param(httpcore.ConnectError("t"), exceptions.ConnectionError, "nothing"),
    pytest.param(httpcore.ConnectionNotAvailable("t"), exceptions.ConnectionError, "nothing"),
    pytest.param(httpcore.ProxyError("t"), exceptions.ProxyError, "nothing"),
    pytest.param(httpcore.ReadError("t"), exceptions.ReadError, "wholly"),
    pytest.param(httpcore.WriteError("t"), exceptions.WriteError, "wholly"),
    pytest.param(httpcore.RemoteProtocolError("t"), exceptions.RemoteProtocolError, "wholly"),
    pytest.param(httpcore.UnsupportedProtocol("t"), exceptions.InvalidSchema, "nothing"),
]


@pytest.mark.parametrize(("foreign", "ours", "sent"), ERRORS, ids=lambda each: getattr(each, "__name__", None))
def test_errors(client: Client, foreign: Exception, ours: type[Exception], sent: str) -> None:
    with pytest.raises(exceptions.RequestException) as caught:
        client.session(transport=Scripted(foreign), retries=0).get("http://u:hunter2@h.example/p?q")
    assert (type(caught.value), caught.value.sent) == (ours, sent)
    assert caught.value.__cause__ is foreign
    assert "hunter2" not in str(caught.value)


def test_errors_of_httpx(client: Client) -> None:
    httpx = pytest.importorskip("httpx")
    with pytest.raises(exceptions.ConnectTimeout):
        client.session(transport=Scripted(httpx.ConnectTimeout("t")), retries=0).get("http://h.example/")


def test_other_errors_pass(client: Client) -> None:
    with pytest.raises(ZeroDivisionError):
        client.session(transport=Scripted(ZeroDivisionError())).get("http://h.example/")


def test_retry_over_a_transport(client: Client) -> None:
    transport = Scripted(httpcore.ReadError("reset"), answer())
    response = client.session(transport=transport).get("http://h.example/")
    assert (response.content, len(transport.requests)) == (b"ok", 2)


@pytest.mark.parametrize(
    ("failure", "ours"),
    [
        pytest.param(httpcore.ReadError("reset"), IncompleteBody, id="read"),
        pytest.param(httpcore.RemoteProtocolError("cut"), IncompleteBody, id="protocol"),
        pytest.param(httpcore.ReadTimeout("late"), exceptions.BodyReadTimeout, id="timeout"),
    ],
)
def test_body_that_breaks_off(client: Client, failure: Exception, ours: type[Exception]) -> None:
    stream = Closing(b"half", failure=failure)
    with pytest.raises(ours):
        client.session(transport=Scripted(answer(stream=stream)), retries=0).get("http://h.example/")
    assert stream.closed == 1


def test_stream_left_early_is_closed(client: Client) -> None:
    stream = Closing(b"one", b"two")
    session = client.session(transport=Scripted(answer(stream=stream), answer()))
    with session.stream("GET", "http://h.example/") as response:
        pieces = response.iter_content(10)
        assert next(pieces) == b"one"
    assert session.get("http://h.example/").content == b"ok"
    assert stream.closed == 1


def test_redirect_closes_the_body_of_the_hop(client: Client) -> None:
    stream = Closing(b"gone")
    transport = Scripted(answer(302, ("Location", "/next"), stream=stream), answer())
    assert client.session(transport=transport).get("http://h.example/").content == b"ok"
    assert stream.closed == 1


def test_own_errors_of_the_house_pass_as_they_are(client: Client) -> None:
    ours = exceptions.ReadTimeout("mine", sent="partly")
    with pytest.raises(exceptions.ReadTimeout) as caught:
        client.session(transport=Scripted(ours), retries=0).get("http://h.example/")
    assert caught.value is ours


def test_method_that_was_replaced_may_pass_on(client: Client, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    class OnlyAwaited:
        async def __aiter__(self) -> Any:
            yield b"chan"
            yield b"ged"

    def replaced(self: Any, request: Any) -> Any:
        assert b"".join(request.stream) == b"as it was"
        request.stream = [b"chan", b"ged"]
        return handle(self, request)

    async def replaced_async(self: Any, request: Any) -> Any:
        assert b"".join([piece async for piece in request.stream]) == b"as it was"
        request.stream = OnlyAwaited()
        return await handle_async(self, request)

    handle, handle_async = SyncTransport.handle_request, AsyncTransport.handle_async_request
    monkeypatch.setattr(SyncTransport, "handle_request", replaced)
    monkeypatch.setattr(AsyncTransport, "handle_async_request", replaced_async)
    assert client.post(origin.url + "/echo", data=b"as it was").json()["body"] == "Y2hhbmdlZA=="


def test_transport_without_the_method() -> None:
    for session in (smartclient.Session, smartclient.AsyncSession):
        with pytest.raises(InvalidOption, match=r"transport: a .* has no handle_"):
            session(transport=object())


def test_httpcore_is_not_loaded_for_a_transport_of_the_callers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("httpcore", "httpx"):
        monkeypatch.setitem(sys.modules, name, None)
    with smartclient.Session(transport=Scripted(answer(), ValueError("mine"))) as session:
        assert session.get("http://h.example/").content == b"ok"
        with pytest.raises(ValueError, match="mine"):
            session.get("http://h.example/")
