"""Streams that one caller reads while another writes, as HTTP/2 and WebSocket need them: a time limit that passes, or a
cancelled wait, leaves them whole.
"""

import contextlib
import os
import socket
import time
from typing import Any

from .._model.errors import ReadError, ReadTimeout, RequestException, WriteError, WriteTimeout
from .base import PIECE, Future, LoopRuntime, OutOfTime, Runtime, Stream, deliver, new_lock
from .sockets import describe, wait_for


class PatientStream:
    """A stream of asyncio, whose reads that are late end it: the limit of these is kept around them."""

    def __init__(self, runtime: Runtime, stream: Stream) -> None:
        self._runtime = runtime
        self._stream = stream
        self.write = stream.write
        self.write_some = stream.write_some
        self.abort = stream.abort
        self.is_readable = stream.is_readable
        self.get_extra_info = stream.get_extra_info

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        """As `Stream.read`."""
        if timeout is None or self._stream.is_readable():
            return await self._stream.read(max_bytes, None)
        try:
            data: bytes = await self._runtime.within(timeout, self._stream.read(max_bytes, None))
        except OutOfTime as error:
            raise ReadTimeout(f"Read timed out: no bytes for {timeout:.3g} s") from error
        return data


class PumpedStream:
    """A stream of trio whose writes go on when whoever began them has left: in a system task, where they must wait."""

    def __init__(self, runtime: LoopRuntime, stream: Any) -> None:
        self._runtime = runtime
        self._stream = stream
        self._unsent = bytearray()
        self._pumping = False
        self._lost: RequestException | None = None
        self._waiters: list[Future] = []
        self.read = stream.read
        self.read_now = stream.read_now
        self.abort = stream.abort
        self.is_readable = stream.is_readable
        self.get_extra_info = stream.get_extra_info

    async def write(self, data: bytes, timeout: float | None) -> None:
        """As `Stream.write`."""
        if self._lost is not None:
            raise WriteError(str(self._lost), sent="nothing") from self._lost
        if not self._pumping:
            try:
                data = data[self._stream._send_now(data) or 0 :]
            except (OSError, ValueError) as error:
                raise WriteError(describe(error) if isinstance(error, OSError) else "connection closed") from error
            if not data:
                await self._runtime.sleep(0.0)
                return
        self._unsent += data
        waiter = self._runtime.new_future()
        self._waiters.append(waiter)
        if not self._pumping:
            self._pumping = True
            self._runtime.spawn(self._pump())
        try:
            await self._runtime.wait(waiter, timeout)
        except TimeoutError as error:
            raise _late(timeout) from error
        if self._lost is not None:
            raise WriteError(str(self._lost), sent="partly") from self._lost

    async def write_some(self, data: bytes | memoryview, timeout: float | None) -> int:
        """As `Stream.write_some`, but waits whatever there is to read."""
        await self.write(bytes(data), timeout)
        return len(data)

    @property
    def above(self) -> Stream | None:
        """What this carries where there is TLS inside TLS."""
        above: Stream | None = self._stream.above
        return above

    @above.setter
    def above(self, stream: Stream | None) -> None:
        self._stream.above = stream

    async def _pump(self) -> None:
        try:
            while self._unsent:
                data, self._unsent = bytes(self._unsent), bytearray()
                await self._stream.write(data, None)
        except RequestException as error:
            self._lost = error
        finally:
            self._pumping = False
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                deliver(waiter, None)


class ThreadsStream:
    """A socket for two threads. They take turns at it, since OpenSSL does not bear two calls at once; waits overlap."""

    def __init__(self, stream: Any) -> None:
        nested = getattr(stream, "outer", None)  # where there is TLS inside TLS
        self._stream = stream if nested is None else nested
        self._bottom: Any = self._stream._sock
        self._bottom.settimeout(0.0)
        self._ahead: bytes = stream._ahead
        self._sock: Any = self._bottom if nested is None else stream.as_socket()
        self._unsent = bytearray()
        self._lock = new_lock(reentrant=True)  # a finaliser may close what its own thread is writing to
        self._process = os.getpid()
        self.get_extra_info = stream.get_extra_info

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        """As `Stream.read`."""
        if self._ahead:
            data, self._ahead = self._ahead[:max_bytes], self._ahead[max_bytes:]
            return data
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                with self._lock:
                    return self._sock.recv(max_bytes)  # type: ignore[no-any-return]
            except OSError as error:
                if not _is_waiting(error):
                    raise ReadError(describe(error)) from error
                if not self._wait(error, False, end):
                    raise ReadTimeout(f"Read timed out: no bytes for {timeout:.3g} s") from error

    async def write(self, data: bytes, timeout: float | None) -> None:
        """As `Stream.write`; what is late goes out with the next write, before its data."""
        self._unsent += data
        while self._unsent:
            taken = await self._send(bytes(self._unsent[:PIECE]), timeout)
            del self._unsent[:taken]

    async def write_some(self, data: bytes | memoryview, timeout: float | None) -> int:
        """As `Stream.write_some`, but waits whatever there is to read."""
        await self.write(bytes(data), timeout)
        return len(data)

    async def _send(self, data: bytes, timeout: float | None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                with self._lock:
                    return self._sock.send(data)  # type: ignore[no-any-return]
            except OSError as error:
                if not _is_waiting(error):
                    raise WriteError(describe(error), sent="partly") from error
                if not self._wait(error, True, end):
                    raise _late(timeout) from error

    def is_readable(self) -> bool:
        """As `Stream.is_readable`; for the caller who reads."""
        if self._ahead or self._stream.closed:
            return True
        try:
            with self._lock:
                self._ahead = self._sock.recv(2**14)
        except OSError as error:
            return not _is_waiting(error)
        return True

    def abort(self) -> None:
        """As `Stream.abort`. Threads that wait for the socket hear of it, which closing alone does not do.

        OpenSSL knows the descriptor by its number: were it closed under a call, that would go on with whatever socket
        has the number next.
        """
        if not self._stream.closed and os.getpid() == self._process:  # a forked child leaves it to its parent
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._bottom, socket.SHUT_RDWR)
        with self._lock:
            self._stream.abort()

    def _wait(self, error: OSError, writing: bool, end: float | None) -> bool:
        """Until the call that failed with `error` can be made again; False when the limit passed."""
        kind = type(error).__name__  # TLS may want the other direction first
        left = None if end is None else end - time.monotonic()
        try:
            return wait_for(self._bottom, kind == "SSLWantWriteError" or (writing and kind != "SSLWantReadError"), left)
        except ValueError:  # closed, and so without a descriptor to wait for: the next call says so
            return True


def _late(timeout: float | None) -> WriteTimeout:
    error: WriteTimeout = WriteTimeout(f"the peer took no bytes for {timeout:.3g} s", sent="partly")
    return error


def _is_waiting(error: OSError) -> bool:
    """Whether a call on a socket that never blocks failed only because it would have to wait."""
    return isinstance(error, BlockingIOError) or type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError")
