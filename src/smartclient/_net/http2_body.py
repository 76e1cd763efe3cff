"""The content of one HTTP/2 response: pulled from its lane, which it gives up at its end or earlier."""

from typing import TYPE_CHECKING

from .._model.errors import BodyReadTimeout, DeadlineExceeded, IncompleteBody, ReadTimeout, RequestException
from .._model.headers import NO_FIELDS, Fields
from .._model.request import Request
from .._runtime.base import nearer
from .http1_wire import End

if TYPE_CHECKING:
    from .http2 import Http2Connection
    from .http2_traffic import Lane
    from .pool import Pool


class Http2Body:
    """The content of one response, still in its lane, which it owns until the end."""

    __slots__ = ("_connection", "_deadline", "_ended", "_lane", "_limit", "_pool", "trailers")

    trailers: Fields

    def __init__(self, connection: "Http2Connection", lane: "Lane", pool: "Pool", request: Request) -> None:
        timeout = request.options.timeout
        self._connection = connection
        self._lane: Lane | None = lane
        self._pool = pool
        self._limit = timeout.read
        self._deadline = float("inf") if request.options.stream and not timeout.explicit_total else request.deadline
        self._ended = False
        self.trailers = NO_FIELDS

    async def read(self) -> bytes:
        if self._ended:
            return b""
        lane = self._lane
        if lane is None:
            raise IncompleteBody("the body was given up before its end", sent="wholly")
        connection = self._connection
        traffic = connection.traffic
        try:
            event = await traffic.next_event(lane, nearer(self._limit, self._deadline, connection.now()))
            if isinstance(event, bytes):
                await traffic.took(lane, len(event), nearer(self._limit, self._deadline, connection.now()))
                return event
        except RequestException as error:
            self.abort()
            raise self._explained(error, connection) from error
        except BaseException:
            self.abort()
            raise
        assert isinstance(event, End)
        self._ended = True
        self.trailers = event.trailers
        self.abort()
        return b""

    def _explained(self, error: RequestException, connection: "Http2Connection") -> RequestException:
        kind: type[RequestException] = IncompleteBody
        if isinstance(error, ReadTimeout):
            kind = DeadlineExceeded if connection.now() >= self._deadline else BodyReadTimeout
        return kind(f"body from {connection.route.origin} broke off: {error}", sent="wholly")

    async def discard(self) -> None:
        """Gives the lane up: that costs the connection nothing."""
        self.abort()

    def abort(self) -> None:
        lane, self._lane = self._lane, None
        if lane is not None:
            self._connection.traffic.end(lane)
            self._pool.leave(self._connection)

    def __del__(self) -> None:
        # This may run in any thread, even inside a lock.
        lane = self._lane
        if lane is not None:
            self._connection.traffic.drop(lane)
            self._pool.discard_later(self._connection)
