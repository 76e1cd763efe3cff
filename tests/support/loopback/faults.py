"""A runtime around a runtime that shows each wait to the test before it happens, so that any of them can go wrong."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest

from smartclient._runtime import blocking

Operation = Callable[[], Awaitable[Any]]


class Step(Protocol):
    """What the test makes of a wait: it awaits `operation()`, or does something else.

    `kind` is "wait" (for a look-up or a slot), "connect", "start_tls", "write", "read" or "sleep"; `stream` is what it
    is about, or None.
    """

    async def __call__(self, kind: str, operation: Operation, stream: Any) -> Any: ...


class WatchedStream:
    """A stream whose reads and writes are steps."""

    def __init__(self, inner: Any, step: Step) -> None:
        self.inner = inner
        self._step = step

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        return await self._step("read", lambda: self.inner.read(max_bytes, timeout), self.inner)  # type: ignore[no-any-return]

    async def write(self, data: Any, timeout: float | None) -> Any:
        return await self._step("write", lambda: self.inner.write(data, timeout), self.inner)

    async def write_some(self, data: Any, timeout: float | None) -> Any:
        return await self._step("write", lambda: self.inner.write_some(data, timeout), self.inner)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class WatchedRuntime:
    """A runtime whose waits are steps."""

    def __init__(self, inner: Any, step: Step) -> None:
        self.inner = inner
        self._step = step

    async def sleep(self, seconds: float) -> None:
        await self._step("sleep", lambda: self.inner.sleep(0), None)

    async def wait(self, future: Any, timeout: float | None) -> Any:
        return await self._step("wait", lambda: self.inner.wait(future, timeout), None)

    async def first(self, *args: Any) -> Any:
        return await self._step("connect", lambda: self.inner.first(*args), None)

    async def finish(self, attempt: Any) -> Any:
        return WatchedStream(await self.inner.finish(attempt), self._step)

    async def start_tls(self, stream: WatchedStream, *args: Any) -> Any:
        inner = stream.inner
        return WatchedStream(
            await self._step("start_tls", lambda: self.inner.start_tls(inner, *args), inner), self._step
        )

    def duplex(self, stream: WatchedStream) -> Any:
        return WatchedStream(self.inner.duplex(stream.inner), self._step)

    async def settle(self, streams: list[Any]) -> None:
        await self.inner.settle([stream.inner for stream in streams])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def watch(monkeypatch: pytest.MonkeyPatch, step: Step) -> None:
    """Has every session that is made from now on run over a `WatchedRuntime`."""
    from smartclient._api import async_session

    bare, bare_async = blocking.BlockingRuntime, async_session.new_async_runtime
    monkeypatch.setattr(blocking, "BlockingRuntime", lambda: WatchedRuntime(bare(), step))
    monkeypatch.setattr(async_session, "new_async_runtime", lambda home: WatchedRuntime(bare_async(home), step))
