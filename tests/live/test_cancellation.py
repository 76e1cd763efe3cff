"""The stress test: 1500 requests over 5 slots, most of them cancelled somewhere. Nothing is lost, nothing is mixed up.

SMARTCLIENT_SEED repeats a run as far as the event loop lets it.
"""

import asyncio
import os
import random
import sys
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest
import trio

import smartclient
from loopback.authority import Authority
from loopback.faults import Operation, watch
from loopback.swarm import Swarm, body_of, receipt
from loopback.ways import (
    CANCELLED,
    LOOPS,
    first_piece,
    new_session,
    open_sockets,
    outcome,
    pieces_of,
    run,
    sockets_become,
    tick,
    usage,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")

REQUESTS, SLOTS, TASKS = 1500, 5, 40
CANCELLED_SHARE = 0.6
PHASES = {"wait", "connect", "start_tls", "write", "read", "body", "close"}


class Doom:
    """When one request is to be cancelled: at its n-th wait, or by the clock; and where it was then."""

    def __init__(self, dice: random.Random) -> None:
        self.steps = dice.choice((1, 1, 2, 2, 3, 3, 4, 5, 6, 8)) if dice.random() < 0.7 else 0
        self.delay = 0.0 if self.steps else dice.random() * 0.02
        self.call_off: Callable[[], Any] = lambda: None
        self.phase = "start"
        self.cancelled_in = ""
        self.reading_body = False

    def reached(self, kind: str) -> None:
        self.phase = "body" if kind == "read" and self.reading_body else kind
        self.steps -= 1
        if self.steps == 0:
            self.cancel()

    def cancel(self) -> None:
        """Tells the task; it hears of it where it next suspends."""
        self.cancelled_in = self.cancelled_in or self.phase
        self.call_off()


DOOM: ContextVar[Doom | None] = ContextVar("doom", default=None)


async def _step(kind: str, operation: Operation, stream: Any) -> Any:
    doom = DOOM.get()
    if doom is not None:
        doom.reached(kind)
    return await operation()


class Storm:
    """One run: the requests, and what became of them."""

    def __init__(self, way: str, swarm: Swarm, session: Any, seed: int) -> None:
        self.way = way
        self.swarm = swarm
        self.session = session
        self.dice = random.Random(seed)
        self.begun = 0
        self.right = 0
        self.phases: Counter[str] = Counter()
        self.failures: list[Any] = []

    async def worker(self) -> None:
        while self.begun < REQUESTS:
            self.begun += 1
            key = f"key-{self.begun}"
            doom = Doom(self.dice) if self.dice.random() < CANCELLED_SHARE else None
            DOOM.set(doom)
            shape = self.dice.choice(self.shapes)
            result = await outcome(self.way, partial(shape, self, key), partial(self._arm, doom))
            if result is None:
                self.right += 1
            elif result is CANCELLED and doom is not None:
                self.phases[doom.cancelled_in] += 1
            else:
                self.failures.append(result)

    def _arm(self, doom: Doom | None, cancel: Callable[[], Any]) -> None:
        if doom is None:
            return
        doom.call_off = cancel
        if doom.delay and self.way == "trio":
            trio.lowlevel.spawn_system_task(_later, doom.delay, doom.cancel)
        elif doom.delay:
            asyncio.get_running_loop().call_later(doom.delay, doom.cancel)

    def _size(self) -> int:
        return self.dice.choice((0, 1, 1000, 70_000, 400_000))

    async def _plain(self, key: str) -> None:
        base, size = self.dice.choice((self.swarm.plain, self.swarm.other, self.swarm.tls)), self._size()
        response = await self.session.get(f"{base}/n/{key}/{size}/{self.dice.choice((1, 1, 4))}")
        assert response.content == body_of(key, size)

    async def _streamed(self, key: str) -> None:
        base, size = self.dice.choice((self.swarm.plain, self.swarm.tls)), self._size()
        async with self.session.stream("GET", f"{base}/n/{key}/{size}/6") as response:
            self._in_body()
            assert b"".join(await pieces_of(response)) == body_of(key, size)

    async def _left_early(self, key: str) -> None:
        async with self.session.stream("GET", f"{self.swarm.plain}/n/{key}/400000/9") as response:
            self._in_body()
            assert body_of(key, 400_000).startswith(await first_piece(response))
            doom = DOOM.get()
            if doom is not None:  # closing is plain sync code: a cancellation is already under way when it begins
                doom.phase = "close"
                doom.cancel()
                await tick(self.way)

    async def _dropped(self, key: str) -> None:
        response = await self.session.get(f"{self.swarm.other}/n/{key}/400000/9", stream=True)
        assert response.status_code == 200

    async def _redirected(self, key: str) -> None:
        size = self._size()
        response = await self.session.get(f"{self.swarm.tls}/hop/{key}/{size}/{self.swarm.ports[1]}")
        assert response.content == body_of(key, size)

    async def _posted(self, key: str) -> None:
        base, size = self.dice.choice((self.swarm.plain, self.swarm.tls)), self.dice.choice((1, 70_000, 1_500_000))
        body = body_of(key, size)
        response = await self.session.post(f"{base}/up/{key}", data=body)
        assert response.content == receipt(key, body)

    def _in_body(self) -> None:
        doom = DOOM.get()
        if doom is not None:
            doom.reading_body = True
            doom.steps = min(doom.steps, 2)

    shapes = (_plain, _plain, _plain, _streamed, _left_early, _dropped, _redirected, _posted)


async def _later(delay: float, cancel: Callable[[], Any]) -> None:
    await trio.sleep(delay)
    cancel()


async def _storm(way: str, swarm: Swarm, authority: Authority, seed: int) -> Storm:
    limits = smartclient.Limits(max_connections=SLOTS)
    session = new_session(way, limits=limits, verify=str(authority.ca_file), cache=None, retries=0)
    before = open_sockets()
    storm = Storm(way, swarm, session, seed)
    if way == "trio":
        async with trio.open_nursery() as nursery:
            for _ in range(TASKS):
                nursery.start_soon(storm.worker)
    else:
        async with asyncio.TaskGroup() as group:
            for _ in range(TASKS):
                group.create_task(storm.worker())
    pool = session._pool
    await sockets_become(way, before + pool._state.idle)
    assert usage(session) == (0, 0)
    assert 0 < pool._state.idle <= SLOTS
    held = [await session.get(f"{swarm.plain}/n/k{n}/400000/9", stream=True, timeout=10) for n in range(SLOTS)]
    assert usage(session) == (SLOTS, 0)
    for response in held:
        response.close()
    await session.close()
    await sockets_become(way, before)
    return storm


@pytest.mark.filterwarnings("ignore:a streamed response from:ResourceWarning")
@pytest.mark.parametrize("way", LOOPS)
def test_storm(way: str, swarm: Swarm, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = int(os.environ.get("SMARTCLIENT_SEED") or random.SystemRandom().randrange(2**32))
    print(f"SMARTCLIENT_SEED={seed}")
    watch(monkeypatch, _step)
    storm = run(way, _storm, way, swarm, authority, seed)
    print(storm.right, dict(storm.phases))
    assert storm.failures == []
    assert storm.right + storm.phases.total() == REQUESTS
    assert set(storm.phases) >= PHASES
    assert storm.phases.total() > REQUESTS * 0.3
    assert storm.right > REQUESTS * 0.3
