"""The pool's shell: `pool_state` under one lock, with the waits, the opening and the closing around it.

Clean-up (`release`, `discard`) is plain sync code that runs exactly once on every way out, so that a cancellation
needs no shield. No I/O happens under the lock.
"""

import os
import threading
import warnings
from collections import deque
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from .._model.declared import NamedTuple
from .._model.errors import ConnectTimeout, DeadlineExceeded, PoolTimeout
from .._model.frozen import replace
from .._model.options import DEFAULT_OPTIONS, Limits, Options, Timeout
from .._model.request import Request
from .._model.timings import Notes
from .._model.url import Origin
from .._runtime.base import Runtime, Stream, nearer
from .connect import Route, connect
from .http1 import Http1Connection
from .pool_state import OPEN, PoolState, Waiter

if TYPE_CHECKING:
    from .http2 import Http2Connection
    from .lanes import Lanes

_pools: "WeakSet[Pool]" = WeakSet()
_NOWHERE = Route(Origin("", "", 0), None)


class PoolStats(NamedTuple):
    """What a pool has and did.

    Attributes:
        active, idle: connections in use, and ready for the next call.
        waiting: calls without a connection.
        opened: connections opened so far.
        requests: exchanges begun so far, redirects and retries included.
        reused: those of them that found a connection which had served before.
    """

    active: int = 0
    idle: int = 0
    waiting: int = 0
    opened: int = 0
    requests: int = 0
    reused: int = 0


class Pool:
    """Connections of one runtime, shared by all who use it: threads, or the tasks of one event loop."""

    def __init__(self, runtime: Runtime, limits: Limits) -> None:
        self.runtime = runtime
        self._now = runtime.now
        self._new_future = runtime.new_future
        self._limits = limits
        self._latest: tuple[Options, Route] = DEFAULT_OPTIONS, _NOWHERE
        self._reset()
        _pools.add(self)

    def _reset(self) -> None:
        limits = self._limits
        self._lock = threading.Lock()
        self._orphans: deque[Any] = deque()  # connections that a body was on which nobody holds any more
        self._lanes: Lanes | None = None
        self._open: WeakSet[Http1Connection] = WeakSet()
        self._opened = self._served = self._reused = 0  # the latter two by connections that are gone
        self._state: PoolState[Any] = PoolState(
            max_connections=limits.max_connections,
            max_per_origin=limits.max_per_origin,
            keepalive_expiry=limits.keepalive_expiry,
        )

    def take(self, request: Request) -> Http1Connection | None:
        """As `acquire`, at once; None if no connection is idle for `request`, or it must have a new one."""
        if request.fresh:
            return None
        known, route = self._latest
        if known is not request.options or route.origin != request.url.origin:
            if request.options.leash is not None:
                return None  # `acquire_alone` ties it
            route = self._route_of(request)
        if route.http2:
            return None
        with self._lock:
            connection = self._state.take(route, self._now())
        if self._state.doomed or self._orphans:
            self._tidy()
        if connection is not None:
            connection.held = True
        return connection

    async def acquire(self, request: Request) -> Any:
        """A connection for `request`, the caller's until `release` or `discard`.

        Raises:
            PoolTimeout, DeadlineExceeded: none became free in time.
            ConnectTimeout, ResolveError, ProxyError, ConnectionError, SSLError: from `connect`.
        """
        route = self._route_of(request)
        return await (self._with_lanes().acquire if route.http2 else self.acquire_alone)(route, request)

    def _with_lanes(self) -> "Lanes":
        if self._lanes is None:
            from .lanes import Lanes

            lanes = Lanes(self)
            with self._lock:
                if self._lanes is None:
                    self._lanes = lanes
        return self._lanes

    async def acquire_alone(self, route: Route, request: Request) -> Any:
        """A connection of `route` that nobody else uses; as `acquire`."""
        leash = request.options.leash
        if leash is None:
            return await self._acquired(route, request)
        leash.check()
        connection = await self._acquired(route, request)
        if not connection.shared:
            leash.tie(connection.stream)
        return connection

    async def _acquired(self, route: Route, request: Request) -> Any:
        while True:
            with self._lock:
                found = self._state.acquire(route, self._now(), self._new_future)
            if self._state.doomed or self._orphans:
                self._tidy()
            if isinstance(found, Waiter):
                found = await self._wait(found, request)
            if found is OPEN:
                return await self._connect(route, request)
            found.held = True
            if not request.fresh:
                return found
            self.discard(found)  # most likely as dead as the one before it

    def _route_of(self, request: Request) -> Route:
        """Where `request` leads; noted, because most calls go where the call before went."""
        origin, options = request.url.origin, request.options
        proxy = options.proxy
        secure = origin.scheme == "https" or (proxy is not None and proxy.scheme == "https")
        http2 = options.http2 and origin.scheme == "https"
        route = Route(origin, options.tls if secure else None, proxy, options.reach, http2, options.lenient_http1)
        if options.leash is None:
            self._latest = options, route
        return route

    async def _wait(self, waiter: Waiter[Http1Connection], request: Request) -> Any:
        runtime = self.runtime
        limit = request.options.timeout.pool
        started = self._now()
        timeout = nearer(limit, request.deadline, started)
        try:
            connection = await runtime.wait(waiter.future, timeout)
        except BaseException as error:
            with self._lock:
                self._state.withdraw(waiter, self._now())
            self._tidy()
            if not isinstance(error, TimeoutError):
                raise
            kind = PoolTimeout if timeout == limit else DeadlineExceeded
            message = f"no free connection for {request.url.origin} within {timeout:.3g} s: {self!r} (nothing sent)"
            raise kind(message) from error
        if request.notes is not None:
            request.notes.pool_wait += self._now() - started
        return connection

    async def _connect(self, route: Route, request: Request) -> Any:
        """Opens a connection in the slot that was reserved."""
        notes = request.notes = request.notes or Notes(request.began)
        try:
            limit = nearer(request.options.timeout.connect, request.deadline, self._now())
            connection = _new_connection(self.runtime, route, await connect(self.runtime, route, limit, notes))
        except BaseException as error:
            with self._lock:
                self._state.discard(route)
            self._tidy()
            if isinstance(error, ConnectTimeout) and self._now() >= request.deadline:
                raise DeadlineExceeded(*error.args) from error
            raise
        with self._lock:
            self._open.add(connection)
            self._opened += 1
        notes.opened = self._now()
        if request.watch is not None:
            from .._model.events import ConnectionOpened  # few sessions are observed

            version = None if connection.handshake is None else connection.handshake.version
            opening = (connection.address, notes.dns, notes.connect, notes.tls, version)
            request.watch.tell(ConnectionOpened, route.origin, *opening)
        return connection

    async def prewarm(self, request: Request, count: int) -> int:
        """Sees to it that `count` connections are idle for `request`; fewer where the limits leave no room."""
        options = request.options
        timeout = Timeout(options.timeout.read, connect=options.timeout.connect, pool=0.0)  # never waits for a slot
        request = request.replace(options=replace(options, timeout=timeout))
        held: list[Any] = []
        try:
            while len(held) < count:
                held.append(await self.acquire(request))
                if held[-1].shared:
                    break  # as many as there is room for
        except PoolTimeout:
            pass
        finally:
            for connection in held:
                (self.leave if connection.shared else self.release)(connection)
        return len(held)

    def stats(self) -> PoolStats:
        """Counts as of now."""
        with self._lock:
            state = self._state
            served = [connection.served for connection in self._open]
            requests = self._served + sum(served)
            reused = self._reused + sum(max(0, each - 1) for each in served)
            return PoolStats(state.active, state.idle, state.waiting, self._opened, requests, reused)

    def _count_out(self, connection: Http1Connection) -> None:
        """Keeps the numbers of a connection that is gone; called with the lock held."""
        self._open.discard(connection)
        self._served += connection.served
        self._reused += max(0, connection.served - 1)

    def release(self, connection: Http1Connection) -> None:
        """Takes a connection back for reuse. Nothing happens to one that was given back already."""
        if not connection.held:
            return
        connection.held = False
        with self._lock:
            self._state.release(connection, self._now())
        if self._state.doomed or self._orphans:
            self._tidy()

    def discard(self, connection: Http1Connection) -> None:
        """Aborts a connection; its slot is free. Nothing happens to one that was given back already."""
        if connection.held:
            connection.held = False
            connection.abort()
            with self._lock:
                self._count_out(connection)
                self._state.discard(connection.route)
            self._tidy()

    def discard_later(self, connection: Any) -> None:
        """`discard`, or `leave`, for finalisers: from any thread, at any moment, never blocking."""
        forgotten = connection.held
        self._orphans.append(connection)
        self.runtime.call_threadsafe(self._collect)
        if forgotten:  # not what a fork has taken away
            origin = connection.route.origin
            warnings.warn(
                f"a streamed response from {origin} was dropped: read it to its end, or close it",
                ResourceWarning,
                stacklevel=3,
            )

    def leave(self, connection: "Http2Connection") -> None:
        """One exchange less on a connection that several share; without any it is idle, or closed if of no use."""
        with self._lock:
            self._left(connection)
        self._tidy()

    def _left(self, connection: "Http2Connection") -> None:
        assert self._lanes is not None
        if self._lanes.left(connection) and connection.held:
            connection.held = False
            if connection.is_open:
                self._state.release(connection, self._now())
            else:
                self._state.discard(connection.route)
                self._state.doomed.append(connection)

    def _collect(self) -> None:
        # Whoever holds the lock looks at the orphans after letting go of it, so a failed try loses nothing.
        while self._orphans and self._lock.acquire(blocking=False):
            try:
                orphans = [self._orphans.popleft() for _ in range(len(self._orphans))]
                for connection in orphans:
                    if connection.shared:
                        self._left(connection)
                    elif connection.held:
                        connection.held = False
                        self._count_out(connection)
                        self._state.discard(connection.route)
            finally:
                self._lock.release()
            for connection in orphans:
                if not connection.shared:
                    connection.abort()
            if self._state.doomed:
                self._tidy()

    def _tidy(self) -> None:
        """Closes what the bookkeeping has given up; outside the lock, since closing is I/O."""
        if self._state.doomed:
            with self._lock:
                doomed = self._state.take_doomed()
                for connection in doomed:
                    self._count_out(connection)
            for connection in doomed:
                connection.abort()
        if self._orphans:  # last, since this too is an unlock that finalisers rely on
            self._collect()

    def close(self) -> list[Http1Connection]:
        """Closes the idle connections; those in use are closed when they come back. Gives what is not yet gone."""
        with self._lock:
            idle = self._state.close()
            for connection in idle:
                self._count_out(connection)
        for connection in idle:
            connection.abort()
        self._tidy()
        return idle

    async def aclose(self) -> None:
        """`close`, and wait until the sockets are gone."""
        await self.runtime.settle([connection.stream for connection in self.close()])

    def forget(self) -> None:
        """In a forked child: the descriptors are closed, silently for the peer, which still talks to the parent."""
        inherited = list(self._open)
        self._reset()
        for connection in inherited:
            connection.held = False  # its slot went with the old state
            if self.runtime.name == "blocking":
                connection.abort()

    def __repr__(self) -> str:
        state = self._state
        return f"<Pool {state.active} active, {state.idle} idle, {state.waiting} waiting>"


def _new_connection(runtime: Runtime, route: Route, stream: Stream) -> Any:
    if route.is_forwarded:
        from .proxy import ForwardedConnection

        return ForwardedConnection(runtime, route, stream)
    if route.http2 and stream.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
        from .http2 import Http2Connection

        return Http2Connection(runtime, route, stream)
    return Http1Connection(runtime, route, stream)


def _forget_pools() -> None:
    for pool in list(_pools):
        pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pools)
