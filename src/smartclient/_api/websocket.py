"""WebSockets as users hold them, and how a session opens one: a call of its own that is answered with 101."""

import os
from base64 import b64encode
from collections.abc import Coroutine, Iterable, Mapping
from importlib.util import find_spec
from typing import Any, Self, TypeVar

from .._model.errors import InvalidOption, RequestException, WebSocketError, shown
from .._model.frozen import replace
from .._model.request import Request
from .._net.http1 import Switched
from .._net.websocket import Conversation, is_peaceful
from .._pipeline.stage import Stage
from .._rules.websocket import Agreement, agreement, asking
from .._runtime.base import Runtime, run_blocking
from .call import perform
from .options import NOT_GIVEN, CommonOptions, unknown_keyword
from .request import tell_about
from .response import Response

T = TypeVar("T")
_SCHEMES = {"ws": "http", "wss": "https"}
_NOT_HERE = frozenset(("stream", "cache", "files", "progress", "allow_redirects"))
_OPTIONS = (CommonOptions.__optional_keys__ | {"params"}) - _NOT_HERE
# What a session makes its requests of, in its order.
_CALL: dict[str, Any] = {
    **dict.fromkeys(("params", "data", "headers", "cookies", "files", "auth")),
    "timeout": NOT_GIVEN,
    "allow_redirects": True,
    "stream": True,
    **dict.fromkeys(("verify", "cert", "json", "retries", "cache")),
}
PING_MAX = 125


class Wish:
    """What `websocket` was asked for, checked."""

    def __init__(self, url: Any, subprotocols: Any, compress: Any, max_message: Any, options: Any) -> None:
        if find_spec("wsproto") is None:
            raise InvalidOption("websocket: the package wsproto is not installed; the extra smartclient[ws] brings it")
        unknown = options.keys() - _OPTIONS
        if unknown:
            raise unknown_keyword("websocket", unknown, _OPTIONS)
        if isinstance(max_message, bool) or not isinstance(max_message, int) or max_message < 1:
            raise InvalidOption(f"max_message must be a number of bytes, not {shown(max_message)}")
        self.url = _over_http(url)
        several = isinstance(subprotocols, Iterable) and not isinstance(subprotocols, str | bytes)
        self.subprotocols: Any = tuple(subprotocols) if several else subprotocols
        self.compress = bool(compress)
        self.max_message = max_message
        self.key = b64encode(os.urandom(16)).decode("ascii")
        self.fields = asking(self.key, self.subprotocols, self.compress)
        self.options: Mapping[str, Any] = options


def request_for(session: Any, wish: Wish) -> Request:
    """The request that opens a WebSocket, with all that belongs to a call of `session`."""
    given = {**_CALL, **{name: value for name, value in wish.options.items() if name in _CALL}}
    rare = {name: value for name, value in wish.options.items() if name not in _CALL}
    request: Request = session._request("GET", wish.url, *given.values(), rare)
    fields = request.fields
    for name, value in wish.fields:
        fields = fields.replace(name, value)
    request.fields = fields
    request.options = replace(request.options, upgrade=True, http2=False)
    return request


async def opened(chain: Stage, runtime: Runtime, request: Request, wish: Wish) -> tuple[Conversation, Agreement, Any]:
    """The conversation, what was agreed on, and the response that opened it.

    Raises:
        WebSocketError: the server would not; `response` is its answer.
    """
    from .._net.websocket_wire import WebSocketWire

    response = await perform(chain, request, Response, whole=False)
    reply = response._reply
    try:
        agreed = agreement(reply.head, wish.key, wish.subprotocols, wish.compress)
        if not isinstance(reply.raw, Switched):
            raise WebSocketError("the transport cannot hand its connection over", sent="wholly")
    except WebSocketError as error:
        reply.body.abort()
        error.response = response
        error.request = response.request
        raise
    wire = WebSocketWire(agreed.deflate, wish.max_message)
    return Conversation(runtime, reply.raw, wire, request.options.timeout.write), agreed, response


def _over_http(url: Any) -> Any:
    """The URL of the opening request: ws and wss are http and https."""
    text = str(url)
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() in _SCHEMES:
        return f"{_SCHEMES[scheme.lower()]}:{rest}"
    return url


def _checked(data: Any) -> str | bytes:
    if isinstance(data, str):
        try:
            data.encode()
        except UnicodeEncodeError as error:
            raise InvalidOption("send: this text cannot be written in UTF-8") from error
        return data
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    raise InvalidOption(f"send: str or bytes, not {shown(data)}")


def _checked_ping(payload: Any) -> bytes:
    if not isinstance(payload, bytes) or len(payload) > PING_MAX:
        raise InvalidOption(f"ping: at most {PING_MAX} bytes, not {shown(payload)}")
    return payload


def _checked_close(code: Any, reason: Any) -> tuple[int, str]:
    known = isinstance(code, int) and (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999)
    if not known or not isinstance(reason, str) or len(reason.encode("utf-8", "replace")) > PING_MAX - 2:
        raise InvalidOption(f"close: a code of RFC 6455 section 7.4 and at most 123 bytes of reason, not {shown(code)}")
    return code, reason.encode("utf-8", "replace").decode()


class SocketFacts:
    """What both kinds of WebSocket tell of themselves.

    Attributes:
        response: the answer that opened it.
        subprotocol: the one that the server chose, or None.
        is_compressed: whether messages are compressed (permessage-deflate).
    """

    def __init__(self, conversation: Conversation, agreed: Agreement, response: Response) -> None:
        self._conversation = conversation
        self.response = response
        self.subprotocol = agreed.subprotocol
        self.is_compressed = agreed.deflate is not None

    @property
    def close_code(self) -> int | None:
        """Why it ended (RFC 6455 section 7.4.1); None while it is open."""
        closed = self._conversation.closed
        return None if closed is None else closed.code

    @property
    def close_reason(self) -> str:
        """The words that came with it."""
        closed = self._conversation.closed
        return "" if closed is None else closed.reason

    def abort(self) -> None:
        """Closes the connection without a word."""
        self._conversation.abort()

    async def _told(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, whose errors say which conversation they are about."""
        try:
            return await work
        except RequestException as error:
            tell_about(error, self.response._reply)
            raise

    def __repr__(self) -> str:
        state = "open" if self.close_code is None else f"closed {self.close_code}"
        return f"<{type(self).__name__} {state}>"


class WebSocket(SocketFacts):
    """A conversation in messages (RFC 6455). Threads may send at the same time; one receives.

    Iterating gives messages until the peer closes; `with` closes it at the block's end.
    """

    def send(self, data: str | bytes) -> None:
        """Sends one message: text in a str, else bytes.

        Raises:
            WebSocketError: the conversation has ended.
            WriteTimeout, WriteError: the peer takes nothing any more; so has it then.
        """
        run_blocking(self._told(self._conversation.send(_checked(data))))

    def receive(self, timeout: float | None = None) -> str | bytes:
        """The next message; waits for it at most `timeout` seconds.

        Raises:
            ReadTimeout: none came; nothing is lost.
            WebSocketError: the conversation has ended; `code` and `reason` say how.
        """
        return run_blocking(self._told(self._conversation.receive(timeout)))

    def ping(self, payload: bytes = b"") -> None:
        """Sends a ping; who receives sees nothing of the pong. Pings of the peer are answered while receiving."""
        run_blocking(self._told(self._conversation.ping(_checked_ping(payload))))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Says that this is the end, and waits at most 2 s for the peer to say so too."""
        run_blocking(self._conversation.close(*_checked_close(code, reason)))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str | bytes:
        try:
            return self.receive()
        except WebSocketError as error:
            if is_peaceful(error):
                raise StopIteration from None
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncWebSocket(SocketFacts):
    """The names of `WebSocket`, awaited; one task receives, any may send."""

    async def send(self, data: str | bytes) -> None:
        """As `WebSocket.send`."""
        await self._told(self._conversation.send(_checked(data)))

    async def receive(self, timeout: float | None = None) -> str | bytes:
        """As `WebSocket.receive`."""
        return await self._told(self._conversation.receive(timeout))

    async def ping(self, payload: bytes = b"") -> None:
        """As `WebSocket.ping`."""
        await self._told(self._conversation.ping(_checked_ping(payload)))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """As `WebSocket.close`."""
        await self._conversation.close(*_checked_close(code, reason))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            return await self.receive()
        except WebSocketError as error:
            if is_peaceful(error):
                raise StopAsyncIteration from None
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()


class Opening:
    """A WebSocket that is being opened: for `await`, or for `async with`."""

    __slots__ = ("_call", "_socket")

    def __init__(self, call: Any) -> None:
        self._call = call
        self._socket: AsyncWebSocket | None = None

    def __await__(self) -> Any:
        return self._call.__await__()

    async def __aenter__(self) -> AsyncWebSocket:
        self._socket = await self._call
        assert self._socket is not None
        return self._socket

    async def __aexit__(self, *exc_info: object) -> None:
        if self._socket is not None:
            await self._socket.close()
