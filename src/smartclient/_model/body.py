"""Bodies: what a request sends (`RequestBody`) and how a response's content is pulled (`BodyReader`)."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from .errors import IncompleteBody
from .headers import NO_FIELDS, Fields


class BodyReader(Protocol):
    """A response's content, pulled piece by piece: wire -> tee -> decoder."""

    @property
    def trailers(self) -> Fields:
        """The fields after the content, there once its end was read."""
        ...

    async def read(self) -> bytes:
        """The next piece, never empty; b"" is the clean end, and stays so. A broken body raises one of our errors."""
        ...

    async def discard(self) -> None:
        """Lets go of a body that nobody will read: reads on, undecoded, where that saves the connection."""
        ...

    def abort(self) -> None:
        """Gives the body up, at any moment, from any state, in plain sync code; nothing happens after the end."""
        ...


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


class RequestBody:
    """The content of a request.

    Attributes:
        content: bytes, or an iterable of bytes pieces.
        length: bytes in all, None when unknown (sent chunked).
        replayable: whether `pieces()` can be read again from the start.
    """

    __slots__ = ("content", "length", "replayable")

    def __init__(self, content: bytes | Iterable[bytes], length: int | None = None, replayable: bool = False) -> None:
        self.content = content
        self.length = len(content) if isinstance(content, bytes) else length
        self.replayable = replayable or isinstance(content, bytes)

    def pieces(self) -> Iterator[bytes]:
        if isinstance(self.content, bytes):
            return iter((self.content,))
        return iter(self.content)

    def __reduce__(self) -> tuple[Any, ...]:
        """What cannot be read twice stays in its process."""
        return RequestBody, (self.content if isinstance(self.content, bytes) else b"",)


NO_BODY = RequestBody(b"")
