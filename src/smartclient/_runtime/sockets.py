"""What streams over a socket object share, blocking or not: the look at what has arrived. Nothing here waits."""

import select
import socket
from collections.abc import Callable
from typing import Any

from .base import Stream

_RECORD = 2**14  # content of one TLS record (RFC 8446 section 5.1)


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
        if not self._tls:
            return bool(self._poll())
        if self.above is not None:
            return self.above.is_readable()
        return bool(self._ahead) or self._sock.pending() > 0 or (bool(self._poll()) and self._look_ahead())

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
