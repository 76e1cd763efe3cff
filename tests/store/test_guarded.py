"""A store that fails costs one line in the log for each kind of failure, and nothing else."""

import logging
from typing import Any

import pytest

from smartclient._model.headers import Fields
from smartclient._model.stored import Stored
from smartclient._runtime.base import run_blocking
from smartclient._store.guarded import GuardedStore
from smartclient._store.memory import MemoryStore

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
            assert run_blocking(store.lookup([RECORD.key])) == []
            assert not run_blocking(store.freshen(RECORD, RECORD))
            assert run_blocking(store.invalidate([RECORD.uri], 1.0)) == 0
            store.touch(RECORD)
            writer = run_blocking(store.writer(RECORD))
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
        writer = run_blocking(store.writer(RECORD))
        assert not run_blocking(writer.write(b"x"))
        assert not run_blocking(writer.commit())
        assert not run_blocking(run_blocking(store.writer(RECORD)).commit())
        run_blocking(store.writer(RECORD)).discard()
    assert [record.getMessage().split()[2] for record in caplog.records] == ["write", "discard", "commit"]
    assert "hunter2" not in caplog.text


def test_a_sound_store_works_as_before() -> None:
    store = GuardedStore(MemoryStore(8 * 2000))
    writer = run_blocking(store.writer(RECORD))
    assert run_blocking(writer.write(b"x"))
    assert run_blocking(writer.commit())
    assert run_blocking(store.lookup([RECORD.key])) == [RECORD]
    too_large = run_blocking(store.writer(RECORD))
    assert not run_blocking(too_large.write(b"x" * 2000))
    assert not run_blocking(too_large.write(b"x"))
    assert not run_blocking(too_large.commit())
