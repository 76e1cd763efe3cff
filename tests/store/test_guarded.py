"""A store that fails costs one line in the log for each kind of failure, and nothing else."""

import logging
from typing import Any

import pytest

from smartclient._model.errors import IncompleteBody
from smartclient._model.headers import Fields
from smartclient._model.scope import Scope
from smartclient._model.stored import Stored
from smartclient._runtime.base import run_blocking
from smartclient._runtime.blocking import BlockingRuntime
from smartclient._store.guarded import MAX_FAILURES, MAX_OWED, REST, GuardedStore
from smartclient._store.memory import MemoryStore

RUNTIME = BlockingRuntime()
RECORD = Stored(
    key=("https://h.example/?token=hunter2", b""),
    status=200,
    reason="OK",
    fields=Fields(),
    body=b"",
    vary=(),
    sent_at=1.0,
    received_at=1.0,
    date=1.0,
    initial_age=0.0,
    fresh_until=9.0,
    must_revalidate=False,
    immutable=False,
    etag=None,
    last_modified=None,
)


class BrokenWriter:
    async def write(self, piece: bytes) -> bool:
        raise OSError("disk full: hunter2")

    async def commit(self) -> bool:
        raise OSError("disk full: hunter2")

    def discard(self) -> None:
        raise OSError("disk full: hunter2")


class BrokenStore:
    """Fails in every method, or only in its writers."""

    traits = MemoryStore().traits

    def __init__(self, writers_only: bool = False) -> None:
        self.writers_only = writers_only

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: object) -> Any:
            if name == "writer" and self.writers_only:
                return BrokenWriter()
            raise RuntimeError("hunter2")

        return fail

    def lacks(self, uri: str) -> bool:
        raise RuntimeError("hunter2")

    def touch(self, stored: Stored) -> None:
        raise RuntimeError("hunter2")


def test_every_method_of_a_broken_store_is_a_miss(caplog: pytest.LogCaptureFixture) -> None:
    store: Any = GuardedStore(BrokenStore())  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING, "smartclient"):
        for _ in range(3):
            assert not store.lacks(RECORD.uri)
            assert run_blocking(store.lookup(RUNTIME, [RECORD.key])) == []
            assert not run_blocking(store.freshen(RUNTIME, RECORD, RECORD))
            assert run_blocking(store.invalidate(RUNTIME, [Scope("uri", RECORD.uri)], 1.0)) == 0
            store.touch(RECORD)
            writer = run_blocking(store.writer(RUNTIME, RECORD))
            assert not run_blocking(writer.write(b"x"))
            assert not run_blocking(writer.commit())
            writer.discard()
    assert [record.getMessage().split()[2] for record in caplog.records] == [
        "lacks",
        "lookup",
        "freshen",
        "invalidate",
        "touch",
        "writer",
    ]
    assert "hunter2" not in caplog.text


def test_a_broken_writer_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    store = GuardedStore(BrokenStore(writers_only=True))  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING, "smartclient"):
        writer = run_blocking(store.writer(RUNTIME, RECORD))
        assert not run_blocking(writer.write(b"x"))
        assert not run_blocking(writer.commit())
        assert not run_blocking(run_blocking(store.writer(RUNTIME, RECORD)).commit())
        run_blocking(store.writer(RUNTIME, RECORD)).discard()
    assert [record.getMessage().split()[2] for record in caplog.records] == ["write", "discard", "commit"]
    assert "hunter2" not in caplog.text


def test_a_sound_store_works_as_before() -> None:
    store = GuardedStore(MemoryStore(8 * 2000))
    writer = run_blocking(store.writer(RUNTIME, RECORD))
    assert run_blocking(writer.write(b"x"))
    assert run_blocking(writer.commit())
    assert run_blocking(store.lookup(RUNTIME, [RECORD.key])) == [RECORD]
    too_large = run_blocking(store.writer(RUNTIME, RECORD))
    assert not run_blocking(too_large.write(b"x" * 2000))
    assert not run_blocking(too_large.write(b"x"))
    assert not run_blocking(too_large.commit())


class Flaky(MemoryStore):
    """Fails in `failing` methods; counts the calls of each."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: set[str] = set()
        self.calls: list[str] = []

    def fail(self, name: str) -> None:
        self.calls.append(name)
        if name in self.failing:
            raise OSError("hunter2")

    async def lookup(self, runtime: Any, keys: Any) -> list[Stored]:
        self.fail("lookup")
        return await super().lookup(runtime, keys)

    async def invalidate(self, runtime: Any, scopes: Any, moment: float) -> int:
        self.fail("invalidate")
        return await super().invalidate(runtime, scopes, moment)


class Clock(BlockingRuntime):
    moment = 100.0

    def now(self) -> float:  # type: ignore[override]
        return self.moment


def test_after_some_failures_in_a_row_the_store_rests() -> None:
    flaky, clock = Flaky(), Clock()
    store = GuardedStore(flaky)
    flaky.failing = {"lookup"}
    for _ in range(MAX_FAILURES + 3):
        assert run_blocking(store.lookup(clock, [RECORD.key])) == []
    assert len(flaky.calls) == MAX_FAILURES
    assert run_blocking(store.stats(clock))[:4] == (0, 0, 0, MAX_FAILURES)
    clock.moment += REST
    flaky.failing = set()
    run_blocking(store.lookup(clock, [RECORD.key]))
    run_blocking(store.lookup(clock, [RECORD.key]))
    assert len(flaky.calls) == MAX_FAILURES + 2


def test_an_invalidation_that_failed_holds_all_the_same() -> None:
    flaky = Flaky()
    store = GuardedStore(flaky)
    run_blocking(run_blocking(store.writer(RUNTIME, RECORD)).commit())
    flaky.failing = {"invalidate"}
    assert run_blocking(store.invalidate(RUNTIME, [Scope("uri", RECORD.uri)], 2.0)) == 0
    assert run_blocking(store.lookup(RUNTIME, [RECORD.key])) == []
    assert run_blocking(flaky.lookup(RUNTIME, [RECORD.key])) == [RECORD]
    flaky.failing = set()
    run_blocking(store.lookup(RUNTIME, [RECORD.key]))  # makes up for it
    assert run_blocking(flaky.lookup(RUNTIME, [RECORD.key])) == []


def test_very_many_failed_invalidations_are_one_of_everything() -> None:
    flaky = Flaky()
    store = GuardedStore(flaky)
    run_blocking(run_blocking(store.writer(RUNTIME, RECORD)).commit())
    flaky.failing = {"invalidate"}
    run_blocking(store.invalidate(RUNTIME, [Scope("uri", str(index)) for index in range(MAX_OWED + 1)], 2.0))
    assert run_blocking(store.lookup(RUNTIME, [RECORD.key])) == []


def test_a_body_that_fails_while_it_is_read_is_incomplete() -> None:
    class BrokenBody:
        trailers = Fields()

        async def read(self) -> bytes:
            raise OSError("hunter2")

        def abort(self) -> None:
            raise OSError("hunter2")

    class Store(MemoryStore):
        async def open_body(self, *_: Any) -> Any:
            return BrokenBody()

    body = run_blocking(GuardedStore(Store()).open_body(RUNTIME, RECORD))
    assert body is not None
    with pytest.raises(IncompleteBody):
        run_blocking(body.read())
    body.abort()
