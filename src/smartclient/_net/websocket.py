"""One WebSocket over the stream of a connection that was switched: who reads, who writes, and how it ends."""

from collections import deque
from contextlib import suppress
from typing import Any

from .._model.errors import ReadTimeout, RequestException, SessionMisuse, WebSocketError
from .._runtime.base import Future, Runtime, new_lock
from .http1 import Switched
from .websocket_wire import NO_STATUS, NORMAL, WebSocketWire

_READ = 2**14  # small, since what is read may be inflated a thousand times before it is counted
_CLOSING_SECONDS = 2.0
_GOING_AWAY = 1001


class Conversation:
    """What both facades hold. One caller receives at a time; any number may send.

    A time limit that passes while receiving loses nothing. A write that fails or is cancelled ends the conversation.
    """

    def __init__(self, runtime: Runtime, switched: Switched, wire: WebSocketWire, write_limit: float | None) -> None:
        self._runtime = runtime
        self._switched = switched
        self._stream = runtime.duplex(switched.stream)
        self._wire = wire
        self._write_limit = write_limit
        self._lock = new_lock()
        self._messages: deque[str | bytes] = deque(wire.feed(switched.ahead))
        self._receiving = False
        self._writing = False
        self._turns: deque[Future] = deque()

    @property
    def closed(self) -> Any:
        """The end (`websocket_wire.Closed`), or None."""
        return self._wire.closed

    async def receive(self, timeout: float | None) -> str | bytes:
        """The next message.

        Raises:
            ReadTimeout: none within `timeout` seconds; it may be tried again.
            WebSocketError: the conversation has ended.
            SessionMisuse: somebody else is receiving.
        """
        with self._lock:
            if self._receiving and self._wire.is_closing:
                raise self._ended()
            if self._receiving:
                raise SessionMisuse("somebody else is receiving from this WebSocket")
            self._receiving = True
        try:
            end = None if timeout is None else self._runtime.now() + timeout
            while not self._messages:
                if self._wire.closed is not None:
                    self.abort()
                    raise self._ended()
                await self._read(None if end is None else max(0.001, end - self._runtime.now()))
            return self._messages.popleft()
        finally:
            self._receiving = False

    async def send(self, data: str | bytes) -> None:
        """Sends one message.

        Raises:
            WebSocketError: the conversation has ended.
        """
        with self._lock:
            self._check_open()
            self._wire.send(data)
        await self._write()

    async def ping(self, payload: bytes) -> None:
        """Sends a ping; the pong is not waited for."""
        with self._lock:
            self._check_open()
            self._wire.ping(payload)
        await self._write()

    async def close(self, code: int, reason: str) -> None:
        """Ends the conversation: says so, and waits for the peer to say so too, at most 2 s. Never raises."""
        waits = False
        try:
            with self._lock:
                waits = not self._receiving and self._wire.closed is None
                if waits:
                    self._receiving = True  # nobody else may read meanwhile
                self._wire.close(code, reason)
            await self._write()
            end = self._runtime.now() + _CLOSING_SECONDS
            while waits and self._wire.closed is None and (left := end - self._runtime.now()) > 0:
                await self._read(left)
        except RequestException:
            pass  # it has ended in another way
        finally:
            if waits:
                self._receiving = False
            self.abort()

    def abort(self) -> None:
        """Closes the connection without a word, in plain sync code."""
        self._wire.feed_eof()
        self._switched.abort()

    async def _read(self, timeout: float | None) -> None:
        try:
            data = await self._stream.read(_READ, timeout)
        except ReadTimeout as error:
            error.sent = "wholly"
            raise
        except RequestException:
            data = b""
        except BaseException:
            if self._runtime.name == "blocking":  # what was read may be lost with the interrupted call
                self.abort()
            raise
        with self._lock:
            if data:
                self._messages += self._wire.feed(data)
            else:
                self._wire.feed_eof()
        with suppress(RequestException):  # the end that `_write` has made of it is told after the messages
            await self._write()

    async def _write(self) -> None:
        """Writes what the wire has; in turn, so that a slow peer holds its senders up."""
        while True:
            turn: Future | None = None
            with self._lock:
                if self._writing:
                    turn = self._runtime.new_future()
                    self._turns.append(turn)
                else:
                    data = self._wire.pending()
                    if not data:
                        return
                    self._writing = True
            if turn is not None:
                await self._runtime.wait(turn, None)
                continue
            try:
                await self._stream.write(data, self._write_limit)
            except BaseException:
                self.abort()  # part of a frame may have left
                raise
            finally:
                with self._lock:
                    self._writing = False
                    while self._turns:
                        waiting = self._turns.popleft()
                        if not waiting.done():
                            waiting.set_result(None)

    def _check_open(self) -> None:
        if self._wire.closed is not None or self._wire.is_closing:
            raise self._ended()

    def _ended(self) -> WebSocketError:
        closed = self._wire.closed
        if closed is None:
            text, code, reason = "the WebSocket was closed here", NORMAL, ""
        else:
            code, reason = closed.code, closed.reason
            text = f"the WebSocket has ended: {code}" + (f" {reason[:80]!a}" if reason else "")
        error = WebSocketError(text, sent="wholly")
        error.code, error.reason = code, reason
        return error


def is_peaceful(error: WebSocketError) -> bool:
    """Whether the end that `error` tells of is one that both sides meant."""
    return error.code in (NORMAL, _GOING_AWAY, NO_STATUS)
