"""The body of a response as a file, and a file as the body of a response."""

import io
from collections.abc import Iterator
from typing import Any

from .._model.body import BodyReader
from .._model.headers import NO_FIELDS, Headers
from .._model.message import Reply
from .._runtime.base import run_blocking

_PIECE = 2**16
_VERSIONS = {"HTTP/1.0": 10, "HTTP/1.1": 11, "HTTP/2": 20}


class RawBody(io.IOBase):
    """What `response.raw` is: a file to read from, with the names that users of urllib3 know.

    Attributes:
        decode_content: whether `read` and `stream` undo content codings when they are not told.
        status, reason, headers: of the response.
        version: 10, 11 or 20, for HTTP/1.0, 1.1 and 2.
        chunked: whether the length is not told beforehand, but by chunks.
        auto_close: whether the file is closed once its end was read, as urllib3's are; wrappers of `io` want False.
    """

    auto_close = True

    def __init__(self, reply: Reply) -> None:
        self.decode_content = False
        self.status = reply.head.status
        self.reason = reply.head.reason
        self.version = _VERSIONS.get(reply.head.version, 11)
        self.headers = Headers(reply.head.fields)
        self.chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        self._reply = reply
        self._rest = b""
        self._position = 0
        self._ended = False
        self._given_up = False
        self._whole: bytes | None = None

    @property
    def _original_response(self) -> "_Original":
        """Where jars of `http.cookiejar` are pointed to by requests."""
        return _Original(self.headers)

    def _body(self, decode_content: bool | None) -> BodyReader:
        decoded = self.decode_content if decode_content is None else decode_content
        return self._reply.body if decoded else self._reply.raw

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, amt: int | None = None, decode_content: bool | None = None, cache_content: bool = False) -> bytes:
        """At most `amt` bytes, fewer only at the end; None and negative numbers: all that is left.

        Raises:
            IncompleteBody, ContentDecodingError, Timeout: the body broke.
        """
        if self._given_up:
            return b""
        body = self._body(decode_content)
        pieces, size = [self._rest], len(self._rest)
        while amt is None or amt < 0 or size < amt:
            piece = run_blocking(body.read())
            if not piece:
                self._ended = True
                break
            pieces.append(piece)
            size += len(piece)
        content = b"".join(pieces)
        end = size if amt is None or amt < 0 else amt
        self._rest = content[end:]
        self._position += min(end, size)
        return content[:end]

    def read1(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
        """At most `amt` bytes, as soon as there are any; None and negative numbers: what there is."""
        if not (self._rest or self._given_up):
            self._rest = run_blocking(self._body(decode_content).read())
            self._ended = not self._rest
        end = len(self._rest) if amt is None or amt < 0 else amt
        content, self._rest = self._rest[:end], self._rest[end:]
        self._position += len(content)
        return content

    def readinto(self, buffer: Any) -> int:
        """Fills `buffer`; how many bytes that were."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def stream(self, amt: int | None = _PIECE, decode_content: bool | None = None) -> Iterator[bytes]:
        """Pieces of `amt` bytes until the end; of a chunked body what there is, at most so many."""
        take = self.read1 if self.chunked else self.read
        while piece := take(amt or _PIECE, decode_content):
            yield piece

    def __iter__(self) -> Iterator[bytes]:
        """The lines."""
        while line := self.readline():
            yield line

    def tell(self) -> int:
        """How many bytes were read."""
        return self._position

    @property
    def data(self) -> bytes:
        """All that was not read before."""
        if self._whole is None:
            self._whole = self.read()
        return self._whole

    @property
    def length_remaining(self) -> int | None:
        """How many bytes are still to come, undecoded; None where nobody knows."""
        length = self.headers.get("content-length", "")
        return int(length) - self._position if length.isascii() and length.isdigit() and not self.chunked else None

    def read_chunked(self, amt: int | None = None, decode_content: bool | None = None) -> Iterator[bytes]:
        """As `stream`."""
        return self.stream(amt, decode_content)

    def drain_conn(self) -> None:
        """Reads to the end, so that the connection can serve again."""
        while self.read(_PIECE, decode_content=False):
            pass

    def geturl(self) -> str:
        """The target that was asked for, without its origin."""
        return self._reply.request.url.target

    url = _request_url = property(geturl)  # requests-cache looks for that

    def info(self) -> Headers:
        """`headers`."""
        return self.headers

    def getheaders(self) -> Headers:
        """`headers`."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> Any:
        """The value of a field, else `default`."""
        return self.headers.get(name, default)

    def isclosed(self) -> bool:
        """`closed`."""
        return self.closed

    @property
    def closed(self) -> bool:
        """Whether nothing is to be read any more: it was closed, or read to the end with `auto_close`."""
        return self._given_up or (self._ended and self.auto_close and not self._rest)

    def close(self) -> None:
        """Gives up what was not read; the connection is closed unless the body had ended."""
        if not self._given_up:
            self._given_up, self._rest = True, b""
            self._reply.body.abort()
        super().close()

    def release_conn(self) -> None:
        """Nothing: the connection goes back by itself, at the end of the body."""

    def __del__(self) -> None:
        """Nothing either: who drops a file goes on reading the response by other means."""


class _Original:
    """A response of `http.client`, as far as jars look at one."""

    def __init__(self, headers: Headers) -> None:
        self.msg = _Message(headers)


class _Message:
    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    def get_all(self, name: str, default: Any = None) -> Any:
        """The values of all lines called `name`."""
        return self._headers.getlist(name) or default


class FileReader:
    """A file that somebody made the `raw` of a response, as its body."""

    __slots__ = ("_file", "_pieces", "trailers")

    def __init__(self, file: Any, *, decoded: bool) -> None:
        """`decoded` has files that know of codings, as those of urllib3, undo them."""
        self._file = file
        self._pieces = _pieces_of(file, decoded)
        self.trailers = NO_FIELDS

    async def read(self) -> bytes:
        from .answers import our_error

        try:
            return next(self._pieces, b"")
        except Exception as error:
            ours = our_error(error)
            if ours is None:
                raise
            raise ours from error

    async def discard(self) -> None:
        self.abort()

    def abort(self) -> None:
        if callable(getattr(self._file, "close", None)):
            self._file.close()
        if callable(getattr(self._file, "release_conn", None)):
            self._file.release_conn()


def _pieces_of(file: Any, decoded: bool) -> Iterator[bytes]:
    if file is None:
        return
    if callable(getattr(file, "stream", None)):
        yield from filter(None, file.stream(_PIECE, decode_content=decoded))
        return
    while piece := file.read(_PIECE):
        yield piece
