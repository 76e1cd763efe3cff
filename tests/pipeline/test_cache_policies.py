"""What a policy changes, over the whole cache stage."""

from math import inf

import pytest

from cache_world import ETAG, FRESH, RUNTIME, START, World, whole, world_with
from smartclient._model.fields import format_http_date
from smartclient._model.policy import CachePolicy, CacheRule
from smartclient._runtime.base import run_blocking

OLD = ("Last-Modified", format_http_date(START - 1000))


def test_policies_that_read_responses_differently_share_nothing() -> None:
    private = World()
    private.will(200, ("Cache-Control", "private, max-age=60"), body=b"mine")
    private.send()
    shared = World(private.store, CachePolicy(shared=True))
    shared.will(200, FRESH, body=b"everybody's")
    assert shared.get() == (200, b"everybody's", "network")
    assert private.get() == (200, b"mine", "cache")


def test_heuristic_lifetimes_are_an_option() -> None:
    for world, provenance in ((World(), "revalidated"), (world_with(heuristic=True), "cache")):
        world.will(200, OLD, body=b"one")
        world.send()
        world.now += 50
        world.will(304, OLD)
        assert world.get() == (200, b"one", provenance)


def test_a_rule_gives_what_says_nothing_a_lifetime() -> None:
    world = world_with(rules=(CacheRule("h.example/a*", 30),))
    world.will(200, body=b"one")
    world.send()
    world.now += 20
    assert world.get() == (200, b"one", "cache")
    world.now += 20
    world.will(200, body=b"two")
    assert world.get() == (200, b"two", "network")


def test_a_rule_beats_what_the_response_says() -> None:
    world = world_with(rules=(CacheRule("h.example", 30, ignore_no_store=True),))
    world.will(200, ("Cache-Control", "no-store, no-cache, max-age=0"), ("Age", "99"), body=b"one")
    world.send()
    assert world.get() == (200, b"one", "cache")
    world.will(500, body=b"error")
    assert world.get(uri="https://h.example/b") == (500, b"error", "network")
    world.will(200, body=b"two")
    assert world.get(uri="https://h.example/b") == (200, b"two", "network")


def test_without_set_cookie_in_the_store() -> None:
    world = world_with(store_set_cookie=False)
    world.will(200, FRESH, ("Set-Cookie", "a=b"), body=b"one")
    assert "set-cookie" in world.send().head.fields
    hit = world.send()
    assert (whole(hit), "set-cookie" in hit.head.fields) == (b"one", False)


def test_a_targeted_field_takes_the_place_of_cache_control() -> None:
    world = world_with(targets=("Client-Cache-Control",))
    world.will(200, ("Cache-Control", "no-store"), ("Client-Cache-Control", "max-age=60"), body=b"one")
    world.send()
    assert world.get() == (200, b"one", "cache")


def test_what_says_nothing_is_kept_for_an_outage_only() -> None:
    world = world_with(stale_if_error=inf)
    world.will(200, body=b"one")
    world.send()
    world.will(200, body=b"two")
    assert world.get() == (200, b"two", "network")
    world.will(503, body=b"busy")
    assert world.get() == (200, b"two", "cache")


@pytest.mark.parametrize("cache", [None, "default"])
def test_what_changes_something_invalidates_with_and_without_the_cache(cache: str | None) -> None:
    world = World()
    world.will(200, FRESH, ETAG, body=b"one")
    world.send()
    world.will(204)
    reply = world.send(method="DELETE", cache=cache)
    assert (reply.cache is None) is (cache is None)
    assert run_blocking(world.store.stats(RUNTIME)).items == 0


def test_a_group_is_invalidated_in_its_origin() -> None:
    world = World()
    group = ("Cache-Groups", '"list", "all"')
    for uri in ("https://h.example/b", "https://h.example/c", "https://other.example/b"):
        world.will(200, FRESH, *([] if uri.endswith("c") else [group]), body=b"one")
        world.send(uri=uri)
    world.will(204, ("Cache-Group-Invalidation", '"list"'))
    world.send(method="POST")
    kept, _ = run_blocking(world.store.iterate(RUNTIME))
    assert sorted(stored.uri for stored in kept) == ["https://h.example/c", "https://other.example/b"]


def test_clear_site_data_empties_the_origin() -> None:
    world = World()
    for uri in ("https://h.example/b", "https://h.example/c", "https://other.example/b"):
        world.will(200, FRESH, body=b"one")
        world.send(uri=uri)
    world.will(200, ("Clear-Site-Data", '"cookies", "cache"'), FRESH, body=b"bye")
    world.send(uri="https://h.example/logout")
    kept, _ = run_blocking(world.store.iterate(RUNTIME))
    assert [stored.uri for stored in kept] == ["https://other.example/b"]
