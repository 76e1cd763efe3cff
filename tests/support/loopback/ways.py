"""A scenario written once as a coroutine, run in all ways: blocking, on asyncio, on uvloop and on trio.

Unlike `clients`, the scenario is inside the loop, where it can cancel, count sockets and let single ticks pass.
"""

import asyncio
import contextlib
import inspect
import os
from collections.abc import Callable, Coroutine
from typing import Any

import trio
import uvloop

import smartclient

LOOPS = ("asyncio", "uvloop", "trio")
WAYS = ("blocking", *LOOPS)
TICKS = 1000  # enough for any close to be through, far too few to notice

Scenario = Callable[..., Coroutine[Any, Any, Any]]


class Cancelled:
    """The type of `CANCELLED`."""


CANCELLED = Cancelled()


def run(way: str, scenario: Scenario, *args: Any) -> Any:
    """The result of `await scenario(*args)`; in the blocking way nothing may suspend."""
    if way == "trio":
        return trio.run(scenario, *args)
    if way != "blocking":
        return (uvloop if way == "uvloop" else asyncio).run(scenario(*args))
    coroutine = scenario(*args)
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise AssertionError("a blocking scenario suspended")


def new_session(way: str, **options: Any) -> Any:
    """A Session or an AsyncSession; close it with `await settled(session.close())`."""
    return smartclient.Session(**options) if way == "blocking" else smartclient.AsyncSession(**options)


async def settled(value: Any) -> Any:
    """`value`, awaited where it is to be awaited: `await settled(session.get(url))` is a call in every way."""
    return await value if inspect.isawaitable(value) else value


async def pieces_of(response: Any, size: int | None = None) -> list[bytes]:
    """What `iter_content` gives, to the end."""
    pieces = response.iter_content(size)
    return [piece async for piece in pieces] if hasattr(pieces, "__aiter__") else list(pieces)


async def first_piece(response: Any, size: int = 1000) -> bytes:
    """The first piece only; the response is still open."""
    pieces = response.iter_content(size)
    return await anext(pieces) if hasattr(pieces, "__anext__") else next(pieces)


async def tick(way: str) -> None:
    """Lets the loop go round once."""
    if way == "trio":
        await trio.lowlevel.checkpoint()
    elif way != "blocking":
        await asyncio.sleep(0)


async def outcome(way: str, call: Scenario, armed: Callable[[Callable[[], Any]], None]) -> Any:
    """The result of `call()`, the exception it raised, or CANCELLED.

    `armed` is first told how to cancel it, from anywhere on the loop; not in the blocking way, where the cancellation
    is KeyboardInterrupt.
    """
    try:
        if way == "blocking":
            return await call()
        if way == "trio":
            with trio.CancelScope() as scope:
                armed(scope.cancel)
                return await call()
            return CANCELLED
        task = asyncio.get_running_loop().create_task(call())
        armed(task.cancel)
        return await task
    except (KeyboardInterrupt, asyncio.CancelledError):
        return CANCELLED
    except Exception as error:
        return error


class Beside:
    """A call that runs beside the test's own, in a task that nobody cancels; on event loops."""

    def __init__(self, way: str, call: Scenario) -> None:
        self._way = way
        self._call = call
        self._done: Any = trio.Event() if way == "trio" else asyncio.Event()
        self._result: Any = None
        if way == "trio":
            trio.lowlevel.spawn_system_task(self._run)
        else:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        self._result = await outcome(self._way, self._call, lambda cancel: None)
        self._done.set()

    async def result(self) -> Any:
        """Its result, or the exception it raised."""
        await self._done.wait()
        return self._result


def open_sockets() -> int:
    """The sockets of this process."""
    found = 0
    for handle in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the handle of the listing itself
            found += os.readlink(f"/proc/self/fd/{handle}").startswith("socket:")
    return found


async def sockets_become(way: str, count: int) -> None:
    """Fails unless so many sockets are open after a few ticks."""
    for _ in range(TICKS):
        if open_sockets() == count:
            return
        await tick(way)
    assert open_sockets() == count


def usage(session: Any) -> tuple[int, int]:
    """(slots in use, waiters) of a session's pool; (0, 0) is full capacity."""
    state = session._pool._state
    return state.active, state.waiting
