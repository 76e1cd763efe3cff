"""The blocking runtime: plain sockets with timeouts. Nothing here ever suspends; Ctrl-C ends every wait."""

import select
import socket
import threading
import time
from collections.abc import Callable
from random import random
from typing import TYPE_CHECKING, Any

from .._model.errors import ConnectionError, ConnectTimeout, ReadError, ReadTimeout, WriteError, WriteTimeout
from .base import PIECE, Future, SocketAddress, Stream
from .threads import DAEMON_THREADS
from .tls import tls_failure

if TYPE_CHECKING:
    import ssl


class BlockingStream:
    """A socket, plain or under TLS."""

    __slots__ = ("_poll", "_sock", "_timeout", "closed")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._timeout = sock.gettimeout()
        self.closed = False
        self._poll = poll_for_read(sock)

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        sock = self._sock
        try:
            if timeout != self._timeout:
                self._limit(timeout)
            return sock.recv(max_bytes)
        except TimeoutError as error:
            raise ReadTimeout(f"no bytes for {timeout:.3g} s") from error
        except OSError as error:
            raise ReadError(describe(error)) from error

    async def write(self, data: bytes | memoryview, timeout: float | None) -> None:
        sock = self._sock
        done = 0
        try:
            if timeout != self._timeout:
                self._limit(timeout)
            done = sock.send(data if len(data) <= PIECE else memoryview(data)[:PIECE])
            while done < len(data):
                if self.is_readable():
                    return
                done += sock.send(memoryview(data)[done : done + PIECE])
        except TimeoutError as error:
            message = f"the peer took no bytes for {timeout:.3g} s"
            raise WriteTimeout(message, sent="partly" if done else "nothing") from error
        except OSError as error:
            raise WriteError(describe(error), sent="partly" if done else "nothing") from error

    def _limit(self, timeout: float | None) -> None:
        if timeout is not None and timeout <= 0:
            raise TimeoutError
        self._sock.settimeout(timeout)
        self._timeout = timeout

    def abort(self) -> None:
        self.closed = True
        self._sock.close()

    def is_readable(self) -> bool:
        return bool(self._poll()) or self._pending()

    def _pending(self) -> bool:
        pending = getattr(self._sock, "pending", None)
        return pending is not None and pending() > 0

    def get_extra_info(self, name: str) -> Any:
        if name == "ssl_object":
            return self._sock if hasattr(self._sock, "getpeercert") else None
        if name == "peername":
            return self._sock.getpeername()
        return None


def poll_for_read(sock: socket.socket) -> Callable[[], Any]:
    """A function that tells at once whether `sock` is readable, closed or broken; true once it has no descriptor."""
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(sock.fileno(), select.POLLIN)
        poll = poller.poll
        return lambda: sock.fileno() < 0 or poll(0)
    return lambda: sock.fileno() < 0 or select.select([sock], [], [], 0)[0]


def describe(error: OSError) -> str:
    """What the system says of `error`, in one line without its number."""
    return error.strerror or str(error) or type(error).__name__


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
    ) -> BlockingStream:
        sock = stream._sock
        try:
            if timeout is not None and timeout <= 0:
                raise TimeoutError
            sock.settimeout(timeout)
            # Ragged ends are not suppressed: without close_notify a body that ends with the connection may be cut.
            secure = context.wrap_socket(sock, server_hostname=host, suppress_ragged_eofs=False)
        except TimeoutError as error:
            stream.abort()
            raise ConnectTimeout("TLS handshake timed out") from error
        except OSError as error:
            stream.abort()
            raise tls_failure(error, host) from error
        except BaseException:
            stream.abort()
            raise
        return BlockingStream(secure)

    async def settle(self, streams: list[Stream]) -> None:
        """Sockets close at once here."""
