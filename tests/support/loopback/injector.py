"""Each wait of a call made to go wrong, one at a time, and what must hold after each."""

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import trio

import smartclient
from loopback.authority import Authority
from loopback.faults import Operation
from loopback.swarm import Swarm, body_of
from loopback.ways import TICKS, new_session, open_sockets, outcome, settled, sockets_become, tick, usage
from smartclient._runtime.duplex import PatientStream, PumpedStream, ThreadsStream
from smartclient.exceptions import (
    ConnectionError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    SSLError,
    WriteError,
    WriteTimeout,
)

Shape = Callable[[Any, Any, "Injector"], Coroutine[Any, Any, None]]
Failure = type[Exception]
BROKEN: dict[str, Failure] = {"connect": ConnectionError, "start_tls": SSLError, "read": ReadError, "write": WriteError}
TOO_LATE: dict[str, Failure] = {
    "connect": ConnectTimeout,
    "start_tls": ConnectTimeout,
    "read": ReadTimeout,
    "write": WriteTimeout,
}
DUPLEX = (PatientStream, PumpedStream, ThreadsStream)


class Injector:
    """Lets the waits of a call happen, but for the `at`-th, to which `fault` comes. Idle before `begin`.

    Attributes:
        at_queue: what happens to the held slot just before the call waits for it; None when no slot is held.
        refused: connections that fail whatever else is asked for.
        cancel: cancels the call.
        looks_up: whether a wait is for a name, when no slot is held.
        at_first: what happens just before the first wait; the waits of others that follow from it count, too.
        after: what the shape has to see to or to look at once the call is over, set by the shape; or None.
    """

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.at = -1
        self.fault = ""
        self.active = False
        self.refused = 0
        self.at_queue: Callable[[], Awaitable[None]] | None = None
        self.at_first: Callable[[], Awaitable[None]] | None = None
        self._counting = threading.Lock()
        self.cancel: Callable[[], Any] = lambda: None
        self.after: Callable[[], Awaitable[None]] | None = None
        self.looks_up = True

    def begin(self, at: int, fault: str) -> None:
        self.kinds, self.at, self.fault, self.active = [], at, fault, True
        self.refused, self.at_queue, self.after, self.looks_up = 0, None, None, True
        self.at_first = None

    def end(self) -> str | None:
        """The kind of the wait that went wrong; None when the call was through before."""
        self.active = False
        return self.kinds[self.at] if len(self.kinds) > self.at else None

    async def __call__(self, kind: str, operation: Operation, stream: Any) -> Any:
        if not self.active:
            return await operation()
        with self._counting:
            self.kinds.append(kind)
            hit = len(self.kinds) - 1 == self.at
            at_first, self.at_first = self.at_first, None
        if at_first is not None:
            await at_first()
        if kind == "wait" and self.at_queue is not None:
            self.active = False
            await self.at_queue()
            self.active = True
        if hit and self.fault == "cancelled":
            self.cancel()
        elif hit:
            return await self._go_wrong(kind, operation, stream)
        elif kind == "connect" and self.refused > 0:
            self.refused -= 1
            raise ConnectionError("refused")
        return await operation()

    async def _go_wrong(self, kind: str, operation: Operation, stream: Any) -> Any:
        if self.fault == "interrupted after" and kind not in ("connect", "start_tls"):
            await operation()  # what a signal between the system's answer and Python's next step looks like
        if kind == "start_tls":
            stream.abort()  # as the runtime does
        if kind == "write" and self.fault == "timed out" and isinstance(stream, DUPLEX):
            await operation()  # what is late goes on
        if self.fault.startswith("interrupted"):
            raise KeyboardInterrupt
        if kind == "wait" and self.fault == "broken" and self.looks_up and self.at_queue is None:
            return OSError("no such name")  # how the look-up tells
        if kind == "sleep":
            return None
        raise (BROKEN if self.fault == "broken" else TOO_LATE).get(kind, TimeoutError)("injected")


def living_tasks(way: str) -> int:
    """The tasks of this loop; 0 in the blocking way."""
    if way == "blocking":
        return 0
    return trio.lowlevel.current_statistics().tasks_living if way == "trio" else len(asyncio.all_tasks())


async def tasks_become(way: str, count: int) -> None:
    """Fails unless so many tasks live after a few ticks."""
    for _ in range(TICKS):
        if living_tasks(way) == count:
            return
        await tick(way)
    assert living_tasks(way) == count


async def get(session: Any, url: str, size: int, **options: Any) -> None:
    """GETs the body of "key" from a swarm, and looks whether it is the right one."""
    response = await settled(session.get(f"{url}/n/key/{size}/{options.pop('pieces', 1)}", **options))
    assert response.content == body_of("key", size)


async def each_wait(
    way: str,
    shape: Shape,
    fault: str,
    swarm: Swarm,
    authority: Authority,
    injector: Injector,
    *,
    server: Any = None,
    options: Callable[[], dict[str, Any]] = dict,
) -> list[tuple[str, Any]]:
    """(kind of the wait, what became of the call) for every wait of the call; nothing may be lost after any.

    `server` is what the shape is given, if not the swarm; `options` gives each session what is special about it.
    """
    results: list[tuple[str, Any]] = []
    before, tasks = open_sockets(), living_tasks(way)
    fixed = {"limits": smartclient.Limits(max_connections=1), "verify": str(authority.ca_file), "timeout": 20}
    while True:
        session = new_session(way, **{**fixed, "cache": None, "retries": 0, **options()})
        injector.begin(len(results), fault)
        call = functools.partial(shape, session, server or swarm, injector)
        result = await outcome(way, call, lambda cancel: setattr(injector, "cancel", cancel))
        kind = injector.end()
        if isinstance(result, Exception):
            result.__traceback__ = None  # its frames would keep a streamed response alive
        if injector.after is not None:
            await injector.after()
        await tick(way)
        assert usage(session) == (0, 0), (kind, result)
        await sockets_become(way, before + session._pool._state.idle)
        await get(session, swarm.plain, 10, timeout=20)
        await settled(session.close())
        await sockets_become(way, before)
        await tasks_become(way, tasks)
        if kind is None:
            assert result is None
            return results
        results.append((kind, result))
