"""What streams over a socket object share, blocking or not: looks at what has arrived, sends that do not wait."""

import math
import select
import socket
from collections.abc import Callable
from typing import Any

_RECORD = 2**14  # content of one TLS record (RFC 8446 section 5.1)
_DONT_WAIT = getattr(socket, "MSG_DONTWAIT", 0)


class SocketStream:
    """A socket, plain or under TLS."""

    __slots__ = ("_ahead", "_poll", "_sock", "_timeout", "_tls", "closed")

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._timeout: float | None = sock.gettimeout()
        self._poll = poll_for_read(sock)
        self._tls = hasattr(sock, "getpeercert")
        self._ahead = b""  # content that `is_readable` came upon
        self.closed = False

    def is_readable(self) -> bool:
        """As `Stream.is_readable`."""
        if self.closed:
            return True
        if not self._tls:
            return bool(self._poll(0))
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

    def _take_ahead(self, max_bytes: int) -> bytes:
        data, self._ahead = self._ahead[:max_bytes], self._ahead[max_bytes:]
        return data

    def get_extra_info(self, name: str) -> Any:
        """As `Stream.get_extra_info`."""
        if name == "ssl_object":
            return self._sock if self._tls else None
        if name == "peername":
            return self._sock.getpeername()
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


def wait_for_either(sock: Any, writable: bool, seconds: float | None) -> bool:
    """Waits until `sock` has something to read, or room to write where that matters. False when the limit passed."""
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(sock.fileno(), select.POLLIN | (select.POLLOUT if writable else 0))
        return bool(poller.poll(None if seconds is None else math.ceil(max(0.0, seconds) * 1000)))
    return any(select.select([sock], [sock] if writable else [], [], seconds))


def describe(error: OSError) -> str:
    """What the system says of `error`, in one line without its number."""
    return error.strerror or str(error) or type(error).__name__
