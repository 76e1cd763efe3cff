"""Sends one request in pieces over HTTP/1.1 and hears what the peer says meanwhile; never the rest of the answer.

Interim responses are taken down; a final one ends the sending, which costs the connection (RFC 9112 section 9.3).
"""

from collections.abc import Awaitable, Callable
from typing import Any

from .._model.body import ProgressCall, called
from .._model.errors import InvalidOption, RequestException, ServerDisconnected, WriteTimeout
from .._model.message import Head
from .._model.request import Request
from .._runtime.base import PIECE, Stream, nearer
from .http1_request import LAST_CHUNK, chunk
from .http1_wire import ResponseReader

Sleep = Callable[[float], Awaitable[None]]

_READ = 2**16
_CONTINUE_WAIT = 1.0  # seconds
_LEAST_PAUSE, _MOST_PAUSE = 0.001, 0.016
_TELL_EVERY = 0.1  # seconds between two calls of a caller's progress function


class Upload:
    """One request on its way. `heard` takes the events of the answer; `listening`: it is the peer that failed."""

    __slots__ = ("_deadline", "_limit", "_now", "_reader", "_request", "_sleep", "_stream", "heard", "listening")

    def __init__(
        self,
        stream: Stream,
        reader: ResponseReader,
        request: Request,
        now: Callable[[], float],
        heard: list[Any],
        sleep: Sleep,
    ) -> None:
        self._stream = stream
        self._reader = reader
        self._request = request
        self._now = now
        self._sleep = sleep
        self._limit = request.options.timeout.write
        self._deadline = request.deadline
        self.heard = heard
        self.listening = False

    async def run(self, head: bytes) -> bool:
        """Whether all was sent; False when the final answer came before.

        Raises:
            InvalidOption: the body is longer or shorter than its length said.
            RequestException: the stream's failures, or the peer's; whatever the body or its progress function raises.
        """
        await self._stream.write(head, nearer(self._limit, self._deadline, self._now()))
        try:
            if "expect" in self._request.fields.index and await self._is_refused():
                return False
            return await self._send_body()
        except RequestException as error:
            if not error.elsewhere:
                error.sent = "partly"
            raise

    async def _is_refused(self) -> bool:
        """Waits for 100 Continue, at most a second (RFC 9110 section 10.1.1): whether a final answer came instead.

        A read that times out would cost the stream, so it is looked at now and then.
        """
        until = min(self._now() + _CONTINUE_WAIT, self._deadline)
        pause = _LEAST_PAUSE
        while self._now() < until:
            if not self._stream.is_readable():
                await self._sleep(pause)
                pause = min(2 * pause, _MOST_PAUSE)
            elif await self._is_answered():
                return True
            elif any(event.head.status == 100 for event in self.heard):
                break
        return False

    async def _send_body(self) -> bool:
        body = self._request.body
        length = body.length
        progress = None if body.progress is None else Progress(body.progress, length, self._now)
        pieces = body.pulled()
        done = 0
        while piece := await pieces.next_piece():
            for start in range(0, len(piece), PIECE):
                part = memoryview(piece)[start : start + PIECE]
                done += len(part)
                if length is not None and done > length:
                    raise InvalidOption("data: the body gave more bytes than its length says")
                if not await self._send_all(chunk(bytes(part)) if length is None else part):
                    return False
                if progress is not None:
                    progress.tell(done)
        if length is not None and done < length:
            raise InvalidOption(f"data: the body ended {length - done} bytes before its length")
        if length is None and not await self._send_all(LAST_CHUNK):
            return False
        if progress is not None:
            progress.tell_end(done)
        return True

    async def _send_all(self, data: bytes | memoryview) -> bool:
        left = memoryview(data)
        while left:
            if self._stream.is_readable() and await self._is_answered():
                return False
            limit = nearer(self._limit, self._deadline, self._now())
            if limit is not None and limit <= 0:  # a peer that takes all at once would never let it pass
                raise WriteTimeout("no time left", sent="partly")
            taken = await self._stream.write_some(left, limit)
            left = left[taken:]
        return True

    async def _is_answered(self) -> bool:
        """Takes down what is there to read: whether a final head is in it."""
        self.listening = True
        data = await self._stream.read(_READ, nearer(self._limit, self._deadline, self._now()))
        if not data:
            raise ServerDisconnected("the peer closed the connection before it had the whole request")
        events = self._reader.feed(data)
        self.listening = False
        self.heard += events
        return any(type(event) is Head for event in events)


class Progress:
    """Tells a caller how far its body is: at most ten times a second, and once at the end."""

    __slots__ = ("_call", "_length", "_next", "_now")

    def __init__(self, call: ProgressCall, length: int | None, now: Callable[[], float]) -> None:
        self._call = call
        self._length = length
        self._now = now
        self._next = now() + _TELL_EVERY

    def tell(self, sent: int) -> None:
        """After each piece; the last one is told by `tell_end`."""
        now = self._now()
        if now >= self._next and sent != self._length:
            self._next = now + _TELL_EVERY
            called(self._call, sent, self._length)

    def tell_end(self, sent: int) -> None:
        """All of it has been handed over."""
        called(self._call, sent, self._length)
