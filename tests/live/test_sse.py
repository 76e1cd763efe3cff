"""Event streams in all three modes: none is missed while the server dies and comes back, and all ends are told."""

import re
from collections.abc import Callable, Iterator

import pytest

from loopback.clients import Client
from loopback.files import Entity, FileServer, Head
from smartclient._rules import event_stream as rules
from smartclient.exceptions import InvalidOption, NotFound, ServerDisconnected, UnexpectedContent

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
GONE = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float | None, int]]:
    """What was asked of the rule for waits, of which there are none here."""
    asked: list[tuple[float | None, int]] = []

    def none(retry: float | None, failures: int, dice: float) -> float:
        asked.append((retry, failures))
        return 0.001

    monkeypatch.setattr("smartclient._api.event_stream.wait_before_reconnecting", none)
    return asked


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer(Entity(b"")) as server:
        yield server


def answers(*given: bytes) -> Callable[[Head], bytes]:
    """One answer after the other, the last one for ever."""
    left = list(given)
    return lambda head: left.pop(0) if len(left) > 1 else left[0]


def test_no_event_is_missed_by_five_restarts(client: Client, server: FileServer, waits: list[object]) -> None:
    restarts = 0

    def respond(head: Head) -> bytes:
        nonlocal restarts
        first = int(head.get("last-event-id", "0")) + 1
        if len(server.heads) % 2 == 0 and restarts < 5:
            restarts += 1
            server.stop()
            server.start()
        if first > 100:
            return GONE
        text = "retry: 700\n\n" + "".join(
            f"id: {number}\ndata: event {number}\n\n" for number in range(first, first + 10)
        )
        return HEAD + text.encode()[:-1]  # the last one is cut off

    server.respond = respond
    with client.sse(server.url, retries=0) as events:
        seen = [int(event.id) for event in events]
        assert events.last_event_id == str(seen[-1])
        assert events.retry == 0.7
    assert seen == list(range(1, seen[-1] + 1))
    assert seen[-1] >= 100
    assert restarts == 5
    assert len(waits) >= 15


def test_request_and_response(client: Client, server: FileServer, waits: list[object]) -> None:
    server.respond = answers(HEAD + b"event: add\ndata: a\ndata: b\n\n", GONE)
    session = client.session(headers={"Accept": "application/json"})
    with session.sse(server.url, headers={"X-Test": "1"}, last_event_id="\u00e4 5") as events:
        event = next(events)
        assert (event.event, event.data, event.id) == ("add", "a\nb", "\u00e4 5")
        assert events.response.headers["content-type"] == "text/event-stream"
        assert list(events) == []
    head = server.heads[0]
    assert head["accept"] == "text/event-stream"
    assert head["cache-control"] == "no-store"
    assert head["x-test"] == "1"
    assert head["last-event-id"].encode("latin-1").decode() == "\u00e4 5"


def test_204_ends_it(client: Client, server: FileServer) -> None:
    server.respond = answers(GONE)
    with client.sse(server.url) as events:
        assert list(events) == []
        assert list(events) == []
    assert len(server.heads) == 1


def test_close_ends_it(client: Client, server: FileServer) -> None:
    server.respond = answers(HEAD + b"data: a\n\ndata: b\n\n")
    with client.sse(server.url) as events:
        assert next(events).data == "a"
        events.close()
        assert list(events) == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(b"404 No\r\n", NotFound, id="status"),
        pytest.param(b"200 OK\r\n", UnexpectedContent, id="no-type"),
        pytest.param(b"200 OK\r\nContent-Type: text/html\r\n", UnexpectedContent, id="html"),
    ],
)
@pytest.mark.parametrize("later", [False, True], ids=["at-once", "later"])
def test_refusals_end_it(
    client: Client, server: FileServer, waits: list[object], answer: bytes, error: type[Exception], later: bool
) -> None:
    answer = b"HTTP/1.1 " + answer + b"Content-Length: 0\r\n\r\n"
    server.respond = answers(HEAD + b"data: a\n\n", answer) if later else answers(answer)
    with client.sse(server.url) as events, pytest.raises(error):
        list(events)
    assert list(events) == []


def test_passing_status_is_waited_out_later_only(client: Client, server: FileServer, waits: list[object]) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    server.respond = answers(HEAD + b"data: a\n\n", busy, HEAD + b"data: b\n\n", GONE)
    with client.sse(server.url, retries=0) as events:
        assert [event.data for event in events] == ["a", "b"]
    assert waits == [(None, 0), (None, 1), (None, 0)]


def test_budget_ends_connections_that_bring_nothing(client: Client, server: FileServer, waits: list[object]) -> None:
    server.respond = answers(HEAD + b": nothing\n\n")
    with client.sse(server.url) as events, pytest.raises(ServerDisconnected, match="ended"):
        next(events)
    assert 20 <= len(server.heads) <= 30


def test_id_cannot_smuggle_a_field(client: Client, server: FileServer) -> None:
    for bad in ("1\r\nX: y", "1\0", "\ud800", 1):
        with pytest.raises(InvalidOption, match="last_event_id"):
            client.sse(server.url, last_event_id=bad).__enter__()


def test_unknown_keyword(client: Client, server: FileServer) -> None:
    with pytest.raises(TypeError, match=re.escape("sse()")):
        client.sse(server.url, stream=True).__enter__()


@pytest.mark.parametrize(
    ("asked", "failures", "wait"),
    [(None, 0, 3.0), (0.0, 0, 0.5), (100.0, 0, 60.0), (2.0, 0, 2.0), (2.0, 1, 4.0), (2.0, 2, 8.0), (2.0, 50, 60.0)],
)
def test_wait(asked: float | None, failures: int, wait: float) -> None:
    assert rules.wait_before_reconnecting(asked, failures, 0.0) == wait
    assert wait <= rules.wait_before_reconnecting(asked, failures, 0.9) <= min(60.0, wait * 1.2)
