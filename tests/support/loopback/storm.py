"""Many calls at once, most of them cancelled somewhere. What the calls are is the test's."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any, ClassVar

import trio

from loopback.faults import Operation
from loopback.ways import CANCELLED, outcome

CANCELLED_SHARE = 0.6


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
        self.phase = "body" if kind in ("read", "wait") and self.reading_body else kind
        self.steps -= 1
        if self.steps == 0:
            self.cancel()

    def cancel(self) -> None:
        """Tells the task; it hears of it where it next suspends."""
        self.cancelled_in = self.cancelled_in or self.phase
        self.call_off()


DOOM: ContextVar[Doom | None] = ContextVar("doom", default=None)


def seed_of_run() -> int:
    """The seed, printed; SMARTCLIENT_SEED repeats a run as far as the event loop lets it."""
    seed = int(os.environ.get("SMARTCLIENT_SEED") or random.SystemRandom().randrange(2**32))
    print(f"SMARTCLIENT_SEED={seed}")
    return seed


async def step(kind: str, operation: Operation, stream: Any) -> Any:
    """For `faults.watch`."""
    doom = DOOM.get()
    if doom is not None:
        doom.reached(kind)
    return await operation()


class Storm:
    """One run: the requests, and what became of them.

    Attributes:
        right: calls that had what they asked for.
        phases: where the cancelled ones were.
        failures: what became of all others.
    """

    shapes: ClassVar[tuple[Callable[..., Any], ...]]

    def __init__(self, way: str, swarm: Any, session: Any, requests: int, seed: int) -> None:
        self.way = way
        self.swarm = swarm
        self.session = session
        self.requests = requests
        self.dice = random.Random(seed)
        self.begun = 0
        self.right = 0
        self.phases: Counter[str] = Counter()
        self.failures: list[Any] = []

    async def blow(self, tasks: int) -> None:
        """All the requests, by so many tasks."""
        if self.way == "trio":
            async with trio.open_nursery() as nursery:
                for _ in range(tasks):
                    nursery.start_soon(self._work)
        else:
            async with asyncio.TaskGroup() as group:
                for _ in range(tasks):
                    group.create_task(self._work())

    async def _work(self) -> None:
        while self.begun < self.requests:
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

    def in_body(self) -> None:
        """The call that runs now has its head, and reads the content."""
        doom = DOOM.get()
        if doom is not None:
            doom.reading_body = True
            doom.steps = min(doom.steps, 2)


async def _later(delay: float, cancel: Callable[[], Any]) -> None:
    await trio.sleep(delay)
    cancel()
