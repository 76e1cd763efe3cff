"""The runtimes by name, each with its own way to run a scenario: `await scenario(runtime, ...)` from the inside."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from smartclient._net.tcp import open_first
from smartclient._runtime.base import Address, run_blocking


class Peer:
    """The other end, played by the test in the same thread: what it sends is in the kernel at once."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self.sockets: list[socket.socket] = []

    async def meet(self, runtime: Any) -> tuple[Any, socket.socket]:
        """A stream of `runtime`, and the accepted socket at its other end."""
        stream = await open_first(runtime, [Address(socket.AF_INET, self.address)], 5.0)
        accepted, _ = self._listener.accept()
        accepted.settimeout(20.0)
        self.sockets.append(accepted)
        return stream, accepted

    def close(self) -> None:
        for each in (*self.sockets, self._listener):
            each.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Something to connect to."""
    other = Peer()
    yield other
    other.close()


def _blocking(scenario: Callable[..., Any], *args: Any) -> Any:
    from smartclient._runtime.blocking import BlockingRuntime

    return run_blocking(scenario(BlockingRuntime(), *args))


def _asyncio(scenario: Callable[..., Any], *args: Any, loop_factory: Any = None) -> Any:
    from smartclient._runtime.asyncio_ import AsyncioRuntime

    async def start() -> Any:
        return await scenario(AsyncioRuntime(), *args)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(start())


def _uvloop(scenario: Callable[..., Any], *args: Any) -> Any:
    uvloop = pytest.importorskip("uvloop")
    return _asyncio(scenario, *args, loop_factory=uvloop.new_event_loop)


def _trio(scenario: Callable[..., Any], *args: Any) -> Any:
    trio = pytest.importorskip("trio")
    from smartclient._runtime.trio_ import TrioRuntime

    async def start() -> Any:
        return await scenario(TrioRuntime(), *args)

    return trio.run(start)


WAYS = {"blocking": _blocking, "asyncio": _asyncio, "uvloop": _uvloop, "trio": _trio}


@pytest.fixture(params=list(WAYS))
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`run(scenario, *args)`: the result of `await scenario(runtime, *args)`, for one runtime after the other."""
    way: Callable[..., Any] = WAYS[request.param]
    return way


@pytest.fixture
def run_on() -> dict[str, Callable[..., Any]]:
    """The same by name, for what only one of them does."""
    return WAYS
