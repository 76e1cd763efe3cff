"""One HTTP/1.1 connection: drives the sans-IO wire over a runtime's stream, and owns the clean-up of both."""

from typing import TYPE_CHECKING, Any, NoReturn

from .._model.body import NO_BODY, BytesReader
from .._model.errors import (
    BodyReadTimeout,
    DeadlineExceeded,
    IncompleteBody,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    RequestException,
    Sent,
    ServerDisconnected,
    Timeout,
    WriteError,
    WriteTimeout,
)
from .._model.headers import NO_FIELDS, Fields
from .._model.message import Interim, Reply
from .._model.request import Request
from .._model.timings import Notes
from .._runtime.base import Runtime, Stream, nearer
from .connect import Route
from .http1_request import framing_for, request_head
from .http1_upload import Sleep, Upload
from .http1_wire import End, ResponseReader
from .tls import handshake_of

if TYPE_CHECKING:
    from .pool import Pool

_HEAD_READ = 2**16
_BODY_READ = 2**18
_DRAIN_MAX = 2**16
_DRAIN_SECONDS = 0.1
_ONE_WRITE = 2**16  # head and body up to this go out together: one segment, one system call


class Http1Connection:
    """A stream, its wire, and what the pool keeps about it. Used by one exchange at a time.

    Attributes:
        route: what it may serve.
        address: (address, port) of the peer, the path of its Unix socket, or None when it was gone at once.
        handshake: what TLS agreed on; None without TLS.
        served: exchanges begun on it.
        shared: whether several exchanges may be on it at a time.
        held: somebody has it from the pool, and must give it back once.
        idle_since, keep_alive_timeout: the pool's notes.
    """

    __slots__ = (
        "__weakref__",
        "_now",
        "_reader",
        "_stream",
        "address",
        "handshake",
        "held",
        "idle_since",
        "keep_alive_timeout",
        "route",
        "served",
    )

    shared = False

    def __init__(self, runtime: Runtime, route: Route, stream: Stream) -> None:
        self.route = route
        self.held = True
        self.idle_since = 0.0
        self.keep_alive_timeout: float | None = None
        self.served = 0
        self._now = runtime.now
        self._stream = stream
        peer = stream.get_extra_info("peername")
        self.address = peer[:2] if isinstance(peer, tuple) else peer
        self.handshake = (
            None  # TLS that ends at a proxy says nothing of the origin
            if route.tls is None or route.is_forwarded
            else handshake_of(stream.get_extra_info("ssl_object"), route.tls.verify)
        )
        self._reader = ResponseReader(lenient=route.lenient)

    def is_alive(self) -> bool:
        """Whether an idle connection has nothing to say; bytes nobody asked for are as bad as the end."""
        return not self._stream.is_readable()

    def abort(self) -> None:
        self._stream.abort()

    def __repr__(self) -> str:
        return f"<Http1Connection {self.route.origin}, {self.served} served>"

    @property
    def stream(self) -> Stream:
        return self._stream

    async def exchange(self, request: Request, pool: "Pool") -> Reply:
        """Sends `request` and returns the reply once its head is there.

        The connection goes back to `pool` when the response is complete, or at once when this raises; until then the
        reply's body owns it.
        """
        reader, timeout, deadline = self._reader, request.options.timeout, request.deadline
        events: list[Any] = []
        interim: list[Interim] = []
        failure: RequestException | None = None
        sent: Sent = "wholly"
        try:
            reader.start(request.method, request.options.upgrade)
            self.served += 1
            try:
                if request.body is NO_BODY:
                    # Here and below: what `nearer` says, without a call where the limit of the wait is the nearer one.
                    limit, left = timeout.write, deadline - self._now()
                    await self._stream.write(
                        self._head_of(request),
                        limit if limit is not None and limit < left else nearer(limit, left, 0.0),
                    )
                elif not await self._send_with_body(request, events, pool.runtime.sleep):
                    sent = "partly"
            except (WriteError, WriteTimeout) as error:
                if error.elsewhere:  # what the caller's own body raises passes as it is
                    raise
                # The peer may have answered (401, 413) before it closed: one look, then the failure stands.
                sent = error.sent
                if not self._stream.is_readable():
                    raise self._explained(error, request, sent) from error
                failure = error
            if request.notes is not None:
                note_sent(request, request.notes, self._now())
            try:
                while not events or (type(events[0]) is Interim and _are_interim(events, interim)):
                    limit, left = timeout.read, deadline - self._now()
                    data = await self._stream.read(
                        _HEAD_READ, limit if limit is not None and limit < left else nearer(limit, left, 0.0)
                    )
                    events = reader.feed(data) if data else self._end_of_stream()
            except RequestException as error:
                try:
                    raise self._explained(failure or error, request, sent) from error
                finally:
                    failure = None  # it knows this frame
        except BaseException:
            pool.discard(self)
            raise
        final = events.pop(0)
        said = request.fields.index.get("connection")
        reusable = sent == "wholly" and (said is None or said == "keep-alive" or "close" not in said.lower())
        if final.status == 101:
            reply = Reply(final, Switched(self, pool), request)
        elif reader.complete:
            end = events.pop()
            content = events[0] if len(events) == 1 else b"".join(events)
            reply = Reply(final, BytesReader(content, end.trailers), request)
            self.give_back(pool, reusable)
        else:
            reply = Reply(final, Http1Body(self, pool, request, events, reusable), request)
        if interim:
            reply.interim = tuple(interim)
        reply.connection = self
        return reply

    async def _send_with_body(self, request: Request, heard: list[Any], sleep: Sleep) -> bool:
        """Sends head and body. False when the peer gave its final answer before the end, into `heard`."""
        body, head = request.body, self._head_of(request)
        content = body.content
        if isinstance(content, bytes) and len(content) <= _ONE_WRITE and body.progress is None:
            limit = nearer(request.options.timeout.write, request.deadline, self._now())
            await self._stream.write(head + content, limit)
            return True
        upload = Upload(self._stream, self._reader, request, self._now, heard, sleep)
        try:
            return await upload.run(head)
        except (ReadError, RemoteProtocolError) as error:
            if upload.listening:
                raise self._explained(error, request, "partly") from error
            raise

    def give_back(self, pool: "Pool", reusable: bool) -> None:
        """To `pool` after a complete response; `reusable` is what this side says of it, the wire has its own view."""
        reader = self._reader
        if reusable and reader.reusable:
            self.keep_alive_timeout = reader.keep_alive_timeout
            pool.release(self)
        else:
            pool.discard(self)

    def _head_of(self, request: Request) -> bytes:
        url, method = request.url, request.method
        framing = b"" if method == "GET" and request.body is NO_BODY else framing_for(method, request.body)
        return request_head(method, url.target, url.host_field, request.fields, framing)

    def _end_of_stream(self) -> NoReturn:
        """The peer closed before the head was complete."""
        where = "in the middle of the head" if self._reader.head_started else "without an answer"
        raise ServerDisconnected(f"the peer closed the connection {where}")

    def _explained(self, error: RequestException, request: Request, sent: Sent) -> RequestException:
        """The same failure with origin, and with what is safe now; a passed deadline is told as one."""
        kind = type(error)
        if isinstance(error, Timeout) and self._now() >= request.deadline:
            kind = DeadlineExceeded
        told = kind(f"{request.method} {self.route.origin} failed: {error} (request {_SENT[sent]})", sent=sent)
        told.stale = (
            (self.served > 1 or self.idle_since > 0.0)  # a prewarmed one was kept before it served anybody
            and not self._reader.head_started
            and isinstance(error, ReadError | WriteError | ServerDisconnected)
        )
        return told


def note_sent(request: Request, notes: Notes, now: float) -> None:
    """Takes down that all of `request` has left."""
    notes.sent = now
    if request.watch is not None:
        from .._model.events import RequestSent  # few sessions are observed

        request.watch.tell(RequestSent, request, notes.opened is None)


def _are_interim(events: list[Any], interim: list[Interim]) -> bool:
    """Whether the final head is still to come; what is before it goes from `events` to `interim`."""
    while events and type(events[0]) is Interim:
        interim.append(events.pop(0))
    return not events


_SENT = {"nothing": "not sent", "partly": "partly sent", "wholly": "sent"}


class Switched:
    """What stands for the content of a 101: the connection, which is its caller's until `abort`.

    Attributes:
        stream: of the new protocol.
        ahead: the first bytes of it, which came with the 101.
    """

    __slots__ = ("_connection", "_pool", "ahead", "stream", "trailers")

    def __init__(self, connection: Http1Connection, pool: "Pool") -> None:
        self._connection: Http1Connection | None = connection
        self._pool = pool
        self.stream = connection.stream
        self.ahead = connection._reader.surplus
        self.trailers = NO_FIELDS

    async def read(self) -> bytes:
        """Nothing: there is no content."""
        return b""

    async def discard(self) -> None:
        """Closes the connection."""
        self.abort()

    def abort(self) -> None:
        """Closes the connection; once is enough."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.discard(connection)

    def __del__(self) -> None:
        if self._connection is not None:
            self._pool.discard_later(self._connection)


class Http1Body:
    """The content of one response, still on its connection, which it owns until the clean end."""

    __slots__ = ("_connection", "_deadline", "_ended", "_limit", "_pieces", "_pool", "_reusable", "trailers")

    trailers: Fields

    def __init__(
        self, connection: Http1Connection, pool: "Pool", request: Request, pieces: list[bytes], reusable: bool
    ) -> None:
        timeout = request.options.timeout
        self._connection: Http1Connection | None = connection
        self._pool = pool
        self._pieces = pieces
        self._limit = timeout.read
        # The total of a streamed call ends at its head, unless the caller set it.
        self._deadline = float("inf") if request.options.stream and not timeout.explicit_total else request.deadline
        self._reusable = reusable
        self._ended = False
        self.trailers = NO_FIELDS

    async def read(self) -> bytes:
        if self._pieces:
            return self._pieces.pop(0)
        if self._ended:
            return b""
        connection = self._connection
        if connection is None:
            raise IncompleteBody("the body was given up before its end", sent="wholly")
        try:
            piece = await self._next_piece(connection)
        except RequestException as error:
            self.abort()
            raise self._explained(error, connection) from error
        except BaseException:
            self.abort()
            raise
        return piece

    async def _next_piece(self, connection: Http1Connection) -> bytes:
        reader, stream = connection._reader, connection._stream
        while True:
            data = await stream.read(_BODY_READ, nearer(self._limit, self._deadline, connection._now()))
            events: list[Any] = reader.feed(data) if data else reader.feed_eof()
            if events and type(events[-1]) is End:
                self._finish(connection, events.pop())
            if events:
                piece: bytes = events.pop(0)
                self._pieces = events
                return piece
            if self._ended:
                return b""

    def _finish(self, connection: Http1Connection, end: End) -> None:
        self._ended = True
        self._connection = None
        self.trailers = end.trailers
        connection.give_back(self._pool, self._reusable)

    def _explained(self, error: RequestException, connection: Http1Connection) -> RequestException:
        if isinstance(error, ReadTimeout):
            late = connection._now() >= self._deadline
            kind: type[RequestException] = DeadlineExceeded if late else BodyReadTimeout
        else:
            kind = IncompleteBody if isinstance(error, ReadError) else type(error)
        return kind(f"body from {connection.route.origin} broke off: {error}", sent="wholly")

    async def discard(self) -> None:
        """Reads on while it is cheaper than a new connection: at most 64 KiB that come within 0.1 s."""
        if self._connection is not None:
            self._deadline = min(self._deadline, self._connection._now() + _DRAIN_SECONDS)
        left = _DRAIN_MAX
        try:
            while left > 0 and (piece := await self.read()):
                left -= len(piece)
        except RequestException:
            pass  # `read` has let go of the connection
        self.abort()

    def abort(self) -> None:
        self._pieces = []
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.discard(connection)

    def __del__(self) -> None:
        # A dropped stream frees its slot; this may run in any thread, even inside the pool's own lock.
        if self._connection is not None:
            self._pool.discard_later(self._connection)
