"""A stream on asyncio (uvloop included): an own Protocol, with one lazily re-armed timer each.

A timer per wait costs 1.6 us and `asyncio.timeout` 4.1 us; storing the moment and re-arming when an old timer fires
costs 0.2 us. anyio's and asyncio's own streams are not used per operation for the same reason.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections import deque
from typing import Any

from .._model.errors import (
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)
from .base import PIECE, Stream
from .sockets import describe
from .tls import has_ended

_NEVER = float("inf")
_HIGH_WATER = 2**18  # bytes buffered before reading pauses; the event loop delivers at most that much at once
_LOW_WATER = 2**17
_LOOK_EVERY = 2**16  # bytes written before the event loop gets its turns, so that an early answer is seen


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
        "_raw",
        "_room",
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
        self._raw: Any = None  # the transport of the socket, below TLS
        self._buffers: deque[bytes] = deque()
        self._size = 0
        self._eof = False
        self._lost: BaseException | None = None
        self._paused_reading = False
        self._paused_writing = False
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None  # of `write`, which another caller may read beside
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
        self._raw = self._raw or transport

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
        if exc is not None:
            self._rescue()
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
        for waiter in (self._waiter, self._room):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)

    # What the connection calls.

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        while not self._buffers:
            if self._timed_out:
                raise ReadTimeout(f"Read timed out: no bytes for {timeout:.3g} s")
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

    async def write(self, data: bytes, timeout: float | None) -> None:
        self._hand_over(data)
        while self._paused_writing:
            self._room = self._loop.create_future()
            try:
                async with asyncio.timeout(timeout):
                    await self._room
            except TimeoutError as error:  # the transport goes on with what it has
                raise WriteTimeout(f"the peer took no bytes for {timeout:.3g} s", sent="partly") from error
            finally:
                self._room = None
            if self._lost is not None:
                raise WriteError(_reason(self._lost), sent="partly") from self._lost

    async def write_some(self, data: bytes | memoryview, timeout: float | None) -> int:
        if self._unseen and self._unseen + len(data) > _LOOK_EVERY:
            self._unseen = 0
            await asyncio.sleep(0)  # the loop looks at its sockets,
            await asyncio.sleep(0)  # and tells what it saw
        while self._is_stuck():
            await self._wait_to_write(timeout)
        if self._paused_writing:
            return 0
        piece = data if len(data) <= PIECE else memoryview(data)[:PIECE]
        self._unseen += len(piece)
        self._hand_over(piece)
        while self._is_stuck():
            await self._wait_to_write(timeout)
        return len(piece)

    def _is_stuck(self) -> bool:
        return self._paused_writing and not self.is_readable()

    def _hand_over(self, data: bytes | memoryview) -> None:
        if self._lost is not None:
            raise WriteError(_reason(self._lost)) from self._lost
        self._transport.write(data)
        if self._raw is not None and self._raw.is_closing():
            self._rescue()

    async def _wait_to_write(self, timeout: float | None) -> None:
        await self._wait(timeout)
        if self._timed_out:
            raise WriteTimeout(f"the peer took no bytes for {timeout:.3g} s", sent="partly")
        if self._lost is not None:
            raise WriteError(_reason(self._lost), sent="partly") from self._lost

    def _rescue(self) -> None:
        """Reads what came before the connection was lost: a transport that fails to write drops what is unread.

        An answer such as 413 is often followed by a reset, and both may be found together, by the next write.
        """
        raw, self._raw = self._raw, None
        found = None if raw is None else raw.get_extra_info("socket")
        if found is None:  # below TLS it may be gone already
            return
        try:
            with socket.socket(fileno=os.dup(found.fileno())) as sock:
                sock.settimeout(0.0)  # as it is already; the copy might have the process's default
                data = memoryview(sock.recv(_HIGH_WATER))
        except OSError:
            return
        protocol = raw.get_protocol()
        if protocol is self and data:
            self.data_received(bytes(data))
        elif protocol is not self:
            while data:  # up through TLS
                room = protocol.get_buffer(len(data))
                size = min(len(room), len(data))
                room[:size] = data[:size]
                protocol.buffer_updated(size)
                data = data[size:]

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


class Rescuing(asyncio.BufferedProtocol):
    """The TLS protocol of asyncio, but for a look at the socket before the loss of the connection closes it."""

    def __init__(self, tls: Any, stream: AsyncioStream) -> None:
        self._tls = tls
        self._stream = stream
        for name in ("get_buffer", "buffer_updated", "eof_received", "pause_writing", "resume_writing"):
            setattr(self, name, getattr(tls, name))  # no step between on the way of the data

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._stream._rescue()
        self._tls.connection_lost(exc)


def _reason(lost: BaseException | None) -> str:
    return describe(lost) if isinstance(lost, OSError) else str(lost)
