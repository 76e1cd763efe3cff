"""The disk store: what others find and leave in its folder, bounds, locks, full disks, threads and forks."""

import asyncio
import errno
import gc
import os
import signal
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from smartclient._model.errors import IncompleteBody
from smartclient._model.scope import EVERYTHING, Scope
from smartclient._model.stored import Stored
from smartclient._runtime.asyncio_ import AsyncioRuntime
from smartclient._runtime.base import run_blocking
from smartclient._runtime.blocking import BlockingRuntime
from smartclient._store import body_files, rows, sqlite
from smartclient._store.guarded import GuardedStore
from smartclient._store.numbers import number_of
from smartclient._store.schema import FILE_NAME
from smartclient._store.sqlite import SQLiteStore
from smartclient._store.tiers import TieredStore
from stored_records import RUNTIME, URI, record
from stored_records import kept as put


def find(store: Any, name: int = 0, runtime: Any = RUNTIME) -> list[Stored]:
    return run_blocking(store.lookup(runtime, [(f"{URI}{name}", b"")]))


def read(store: Any, stored: Stored, span: tuple[int, int] | None = None) -> bytes | None:
    body = run_blocking(store.open_body(RUNTIME, stored, span))
    if body is None:
        return None
    pieces = []
    while piece := run_blocking(body.read()):
        pieces.append(piece)
    return b"".join(pieces)


def settle(store: SQLiteStore) -> None:
    """Waits for what the store's thread still has to do."""
    run_blocking(store.worker.do(RUNTIME, lambda: None))
    run_blocking(store.worker.do(RUNTIME, lambda: None))


def put_sealed(store: SQLiteStore, stored: Stored, body: bytes) -> None:
    """Waits for the checksums of a large body, too."""
    assert put(store, stored, body)
    store.seal(stored.place)


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / "bodies").rglob("*") if path.is_file()]


def execute(folder: Path, statement: str, *args: Any) -> None:
    db = sqlite3.connect(folder / FILE_NAME)
    with db:
        db.execute(statement, args)
    db.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def store(folder: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore(folder)
    yield store
    run_blocking(store.close(RUNTIME))


# What is in the folder


def test_nothing_is_made_before_the_first_use(folder: Path) -> None:
    SQLiteStore(folder)
    assert not folder.exists()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_only_the_owner_sees_it(folder: Path, store: SQLiteStore) -> None:
    old = os.umask(0)
    try:
        put(store, record(), b"x" * 100_000)
    finally:
        os.umask(old)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_what_is_stored_is_there_for_the_next_process(folder: Path, store: SQLiteStore) -> None:
    put(store, record(1))
    put(store, record(2), b"x" * 100_000)
    salt = run_blocking(store.salt(RUNTIME))
    run_blocking(store.close(RUNTIME))
    other = SQLiteStore(folder)
    assert [stored.body for stored in find(other, 1)] == [b"content"]
    assert read(other, find(other, 2)[0]) == b"x" * 100_000
    assert run_blocking(other.salt(RUNTIME)) == salt
    run_blocking(other.close(RUNTIME))


def foreign_database(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE accounts (name)")
    db.close()


def newer_database(path: Path) -> None:
    store = SQLiteStore(path.parent)
    put(store, record())
    run_blocking(store.close(RUNTIME))
    execute(path.parent, "PRAGMA user_version=99")


def test_what_an_older_version_stored_is_gone_and_its_files_too(folder: Path) -> None:
    store = SQLiteStore(folder)
    put(store, record(1))
    put(store, record(2), b"x" * 100_000)
    run_blocking(store.close(RUNTIME))
    execute(folder, "PRAGMA user_version=1")
    execute(folder, "DROP TRIGGER response_added")  # its tables were others
    newer = SQLiteStore(folder)
    assert find(newer, 1) == find(newer, 2) == files(folder) == []
    assert put(newer, record(1))
    assert run_blocking(newer.stats(RUNTIME)).items == 1
    run_blocking(newer.close(RUNTIME))


def text_file(path: Path) -> None:
    path.write_text("my novel, chapter one. " * 100)


@pytest.mark.parametrize("make", [foreign_database, newer_database, text_file])
def test_a_foreign_file_is_left_alone(folder: Path, make: Any) -> None:
    folder.mkdir()
    make(folder / FILE_NAME)
    before = (folder / FILE_NAME).read_bytes()
    store = GuardedStore(SQLiteStore(folder))
    assert not put(store, record())
    assert find(store) == []
    assert run_blocking(store.stats(RUNTIME)).errors > 0
    run_blocking(store.close(RUNTIME))
    assert (folder / FILE_NAME).read_bytes() == before


def test_a_path_that_is_a_file_is_a_miss(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("mine")
    store = GuardedStore(SQLiteStore(tmp_path / "cache"))
    assert not put(store, record())
    assert find(store) == []
    run_blocking(store.close(RUNTIME))


@pytest.mark.parametrize("damage", ["zeroblob(50)", "'text'", "substr(record, 1, 40)", "x'02' || substr(record, 2)"])
def test_a_damaged_row_is_a_miss_and_gives_way(folder: Path, store: SQLiteStore, damage: str) -> None:
    put(store, record())
    execute(folder, f"UPDATE response SET record = {damage}")
    assert find(store) == []
    assert put(store, record(), b"new")
    assert [stored.body for stored in find(store)] == [b"new"]
    assert run_blocking(store.stats(RUNTIME)).items == 1


def test_damaged_rows_are_dropped_when_all_are_read(folder: Path, store: SQLiteStore) -> None:
    for name in range(3):
        put(store, record(name), b"x" * 100_000 * name)
    execute(folder, "UPDATE response SET record = zeroblob(50) WHERE id <> 2")
    assert [stored.uri for stored in run_blocking(store.iterate(RUNTIME))[0]] == [f"{URI}1"]
    assert (run_blocking(store.stats(RUNTIME)).items, len(files(folder))) == (1, 1)


def test_uses_are_counted_for_all_processes(folder: Path, store: SQLiteStore) -> None:
    put(store, record(1))
    for _ in range(3):
        store.touch(find(store, 1)[0])
    find(store, 2)
    assert run_blocking(store.stats(RUNTIME))[-2:] == (3, 1)
    run_blocking(store.close(RUNTIME))
    other = SQLiteStore(folder)
    other.touch(find(other, 1)[0])
    assert run_blocking(other.stats(RUNTIME))[-2:] == (4, 1)
    run_blocking(other.close(RUNTIME))


def test_a_row_under_another_uri_is_a_miss(folder: Path, store: SQLiteStore) -> None:
    put(store, record(1))
    execute(folder, "UPDATE response SET key = ?", number_of(f"{URI}2"))
    assert find(store, 2) == []


@pytest.mark.parametrize("size", [100_000, 600_000])
@pytest.mark.parametrize("how", ["gone", "short", "long"])
def test_a_file_of_another_length_is_a_miss(folder: Path, store: SQLiteStore, size: int, how: str) -> None:
    put(store, record(), b"x" * size)
    [stored], [file] = find(store), files(folder)
    if how == "gone":
        file.unlink()
    else:
        os.truncate(file, size + (1 if how == "long" else -1))
    assert read(store, stored) is None
    settle(store)
    assert find(store) == []


@pytest.mark.parametrize(("size", "at"), [(100_000, 99_999), (600_000, 0)])
def test_damage_at_the_start_of_a_file(folder: Path, store: SQLiteStore, size: int, at: int) -> None:
    put_sealed(store, record(), b"x" * size)
    [stored], [file] = find(store), files(folder)
    with file.open("r+b") as opened:
        opened.seek(at)
        opened.write(b"y")
    os.utime(file, ns=(1, 1))
    if size < 2**18:
        assert read(store, stored) is None
    else:
        with pytest.raises(IncompleteBody):
            read(store, stored)
    settle(store)
    assert find(store) == []
    assert files(folder) == []


def test_damage_further_on_is_never_given_out(folder: Path, store: SQLiteStore) -> None:
    put_sealed(store, record(), bytes(600_000))
    [stored], [file] = find(store), files(folder)
    with file.open("r+b") as opened:
        opened.seek(400_000)
        opened.write(b"y")
    os.utime(file, ns=(1, 1))
    assert read(store, stored, (0, 5)) == bytes(5)
    whole = run_blocking(store.open_body(RUNTIME, stored))
    part = run_blocking(store.open_body(RUNTIME, stored, (300_000, 300_005)))
    assert whole is not None
    assert part is not None
    assert run_blocking(whole.read()) == bytes(2**18)
    for body in (whole, part):
        with pytest.raises(IncompleteBody):
            run_blocking(body.read())


def test_left_over_files_are_swept(folder: Path, store: SQLiteStore) -> None:
    put(store, record())
    dead = 2**22 - 3  # above what Linux gives to a process by default
    for name, owner in (("a" * 32, dead), ("b" * 32, 0), ("c" * 32, os.getpid()), ("d" * 32, os.getppid())):
        (folder / "bodies" / "tmp" / name).write_bytes(b"x")
        execute(folder, "INSERT INTO pending VALUES (?, ?)", name, owner)
    other = SQLiteStore(folder)
    find(other)
    assert [path.name for path in files(folder)] == ["d" * 32]
    run_blocking(other.close(RUNTIME))


# Bounds


def test_eviction_takes_the_useless_first_and_then_the_least_recently_used(folder: Path) -> None:
    store = SQLiteStore(folder, max_items=20)
    for name in range(20):
        expired = record(name, etag=None, fresh_until=5.0) if name in (15, 16) else record(name)
        put(store, expired)
    execute(folder, "UPDATE response SET last_used = id")
    store.touch(find(store, 0)[0])
    put(store, record(20))
    settle(store)
    left = {name for name in range(21) if find(store, name)}
    assert left == set(range(21)) - {15, 16, 1}
    assert run_blocking(store.stats(RUNTIME))[:3:2] == (18, 3)
    run_blocking(store.close(RUNTIME))


def test_bytes_are_bounded(folder: Path) -> None:
    store = SQLiteStore(folder, max_bytes=2**20)
    for name in range(12):
        assert put(store, record(name), b"x" * 100_000)
    settle(store)
    assert run_blocking(store.stats(RUNTIME)).size <= 2**20
    assert sum(file.stat().st_size for file in files(folder)) <= 2**20
    assert not put(store, record(99), b"x" * 300_000)
    settle(store)
    assert len(files(folder)) == run_blocking(store.stats(RUNTIME)).items
    run_blocking(store.close(RUNTIME))


def test_marks_are_bounded(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_MARKS", 10)
    for name in range(600):
        run_blocking(store.invalidate(RUNTIME, [Scope("uri", f"{URI}{name}")], 500.0 + name))
    run_blocking(store.worker.do(RUNTIME, store._write, rows._limit_marks))
    assert not put(store, record(7, sent_at=1000.0))
    assert not put(store, record(700, sent_at=1000.0)), "a dropped mark counts for everything"
    assert put(store, record(700, sent_at=1100.0))


def test_uses_are_written_down_on_closing(folder: Path, store: SQLiteStore) -> None:
    put(store, record(1))
    put(store, record(2))
    execute(folder, "UPDATE response SET last_used = id")
    store.touch(find(store, 1)[0])
    run_blocking(store.close(RUNTIME))
    assert [stored.uri for stored in run_blocking(store.iterate(RUNTIME))[0]] == [f"{URI}2", f"{URI}1"]


# What fails


def test_an_abandoned_writer_leaves_nothing(folder: Path, store: SQLiteStore) -> None:
    writer = run_blocking(store.writer(RUNTIME, record()))
    run_blocking(writer.write(b"x" * 300_000))
    settle(store)
    assert len(files(folder)) == 1
    del writer
    gc.collect()
    settle(store)
    assert files(folder) == []


@pytest.mark.parametrize("at", [0, 1])
def test_a_full_disk_is_a_miss(folder: Path, store: SQLiteStore, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    written = []

    def full(fd: int, data: memoryview) -> None:
        written.append(len(data))
        if len(written) > at:
            raise OSError(errno.ENOSPC, "No space left on device")
        os.write(fd, data)

    monkeypatch.setattr(body_files, "_write_all", full)
    guarded = GuardedStore(store)
    assert not put(guarded, record(), b"x" * 700_000)
    settle(store)
    assert files(folder) == []
    assert find(guarded) == []


def test_a_full_database_is_a_miss(store: SQLiteStore) -> None:
    put(store, record(1))
    with store._connections.reading(1.0) as db:
        db.execute("PRAGMA max_page_count=1")
    guarded = GuardedStore(store)
    results = [put(guarded, record(name), b"x" * 60_000) for name in range(2, 5)]
    assert not any(results)
    assert [stored.body for stored in find(guarded, 1)] == [b"content"]


@pytest.fixture
def locked(folder: Path, store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """Somebody who holds the database for writing."""
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.05)
    put(store, record(1))
    db = sqlite3.connect(folder / FILE_NAME, isolation_level=None, check_same_thread=False)
    db.execute("BEGIN EXCLUSIVE")
    yield db
    db.close()


def test_a_locked_database_is_a_miss(store: SQLiteStore, locked: sqlite3.Connection) -> None:
    guarded = GuardedStore(store)
    assert [stored.body for stored in find(guarded, 1)] == [b"content"]
    assert not put(guarded, record(2))
    assert not put(guarded, record(3), b"x" * 300_000)
    assert run_blocking(guarded.invalidate(RUNTIME, [Scope("uri", f"{URI}1")], 2000.0)) == 0
    assert find(guarded, 1) == [], "what could not be invalidated is served"
    locked.execute("ROLLBACK")
    assert find(guarded, 1) == []
    assert find(store, 1) == [], "the invalidation was not made up for"


def test_an_interrupted_wait_leaves_no_transaction(store: SQLiteStore, locked: sqlite3.Connection) -> None:
    """SQLite is not interrupted: Ctrl-C is raised when it has the lock."""
    sqlite._PATIENCE = 20.0  # the fixture puts it back
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    released = threading.Timer(0.1, locked.rollback)
    released.start()
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with pytest.raises(KeyboardInterrupt):
        put(store, record(2))
    signal.signal(signal.SIGALRM, before)
    released.join()
    locked.execute("BEGIN IMMEDIATE")
    locked.execute("ROLLBACK")
    assert put(store, record(2))


def test_a_locked_database_does_not_stop_the_loop(store: SQLiteStore, locked: sqlite3.Connection) -> None:
    async def main() -> None:
        runtime = AsyncioRuntime()
        writer = await store.writer(runtime, record(2))
        await writer.write(b"x")
        commit = asyncio.ensure_future(writer.commit())
        await asyncio.sleep(0)
        turns = 0
        while not commit.done():
            assert [stored.body for stored in await store.lookup(runtime, [(f"{URI}1", b"")])] == [b"content"]
            await asyncio.sleep(0.001)
            turns += 1
            if turns == 3:
                locked.execute("ROLLBACK")
        assert commit.result()

    sqlite._PATIENCE = 20.0  # the fixture puts it back
    asyncio.run(main())


def test_a_lookup_that_finds_a_lock_goes_to_the_thread(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, record())
    threads: list[int] = []
    lookup = rows.lookup

    def busy(db: sqlite3.Connection, key: Any) -> list[Stored]:
        threads.append(threading.get_ident())
        if len(threads) == 1:
            raise sqlite3.OperationalError("database is locked")
        return lookup(db, key)

    async def main() -> list[Stored]:
        runtime = AsyncioRuntime()
        return await store.lookup(runtime, [(f"{URI}0", b"")])

    monkeypatch.setattr(rows, "lookup", busy)
    assert [stored.body for stored in asyncio.run(main())] == [b"content"]
    assert threads[0] == threading.get_ident() != threads[1]


def test_slow_lookups_move_to_the_thread(store: SQLiteStore) -> None:
    put(store, record())
    moment = [0.0]

    class Slow(AsyncioRuntime):
        def now(self) -> float:  # type: ignore[override]
            moment[0] += 0.01
            return moment[0]

    threads: list[int] = []

    def noted(timeout: float) -> None:
        threads.append(threading.get_ident())

    async def main() -> None:
        runtime = Slow()
        for _ in range(5):
            await store._found(runtime, noted)
        moment[0] += 100.0
        await store._found(runtime, noted)

    asyncio.run(main())
    here = threading.get_ident()
    assert [thread == here for thread in threads] == [True, True, True, False, False, True]


# Threads, loops, forks


def test_many_threads(store: SQLiteStore) -> None:
    def work(seed: int) -> None:
        for step in range(30):
            name = (seed * 7 + step) % 20
            assert put(store, record(name), b"%d" % name * 1000)
            for stored in find(store, name):
                assert stored.body == b"%d" % name * 1000
            if step % 10 == 0:
                run_blocking(store.invalidate(RUNTIME, [Scope("uri", f"{URI}{name}")], 1.0))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert run_blocking(store.stats(RUNTIME)).items == sum(len(find(store, name)) for name in range(20))


def test_closing_while_others_use_it(store: SQLiteStore) -> None:
    put(store, record())
    end = time.monotonic() + 0.2

    def work(_: int) -> None:
        while time.monotonic() < end:
            assert [stored.body for stored in find(store)] == [b"content"]

    with ThreadPoolExecutor(3) as pool:
        done = pool.map(work, range(3))
        while time.monotonic() < end:
            run_blocking(store.close(RUNTIME))
        list(done)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_takes_no_connection_along(folder: Path, store: SQLiteStore) -> None:
    put(store, record(1))
    writer = run_blocking(store.writer(RUNTIME, record(2)))
    run_blocking(writer.write(b"x" * 300_000))
    settle(store)
    end = threading.Event()

    def busy() -> None:
        while not end.is_set():
            find(store, 1)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(2):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    fine = [stored.body for stored in find(store, 1)] == [b"content"] and put(store, record(3))
                    del writer  # the parent's, whose file stays
                    gc.collect()
                    put(store, record(4), b"x" * 300_000)
                    run_blocking(store.close(RUNTIME))
                    status = 0 if fine else 2
                finally:
                    os._exit(status)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        end.set()
        thread.join()
    assert run_blocking(writer.commit())
    assert read(store, find(store, 2)[0]) == b"x" * 300_000
    assert find(store, 3)
    assert find(store, 4)


# Two tiers


def test_memory_answers_until_another_process_writes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(BlockingRuntime):
        moment = 0.0

        def now(self) -> float:  # type: ignore[override]
            return self.moment

    clock, disk = Clock(), SQLiteStore(folder)
    store, elsewhere = TieredStore(disk), SQLiteStore(folder)
    looked = []
    lookup = disk._lookup
    monkeypatch.setattr(disk, "_lookup", lambda *args: looked.append(1) or lookup(*args))

    def body() -> list[bytes | None]:
        return [stored.body for stored in find(store, 0, clock)]

    assert put(store, record(), b"one")
    assert put(store, record(1), b"x" * 200_000)
    assert (body(), body(), body()) == ([b"one"],) * 3
    assert len(looked) == 1
    assert [len(stored.body or b"") for stored in find(store, 1, clock)] == [200_000], (
        "a body of some size is in memory"
    )
    looked.clear()
    assert put(elsewhere, record(), b"two")
    assert body() == [b"one"]
    clock.moment += 0.2
    assert body() == [b"two"]
    clock.moment += 0.2
    assert put(store, record(), b"three")
    assert (body(), body()) == ([b"three"],) * 2
    assert len(looked) == 2
    run_blocking(elsewhere.invalidate(RUNTIME, [EVERYTHING], 5000.0))
    clock.moment += 0.2
    assert body() == []
    for each in (store, elsewhere):
        run_blocking(each.close(RUNTIME))


def test_memory_is_bounded(folder: Path) -> None:
    store = TieredStore(SQLiteStore(folder), max_bytes=50_000)
    for name in range(10):
        put(store, record(name), b"x" * 10_000)
        assert len(find(store, name)) == 1
    assert store._size <= 50_000
    assert len(store._known) == 4
    run_blocking(store.close(RUNTIME))


def test_what_changes_while_it_is_read_is_not_kept(folder: Path) -> None:
    disk = SQLiteStore(folder)
    store = TieredStore(disk)
    put(store, record(), b"one")
    lookup = disk.lookup

    async def slow(runtime: Any, keys: Any) -> list[Stored]:
        found = await lookup(runtime, keys)
        disk.lookup = lookup  # type: ignore[method-assign]
        await store.invalidate(runtime, [Scope("uri", f"{URI}0")], 2000.0)
        return found

    disk.lookup = slow  # type: ignore[method-assign]
    assert len(find(store)) == 1
    assert find(store) == []
    run_blocking(store.close(RUNTIME))


def test_pickles_name_the_place() -> None:
    import pickle

    store = pickle.loads(pickle.dumps(TieredStore(SQLiteStore("somewhere", max_items=5), 1000)))
    assert (store.max_bytes, store.disk.max_items, store.disk.path) == (1000, 5, os.path.abspath("somewhere"))


@pytest.mark.parametrize("change", ["file = '../../etc/passwd'", "checksums = x'00'", "file = ''"])
def test_a_row_whose_file_cannot_be_ours(folder: Path, store: SQLiteStore, change: str) -> None:
    put(store, record(), b"x" * 100_000)
    execute(folder, f"UPDATE response SET {change}")
    assert read(store, find(store)[0]) is None
    settle(store)
    assert find(store) == []
