"""The cache stage over a scripted origin and a clock that only moves when told."""

import gc
import logging
from collections.abc import Iterable
from typing import Any

import pytest

from cache_world import ETAG, FRESH, RUNTIME, START, URI, Streamed, World, whole
from smartclient._model.body import BytesReader, RequestBody
from smartclient._model.errors import IncompleteBody, ReadTimeout, SessionMisuse
from smartclient._model.fields import format_http_date
from smartclient._model.options import TLS
from smartclient._model.request import Request
from smartclient._model.scope import EVERYTHING, Scope
from smartclient._model.stored import Stored
from smartclient._model.url import URL
from smartclient._runtime.base import run_blocking
from smartclient._store.memory import MemoryStore


@pytest.fixture
def world() -> World:
    return World()


def test_the_conversation_of_a_cached_resource(world: World) -> None:
    world.will(200, FRESH, ETAG, body=b"one")
    assert world.get() == (200, b"one", "network")
    world.now += 30
    assert world.get() == (200, b"one", "cache")
    assert len(world.requests) == 1
    world.now += 60
    world.will(304, FRESH, ETAG)
    assert world.get() == (200, b"one", "revalidated")
    assert world.requests[1].fields.lines == (("If-None-Match", '"a"'),)
    assert world.get() == (200, b"one", "cache")
    world.now += 90
    world.will(200, FRESH, ("ETag", '"b"'), body=b"two")
    assert world.get() == (200, b"two", "network")
    assert world.get() == (200, b"two", "cache")
    assert len(world.requests) == 3


def test_a_hit_has_the_stored_fields_and_an_age(world: World) -> None:
    world.will(200, FRESH, ("Age", "7"), ("Connection", "close"), ("X", "1"), ("Set-Cookie", "a=b"), body=b"one")
    first = world.send()
    world.now += 10.5
    hit = world.send()
    assert hit.head.fields.lines == (
        ("Date", format_http_date(START)),
        FRESH,
        ("X", "1"),
        ("Set-Cookie", "a=b"),
        ("Age", "18"),
    )
    assert hit.network_head is None
    assert str(hit.cache) == "smartclient; hit; ttl=41"
    assert (hit.cache.status, hit.cache.age, hit.cache.fresh) == ("hit", 18, True)
    assert (first.cache.status, first.cache.stored, first.cache.forward) == ("miss", True, "uri-miss")
    assert first.head.fields.get("connection") == "close"


def test_head_is_answered_from_a_stored_get(world: World) -> None:
    world.will(200, FRESH, ("Content-Length", "3"), body=b"one")
    world.send()
    reply = world.send(method="HEAD")
    assert (reply.provenance, whole(reply), reply.head.fields.get("content-length")) == ("cache", b"", "3")


def test_head_is_not_stored(world: World) -> None:
    world.will(200, FRESH)
    world.will(200, FRESH, body=b"one")
    assert world.get(method="HEAD") == (200, b"", "network")
    assert world.get() == (200, b"one", "network")


def test_cache_none_goes_straight_on(world: World) -> None:
    world.will(200, FRESH, body=b"one")
    world.will(200, FRESH, body=b"two")
    assert world.send(cache=None).cache is None
    assert world.get() == (200, b"two", "network")


def test_what_cannot_be_stored_passes_as_it_is(world: World) -> None:
    world.will(200, body=b"one")
    reply = world.send()
    assert (reply.provenance, whole(reply)) == ("network", b"one")
    assert str(reply.cache) == "smartclient; fwd=uri-miss; fwd-status=200"
    assert reply.cache.why_not_stored == "it could be neither reused nor validated"
    assert run_blocking(world.store.stats(RUNTIME)).items == 0


def test_a_get_with_content_is_neither_served_nor_stored(world: World) -> None:
    world.will(200, FRESH, body=b"one")
    world.send()
    world.will(200, FRESH, body=b"found")
    request = Request("GET", URL.parse(URI), body=RequestBody(b"query"))
    assert whole(run_blocking(world.stage(request))) == b"found"
    assert world.get() == (200, b"one", "cache")


def test_failures_of_the_origin_are_the_callers(world: World) -> None:
    world.will(200, ("Cache-Control", "max-age=1"), ETAG, body=b"one")
    world.send()
    world.now += 90
    world.answers.append(ReadTimeout("late"))
    with pytest.raises(ReadTimeout):
        world.send()


# Bodies


def test_a_streamed_body_is_committed_at_its_end_and_before_the_reader_sees_it(world: World) -> None:
    world.will(200, FRESH, body=Streamed([b"o", b"ne"]))
    reply = world.send()
    assert [run_blocking(reply.body.read()) for _ in range(2)] == [b"o", b"ne"]
    assert run_blocking(world.store.stats(RUNTIME)).items == 0
    assert run_blocking(reply.body.read()) == b""
    assert reply.body.trailers.get("digest") == "x"
    assert world.get() == (200, b"one", "cache")
    assert run_blocking(reply.body.read()) == b""


@pytest.mark.parametrize("how", ["abort", "discard", "broken", "dropped"])
def test_an_unfinished_body_is_never_stored(world: World, how: str) -> None:
    body = Streamed([b"o", b"ne"], IncompleteBody("cut") if how == "broken" else None)
    world.will(200, FRESH, body=body)
    reply = world.send()
    run_blocking(reply.body.read())
    if how == "broken":
        with pytest.raises(IncompleteBody):
            whole(reply)
    elif how == "abort":
        reply.body.abort()
        whole(reply)
    elif how == "discard":
        run_blocking(reply.body.discard())
        whole(reply)
    else:
        reply.body = reply.raw = BytesReader(b"")
        gc.collect()
    assert body.calls == ([how] if how in ("abort", "discard") else [])
    assert run_blocking(world.store.stats(RUNTIME)).items == 0


def test_a_body_that_is_too_large_passes_whole() -> None:
    small = World(MemoryStore(8 * 4096))
    small.will(200, FRESH, body=Streamed([b"x" * 1000] * 10))
    assert small.get() == (200, b"x" * 10_000, "network")
    small.will(200, FRESH, body=b"x" * 10_000)
    reply = small.send()
    assert whole(reply) == b"x" * 10_000
    assert (reply.cache.stored, str(reply.cache)[-6:]) == (False, "ttl=59")
    assert reply.cache.why_not_stored.startswith("the store did not take it")
    assert run_blocking(small.store.stats(RUNTIME)).items == 0


def test_readers_below_the_decoders_and_above_are_the_same_here(world: World) -> None:
    world.will(200, FRESH, body=Streamed([b"one"]))
    reply = world.send()
    assert reply.raw is reply.body
    whole(reply)
    hit = world.send()
    assert hit.raw is hit.body


# Validation


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_304_shows_the_stored_response_and_the_network_head(world: World, method: str) -> None:
    world.will(200, ("Cache-Control", "max-age=1"), ETAG, ("X", "old"), ("Y", "old"), body=b"one")
    world.send()
    world.now += 90
    body = Streamed([])
    world.will(304, ETAG, FRESH, ("X", "new"), ("Set-Cookie", "a=b"), body=body)
    reply = world.send(("Accept", "*/*"), method=method)
    assert (reply.head.status, whole(reply)) == (200, b"one" if method == "GET" else b"")
    assert [reply.head.fields.get(name) for name in ("x", "y", "age")] == ["new", "old", "1"]
    assert reply.network_head is not None
    assert (reply.network_head.status, reply.network_head.fields.getlist("set-cookie")) == (304, ["a=b"])
    assert body.calls == ["discard"]
    assert str(reply.cache) == "smartclient; fwd=stale; fwd-status=304; ttl=59"
    assert reply.cache.status == "revalidated"
    assert "if-none-match" in world.requests[1].fields
    assert "if-none-match" not in reply.request.fields


def test_a_304_about_something_else_is_asked_again_once(world: World) -> None:
    world.will(200, ("Cache-Control", "max-age=1"), ETAG, body=b"one")
    world.send()
    world.now += 90
    world.will(304, ("ETag", '"z"'))
    world.will(200, FRESH, ("ETag", '"z"'), body=b"two")
    assert world.get() == (200, b"two", "network")
    assert [list(request.fields.index) for request in world.requests[1:]] == [["if-none-match"], []]
    assert world.get() == (200, b"two", "cache")


def test_a_304_survives_eviction_of_what_it_confirms(world: World) -> None:
    world.will(200, ("Cache-Control", "max-age=1"), ETAG, body=b"one")
    world.send()
    world.now += 90
    world.will(304, ETAG, FRESH)
    world.during = lambda: run_blocking(world.store.invalidate(RUNTIME, [EVERYTHING], 0.0))
    assert world.get() == (200, b"one", "revalidated")
    assert run_blocking(world.store.stats(RUNTIME)).items == 0


def test_server_errors_leave_the_stored_response_alone(world: World) -> None:
    world.will(200, ("Cache-Control", "max-age=10"), ETAG, body=b"one")
    world.send()
    world.will(503, FRESH, body=b"busy")
    assert world.get(("Cache-Control", "no-cache")) == (503, b"busy", "network")
    assert world.get() == (200, b"one", "cache")


def test_a_full_answer_replaces(world: World) -> None:
    world.will(200, FRESH, ETAG, body=b"one")
    world.send()
    world.will(404, FRESH, body=b"gone")
    assert world.get(cache="refresh") == (404, b"gone", "network")
    assert world.get() == (404, b"gone", "cache")


def test_a_304_that_forbids_storing_answers_once(world: World) -> None:
    world.will(200, ("Cache-Control", "max-age=1"), ETAG, body=b"one")
    world.send()
    world.now += 90
    world.will(304, ETAG, ("Cache-Control", "no-store"))
    assert world.get() == (200, b"one", "revalidated")
    assert run_blocking(world.store.stats(RUNTIME)).items == 0


# Modes


def test_refresh_validates(world: World) -> None:
    world.will(200, FRESH, ETAG, body=b"one")
    world.send()
    world.will(304, FRESH, ETAG)
    assert world.get(cache="refresh") == (200, b"one", "revalidated")


def test_reload_fetches_without_conditions_and_stores(world: World) -> None:
    world.will(200, FRESH, ETAG, body=b"one")
    world.send()
    world.will(200, FRESH, ETAG, body=b"two")
    assert world.get(cache="reload") == (200, b"two", "network")
    assert len(world.requests[1].fields) == 0
    assert world.get() == (200, b"two", "cache")


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(([], {"cache": "only"}), id="mode"),
        pytest.param(([("Cache-Control", "only-if-cached")], {}), id="5.2.1.7 directive"),
    ],
)
def test_only_never_reaches_the_network(world: World, asked: tuple[list[tuple[str, str]], dict[str, str]]) -> None:
    lines, options = asked
    reply = world.send(*lines, **options)
    assert (reply.head.status, reply.head.reason, whole(reply)) == (504, "Gateway Timeout", b"")
    assert (reply.provenance, reply.cache.rule, world.requests) == ("cache", "RFC 9111 section 5.2.1.7", [])
    assert str(reply.cache) == "smartclient"
    world.will(200, FRESH, body=b"one")
    world.send()
    assert world.get(*lines, **options) == (200, b"one", "cache")


def test_max_stale_is_served_and_said(world: World) -> None:
    world.will(200, FRESH, body=b"one")
    world.send()
    world.now += 70
    reply = world.send(("Cache-Control", "max-stale"))
    assert (reply.provenance, reply.cache.status, reply.cache.fresh) == ("cache", "stale", False)


# Variants and partitions


def test_variants_stand_side_by_side(world: World) -> None:
    vary = ("Vary", "Accept-Language")
    world.will(200, FRESH, vary, body=b"english")
    world.will(200, FRESH, vary, body=b"deutsch")
    world.send(("Accept-Language", "en"))
    world.send(("Accept-Language", "de"))
    assert world.get(("Accept-Language", "EN")) == (200, b"english", "cache")
    assert world.get(("Accept-Language", "de")) == (200, b"deutsch", "cache")


def test_a_304_selects_among_all_variants_and_is_kept_for_the_new_request(world: World) -> None:
    vary = ("Vary", "Foo")
    world.will(200, FRESH, vary, ("ETag", '"1"'), body=b"one")
    world.will(200, FRESH, vary, ("ETag", '"2"'), body=b"two")
    world.send(("Foo", "1"))
    world.send(("Foo", "2"))
    world.will(304, FRESH, vary, ("ETag", '"1"'))
    reply = world.send(("Foo", "3"))
    assert (whole(reply), reply.cache.forward) == (b"one", "vary-miss")
    assert world.requests[2].fields.get("if-none-match") == '"1", "2"'
    assert [world.get(("Foo", foo)) for foo in "123"] == [
        (200, b"one", "cache"),
        (200, b"two", "cache"),
        (200, b"one", "cache"),
    ]


ANNA, BERT = ("Authorization", "Basic YW5uYQ=="), ("Authorization", "Basic YmVydA==")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(([ANNA], {}), ([BERT], {}), id="two users"),
        pytest.param(([ANNA], {}), ([], {}), id="nobody after a user"),
        pytest.param(([], {}), ([ANNA], {}), id="a user after nobody"),
        pytest.param(([("Cookie", "s=1")], {}), ([("Cookie", "s=2")], {}), id="two sessions"),
        pytest.param(([("Cookie", "s=1")], {}), ([], {}), id="nobody after a session"),
        pytest.param(([("X-API-Key", "1")], {}), ([("X-API-Key", "2")], {}), id="two keys"),
        pytest.param(([], {"tls": TLS(verify=False)}), ([], {}), id="verification off"),
        pytest.param(([], {"tls": TLS(ca="/other.pem")}), ([("Cookie", "s=1")], {}), id="other trust store"),
    ],
)
def test_partitions_never_share(world: World, first: tuple[Any, Any], second: tuple[Any, Any]) -> None:
    world.will(200, FRESH, body=b"one")
    world.will(200, FRESH, body=b"two")
    assert world.get(*first[0], **first[1]) == (200, b"one", "network")
    assert world.get(*second[0], **second[1]) == (200, b"two", "network")
    assert world.get(*first[0], **first[1]) == (200, b"one", "cache")


def test_a_cookie_does_not_hide_what_was_given_to_nobody(world: World) -> None:
    world.will(200, FRESH, body=b"one")
    world.send()
    assert world.get(("Cookie", "s=1")) == (200, b"one", "cache")


def test_what_a_session_had_confirmed_stays_its_own(world: World) -> None:
    world.will(200, ("Cache-Control", "max-age=1"), ETAG, body=b"one")
    world.send()
    world.now += 90
    world.will(304, FRESH, ETAG, ("Set-Cookie", "s=secret"))
    assert world.get(("Cookie", "s=1")) == (200, b"one", "revalidated")
    world.will(304, FRESH, ETAG)
    nobody = world.send()
    assert (nobody.provenance, "set-cookie" in nobody.head.fields) == ("revalidated", False)


# Invalidation


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH"])
def test_unsafe_methods_invalidate_all_variants_and_partitions(world: World, method: str) -> None:
    for lines in ([], [ANNA], [("Cookie", "s=1"), ("Foo", "1")]):
        world.will(200, FRESH, ("Vary", "Foo"), body=b"one")
        world.send(*lines)
    assert run_blocking(world.store.stats(RUNTIME)).items == 3
    world.will(204)
    reply = world.send(method=method)
    assert str(reply.cache) == "smartclient; fwd=method; fwd-status=204"
    assert run_blocking(world.store.stats(RUNTIME)).items == 0


def test_failed_unsafe_methods_invalidate_nothing(world: World) -> None:
    world.will(200, FRESH, body=b"one")
    world.send()
    world.will(500)
    world.send(method="POST")
    assert world.get() == (200, b"one", "cache")


def test_location_of_the_same_origin_is_invalidated_too(world: World) -> None:
    world.will(200, FRESH, body=b"one")
    world.send(uri="https://h.example/b")
    world.will(201, ("Location", "/b"))
    world.send(method="POST")
    assert run_blocking(world.store.stats(RUNTIME)).items == 0


@pytest.mark.parametrize("streamed", [False, True])
def test_a_slow_answer_does_not_bring_back_what_was_invalidated(world: World, streamed: bool) -> None:
    def post() -> None:
        world.answers.insert(0, (204, [], b""))
        world.send(method="POST")

    world.will(200, FRESH, body=Streamed([b"old"]) if streamed else b"old")
    world.during = post
    assert world.get() == (200, b"old", "network")
    world.now += 1
    world.will(200, FRESH, body=b"new")
    assert world.get() == (200, b"new", "network")
    assert world.get() == (200, b"new", "cache")


# Stores that fail


FAILING = ["lacks", "salt", "lookup", "writer", "invalidate"]


class Broken:
    """A store of which everything fails."""

    traits = MemoryStore().traits

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: object) -> Any:
            raise RuntimeError("database is locked")

        return fail

    def lacks(self, uri: str) -> bool:
        raise RuntimeError("database is locked")

    def touch(self, stored: object) -> None:
        raise RuntimeError("database is locked")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_broken_store_costs_log_lines_and_misses(caplog: pytest.LogCaptureFixture, streamed: bool) -> None:
    world = World(Broken())
    with caplog.at_level(logging.WARNING, "smartclient"):
        for _ in range(3):
            world.will(200, FRESH, ETAG, body=Streamed([b"one"]) if streamed else b"one")
            assert world.get() == (200, b"one", "network")
            world.will(204)
            assert world.get(method="POST") == (204, b"", "network")
    assert sorted(record.getMessage().split()[2] for record in caplog.records) == sorted(FAILING)


class Waiting(MemoryStore):
    """A store that waits in one of its methods, so that a call can be cancelled there."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self.method = method

    async def invalidate(self, runtime: Any, scopes: Iterable[Scope], moment: float) -> int:
        await self.wait("invalidate")
        return await super().invalidate(runtime, scopes, moment)

    async def writer(self, runtime: Any, record: Stored) -> Any:
        await self.wait("writer")
        writer = await super().writer(runtime, record)
        write = writer.write

        async def slow_write(piece: bytes) -> bool:
            await self.wait("write")
            return await write(piece)

        writer.write = slow_write  # type: ignore[method-assign]
        return writer

    async def wait(self, method: str) -> None:
        if method == self.method:
            await Never()


class Never:
    def __await__(self) -> Any:
        yield


@pytest.mark.parametrize(("store_waits_in", "method"), [("writer", "GET"), ("invalidate", "POST")])
def test_a_call_cancelled_in_the_store_gives_its_connection_up(store_waits_in: str, method: str) -> None:
    world = World(Waiting(store_waits_in))
    body = Streamed([b"one"])
    world.will(200, FRESH, body=body)
    with pytest.raises(SessionMisuse):  # run_blocking closes what suspends, as a cancellation would
        world.send(method=method)
    assert body.calls == ["abort"]


def test_a_piece_cancelled_on_its_way_to_the_store_is_not_missing_there() -> None:
    store = Waiting("write")
    world = World(store)
    world.will(200, FRESH, body=Streamed([b"o", b"ne"]))
    reply = world.send()
    with pytest.raises(SessionMisuse):
        run_blocking(reply.body.read())
    store.method = "none"
    assert whole(reply) == b"ne"
    assert run_blocking(store.stats(RUNTIME)).items == 0
