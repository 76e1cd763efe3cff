"""The blocking runtime: plain sockets with timeouts. Nothing here ever suspends; Ctrl-C ends every wait."""

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from .._model.errors import (
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    Sent,
    WriteError,
    WriteTimeout,
)
from .base import PIECE, Address, Future, Stream, run_blocking
from .sockets import SocketAttempt, SocketStream, connect_failure, describe, wait_for_either, wait_for_writable
from .threads import DAEMON_THREADS
from .tls import tls_failure, tls_socket

if TYPE_CHECKING:
    import ssl

_KERNEL_LIMITS = os.name == "posix"
_TICK_MICROS = 4000
_LONG = sys.maxsize.bit_length() // 8 + 1  # bytes of C's long where `_KERNEL_LIMITS` holds; `struct` costs each start


class BlockingStream(SocketStream):
    """A socket with a timeout, which is the kernel's where it can be.

    CPython polls before each call on a socket with a timeout; with SO_RCVTIMEO and SO_SNDTIMEO it does not, which saves
    a request 1.7 us of 42. TLS would take their EAGAIN for "once more", and gevent's sockets would not heed them.
    """

    __slots__ = ("_by_kernel",)

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self._by_kernel = _KERNEL_LIMITS and not self._tls and type(sock).__module__ == "socket"
        if self._by_kernel:
            sock.settimeout(None)
            self._timeout = None

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        if self._ahead:
            return self._take_ahead(max_bytes)
        try:
            if timeout != self._timeout:
                self._limit(timeout)
            return self._sock.recv(max_bytes)  # type: ignore[no-any-return]
        except OSError as error:
            if _is_late(error):
                raise ReadTimeout(f"Read timed out: no bytes for {timeout:.3g} s") from error
            raise ReadError(describe(error)) from error

    async def write(self, data: bytes, timeout: float | None) -> None:
        sock = self._sock
        done = 0
        try:
            if timeout != self._timeout:
                self._limit(timeout)
            done = sock.send(data)
            while done < len(data):
                done += sock.send(memoryview(data)[done:])
        except OSError as error:
            sent: Sent = "partly" if done else "nothing"
            if _is_late(error):
                raise WriteTimeout(f"the peer took no bytes for {timeout:.3g} s", sent=sent) from error
            raise WriteError(describe(error), sent=sent) from error

    async def write_some(self, data: bytes | memoryview, timeout: float | None) -> int:
        piece = data if len(data) <= PIECE else memoryview(data)[:PIECE]
        try:
            while not (taken := self._send_now(piece)):
                if not wait_for_either(self._sock, taken is not None, timeout):
                    raise WriteTimeout(f"the peer took no bytes for {timeout:.3g} s")
                if self.is_readable():
                    return 0
        except WriteTimeout:
            raise
        except (OSError, ValueError) as error:  # ValueError: closed, and so without a descriptor to wait for
            raise WriteError(describe(error) if isinstance(error, OSError) else "connection closed") from error
        return taken

    def _limit(self, timeout: float | None) -> None:
        if timeout is not None and timeout <= 0:
            raise TimeoutError
        if self._by_kernel:
            value = _timeval(timeout)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
        else:
            self._sock.settimeout(timeout)
        self._timeout = timeout

    def abort(self) -> None:
        self.closed = True
        self._sock.close()

    def interrupt(self) -> None:
        """Wakes the thread that waits for the peer, from any other: for it the connection ends."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)


def _is_late(error: OSError) -> bool:
    """Whether our limit passed. A TimeoutError with a number is the system giving the peer up."""
    return isinstance(error, BlockingIOError) or (isinstance(error, TimeoutError) and not error.errno)


def _timeval(timeout: float | None) -> bytes:
    """`timeout` for the kernel, a tick longer since it may wake a tick early; zero means no limit."""
    micros = 0 if timeout is None else int(min(timeout, 2**31) * 1e6) + _TICK_MICROS
    seconds, micros = divmod(micros, 1_000_000)
    return seconds.to_bytes(_LONG, sys.byteorder) + micros.to_bytes(_LONG, sys.byteorder)


class BlockingFuture:
    """A value that one thread waits for and another one gives."""

    __slots__ = ("_done", "_gate", "_value")

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()
        self._done = False
        self._value: Any = None

    def done(self) -> bool:
        return self._done

    def set_result(self, value: Any) -> None:
        self._value = value
        self._done = True
        self._gate.release()

    def wait(self, timeout: float | None) -> Any:
        # Lock.acquire is interrupted by signals in the main thread, so Ctrl-C gets through.
        if not self._gate.acquire(timeout=-1 if timeout is None else max(0.0, min(timeout, threading.TIMEOUT_MAX))):
            raise TimeoutError
        return self._value


class WorkerThread:
    """A thread that runs one coroutine over the blocking runtime."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            threading.Thread(target=run_blocking, args=(work,), name="smartclient", daemon=True).start()
        except RuntimeError as error:
            work.close()
            raise OSError(str(error)) from error

    def cancel(self) -> None:
        """Threads cannot be."""


class BlockingRuntime:
    """Threads wait in the calls themselves."""

    name = "blocking"
    now = staticmethod(time.monotonic)
    caller = staticmethod(threading.get_ident)
    run_in_thread = staticmethod(DAEMON_THREADS.run)

    @staticmethod
    def random() -> float:
        from random import random  # a millisecond that programs without retries save

        return random()

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def new_future(self) -> BlockingFuture:
        return BlockingFuture()

    async def wait(self, future: Future, timeout: float | None) -> Any:
        assert isinstance(future, BlockingFuture)
        return future.wait(timeout)

    def call_threadsafe(self, function: Callable[..., Any], *args: Any) -> None:
        function(*args)

    def start(self, work: Coroutine[Any, Any, None]) -> WorkerThread:
        return WorkerThread(work)

    async def within(self, timeout: float | None, awaitable: Awaitable[Any]) -> Any:
        return await awaitable  # which `run_blocking` refuses, should it suspend

    def begin(self, address: Address) -> SocketAttempt:
        try:
            return SocketAttempt(address)
        except (OSError, ValueError, OverflowError) as error:
            raise connect_failure(error) from error

    async def first(self, attempts: Sequence[SocketAttempt], timeout: float | None) -> SocketAttempt | None:
        return wait_for_writable(attempts, timeout)

    async def finish(self, attempt: SocketAttempt) -> BlockingStream:
        try:
            return BlockingStream(attempt.connected())
        except OSError as error:
            raise connect_failure(error) from error

    async def start_tls(
        self, stream: BlockingStream, context: "ssl.SSLContext", host: str, timeout: float | None
    ) -> Stream:
        if stream.get_extra_info("ssl_object") is not None:
            from .nested_tls import start_nested_tls

            return await start_nested_tls(stream, context, host, timeout)
        sock: Any = stream._sock
        try:
            if timeout is not None and timeout <= 0:
                raise TimeoutError
            sock.settimeout(timeout)
            sock = tls_socket(sock, context, host)
            sock.do_handshake()
        except TimeoutError as error:
            sock.close()
            raise ConnectTimeout("TLS handshake timed out") from error
        except (OSError, ValueError) as error:
            sock.close()
            raise tls_failure(error, host) from error
        except BaseException:
            sock.close()
            raise
        return BlockingStream(sock)

    def duplex(self, stream: BlockingStream) -> Stream:
        from .duplex import ThreadsStream

        return ThreadsStream(stream)

    async def settle(self, streams: list[Stream]) -> None:
        """Sockets close at once here."""
