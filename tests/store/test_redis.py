"""The Redis store against a real server: the checks for any store, and a server that dies, stalls or is shared."""

import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import smartclient
from failing_store import RUNTIME, Faults, Make, check, every_fault, life
from loopback.origin import Origin, Page, Seen
from loopback.redis_server import MISSING, RedisServer, find_redis
from smartclient._runtime.base import run_blocking
from smartclient._store.guarded import GuardedStore
from smartclient.stores import RedisStore
from smartclient.testing import check_store


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if find_redis() is None:
        if os.environ.get("SMARTCLIENT_REQUIRE_SERVERS") == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with RedisServer(tmp_path_factory.mktemp("redis")) as started:
        yield started


def test_conformance(server: RedisServer) -> None:
    numbers = itertools.count()
    check_store(lambda: RedisStore(server.url, prefix=f"check{next(numbers)}:"))


def fresh(seen: Seen) -> Page:
    return Page(b"fresh", headers=(("Cache-Control", "max-age=600"),))


def test_sessions_share_it(server: RedisServer, origin: Origin) -> None:
    url = origin.route("/shared", fresh)
    with (
        smartclient.Session(cache=smartclient.Cache(RedisStore(server.url, prefix="a:"))) as one,
        smartclient.Session(cache=smartclient.Cache(RedisStore(server.url, prefix="a:"))) as two,
        smartclient.Session(cache=smartclient.Cache(RedisStore(server.url, prefix="b:"))) as apart,
    ):
        assert one.get(url).cache.status == "miss"
        assert two.get(url).cache.status == "hit"
        assert apart.get(url).cache.status == "miss"
        two.post(url)
        assert one.get(url).cache.status == "miss"
        assert "redis.sock" not in repr(RedisStore(server.url))


def test_a_server_that_dies_costs_misses(tmp_path: Path, server: RedisServer, origin: Origin) -> None:
    url = origin.route("/mortal", fresh)
    with (
        RedisServer(tmp_path) as mortal,
        smartclient.Session(cache=smartclient.Cache(RedisStore(mortal.url))) as session,
    ):
        assert [session.get(url).cache.status for _ in range(2)] == ["miss", "hit"]
        mortal.stop()
        assert session.get(url).content == b"fresh"
        mortal.start()
        assert [session.get(url).cache.status for _ in range(2)] == ["miss", "hit"]


def test_a_server_that_stalls_costs_misses(tmp_path: Path, server: RedisServer, origin: Origin) -> None:
    url = origin.route("/stalls", fresh)
    with (
        RedisServer(tmp_path) as stalled,
        smartclient.Session(cache=smartclient.Cache(RedisStore(stalled.url, timeout=0.05))) as session,
    ):
        assert session.get(url).cache.status == "miss"
        stalled.pause(signal.SIGSTOP)
        try:
            assert session.get(url).content == b"fresh"
        finally:
            stalled.pause(signal.SIGCONT)
        assert session.get(url).content == b"fresh"


def test_nobody_there(tmp_path: Path, origin: Origin) -> None:
    url = origin.route("/nobody", fresh)
    store = RedisStore(f"unix://{tmp_path}/none.sock")
    with smartclient.Session(cache=smartclient.Cache(store)) as session:
        assert [session.get(url).content for _ in range(2)] == [b"fresh"] * 2


def _fetch(redis: str, url: str, gate: Any, answers: Any) -> None:
    cache = smartclient.Cache(RedisStore(redis, prefix="fleet:", timeout=20), collapse="store")
    with smartclient.Session(cache=cache) as session:
        gate.wait(60)
        answers.put(session.get(url).content)


def test_four_processes_make_one_fetch(server: RedisServer, origin: Origin) -> None:
    def slow(seen: Seen) -> Page:
        origin.gate.wait(0.3)  # long enough for all of them to have asked
        return fresh(seen)

    url = origin.route("/fleet", slow)
    context = multiprocessing.get_context("spawn")
    gate, answers = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_fetch, args=(server.url, url, gate, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _ in processes] == [b"fresh"] * 4
    for process in processes:
        process.join()
    assert origin.seen.hits["/fleet"] == 1


# Before a command has reached the server, and after its answer was on its way.
OF_COMMANDS: list[tuple[Make, bool]] = [
    (lambda error=error: error("injected"), after)  # type: ignore[misc]
    for after in (False, True)
    for error in (redis.ConnectionError, redis.TimeoutError, redis.ResponseError, redis.BusyLoadingError)
]


def test_every_command_fails(server: RedisServer, turn: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One at a time: a miss, and the store is whole afterwards."""
    faults = Faults()
    command, execute = redis.Redis.execute_command, redis.client.Pipeline.execute

    def commands(self: Any, *args: Any, **options: Any) -> Any:
        return faults.do(args[0], command, self, *args, **options)

    def pipelines(self: Any) -> Any:
        return faults.do("pipeline", execute, self)

    def lived(number: int) -> Callable[[], None]:
        store = GuardedStore(RedisStore(server.url, prefix=f"faults{turn}.{number}:"))
        life(store)

        def look_after() -> None:
            check(store)
            run_blocking(store.close(RUNTIME))

        return look_after

    monkeypatch.setattr(redis.Redis, "execute_command", commands)
    monkeypatch.setattr(redis.client.Pipeline, "execute", pipelines)
    assert every_fault(faults, OF_COMMANDS, turn, lived) > 10
