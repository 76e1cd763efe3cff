"""What every contender of `peers.py` is asked to do, and by which name it is found; nothing here measures.

A contender is a context manager: given a `Target` it yields a `fetch` that makes one GET, reads the body and checks
both. All keep connections alive, may hold equally many, and follow their own defaults otherwise.
"""

import contextlib
import ssl
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

BODY = b"0123456789abcdef" * 64
DOWNLOAD = bytes(range(256)) * 390_625  # 100 MB
DOWNLOAD_CRC = zlib.crc32(DOWNLOAD)
PIECE = 256 * 1024  # bytes of one piece, for clients that must be told a size
IDLE = 600.0  # seconds that idle connections are kept, for all alike

OURS = "smartclient"
FLOOR = "raw"

SyncFetch = Callable[[], None]
AsyncFetch = Callable[[], Awaitable[None]]


class Target(NamedTuple):
    """What is fetched: `url`, over at most `connections` at once; `ca_file` vouches for it, None without TLS."""

    url: str
    connections: int
    ca_file: str | None = None

    @property
    def context(self) -> ssl.SSLContext | None:
        """The same trust as a context, for clients that take one."""
        return ssl.create_default_context(cafile=self.ca_file) if self.ca_file else None


SyncContender = Callable[[Target], contextlib.AbstractContextManager[SyncFetch]]
AsyncContender = Callable[[Target], contextlib.AbstractAsyncContextManager[AsyncFetch]]


class WrongAnswer(Exception):
    """A contender got something else than the page."""


def checked(status: int, body: Any) -> None:
    """Raises unless this is the page; runs for every response of every contender."""
    if status != 200 or body != BODY:
        raise WrongAnswer(f"status {status}, {len(body)} bytes")


class Tally:
    """Takes the pieces of downloads: the bytes of each are counted, and those of the first are compared."""

    def __init__(self) -> None:
        self._length = 0
        self._crc = 0
        self._add: Callable[[Any], None] = self._compare

    def __call__(self, piece: Any) -> None:
        self._length += len(piece)
        self._add(piece)

    def _compare(self, piece: Any) -> None:
        self._crc = zlib.crc32(piece, self._crc)

    def finish(self, status: int) -> None:
        """Raises unless what was taken since the last call is the file."""
        if (status, self._length, self._crc) != (200, len(DOWNLOAD), DOWNLOAD_CRC):
            raise WrongAnswer(f"status {status}, {self._length} bytes")
        self._length = 0
        self._add = len  # type: ignore[assignment]
