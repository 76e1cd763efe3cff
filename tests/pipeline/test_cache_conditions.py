"""The caller's own conditions, over the whole cache stage (RFC 9111 sections 4.3.2 and 4.3.4)."""

from typing import Any

import pytest

from cache_world import ETAG, FRESH, RUNTIME, START, World, whole
from smartclient._model.fields import format_http_date
from smartclient._runtime.base import run_blocking

MODIFIED = ("Last-Modified", format_http_date(START - 1000))
SHORT = ("Cache-Control", "max-age=1")


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(("If-None-Match", '"a"'), id="tag"),
        pytest.param(("If-None-Match", '"x", W/"a"'), id="list, weak comparison"),
        pytest.param(("If-None-Match", "*"), id="any"),
        pytest.param(("If-Modified-Since", MODIFIED[1]), id="date"),
        pytest.param(("If-Modified-Since", format_http_date(START - 10)), id="later date"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_fresh_answers_them(world: World, line: tuple[str, str], method: str) -> None:
    world.will(200, FRESH, ETAG, MODIFIED, ("Vary", "Foo"), ("Content-Type", "a/b"), ("Set-Cookie", "a=b"), body=b"one")
    world.send()
    reply = world.send(line, method=method)
    assert (reply.head.status, reply.head.reason, whole(reply)) == (304, "Not Modified", b"")
    assert [name for name, _ in reply.head.fields] == ["Date", "Cache-Control", "ETag", "Vary", "Age"]
    assert (reply.provenance, reply.cache.status, len(world.requests)) == ("cache", "hit", 1)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(("If-None-Match", '"b"'), id="another tag"),
        pytest.param(("If-Modified-Since", format_http_date(START - 2000)), id="earlier date"),
        pytest.param(("If-Modified-Since", "yesterday"), id="no date"),
    ],
)
def test_what_is_fresh_and_other_than_the_caller_has_is_served(world: World, line: tuple[str, str]) -> None:
    world.will(200, FRESH, ETAG, MODIFIED, body=b"one")
    world.send()
    assert world.get(line) == (200, b"one", "cache")


@pytest.mark.parametrize("line", [("If-None-Match", '"a"'), ("If-Modified-Since", MODIFIED[1])])
@pytest.mark.parametrize("status", [200, 304])
def test_of_what_is_stale_they_ask_the_origin_as_they_are(world: World, line: tuple[str, str], status: int) -> None:
    world.will(200, SHORT, ETAG, MODIFIED, body=b"one")
    world.send()
    world.now += 90
    world.will(status, FRESH, ETAG, body=b"two" if status == 200 else b"")
    reply = world.send(line)
    assert (reply.head.status, reply.provenance) == (status, "network")
    assert world.requests[1].fields.lines == (line,)
    assert str(reply.cache).startswith(f"smartclient; fwd=stale; fwd-status={status}")
    assert world.get() == (200, b"two" if status == 200 else b"one", "cache")  # the 304 freshened what is stored


def test_a_304_about_another_representation_freshens_nothing(world: World) -> None:
    world.will(200, SHORT, ETAG, body=b"one")
    world.send()
    world.now += 90
    world.will(304, FRESH, ("ETag", '"b"'))
    assert world.get(("If-None-Match", '"b"')) == (304, b"", "network")
    world.will(304, FRESH, ETAG)
    assert world.get() == (200, b"one", "revalidated")


def test_the_answer_to_a_condition_is_stored_when_it_is_whole(world: World) -> None:
    world.will(200, FRESH, ETAG, body=b"one")
    assert world.get(("If-None-Match", '"b"')) == (200, b"one", "network")
    assert world.get() == (200, b"one", "cache")


@pytest.mark.parametrize("line", [("If-Match", '"a"'), ("If-Unmodified-Since", MODIFIED[1])])
@pytest.mark.parametrize("status", [200, 412])
def test_conditions_for_the_origin_go_there(world: World, line: tuple[str, str], status: int) -> None:
    world.will(200, FRESH, ETAG, body=b"one")
    world.send()
    world.will(status, FRESH, ETAG, body=b"x")
    assert world.get(line) == (status, b"x", "network")
    assert world.requests[1].fields.lines == (line,)
    assert world.get() == (200, b"one", "cache")


def test_a_head_that_agrees_freshens(world: World) -> None:
    world.will(200, SHORT, ETAG, ("Content-Length", "3"), ("X", "old"), body=b"one")
    world.send()
    world.now += 90
    world.will(200, FRESH, ETAG, ("Content-Length", "3"), ("X", "new"))
    head = world.send(("Cache-Control", "no-cache"), method="HEAD", cache="default")
    assert (head.head.status, head.provenance, head.cache.stored) == (200, "network", False)
    reply = world.send()
    assert (reply.provenance, whole(reply), reply.head.fields.get("x")) == ("cache", b"one", "new")


@pytest.mark.parametrize("line", [("ETag", '"b"'), ("Content-Length", "4"), ("Last-Modified", MODIFIED[1])])
def test_a_head_that_differs_makes_stale(world: World, line: tuple[str, str]) -> None:
    world.will(200, FRESH, ETAG, ("Last-Modified", format_http_date(START - 2000)), body=b"one")
    world.send()
    world.will(200, FRESH, line)
    world.send(("Cache-Control", "no-cache"), method="HEAD")
    world.will(200, FRESH, ("ETag", '"b"'), body=b"two")
    assert world.get() == (200, b"two", "network")
    assert world.requests[2].fields.get("if-none-match") == '"a"'


def test_a_post_that_says_it_is_what_a_get_would_bring_answers_later_gets(world: World) -> None:
    world.will(200, FRESH, body=b"old")
    world.send()
    world.will(200, FRESH, ("Content-Location", "/a"), body=b"new")
    posted = world.send(method="POST")
    assert (whole(posted), posted.cache.stored) == (b"new", True)
    assert world.get() == (200, b"new", "cache")
    assert world.get(method="HEAD") == (200, b"", "cache")
    assert run_blocking(world.store.stats(RUNTIME)).items == 1


def test_a_304_that_nobody_asked_for_goes_to_the_caller() -> None:
    world = World()
    world.will(304, FRESH, ETAG)
    assert world.get() == (304, b"", "network")
    world.will(200, FRESH, body=b"one")
    assert world.get() == (200, b"one", "network")  # nothing was stored


NO_VALIDATOR = ("X", "1")


@pytest.mark.parametrize(
    ("stored", "answer", "expected"),
    [
        pytest.param(NO_VALIDATOR, NO_VALIDATOR, (200, b"one", "revalidated"), id="both without validators"),
        pytest.param(NO_VALIDATOR, ETAG, (304, b"", "network"), id="another representation"),
    ],
)
def test_a_304_without_conditions_confirms_what_it_is_about(stored: Any, answer: Any, expected: Any) -> None:
    world = World()
    world.will(200, FRESH, stored, body=b"one")
    world.send()
    world.now += 100
    world.will(304, FRESH, answer)
    assert world.get() == expected
    if expected[2] == "revalidated":
        assert world.get() == (200, b"one", "cache")
