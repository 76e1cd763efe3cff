"""Stale responses for failures and while validating, over the whole cache stage (RFC 9111 4.2.4, RFC 5861)."""

from math import inf
from typing import Any

import pytest

from cache_world import ETAG, Streamed, World, whole, world_with
from smartclient._model.errors import ConnectTimeout, ReadTimeout, ServerDisconnected, SSLError

SHORT = ("Cache-Control", "max-age=1")
COVERED = ("Cache-Control", "max-age=1, stale-if-error=60")


def stale(world: World, *lines: tuple[str, str]) -> World:
    world.will(200, *lines, ("Set-Cookie", "a=old"), body=b"one")
    world.send()
    world.now += 10
    return world


@pytest.mark.parametrize("lines", [(), (ETAG,)], ids=["plain", "conditional"])
@pytest.mark.parametrize(
    "failure", [ServerDisconnected("x"), ConnectTimeout("x"), ReadTimeout("x"), 500, 502, 503, 504]
)
def test_a_failure_is_covered(lines: tuple[Any, ...], failure: Any) -> None:
    world = stale(World(), COVERED, *lines)
    body = Streamed([b"busy"])
    if isinstance(failure, int):
        world.will(failure, ("Set-Cookie", "a=new"), body=body)
    else:
        failure.attempts = ("one",)
        world.answers.append(failure)
    reply = world.send()
    assert (reply.head.status, whole(reply), reply.provenance) == (200, b"one", "cache")
    assert (reply.cache.status, reply.cache.rule, reply.cache.fresh) == ("stale", "RFC 5861 section 4", False)
    assert str(reply.cache).startswith("smartclient; fwd=stale; ")
    if isinstance(failure, int):
        assert (reply.cache.forward_status, body.calls) == (failure, ["discard"])
        assert reply.network_head is not None
        assert reply.network_head.fields.get("set-cookie") == "a=new"
    else:
        assert reply.attempts == ("one",)


@pytest.mark.parametrize(
    ("world", "lines", "asked"),
    [
        pytest.param(World(), (SHORT, ETAG), (), id="nothing allows it"),
        pytest.param(
            world_with(stale_if_error=inf), (("Cache-Control", "max-age=1, must-revalidate"), ETAG), (), id="binding"
        ),
        pytest.param(world_with(stale_if_error=inf), (("Cache-Control", "no-cache"), ETAG), (), id="5.2.2.4 no-cache"),
        pytest.param(
            world_with(stale_if_error=inf), (SHORT, ETAG), (("Cache-Control", "no-cache"),), id="5.2.1.4 no-cache"
        ),
        pytest.param(world_with(stale_if_error=5), (SHORT, ETAG), (), id="too late"),
    ],
)
def test_a_failure_is_the_callers(world: World, lines: tuple[Any, ...], asked: tuple[Any, ...]) -> None:
    stale(world, *lines)
    world.answers.append(ServerDisconnected("gone"))
    with pytest.raises(ServerDisconnected):
        world.send(*asked)
    world.will(503, body=b"busy")
    assert world.get(*asked) == (503, b"busy", "network")


def test_a_certificate_that_cannot_be_trusted_is_always_told() -> None:
    world = stale(world_with(stale_if_error=inf), SHORT)
    world.answers.append(SSLError("expired"))
    with pytest.raises(SSLError):
        world.send()


def test_the_request_allows_it() -> None:
    world = stale(World(), SHORT)
    world.will(503)
    assert world.get(("Cache-Control", "stale-if-error=60")) == (200, b"one", "cache")


def test_a_part_and_a_304_stand_in_too() -> None:
    world = stale(world_with(stale_if_error=inf), SHORT, ETAG)
    world.answers += [ServerDisconnected("gone")] * 2
    assert world.get(("Range", "bytes=1-")) == (206, b"ne", "cache")
    assert world.get(("If-None-Match", '"a"')) == (304, b"", "cache")


def test_after_the_outage_the_origin_is_asked_again() -> None:
    world = stale(world_with(stale_if_error=inf), SHORT, ETAG)
    world.answers.append(ReadTimeout("late"))
    assert world.get() == (200, b"one", "cache")
    world.will(304, ("Cache-Control", "max-age=60"), ETAG)
    assert world.get() == (200, b"one", "revalidated")


def test_what_may_be_served_while_it_is_validated() -> None:
    world = stale(World(), ("Cache-Control", "max-age=1, stale-while-revalidate=60"), ETAG)
    reply = world.send(("Cache-Control", "only-if-cached"))
    assert (reply.provenance, reply.cache.status, reply.cache.rule) == ("cache", "stale", "RFC 5861 section 3")
    world.now += 60
    world.will(304, SHORT, ETAG)
    assert world.get() == (200, b"one", "revalidated")
