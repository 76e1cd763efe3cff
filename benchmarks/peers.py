"""How fast smartclient is beside other clients: one process, one nginx, taking turns.

    python benchmarks/peers.py                          all cases
    python benchmarks/peers.py --cases sync-1 --repeat 3
    python benchmarks/peers.py --profile asyncio-50     where our own time goes

Needs nginx and the extra `bench`. In each round every client makes its share of requests, so that a machine that
changes speed changes it for all; the minimum over the rounds counts. CPU is `time.process_time`, which includes a
client's own threads; wall time may hide work that such threads do on a free core. Ratios are peer / ours: above 1 we
are faster. With `--repeat` the worst ratio of the runs is reported.

Raw sockets are always in the field, as floor and as weather gauge: a round in which they are slow is not counted as
one of the rounds asked for (what it measured is kept all the same), and the table says how many were calm.
"""

import argparse
import asyncio
import contextlib
import cProfile
import gc
import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contenders import ASYNC, BODY, FLOOR, OURS, SYNC

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from loopback.nginx import Nginx  # noqa: E402

ROUND_SECONDS = 0.04  # a client's share of a round: long against the clock, short against the machine's moods
WARM_UP = 200  # requests before a client is timed: a cold one would get too small a share, and stay cold
SLOW_CALLERS = 50  # httpx's cost per request grows with the number of connections: above this only with --slow
SLOW = {"httpx"}
CALM = 1.3  # a round is calm while the floor is at most so many times its best of all runs
MOST_ROUNDS = 3  # times the rounds asked for, when the machine does not calm down
SCALING_LIMIT = 1.5  # CPU of our cases with a thousand callers, against 50 callers


@dataclass(frozen=True)
class Case:
    """One way of calling. `bounds` are the ratios that must hold, by peer, of `metric`."""

    name: str
    loop: str  # "" for blocking, else "asyncio" or "uvloop"
    callers: int
    connections: int
    bounds: dict[str, float] = field(default_factory=dict)
    scales: bool = False

    @property
    def metric(self) -> str:
        """What the ratios compare: wall time for blocking calls, CPU on a loop, where waiting overlaps."""
        return "cpu" if self.loop else "wall"


CASES = {
    case.name: case
    for case in (
        Case("sync-1", "", 1, 1, {"pyreqwest": 0.9, "http.client": 1.3, "urllib3": 5, "httpx": 6, "requests": 12}),
        Case("asyncio-1", "asyncio", 1, 1),
        Case("asyncio-50", "asyncio", 50, 50, {"aiohttp": 1.4, "pyreqwest": 0.75, "httpx": 10}),
        Case("asyncio-200", "asyncio", 200, 200, {"aiohttp": 1.5, "pyreqwest": 0.8}),
        Case("asyncio-1000", "asyncio", 1000, 1000, scales=True),
        Case("asyncio-1000-on-100", "asyncio", 1000, 100, {"aiohttp": 1.5}),
        Case("asyncio-1000-on-20", "asyncio", 1000, 20, scales=True),
        Case("uvloop-50", "uvloop", 50, 50, {"aiohttp": 1.7}),
    )
}

Timing = dict[str, list[float]]  # "wall" and "cpu": seconds per request, one entry a round
Outcome = dict[str, Any]  # of a case: "rounds", "calm" and "peers", which holds the ranges of each
Run = dict[str, Outcome]  # by the name of the case
Turn = Callable[[int], None]  # makes so many requests


class Field:
    """The open clients of one case, each as a function that makes n requests."""

    def __init__(self, case: Case, url: str, peers: list[str]) -> None:
        self.case = case
        self.url = url
        self.peers = peers

    @contextlib.contextmanager
    def turns(self) -> Iterator[dict[str, Turn]]:
        with contextlib.ExitStack() as stack:
            if not self.case.loop:
                yield {peer: self._sync_turn(stack, peer) for peer in self.peers}
                return
            runner = stack.enter_context(asyncio.Runner(loop_factory=_loop_factory(self.case.loop)))
            yield {peer: self._async_turn(stack, runner, peer) for peer in self.peers}

    def _sync_turn(self, stack: contextlib.ExitStack, peer: str) -> Turn:
        fetch = stack.enter_context(SYNC[peer](self.url, self.case.connections))

        def turn(requests: int) -> None:
            for _ in range(requests):
                fetch()

        return turn

    def _async_turn(self, stack: contextlib.ExitStack, runner: asyncio.Runner, peer: str) -> Turn:
        contender = ASYNC[peer](self.url, self.case.connections)
        fetch = runner.run(contender.__aenter__())
        stack.callback(lambda: runner.run(contender.__aexit__(None, None, None)))

        async def caller(requests: int) -> None:
            for _ in range(requests):
                await fetch()

        async def crowd(requests: int) -> None:
            share = requests // self.case.callers
            await asyncio.gather(*[caller(share) for _ in range(self.case.callers)])

        return lambda requests: runner.run(crowd(requests))


def _loop_factory(loop: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if loop == "asyncio":
        return asyncio.new_event_loop
    import uvloop

    return uvloop.new_event_loop


def measure(case: Case, url: str, peers: list[str], rounds: int, floors: dict[str, float]) -> Outcome:
    """One case: the timings of every peer, taking turns until `rounds` rounds were calm.

    `floors` holds the best time of the floor by case, over all runs, and is brought up to date.
    """
    timings: dict[str, Timing] = {peer: {"wall": [], "cpu": []} for peer in peers}
    done = calm = 0
    with Field(case, url, peers).turns() as turns:
        shares = {peer: _share(case, peer, turn) for peer, turn in turns.items()}
        gc.collect()
        while calm < rounds and done < rounds * MOST_ROUNDS:
            for peer in peers[done % len(peers) :] + peers[: done % len(peers)]:
                wall, cpu = _timed(turns[peer], shares[peer])
                timings[peer]["wall"].append(wall)
                timings[peer]["cpu"].append(cpu)
            floor = timings[FLOOR][case.metric][-1]
            floors[case.name] = min(floor, floors.get(case.name, floor))
            calm += floor <= floors[case.name] * CALM
            done += 1
    return {
        "rounds": done,
        "calm": calm,
        "peers": {peer: {"requests": shares[peer] * done, **_ranges(timings[peer])} for peer in peers},
    }


def _share(case: Case, peer: str, turn: Turn) -> int:
    """Requests of one turn, timed once connections are open, modules imported and the code warm."""
    turn(case.callers)
    requests = case.callers if peer in SLOW else max(case.callers, WARM_UP)
    turn(requests)
    wall, _ = _timed(turn, requests)
    least = 1 if peer in SLOW else 5 if case.callers > 1 else 20
    return case.callers * max(least, round(ROUND_SECONDS / wall / case.callers))


def _timed(turn: Turn, requests: int) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    turn(requests)
    return (time.perf_counter() - wall) / requests, (time.process_time() - cpu) / requests


def _ranges(timing: Timing) -> dict[str, dict[str, float]]:
    return {
        name: {"min": min(values), "median": statistics.median(values), "max": max(values)}
        for name, values in timing.items()
    }


def worst_ratios(runs: list[Run]) -> dict[str, dict[str, float]]:
    """Case -> peer -> the smallest peer / ours of the runs, by the metric of the case, minimum over rounds."""
    worst: dict[str, dict[str, float]] = {}
    for run in runs:
        for name, outcome in run.items():
            best = {peer: ranges[CASES[name].metric]["min"] for peer, ranges in outcome["peers"].items()}
            ours = best.pop(OURS, None)
            if ours is not None:
                row = worst.setdefault(name, {})
                row.update({peer: min(time / ours, row.get(peer, math.inf)) for peer, time in best.items()})
    return worst


def worst_scaling(runs: list[Run]) -> dict[str, float]:
    """Case with many callers -> its CPU per request against asyncio-50, the largest of the runs."""

    def ours(run: Run, name: str) -> float | None:
        cpu: float | None = run[name]["peers"].get(OURS, {}).get("cpu", {}).get("min") if name in run else None
        return cpu

    return {
        name: max((ours(run, name) or 0.0) / (ours(run, "asyncio-50") or math.inf) for run in runs)
        for name in runs[0]
        if CASES[name].scales and ours(runs[0], name) and ours(runs[0], "asyncio-50")
    }


def show_outcome(case: Case, outcome: Outcome) -> None:
    """One table, microseconds per request."""
    print(f"\n{case.name}: {case.callers} callers on {case.connections} connections; us per request;", end=" ")
    print(f"{outcome['calm']} of {outcome['rounds']} rounds were calm")
    print(f"  {'':12} {'wall min':>9} {'median':>8} {'cpu min':>9} {'median':>8}  requests")
    for peer, ranges in outcome["peers"].items():
        wall, cpu = ranges["wall"], ranges["cpu"]
        cells = f"{wall['min'] * 1e6:9.1f} {wall['median'] * 1e6:8.1f} {cpu['min'] * 1e6:9.1f}"
        print(f"  {peer:12} {cells} {cpu['median'] * 1e6:8.1f}  {ranges['requests']}")


def show_verdict(ratios: dict[str, dict[str, float]], scaling: dict[str, float], runs: int) -> bool:
    """The ratios beside their bounds; whether all hold."""
    held = True
    print(f"\nratio peer / ours, the worst of {runs} run(s); above 1 we are faster")
    for name, peers in ratios.items():
        for peer, ratio in peers.items():
            bound = CASES[name].bounds.get(peer)
            kept = bound is None or ratio >= bound
            held = held and kept
            verdict = "" if bound is None else f"must be >= {bound:<5} {'holds' if kept else 'FAILS'}"
            print(f"  {name:20} {CASES[name].metric:5} {peer:12} {ratio:7.2f}  {verdict}")
    for name, factor in scaling.items():
        kept = factor <= SCALING_LIMIT
        held = held and kept
        verdict = f"must be <= {SCALING_LIMIT:<5} {'holds' if kept else 'FAILS'}"
        print(f"  {name:20} cpu   our c=50     {factor:7.2f}  {verdict}  (times the cost of 50 callers)")
    return held


def profile(case: Case, url: str) -> None:
    """Prints where our own time goes in `case`."""
    with Field(case, url, [OURS]).turns() as turns:
        share = _share(case, OURS, turns[OURS])
        profiler = cProfile.Profile()
        profiler.enable()
        turns[OURS](share * 10)
        profiler.disable()
    print(f"{case.name}: {share * 10} requests")
    pstats.Stats(profiler).sort_stats("tottime").print_stats(40)


def chosen_peers(case: Case, wanted: list[str], slow: bool) -> list[str]:
    """The peers of a case that are installed and wanted, ours first."""
    everyone = ASYNC if case.loop else SYNC
    return [
        peer
        for peer in everyone
        if (not wanted or peer in wanted or peer == FLOOR)
        and (peer in (FLOOR, "http.client") or importlib.util.find_spec(peer) is not None)
        and (slow or peer not in SLOW or case.callers <= SLOW_CALLERS)
    ]


def facts(rounds: int) -> dict[str, Any]:
    """What the numbers depend on: versions and machine."""
    versions = {}
    for name in {OURS, "uvloop", *SYNC, *ASYNC} - {FLOOR, "http.client"}:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "rounds": rounds,
        "body_bytes": len(BODY),
        "versions": dict(sorted(versions.items())),
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare smartclient with other HTTP clients on a local nginx.")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--peers", nargs="+", default=[], metavar="PEER", help=", ".join({**SYNC, **ASYNC}))
    parser.add_argument("--rounds", type=int, default=25, help="calm rounds of each case (25)")
    parser.add_argument("--repeat", type=int, default=1, help="whole runs, of which the worst is reported (1)")
    parser.add_argument("--slow", action="store_true", help=f"httpx also with more than {SLOW_CALLERS} callers")
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "results" / "peers.json", metavar="FILE")
    parser.add_argument("--profile", choices=CASES, metavar="CASE", help="profile our side of one case instead")
    return parser.parse_args()


def allow_many_sockets() -> None:
    """A thousand connections for each client at once need more descriptors than the usual 1024."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> int:
    options = arguments()
    allow_many_sockets()
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    page = 'location / {{ default_type application/octet-stream; return 200 "' + BODY.decode() + '"; }}'
    with (
        tempfile.TemporaryDirectory() as folder,
        Nginx(Path(folder), "server {{ listen 127.0.0.1:{ports[0]} {backlog}; " + page + " }}") as nginx,
    ):
        url = f"http://127.0.0.1:{nginx.ports[0]}/1k"
        if options.profile:
            profile(CASES[options.profile], url)
            return 0
        floors: dict[str, float] = {}
        runs = [compare(options, url, floors) for _ in range(options.repeat)]
    ratios, scaling = worst_ratios(runs), worst_scaling(runs)
    held = show_verdict(ratios, scaling, len(runs))
    report = {"v": 1, **facts(options.rounds), "worst": ratios, "scaling": scaling, "runs": runs}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\nwritten to {options.json}")
    return 0 if held else 1


def compare(options: argparse.Namespace, url: str, floors: dict[str, float]) -> Run:
    """One run of the chosen cases, printed."""
    run: Run = {}
    for name in options.cases:
        case = CASES[name]
        if case.loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
            continue
        if peers := chosen_peers(case, options.peers, options.slow):
            run[name] = measure(case, url, peers, options.rounds, floors)
            show_outcome(case, run[name])
    return run


if __name__ == "__main__":
    sys.exit(main())
