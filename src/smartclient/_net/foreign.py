"""Exchanges by others: what a transport of the caller's own, or a mock, is given, and its answer as a Reply.

The shapes are httpcore's, by duck typing: nothing is imported, nothing is inherited. Its errors become ours here.
"""

import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

from .._model import errors
from .._model.body import PlainPieces, PulledBody, RequestBody
from .._model.declared import NamedTuple
from .._model.errors import (
    BodyReadTimeout,
    IncompleteBody,
    InvalidHeader,
    InvalidOption,
    RemoteProtocolError,
    RequestException,
    Sent,
    Timeout,
)
from .._model.headers import NO_FIELDS, fields_from
from .._model.message import Head, Reply
from .._model.request import Request
from .._model.url import URL
from .http1_head import shown
from .http1_request import framing_for

Spawn = Callable[[Coroutine[Any, Any, Any]], None]

_PACKAGES = ("httpcore", "httpx")
# In this order, for some are kinds of others: what they call it, what it is here, how much had left.
_ERRORS: tuple[tuple[str, type[RequestException], Sent], ...] = (
    ("ConnectTimeout", errors.ConnectTimeout, "nothing"),
    ("PoolTimeout", errors.PoolTimeout, "nothing"),
    ("ReadTimeout", errors.ReadTimeout, "wholly"),
    ("WriteTimeout", errors.WriteTimeout, "wholly"),
    ("TimeoutException", errors.ReadTimeout, "wholly"),
    ("ConnectError", errors.ConnectionError, "nothing"),
    ("ConnectionNotAvailable", errors.ConnectionError, "nothing"),
    ("ProxyError", errors.ProxyError, "nothing"),
    ("UnsupportedProtocol", errors.InvalidSchema, "nothing"),
    ("ReadError", errors.ReadError, "wholly"),
    ("WriteError", errors.WriteError, "wholly"),
    ("NetworkError", errors.ConnectionError, "wholly"),
    ("ProtocolError", errors.RemoteProtocolError, "wholly"),
    ("TransportError", errors.ConnectionError, "wholly"),
)
_BODILESS = frozenset((204, 304))


class ForeignOrigin(NamedTuple):
    """Scheme, host and port as httpcore has them."""

    scheme: bytes
    host: bytes
    port: int


class ForeignURL:
    """A URL in bytes. `port` is None where the scheme implies it."""

    __slots__ = ("_url",)

    def __init__(self, url: URL) -> None:
        self._url = url

    @property
    def scheme(self) -> bytes:
        """ "http" or "https"."""
        return self._url.scheme.encode("ascii")

    @property
    def host(self) -> bytes:
        """Without brackets."""
        return self._url.connect_host.encode("ascii")

    @property
    def port(self) -> int | None:
        """As above."""
        return self._url.port if self._url.host_field.endswith(f":{self._url.port}") else None

    @property
    def target(self) -> bytes:
        """Path and query."""
        return self._url.target.encode("ascii")

    @property
    def origin(self) -> ForeignOrigin:
        """With the effective port."""
        return ForeignOrigin(self.scheme, self.host, self._url.port)

    def __bytes__(self) -> bytes:
        return self._url.absolute.target.encode("ascii")


class ForeignBody:
    """A request's body, for whoever iterates, with or without `async`."""

    __slots__ = ("_body",)

    def __init__(self, body: RequestBody) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body.pieces())

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Pieces(self._body.pulled())


class _Pieces:
    """The pieces of a body, to be awaited."""

    __slots__ = ("_body",)

    def __init__(self, body: PulledBody) -> None:
        self._body = body

    def __aiter__(self) -> "_Pieces":
        return self

    async def __anext__(self) -> bytes:
        piece = await self._body.next_piece()
        if not piece:
            raise StopAsyncIteration
        return piece


class ForeignRequest:
    """A request in the shape of httpcore's, each part made when it is looked at.

    Attributes:
        stream: the body; may be set to another iterable of bytes.
    """

    __slots__ = ("_now", "_request", "_stream")

    def __init__(self, request: Request, now: Callable[[], float]) -> None:
        self._request = request
        self._now = now
        self._stream: Any = None

    @property
    def method(self) -> bytes:
        """As it goes over the wire."""
        return self._request.method.encode("ascii")

    @property
    def url(self) -> ForeignURL:
        """In bytes."""
        return ForeignURL(self._request.url)

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Every field line that would go over the wire, Host first."""
        request = self._request
        framing = framing_for(request.method, request.body)
        host = request.fields.get("host", request.url.host_field)
        lines = [("Host", host), *request.fields.without(("host",))]
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines]
        if framing:
            name, _, value = framing.rstrip().partition(b": ")
            pairs.append((name, value))
        return pairs

    @property
    def extensions(self) -> dict[str, Any]:
        """The limits of each wait, in seconds, cut by what is left of the whole call."""
        timeout = self._request.options.timeout
        left: float | None = max(0.0, self._request.deadline - self._now())
        if left == float("inf"):
            left = None
        waits = {"connect": timeout.connect, "read": timeout.read, "write": timeout.write, "pool": timeout.pool}
        return {
            "timeout": {
                name: left if limit is None else limit if left is None else min(limit, left)
                for name, limit in waits.items()
            }
        }

    @property
    def stream(self) -> Any:
        """As above."""
        return ForeignBody(self._request.body) if self._stream is None else self._stream

    @stream.setter
    def stream(self, value: Any) -> None:
        self._stream = value

    async def own(self) -> Request:
        """The request as the pool takes it, with the body that was set."""
        stream = self._stream
        if stream is None:
            return self._request
        if hasattr(stream, "__iter__"):
            return self._request.replace(body=RequestBody(b"".join(stream)), fresh=self._request.fresh)
        pieces = [piece async for piece in stream]
        return self._request.replace(body=RequestBody(b"".join(pieces)), fresh=self._request.fresh)


def error_from(error: BaseException, request: Request) -> RequestException | None:
    """What an error of httpcore or httpx is here; None for any other, which passes as it is."""
    for package in _PACKAGES:
        module = sys.modules.get(package)
        for name, kind, sent in _ERRORS if module is not None else ():
            foreign = getattr(module, name, None)
            if isinstance(foreign, type) and isinstance(error, foreign):
                what = shown(str(error))[1:-1] or name
                return kind(f"{request.method} {request.url.origin} failed in the transport: {what}", sent=sent)
    return None


def reply_from(answer: Any, request: Request, spawn: Spawn | None) -> Reply:
    """A Reply as it is, or the response of httpcore's shape that `answer` is.

    `spawn` runs clean-up that has to be awaited; None where the transport blocks.

    Raises:
        InvalidOption: `answer` is neither.
        RemoteProtocolError: it has fields that are none.
    """
    if isinstance(answer, Reply):
        return answer
    status, stream = getattr(answer, "status", None), getattr(answer, "stream", None)
    iterable = hasattr(stream, "__iter__") or (spawn is not None and hasattr(stream, "__aiter__"))
    if not isinstance(status, int) or not 200 <= status <= 999 or not iterable:
        raise InvalidOption(f"transport: expected a response with status and stream, got a {type(answer).__name__}")
    extensions = getattr(answer, "extensions", None) or {}
    try:
        fields = fields_from(getattr(answer, "headers", None))
    except InvalidHeader as error:
        raise RemoteProtocolError(f"the transport's response: {error}", sent="wholly") from error
    head = Head(
        status, fields, _text(extensions.get("reason_phrase")), _text(extensions.get("http_version"), "HTTP/1.1")
    )
    return Reply(head, ForeignReader(stream, head, request, spawn), request)


def _text(value: Any, default: str = "") -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else default


class ForeignReader:
    """The content of a foreign response: pulled from its stream, which is closed at the end or when given up."""

    __slots__ = ("_closed", "_ended", "_head", "_pieces", "_request", "_spawn", "_stream", "trailers")

    def __init__(self, stream: Any, head: Head, request: Request, spawn: Spawn | None) -> None:
        """`stream` is iterated, by `async for` where it can be awaited and has that."""
        asynchronous = spawn is not None and hasattr(stream, "__aiter__")
        self._pieces: Any = aiter(stream) if asynchronous else _Pieces(PlainPieces(iter(stream)))
        self._stream = stream
        self._head = head
        self._request = request
        self._spawn = spawn
        self._closed = False
        self._ended = False
        self.trailers = NO_FIELDS

    async def read(self) -> bytes:
        if self._ended:
            return b""
        if self._closed:
            raise IncompleteBody("the body was given up before its end", sent="wholly")
        try:
            async for piece in self._pieces:
                if self._request.method == "HEAD" or self._head.status in _BODILESS:
                    break  # there is no content, whatever a mock says
                if piece:
                    return bytes(piece)
            await self._close()
        except Exception as error:
            await self._close_quietly()
            ours = error_from(error, self._request)
            if ours is None:
                raise
            kind = BodyReadTimeout if isinstance(ours, Timeout) else IncompleteBody
            raise kind(*ours.args, sent="wholly") from error
        except BaseException:
            self.abort()
            raise
        self._ended = True
        return b""

    async def _close(self) -> None:
        self._closed = True
        if self._spawn is None:
            self._close_blocking()
            return
        for each in (self._pieces, self._stream):  # an async generator is closed by nobody else
            if hasattr(each, "aclose"):
                await each.aclose()

    def _close_blocking(self) -> None:
        if hasattr(self._stream, "close"):
            self._stream.close()

    async def _close_quietly(self) -> None:
        with suppress(Exception):  # what fails here is no news to those who wanted the body
            await self._close()

    async def discard(self) -> None:
        """Reads on where nothing can be left to wait for, so that the transport may keep its connection."""
        if not self._closed and self._head.fields.get("content-length") == "0":
            with suppress(RequestException):
                await self.read()
        if not self._closed:
            await self._close_quietly()

    def abort(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._spawn is not None:
            self._spawn(self._close())
            return
        with suppress(Exception):
            self._close_blocking()
