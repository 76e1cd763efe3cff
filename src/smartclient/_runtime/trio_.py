"""The trio runtime: sockets that never block, waited for by trio, one cancel scope for each wait that has a limit.

trio's own TLS stream is not used: it cannot be asked, without waiting, whether the peer has said anything.
"""

import contextlib
import math
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from random import random
from typing import Any

import outcome
import trio

from .._model.errors import (
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    Sent,
    WriteError,
    WriteTimeout,
)
from .base import PIECE, Address, Future, OutOfTime, Stream, quietly
from .sockets import SocketAttempt, SocketStream, connect_failure, describe
from .threads import DAEMON_THREADS
from .tls import tls_failure, tls_socket

_BUSY_SECONDS = 0.01


class TrioStream(SocketStream):
    """A socket that never blocks; its waits are trio's."""

    __slots__ = ()

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        if self._ahead:
            return self._take_ahead(max_bytes)
        try:
            with trio.move_on_after(_limit(timeout)):
                data: bytes = await _done(self._sock.recv, max_bytes, self._sock, trio.lowlevel.wait_readable)
                return data
        except (OSError, trio.ClosedResourceError) as error:
            raise ReadError(_reason(error)) from error
        raise ReadTimeout(f"Read timed out: no bytes for {timeout:.3g} s")

    async def write(self, data: bytes, timeout: float | None) -> None:
        sock = self._sock
        done = 0
        try:
            while done < len(data):
                piece = memoryview(data)[done:] if done else data
                with trio.move_on_after(_limit(timeout)) as scope:
                    done += await _done(sock.send, piece, sock, trio.lowlevel.wait_writable)
                if scope.cancelled_caught:
                    sent: Sent = "partly" if done else "nothing"
                    raise WriteTimeout(f"the peer took no bytes for {timeout:.3g} s", sent=sent)
        except (OSError, trio.ClosedResourceError) as error:
            if isinstance(error, WriteTimeout):
                raise
            raise WriteError(_reason(error), sent="partly" if done else "nothing") from error

    async def write_some(self, data: bytes | memoryview, timeout: float | None) -> int:
        piece = data if len(data) <= PIECE else memoryview(data)[:PIECE]
        await trio.lowlevel.checkpoint()
        try:
            while not (taken := self._send_now(piece)):
                with trio.move_on_after(_limit(timeout)) as scope:
                    await _either(self._sock, taken is not None)
                if scope.cancelled_caught:
                    raise WriteTimeout(f"the peer took no bytes for {timeout:.3g} s")
                if self.is_readable():
                    return 0
        except WriteTimeout:
            raise
        except (OSError, trio.ClosedResourceError) as error:
            raise WriteError(_reason(error)) from error
        return taken

    def abort(self) -> None:
        self.closed = True
        _close(self._sock)


class TrioAttempt(SocketAttempt):
    """A socket that is connecting, known to trio."""

    __slots__ = ()

    def abort(self) -> None:
        _close(self.sock)


async def _done(call: Callable[[Any], Any], argument: Any, sock: Any, wait: Callable[[Any], Awaitable[None]]) -> Any:
    """The result of `call(argument)` on a socket, once that does not have to wait any more. Always a checkpoint."""
    await trio.lowlevel.checkpoint_if_cancelled()
    waited = False
    while True:
        try:
            result = call(argument)
        except ssl.SSLWantReadError:
            wait = trio.lowlevel.wait_readable
        except ssl.SSLWantWriteError:
            wait = trio.lowlevel.wait_writable
        except BlockingIOError:
            pass
        else:
            if not waited:
                await trio.lowlevel.cancel_shielded_checkpoint()
            return result
        waited = True
        try:
            await wait(sock)
        except trio.BusyResourceError:  # TLS wants what another task waits for: the one that reads, or that writes
            await trio.sleep(_BUSY_SECONDS)


async def _either(sock: Any, writable: bool) -> None:
    """Until `sock` has something to read, or room to write where that matters."""
    if not writable:
        await trio.lowlevel.wait_readable(sock)
        return

    async def wait(until: Callable[[Any], Awaitable[None]]) -> None:
        try:
            await until(sock)
        except trio.ClosedResourceError as error:  # told below, out of the nursery's group
            failures.append(error)
        nursery.cancel_scope.cancel()

    failures: list[Exception] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, trio.lowlevel.wait_readable)
        nursery.start_soon(wait, trio.lowlevel.wait_writable)
    if failures:
        raise failures[0]


def _close(sock: Any) -> None:
    with contextlib.suppress(RuntimeError):  # trio's run is over: nobody can be waiting
        trio.lowlevel.notify_closing(sock)
    sock.close()


def _limit(timeout: float | None) -> float:
    return math.inf if timeout is None else max(0.0, timeout)


def _reason(error: BaseException) -> str:
    return describe(error) if isinstance(error, OSError) else "connection closed"


async def _inside(scope: trio.CancelScope, work: Coroutine[Any, Any, None]) -> None:
    with scope:
        await work


class TrioFuture:
    """A value that one task waits for. Cancelling that task marks it done at once, before the task runs again."""

    __slots__ = ("_done", "_task", "_value")

    def __init__(self) -> None:
        self._done = False
        self._task: trio.lowlevel.Task | None = None
        self._value: Any = None

    def done(self) -> bool:
        return self._done

    def set_result(self, value: Any) -> None:
        self._value = value
        self._done = True
        if self._task is not None:
            trio.lowlevel.reschedule(self._task, outcome.Value(None))

    async def wait(self) -> Any:
        if not self._done:
            self._task = trio.lowlevel.current_task()

            def aborted(_: Any) -> trio.lowlevel.Abort:
                self._task = None
                self._done = True
                return trio.lowlevel.Abort.SUCCEEDED

            await trio.lowlevel.wait_task_rescheduled(aborted)
            self._task = None
        return self._value


class TrioRuntime:
    """Belongs to the trio run that is on when it is made."""

    name = "trio"
    now = staticmethod(time.monotonic)
    random = staticmethod(random)
    caller = staticmethod(trio.lowlevel.current_task)
    run_in_thread = staticmethod(DAEMON_THREADS.run)

    def __init__(self) -> None:
        self.token = trio.lowlevel.current_trio_token()

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    def new_future(self) -> TrioFuture:
        return TrioFuture()

    async def wait(self, future: Future, timeout: float | None) -> Any:
        assert isinstance(future, TrioFuture)
        with trio.move_on_after(_limit(timeout)):
            return await future.wait()
        raise TimeoutError

    def call_threadsafe(self, function: Callable[..., Any], *args: Any) -> None:
        with contextlib.suppress(trio.RunFinishedError):  # nobody is left to be told
            self.token.run_sync_soon(function, *args)

    def spawn(self, clean_up: Coroutine[Any, Any, Any]) -> None:
        trio.lowlevel.spawn_system_task(quietly, clean_up)

    def start(self, work: Coroutine[Any, Any, None]) -> trio.CancelScope:
        scope = trio.CancelScope()
        trio.lowlevel.spawn_system_task(_inside, scope, work)
        return scope

    async def within(self, timeout: float | None, awaitable: Awaitable[Any]) -> Any:
        with trio.move_on_after(_limit(timeout)):
            return await awaitable
        raise OutOfTime

    def begin(self, address: Address) -> TrioAttempt:
        try:
            return TrioAttempt(address)
        except (OSError, ValueError, OverflowError) as error:
            raise connect_failure(error) from error

    async def first(self, attempts: Sequence[TrioAttempt], timeout: float | None) -> TrioAttempt | None:
        settled: list[TrioAttempt] = []

        async def watch(attempt: TrioAttempt, scope: trio.CancelScope) -> None:
            await trio.lowlevel.wait_writable(attempt.sock)
            settled.append(attempt)
            scope.cancel()

        with trio.move_on_after(_limit(timeout)) as scope:
            if len(attempts) == 1:  # a nursery costs 40 us
                await watch(attempts[0], scope)
            else:
                async with trio.open_nursery() as nursery:
                    for attempt in attempts:
                        nursery.start_soon(watch, attempt, nursery.cancel_scope)
        return settled[0] if settled else None

    async def finish(self, attempt: TrioAttempt) -> TrioStream:
        try:
            return TrioStream(attempt.connected())
        except OSError as error:
            raise connect_failure(error) from error

    async def start_tls(self, stream: TrioStream, context: ssl.SSLContext, host: str, timeout: float | None) -> Stream:
        if stream.get_extra_info("ssl_object") is not None:
            from .nested_tls import start_nested_tls

            return await start_nested_tls(stream, context, host, timeout)
        sock: Any = stream._sock
        try:
            with trio.move_on_after(_limit(timeout)) as scope:
                sock = tls_socket(sock, context, host)
                await _done(lambda _: sock.do_handshake(), None, sock, trio.lowlevel.wait_readable)
            if scope.cancelled_caught:
                raise ConnectTimeout("TLS handshake timed out")
        except ConnectTimeout:
            sock.close()
            raise
        except (OSError, ValueError) as error:
            sock.close()
            raise tls_failure(error, host) from error
        except BaseException:
            sock.close()
            raise
        return TrioStream(sock)

    def duplex(self, stream: Any) -> Stream:
        from .duplex import PumpedStream

        if isinstance(stream, TrioStream):
            return PumpedStream(self, stream)
        stream.outer = PumpedStream(self, stream.outer)  # TLS inside TLS: what it has to write is encrypted at once
        return stream  # type: ignore[no-any-return]

    async def settle(self, streams: list[Stream]) -> None:
        """Sockets close at once here."""
