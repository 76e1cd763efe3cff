"""Shows that nothing breaks it: a great many calls to a server of which one in twenty goes wrong, many called off.

python benchmarks/soak.py                        10**6 calls in all, by threads, asyncio and trio
python benchmarks/soak.py --requests 20000 --ways trio --tls

Each way is a process of its own. Of the calls 5 % meet a server that resets, truncates, drops, stalls, or sends more
than was asked for, and 10 % are cancelled or timed out. What must hold: no wrong body, no exception that is not ours,
no good call that fails unless a byte that nobody asked for met it, all slots free in the end, memory +5 MB at most
since a tenth of the run, sockets and threads +0. Linux only.
"""

import argparse
import asyncio
import contextlib
import ctypes
import gc
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import trio

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

import smartclient
from loopback.authority import Authority
from loopback.swarm import body_of
from loopback.troubled import FAULTS, HARMLESS, Troubled
from loopback.ways import CANCELLED, new_session, open_sockets, outcome, pieces_of, run, settled, sockets_become, usage

WAYS = ("blocking", "asyncio", "trio")
SLOTS, WORKERS = 20, 32
FAULTY, CALLED_OFF = 0.05, 0.12  # shares of the calls; some end before they are called off
STALL = 0.05  # seconds that a call waits for a server that has stopped
GROWTH_MAX = 5.0  # MB


class Wrong(AssertionError):
    """A body that is not the one asked for."""


def memory() -> float:
    """MB that this process has in memory, without what the allocator keeps of what was freed."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # glibc has it
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Soak:
    """The calls of one way, and what became of them.

    Attributes:
        counts: calls by what became of them.
        samples: the first few of what should not be.
    """

    def __init__(self, way: str, url: str, seed: int) -> None:
        self.way = way
        self.url = url
        self.seed = seed
        self.counts: Counter[str] = Counter()
        self.samples: list[str] = []
        self._lock = threading.Lock()

    def note(self, kind: str, error: BaseException | None = None) -> None:
        """Counts one call; `error` is shown where it should not be."""
        with self._lock:
            self.counts[kind] += 1
            if error is not None and len(self.samples) < 10:
                self.samples.append(f"{kind}: {type(error).__name__}: {error}")

    async def worker(self, session: Any, numbers: Any) -> None:
        """Makes calls until `numbers` has no more."""
        for number in numbers:
            await self._one(session, number)

    async def _one(self, session: Any, number: int) -> None:
        dice = random.Random(self.seed * 10**9 + number)
        key, size = f"key-{number}", dice.choice((1, 1, 100, 1000, 1000, 30_000, 200_000))
        kind = dice.choice(FAULTS) if dice.random() < FAULTY else dice.choice(("good", "good", "chunked"))
        doom = dice.choice(("cancelled", "timed-out")) if dice.random() < CALLED_OFF else ""
        if self.way == "blocking" and doom:
            doom = "timed-out"
        delay = dice.random() * 0.004
        total = delay if doom == "timed-out" else STALL if kind == "stalled" else 60.0
        call = partial(
            self._streamed if dice.random() < 0.1 else self._whole,
            *(session, f"{self.url}/{kind}/{key}/{size}", body_of(key, size), smartclient.Timeout(total=total)),
        )
        result = await outcome(self.way, call, partial(self._arm, delay if doom == "cancelled" else None))
        self._judge(result, kind, doom)

    def _judge(self, result: Any, kind: str, doom: str) -> None:
        if result is None:
            self.note("right")
        elif result is CANCELLED:
            self.note("cancelled" if doom == "cancelled" else "FOREIGN", None if doom else Exception("cancelled"))
        elif isinstance(result, Wrong):
            self.note("WRONG", result)
        elif not isinstance(result, smartclient.RequestException):
            self.note("FOREIGN", result)
        elif doom == "timed-out" and isinstance(result, smartclient.exceptions.Timeout):
            self.note("timed-out")
        elif kind in FAULTS and kind not in HARMLESS:
            self.note("fault-told")
        elif "'unasked" in str(result):  # such bytes came while this request was on its way
            self.note("struck")
        else:
            self.note("FAILED", result)

    async def _whole(self, session: Any, url: str, body: bytes, timeout: Any) -> None:
        response = await settled(session.get(url, timeout=timeout))
        if response.content != body:
            raise Wrong(f"{url}: {response.content[:40]!r}")

    async def _streamed(self, session: Any, url: str, body: bytes, timeout: Any) -> None:
        response = await settled(session.get(url, timeout=timeout, stream=True))
        try:
            content = b"".join(await pieces_of(response))
            if content != body:
                raise Wrong(f"{url}: {content[:40]!r}")
        finally:
            response.close()

    def _arm(self, delay: float | None, cancel: Callable[[], Any]) -> None:
        if delay is None:
            return
        if self.way == "trio":
            trio.lowlevel.spawn_system_task(_later, delay, cancel)
        else:
            asyncio.get_running_loop().call_later(delay, cancel)


async def _later(delay: float, cancel: Callable[[], Any]) -> None:
    await trio.sleep(delay)
    cancel()


async def storm(soak: Soak, session: Any, numbers: range) -> None:
    """Makes the calls of `numbers`, `WORKERS` at a time."""
    shared = itertools.chain(numbers)
    if soak.way == "trio":
        async with trio.open_nursery() as nursery:
            for _ in range(WORKERS):
                nursery.start_soon(soak.worker, session, shared)
    elif soak.way == "asyncio":
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: soak.note("FOREIGN", context.get("exception") or Exception(context["message"]))
        )
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(soak.worker(session, shared))
    else:
        each = [range(numbers.start + first, numbers.stop, WORKERS) for first in range(WORKERS)]
        threads = [threading.Thread(target=run, args=("blocking", soak.worker, session, part)) for part in each]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


async def soaked(way: str, url: str, requests: int, seed: int, verify: str | None) -> dict[str, Any]:
    """One way's run, as the values of its line; `verify` vouches for a server with TLS."""
    soak = Soak(way, url, seed)
    sys.unraisablehook = lambda args: soak.note("FOREIGN", args.exc_value)
    threading.excepthook = lambda args: soak.note("FOREIGN", args.exc_value)
    sockets = open_sockets()
    session = new_session(way, limits=smartclient.Limits(max_connections=SLOTS), retries=0, verify=verify or True)
    begun = time.monotonic()
    await storm(soak, session, range(requests // 10))
    threads, at_first = threading.active_count(), memory()
    await storm(soak, session, range(requests // 10, requests))
    growth, seconds = memory() - at_first, time.monotonic() - begun
    in_use = usage(session)
    held = [await settled(session.get(f"{url}/stalled/k/1000", stream=True, timeout=10)) for _ in range(SLOTS)]
    full = in_use == (0, 0) and usage(session) == (SLOTS, 0)
    for response in held:
        response.close()
    await settled(session.close())
    await sockets_become(way, sockets)
    return {
        "counts": dict(soak.counts),
        "samples": soak.samples,
        "seconds": seconds,
        "growth": growth,
        "capacity": full,
        "threads": threading.active_count() - threads,
        "sockets": open_sockets() - sockets,
    }


def verdict(result: dict[str, Any]) -> bool:
    """Whether all that must hold held."""
    counts = result["counts"]
    return (
        not counts.get("WRONG")
        and not counts.get("FOREIGN")
        and not counts.get("FAILED")
        and result["growth"] <= GROWTH_MAX
        and result["capacity"]
        and result["threads"] <= 0
        and result["sockets"] == 0
    )


def show(way: str, requests: int, result: dict[str, Any]) -> None:
    """Prints what became of one way's calls."""
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(result["counts"].items(), key=lambda each: -each[1]))
    print(
        f"{way}: {requests} calls in {result['seconds']:.0f} s: {counts}; capacity "
        f"{'full' if result['capacity'] else 'LOST'}, memory {result['growth']:+.1f} MB, "
        f"sockets {result['sockets']:+}, threads {result['threads']:+}: {'holds' if verdict(result) else 'FAILS'}",
        flush=True,
    )
    for sample in result["samples"]:
        print(f"  {sample}")


def judged(given: argparse.Namespace, way: str, authority: Authority) -> bool:
    """Whether all held in the share of `way`, which is shown."""
    requests = given.requests // len(given.ways)
    with Troubled(*(authority.files("server") if given.tls else ())) as server:
        command = [sys.executable, __file__, "--ways", way, "--against", server.url, "--seed", str(given.seed)]
        trust = ["--verify", str(authority.ca_file)] if given.tls else []
        done = subprocess.run([*command, "--requests", str(requests), *trust], stdout=subprocess.PIPE, check=True)
    result = json.loads(done.stdout)
    show(way, requests, result)
    return verdict(result)


def main() -> int:
    parser = argparse.ArgumentParser(description="A great many calls to a troubled server.")
    parser.add_argument("--requests", type=int, default=10**6, help="of all ways together")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tls", action="store_true", help="to a server with TLS")
    parser.add_argument("--against", help=argparse.SUPPRESS)  # the process of one way
    parser.add_argument("--verify", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.against:
        way = given.ways[0]
        print(json.dumps(run(way, soaked, way, given.against, given.requests, given.seed, given.verify)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        verdicts = [judged(given, way, authority) for way in given.ways]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
