"""One HTTP/2 connection: many exchanges at a time over one stream, each in a lane of its own.

What the pool keeps about it and how an exchange goes live here; who reads and who writes does not (`http2_traffic`).
"""

from typing import TYPE_CHECKING, Any

from .._model.body import BytesReader, called
from .._model.errors import DeadlineExceeded, ReadTimeout, RequestException, Sent, ServerDisconnected, WriteTimeout
from .._model.headers import NO_FIELDS, Line
from .._model.message import Head, Interim, Reply
from .._model.request import Request
from .._runtime.base import Runtime, Stream, nearer
from .connect import Route
from .http1 import note_sent
from .http1_wire import End
from .http2_body import Http2Body
from .http2_traffic import Lane, Traffic
from .tls import handshake_of

if TYPE_CHECKING:
    from .pool import Pool


class Http2Connection:
    """The traffic of a stream, and what the pool keeps about it.

    The pool holds it while a lane is taken (`lanes` counts them), and keeps it idle otherwise.

    Attributes:
        lanes: exchanges that have a place here, running or about to.
        shared: True.
        now: the runtime's clock.
        route, address, handshake, served, held, idle_since, keep_alive_timeout: as those of `Http1Connection`.
    """

    __slots__ = (
        "__weakref__",
        "address",
        "handshake",
        "held",
        "idle_since",
        "keep_alive_timeout",
        "lanes",
        "now",
        "route",
        "served",
        "traffic",
    )

    shared = True

    def __init__(self, runtime: Runtime, route: Route, stream: Stream) -> None:
        assert route.tls is not None
        self.route = route
        self.held = True
        self.idle_since = 0.0
        self.keep_alive_timeout: float | None = None
        self.served = 0
        self.lanes = 0
        peer = stream.get_extra_info("peername")
        self.address = peer[:2] if isinstance(peer, tuple) else peer
        self.handshake = handshake_of(stream.get_extra_info("ssl_object"), route.tls.verify)
        self.now = runtime.now
        self.traffic = Traffic(runtime, stream)

    # What the pool asks.

    @property
    def is_open(self) -> bool:
        """Whether it is worth keeping."""
        return self.traffic.is_open

    @property
    def has_room(self) -> bool:
        """Whether one more exchange may begin now."""
        return self.lanes < self.traffic.capacity

    def accepts(self) -> bool:
        """Whether exchanges may begin here; looks at the stream where there is doubt. Not for finalisers."""
        if self.traffic.is_doubted:
            self.traffic.look()
        return self.is_alive()

    def is_alive(self) -> bool:
        """Whether an idle connection may be used. What it has to say is read before the next exchange begins."""
        return self.traffic.is_open and not self.traffic.is_doubted

    def retire(self) -> None:
        """Lets no more exchanges begin; those that run go on."""
        self.traffic.retire()

    @property
    def stream(self) -> Stream:
        return self.traffic.stream

    def abort(self) -> None:
        self.traffic.close(ServerDisconnected("the connection was closed"))

    def __repr__(self) -> str:
        return f"<Http2Connection {self.route.origin}, {self.lanes} lanes, {self.served} served>"

    # One exchange.

    async def exchange(self, request: Request, pool: "Pool") -> Reply:
        """As `Http1Connection.exchange`; the caller's place here is free again when this raises."""
        options, deadline = request.options, request.deadline
        timeout, now, traffic = options.timeout, self.now, self.traffic
        self.served += 1
        interim: list[Interim] = []
        lane: Lane | None = None
        sent: Sent = "nothing"
        try:
            await traffic.catch_up(nearer(timeout.read, deadline, now()))
            lane = self._begin(request)
            sent = "partly" if request.body.content else "wholly"
            await traffic.write(nearer(timeout.write, deadline, now()))
            if request.body.content:
                await self._upload(lane, request)
                sent = "wholly"
            if request.notes is not None:
                note_sent(request, request.notes, now())
            while True:
                event = await traffic.next_event(lane, nearer(timeout.read, deadline, now()))
                if isinstance(event, Head):
                    break
                assert isinstance(event, Interim)
                interim.append(event)
        except BaseException as error:
            traffic.end(lane)
            pool.leave(self)
            if not isinstance(error, RequestException) or error.elsewhere:
                raise
            raise self._explained(error, request, error.sent if error.stale else sent) from error
        bare = request.method == "HEAD" or event.status in (204, 304)
        reply = Reply(event, self._body(lane, request, pool, bare=bare), request)
        if interim:
            reply.interim = tuple(interim)
        reply.connection = self
        return reply

    def _body(self, lane: Lane, request: Request, pool: "Pool", *, bare: bool) -> Any:
        """The content: in hand when all of it has come with the head; `bare` says that there can be none."""
        events = self.traffic.unread(lane)
        end = events.pop() if events else None
        if not bare and not isinstance(end, End):
            return Http2Body(self, lane, pool, request)
        self.traffic.end(lane)
        pool.leave(self)
        content = [] if bare else [event for event in events if isinstance(event, bytes)]
        return BytesReader(b"".join(content), end.trailers if isinstance(end, End) else NO_FIELDS)

    def _begin(self, request: Request) -> Lane:
        url = request.url
        fields = request.fields
        pseudo: list[Line] = [
            (":method", request.method),
            (":scheme", url.origin.scheme),
            (":authority", fields.get("host") or url.host_field),
            (":path", url.target),
        ]
        body = request.body
        if body.length and "content-length" not in fields:
            fields = fields.with_line("Content-Length", str(body.length))
        return self.traffic.open(pseudo, fields, ended=not body.content)

    async def _upload(self, lane: Lane, request: Request) -> None:
        """Sends the content as the peer has room for it, or until it has given its final answer."""
        timeout, deadline, now, traffic = request.options.timeout, request.deadline, self.now, self.traffic
        body = request.body
        pulled = body.pulled()
        told = 0
        while piece := await pulled.next_piece():
            rest = memoryview(piece)
            while rest:
                await traffic.catch_up(nearer(timeout.read, deadline, now()))
                taken = traffic.send(lane, rest)
                if taken is None:
                    return
                limit = nearer(timeout.write, deadline, now())
                if taken:
                    rest = rest[taken:]
                    await traffic.write(limit)
                else:
                    await traffic.wait_for_room(lane, limit)
            told += len(piece)
            if body.progress is not None:
                called(body.progress, told, body.length)
        traffic.finish(lane)
        await traffic.write(nearer(timeout.write, deadline, now()))

    def _explained(self, error: RequestException, request: Request, sent: Sent) -> RequestException:
        """The same failure with origin, and with what is safe now; a passed deadline is told as one."""
        kind = type(error)
        if isinstance(error, ReadTimeout | WriteTimeout) and self.now() >= request.deadline:
            kind = DeadlineExceeded
        told = kind(f"{request.method} {self.route.origin} failed: {error}", sent=sent)
        told.stale = error.stale or sent == "nothing"
        return told
