"""`Cache`, `cache=` of sessions and calls, and `session.cache`."""

import asyncio
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

import smartclient
from loopback.origin import Origin, Page
from smartclient import AsyncSession, Cache, CacheRule, Session
from smartclient._api.request import PreparedRequest
from smartclient._store.memory import MemoryStore
from smartclient.exceptions import InvalidOption, InvalidURL

WRONG = [
    pytest.param({"shared": 1}, "shared", id="shared"),
    pytest.param({"heuristic": "yes"}, "heuristic", id="heuristic"),
    pytest.param({"stale_if_error": -1}, "stale_if_error", id="stale_if_error"),
    pytest.param({"stale_while_revalidate": 60}, "stale_while_revalidate", id="stale_while_revalidate"),
    pytest.param({"complete_parts": None}, "complete_parts", id="complete_parts"),
    pytest.param({"targets": ["not a name"]}, "targets", id="targets"),
    pytest.param({"rules": [5]}, "rules", id="rules"),
    pytest.param({"store_set_cookie": 0}, "store_set_cookie", id="store_set_cookie"),
    pytest.param({"partition": 5}, "partition", id="partition"),
    pytest.param({"collapse": True}, "collapse", id="collapse: True"),
    pytest.param({"collapse": 0}, "collapse", id="collapse: 0"),
    pytest.param({"collapse": None}, "collapse", id="collapse: None"),
    pytest.param({"collapse": "Store"}, "collapse", id="collapse: another word"),
    pytest.param({"collapse": ["store"]}, "collapse", id="collapse: a list"),
    pytest.param({"store": 5}, "store", id="store: a number"),
    pytest.param({"store": {}}, "store", id="store: a mapping"),
]


@pytest.mark.parametrize(("options", "name"), WRONG)
def test_options_that_make_no_sense(options: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidOption, match=rf"^Cache\({name}=\)"):
        Cache(**options)


def test_options_become_a_policy() -> None:
    policy = Cache(shared=True, rules=[("https://h.example/*", 60)], targets=("CDN-Cache-Control",)).policy
    assert (policy.shared, policy.heuristic, policy.stale_if_error) == (True, False, None)
    assert policy.rules == (CacheRule("https://h.example/*", 60),)
    assert policy.targets == ("cdn-cache-control",)
    assert Session(cache=Cache(shared=True))._open().next.next.next.caching.policy.shared  # type: ignore[attr-defined]


SESSIONS = ["refresh", "reload", "only", "default", "", 5, 1, 0, [], {}, object(), Cache]


@pytest.mark.parametrize("kind", [Session, AsyncSession])
@pytest.mark.parametrize("value", SESSIONS, ids=repr)
def test_what_a_session_does_not_take(kind: type[Any], value: Any) -> None:
    with pytest.raises(InvalidOption, match="cache"):
        kind(cache=value)
    session = kind()
    with pytest.raises(InvalidOption, match="cache"):
        session.cache = value
    assert session.cache


@pytest.mark.parametrize("value", ["path", "", 5, 1, [], {}, object(), MemoryStore()], ids=repr)
def test_what_a_call_does_not_take(value: Any) -> None:
    with pytest.raises(InvalidOption, match="cache"):
        Session().get("http://127.0.0.1:9/", cache=value)


def test_a_session_has_what_it_was_given() -> None:
    cache = Cache()
    assert Session(cache=cache).cache.of is cache
    assert Session(cache=Session(cache=cache).cache).cache.of is cache
    assert Session().cache
    assert not Session(cache=None).cache
    assert not Session(cache=False).cache
    assert Session(cache=True).cache.of is not Session(cache=True).cache.of


def test_the_cache_of_a_session_can_be_set(origin: Origin) -> None:
    session = Session()
    url = origin.url + "/page/tea"
    statuses = [session.get(url).cache.status for _ in range(2)]
    first = session.cache.of
    session.cache = None
    assert session.get(url).cache is None
    session.cache = True
    statuses += [session.get(url).cache.status for _ in range(2)]
    session.cache = first
    statuses.append(session.get(url).cache.status)
    session.cache = True  # keeps the one there is
    statuses.append(session.get(url).cache.status)
    assert statuses == ["miss", "hit", "miss", "hit", "hit", "hit"]
    session.close()


def test_derived_sessions_share_the_cache_unless_told_otherwise() -> None:
    parent = Session()
    own = Cache()
    assert parent.derive().cache.of is parent.cache.of
    assert parent.derive(cache=own).cache.of is own
    assert not parent.derive(cache=None).cache
    assert Session(cache=None).derive(cache=True).cache
    assert parent.derive(cache=True).cache.of is parent.cache.of


def test_sessions_over_one_cache(origin: Origin) -> None:
    cache = Cache()
    url = origin.url + "/page/tea"
    with Session(cache=cache) as one, Session(cache=cache) as other:
        assert [session.get(url).cache.status for session in (one, other, one)] == ["miss", "hit", "hit"]


@pytest.mark.parametrize("usual", [None, True], ids=["without", "with"])
def test_a_call_brings_its_own(origin: Origin, usual: Any) -> None:
    own = Cache()
    url = origin.url + "/page/tea"
    with Session(cache=usual) as session:
        assert [session.get(url, cache=own).cache.status for _ in range(2)] == ["miss", "hit"]
        assert len(session.cache.entries()) == 0
        assert len(Session(cache=own).cache.entries()) == 1


def test_a_call_asks_for_a_cache_where_the_session_has_none(origin: Origin) -> None:
    url = origin.url + "/page/tea"
    with Session(cache=None) as session:
        assert session.get(url).cache is None
        assert session.get(url, cache="refresh").cache is None
        assert session.get(url, cache="only").status_code == 504
        assert [session.get(url, cache=True).cache.status for _ in range(2)] == ["miss", "hit"]
        assert session.get(url, cache="only").status_code == 200
        assert session.get(url).cache is None
        assert not session.cache


@pytest.mark.parametrize("kind", [Session, AsyncSession])
def test_pickles_have_the_options_and_nothing_of_what_is_stored(kind: type[Any]) -> None:
    session = kind(cache=Cache(shared=True, collapse=False, partition="ann"))
    copy = pickle.loads(pickle.dumps(session))
    assert copy.cache.of is not session.cache.of
    assert copy.cache.of.policy == session.cache.of.policy
    assert copy.cache.of.caching.collapse is False
    assert copy.cache.of.caching.partition(None) == "ann"
    assert not pickle.loads(pickle.dumps(kind(cache=None))).cache


def test_a_memory_store_of_ones_own_is_pickled_empty() -> None:
    copy = pickle.loads(pickle.dumps(Session(cache=Cache(MemoryStore(1000)))))
    assert copy.cache.of.caching.store._store.max_bytes == 1000


def test_partition_function_sees_the_request(origin: Origin) -> None:
    seen: list[PreparedRequest] = []

    def partition(request: PreparedRequest) -> str:
        seen.append(request)
        return request.headers.get("X-Tenant", "")

    url = origin.url + "/page/tea"
    with Session(cache=Cache(partition=partition)) as session:
        found = [session.get(url, headers={"X-Tenant": name, "Authorization": name}).cache.status for name in "aabab"]
    assert found == ["miss", "hit", "miss", "hit", "hit"]
    assert {(each.method, each.url) for each in seen} == {("GET", url)}


def test_partition_function_that_gives_no_text(origin: Origin) -> None:
    with Session(cache=Cache(partition=lambda request: 5)) as session, pytest.raises(InvalidOption, match="partition"):  # type: ignore[arg-type,return-value]
        session.get(origin.url + "/page/tea")


def filled(origin: Origin, session: Any) -> None:
    origin.route("/secret", lambda seen: Page(b"12345", headers=(("Cache-Control", "max-age=60"), ("Vary", "X"))))
    for path in ("/page/tea", "/page/tea/green", "/secret?key=hunter2", "/page/coffee"):
        session.get(origin.url + path)


def test_entries(origin: Origin) -> None:
    with Session() as session:
        filled(origin, session)
        session.get(origin.url + "/page/tea", auth=("u", "p"))
        entries = session.cache.entries()
    assert [each.url.removeprefix(origin.url) for each in entries] == [
        *("/page/tea", "/page/tea/green", "/secret?key=hunter2", "/page/coffee"),
        "/page/tea",
    ]
    secret = entries[2]
    assert (secret.status, secret.size, secret.vary, secret.etag, secret.personal) == (200, 5, ("x",), None, False)
    assert (secret.fresh, secret.age >= 0, 59 <= secret.age + secret.ttl <= 60) == (True, True, True)
    assert (entries[0].etag, entries[4].personal) == ('"tea-1"', True)
    assert "hunter2" not in repr(entries)


PURGES: list[Any] = [
    pytest.param(lambda url: {"url": url + "/page/tea#part"}, 2, id="one URL, for everybody"),
    pytest.param(lambda url: {"prefix": url + "/page/"}, 4, id="prefix"),
    pytest.param(lambda url: {"prefix": url}, 5, id="a prefix does not reach into other hosts"),
    pytest.param(lambda url: {"origin": url}, 5, id="origin"),
    pytest.param(lambda url: {"origin": url + "/page/coffee"}, 5, id="origin of a URL"),
    pytest.param(lambda url: {"url": url + "/nothing"}, 0, id="what is not there"),
]


@pytest.mark.parametrize(("what", "dropped"), PURGES)
def test_purge(origin: Origin, what: Callable[[str], Any], dropped: int) -> None:
    with Session() as session:
        filled(origin, session)
        session.get(origin.url + "/page/tea", auth=("u", "p"))
        assert session.cache.purge(**what(origin.url)) == dropped
        assert len(session.cache.entries()) == session.cache.stats().items == 5 - dropped


@pytest.mark.parametrize("what", [{}, {"url": "http://h/", "prefix": "http://h/"}], ids=["nothing", "two"])
def test_purge_of_what(what: Any) -> None:
    with pytest.raises(InvalidOption, match="purge"):
        Session().cache.purge(**what)


def test_purge_takes_absolute_urls() -> None:
    with pytest.raises((InvalidURL, smartclient.exceptions.MissingSchema)):
        Session().cache.purge("/page")


def test_clear_and_stats(origin: Origin) -> None:
    with Session() as session:
        filled(origin, session)
        before = session.cache.stats()
        assert (before.items, before.evicted, before.errors, before.size > 0) == (4, 0, 0, True)
        assert session.cache.clear() == 4
        assert session.cache.stats().size == 0
        assert session.get(origin.url + "/page/tea").cache.status == "miss"


def test_where_there_is_no_cache() -> None:
    cache = Session(cache=None).cache
    assert (cache.entries(), cache.clear(), cache.purge("http://h/"), cache.stats().items) == ([], 0, 0, 0)


@pytest.mark.parametrize("run", [asyncio.run, trio.run], ids=["asyncio", "trio"])
def test_the_same_awaited(origin: Origin, run: Any) -> None:
    async def scenario() -> None:
        async with AsyncSession() as session:
            for name in ("tea", "coffee"):
                await session.get(f"{origin.url}/page/{name}")
            assert [each.size for each in await session.cache.entries()] == [16, 19]
            assert (await session.cache.stats()).items == 2
            assert await session.cache.purge(origin.url + "/page/tea") == 1
            assert await session.cache.clear() == 1
            assert session.cache
            session.cache = None
            assert not session.cache

    run(scenario) if run is trio.run else run(scenario())


def test_reprs_are_short() -> None:
    assert repr(Cache()) == "<Cache in memory>"
    assert repr(Session().cache) == "<SessionCache of <Cache in memory>>"
    assert repr(AsyncSession(cache=None).cache) == "<AsyncSessionCache of None>"


def test_a_path_object_is_a_path_for_calls_too(origin: Origin, tmp_path: Path) -> None:
    with Session(cache=None) as session:
        session.get(origin.url + "/page/tea", cache=tmp_path / "cache")
    with Session(cache=str(tmp_path / "cache")) as session:
        assert session.get(origin.url + "/page/tea").cache.status == "hit"
