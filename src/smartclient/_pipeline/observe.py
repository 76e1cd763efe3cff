"""What tells observers of a call: a stage around all others, one around each exchange, a reader around its body.

Only sessions that have observers have these stages, so that nobody else pays for them.
"""

from collections.abc import Callable

from .._model.body import BodyReader, BytesReader
from .._model.events import CallEnded, CallStarted, Exchange, ExchangeEnded, HeadReceived, Watch
from .._model.headers import Fields
from .._model.message import Reply
from .._model.observer import Observer
from .._model.request import Request
from .._model.timings import Notes
from .stage import Stage


class ObserveStage:
    """Gives each call its `Watch`, and tells how the call began and ended."""

    __slots__ = ("next", "now", "observers")

    def __init__(self, observers: tuple[Observer, ...], now: Callable[[], float], next: Stage) -> None:
        """`now` gives monotonic seconds."""
        self.observers = observers
        self.now = now
        self.next = next

    async def __call__(self, request: Request) -> Reply:
        watch = Watch(self.observers, self.now)
        request = request.replace()
        request.watch = watch
        watch.tell(CallStarted, request)
        try:
            reply = await self.next(request)
        except BaseException as error:
            watch.tell(CallEnded, None, type(error).__name__, "", None, getattr(error, "attempts", ()))
            raise
        watch.tell(CallEnded, reply.head.status, None, reply.provenance, reply.cache, reply.attempts)
        return reply


class ObservedExchange:
    """Tells of each exchange when its head came, and how it ended."""

    __slots__ = ("next", "now")

    def __init__(self, now: Callable[[], float], next: Stage) -> None:
        """`now` gives monotonic seconds."""
        self.now = now
        self.next = next

    async def __call__(self, request: Request) -> Reply:
        watch = request.watch
        if watch is None:
            return await self.next(request)
        request = request.replace(fresh=request.fresh)
        notes = watch.notes = request.notes = Notes(self.now())
        watch.exchanges += 1
        try:
            reply = await self.next(request)
        except BaseException as error:
            notes.ended = self.now()
            facts = Exchange(request, None, type(error).__name__, notes.began, notes.timings())
            watch.tell(ExchangeEnded, facts)
            raise
        notes.head = self.now()
        watch.tell(HeadReceived, request, reply.head)
        raw = reply.raw
        if isinstance(raw, BytesReader):
            content = raw.take()
            reply.body = reply.raw = BytesReader(content, raw.trailers)
            notes.ended = notes.head
            _tell_end(watch, reply, notes, None, len(content), content[: watch.keeps])
        else:
            reply.body = reply.raw = ObservedBody(raw, reply, watch, notes, self.now)
        return reply


class ObservedBody:
    """A body as received, that is counted on its way, and kept as far as an observer wants it."""

    __slots__ = ("_head", "_kept", "_notes", "_now", "_raw", "_received", "_watch")

    def __init__(self, raw: BodyReader, reply: Reply, watch: Watch, notes: Notes, now: Callable[[], float]) -> None:
        self._raw = raw
        # Not the reply itself, whose body this is: a cycle would keep a dropped stream from being freed at once.
        self._head: Reply | None = Reply(reply.head, raw, reply.request)
        self._head.connection = reply.connection
        self._watch = watch
        self._notes = notes
        self._now = now
        self._kept = bytearray()
        self._received = 0

    @property
    def trailers(self) -> Fields:
        return self._raw.trailers

    async def read(self) -> bytes:
        try:
            piece = await self._raw.read()
        except BaseException as error:
            self._end(type(error).__name__)
            raise
        if not piece:
            self._end(None)
            return b""
        self._received += len(piece)
        left = self._watch.keeps - len(self._kept)
        if left > 0:
            self._kept += piece[:left]
        return piece

    async def discard(self) -> None:
        await self._raw.discard()
        self._end("discarded")

    def abort(self) -> None:
        self._raw.abort()
        self._end("given up")

    def _end(self, error: str | None) -> None:
        reply, self._head = self._head, None
        if reply is not None:
            self._notes.ended = self._now()
            _tell_end(self._watch, reply, self._notes, error, self._received, bytes(self._kept))


def _tell_end(watch: Watch, reply: Reply, notes: Notes, error: str | None, received: int, kept: bytes) -> None:
    connection = reply.connection
    handshake = None if connection is None else connection.handshake
    exchange = Exchange(
        reply.request,
        reply.head,
        error,
        notes.began,
        notes.timings(None if connection is None else True),
        None if connection is None else connection.address,
        None if handshake is None else handshake.version,
        received,
        kept if watch.keeps else None,
        reply.raw.trailers,
    )
    watch.tell(ExchangeEnded, exchange)
