"""The trio runtime: streams over trio's sockets and its TLS, one cancel scope for each wait that has a limit."""

import math
import socket
import time
from collections.abc import Callable
from random import random
from typing import TYPE_CHECKING, Any

import outcome
import trio

from .._model.errors import ConnectionError, ConnectTimeout, ReadError, ReadTimeout, WriteError, WriteTimeout
from .base import PIECE, Future, SocketAddress, Stream
from .blocking import describe, poll_for_read
from .threads import DAEMON_THREADS
from .tls import tls_failure

if TYPE_CHECKING:
    import ssl


class TrioStream:
    """A trio stream; `sock` is the socket below it, which `abort` closes whatever lies above."""

    __slots__ = ("_poll", "_sock", "_stream", "closed")

    def __init__(self, stream: "trio.SocketStream | trio.SSLStream[trio.SocketStream]", sock: Any) -> None:
        self._stream = stream
        self._sock = sock
        self._poll = poll_for_read(sock)
        self.closed = False

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        try:
            with trio.move_on_after(_limit(timeout)):
                return bytes(await self._stream.receive_some(max_bytes))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise ReadError(_reason(error)) from error
        raise ReadTimeout(f"no bytes for {timeout:.3g} s")

    async def write(self, data: bytes | memoryview, timeout: float | None) -> None:
        done = 0
        try:
            while done < len(data):
                if done and self.is_readable():
                    return
                piece = data if len(data) <= PIECE else memoryview(data)[done : done + PIECE]
                with trio.move_on_after(_limit(timeout)) as scope:
                    await self._stream.send_all(piece)
                if scope.cancelled_caught:
                    raise WriteTimeout(f"the peer took no bytes for {timeout:.3g} s", sent="partly")
                done += len(piece)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise WriteError(_reason(error), sent="partly" if done else "nothing") from error

    def abort(self) -> None:
        self.closed = True
        self._sock.close()

    def is_readable(self) -> bool:
        return bool(self._poll())

    def get_extra_info(self, name: str) -> Any:
        if name == "ssl_object":
            return self._stream if isinstance(self._stream, trio.SSLStream) else None
        if name == "peername":
            return self._sock.getpeername()
        return None


def _limit(timeout: float | None) -> float:
    return math.inf if timeout is None else max(0.0, timeout)


def _reason(error: BaseException) -> str:
    cause = error.__cause__
    return describe(cause) if isinstance(cause, OSError) else str(error) or "connection broken"


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
        try:
            self.token.run_sync_soon(function, *args)
        except trio.RunFinishedError:
            pass  # nobody is left to be told

    async def connect(self, family: int, address: SocketAddress, timeout: float | None) -> TrioStream:
        sock = trio.socket.socket(family, socket.SOCK_STREAM)
        try:
            with trio.move_on_after(_limit(timeout)) as scope:
                await sock.connect(address)
            if scope.cancelled_caught:
                sock.close()
                raise ConnectTimeout("timed out")
            return TrioStream(trio.SocketStream(sock), sock)  # sets TCP_NODELAY itself
        except ConnectTimeout:
            raise
        except OSError as error:
            sock.close()
            raise ConnectionError(describe(error)) from error
        except BaseException:
            sock.close()
            raise

    async def start_tls(
        self, stream: TrioStream, context: "ssl.SSLContext", host: str, timeout: float | None
    ) -> TrioStream:
        assert isinstance(stream._stream, trio.SocketStream)
        secure = trio.SSLStream(stream._stream, context, server_hostname=host)
        try:
            with trio.move_on_after(_limit(timeout)) as scope:
                await secure.do_handshake()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            stream.abort()
            raise tls_failure(error.__cause__ if isinstance(error.__cause__, OSError) else error, host) from error
        except BaseException:
            stream.abort()
            raise
        if scope.cancelled_caught:
            stream.abort()
            raise ConnectTimeout("TLS handshake timed out")
        return TrioStream(secure, stream._sock)

    async def settle(self, streams: list[Stream]) -> None:
        """Sockets close at once here."""
