"""Whose turn it is to read and to write on one HTTP/2 connection; never what an exchange is.

Nobody but its callers moves it: whoever waits for its lane and finds nobody reading reads for all, and hands that on
when it has what it waited for; whoever finds nobody writing writes for all. No task and no thread stands by, but what
a caller was writing who is cancelled, or late, is finished by one where others depend on it: they are not to pay for
it. The lock is held for calls of the wire, and for looks at the stream that never wait.
"""

from collections import deque
from contextlib import suppress
from math import inf

from .._model.errors import ReadError, ReadTimeout, RequestException, ServerDisconnected, WriteTimeout
from .._model.headers import Fields, Line
from .._model.message import Interim
from .._runtime.base import Future, Runtime, Stream, nearer, new_lock
from .http2_wire import Event, Http2Wire

_READ = 2**16
_READ_ON = True  # given to a waiting lane: nobody reads any more
_TURN = 1.0  # seconds that a write for others waits before it looks whether there are any


class Lane:
    """One exchange's part of a connection.

    Attributes:
        events: those that have come and were not looked at.
        wants_room: it waits for room to send in, not for events alone.
    """

    __slots__ = ("events", "failure", "number", "waiter", "wants_room")

    def __init__(self, number: int) -> None:
        self.number = number
        self.events: deque[Event] = deque()
        self.failure: RequestException | None = None
        self.waiter: Future | None = None
        self.wants_room = False

    @property
    def is_answered(self) -> bool:
        """Whether the peer has given its final answer, or an error."""
        return any(not isinstance(event, Interim) for event in self.events)


class Traffic:
    """A stream, its wire and its lanes.

    Attributes:
        stream: to be looked at only.
    """

    __slots__ = (
        "_closed",
        "_doubted",
        "_heard_at",
        "_lock",
        "_open",
        "_orphans",
        "_reading",
        "_retired",
        "_runtime",
        "_unfinished",
        "_wire",
        "_writing",
        "stream",
    )

    def __init__(self, runtime: Runtime, stream: Stream) -> None:
        self.stream = runtime.duplex(stream)
        self._runtime = runtime
        self._wire = Http2Wire()
        self._lock = new_lock()
        self._open: dict[int, Lane] = {}
        self._orphans: deque[Lane] = deque()  # of bodies that were dropped
        self._reading = False
        self._writing = False
        self._unfinished = False  # the stream may hold part of what it was given to write
        self._heard_at = runtime.now()
        self._doubted = False
        self._retired = False
        self._closed: RequestException | None = None

    @property
    def is_open(self) -> bool:
        """Whether exchanges may still begin here, now or once it is heard from again."""
        return self._closed is None and not self._retired and self._wire.accepts

    @property
    def is_doubted(self) -> bool:
        """Whether somebody waited in vain while nothing at all came, and nothing has come since."""
        return self._doubted

    @property
    def capacity(self) -> int:
        """Exchanges that may run at a time."""
        return self._wire.capacity

    def retire(self) -> None:
        """Lets no more exchanges begin; those that run go on."""
        self._retired = True

    # Lanes.

    def open(self, pseudo: list[Line], fields: Fields, *, ended: bool) -> Lane:
        """A lane whose request goes out with the next `write`; as `Http2Wire.open`. Raises what has ended the rest."""
        with self._lock:
            self._drop_orphans()
            if self._closed is not None:
                raise self._closed
            lane = Lane(self._wire.open(pseudo, fields, ended=ended))
            self._open[lane.number] = lane
        return lane

    def send(self, lane: Lane, data: memoryview) -> int | None:
        """How much of `data` goes out with the next `write`, 0 while there is no room; None once there is an answer.

        Raises what has ended the connection.
        """
        with self._lock:
            if lane.is_answered:
                return None
            if self._closed is not None:
                raise self._closed
            room = self._wire.room(lane.number)
            if room:
                self._wire.send(lane.number, bytes(data[:room]), ended=False)
        return min(room, len(data))

    def finish(self, lane: Lane) -> None:
        """Its content ends here; that goes out with the next `write`."""
        with self._lock:
            self._wire.send(lane.number, b"", ended=True)

    async def took(self, lane: Lane, size: int, timeout: float | None) -> None:
        """Its caller has `size` bytes of the content of `lane`: as many more may come."""
        with self._lock:
            self._wire.consume(lane.number, size)
        with suppress(RequestException):  # what has come is told first
            await self.write(timeout)

    def end(self, lane: Lane | None) -> None:
        """Nothing more is wanted of `lane`; its reset goes out with whatever is written next."""
        if lane is not None:
            with self._lock:
                self._forget(lane)

    def drop(self, lane: Lane) -> None:
        """`end` for finalisers: from any thread, at any moment, never blocking."""
        self._orphans.append(lane)
        if self._lock.acquire(blocking=False):
            try:
                self._drop_orphans()
            finally:
                self._lock.release()

    def _forget(self, lane: Lane) -> None:
        if self._open.pop(lane.number, None) is not None and self._closed is None:
            self._wire.reset(lane.number)

    def _drop_orphans(self) -> None:
        while self._orphans:
            self._forget(self._orphans.popleft())

    # Reading.

    async def next_event(self, lane: Lane, timeout: float | None) -> Event:
        """The next event of `lane`; raises what has ended it, and ReadTimeout."""
        if not lane.events:
            await self._listen(lane, timeout)
            if not lane.events:
                assert lane.failure is not None
                raise lane.failure
        event = lane.events.popleft()
        if isinstance(event, RequestException):
            lane.failure = event
            raise event
        return event

    def unread(self, lane: Lane) -> list[Event]:
        """The events that have come for `lane` and were not looked at."""
        with self._lock:
            return list(lane.events)

    async def wait_for_room(self, lane: Lane, timeout: float | None) -> None:
        """Until more content may be sent, or until that is pointless. Raises WriteTimeout."""
        lane.wants_room = True
        try:
            await self._listen(lane, timeout)
        except ReadTimeout as error:
            raise WriteTimeout(*error.args) from error
        finally:
            lane.wants_room = False

    async def catch_up(self, timeout: float | None) -> None:
        """Takes in what has come, if nobody else does."""
        while True:
            with self._lock:
                if self._reading or self._closed is not None:
                    return
                self._reading = True
            readable = False
            try:
                readable = self.stream.is_readable()
            finally:
                if not readable:
                    self._stop_reading()
            if not readable:
                return
            await self._read(timeout)

    async def _listen(self, lane: Lane, timeout: float | None) -> None:
        """Until there is news for `lane`: reads for all, or waits for whoever does. Raises ReadTimeout."""
        now = self._runtime.now
        end = inf if timeout is None else now() + timeout
        while True:
            waiter = None
            with self._lock:
                if self._has_news(lane):
                    return
                if self._reading:
                    waiter = lane.waiter = self._runtime.new_future()
                else:
                    self._reading = True
            left = nearer(None, end, now())
            try:
                if waiter is None:
                    await self._read(left)
                else:
                    await self._wait(lane, waiter, left)
            except ReadTimeout as error:
                if timeout is None or now() - self._heard_at > timeout / 2:
                    self._doubt()
                    with suppress(RequestException):
                        await self.write(0.0)
                raise ReadTimeout(f"Read timed out: nothing came for {timeout:.3g} s") from error

    def _has_news(self, lane: Lane) -> bool:
        """Whether what `lane` waits for has come; called with the lock held."""
        if self._closed is not None and lane.failure is None:
            lane.failure = self._closed  # it was given up by somebody else before
        if lane.failure is not None:
            return True
        if lane.wants_room:  # interim responses, which nobody has taken yet, are not what it waits for
            return lane.is_answered or self._wire.room(lane.number) > 0
        return bool(lane.events)

    async def _wait(self, lane: Lane, waiter: Future, timeout: float | None) -> None:
        try:
            await self._runtime.wait(waiter, timeout)
        except BaseException as error:
            with self._lock:
                woken, lane.waiter = waiter.done(), None
                if woken:
                    self._hand_on()
            if not isinstance(error, TimeoutError):
                raise
            raise ReadTimeout from error
        lane.waiter = None

    async def _read(self, timeout: float | None) -> None:
        """Reads once for all lanes; the caller has made itself the one who reads, and is not when this returns."""
        try:
            data = await self.stream.read(_READ, timeout)
            with self._lock:
                self._take_in(data)
        except ReadTimeout:
            raise
        except RequestException as error:
            self.close(error)
        except BaseException:
            self._close_if_interrupted("a read was interrupted")
            raise
        finally:
            self._stop_reading()
        with suppress(RequestException):  # what has come is told first
            await self.write(timeout)

    def _take_in(self, data: bytes) -> None:
        if not data:
            raise ServerDisconnected("the peer closed the connection")
        self._heard_at = self._runtime.now()
        self._doubted = False
        for number, event in self._wire.feed(data):
            if number == 0:
                assert isinstance(event, RequestException)
                raise event
            lane = self._open.get(number)
            if lane is not None:
                lane.events.append(event)
                if not lane.wants_room:
                    _wake(lane, None)
        for lane in self._open.values():
            if lane.wants_room and self._has_news(lane):  # room is no event of a lane
                _wake(lane, None)

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
                    _wake(lane, _READ_ON)
                    return

    # Doubt.

    def _doubt(self) -> None:
        """Nothing came or left for as long as somebody waited: no more exchanges are to begin here until it does."""
        with self._lock:
            if not self._doubted and self._closed is None:
                self._doubted = True
                self._wire.ping()

    def look(self) -> None:
        """Forgets the doubt when something has come that nobody has read yet."""
        with self._lock:
            if self._doubted and not self._reading and self.stream.is_readable():
                self._doubted = False

    # Writing.

    async def write(self, timeout: float | None) -> None:
        """Writes what the wire has, for all lanes; if somebody does already, it takes ours along.

        Raises:
            WriteTimeout: what is left goes out with the next write.
            WriteError: the connection is closed.
        """
        try:
            await self._flush(timeout)
        except WriteTimeout:
            self._doubt()
            self._write_for_others()
            raise
        except RequestException as error:
            self.close(error)
            raise
        except BaseException:
            self._close_if_interrupted("a write was interrupted")
            self._write_for_others()
            raise

    async def _flush(self, timeout: float | None) -> None:
        while self._begins_to_write():
            try:
                if len(self._open) > 1:
                    await self._runtime.sleep(0.0)  # others may be about to: one system call for all
                with self._lock:
                    data = self._wire.pending()
                self._unfinished = True
                await self.stream.write(data, timeout)
                self._unfinished = False
            finally:
                with self._lock:
                    self._writing = False

    def _begins_to_write(self) -> bool:
        with self._lock:
            if self._writing or self._closed is not None or not (self._unfinished or self._wire.has_pending):
                return False
            self._writing = True
            return True

    def _write_for_others(self) -> None:
        """Somebody has left off writing: where others have something among that, a task or a thread goes on with it."""
        if self._open and self._closed is None:  # whoever has left off need not have a lane among them
            try:
                self._runtime.start(self._flush_for_others())
            except OSError as error:  # no thread
                self.close(ReadError(str(error)))

    async def _flush_for_others(self) -> None:
        while self._open:
            try:
                await self._flush(_TURN)
                return
            except WriteTimeout:
                pass
            except RequestException as error:
                self.close(error)

    # The end.

    def close(self, error: RequestException) -> None:
        """Ends everything with `error`, but for what has come already."""
        with self._lock:
            if self._closed is not None:
                return
            self._closed = error
            for lane in self._open.values():
                lane.failure = error
                _wake(lane, None)
        self.stream.abort()

    def _close_if_interrupted(self, text: str) -> None:
        """A thread that is interrupted may have read or written part of a frame; a cancelled task leaves its stream
        whole (`Runtime.duplex`)."""
        if self._runtime.name == "blocking":
            self.close(ReadError(text))


def _wake(lane: Lane, value: object) -> None:
    if lane.waiter is not None and not lane.waiter.done():
        lane.waiter.set_result(value)
