"""Rates and trace fields of whole sessions."""

from collections.abc import Callable
from typing import Any

import pytest

from loopback.clients import Client
from loopback.origin import Origin
from loopback.scripted import CUT, READ, ScriptedServer
from smartclient import Rate, RetryPolicy
from smartclient.events import RateHeld
from smartclient.exceptions import DeadlineExceeded, InvalidOption

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def field_of(request: bytes, name: bytes) -> list[bytes]:
    lines = [line.partition(b": ") for line in request.split(b"\r\n")]
    return [value for each, _, value in lines if each.lower() == name]


def test_rate(client: Client, origin: Origin) -> None:
    held: list[Any] = []
    session = client.session(
        rate=Rate(100, burst=2), on_event=lambda event: held.append(event) if isinstance(event, RateHeld) else None
    )
    for outcome in client.together([("GET", origin.url + "/bytes/1", {})] * 6, session):
        assert outcome.status_code == 200
    assert len(held) >= 1
    assert all(0 < event.seconds <= 0.05 for event in held)
    assert origin.seen.requests[-1].method == "GET"


def test_no_turn_in_time(client: Client, origin: Origin) -> None:
    session = client.session(rate=Rate(1, per=3600), retries=5)
    session.get(origin.url + "/bytes/1")
    with pytest.raises(DeadlineExceeded) as caught:
        session.get(origin.url + "/bytes/1", timeout=10)
    assert (caught.value.sent, len(origin.seen.requests)) == ("nothing", 1)
    derived = getattr(session, "inner", session).derive()
    assert derived.rate == Rate(1, per=3600)
    assert derived._limiter is getattr(session, "inner", session)._limiter


def test_trace_is_one_for_a_call(client: Client, scripted: Callable[..., ScriptedServer]) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"
    server = scripted([READ, CUT], [redirect, OK, OK])
    session = client.session(trace=True, retries=RetryPolicy(1, base=0.0))
    session.get(server.url)
    session.get(server.url)
    for name in (b"traceparent", b"x-request-id"):
        first, second, third, fourth = (field_of(request, name) for request in server.requests)
        assert len(first) == 1
        assert first == second == third
        assert fourth != first


def test_trace_stays_with_its_hosts(client: Client, scripted: Callable[..., ScriptedServer]) -> None:
    far = scripted([OK])
    elsewhere = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n"
    near = scripted([elsewhere % far.url.replace("127.0.0.1", "localhost").encode(), OK])
    session = client.session(trace=True, trace_hosts=["127.0.0.1"], resolve={"localhost": "127.0.0.1"})
    session.get(near.url)
    assert [len(field_of(each, b"traceparent")) for each in (*near.requests, *far.requests)] == [1, 0]
    nobody = client.session(trace=True, trace_hosts=[])
    nobody.get(near.url)
    assert field_of(near.requests[-1], b"traceparent") == []


@pytest.mark.parametrize(
    "options",
    [{"rate": 10}, {"rate": "10/s"}, {"trace_hosts": "a.example"}, {"trace_hosts": [1]}, {"trace_hosts": 5}],
)
def test_what_makes_no_sense(client: Client, options: Any) -> None:
    with pytest.raises(InvalidOption, match=next(iter(options))):
        client.session(**options)
