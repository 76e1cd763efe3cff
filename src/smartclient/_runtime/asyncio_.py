"""The asyncio runtime (uvloop included): clocks, waits, connecting and TLS on one event loop."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from random import random
from typing import TYPE_CHECKING, Any

from .._model.errors import (
    ConnectTimeout,
    SSLError,
)
from .asyncio_stream import AsyncioStream, Rescuing
from .base import Address, OutOfTime, Stream, quietly
from .sockets import UNIX, connect_failure, new_socket
from .threads import DAEMON_THREADS
from .tls import tls_failure

if TYPE_CHECKING:
    import ssl


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


class AsyncioRuntime:
    """Belongs to the loop that runs when it is made."""

    name = "asyncio"
    now = staticmethod(time.monotonic)
    random = staticmethod(random)
    caller = staticmethod(asyncio.current_task)
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
        self.start(quietly(clean_up))

    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = self.loop.create_task(work)
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)
        return task

    async def within(self, timeout: float | None, awaitable: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(timeout) as limit:
                return await awaitable
        except TimeoutError as error:
            if limit.expired():
                raise OutOfTime from error
            raise

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
        secure._raw = stream._transport
        protocol = secure._raw.get_protocol()
        if isinstance(protocol, asyncio.BufferedProtocol):  # not uvloop's, which leaves the socket open for longer
            secure._raw.set_protocol(Rescuing(protocol, secure))
        secure.connection_made(transport)
        return secure

    def duplex(self, stream: Stream) -> Stream:
        from .duplex import PatientStream

        return PatientStream(self, stream)

    async def settle(self, streams: list[Stream]) -> None:
        await asyncio.sleep(0)  # for those that were aborted just before, and that nobody knows any more
        bottoms = [getattr(stream, "outer", stream) for stream in streams]  # where there is TLS inside TLS
        waits = [stream.wait_closed() for stream in bottoms if isinstance(stream, AsyncioStream)]
        with contextlib.suppress(TimeoutError):  # the transports are aborted; the loop closes them when it comes to it
            async with asyncio.timeout(1.0):
                await asyncio.gather(*waits)


def _expire(future: "asyncio.Future[Any]") -> None:
    if not future.done():
        future.set_exception(TimeoutError())
