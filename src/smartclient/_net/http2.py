"""One HTTP/2 connection: many exchanges at a time over one stream, each in a lane of its own.

Nobody but its callers moves it: whoever waits for its lane and finds nobody reading reads for all, and hands that on
when it has what it waited for; whoever finds nobody writing writes for all. No task and no thread stands by, but what a
cancelled caller was writing is finished by one: it is to cost no other caller anything. The lock is held for calls of
the wire only.
"""

from collections import deque
from typing import TYPE_CHECKING, Any, cast

from .._model.body import BytesReader, called
from .._model.errors import (
    DeadlineExceeded,
    ReadError,
    ReadTimeout,
    RequestException,
    Sent,
    ServerDisconnected,
    WriteTimeout,
)
from .._model.headers import NO_FIELDS, Line
from .._model.message import Head, Interim, Reply
from .._model.request import Request
from .._runtime.base import Future, LoopRuntime, Runtime, Stream, nearer, new_lock
from .connect import Route
from .http1 import note_sent
from .http1_wire import End
from .http2_body import Http2Body
from .http2_wire import Event, Http2Wire
from .tls import handshake_of

if TYPE_CHECKING:
    from .pool import Pool

_READ = 2**16
_READ_ON = True  # given to a waiting lane: nobody reads any more


class Lane:
    """One exchange's part of a connection.

    Attributes:
        events: those that have come and were not looked at.
        wants_room: it waits for room to send in, not for events alone.
    """

    __slots__ = ("connection", "events", "failure", "number", "waiter", "wants_room")

    def __init__(self, connection: "Http2Connection", number: int) -> None:
        self.connection = connection
        self.number = number
        self.events: deque[Event] = deque()
        self.failure: RequestException | None = None
        self.waiter: Future | None = None
        self.wants_room = False


class Http2Connection:
    """A stream, its wire and its lanes, and what the pool keeps about it.

    The pool holds it while a lane is taken (`lanes` counts them), and keeps it idle otherwise.

    Attributes:
        lanes: exchanges that have a place here, running or about to.
        shared: True.
        now: the runtime's clock.
        route, address, handshake, served, held, idle_since, keep_alive_timeout: as those of `Http1Connection`.
    """

    __slots__ = (
        "__weakref__",
        "_closed",
        "_lock",
        "_open",
        "_orphans",
        "_reading",
        "_retired",
        "_runtime",
        "_stream",
        "_wire",
        "_writing",
        "address",
        "handshake",
        "held",
        "idle_since",
        "keep_alive_timeout",
        "lanes",
        "now",
        "route",
        "served",
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
        self._runtime = runtime
        self._stream = runtime.duplex(stream)
        self._wire = Http2Wire()
        self._lock = new_lock()
        self._open: dict[int, Lane] = {}
        self._orphans: deque[Lane] = deque()  # of bodies that were dropped
        self._reading = False
        self._writing = False
        self._retired = False
        self._closed: RequestException | None = None

    # What the pool asks.

    @property
    def accepts(self) -> bool:
        """Whether exchanges may still begin here."""
        return self._closed is None and not self._retired and self._wire.accepts

    @property
    def has_room(self) -> bool:
        """Whether one more exchange may begin now."""
        return self.lanes < self._wire.capacity

    def retire(self) -> None:
        """Lets no more exchanges begin; those that run go on."""
        self._retired = True

    def is_alive(self) -> bool:
        """Whether an idle connection may be used. What it has to say is read before the next exchange begins."""
        return self.accepts

    @property
    def stream(self) -> Stream:
        return self._stream

    def abort(self) -> None:
        self._close(ServerDisconnected("the connection was closed"))

    def __repr__(self) -> str:
        return f"<Http2Connection {self.route.origin}, {self.lanes} lanes, {self.served} served>"

    # One exchange.

    async def exchange(self, request: Request, pool: "Pool") -> Reply:
        """As `Http1Connection.exchange`; the caller's place here is free again when this raises."""
        options, deadline = request.options, request.deadline
        timeout, now = options.timeout, self._runtime.now
        self.served += 1
        interim: list[Interim] = []
        lane: Lane | None = None
        sent: Sent = "nothing"
        try:
            await self._catch_up(nearer(timeout.read, deadline, now()))
            lane = self._begin(request)
            sent = "partly" if request.body.content else "wholly"
            await self._write(nearer(timeout.write, deadline, now()))
            if request.body.content:
                await self._upload(lane, request)
                sent = "wholly"
            if request.notes is not None:
                note_sent(request, request.notes, now())
            while True:
                event = await self.next_event(lane, nearer(timeout.read, deadline, now()))
                if isinstance(event, Head):
                    break
                assert isinstance(event, Interim)
                interim.append(event)
        except BaseException as error:
            self.end(lane)
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
        with self._lock:
            events = list(lane.events)
        end = events.pop() if events else None
        if not bare and not isinstance(end, End):
            return Http2Body(lane, pool, request)
        self.end(lane)
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
        with self._lock:
            self._drop_orphans()
            if self._closed is not None:
                raise self._closed
            lane = Lane(self, self._wire.open(pseudo, fields, ended=not body.content))
            self._open[lane.number] = lane
        return lane

    async def _upload(self, lane: Lane, request: Request) -> None:
        """Sends the content as the peer has room for it, or until it has given its final answer."""
        timeout, deadline, now = request.options.timeout, request.deadline, self._runtime.now
        body = request.body
        pulled = body.pulled()
        told = 0
        while piece := await pulled.next_piece():
            rest = memoryview(piece)
            while rest:
                await self._catch_up(nearer(timeout.read, deadline, now()))
                with self._lock:
                    answered = any(not isinstance(event, Interim) for event in lane.events)
                    room = 0 if answered else self._wire.room(lane.number)
                    lane.wants_room = not room
                    if room:
                        self._wire.send(lane.number, bytes(rest[:room]), ended=False)
                if answered:
                    return
                if not room:
                    try:
                        await self._listen(lane, nearer(timeout.write, deadline, now()), WriteTimeout)
                    finally:
                        lane.wants_room = False
                    continue
                rest = rest[room:]
                await self._write(nearer(timeout.write, deadline, now()))
            told += len(piece)
            if body.progress is not None:
                called(body.progress, told, body.length)
        with self._lock:
            self._wire.send(lane.number, b"", ended=True)
        await self._write(nearer(timeout.write, deadline, now()))

    async def next_event(self, lane: Lane, timeout: float | None) -> Event:
        """The next event of `lane`; raises what has ended it."""
        while not lane.events:
            if lane.failure is not None:
                raise lane.failure
            await self._listen(lane, timeout, ReadTimeout)
        event = lane.events.popleft()
        if isinstance(event, RequestException):
            lane.failure = event
            raise event
        return event

    async def _listen(self, lane: Lane, timeout: float | None, late: type[RequestException]) -> None:
        """Until something has come for `lane`, or for somebody: reads, or waits for whoever does.

        Raises `late` when the limit passed, and what has ended the connection.
        """
        with self._lock:
            if lane.events or lane.failure is not None or (lane.wants_room and self._wire.room(lane.number)):
                return
            if self._closed is not None:
                raise self._closed
            if self._reading:
                lane.waiter = self._runtime.new_future()
            else:
                self._reading = True
        if lane.waiter is None:
            try:
                await self._read(timeout)
            except ReadTimeout as error:
                raise late(*error.args) from error
            return
        try:
            await self._runtime.wait(lane.waiter, timeout)
        except BaseException as error:
            with self._lock:
                woken, lane.waiter = lane.waiter.done(), None
                if woken:
                    self._hand_on()
            if not isinstance(error, TimeoutError):
                raise
            raise late(f"no answer for {timeout:.3g} s") from error
        lane.waiter = None

    async def _catch_up(self, timeout: float | None) -> None:
        """Takes in what has come, if nobody else does."""
        while True:
            with self._lock:
                if self._closed is not None:
                    raise self._closed
                if self._reading:
                    return
                self._reading = True
            readable = False
            try:
                readable = self._stream.is_readable()
            finally:
                if not readable:
                    self._stop_reading()
            if not readable:
                return
            await self._read(timeout)

    async def _read(self, timeout: float | None) -> None:
        """Reads once for all lanes; the caller has made itself the one who reads, and is not when this returns."""
        try:
            data = await self._stream.read(_READ, timeout)
            with self._lock:
                if not data:
                    raise ServerDisconnected("the peer closed the connection")
                for number, event in self._wire.feed(data):
                    lane = self._open.get(number)
                    if lane is not None:
                        lane.events.append(event)
                        _wake(lane)
                for lane in self._open.values():
                    if lane.wants_room and self._wire.room(lane.number):  # room is no event of a lane
                        _wake(lane)
        except ReadTimeout:
            raise
        except BaseException as error:
            self._close_if_spoilt(error, "a read was interrupted")
            raise
        finally:
            self._stop_reading()
        await self._write(timeout)

    def _stop_reading(self) -> None:
        with self._lock:
            self._reading = False
            self._hand_on()
            self._drop_orphans()

    def _hand_on(self) -> None:
        """Wakes one of those who wait, to read for all; called with the lock held."""
        if not self._reading:
            for lane in self._open.values():
                if lane.waiter is not None and not lane.waiter.done():
                    lane.waiter.set_result(_READ_ON)
                    return

    async def _write(self, timeout: float | None) -> None:
        """Writes what the wire has, for all lanes; if somebody does already, it takes ours along."""
        while True:
            with self._lock:
                if self._writing or not self._wire.has_pending:
                    return
                self._writing = True
            try:
                if self.lanes > 1:
                    await self._runtime.sleep(0.0)  # others may be about to: one system call for all
                with self._lock:
                    data = self._wire.pending()
                if data:
                    await self._stream.write(data, timeout)
            except BaseException as error:
                self._close_if_spoilt(error, "a write was interrupted")
                if self._closed is None and self._wire.has_pending:
                    # Cancelled before its turn came, with frames of other lanes in hand.
                    cast(LoopRuntime, self._runtime).spawn(self._write(timeout))
                raise
            finally:
                with self._lock:
                    self._writing = False

    async def took(self, lane: Lane, size: int, timeout: float | None) -> None:
        """Its caller has `size` bytes of the content of `lane`: as many more may come."""
        with self._lock:
            self._wire.consume(lane.number, size)
        await self._write(timeout)

    # The ends of lanes and of the connection.

    def end(self, lane: Lane | None) -> None:
        """Nothing more is wanted of `lane`; its reset goes out with whatever is written next."""
        if lane is not None:
            with self._lock:
                self._forget(lane)

    def _forget(self, lane: Lane) -> None:
        if self._open.pop(lane.number, None) is not None and self._closed is None:
            self._wire.reset(lane.number)

    def drop(self, lane: Lane) -> None:
        """`end` for finalisers: from any thread, at any moment, never blocking."""
        self._orphans.append(lane)
        if self._lock.acquire(blocking=False):
            try:
                self._drop_orphans()
            finally:
                self._lock.release()

    def _drop_orphans(self) -> None:
        while self._orphans:
            self._forget(self._orphans.popleft())

    def _close(self, error: RequestException) -> None:
        with self._lock:
            if self._closed is not None:
                return
            self._closed = error
            for lane in self._open.values():
                lane.failure = error
                _wake(lane)
        self._stream.abort()

    def _close_if_spoilt(self, error: BaseException, text: str) -> None:
        """Closes after a failure, and after what interrupts a thread, since part of a frame may have been read or
        written then. A cancelled task leaves its stream whole (`Runtime.duplex`)."""
        if isinstance(error, RequestException):
            self._close(error)
        elif self._runtime.name == "blocking":
            self._close(ReadError(text))

    def _explained(self, error: RequestException, request: Request, sent: Sent) -> RequestException:
        """The same failure with origin, and with what is safe now; a passed deadline is told as one."""
        kind = type(error)
        if isinstance(error, ReadTimeout | WriteTimeout) and self._runtime.now() >= request.deadline:
            kind = DeadlineExceeded
        told = kind(f"{request.method} {self.route.origin} failed: {error}", sent=sent)
        told.stale = error.stale or sent == "nothing"
        return told


def _wake(lane: Lane) -> None:
    waiter = lane.waiter
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
