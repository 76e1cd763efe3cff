"""Which HTTP/2 connection has a place for whom: one for each route, opened once however many ask; never a frame."""

from collections import deque
from typing import TYPE_CHECKING, Any

from .._model.declared import NamedTuple
from .._model.errors import ConnectTimeout, DeadlineExceeded, PoolTimeout, RequestException, SSLError
from .._model.request import Request
from .._runtime.base import Future, nearer
from .connect import Route
from .http2 import Http2Connection

if TYPE_CHECKING:
    from .pool import Pool

_MOST_PLACES = 1024


class _Place:
    """What is known of one route. `speaks` is None until a handshake has told."""

    __slots__ = ("connection", "opening", "speaks", "waiters")

    def __init__(self) -> None:
        self.connection: Http2Connection | None = None
        self.opening = False
        self.speaks: bool | None = None
        self.waiters: deque[Future] = deque()


class Lanes:
    """The HTTP/2 side of a pool: exchanges share a connection while it has room, and wait for room otherwise.

    A connection with exchanges on it is in use as far as the pool's bookkeeping goes, and idle without.
    """

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._places: dict[Route, _Place] = {}

    async def acquire(self, route: Route, request: Request) -> Any:
        """A connection with a place for `request`; one of HTTP/1.1, the caller's alone, where the peer has no other."""
        pool = self._pool
        fresh = request.fresh
        began = pool._now()
        while True:
            waiter: Future | None = None
            with pool._lock:
                place = self._place(route)
                if place.speaks is False:
                    break
                if place.connection is not None and (fresh or not place.connection.accepts()):
                    place.connection.retire()
                    place.connection = None
                fresh = False
                connection = place.connection
                if connection is not None and not connection.lanes:
                    connection = pool._state.take(route, pool._now())  # unless it was evicted or has expired
                    place.connection = connection
                if connection is not None and connection.has_room:
                    connection.lanes += 1
                    connection.held = True
                    return connection
                opening = place.opening
                if connection is not None or opening:
                    waiter = pool._new_future()
                    place.waiters.append(waiter)
                else:
                    place.opening = True
            pool._tidy()
            if waiter is None:
                return await self._open(place, route, request)
            failure = await self._wait(place, waiter, request, began, opening=opening)
            if failure is not None and failure.holds_for(request):
                raise failure.again() from failure.error
        return await pool.acquire_alone(route, request)

    async def _open(self, place: _Place, route: Route, request: Request) -> Any:
        connection: Any = None
        failure: _Failure | None = None
        try:
            connection = await self._pool.acquire_alone(route, request)
        except RequestException as error:
            failure = _Failure(error, request.options.timeout.connect)
            raise
        finally:
            with self._pool._lock:
                place.opening = False
                if connection is not None:
                    place.speaks = isinstance(connection, Http2Connection)
                if isinstance(connection, Http2Connection):
                    place.connection = connection
                    connection.lanes = 1
                while place.waiters:
                    _wake_one(place, failure)
            failure = None  # which this frame must not keep: the error has the frame
        return connection

    async def _wait(
        self, place: _Place, waiter: Future, request: Request, began: float, *, opening: bool
    ) -> "_Failure | None":
        """Until there may be room since `began`, or, `opening`, until another call has a connection or none."""
        now, limits = self._pool._now(), request.options.timeout
        limit = limits.connect if opening else limits.pool
        if limit is not None and not opening:
            limit -= now - began
        timeout = nearer(limit, request.deadline, now)
        try:
            failure: _Failure | None = await self._pool.runtime.wait(waiter, timeout)
        except BaseException as error:
            with self._pool._lock:
                if waiter in place.waiters:
                    place.waiters.remove(waiter)
                else:
                    _wake_one(place)  # its turn had come
            if not isinstance(error, TimeoutError):
                raise
            origin = request.url.origin
            if timeout != limit:
                raise DeadlineExceeded(f"no connection to {origin} in time (nothing sent)") from error
            if opening:
                raise ConnectTimeout(
                    f"connect to {origin} failed after {timeout:.1f} s: no answer yet (nothing sent)"
                ) from error
            raise PoolTimeout(f"no room on the connection to {origin} within {limits.pool:.3g} s") from error
        if request.notes is not None:
            request.notes.pool_wait += self._pool._now() - now
        return failure

    def left(self, connection: Http2Connection) -> bool:
        """One exchange less on `connection`; whether that was the last. Called with the pool's lock held."""
        connection.lanes -= 1
        place = self._places.get(connection.route)
        if place is not None:
            _wake_one(place)
        return connection.lanes == 0

    def _place(self, route: Route) -> _Place:
        place = self._places.get(route)
        if place is None:
            if len(self._places) >= _MOST_PLACES:
                self._places = {known: each for known, each in self._places.items() if each.connection or each.waiters}
            place = self._places[route] = _Place()
        return place


class _Failure(NamedTuple):
    """Why a call that opened a connection for others too has none; `limit` is what it gave to connecting."""

    error: RequestException
    limit: float | None

    def holds_for(self, request: Request) -> bool:
        """Whether the same attempt would have failed for `request` too: then it does not make one of its own."""
        if isinstance(self.error, DeadlineExceeded | PoolTimeout):
            return False
        if not isinstance(self.error, ConnectTimeout) or self.limit is None:
            return True
        own = request.options.timeout.connect
        return own is not None and own <= self.limit

    def again(self) -> RequestException:
        """The error, for another call."""
        error = type(self.error)(*self.error.args)
        if isinstance(error, SSLError) and isinstance(self.error, SSLError):
            error.check = self.error.check
        return error


def _wake_one(place: _Place, failure: _Failure | None = None) -> None:
    while place.waiters:
        waiter = place.waiters.popleft()
        if not waiter.done():
            waiter.set_result(failure)
            return
