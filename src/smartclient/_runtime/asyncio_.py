"""The asyncio runtime (uvloop included): an own stream over a Protocol, with one lazily re-armed timer each.

A timer per wait costs 1.6 us and `asyncio.timeout` 4.1 us; storing the moment and re-arming when an old timer fires
costs 0.2 us. anyio's and asyncio's own streams are not used per operation for the same reason.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from random import random
from typing import TYPE_CHECKING, Any

from .._model.errors import (
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    SSLError,
    WriteError,
    WriteTimeout,
)
from .base import Address, Stream
from .sockets import UNIX, connect_failure, describe, new_socket
from .threads import DAEMON_THREADS
from .tls import has_ended, tls_failure

if TYPE_CHECKING:
    import ssl

_NEVER = float("inf")
_HIGH_WATER = 2**18  # bytes buffered before reading pauses; the event loop delivers at most that much at once
_LOW_WATER = 2**17
_LOOK_EVERY = 2**16  # bytes written before the event loop gets a turn, so that an early answer is seen


class AsyncioStream(asyncio.Protocol):
    """A connection on an event loop. `data_received` queues buffers; `read` takes one at a time, never joining."""

    __slots__ = (
        "_buffers",
        "_closed",
        "_deadline",
        "_eof",
        "_loop",
        "_lost",
        "_paused_reading",
        "_paused_writing",
        "_size",
        "_timed_out",
        "_timer",
        "_timer_at",
        "_transport",
        "_unseen",
        "_waiter",
        "above",
        "closed",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: Any = None
        self._buffers: deque[bytes] = deque()
        self._size = 0
        self._eof = False
        self._lost: BaseException | None = None
        self._paused_reading = False
        self._paused_writing = False
        self._waiter: asyncio.Future[None] | None = None
        self._closed: asyncio.Future[None] | None = None
        self.above: Stream | None = None  # where this carries TLS inside TLS
        self.closed = False
        self._deadline = _NEVER
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = _NEVER
        self._timed_out = False
        self._unseen = 0

    # What the event loop calls.

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffers.append(data)
        self._size += len(data)
        if self._size > _HIGH_WATER and not self._paused_reading:
            self._paused_reading = True
            self._transport.pause_reading()
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def eof_received(self) -> None:
        ssl_object = self._transport and self._transport.get_extra_info("ssl_object")
        if ssl_object is None or has_ended(ssl_object):
            self._eof = True
        else:  # asyncio does not tell the two apart
            self._lost = ConnectionResetError("connection closed without the end of TLS")
        self._wake()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.closed = True
        self._lost = exc or ConnectionResetError("connection closed")
        self._wake()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        self._paused_writing = True

    def resume_writing(self) -> None:
        self._paused_writing = False
        self._wake()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # What the connection calls.

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        while not self._buffers:
            if self._timed_out:
                raise ReadTimeout(f"no bytes for {timeout:.3g} s")
            if self._eof:
                return b""
            if self._lost is not None:
                raise ReadError(_reason(self._lost)) from self._lost
            await self._wait(timeout)
        data = self._buffers.popleft()
        if len(data) > max_bytes:
            self._buffers.appendleft(data[max_bytes:])
            data = data[:max_bytes]
        self._size -= len(data)
        if self._paused_reading and self._size < _LOW_WATER:
            self._paused_reading = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes | memoryview, timeout: float | None) -> bool:
        if self._unseen and self._unseen + len(data) > _LOOK_EVERY:
            self._unseen = 0
            await asyncio.sleep(0)
            if (self._buffers or self._eof) and self.is_readable():
                return False
        self._unseen += len(data)
        if self._lost is not None:
            raise WriteError(_reason(self._lost)) from self._lost
        self._transport.write(data)
        while self._paused_writing:
            if (self._buffers or self._eof) and self.is_readable():
                return False
            await self._wait(timeout)
            if self._timed_out:
                raise WriteTimeout(f"the peer took no bytes for {timeout:.3g} s", sent="partly")
            if self._lost is not None:
                raise WriteError(_reason(self._lost), sent="partly") from self._lost
        return True

    async def _wait(self, timeout: float | None) -> None:
        """Until the event loop has something to tell, or the timeout has passed."""
        if timeout is not None:
            self._deadline = deadline = time.monotonic() + timeout
            if deadline < self._timer_at:
                self._arm(timeout)
        self._unseen = 0
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
            self._deadline = _NEVER

    def _arm(self, delay: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = time.monotonic() + delay
        # call_later: uvloop's clock is its own, so moments of one are not moments of the other.
        self._timer = self._loop.call_later(max(0.0, delay), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._timer_at = _NEVER
        if self._deadline == _NEVER:
            return  # nobody waits; the next wait arms anew
        left = self._deadline - time.monotonic()
        if left > 0.0005:  # uvloop's timers have a resolution of 1 ms
            self._arm(left)
            return
        if self._waiter is not None and not self._waiter.done():
            self._timed_out = True
            self.abort()
            self._waiter.set_result(None)

    def abort(self) -> None:
        if self._transport is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and has forgotten its transports
                self._transport.abort()

    def is_readable(self) -> bool:
        if self._timed_out:  # lost by our own doing: the peer has not said anything
            return False
        if self.above is not None:
            return self.above.is_readable()
        return bool(self._buffers) or self._eof or self._lost is not None

    def read_now(self) -> bytes | None:
        """What has arrived, for TLS inside TLS; b"" at the end, None when there is nothing."""
        if not self._buffers:
            return None if self._timed_out or not (self._eof or self._lost) else b""
        data = b"".join(self._buffers)
        self._buffers.clear()
        self._size = 0
        if self._paused_reading:
            self._paused_reading = False
            self._transport.resume_reading()
        return data

    def get_extra_info(self, name: str) -> Any:
        return self._transport.get_extra_info(name)

    async def wait_closed(self) -> None:
        if not self.closed:
            self._closed = self._loop.create_future()
            await self._closed


class AsyncioAttempt:
    """A socket that the loop is connecting, in a task."""

    __slots__ = ("_loop", "settled", "sock")

    def __init__(self, loop: asyncio.AbstractEventLoop, address: Address) -> None:
        """Raises OSError."""
        self._loop = loop
        self.sock = new_socket(address)
        self.settled: asyncio.Future[None]
        if address.family == UNIX:  # connected at once or not at all, and loops take a full queue for the former
            self.settled = loop.create_future()
            try:
                self.sock.connect(address.remote)
            except BaseException:
                self.sock.close()
                raise
            self.settled.set_result(None)
        else:
            self.settled = loop.create_task(loop.sock_connect(self.sock, address.remote))

    def abort(self) -> None:
        if self._loop.is_closed():
            self.sock.close()
            return
        # The loop must let go of the descriptor before its number is used again, which it does when the task ends.
        self.settled.cancel()
        self.settled.add_done_callback(self._close)

    def _close(self, settled: "asyncio.Future[None]") -> None:
        self.sock.close()
        if not settled.cancelled():
            settled.exception()  # looked at, so that nobody complains about it


def _reason(lost: BaseException | None) -> str:
    return describe(lost) if isinstance(lost, OSError) else str(lost)


class AsyncioRuntime:
    """Belongs to the loop that runs when it is made."""

    name = "asyncio"
    now = staticmethod(time.monotonic)
    random = staticmethod(random)
    run_in_thread = staticmethod(DAEMON_THREADS.run)

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.new_future: Callable[[], Any] = self.loop.create_future
        self._spawned: set[asyncio.Future[Any]] = set()  # the loop itself would let go of them

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, future: Any, timeout: float | None) -> Any:
        if timeout is None:
            return await future
        timer = self.loop.call_later(max(0.0, timeout), _expire, future)
        try:
            return await future
        finally:
            timer.cancel()

    def call_threadsafe(self, function: Callable[..., Any], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self.loop.call_soon_threadsafe(function, *args)

    def spawn(self, clean_up: Coroutine[Any, Any, Any]) -> None:
        task = self.loop.create_task(_quietly(clean_up))
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)

    async def within(self, timeout: float | None, awaitable: Awaitable[Any]) -> Any:
        async with asyncio.timeout(timeout):
            return await awaitable

    def begin(self, address: Address) -> AsyncioAttempt:
        try:
            return AsyncioAttempt(self.loop, address)
        except (OSError, ValueError, OverflowError) as error:
            raise connect_failure(error) from error

    async def first(self, attempts: Sequence[AsyncioAttempt], timeout: float | None) -> AsyncioAttempt | None:
        waiter = self.loop.create_future()

        def wake(_: Any = None) -> None:
            if not waiter.done():
                waiter.set_result(None)

        timer = None if timeout is None else self.loop.call_later(max(0.0, timeout), wake)
        for attempt in attempts:
            attempt.settled.add_done_callback(wake)
        try:
            await waiter
        finally:
            if timer is not None:
                timer.cancel()
            for attempt in attempts:
                attempt.settled.remove_done_callback(wake)
        return next((attempt for attempt in attempts if attempt.settled.done()), None)

    async def finish(self, attempt: AsyncioAttempt) -> AsyncioStream:
        loop, sock = self.loop, attempt.sock
        try:
            attempt.settled.result()
            stream = AsyncioStream(loop)
            if sock.family == UNIX:
                await loop.create_unix_connection(lambda: stream, sock=sock)
            else:
                await loop.create_connection(lambda: stream, sock=sock)
        except OSError as error:
            raise connect_failure(error) from error
        return stream

    async def start_tls(
        self, stream: AsyncioStream, context: "ssl.SSLContext", host: str, timeout: float | None
    ) -> Stream:
        if stream.get_extra_info("ssl_object") is not None:
            from .nested_tls import start_nested_tls

            return await start_nested_tls(stream, context, host, timeout)
        secure = AsyncioStream(self.loop)
        try:
            async with asyncio.timeout(timeout):
                transport = await self.loop.start_tls(stream._transport, secure, context, server_hostname=host)
        except TimeoutError as error:
            stream.abort()
            raise ConnectTimeout("TLS handshake timed out") from error
        except (OSError, ValueError) as error:
            stream.abort()
            raise tls_failure(error, host) from error
        except BaseException:
            stream.abort()
            raise
        if transport is None:
            stream.abort()
            raise SSLError(f"TLS handshake with {host} failed: the peer closed the connection")
        secure.connection_made(transport)
        return secure

    async def settle(self, streams: list[Stream]) -> None:
        await asyncio.sleep(0)  # for those that were aborted just before, and that nobody knows any more
        bottoms = [getattr(stream, "outer", stream) for stream in streams]  # where there is TLS inside TLS
        waits = [stream.wait_closed() for stream in bottoms if isinstance(stream, AsyncioStream)]
        with contextlib.suppress(TimeoutError):  # the transports are aborted; the loop closes them when it comes to it
            async with asyncio.timeout(1.0):
                await asyncio.gather(*waits)


async def _quietly(clean_up: Coroutine[Any, Any, Any]) -> None:
    with contextlib.suppress(Exception):
        await clean_up


def _expire(future: "asyncio.Future[Any]") -> None:
    if not future.done():
        future.set_exception(TimeoutError())
