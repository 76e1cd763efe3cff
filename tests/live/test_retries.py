"""What is sent again and what is not, for each fault of a server and each method; and how much in an outage."""

import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpcore
import pytest

import smartclient
from loopback.clients import Client
from loopback.scripted import CUT, HOLD, READ, READ_HEAD, RESET, Script, ScriptedServer, Send
from loopback.waiting import until
from smartclient import RetryPolicy
from smartclient.exceptions import RequestException, TooManyRequests

Scripted = Callable[..., ScriptedServer]
METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "QUERY", "POST", "PATCH")
REPEATED = frozenset(METHODS) - {"POST", "PATCH"}
AT_ONCE = RetryPolicy(2, base=0.0, budget=None)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 4\r\n\r\nbusy"
LAST = BUSY.replace(b"Retry", b"Connection: close\r\nRetry")
SHORT = 0.05  # seconds; the limit that a stalling server passes
LONG = 20.0

# Fault: what the first connection does, what follows, which methods are repeated, how the others end.
FAULTS: list[Any] = [
    pytest.param([READ_HEAD, RESET], REPEATED, {"ReadError", "WriteError"}, id="reset-in-the-request"),
    pytest.param([READ, RESET], REPEATED, {"ReadError"}, id="reset-after-the-request"),
    pytest.param([READ, CUT], REPEATED, {"ServerDisconnected"}, id="closed-without-an-answer"),
    pytest.param([READ, Send(b"HTTP/1.1 2"), CUT], REPEATED, {"ServerDisconnected"}, id="cut-head"),
    pytest.param([LAST], REPEATED, {503}, id="503-with-retry-after"),
    pytest.param([READ, HOLD], frozenset(), {"ReadTimeout"}, id="stall"),
    pytest.param([b"HTTP/1.1 200 OK\r\nX-Slow: ", HOLD], frozenset(), {"ReadTimeout"}, id="stall-in-the-head"),
    pytest.param([b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", CUT], frozenset(), {500}, id="500"),
    pytest.param([b"HTTP/1.1 2x0 OK\r\n\r\n", CUT], frozenset(), {"RemoteProtocolError"}, id="broken-http"),
]


def ended(outcome: Any) -> int | str:
    """The status of a response, or the name of the error in its place."""
    return type(outcome).__name__ if isinstance(outcome, Exception) else int(outcome.status_code)


def methods_at(server: ScriptedServer) -> list[str]:
    """Those of the requests, of which there is one as soon as the server gets to it."""
    until(lambda: server.requests)
    return [request.split(b" ")[0].decode() for request in server.requests]


def outcomes(client: Client, servers: dict[str, ScriptedServer], read: float = LONG, **options: Any) -> dict[str, Any]:
    """What became of one call for each method, each to a server of its own."""
    session = client.session(timeout=smartclient.Timeout(LONG, read=read), retries=AT_ONCE)
    calls = [(method, servers[method].url, {"data": b"body", **options}) for method in METHODS]
    return dict(zip(METHODS, client.together(calls, session), strict=True))


@pytest.mark.parametrize(("fault", "repeated", "error"), FAULTS)
def test_fault(client: Client, scripted: Scripted, fault: Script, repeated: frozenset[str], error: set[Any]) -> None:
    servers = {method: scripted(fault, [OK]) for method in METHODS}
    for method, outcome in outcomes(client, servers, SHORT if HOLD in fault else LONG).items():
        requests = methods_at(servers[method])
        if method in repeated:
            assert (ended(outcome), requests) == (200, [method] * 2)
            assert [each.status for each in outcome.attempts][1:] == [200]
        else:
            assert ended(outcome) in error, method
            assert requests == [method]
            assert len(outcome.attempts) == 1


def test_reset_before_the_request(client: Client, scripted: Scripted) -> None:
    """Whether a byte had left by then is a matter of luck; that nothing arrives twice is not."""
    servers = {method: scripted([RESET], [OK]) for method in METHODS}
    for method, outcome in outcomes(client, servers).items():
        if method in REPEATED:
            assert ended(outcome) == 200
        arrived = len(servers[method].requests)
        assert arrived == (1 if ended(outcome) == 200 else 0)


@pytest.fixture
def refusing() -> Iterator[int]:
    """A port that refuses connections, and that nobody else gets meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a bound port may swallow connections")
def test_refused(client: Client, refusing: int) -> None:
    """Nothing left, so every method is tried again; but what can be read only once is not."""
    session = client.session(retries=AT_ONCE, timeout=20)
    url = f"http://127.0.0.1:{refusing}/"
    for outcome in client.together([(method, url, {"data": b"x"}) for method in METHODS], session):
        assert (ended(outcome), outcome.sent) == ("ConnectionError", "nothing")
        assert [each.reason for each in outcome.attempts] == ["ConnectionError"] * 2 + ["retries=2"]
    with pytest.raises(RequestException) as caught:
        session.post(url, data=iter([b"once"]))
    assert caught.value.__notes__ == ["not sent again: the body can be read only once"]


def test_cut_body(client: Client, scripted: Scripted) -> None:
    """A body that breaks off is an error of the plain call, whatever the method."""
    cut = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", CUT]
    servers = {method: scripted(cut, [OK]) for method in METHODS}
    for method, outcome in outcomes(client, servers).items():
        assert ended(outcome) == (200 if method == "HEAD" else "IncompleteBody")
        assert [each.status for each in outcome.attempts] == [200]
        assert len(servers[method].requests) == 1


def test_time_outs_when_asked(client: Client, scripted: Scripted) -> None:
    servers = {method: scripted([READ, HOLD], [OK]) for method in METHODS}
    policy = RetryPolicy(2, base=0.0, budget=None, on_timeout=True)
    for method, outcome in outcomes(client, servers, 1.0, retries=policy).items():
        assert ended(outcome) == (200 if method in REPEATED else "ReadTimeout")
        assert methods_at(servers[method]) == [method] * (2 if method in REPEATED else 1)


@pytest.mark.parametrize("options", [{"idempotency_key": True}, {"idempotent": True}], ids=["key", "vouched-for"])
def test_what_the_caller_vouches_for(client: Client, scripted: Scripted, options: dict[str, bool]) -> None:
    servers = {method: scripted([READ, RESET], [LAST], [OK]) for method in METHODS}
    for method, outcome in outcomes(client, servers, **options).items():
        assert (ended(outcome), len(servers[method].requests)) == (200, 3)
        keys = [request.lower().count(b"\r\nidempotency-key: ") for request in servers[method].requests]
        assert keys == [int("idempotency_key" in options)] * 3
        assert len(set(servers[method].requests)) == 1  # the same key each time


def test_keys_of_a_session(client: Client, scripted: Scripted) -> None:
    servers = {method: scripted([READ, RESET], [OK]) for method in ("POST", "PATCH", "PUT", "LOCK")}
    session = client.session(retries=AT_ONCE, timeout=20, idempotency_key=True)
    calls = [(method, server.url, {"data": b"body"}) for method, server in servers.items()]
    assert [ended(each) for each in client.together(calls, session)] == [200, 200, 200, "ReadError"]
    for method, server in servers.items():
        keys = {each.partition(b"dempotency-Key: ")[2].partition(b"\r")[0] for each in server.requests}
        assert len(keys) == 1
        assert (len(keys.pop()) == 34) is (method in ("POST", "PATCH"))


def test_408_and_421_go_over_a_new_connection(client: Client, scripted: Scripted) -> None:
    for status, method in ((408, "GET"), (421, "GET"), (421, "POST")):
        server = scripted([OK, b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status, HOLD], [OK])
        session = client.session(retries=AT_ONCE, timeout=20)
        session.get(server.url)
        assert session.request(method, server.url, data=b"x").status_code == 200
        assert [len(each.requests) for each in server.connections] == [2, 1]


def test_a_retried_status_gives_its_connection_back(client: Client, scripted: Scripted) -> None:
    server = scripted([BUSY, BUSY, OK])
    assert client.session(retries=AT_ONCE, timeout=20).get(server.url).status_code == 200
    assert len(server.connections) == 1


def test_retry_after_that_is_too_long_gives_the_answer(client: Client, scripted: Scripted) -> None:
    server = scripted([b"HTTP/1.1 429 Slowly\r\nRetry-After: 3600\r\nContent-Length: 4\r\n\r\nwait"])
    response = client.get(server.url)
    assert (response.status_code, response.content, response.retry_after) == (429, b"wait", 3600.0)
    assert response.attempts[0].reason == "Retry-After of 3600 s is over retry_after_max=60"
    with pytest.raises(TooManyRequests) as caught:
        response.raise_for_status()
    assert caught.value.attempts == response.attempts


class Failing:
    """A transport whose origin is down; it counts what reaches it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def handle_request(self, request: Any) -> httpcore.Response:
        self.seen.append(request.url.host.decode())
        return httpcore.Response(503)

    async def handle_async_request(self, request: Any) -> httpcore.Response:
        return self.handle_request(request)


def test_an_outage_is_not_multiplied(client: Client) -> None:
    """100 callers on one failing origin; what is saved up is gone after the first of them."""
    far = Failing()
    session = client.session(transport=far, retries=RetryPolicy(2, base=0.0), cache=None)
    calls = [("GET", "http://down.test/", {})] * 100
    assert {ended(outcome) for outcome in client.together(calls, session)} == {503}
    assert len(far.seen) <= 100 + 20 + 100 / 5
    far.seen.clear()
    for _ in range(3):  # the steady state
        outcomes = client.together(calls, session)
    assert len(far.seen) <= 1.2 * 300
    assert len(far.seen) > 1.1 * 300  # and what the budget allows is used
    assert all(each.attempts[-1].reason for each in outcomes)
    far.seen.clear()
    assert session.get("http://other.test/").status_code == 503
    assert far.seen == ["other.test"] * 3  # another origin has a budget of its own
