"""Bodies: what a request sends (`RequestBody`) and how a response's content is pulled (`BodyReader`)."""

from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from typing import Any

from .declared import Protocol
from .errors import IncompleteBody, RequestException
from .headers import NO_FIELDS, Fields


class BodyReader(Protocol):
    """A response's content, pulled piece by piece: wire -> tee -> decoder."""

    @property
    def trailers(self) -> Fields:
        """The fields after the content, there once its end was read."""

    async def read(self) -> bytes:
        """The next piece, never empty; b"" is the clean end, and stays so. A broken body raises one of our errors."""

    async def discard(self) -> None:
        """Lets go of a body that nobody will read: reads on, undecoded, where that saves the connection."""

    def abort(self) -> None:
        """Gives the body up, at any moment, from any state, in plain sync code; nothing happens after the end."""


class BytesReader:
    """A body that is in hand already, as one piece."""

    __slots__ = ("_content", "trailers")

    def __init__(self, content: bytes, trailers: Fields = NO_FIELDS) -> None:
        self._content: bytes | None = content  # None: given up before it was read
        self.trailers = trailers

    def take(self) -> bytes:
        """All of it at once; afterwards the end is reached."""
        content = self._content
        if content is None:
            raise IncompleteBody("the body was given up before its end", sent="wholly")
        self._content = b""
        return content

    async def read(self) -> bytes:
        return self.take()

    async def discard(self) -> None:
        self.abort()

    def abort(self) -> None:
        if self._content:
            self._content = None


ProgressCall = Callable[[int, int | None], Any]
Content = bytes | Iterable[bytes] | AsyncIterable[bytes]


def called(function: Callable[..., Any], *args: Any) -> Any:
    """What a function of the caller's gives. An error of ours that it raises is not taken for one of this call."""
    try:
        return function(*args)
    except RequestException as error:
        error.elsewhere = True
        raise


class RequestBody:
    """The content of a request.

    Attributes:
        content: bytes, or an iterable of bytes pieces; only sessions on an event loop have asynchronous ones.
        length: bytes in all, None when unknown (sent chunked).
        replayable: whether it can be read again from the start.
        progress: called with (bytes sent, length) while it is sent, or None.
        source: what the caller gave for it, to be shown as the body of the request; None where that is `content`.
        plain: the same without the content coding that was put on it, or None.
    """

    __slots__ = ("content", "length", "plain", "progress", "replayable", "source")

    def __init__(
        self,
        content: Content,
        length: int | None = None,
        replayable: bool = False,
        progress: ProgressCall | None = None,
        source: Any = None,
        plain: "RequestBody | None" = None,
    ) -> None:
        self.content = content
        self.length = len(content) if isinstance(content, bytes) else length
        self.replayable = replayable or isinstance(content, bytes)
        self.progress = progress
        self.source = source
        self.plain = plain

    def pieces(self) -> Iterator[bytes]:
        """The pieces of a body that is not asynchronous."""
        content = self.content
        if isinstance(content, bytes):
            return iter((content,))
        assert not isinstance(content, AsyncIterable)
        return iter(content)

    def pulled(self) -> "PulledBody":
        """The pieces of any body, from its start, to be awaited one by one."""
        if isinstance(self.content, AsyncIterable):
            return AwaitedPieces(self.content)
        return PlainPieces(self.pieces())

    def with_progress(self, progress: ProgressCall) -> "RequestBody":
        """The same body, which tells how far it is."""
        plain = None if self.plain is None else self.plain.with_progress(progress)
        return RequestBody(self.content, self.length, self.replayable, progress, self.source, plain)

    def __reduce__(self) -> tuple[Any, ...]:
        """What cannot be read twice stays in its process."""
        if not isinstance(self.content, bytes):
            return RequestBody, (b"",)
        return RequestBody, (self.content, None, False, None, self.source)


class PulledBody(Protocol):
    """A request's content on its way to the wire."""

    async def next_piece(self) -> bytes:
        """The next piece; b"" is the end. What the caller's own code raises passes through."""


class PlainPieces:
    """Pieces that are there for the asking."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    async def next_piece(self) -> bytes:
        piece: bytes = called(next, filter(None, self._pieces), b"")
        return piece


class AwaitedPieces:
    """Pieces that an event loop waits for."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        self._pieces = aiter(pieces)

    async def next_piece(self) -> bytes:
        while True:
            try:
                piece = await anext(self._pieces)
            except StopAsyncIteration:
                return b""
            except RequestException as error:
                error.elsewhere = True
                raise
            if piece:
                return piece


NO_BODY = RequestBody(b"")
