"""Every store of the house passes the checks, in blocking code, asyncio and trio; and the checks find what is wrong."""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from smartclient.stores import (
    Key,
    MemoryStore,
    Scope,
    SQLiteStore,
    Stats,
    Store,
    Stored,
    TieredStore,
    Traits,
    from_sync,
)
from smartclient.testing import check_store


class Listed:
    """The plainest store: a list of records and a list of marks."""

    traits = Traits(True, False, False, True, None)

    def __init__(self) -> None:
        self.records: list[Stored] = []
        self.marks: list[tuple[Scope, float]] = []

    def salt(self) -> bytes:
        return b"0123456789abcdef"

    def lookup(self, keys: Iterable[Key]) -> list[Stored]:
        return [record for key in keys for record in self.records if record.key == key]

    def put(self, record: Stored) -> bool:
        if any(record.sent_at <= moment and scope.covers(record.uri, record.groups) for scope, moment in self.marks):
            return False
        self.records = [other for other in self.records if not record.replaces(other)]
        variants = self.lookup([record.key])
        if len(variants) == 16:
            self.records.remove(variants[0])
        self.records.append(record)
        return True

    def freshen(self, stored: Stored, record: Stored) -> bool:
        return stored in self.records and self.put(record)

    def invalidate(self, scopes: Iterable[Scope], moment: float) -> int:
        before = len(self.records)
        for scope in scopes:
            self.marks.append((scope, moment))
            self.records = [record for record in self.records if not scope.covers(record.uri, record.groups)]
        return before - len(self.records)

    def touch(self, stored: Stored) -> None:
        pass

    def stats(self) -> Stats:
        return Stats(len(self.records), sum(record.size for record in self.records), 0)

    def iterate(self, after: object) -> tuple[list[Stored], object]:
        return list(self.records), None

    def close(self) -> None:
        pass


class Threaded(Listed):
    traits = Listed.traits._replace(small_reads_are_fast=False)


def in_folder(folder: Path, **options: Any) -> Callable[[], Store]:
    numbers = itertools.count()
    return lambda: SQLiteStore(folder / str(next(numbers)), **options)


def test_memory() -> None:
    check_store(MemoryStore)


def test_small_memory() -> None:
    check_store(lambda: MemoryStore(2**23))


def test_sqlite(tmp_path: Path) -> None:
    check_store(in_folder(tmp_path))


def test_small_durable_sqlite(tmp_path: Path) -> None:
    check_store(in_folder(tmp_path, max_bytes=2**23, durable=True))


def test_memory_over_sqlite(tmp_path: Path) -> None:
    numbers = itertools.count()
    check_store(lambda: TieredStore(SQLiteStore(tmp_path / str(next(numbers)))))


@pytest.mark.parametrize("plain", [Listed, Threaded])
def test_plain_calls(plain: type[Listed]) -> None:
    check_store(lambda: from_sync(plain()))


class NoMarks(Listed):
    def invalidate(self, scopes: Iterable[Scope], moment: float) -> int:
        dropped = super().invalidate(scopes, moment)
        self.marks.clear()
        return dropped


class NoPartitions(Listed):
    def lookup(self, keys: Iterable[Key]) -> list[Stored]:
        return [record for uri, _ in keys for record in self.records if record.uri == uri]


class NoReplacing(Listed):
    def put(self, record: Stored) -> bool:
        self.records.append(record)
        return True


class ForgetfulSalt(Listed):
    numbers = itertools.count()

    def salt(self) -> bytes:
        return b"%016d" % next(self.numbers)


class Broken(Listed):
    def stats(self) -> Stats:
        raise OSError("no disk")


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        (NoMarks, "what was sent before an invalidation is taken after it"),
        (NoPartitions, "tells partitions apart"),
        (NoReplacing, "replaces what answers the same"),
        (ForgetfulSalt, "has a lasting salt"),
        (Broken, "LiftedStore, blocking: begins empty: OSError: no disk"),
    ],
)
def test_what_is_wrong_is_found(wrong: type[Listed], finding: str) -> None:
    with pytest.raises(AssertionError, match=finding):
        check_store(lambda: from_sync(wrong()))
