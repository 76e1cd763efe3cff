"""What streams over a socket object share, blocking or not: the look at what has arrived. Nothing here waits."""

import select
import socket
from collections.abc import Callable
from typing import Any

_RECORD = 2**14  # content of one TLS record (RFC 8446 section 5.1)


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


def describe(error: OSError) -> str:
    """What the system says of `error`, in one line without its number."""
    return error.strerror or str(error) or type(error).__name__
