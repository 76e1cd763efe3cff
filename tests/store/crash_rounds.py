"""Processes that are killed while they use one disk store, and what they leave: run by test_crashes, or by hand.

    python tests/store/crash_rounds.py --rounds 200 --seed 7

Bodies describe themselves: whoever reads one knows every byte that it must have. The last line is a JSON report.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smartclient._model.headers import Fields
from smartclient._model.scope import Scope
from smartclient._model.stored import Stored
from smartclient._runtime.base import run_blocking
from smartclient._runtime.blocking import BlockingRuntime
from smartclient._store import body_files, rows, sqlite
from smartclient._store.guarded import GuardedStore
from smartclient._store.schema import FILE_NAME
from smartclient._store.sqlite import SQLiteStore

RUNTIME = BlockingRuntime()
sqlite._PATIENCE = 60.0  # nobody may fail because the machine is busy
SIZES = (30, 3_000, 60_000, 70_000, 270_000)
URIS = 60


def body_of(name: int, version: int, size: int) -> bytes:
    head = f"{name} {version} {size} ".encode()
    block = hashlib.blake2b(head).digest()
    return (head + block * (size // len(block) + 1))[:size]


def is_exact(uri: str, body: bytes) -> bool:
    """Whether these are all the bytes that some version of `uri` had."""
    name, version, size = [int(word) for word in body.split(b" ", 3)[:3]] if body.count(b" ") > 2 else (-1, 0, 0)
    if uri != uri_of(name):
        return False
    return body == body_of(name, version, size)


def uri_of(name: int) -> str:
    return f"https://h.example/{name}"


def record(name: int) -> Stored:
    now = time.time()
    return Stored(
        key=(uri_of(name), b""),
        status=200,
        reason="OK",
        fields=Fields([("X", "1")]),
        body=b"",
        vary=(),
        sent_at=now,
        received_at=now,
        date=now,
        initial_age=0.0,
        fresh_until=now + 1000.0,
        must_revalidate=False,
        immutable=False,
        etag='"a"' if name % 2 else None,
        last_modified=None,
    )


def put(store: Any, dice: random.Random) -> None:
    name, size = dice.randrange(URIS), dice.choice(SIZES)
    body = body_of(name, dice.randrange(1000), max(size, 30))
    writer = run_blocking(store.writer(RUNTIME, record(name)))
    for start in range(0, len(body), 65_536):
        run_blocking(writer.write(body[start : start + 65_536]))
    if dice.random() < 0.1:
        writer.discard()
    else:
        run_blocking(writer.commit())


def get(store: Any, name: int) -> None:
    """Whatever is found must be exact; what goes meanwhile is a miss."""
    for stored in run_blocking(store.lookup(RUNTIME, [(uri_of(name), b"")])):
        reader = run_blocking(store.open_body(RUNTIME, stored))
        if reader is None:
            continue
        pieces = []
        while piece := run_blocking(reader.read()):
            pieces.append(piece)
        assert is_exact(stored.uri, b"".join(pieces)), f"{stored.uri} has other bytes"
        store.touch(stored)


def small_store(folder: Path) -> SQLiteStore:
    return SQLiteStore(folder, max_bytes=4 * 2**20, max_items=40)


# Being killed


def kill_now() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_body_write(dice: random.Random) -> None:
    whole, left = body_files._write_all, [dice.randrange(40)]

    def cut(fd: int, data: memoryview) -> None:
        left[0] -= 1
        if left[0] < 0:
            whole(fd, data[: dice.randrange(len(data))])
            kill_now()
        whole(fd, data)

    body_files._write_all = cut


def around(module: Any, name: str, left: int, after: bool) -> None:
    """Kills before or after the call number `left` of a function."""
    function = getattr(module, name)
    count = [left]

    def counted(*args: Any) -> Any:
        count[0] -= 1
        if count[0] < 0 and not after:
            kill_now()
        result = function(*args)
        if count[0] < 0:
            kill_now()
        return result

    setattr(module, name, counted)


def in_rename(dice: random.Random) -> None:
    around(os, "rename", dice.randrange(15), dice.random() < 0.5)


def inside(name: str, dice: random.Random, calls: int) -> None:
    """Kills somewhere among the SQL of one call."""
    function = getattr(rows, name)
    count, steps = [dice.randrange(calls)], dice.randrange(1, 60)

    def counted(db: sqlite3.Connection, *args: Any) -> Any:
        count[0] -= 1
        if count[0] < 0:
            db.set_progress_handler(kill_now, steps)
        result = function(db, *args)
        if count[0] < 0:
            kill_now()  # before the COMMIT
        return result

    setattr(rows, name, counted)


def in_row_write(dice: random.Random) -> None:
    inside("add", dice, 20)


def in_eviction(dice: random.Random) -> None:
    if dice.random() < 0.5:
        inside("evict", dice, 3)
    else:
        around(os, "unlink", dice.randrange(8), dice.random() < 0.5)


def at_any_moment(dice: random.Random) -> None:
    signal.setitimer(signal.ITIMER_REAL, dice.uniform(0.002, 0.1))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


PLACES: dict[str, Callable[[random.Random], None]] = {
    "body write": in_body_write,
    "rename": in_rename,
    "row write": in_row_write,
    "eviction": in_eviction,
    "any moment": at_any_moment,
}


def victim(folder: Path, place: str, seed: int) -> None:
    dice = random.Random(seed)
    PLACES[place](dice)
    store = small_store(folder)
    for _ in range(2000):
        put(store, dice)
        get(store, dice.randrange(URIS))
    raise AssertionError(f"{place}: it was never killed")


def heir(folder: Path) -> None:
    """Opens what the dead left."""
    store = small_store(folder)
    for name in range(URIS):
        get(store, name)
    assert run_blocking(store.stats(RUNTIME)).items > 0
    run_blocking(store.worker.do(RUNTIME, store.clear_away))
    run_blocking(store.close(RUNTIME))
    db = sqlite3.connect(folder / FILE_NAME)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    counted = db.execute("SELECT count(*), coalesce(sum(size), 0) FROM response").fetchone()
    assert counted == db.execute("SELECT items, size FROM total").fetchone()
    assert db.execute("SELECT count(*) FROM pending").fetchone() == (0,)
    files = {name for (name,) in db.execute("SELECT file FROM response WHERE file IS NOT NULL")}
    there = {path.name for path in (folder / "bodies").rglob("*") if path.is_file()}
    assert there == files, f"{len(there - files)} files too many, {len(files - there)} missing"
    db.close()


def in_child(function: Callable[..., None], *args: Any) -> int:
    """The exit status of a process that does `function(*args)`, negative for a signal."""
    return wait_for(start(function, *args))


def start(function: Callable[..., None], *args: Any) -> int:
    child = os.fork()
    if child:
        return child
    try:
        function(*args)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def wait_for(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def crash(folder: Path, rounds: int, seed: int) -> dict[str, int]:
    """How often a process was killed in each place; whatever the next one finds must be in order."""
    killed = dict.fromkeys(PLACES, 0)
    for place in PLACES:
        own = folder / place.replace(" ", "-")
        assert in_child(fill, own, seed) == 0
        for number in range(rounds):
            status = in_child(victim, own, place, seed * 1000 + number)
            assert status in (-signal.SIGKILL, -signal.SIGALRM), f"{place}, round {number}: exit status {status}"
            killed[place] += 1
            assert in_child(heir, own) == 0, f"{place}, round {number}: what was left is not in order"
    return killed


def fill(folder: Path, seed: int) -> None:
    store, dice = small_store(folder), random.Random(seed)
    for _ in range(50):
        put(store, dice)
    run_blocking(store.close(RUNTIME))


# Many at once


def crowd_member(folder: Path, seed: int, steps: int) -> None:
    dice = random.Random(seed)
    store = GuardedStore(small_store(folder))
    for _ in range(steps):
        get(store, dice.randrange(URIS))
        if dice.random() < 0.3:
            put(store, dice)
        if dice.random() < 0.02:
            scope = Scope("uri", uri_of(dice.randrange(URIS)))
            run_blocking(store.invalidate(RUNTIME, [scope], time.time()))
    errors = run_blocking(store.stats(RUNTIME)).errors
    run_blocking(store.close(RUNTIME))
    assert errors == 0, f"{errors} errors"


def crowd(folder: Path, processes: int, steps: int, seed: int) -> None:
    """Processes that write and read at the same time; none may see an error."""
    children = [start(crowd_member, folder, seed + number, steps) for number in range(processes)]
    statuses = [wait_for(child) for child in children]
    assert statuses == [0] * processes
    assert in_child(heir, folder) == 0


def begin(folder: Path, moment: float) -> None:
    store = small_store(folder)
    while time.time() < moment:
        pass
    run_blocking(store.salt(RUNTIME))


def begin_together(folder: Path, rounds: int, processes: int) -> None:
    """Processes that all make the same store at one moment."""
    for number in range(rounds):
        moment = time.time() + 0.005
        children = [start(begin, folder / str(number), moment) for _ in range(processes)]
        assert [wait_for(child) for child in children] == [0] * processes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="deaths in each place")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--steps", type=int, default=100, help="of each process of the crowd")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        killed = crash(Path(folder), options.rounds, options.seed)
        begin_together(Path(folder), options.rounds, options.processes)
        crowd(Path(folder) / "crowd", options.processes, options.steps, options.seed)
    print(json.dumps({"killed": killed, "processes": options.processes, "steps": options.steps}))


if __name__ == "__main__":
    main()
