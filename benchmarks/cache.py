"""What the cache costs, beside other clients with one: fresh hits, large bodies, many entries.

    python benchmarks/cache.py                              everything
    python benchmarks/cache.py --parts hits --rounds 30
    python benchmarks/cache.py --parts entries --entries 1000 100000 500000 --json FILE

Needs the extra `bench`. Hits: one process, all clients taking turns in each round, CPU (`time.process_time`, which has
their threads in it) of one call through the public API; the least of the rounds counts. The origin makes one answer for
each and sleeps from then on. Bodies: each run is a process of its own, in turns; the median counts, and the peak of
memory is VmHWM less that of a run with 1 MB. Entries: hits in random order over a disk store of so many.
"""

import argparse
import asyncio
import json
import random
import shutil
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cache_contenders import ASYNC, SYNC

MB = 1_000_000
SIZES = {"1 kB": 1000, "100 kB": 100_000}
BODY = 100 * MB
PARTS = ("hits", "bodies", "entries")
TURN = 0.02  # seconds of one client in one round
TARGETS = {  # us of CPU
    ("sync", "smartclient memory", "1 kB"): 15,
    ("sync", "smartclient memory", "100 kB"): 15,
    ("sync", "smartclient SQLite", "1 kB"): 25,
    ("sync", "smartclient SQLite", "100 kB"): 40,
    ("sync", "smartclient path", "1 kB"): 25,
    ("async", "smartclient memory", "1 kB"): 20,
    ("async", "smartclient memory", "100 kB"): 20,
    ("async", "smartclient SQLite", "1 kB"): 30,
    ("async", "smartclient path", "1 kB"): 30,
}


class _Exchange(socketserver.StreamRequestHandler):
    """GET /SIZE/... gives so many bytes that are fresh for an hour; connections are kept."""

    def handle(self) -> None:
        piece = b"0123456789abcdef" * 4096
        while line := self.rfile.readline():
            size = int(line.split()[1].decode().split("/")[1])
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {size}\r\n"
            date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
            self.wfile.write(f'{head}Date: {date}\r\nCache-Control: max-age=3600\r\nETag: "a"\r\n\r\n'.encode())
            for start in range(0, size, len(piece)):
                self.wfile.write(piece[: size - start])


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def origin() -> Iterator[str]:
    """URL of an origin in this process, without the last slash."""
    with _Server(("127.0.0.1", 0), _Exchange) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


# Hits


def hits(url: str, rounds: int, folder: Path) -> dict[str, float]:
    """us of CPU of one fresh hit, by "sync or async, client, size"."""
    turns: dict[str, Callable[[int], None]] = {}
    with asyncio.Runner() as runner, ExitStack() as stack:
        for size, length in SIZES.items():
            for name, make in SYNC.items():
                call, close = make(_own(folder, "sync", name, size))
                stack.callback(close)
                turns[f"sync, {name}, {size}"] = _turn(call, f"{url}/{length}", length)
            for name, make_async in ASYNC.items():
                await_call, await_close = runner.run(make_async(_own(folder, "async", name, size)))
                stack.callback(lambda close=await_close: runner.run(close()))
                turns[f"async, {name}, {size}"] = _async_turn(runner, await_call, f"{url}/{length}", length)
        return _least(turns, rounds)


def _own(folder: Path, *names: str) -> Path:
    own = folder / "-".join(names).replace(" ", "-")
    own.mkdir()
    return own


def _turn(call: Callable[[str], int], url: str, length: int) -> Callable[[int], None]:
    assert call(url) == call(url) == length

    def turn(times: int) -> None:
        for _ in range(times):
            call(url)

    return turn


def _async_turn(runner: asyncio.Runner, call: Any, url: str, length: int) -> Callable[[int], None]:
    async def turn(times: int) -> None:
        for _ in range(times):
            assert await call(url) == length

    runner.run(turn(2))
    return lambda times: runner.run(turn(times))


def _least(turns: dict[str, Callable[[int], None]], rounds: int) -> dict[str, float]:
    shares = {}
    for name, turn in turns.items():
        turn(50)
        shares[name] = max(10, round(TURN / _cpu(turn, 50)))
    least = dict.fromkeys(turns, float("inf"))
    for number in range(rounds):
        names = list(turns)
        random.Random(number).shuffle(names)
        for name in names:
            least[name] = min(least[name], _cpu(turns[name], shares[name]))
    return {name: round(seconds * 1e6, 2) for name, seconds in least.items()}


def _cpu(turn: Callable[[int], None], times: int) -> float:
    start = time.process_time()
    turn(times)
    return (time.process_time() - start) / times


# Large bodies

_BODY = """
import sys, time
import smartclient
from smartclient.stores import SQLiteStore
url, folder = sys.argv[1], sys.argv[2]
cache = smartclient.Cache(store=SQLiteStore(folder)) if folder else None
with smartclient.Session(cache=cache) as session:
    session.get(sys.argv[3]).content  # what is imported, opened and connected once
    for turn in ("miss", "hit")[: 1 + bool(folder)]:
        start, size, first = time.perf_counter(), 0, None
        with session.stream("GET", url) as response:
            for piece in response.iter_content(None):
                first = first or time.perf_counter() - start
                size += len(piece)
        print(turn, time.perf_counter() - start, first, size, response.cache and response.cache.status)
with open("/proc/self/status") as status:
    print("peak", *[line.split()[1] for line in status if line.startswith("VmHWM:")])
"""


def bodies(url: str, rounds: int, folder: Path) -> dict[str, float]:
    """Seconds and megabytes of a body of 100 MB: uncached, stored while it is streamed, and as a hit."""
    runs: dict[str, list[float]] = {}
    for number in range(rounds):
        for name, cached in (("uncached", False), ("stored", True)):
            small = _body(f"{url}/{MB}", folder / f"{number}-small" if cached else None)
            large = _body(f"{url}/{BODY}", folder / f"{number}-large" if cached else None)
            runs.setdefault(f"{name}, wall s", []).append(large["miss"][0])
            runs.setdefault(f"{name}, first byte ms", []).append(large["miss"][1] * 1000)
            runs.setdefault(f"{name}, growth MB", []).append((large["peak"][0] - small["peak"][0]) / 1024)
            if cached:
                runs.setdefault("hit, wall ms", []).append(large["hit"][0] * 1000)
                runs.setdefault("hit, first byte ms", []).append(large["hit"][1] * 1000)
    found = {name: round(statistics.median(values), 4) for name, values in runs.items()}
    found["stored / uncached, least"] = round(min(runs["stored, wall s"]) / min(runs["uncached, wall s"]), 2)
    found["stored / uncached, median"] = round(found["stored, wall s"] / found["uncached, wall s"], 2)
    found["hit, least wall ms"] = round(min(runs["hit, wall ms"]), 2)
    return found


def _body(url: str, folder: Path | None) -> dict[str, list[float]]:
    command = [sys.executable, "-c", _BODY, url, str(folder or ""), url.rsplit("/", 1)[0] + "/10"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    if folder is not None:
        shutil.rmtree(folder)
    lines = [line.split() for line in done.stdout.splitlines()]
    return {words[0]: [float(word) for word in words[1:] if word.replace(".", "").isdigit()] for words in lines}


# Many entries


def entries(counts: list[int], folder: Path) -> dict[str, float]:
    """us of CPU of one hit through the public API over a disk store with so many entries, in random order."""
    import smartclient
    from smartclient.stores import SQLiteStore

    turns: dict[str, Callable[[int], None]] = {}
    with ExitStack() as stack:
        for count in counts:
            place = folder / str(count)
            _fill(place, count)
            store = SQLiteStore(place, max_items=10**6, max_bytes=2**36)
            session = stack.enter_context(smartclient.Session(cache=smartclient.Cache(store=store)))
            turns[f"{count} entries"] = _walk(session, count)
        return _least(turns, 15)


def _walk(session: Any, count: int) -> Callable[[int], None]:
    dice = random.Random(1)

    def turn(times: int) -> None:
        for _ in range(times):
            assert session.get(_uri(dice.randrange(count))).cache.status == "hit"

    return turn


def _uri(number: int) -> str:
    return f"http://entries.example/things/{number:07d}?page=1"


def _fill(place: Path, count: int) -> None:
    """Stores `count` answers of 1 kB, in few transactions."""
    from smartclient._model.headers import Fields
    from smartclient._store import rows
    from smartclient.stores import SQLiteStore, Stored

    store, now = SQLiteStore(place, max_items=10**6, max_bytes=2**36), time.time()
    fields = Fields([("Content-Type", "text/plain"), ("Content-Length", "1000"), ("Cache-Control", "max-age=86400")])
    for start in range(0, count, 5000):
        with store._connections.writing(10.0) as db:
            for number in range(start, min(start + 5000, count)):
                rows.add(db, _answer(Stored, number, now, fields), None, now)


def _answer(kind: Any, number: int, now: float, fields: Any) -> Any:
    return kind(
        key=(_uri(number), b""),
        status=200,
        reason="OK",
        fields=fields,
        body=b"x" * 1000,
        vary=(),
        sent_at=now,
        received_at=now,
        date=now,
        initial_age=0.0,
        fresh_until=now + 86400.0,
        must_revalidate=False,
        immutable=False,
        etag=None,
        last_modified=None,
    )


def show(title: str, found: dict[str, float], unit: str) -> None:
    print(f"\n{title}")
    for name, value in found.items():
        words = name.split(", ")
        target = TARGETS.get((words[0], words[1], words[-1])) if len(words) == 3 else None
        mark = "" if target is None else f"   target {target}: {'holds' if value <= target else 'MISSED'}"
        print(f"  {name:<45} {value:>10} {unit}{mark}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--entries", nargs="+", type=int, default=[1000, 100_000, 500_000])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, origin() as url:
        if "hits" in options.parts:
            report["hits"] = hits(url, options.rounds, Path(folder))
            show("A fresh hit, CPU", report["hits"], "us")
        if "bodies" in options.parts:
            report["bodies"] = bodies(url, max(3, options.rounds // 3), Path(folder))
            show("A body of 100 MB", report["bodies"], "")
        if "entries" in options.parts:
            report["entries"] = entries(options.entries, Path(folder))
            show("A hit among many, CPU", report["entries"], "us")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
