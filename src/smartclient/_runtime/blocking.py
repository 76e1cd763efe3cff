"""The blocking runtime: plain sockets with timeouts. Nothing here ever suspends; Ctrl-C ends every wait."""

import socket
import threading
import time
from collections.abc import Callable
from random import random
from typing import TYPE_CHECKING, Any

from .._model.errors import (
    ConnectionError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    Sent,
    WriteError,
    WriteTimeout,
)
from .base import PIECE, Future, SocketAddress, Stream
from .sockets import SocketStream, describe
from .threads import DAEMON_THREADS
from .tls import tls_failure, tls_socket

if TYPE_CHECKING:
    import ssl


class BlockingStream(SocketStream):
    """A socket with a timeout."""

    __slots__ = ()

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        if self._ahead:
            return self._take_ahead(max_bytes)
        try:
            if timeout != self._timeout:
                self._limit(timeout)
            return self._sock.recv(max_bytes)  # type: ignore[no-any-return]
        except TimeoutError as error:
            if error.errno:  # the system gave the peer up, which is no limit of ours
                raise ReadError(describe(error)) from error
            raise ReadTimeout(f"no bytes for {timeout:.3g} s") from error
        except OSError as error:
            raise ReadError(describe(error)) from error

    async def write(self, data: bytes | memoryview, timeout: float | None) -> bool:
        sock = self._sock
        done = 0
        try:
            if timeout != self._timeout:
                self._limit(timeout)
            done = sock.send(data if len(data) <= PIECE else memoryview(data)[:PIECE])
            while done < len(data):
                if self.is_readable():
                    return False
                done += sock.send(memoryview(data)[done : done + PIECE])
        except OSError as error:
            sent: Sent = "partly" if done else "nothing"
            if isinstance(error, TimeoutError) and not error.errno:
                raise WriteTimeout(f"the peer took no bytes for {timeout:.3g} s", sent=sent) from error
            raise WriteError(describe(error), sent=sent) from error
        return True

    def _limit(self, timeout: float | None) -> None:
        if timeout is not None and timeout <= 0:
            raise TimeoutError
        self._sock.settimeout(timeout)
        self._timeout = timeout

    def abort(self) -> None:
        self.closed = True
        self._sock.close()


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


class BlockingRuntime:
    """Threads wait in the calls themselves."""

    name = "blocking"
    now = staticmethod(time.monotonic)
    random = staticmethod(random)
    run_in_thread = staticmethod(DAEMON_THREADS.run)

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def new_future(self) -> BlockingFuture:
        return BlockingFuture()

    async def wait(self, future: Future, timeout: float | None) -> Any:
        assert isinstance(future, BlockingFuture)
        return future.wait(timeout)

    def call_threadsafe(self, function: Callable[..., Any], *args: Any) -> None:
        function(*args)

    async def connect(self, family: int, address: SocketAddress, timeout: float | None) -> BlockingStream:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            if timeout is not None and timeout <= 0:
                raise TimeoutError
            sock.settimeout(timeout)
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except TimeoutError as error:
            sock.close()
            raise ConnectTimeout("timed out") from error
        except OSError as error:
            sock.close()
            raise ConnectionError(describe(error)) from error
        except BaseException:
            sock.close()
            raise
        return BlockingStream(sock)

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
        except OSError as error:
            sock.close()
            raise tls_failure(error, host) from error
        except BaseException:
            sock.close()
            raise
        return BlockingStream(sock)

    async def settle(self, streams: list[Stream]) -> None:
        """Sockets close at once here."""
