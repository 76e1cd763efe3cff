"""Where the bytes of a body come from: callers' iterables and files, checked piece by piece; never what frames them."""

import io
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any

from .._model.body import RequestBody
from .._model.errors import InvalidOption, UnrewindableBodyError

_PIECE = 2**16
_TEXT_AT_ONCE = 2**20  # of open files: many servers take no body whose length they are not told


def as_bytes(piece: Any, what: str) -> bytes:
    """Bytes as they are, str in UTF-8.

    Raises:
        InvalidOption: anything else; `what` names it.
    """
    if isinstance(piece, str):
        try:
            return piece.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidOption(f"{what}: the text has surrogates, which UTF-8 cannot carry") from None
    if not isinstance(piece, bytes | bytearray | memoryview):
        raise InvalidOption(f"{what} gave {type(piece).__name__}, not bytes")
    return bytes(piece)


class Checked:
    """An iterable of bytes that can be read once; str pieces become UTF-8."""

    def __init__(self, source: Iterable[Any]) -> None:
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._source:
            content = as_bytes(piece, "data: the iterable")
            if content:
                yield content


class Awaited:
    """The same of an asynchronous iterable."""

    def __init__(self, source: AsyncIterable[Any]) -> None:
        self._source = source

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _AwaitedPieces(aiter(self._source))


class _AwaitedPieces:
    def __init__(self, pieces: AsyncIterator[Any]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> "_AwaitedPieces":
        return self

    async def __anext__(self) -> bytes:
        return as_bytes(await anext(self._pieces), "data: the iterable")


class FilePieces:
    """A file from the position it had, each time it is iterated.

    Attributes:
        may_block: its bytes are not in memory.
    """

    def __init__(self, file: Any, start: int | None, what: str) -> None:
        self._file = file
        self._start = start
        self._what = what
        self._begun = False
        self.may_block = not isinstance(file, io.BytesIO | io.StringIO)

    def __iter__(self) -> Iterator[bytes]:
        if self._start is not None:
            try:
                self._file.seek(self._start)
            except ValueError as error:
                raise UnrewindableBodyError("Unable to rewind request body: the file is closed") from error
        elif self._begun:
            raise UnrewindableBodyError("Unable to rewind request body for redirect.")
        self._begun = True
        while piece := self._file.read(_PIECE):
            yield as_bytes(piece, f"{self._what}: the file")


class PathPieces:
    """A file on disk, opened each time it is iterated, and closed at the end."""

    may_block = True

    def __init__(self, path: "os.PathLike[Any]") -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        with open(self._path, "rb") as file:
            while piece := file.read(_PIECE):
                yield piece


def file_body(file: Any, what: str) -> RequestBody:
    """The content of an open file from its position on; without length where it cannot be known, as of text.

    Raises:
        InvalidOption: it is closed, or not open for reading.
    """
    if getattr(file, "closed", False) or not getattr(file, "readable", lambda: True)():
        raise InvalidOption(f"{what}: the file is closed, or not open for reading")
    try:
        start = file.tell()
        file.seek(0, os.SEEK_END)
        length = max(0, file.tell() - start)
        file.seek(start)
        text = isinstance(file.read(0), str)
    except (AttributeError, OSError, TypeError, ValueError):
        return RequestBody(FilePieces(file, None, what), _told_length(file), source=file)
    if text and length <= _TEXT_AT_ONCE:
        return RequestBody(as_bytes(file.read(), what), source=file)
    # Longer text has no length in bytes until it is encoded.
    return RequestBody(FilePieces(file, start, what), None if text else length, replayable=True, source=file)


def _told_length(file: Any) -> int | None:
    """What an object with `read` says of its length, as encoders of requests' world do."""
    length = getattr(file, "len", None)
    if isinstance(length, int) and length >= 0:
        return length
    try:
        return len(file)
    except (TypeError, ValueError):
        return None


def path_body(path: "os.PathLike[Any]", what: str) -> RequestBody:
    """The content of a file on disk.

    Raises:
        InvalidOption: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return RequestBody(PathPieces(path), file.seek(0, os.SEEK_END), replayable=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidOption(f"{what}: {os.fspath(path)!a} cannot be read: {reason}") from error


def off_the_loop(body: RequestBody) -> RequestBody:
    """The same body; what may block while it is read, is read in a thread, so that an event loop goes on meanwhile."""
    content: Any = body.content
    if not getattr(content, "may_block", False):
        return body
    source = content if body.source is None else body.source
    return RequestBody(InThread(content), body.length, body.replayable, source=source)


class InThread:
    """Pieces that are read by anyio's threads."""

    def __init__(self, content: Iterable[bytes]) -> None:
        self.content = content

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _PiecesInThread(iter(self.content))


class _PiecesInThread:
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> "_PiecesInThread":
        return self

    def _next_pieces(self) -> bytes:
        """Several pieces at once: going to a thread and back costs more than reading one."""
        batch: list[bytes] = []
        size = 0
        while size < 4 * _PIECE and (piece := next(self._pieces, b"")):
            batch.append(piece)
            size += len(piece)
        return b"".join(batch)

    async def __anext__(self) -> bytes:
        from anyio.to_thread import run_sync

        if content := await run_sync(self._next_pieces):
            return content
        raise StopAsyncIteration
