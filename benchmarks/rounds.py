"""Clients taking turns, and what their turns cost; no client and no case is named here.

In each round every client makes its share of requests, so that a machine that changes speed changes it for all.
"""

import asyncio
import contextlib
import cProfile
import gc
import os
import pstats
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from cases import Case
from contenders import FLOOR, OURS, Target

ROUND_SECONDS = 0.04  # a client's share of a round: long against the clock, short against the machine's moods
WARM_UP = 200  # requests before a client is timed: a cold one would get too small a share, and stay cold
DOWNLOAD_ROUNDS = 9  # at most: a download is a share by itself
BASE = "base"  # ours in the case that this one is held against
SLOW = {"httpx", "httpx2"}  # their cost per request grows with the number of connections
CALM = 1.3  # a round is calm while the floor is at most so many times its best of all runs
MOST_ROUNDS = 3  # times the rounds asked for, when the machine does not calm down

Timing = dict[str, list[float]]  # "wall" and "cpu": seconds per request, one entry a round
Outcome = dict[str, Any]  # of a case: "rounds", "calm", "peers", the ranges of each, and "base", ours with few callers
Turn = Callable[[int], None]  # makes so many requests


@contextlib.contextmanager
def sharing_a_core(case: Case, servers: list[int]) -> Iterator[None]:
    """Keeps client and servers on one core where a single blocking caller takes turns with them.

    Only one of them has work at any time. On two cores each turn would wait for the other core to wake up, which on
    an idle machine takes longer than the request, for every client alike.
    """
    if case.callers > 1 or case.download or not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    everyone = [0, *servers]
    for process in everyone:
        os.sched_setaffinity(process, {min(cores)})
    try:
        yield
    finally:
        for process in everyone:
            os.sched_setaffinity(process, cores)


class Field:
    """The open clients of one case, each as a function that makes n requests."""

    def __init__(self, case: Case, target: Target, peers: list[str]) -> None:
        self.case = case
        self.target = target
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
        fetch = stack.enter_context(self.case.sync_contenders[peer](self.target))

        def turn(requests: int) -> None:
            for _ in range(requests):
                fetch()

        return turn

    def _async_turn(self, stack: contextlib.ExitStack, runner: asyncio.Runner, peer: str) -> Turn:
        contender = self.case.async_contenders[peer](self.target)
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


def measure(case: Case, target: Target, peers: list[str], rounds: int, floors: dict[str, float]) -> Outcome:
    """One case: the timings of every peer, taking turns until `rounds` rounds were calm.

    `floors` holds the best time of the floor by case, over all runs, and is brought up to date.
    """
    base = case.scales_from if OURS in peers else None
    players = [*peers, BASE] if base else peers
    timings: dict[str, Timing] = {player: {"wall": [], "cpu": []} for player in players}
    done = calm = 0
    if case.download:
        rounds = min(rounds, DOWNLOAD_ROUNDS)
    with contextlib.ExitStack() as stack:
        turns = stack.enter_context(Field(case, target, peers).turns())
        shares = {peer: _share(case, peer, turn) for peer, turn in turns.items()}
        if base:
            few = target._replace(connections=base.connections)
            turns[BASE] = stack.enter_context(Field(base, few, [OURS]).turns())[OURS]
            shares[BASE] = _share(base, OURS, turns[BASE])
        gc.collect()
        while calm < rounds and done < rounds * MOST_ROUNDS:
            for peer in players[done % len(players) :] + players[: done % len(players)]:
                wall, cpu = _timed(turns[peer], shares[peer])
                timings[peer]["wall"].append(wall)
                timings[peer]["cpu"].append(cpu)
            floor = timings[FLOOR][case.metrics[0]][-1]
            floors[case.name] = min(floor, floors.get(case.name, floor))
            calm += floor <= floors[case.name] * CALM
            done += 1
    return {
        "rounds": done,
        "calm": calm,
        "peers": {peer: {"requests": shares[peer] * done, **_ranges(timings[peer])} for peer in peers},
        "base": _ranges(timings[BASE]) if base else None,
    }


def _share(case: Case, peer: str, turn: Turn) -> int:
    """Requests of one turn, timed once connections are open, modules imported and the code warm."""
    turn(case.callers)
    if case.download:
        return 1
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


def profile(case: Case, target: Target) -> None:
    """Prints where our own time goes in `case`."""
    with Field(case, target, [OURS]).turns() as turns:
        share = _share(case, OURS, turns[OURS]) * 10
        profiler = cProfile.Profile()
        profiler.enable()
        turns[OURS](share)
        profiler.disable()
    print(f"{case.name}: {share} requests")
    pstats.Stats(profiler).sort_stats("tottime").print_stats(40)
