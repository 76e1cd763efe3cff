"""TLS inside TLS, as an https origin behind an https proxy needs: a stream over a stream, the same for all runtimes.

`ssl` wraps a socket once only, and asyncio's own nesting raises TypeError in CPython 3.11 where the inner handshake
fails: so the inner layer runs over memory.
"""

import ssl
import time
from contextlib import suppress
from typing import Any

from .._model.declared import Protocol
from .._model.errors import ConnectTimeout, ReadError, RequestException, Timeout, WriteError
from .base import PIECE, Stream
from .tls import asked_name, tls_failure

_READ = 2**18
_RECORD = 2**14  # content of one TLS record (RFC 8446 section 5.1)


class OuterStream(Stream, Protocol):
    """A stream under TLS that can be looked into without waiting.

    Its `write_some` asks `above`, where that is not None, whether the peer answers: the content of the outer layer may
    be what the inner one has to say for itself, such as session tickets.
    """

    above: "Stream | None"

    def read_now(self) -> bytes | None:
        """What has arrived; b"" when the peer has ended or is lost, None when there is nothing yet."""


class NestedTLSStream:
    """The inner layer. Attributes: `outer`, the stream below it."""

    __slots__ = ("_ahead", "_incoming", "_object", "_outgoing", "_records", "outer")

    def __init__(self, outer: OuterStream, context: ssl.SSLContext, host: str) -> None:
        self.outer = outer
        outer.above = self
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=asked_name(context, host))
        self._ahead = b""  # content that `is_readable` came upon
        self._records = b""  # encrypted, and not yet with the stream below

    async def handshake(self, timeout: float | None) -> None:
        """The whole handshake within `timeout` seconds; raises what `ssl` and the outer stream raise."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError:
                with suppress(RequestException):  # the alert that tells the peer
                    await self._flush(0.1)
                raise
            else:
                done = True
            await self._flush(None if end is None else end - time.monotonic())
            if done:
                return
            self._fill(await self.outer.read(_READ, None if end is None else end - time.monotonic()))

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        if self._ahead:
            data, self._ahead = self._ahead[:max_bytes], self._ahead[max_bytes:]
            return data
        while True:
            try:
                return self._object.read(max_bytes)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLWantReadError:
                await self._flush(timeout)  # an answer of TLS itself
            except ssl.SSLError as error:
                raise ReadError(_reason(error)) from error
            self._fill(await self.outer.read(_READ, timeout))

    async def write(self, data: bytes, timeout: float | None) -> None:
        self._encrypt(data)
        await self._flush(timeout)

    async def write_some(self, data: bytes | memoryview, timeout: float | None) -> int:
        if not await self._flush_some(timeout):
            return 0
        taken = self._encrypt(data if len(data) <= PIECE else memoryview(data)[:PIECE])
        await self._flush_some(timeout)  # what the peer's answer keeps back goes first next time
        return taken

    def _encrypt(self, data: bytes | memoryview) -> int:
        try:
            taken = self._object.write(data)
        except ssl.SSLError as error:
            raise WriteError(_reason(error)) from error
        self._records += self._outgoing.read()
        return taken

    async def _flush(self, timeout: float | None) -> None:
        records, self._records = self._records + self._outgoing.read(), b""
        if records:
            await self.outer.write(records, timeout)

    async def _flush_some(self, timeout: float | None) -> bool:
        """Whether all records are on their way; False when there is something to read."""
        while self._records:
            taken = await self.outer.write_some(self._records, timeout)
            if not taken:
                return False
            self._records = self._records[taken:]
        return True

    def _fill(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def is_readable(self) -> bool:
        while not self._ahead:
            try:
                self._ahead = self._object.read(_RECORD)
                return True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return True  # the next read fails of it
            data = self.outer.read_now()
            if data is None:
                return False
            self._fill(data)
        return True

    def abort(self) -> None:
        self.outer.above = None
        self.outer.abort()

    def get_extra_info(self, name: str) -> Any:
        return self._object if name == "ssl_object" else self.outer.get_extra_info(name)

    def as_socket(self) -> "NestedSocket":
        """For threads that take turns: the socket of the stream below never blocks any more."""
        return NestedSocket(self)


class NestedSocket:
    """The calls of a socket on a nested stream; they never wait. As with OpenSSL, what has to wait is repeated."""

    def __init__(self, stream: NestedTLSStream) -> None:
        self._stream = stream
        outer: Any = stream.outer
        self._sock: Any = outer._sock
        self._taken = 0  # bytes of the caller's that are encrypted already
        if outer._ahead:
            stream._fill(outer._ahead)
            outer._ahead = b""

    def recv(self, max_bytes: int) -> bytes:
        """Raises SSLWantReadError or SSLWantWriteError where it would have to wait, as `send` does."""
        while True:
            try:
                return self._stream._object.read(max_bytes)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLWantReadError:
                self._push()  # an answer of TLS itself
            self._stream._fill(self._sock.recv(_READ))

    def send(self, data: bytes) -> int:
        """Encrypts at most a record of `data`, and tells how much that was once all of it is with the system."""
        if not self._taken:
            self._push()
            self._taken = self._stream._object.write(data[:_RECORD])
        self._push()
        taken, self._taken = self._taken, 0
        return taken

    def _push(self) -> None:
        stream = self._stream
        stream._records += stream._outgoing.read()
        while stream._records:
            stream._records = stream._records[self._sock.send(stream._records) :]


def _reason(error: ssl.SSLError) -> str:
    return "connection closed without the end of TLS" if isinstance(error, ssl.SSLEOFError) else error.reason or "TLS"


async def start_nested_tls(
    outer: OuterStream, context: ssl.SSLContext, host: str, timeout: float | None
) -> NestedTLSStream:
    """`Runtime.start_tls` for a stream that is under TLS already."""
    try:
        stream = NestedTLSStream(outer, context, host)
        await stream.handshake(timeout)
    except Timeout as error:
        outer.abort()
        raise ConnectTimeout("TLS handshake timed out") from error
    except (OSError, ValueError) as error:
        outer.abort()
        raise tls_failure(error, host) from error
    except BaseException:
        outer.abort()
        raise
    return stream
