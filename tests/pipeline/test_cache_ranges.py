"""Ranges and parts, over the whole cache stage (RFC 9111 section 3.4), with content in hand and in the store."""

from copy import copy
from typing import Any

import pytest

from cache_world import ETAG, FRESH, RUNTIME, Streamed, World, whole
from smartclient._model.body import BytesReader
from smartclient._model.errors import ChunkedEncodingError, IncompleteBody, RequestException
from smartclient._model.policy import CachePolicy
from smartclient._model.stored import Stored
from smartclient._runtime.base import run_blocking
from smartclient._store.memory import MemoryStore

ALL = b"0123456789"
SHORT = ("Cache-Control", "max-age=1")


class Elsewhere(MemoryStore):
    """A store that has contents to be opened, and may have lost them."""

    lost = False

    async def lookup(self, runtime: Any, keys: Any) -> list[Stored]:
        found = []
        for held in self.found(keys):
            shown = copy(held)
            shown.body, shown.place = None, held
            found.append(shown)
        return found

    async def open_body(self, runtime: Any, stored: Stored, span: tuple[int, int] | None = None) -> BytesReader | None:
        if self.lost:
            return None
        assert stored.place is not None
        return await super().open_body(runtime, stored.place, span)

    async def freshen(self, runtime: Any, stored: Stored, record: Stored) -> bool:
        record.body = stored.place.body
        return await super().freshen(runtime, stored.place, record)


@pytest.fixture(params=[MemoryStore, Elsewhere])
def world(request: Any) -> World:
    return World(request.param(), CachePolicy(complete_parts=True))


def part(world: World, first: int, last: int, *lines: tuple[str, str], body: Any = None) -> None:
    content = ALL[first : last + 1] if body is None else body
    world.will(206, FRESH, ("Content-Range", f"bytes {first}-{last}/10"), *(lines or (ETAG,)), body=content)


def ranged(text: str) -> tuple[str, str]:
    return ("Range", f"bytes={text}")


def held(world: World) -> list[Stored]:
    page, _ = run_blocking(world.store.iterate(RUNTIME))
    return list(page)


@pytest.mark.parametrize(
    ("text", "content", "covered"),
    [
        ("0-1", b"01", "bytes 0-1/10"),
        ("1-", b"123456789", "bytes 1-9/10"),
        ("-1", b"9", "bytes 9-9/10"),
        ("8-99", b"89", "bytes 8-9/10"),
    ],
)
def test_a_range_of_what_is_stored_whole(world: World, text: str, content: bytes, covered: str) -> None:
    world.will(200, FRESH, ("Content-Length", "10"), ("Set-Cookie", "a=b"), body=ALL)
    world.send()
    reply = world.send(ranged(text))
    assert (reply.head.status, whole(reply), reply.head.fields.getlist("content-range")) == (206, content, [covered])
    assert reply.head.fields.getlist("content-length") == [str(len(content))]
    assert str(reply.cache).startswith("smartclient; hit")


def test_a_range_of_a_stored_part(world: World) -> None:
    part(world, 4, 9)
    assert world.get(ranged("-6")) == (206, b"456789", "network")
    assert world.get(ranged("-6")) == (206, b"456789", "cache")
    assert world.get(ranged("5-6")) == (206, b"56", "cache")
    part(world, 0, 1)
    assert world.get(ranged("0-1")) == (206, b"01", "network")  # not covered, and not touching: it takes the place
    assert [stored.part for stored in held(world)] == [(0, 1, 10)]
    assert world.requests[1].fields.lines == (ranged("0-1"),)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("first", ["0-4", "5-9"])
def test_parts_that_touch_become_the_whole(world: World, first: str, streamed: bool) -> None:
    for text in (first, "5-9" if first == "0-4" else "0-4"):
        begin, end = (int(each) for each in text.split("-"))
        content = ALL[begin : end + 1]
        part(world, begin, end, body=Streamed([content[:2], content[2:]]) if streamed else content)
        assert world.get(ranged(text)) == (206, content, "network")
    assert world.get() == (200, ALL, "cache")
    assert held(world)[0].fields.getlist("content-length") == ["10"]


def test_parts_that_overlap(world: World) -> None:
    part(world, 2, 6)
    world.send(ranged("2-6"))
    part(world, 4, 8)
    assert world.get(ranged("4-8")) == (206, b"45678", "network")
    assert world.get(ranged("2-8")) == (206, b"2345678", "cache")


@pytest.mark.parametrize("body", [b"5678", b"56789x", Streamed([b"5678"])], ids=["short", "long", "streamed"])
def test_a_part_that_is_not_as_long_as_it_says_joins_nothing(world: World, body: Any) -> None:
    part(world, 0, 4)
    world.send(ranged("0-4"))
    part(world, 5, 9, body=body)
    world.get(ranged("5-9"))
    assert [stored.part for stored in held(world)] == [(0, 4, 10)]
    assert world.get(ranged("0-4")) == (206, b"01234", "cache")


def test_a_part_that_breaks_off_joins_nothing(world: World) -> None:
    part(world, 0, 4)
    world.send(ranged("0-4"))
    part(world, 5, 9, body=Streamed([b"56"], IncompleteBody("cut")))
    with pytest.raises(IncompleteBody):
        world.get(ranged("5-9"))
    assert [stored.part for stored in held(world)] == [(0, 4, 10)]


def test_a_stale_part_is_validated(world: World) -> None:
    world.will(206, SHORT, ETAG, ("Content-Range", "bytes 0-4/10"), body=b"01234")
    world.send(ranged("0-4"))
    world.now += 90
    world.will(304, FRESH, ETAG)
    assert world.get(ranged("1-2")) == (206, b"12", "revalidated")
    assert world.requests[1].fields.lines == (ranged("1-2"), ("If-None-Match", '"a"'))
    assert world.get(ranged("0-1")) == (206, b"01", "cache")


def test_if_range(world: World) -> None:
    world.will(200, FRESH, ETAG, body=ALL)
    world.send()
    assert world.get(ranged("0-1"), ("If-Range", '"a"')) == (206, b"01", "cache")
    assert world.get(ranged("0-1"), ("If-Range", '"b"')) == (200, ALL, "cache")


# Completing


@pytest.mark.parametrize("streamed", [False, True])
def test_the_rest_of_a_stored_start_is_asked_for(world: World, streamed: bool) -> None:
    part(world, 0, 4)
    world.send(ranged("0-4"))
    part(world, 5, 9, body=Streamed([b"56", b"789"]) if streamed else None)
    reply = world.send()
    assert (reply.head.status, whole(reply), reply.provenance) == (200, ALL, "revalidated")
    assert reply.head.fields.getlist("content-length") == ["10"]
    assert reply.network_head is not None
    assert reply.network_head.status == 206
    assert str(reply.cache) == "smartclient; fwd=partial; fwd-status=206; ttl=59; stored"
    assert world.requests[1].fields.lines == (ranged("5-"), ("If-Range", '"a"'))
    assert reply.request.fields.lines == ()
    assert world.get() == (200, ALL, "cache")


def test_what_has_changed_comes_whole(world: World) -> None:
    part(world, 0, 4)
    world.send(ranged("0-4"))
    world.will(200, FRESH, ("ETag", '"b"'), body=b"new")
    assert world.get() == (200, b"new", "network")
    assert world.get() == (200, b"new", "cache")


@pytest.mark.parametrize("status", [206, 416])
def test_what_does_not_fit_is_asked_for_whole(world: World, status: int) -> None:
    part(world, 0, 4)
    world.send(ranged("0-4"))
    world.will(status, FRESH, ("ETag", '"b"'), ("Content-Range", "bytes 5-9/10"), body=b"56789")
    world.will(200, FRESH, ("ETag", '"b"'), body=b"new")
    assert world.get() == (200, b"new", "network")
    assert [len(request.fields) for request in world.requests] == [1, 2, 0]


@pytest.mark.parametrize("body", [b"5678", b"56789x"])
def test_a_rest_that_is_not_as_long_as_it_says_ends_in_an_error(world: World, body: bytes) -> None:
    part(world, 0, 4)
    world.send(ranged("0-4"))
    part(world, 5, 9, body=body)
    with pytest.raises(ChunkedEncodingError):
        world.get()
    assert [stored.part for stored in held(world)] == [(0, 4, 10)]


@pytest.mark.parametrize("how", ["abort", "discard"])
def test_a_rest_that_is_given_up_changes_nothing(world: World, how: str) -> None:
    part(world, 0, 4)
    world.send(ranged("0-4"))
    body = Streamed([b"56", b"789"])
    part(world, 5, 9, body=body)
    reply = world.send()
    run_blocking(reply.body.read())
    if how == "abort":
        reply.body.abort()
    else:
        run_blocking(reply.body.discard())
    assert body.calls == [how]
    assert [stored.part for stored in held(world)] == [(0, 4, 10)]


@pytest.mark.parametrize("lines", [(ETAG, ("Content-Length", "10")), (ETAG,), (("Content-Length", "10"),)])
def test_what_breaks_off_is_kept_as_a_start_if_it_can_be_completed(world: World, lines: tuple[Any, ...]) -> None:
    world.will(200, FRESH, *lines, body=Streamed([b"01", b"234"], IncompleteBody("cut")))
    reply = world.send()
    with pytest.raises(IncompleteBody):
        whole(reply)
    if len(lines) < 2:
        assert held(world) == []
        return
    assert [stored.part for stored in held(world)] == [(0, 4, 10)]
    part(world, 5, 9)
    assert world.get() == (200, ALL, "revalidated")
    assert world.requests[1].fields.lines == (ranged("5-"), ("If-Range", '"a"'))


def test_nothing_that_breaks_off_is_kept_unless_it_is_asked_for() -> None:
    world = World()
    world.will(200, FRESH, ETAG, ("Content-Length", "10"), body=Streamed([b"01"], IncompleteBody("cut")))
    with pytest.raises(RequestException):
        world.get()
    assert held(world) == []


# Content that is gone


def test_content_that_is_gone_is_asked_for() -> None:
    store = Elsewhere()
    world = World(store, CachePolicy(complete_parts=True))
    part(world, 0, 4)
    world.send(ranged("0-4"))
    store.lost = True
    part(world, 0, 4)
    assert world.get(ranged("0-4")) == (206, b"01234", "network")
    part(world, 5, 9)
    world.will(200, FRESH, body=ALL)
    assert world.get() == (200, ALL, "network")  # the rest is of no use alone
    part(world, 0, 4)
    world.send(ranged("0-4"), cache="reload")
    part(world, 5, 9)
    reply = world.send(ranged("5-9"))
    assert (whole(reply), reply.cache.stored) == (b"56789", False)
