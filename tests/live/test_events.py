"""What observers are told of a call, in order, and what responses and the log tell of its times."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio

import smartclient
from loopback.authority import Authority
from loopback.clients import Client
from loopback.origin import Origin
from loopback.scripted import CUT, READ, ScriptedServer
from smartclient import RetryPolicy, Session
from smartclient.events import CallEnded, ConnectionOpened, Event, ExchangeEnded, Timings
from smartclient.exceptions import IncompleteBody, InvalidOption, RequestException, ServerDisconnected

Scripted = Callable[..., ScriptedServer]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ONE = ["RequestSent", "HeadReceived", "ExchangeEnded"]
SECRETS = {"headers": {"Authorization": "secret", "X-Api-Key": "secret"}, "params": {"token": "secret"}}


def names(events: list[Event]) -> list[str]:
    """The kinds of events, and none of their facts."""
    return [type(event).__name__ for event in events]


def test_a_plain_call(client: Client, origin: Origin) -> None:
    events: list[Event] = []
    session = client.session(on_event=events.append)
    session.get(origin.url + "/bytes/10")
    session.get(origin.url + "/bytes/10")
    call = ["CallStarted", *ONE, "CallEnded"]
    assert names(events) == ["CallStarted", "ConnectionOpened", *ONE, "CallEnded", *call]
    assert len({event.call for event in events}) == 2
    assert [event.at for event in events] == sorted(event.at for event in events)
    ended = [event for event in events if isinstance(event, ExchangeEnded)]
    assert [event.exchange.received for event in ended] == [10, 10]
    assert [event.exchange.timings.reused for event in ended] == [False, True]
    assert ended[0].exchange.address == ("127.0.0.1", int(origin.url.rpartition(":")[2]))
    assert ended[0].exchange.body is None


def test_a_call_that_somebody_sees_is_one_call(origin: Origin) -> None:
    events: list[Event] = []
    hooks = {"response": lambda response, **said: None}
    with Session(on_event=events.append, trace=True, idempotency_key=True) as session:
        session.post(f"{origin.url}/to?url=/redirect/1&status=307", hooks=hooks)
    assert names(events) == ["CallStarted", "ConnectionOpened", *ONE, *(("Redirected", *ONE) * 2), "CallEnded"]
    assert len({event.call for event in events}) == 1
    for name in ("traceparent", "x-request-id", "idempotency-key"):
        assert len({seen.header(name) for seen in origin.seen.requests}) == 1, name


def test_redirects_and_retries(client: Client, origin: Origin, scripted: Scripted) -> None:
    events: list[Event] = []
    session = client.session(on_event=events.append, retries=RetryPolicy(2, base=0.0))
    response = session.get(origin.url + "/redirect/1")
    start = ["CallStarted", "ConnectionOpened"]
    assert names(events) == [*start, *ONE, "Redirected", *ONE, "CallEnded"]
    assert response.history[0].timings.reused is False
    assert None not in response.history[0].timings
    assert response.timings.reused is True
    events.clear()
    response = session.get(scripted([READ, CUT], [OK]).url)
    failed = ["RequestSent", "ExchangeEnded", "Retried"]
    assert names(events) == [*start, *failed, "ConnectionOpened", *ONE, "CallEnded"]
    assert [each.timings.send is not None for each in response.attempts] == [True, True]
    assert "ServerDisconnected" in str(events[4])


def test_a_call_that_fails(client: Client, scripted: Scripted) -> None:
    events: list[Event] = []
    session = client.session(on_event=events.append, retries=0)
    with pytest.raises(ServerDisconnected):
        session.get(scripted([READ, CUT]).url)
    assert names(events)[-2:] == ["ExchangeEnded", "CallEnded"]
    last = events[-1]
    assert isinstance(last, CallEnded)
    assert (last.status, last.error, len(last.attempts)) == (None, "ServerDisconnected", 1)
    assert str(last) == "failed: ServerDisconnected"


def test_a_hit_of_the_cache_is_no_exchange(client: Client, scripted: Scripted) -> None:
    events: list[Event] = []
    session = client.session(on_event=events.append)
    server = scripted([OK.replace(b"Content", b"Cache-Control: max-age=60\r\nContent")])
    session.get(server.url)
    events.clear()
    response = session.get(server.url)
    assert names(events) == ["CallStarted", "CallEnded"]
    assert (response.timings, response.attempts) == (Timings(), ())
    assert "from cache (smartclient; hit" in str(events[1])


def test_streamed_bodies_end_later(client: Client, origin: Origin) -> None:
    events: list[Event] = []
    session = client.session(on_event=events.append)
    with session.stream("GET", origin.url + "/bytes/300000") as response:
        assert "ExchangeEnded" not in names(events)
        assert response.timings.receive is None
        assert sum(map(len, response.iter_content(None))) == 300000
        assert response.timings.receive is not None
    with session.stream("GET", origin.url + "/bytes/3000000"):
        pass
    ends = [event.exchange for event in events if isinstance(event, ExchangeEnded)]
    assert [(end.error, end.received == 300000) for end in ends] == [(None, True), ("given up", False)]


def test_bodies_that_break(client: Client, scripted: Scripted) -> None:
    events: list[Event] = []
    session = client.session(on_event=events.append)
    with pytest.raises(IncompleteBody):
        session.get(scripted([OK.replace(b"2\r\n", b"9\r\n"), CUT]).url)
    assert [event.exchange.error for event in events if isinstance(event, ExchangeEnded)] == ["IncompleteBody"]


def test_tls(client: Client, tls_origin: Origin, authority: Authority) -> None:
    events: list[Event] = []
    session = client.session(on_event=events.append, verify=str(authority.ca_file))
    timings = session.get(tls_origin.url + "/bytes/1").timings
    (opened,) = [event for event in events if isinstance(event, ConnectionOpened)]
    assert opened.tls_version == "TLSv1.3"
    assert (opened.dns, opened.connect, opened.tls) == timings[1:4]
    assert timings.tls > 0
    assert 0 < sum(timings[:7]) <= timings.total + 1e-6


def test_times_of_calls_that_nobody_observes(client: Client, origin: Origin) -> None:
    session = client.session()
    first, second = (session.get(origin.url + "/bytes/1").timings for _ in range(2))
    assert first.connect > 0
    assert (first.reused, first.total > first.connect, first.wait) == (False, True, None)
    redirected = session.get(origin.url + "/redirect/1")
    assert [each.timings.total for each in (redirected, *redirected.history)] == [None, None]
    assert second == Timings(dns=0.0, connect=0.0, tls=0.0, total=second.total, reused=True)


def test_what_an_observer_raises_costs_no_call(
    client: Client, origin: Origin, caplog: pytest.LogCaptureFixture
) -> None:
    session = client.session(on_event=lambda event: 1 / 0)
    assert session.get(origin.url + "/bytes/1").status_code == 200
    assert "on_event failed for CallStarted" in caplog.text


def test_observers_come_and_go(client: Client, origin: Origin) -> None:
    session = client.session()
    session.get(origin.url + "/bytes/1")
    inner, events = getattr(session, "inner", session), []
    inner.on_event = events.append
    session.get(origin.url + "/bytes/1")
    assert names(events) == ["CallStarted", *ONE, "CallEnded"]  # over the connection that there was
    inner.on_event = None
    session.get(origin.url + "/bytes/1")
    assert len(events) == 5
    with pytest.raises(InvalidOption, match="on_event must be a function"):
        client.session(on_event="print")

    async def told(event: Event) -> None:
        raise AssertionError("never called")

    with pytest.raises(InvalidOption, match="is async"):
        client.session(on_event=told)


def test_calls_over_an_adapter(origin: Origin) -> None:
    from smartclient import Session
    from smartclient.adapters import HTTPAdapter

    events: list[Event] = []
    with Session(on_event=events.append) as session:
        session.mount("http://", HTTPAdapter(max_retries=0))
        session.get(origin.url + "/bytes/1")
        session.get(origin.url + "/bytes/1")
    call = ["CallStarted", *ONE, "CallEnded"]
    assert sorted(names(events)) == sorted([*call, "ConnectionOpened", *call])


@pytest.fixture
def debug(caplog: pytest.LogCaptureFixture) -> Iterator[Any]:
    with caplog.at_level(logging.DEBUG, "smartclient"):
        yield caplog


def test_log(client: Client, origin: Origin, debug: pytest.LogCaptureFixture) -> None:
    session = client.session()
    session.get(origin.url + "/bytes/10", **SECRETS)
    lines = [record.getMessage().split("] ", 1)[1] for record in debug.records if record.name == "smartclient"]
    url = f"{origin.url}/bytes/10"
    assert lines[0] == f"GET {url}"
    assert lines[1].startswith(f"connected to {origin.url} at 127.0.0.1 port ")
    assert lines[2:4] == [f"sent GET {url} over a new connection", f"200 HTTP/1.1 for GET {url}"]
    assert lines[4].startswith(f"end of GET {url}: 10 bytes in ")
    assert lines[5].startswith("answered: 200 from network")


def test_log_tells_of_a_loop_that_is_held_up(origin: Origin, debug: pytest.LogCaptureFixture) -> None:
    async def blocked() -> None:
        session.get(origin.url + "/echo", cache=None)

    with smartclient.Session() as session:
        for runs in (trio.run, lambda function: asyncio.run(function())):
            debug.clear()
            runs(blocked)
            assert debug.text.count("holds up the event loop") == 1
        debug.clear()
        session.get(origin.url + "/echo", cache=None)
        assert "holds up" not in debug.text


def test_no_secret_in_log_or_repr(client: Client, scripted: Scripted, debug: pytest.LogCaptureFixture) -> None:
    events: list[Event] = []
    session = client.session(on_event=events.append, auth=("user", "secret"), retries=RetryPolicy(1, base=0.0))
    answer = OK.replace(b"Content", b"Set-Cookie: a=secret\r\nContent")
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /next?key=secret\r\nContent-Length: 0\r\n\r\n"
    url = scripted([READ, CUT], [redirect, answer]).url.replace("//", "//user:secret@")
    session.get(url, **SECRETS)
    with pytest.raises(RequestException):
        session.get(scripted([READ, CUT]).url + "/?sig=secret", **SECRETS)
    assert len(events) > 10
    assert "secret" not in debug.text
    assert "secret" not in "".join(map(repr, events))
    assert "secret" not in "".join(map(str, events))
