"""Each statement and each system call of the disk store fails, one at a time: a miss, and the store stays whole."""

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from failing_store import RUNTIME, Faults, Make, check, every_fault, life
from smartclient._runtime.base import run_blocking
from smartclient._store import body_files
from smartclient._store.guarded import GuardedStore
from smartclient._store.schema import FILE_NAME
from smartclient._store.sqlite import SQLiteStore
from smartclient._store.sqlite_writer import BEING_WRITTEN

# Before it is done, and after it was.
OF_STATEMENTS: list[tuple[Make, bool]] = [
    (lambda error=error, text=text: error(text), after)  # type: ignore[misc]
    for after in (False, True)
    for error, text in (
        (sqlite3.OperationalError, "disk I/O error"),
        (sqlite3.OperationalError, "database or disk is full"),
        (sqlite3.OperationalError, "database is locked"),
        (sqlite3.DatabaseError, "database disk image is malformed"),
    )
]
OF_CALLS: list[tuple[Make, bool]] = [
    (lambda number=number: OSError(number, os.strerror(number)), after)  # type: ignore[misc]
    for after in (False, True)
    for number in (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EMFILE)
]
CALLS = ["open", "write", "read", "fstat", "rename", "unlink", "makedirs", "fsync", "lseek"]


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def statements(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection(sqlite3.Connection):
        def execute(self, text: str, *args: Any) -> Any:
            if text.startswith("PRAGMA synchronous"):  # no fault of this test needs a disk that is waited for
                text = "PRAGMA synchronous=OFF"
            return faults.do(text.strip()[:40], super().execute, text, *args)

        def executemany(self, *args: Any) -> Any:
            return faults.do(args[0].strip()[:40], super().executemany, *args)

    plain = sqlite3.connect

    def connect(*args: Any, **options: Any) -> Connection:
        connection = plain(*args, factory=Connection, **options)
        sqlite3.Connection.execute(connection, "PRAGMA synchronous=OFF")
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect)


@pytest.fixture
def calls(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    class System:
        def __getattr__(self, name: str) -> Any:
            found = getattr(os, name)
            if name not in CALLS:
                return found
            return lambda *args, **options: faults.do(name, found, *args, **options)

    monkeypatch.setattr(body_files, "os", System())


def settle(store: SQLiteStore) -> None:
    for _ in range(2):
        run_blocking(store.worker.do(RUNTIME, lambda: None))


def check_whole(folder: Path, store: SQLiteStore, guarded: GuardedStore) -> None:
    """Beside what holds for any store: it counts what it has, and has no file that no row has."""
    check(guarded)
    settle(store)
    run_blocking(store.close(RUNTIME))
    assert set() == BEING_WRITTEN
    db = sqlite3.connect(folder / FILE_NAME)
    assert db.execute("PRAGMA quick_check").fetchone() == ("ok",)
    counted = db.execute("SELECT count(*), coalesce(sum(size), 0) FROM response").fetchone()
    assert counted == db.execute("SELECT items, size FROM total").fetchone()
    named = {row[0] for row in db.execute("SELECT file FROM response WHERE file IS NOT NULL")}
    db.close()
    assert {path.name for path in (folder / "bodies").rglob("*") if path.is_file()} == named


@pytest.fixture
def lived(tmp_path: Path) -> Callable[[int], Callable[[], None]]:
    def lived(number: int) -> Callable[[], None]:
        folder = tmp_path / str(number)
        store = SQLiteStore(folder)
        guarded = GuardedStore(store)
        life(guarded)
        settle(store)
        run_blocking(guarded.close(RUNTIME))
        return lambda: check_whole(folder, store, guarded)

    return lived


def test_every_statement_fails(faults: Faults, statements: None, turn: int, lived: Any) -> None:
    assert every_fault(faults, OF_STATEMENTS, turn, lived) > 90


def test_every_system_call_fails(faults: Faults, calls: None, turn: int, lived: Any) -> None:
    assert every_fault(faults, OF_CALLS, turn, lived) > 30
