"""A body in the portions that users ask for: pieces of at most n bytes, or lines. Written once for both facades."""

from codecs import getincrementaldecoder
from collections import deque
from collections.abc import AsyncIterator, Generator
from typing import Any, Generic, Protocol, TypeVar

from .._codec.lines import LineSplitter
from .._model.body import BodyReader
from .._model.errors import RequestException
from .._model.message import Reply
from .._runtime.base import run_blocking
from .request import tell_about

T = TypeVar("T", covariant=True)


class Portions(Protocol[T]):
    """What can be asked for the next portion until it says None."""

    async def next(self) -> T | None: ...

    def abort(self) -> None: ...


class Remains:
    """What is left of a body that somebody has begun to read: bytes that came with others, and whether it ended."""

    __slots__ = ("over", "piece")

    def __init__(self) -> None:
        self.piece = memoryview(b"")
        self.over = False


class Pieces:
    """Bytes as they arrive, at most `size` at a time; None takes each piece as it comes."""

    __slots__ = ("_body", "_exact", "_failure", "_remains", "_reply", "_size")

    def __init__(
        self, body: BodyReader, size: int | None, reply: Reply, remains: Remains | None = None, *, exact: bool = False
    ) -> None:
        """`body` is a reader of `reply`, or stands for one.

        It goes on where `remains` says. `exact` waits until `size` bytes are there, but for the last piece.
        """
        self._body = body
        self._reply = reply
        self._size = size
        self._remains = Remains() if remains is None else remains
        self._exact = exact and size is not None
        self._failure: RequestException | None = None

    async def next(self) -> bytes | None:
        remains, size = self._remains, self._size
        if not remains.piece:
            if self._failure is not None:
                raise self._failure
            piece = await self._read()
            if size is None or not piece or len(piece) == size or (len(piece) < size and not self._exact):
                return piece or None
            remains.piece = memoryview(piece)
        if size is not None and self._exact and len(remains.piece) < size:
            return await self._filled(size)
        portion = bytes(remains.piece[:size])
        remains.piece = remains.piece[len(portion) :]
        return portion

    async def _read(self) -> bytes:
        try:
            piece = await self._body.read()
        except RequestException as error:
            self._remains.over = True
            tell_about(error, self._reply)
            raise
        self._remains.over = not piece
        return piece

    async def _filled(self, missing: int) -> bytes:
        remains, parts = self._remains, []
        while missing:
            if not remains.piece:
                try:
                    remains.piece = memoryview(await self._read())
                except RequestException as error:  # what came before it is not lost
                    self._failure = error
                    break
                if not remains.piece:
                    break
            part = remains.piece[:missing]
            remains.piece = remains.piece[len(part) :]
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def abort(self) -> None:
        self._body.abort()


class Lines:
    """Lines without their ends."""

    __slots__ = ("_lines", "_pieces", "_splitter")

    def __init__(self, pieces: Pieces, splitter: LineSplitter) -> None:
        self._pieces = pieces
        self._splitter = splitter
        self._lines: deque[bytes] = deque()

    async def next(self) -> bytes | None:
        while not self._lines:
            piece = await self._pieces.next()
            if piece is None:
                return next(iter(self._splitter.finish()), None)
            self._lines.extend(self._splitter.feed(piece))
        return self._lines.popleft()

    def abort(self) -> None:
        self._pieces.abort()


class Text:
    """Portions decoded from one encoding; characters split over portions are kept whole. Errors are replaced."""

    __slots__ = ("_decoder", "_encoding", "_ended", "_portions")

    def __init__(self, portions: Portions[bytes], encoding: str) -> None:
        self._portions = portions
        self._encoding = encoding
        self._decoder = getincrementaldecoder(encoding)("replace")
        self._ended = False

    async def next(self) -> str | None:
        while not self._ended:
            portion = await self._portions.next()
            self._ended = portion is None
            text = self._decode(portion or b"")
            if text or (portion == b"" and not self._ended):
                return text
        return None

    def _decode(self, portion: bytes) -> str:
        try:
            return self._decoder.decode(portion, self._ended)
        except UnicodeError:  # there are two that "replace" does not cover
            data = self._decoder.getstate()[0] + portion
            if self._encoding in ("utf-16", "utf-32"):  # without a mark, which a whole body may lack too
                self._decoder = getincrementaldecoder(f"{self._encoding}-le")("replace")
                return self._decoder.decode(data, self._ended)
            self._decoder.reset()  # a broken escape sequence of ISO 2022
            return data.decode(self._encoding, "replace")

    def abort(self) -> None:
        self._portions.abort()


class Values:
    """The JSON values of lines, each in a tuple of its own, since None is a value too."""

    __slots__ = ("_formats", "_lines")

    def __init__(self, lines: Portions[bytes], formats: Any) -> None:
        self._lines = lines
        self._formats = formats

    async def next(self) -> tuple[Any] | None:
        from .formats import json_value

        while (line := await self._lines.next()) is not None:
            if line.strip():
                return (json_value(line, self._formats, {}),)
        return None

    def abort(self) -> None:
        self._lines.abort()


def each(portions: Portions[T]) -> Generator[T, None, None]:
    """Blocking iteration. A body that breaks raises; leaving early leaves the body to be closed by its response."""
    while (portion := run_blocking(portions.next())) is not None:
        yield portion


class EachAsync(Generic[T]):
    """Async iteration, as a plain object: an async generator would need a loop to be closed."""

    __slots__ = ("_portions",)

    def __init__(self, portions: Portions[T]) -> None:
        self._portions = portions

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        portion = await self._portions.next()
        if portion is None:
            raise StopAsyncIteration
        return portion


class EachValue:
    """Async iteration over `Values`."""

    __slots__ = ("_values",)

    def __init__(self, values: Values) -> None:
        self._values = values

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        value = await self._values.next()
        if value is None:
            raise StopAsyncIteration
        return value[0]
