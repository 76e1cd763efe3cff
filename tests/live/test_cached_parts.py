"""Parts, broken-off bodies, outages and interim responses over real connections, from memory and from disk."""

from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest

from loopback.clients import Client
from loopback.scripted import CUT, READ, ScriptedServer
from smartclient import Cache
from smartclient.exceptions import ConnectionError, RequestException

Scripted = Callable[..., ScriptedServer]
SIZE = 200_000  # more than a store on disk keeps in its rows
ALL = bytes(range(256)) * (SIZE // 256 + 1)
TAGGED = b'Cache-Control: max-age=60\r\nETag: "a"\r\n'
GONE = [READ, CUT]


def answer(head: bytes, body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 %bContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (head, size, body)


@pytest.fixture(params=["memory", "disk"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Cache]:
    """`cache(**policy)` in memory or on disk."""
    place = None if request.param == "memory" else tmp_path / "cache"
    return lambda **policy: Cache(place, **policy)


def ranged(text: str) -> dict[str, Any]:
    return {"headers": {"Range": f"bytes={text}"}}


def test_ranges_come_from_what_is_stored(client: Client, scripted: Scripted, cache: Callable[..., Cache]) -> None:
    server = scripted([answer(b"200 OK\r\n" + TAGGED, ALL[:SIZE])])
    session = client.session(cache=cache())
    assert session.get(server.url).content == ALL[:SIZE]
    for text, start, stop in (("0-9", 0, 10), ("150000-", 150_000, SIZE), ("-70000", SIZE - 70_000, SIZE)):
        response = session.get(server.url, **ranged(text))
        assert (response.status_code, response.content) == (206, ALL[start:stop])
        assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
        assert response.cache.status == "hit"
    assert len(server.requests) == 1


def test_a_broken_off_body_is_completed(client: Client, scripted: Scripted, cache: Callable[..., Cache]) -> None:
    have = 120_000
    rest = b"206 Partial Content\r\n%bContent-Range: bytes %d-%d/%d\r\n" % (TAGGED, have, SIZE - 1, SIZE)
    server = scripted([answer(b"200 OK\r\n" + TAGGED, ALL[:have], SIZE), CUT], [answer(rest, ALL[have:SIZE])])
    session = client.session(cache=cache(complete_parts=True), retries=0)
    with pytest.raises(RequestException):
        session.get(server.url)
    response = session.get(server.url)
    assert (response.status_code, response.content) == (200, ALL[:SIZE])
    assert f"range: bytes={have}-" in server.requests[1].decode().lower()
    assert session.get(server.url).content == ALL[:SIZE]
    assert len(server.requests) == 2


def test_parts_become_the_whole(client: Client, scripted: Scripted, cache: Callable[..., Cache]) -> None:
    half = SIZE // 2
    parts = [(half, SIZE), (0, half)]
    server = scripted(
        *[
            [answer(b"206 Partial\r\n%bContent-Range: bytes %d-%d/%d\r\n" % (TAGGED, a, b - 1, SIZE), ALL[a:b])]
            for a, b in parts
        ]
    )
    session = client.session(cache=cache())
    for start, stop in parts:
        assert session.get(server.url, **ranged(f"{start}-{stop - 1}")).content == ALL[start:stop]
    response = session.get(server.url)
    assert (response.status_code, response.content, response.cache.status) == (200, ALL[:SIZE], "hit")


def test_an_outage_is_covered_where_that_is_allowed(
    client: Client, scripted: Scripted, cache: Callable[..., Cache]
) -> None:
    stale = b'200 OK\r\nCache-Control: max-age=0\r\nETag: "a"\r\n'
    server = scripted([answer(stale, b"one")], GONE, GONE, [answer(b"503 Busy\r\n", b"busy")])
    session = client.session(cache=cache(stale_if_error=inf), retries=0)
    assert session.get(server.url).content == b"one"
    for forward_status in (None, None, 503):
        response = session.get(server.url)
        assert (response.status_code, response.content) == (200, b"one")
        assert (response.cache.status, response.cache.forward_status) == ("stale", forward_status)


def test_an_outage_is_told_otherwise(client: Client, scripted: Scripted, cache: Callable[..., Cache]) -> None:
    binding = b'200 OK\r\nCache-Control: max-age=0, must-revalidate\r\nETag: "a"\r\n'
    server = scripted([answer(binding, b"one")], GONE)
    session = client.session(cache=cache(stale_if_error=inf), retries=0)
    session.get(server.url)
    with pytest.raises(ConnectionError):
        session.get(server.url)


def test_interim_responses_are_shown_once(client: Client, scripted: Scripted) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
    server = scripted([hints + answer(b"200 OK\r\n" + TAGGED, b"one")])
    session = client.session()
    first, second = session.get(server.url), session.get(server.url)
    assert [(status, headers["Link"]) for status, headers in first.interim] == [(103, "</a>; rel=preload")]
    assert (second.cache.status, second.interim, "Link" in second.headers) == ("hit", [], False)
