"""TLS inside TLS, as an https origin behind an https proxy needs: a socket in all that streams ask of one.

`ssl` can wrap a socket once only, so the inner layer runs over memory. It waits as the socket below it waits: blocking
with its timeout, or never, raising `SSLWantReadError`. asyncio has its own way.
"""

import ssl
import time
from typing import Any

_RECORD = (
    2**14
)  # content of one TLS record (RFC 8446 section 5.1): a read of it leaves nothing behind in the outer layer


class NestedTLSSocket:
    """The inner layer over an outer `ssl.SSLSocket`, whose methods it has; certificate and cipher are its own."""

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, host: str) -> None:
        self._outer = outer
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._unsent = memoryview(b"")  # records that the outer layer has not taken yet
        self._accepted = 0  # bytes of content in them
        self._ahead = b""  # content that `pending` came upon

    def do_handshake(self) -> None:
        """As that of `ssl.SSLSocket`: the socket's timeout limits all of it."""
        timeout = self._outer.gettimeout()
        end = time.monotonic() + (timeout or 0.0)
        while True:
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError:
                self._flush()  # the alert that tells the peer
                raise
            else:
                self._flush()
                break
            if timeout:
                self._outer.settimeout(max(end - time.monotonic(), 0.001))
            self._fill()
        self._outer.settimeout(timeout)

    def recv(self, max_bytes: int) -> bytes:
        """Content, b"" at the inner layer's close_notify; ends without it raise `ssl.SSLEOFError`."""
        if self._ahead:
            data, self._ahead = self._ahead[:max_bytes], self._ahead[max_bytes:]
            return data
        while True:
            try:
                return self._object.read(max_bytes)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()

    def send(self, data: bytes | memoryview) -> int:
        """Bytes of `data` that are handed over. After `SSLWantWriteError` it must be called with the same data."""
        if not self._unsent:
            self._accepted = self._object.write(data)
        self._flush()
        return self._accepted

    def pending(self) -> int:
        """Bytes of content that can be had without the outer layer."""
        if not self._ahead and self._incoming.pending:
            try:
                self._ahead = self._object.read(_RECORD)
            except ssl.SSLError:
                return 0  # half a record, a session ticket, or a failure that the next read tells
        return len(self._ahead) + self._object.pending()

    def _flush(self) -> None:
        if not self._unsent and self._outgoing.pending:
            self._unsent = memoryview(self._outgoing.read())
        while self._unsent:
            self._unsent = self._unsent[self._outer.send(self._unsent) :]

    def _fill(self) -> None:
        data = self._outer.recv(_RECORD)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def settimeout(self, seconds: float | None) -> None:
        self._outer.settimeout(seconds)

    def gettimeout(self) -> float | None:
        return self._outer.gettimeout()

    def fileno(self) -> int:
        return self._outer.fileno()

    def getpeername(self) -> Any:
        return self._outer.getpeername()

    def close(self) -> None:
        self._outer.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._object, name)  # getpeercert, version, cipher, ...
