"""The asyncio runtime (uvloop included): an own stream over a Protocol, with one lazily re-armed timer each.

A timer per wait costs 1.6 us and `asyncio.timeout` 4.1 us; storing the moment and re-arming when an old timer fires
costs 0.2 us. anyio's and asyncio's own streams are not used per operation for the same reason.
"""

import asyncio
import contextlib
import socket
import time
from collections import deque
from collections.abc import Callable, Coroutine
from random import random
from typing import TYPE_CHECKING, Any

from .._model.errors import (
    ConnectionError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    SSLError,
    WriteError,
    WriteTimeout,
)
from .base import SocketAddress, Stream
from .sockets import describe
from .threads import DAEMON_THREADS
from .tls import has_ended, tls_failure

if TYPE_CHECKING:
    import ssl

_NEVER = float("inf")
_HIGH_WATER = 2**18  # bytes buffered before reading pauses; the event loop delivers at most that much at once
_LOW_WATER = 2**17


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
        if self._lost is not None:
            raise WriteError(_reason(self._lost)) from self._lost
        self._transport.write(data)
        while self._paused_writing:
            if (self._buffers or self._eof) and (self.above is None or self.above.is_readable()):
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
            self._transport.abort()

    def is_readable(self) -> bool:
        if self._timed_out:  # lost by our own doing: the peer has not said anything
            return False
        return bool(self._buffers) or self._eof or self._lost is not None

    def read_now(self) -> bytes | None:
        """What has arrived, for TLS inside TLS; b"" at the end, None when there is nothing."""
        if not self._buffers:
            return b"" if self.is_readable() else None
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

    async def connect(self, family: int, address: SocketAddress, timeout: float | None) -> AsyncioStream:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            async with asyncio.timeout(timeout):
                await self.loop.sock_connect(sock, address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _, stream = await self.loop.create_connection(lambda: AsyncioStream(self.loop), sock=sock)
        except TimeoutError as error:
            sock.close()
            raise ConnectTimeout("timed out") from error
        except OSError as error:
            sock.close()
            raise ConnectionError(describe(error)) from error
        except BaseException:
            sock.close()
            raise
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
        except OSError as error:
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
        bottoms = [getattr(stream, "outer", stream) for stream in streams]  # where there is TLS inside TLS
        waits = [stream.wait_closed() for stream in bottoms if isinstance(stream, AsyncioStream)]
        if not waits:
            return
        with contextlib.suppress(TimeoutError):  # the transports are aborted; the loop closes them when it comes to it
            async with asyncio.timeout(1.0):
                await asyncio.gather(*waits)


async def _quietly(clean_up: Coroutine[Any, Any, Any]) -> None:
    with contextlib.suppress(Exception):
        await clean_up


def _expire(future: "asyncio.Future[Any]") -> None:
    if not future.done():
        future.set_exception(TimeoutError())
