"""Bodies in files: written under a temporary name, renamed when whole, checked while read; never which row has one.

A body has one CRC-32 for each `CHUNK` bytes, so that a range can be checked without the rest, and no damaged chunk is
ever given out. Large bodies get theirs when they are stored already: to compute them takes as long as to write, and
would hold up the reader. Until then their length alone is checked.
"""

import os
import sys
from binascii import crc32
from collections.abc import Callable

from .._model.declared import NamedTuple
from .._model.errors import IncompleteBody
from .._model.headers import NO_FIELDS, Fields
from .._runtime.base import Runtime, in_thread, new_lock

CHUNK = 2**18
_LOOP_PIECE = 4 * CHUNK  # read at once in a thread, since to go there costs an event loop 90 us
_MAX_TRUSTED = 4096
_READING = os.O_RDONLY | getattr(os, "O_BINARY", 0)


class BodyFile(NamedTuple):
    """A body in a file: its name, its bytes, and the CRC-32 of each chunk as 4 bytes in the machine's order, or b""."""

    name: str
    length: int
    checksums: bytes

    def is_sane(self) -> bool:
        """Whether it can be ours: a name without dots and slashes, a checksum for each chunk."""
        name, length, checksums = self
        return name.isalnum() and (not checksums or len(checksums) == 4 * -(-length // CHUNK))


def _numbers(checksums: bytes) -> memoryview:
    return memoryview(checksums).cast("I")


def _octets(checksum: int) -> bytes:
    return checksum.to_bytes(4, sys.byteorder)


class BodyFolder:
    """A folder of body files, two levels deep, and the temporary ones beside them."""

    def __init__(self, path: str, durable: bool) -> None:
        self._path = path
        self._durable = durable
        # Time of change of the files that were read whole or written here: what has not changed since is not checked
        # again, since that would take three times as long as reading it.
        self._trusted: dict[str, int] = {}

    def prepare(self) -> None:
        for path in (self._path, os.path.join(self._path, "tmp")):
            os.makedirs(path, mode=0o700, exist_ok=True)

    def temporary(self, name: str) -> str:
        return os.path.join(self._path, "tmp", name)

    def place(self, name: str) -> str:
        return f"{self._path}{os.sep}{name[:2]}{os.sep}{name}"

    def remove(self, name: str) -> bool:
        """Removes the file of a body, finished or not; whether it is gone."""
        if not name.isalnum():
            return True  # no file of ours was ever named so
        self._trusted.pop(name, None)
        gone = True
        for path in (self.temporary(name), self.place(name)):
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass
            except OSError:  # open in another process, where the system minds that
                gone = False
        return gone

    def finish(self, name: str, fd: int) -> None:
        """Gives the file its lasting name and closes it."""
        try:
            if self._durable:
                os.fsync(fd)
            place = self.place(name)
            try:
                os.rename(self.temporary(name), place)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
                os.rename(self.temporary(name), place)
            if self._durable:
                self._sync_folder(os.path.dirname(place))
            self._trust(name, os.fstat(fd).st_mtime_ns)
        finally:
            os.close(fd)

    def _sync_folder(self, path: str) -> None:
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _trust(self, name: str, changed: int) -> None:
        if len(self._trusted) >= _MAX_TRUSTED:
            self._trusted.clear()
        self._trusted[name] = changed

    def read(self, body: BodyFile) -> bytes | None:
        """A body of at most one chunk; None if its file is gone or damaged."""
        opened = self._opened(body)
        if opened is None:
            return None
        fd, changed, trusted = opened
        try:
            data = os.read(fd, body.length)
        finally:
            os.close(fd)
        if len(data) != body.length:
            return None
        if not trusted:
            if _numbers(body.checksums)[0] != crc32(data):
                return None
            self._trust(body.name, changed)
        return data

    def _opened(self, body: BodyFile) -> tuple[int, int, bool] | None:
        """Descriptor, time of change, and whether that is known; None if it is gone or has another length."""
        if not body.is_sane():
            return None
        try:
            fd = os.open(self.place(body.name), _READING)
        except FileNotFoundError:
            return None
        status = os.fstat(fd)
        if status.st_size != body.length:
            os.close(fd)
            return None
        changed = status.st_mtime_ns
        return fd, changed, not body.checksums or self._trusted.get(body.name) == changed

    def checksums(self, body: BodyFile) -> bytes | None:
        """Those of a body, read from its file; None if it is gone."""
        opened = self._opened(body)
        if opened is None:
            return None
        try:
            return b"".join([_octets(crc32(data)) for data in iter(lambda: os.read(opened[0], CHUNK), b"")])
        finally:
            os.close(opened[0])

    def open(self, body: BodyFile, span: tuple[int, int], damaged: Callable[[], object]) -> "OpenBody | None":
        """The bytes of `span`; None if the file is gone or has another length. `damaged` is called when that shows."""
        opened = self._opened(body)
        if opened is None:
            return None
        fd, changed, trusted = opened
        whole = span == (0, body.length)

        def read_whole() -> None:
            if whole:
                self._trust(body.name, changed)

        return OpenBody(fd, body, span, trusted, read_whole, damaged)


class OpenBody:
    """A body file that is open: nothing takes it away any more."""

    def __init__(
        self,
        fd: int,
        body: BodyFile,
        span: tuple[int, int],
        trusted: bool,
        read_whole: Callable[[], object],
        damaged: Callable[[], object],
    ) -> None:
        self._fd = fd
        self._checksums = _numbers(body.checksums)
        self._at, self._end = span
        self._length = body.length
        self._trusted = trusted
        self._read_whole = read_whole
        self._damaged = damaged
        self._lock = new_lock()
        self._reading = False
        self._closed = False

    def next_piece(self, size: int) -> bytes:
        """At most `size` bytes, a multiple of `CHUNK`; b"" at the end, when the file is closed.

        Raises:
            IncompleteBody: the file does not hold what was written to it.
        """
        with self._lock:
            if self._at >= self._end or self._closed:
                at_end = self._at >= self._end
            else:
                at_end, self._reading = None, True
        if at_end is not None:
            return self._after(at_end)
        try:
            piece = self._piece(size)
        except BaseException:
            self.close()
            raise
        finally:
            if self._finish_reading():
                os.close(self._fd)
        if self._at >= self._end:
            self._read_whole()
            self.close()
        return piece

    def _after(self, at_end: bool) -> bytes:
        if not at_end:
            raise IncompleteBody("the stored body was given up before its end", sent="wholly")
        self.close()
        return b""

    def _finish_reading(self) -> bool:
        """Whether the file was closed meanwhile, and is left to us."""
        with self._lock:
            self._reading = False
            return self._closed

    def _piece(self, size: int) -> bytes:
        start = self._at
        first = start // CHUNK * CHUNK  # checksums are of whole chunks
        stop = min(first + size, self._end)
        last = stop if self._trusted else min(-(-stop // CHUNK) * CHUNK, self._length)
        first = start if self._trusted else first
        try:
            os.lseek(self._fd, first, os.SEEK_SET)
            data = os.read(self._fd, last - first)
        except OSError as error:
            raise IncompleteBody("the stored body could not be read", sent="wholly") from error
        if len(data) != last - first or not (self._trusted or self._is_sound(data, first // CHUNK)):
            self._damaged()
            raise IncompleteBody("the stored body is damaged", sent="wholly")
        self._at = stop
        return data if (first, last) == (start, stop) else data[start - first : stop - first]

    def _is_sound(self, data: bytes, chunk: int) -> bool:
        if len(data) <= CHUNK:
            return crc32(data) == self._checksums[chunk]
        view = memoryview(data)
        return all(
            crc32(view[at : at + CHUNK]) == self._checksums[chunk + at // CHUNK] for at in range(0, len(data), CHUNK)
        )

    def close(self) -> None:
        """Closes the file; while a thread reads from it, that thread will."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._reading:
                return
        os.close(self._fd)

    def __del__(self) -> None:
        if not self._closed:
            os.close(self._fd)


class FileReader:
    """A body reader over an open file; on an event loop it reads in a thread."""

    __slots__ = ("_body", "_runtime", "trailers")

    def __init__(self, runtime: Runtime, body: OpenBody) -> None:
        self._runtime = runtime
        self._body = body
        self.trailers: Fields = NO_FIELDS

    async def read(self) -> bytes:
        if self._runtime.name == "blocking":
            return self._body.next_piece(CHUNK)
        return await in_thread(self._runtime, self._runtime.run_in_thread, self._body.next_piece, _LOOP_PIECE)

    async def discard(self) -> None:
        self._body.close()

    def abort(self) -> None:
        self._body.close()


class FileSink:
    """A body file while it is written."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        self.length = 0
        self._checksum = 0

    def write(self, pieces: list[bytes]) -> None:
        """Raises OSError, as on a full disk."""
        for piece in pieces:
            _write_all(self._fd, memoryview(piece))
            if self.length < CHUNK:
                self._checksum = crc32(piece, self._checksum)
            self.length += len(piece)

    def take(self) -> int:
        """The descriptor, which the caller closes."""
        fd, self._fd = self._fd, -1
        return fd

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self.take())

    def checksums(self) -> bytes:
        """Those of a body of one chunk; b"" for larger ones, whose checksums are for later."""
        return _octets(self._checksum) if self.length <= CHUNK else b""


def _write_all(fd: int, data: memoryview) -> None:
    while data:
        data = data[os.write(fd, data) :]
