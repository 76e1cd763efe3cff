"""What sockets of every runtime share: how they are made, looks at what has arrived, sends that do not wait."""

import errno
import os
import select
import socket
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

from .._model.errors import ConnectionError, ConnectTimeout
from .base import Address, Stream

_RECORD = 2**14  # content of one TLS record (RFC 8446 section 5.1)
_DONT_WAIT = getattr(socket, "MSG_DONTWAIT", 0)
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK)
UNIX = getattr(socket, "AF_UNIX", None)


def new_socket(address: Address) -> socket.socket:
    """A socket for `address` that never blocks, not yet connected. Raises OSError."""
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if address.family != UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if address.local is not None:
            if address.local[1]:  # a port of the caller's own choice, on which an older connection may linger
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address.local)
    except BaseException:
        sock.close()
        raise
    return sock


class SocketAttempt:
    """A socket that the system is connecting. Writable means that this has come to an end."""

    __slots__ = ("sock",)

    def __init__(self, address: Address) -> None:
        """Raises OSError."""
        self.sock = new_socket(address)
        try:
            failure = self.sock.connect_ex(address.remote)
        except BaseException:
            self.sock.close()
            raise
        # A Unix socket is connected at once or not at all: there EWOULDBLOCK says that the listener's queue is full.
        if failure and (failure not in _UNDER_WAY or address.family == UNIX):
            self.sock.close()
            raise OSError(failure, os.strerror(failure))

    def connected(self) -> socket.socket:
        """The socket, once it is writable. Raises OSError."""
        failure = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))
        return self.sock

    def abort(self) -> None:
        self.sock.close()


def connect_failure(error: Exception) -> ConnectionError:
    """What a failed attempt to connect means: the system's own time-out is one of ours too."""
    kind = ConnectTimeout if isinstance(error, TimeoutError) else ConnectionError
    # By number: the texts of event loops name the address, and so every failure would be of a kind of its own.
    number = error.errno if isinstance(error, OSError) else None
    return kind(os.strerror(number) if number else str(error))


class SocketStream:
    """A socket, plain or under TLS."""

    __slots__ = ("_ahead", "_poll", "_sock", "_timeout", "_tls", "above", "closed")

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._timeout: float | None = sock.gettimeout()
        self._poll = poll_for_read(sock)
        self._tls = hasattr(sock, "getpeercert")
        self._ahead = b""  # content that `is_readable` came upon
        self.above: Stream | None = None  # where this carries TLS inside TLS
        self.closed = False

    def is_readable(self) -> bool:
        """As `Stream.is_readable`."""
        if self.closed:
            return True
        if not self._tls:
            return bool(self._poll(0))
        if self.above is not None:
            return self.above.is_readable()
        return bool(self._ahead) or self._sock.pending() > 0 or (bool(self._poll(0)) and self._look_ahead())

    def _look_ahead(self) -> bool:
        """Whether TLS has content, an end or a failure to show: session tickets make the socket readable too."""
        import ssl

        sock = self._sock
        try:
            sock.settimeout(0.0)
            try:
                self._ahead = sock.recv(_RECORD)
            finally:
                sock.settimeout(self._timeout)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            pass  # the next read fails of it
        return True

    def _send_now(self, data: bytes | memoryview) -> int | None:
        """How many bytes the system takes at once; 0 when it is full, None when TLS must be read from first."""
        sock = self._sock
        if _DONT_WAIT and not self._tls and type(sock).__module__ == "socket":
            try:
                return sock.send(data, _DONT_WAIT)  # type: ignore[no-any-return]
            except BlockingIOError:
                return 0
        try:
            sock.settimeout(0.0)
            try:
                return sock.send(data)  # type: ignore[no-any-return]
            finally:
                sock.settimeout(self._timeout)
        except BlockingIOError:
            return 0
        except OSError as error:
            wanted = type(error).__name__ if self._tls else ""
            if wanted == "SSLWantWriteError":
                return 0
            if wanted == "SSLWantReadError":
                return None
            raise

    def read_now(self) -> bytes | None:
        """What has arrived under TLS, for TLS inside it; b"" at the end or the loss, None when there is nothing."""
        if not self._ahead and not self._look_ahead():
            return None
        data, self._ahead = self._ahead, b""
        return data

    def _take_ahead(self, max_bytes: int) -> bytes:
        data, self._ahead = self._ahead[:max_bytes], self._ahead[max_bytes:]
        return data

    def get_extra_info(self, name: str) -> Any:
        """As `Stream.get_extra_info`."""
        if name == "ssl_object":
            return self._sock if self._tls else None
        if name == "peername":
            try:
                return self._sock.getpeername()
            except OSError:  # it has gone already
                return None
        return None

    def __del__(self) -> None:
        self._sock.close()  # a forgotten session is no fault: the system's own warning stays away


def poll_for_read(sock: socket.socket) -> Callable[[int], Any]:
    """A function that tells whether `sock` is readable, ended or broken, after waiting so many milliseconds for it."""
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(sock.fileno(), select.POLLIN)
        return poller.poll
    return lambda milliseconds: select.select([sock], [], [], milliseconds / 1000)[0]


def wait_for_writable(attempts: Sequence[SocketAttempt], timeout: float | None) -> SocketAttempt | None:
    """The first of `attempts` that is writable, for threads; None after `timeout` seconds."""
    if hasattr(select, "poll"):
        poller = select.poll()
        for attempt in attempts:
            poller.register(attempt.sock, select.POLLOUT)
        ready = poller.poll(None if timeout is None else max(0, ceil(timeout * 1000)))
        if not ready:
            return None
        return attempts[[attempt.sock.fileno() for attempt in attempts].index(ready[0][0])]
    sockets = [attempt.sock for attempt in attempts]
    _, writable, failed = select.select([], sockets, sockets, None if timeout is None else max(0.0, timeout))
    return next((attempt for attempt in attempts if attempt.sock in writable + failed), None)


def wait_for(sock: Any, writable: bool, seconds: float | None) -> bool:
    """Waits until `sock` can be written to, or else read from. False when the limit passed; ValueError: closed."""
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(sock.fileno(), select.POLLOUT if writable else select.POLLIN)
        return bool(poller.poll(None if seconds is None else ceil(max(0.0, seconds) * 1000)))
    return any(select.select([] if writable else [sock], [sock] if writable else [], [], seconds))


def wait_for_either(sock: Any, writable: bool, seconds: float | None) -> bool:
    """Waits until `sock` has something to read, or room to write where that matters. False when the limit passed."""
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(sock.fileno(), select.POLLIN | (select.POLLOUT if writable else 0))
        return bool(poller.poll(None if seconds is None else ceil(max(0.0, seconds) * 1000)))
    return any(select.select([sock], [sock] if writable else [], [], seconds))


def describe(error: OSError) -> str:
    """What the system says of `error`, in one line without its number."""
    return error.strerror or str(error) or type(error).__name__
