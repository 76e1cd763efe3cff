"""The pool's shell: `pool_state` under one lock, with the waits, the opening and the closing around it.

Clean-up (`release`, `discard`) is plain sync code that runs exactly once on every way out, so that a cancellation
needs no shield. No I/O happens under the lock.
"""

import os
import threading
from collections import deque
from typing import Any
from weakref import WeakSet

from .._model.errors import ConnectTimeout, DeadlineExceeded, PoolTimeout
from .._model.options import Limits
from .._model.request import Request
from .._runtime.base import Runtime
from .connect import Route, connect
from .http1 import Http1Connection, nearer
from .pool_state import OPEN, PoolState, Waiter

_pools: "WeakSet[Pool]" = WeakSet()


class Pool:
    """Connections of one runtime, shared by all who use it: threads, or the tasks of one event loop."""

    def __init__(self, runtime: Runtime, limits: Limits) -> None:
        self.runtime = runtime
        self._limits = limits
        self._reset()
        _pools.add(self)

    def _reset(self) -> None:
        limits = self._limits
        self._lock = threading.Lock()
        self._orphans: deque[Http1Connection] = deque()
        self._open: WeakSet[Http1Connection] = WeakSet()
        self._state: PoolState[Http1Connection] = PoolState(
            max_connections=limits.max_connections,
            max_per_origin=limits.max_per_origin,
            keepalive_expiry=limits.keepalive_expiry,
        )

    async def acquire(self, request: Request) -> Http1Connection:
        """A connection for `request`, the caller's until `release` or `discard`.

        Raises:
            PoolTimeout, DeadlineExceeded: none became free in time.
            ConnectTimeout, ResolveError, ProxyError, ConnectionError, SSLError: from `connect`.
        """
        origin, options = request.url.origin, request.options
        proxy = options.proxy
        secure = origin.scheme == "https" or (proxy is not None and proxy.scheme == "https")
        route = Route(origin, options.tls if secure else None, proxy)
        while True:
            with self._lock:
                found = self._state.acquire(route, self.runtime.now(), self.runtime.new_future)
            if self._state.doomed or self._orphans:
                self._tidy()
            if isinstance(found, Waiter):
                found = await self._wait(found, request)
            if found is OPEN:
                return await self._connect(route, request)
            assert isinstance(found, Http1Connection)
            found.held = True
            if not request.fresh:
                return found
            self.discard(found)  # most likely as dead as the one before it

    async def _wait(self, waiter: Waiter[Http1Connection], request: Request) -> Any:
        runtime = self.runtime
        limit = request.options.timeout.pool
        timeout = nearer(limit, request.deadline, runtime.now())
        try:
            return await runtime.wait(waiter.future, timeout)
        except BaseException as error:
            with self._lock:
                self._state.withdraw(waiter, runtime.now())
            self._tidy()
            if not isinstance(error, TimeoutError):
                raise
            kind = PoolTimeout if timeout == limit else DeadlineExceeded
            message = f"no free connection for {request.url.origin} within {timeout:.3g} s: {self!r} (nothing sent)"
            raise kind(message) from error

    async def _connect(self, route: Route, request: Request) -> Http1Connection:
        """Opens a connection in the slot that was reserved."""
        try:
            limit = nearer(request.options.timeout.connect, request.deadline, self.runtime.now())
            stream = await connect(self.runtime, route, limit)
        except BaseException as error:
            self._give_up_slot(route)
            if isinstance(error, ConnectTimeout) and self.runtime.now() >= request.deadline:
                raise DeadlineExceeded(*error.args) from error
            raise
        if route.is_forwarded:
            from .proxy import ForwardedConnection

            connection: Http1Connection = ForwardedConnection(self.runtime, route, stream)
        else:
            connection = Http1Connection(self.runtime, route, stream)
        self._open.add(connection)
        return connection

    def release(self, connection: Http1Connection) -> None:
        """Takes a connection back for reuse. Nothing happens to one that was given back already."""
        if not connection.held:
            return
        connection.held = False
        with self._lock:
            self._state.release(connection, self.runtime.now())
        if self._state.doomed or self._orphans:
            self._tidy()

    def discard(self, connection: Http1Connection) -> None:
        """Aborts a connection; its slot is free. Nothing happens to one that was given back already."""
        if connection.held:
            connection.held = False
            connection.abort()
            self._give_up_slot(connection.route)

    def _give_up_slot(self, route: Route) -> None:
        with self._lock:
            self._state.discard(route)
        self._tidy()

    def discard_later(self, connection: Http1Connection) -> None:
        """`discard` for finalisers: from any thread, at any moment, never blocking."""
        self._orphans.append(connection)
        self.runtime.call_threadsafe(self._collect)

    def _collect(self) -> None:
        # Whoever holds the lock looks at the orphans after letting go of it, so a failed try loses nothing.
        while self._orphans and self._lock.acquire(blocking=False):
            try:
                orphans = [self._orphans.popleft() for _ in range(len(self._orphans))]
                for connection in orphans:
                    if connection.held:
                        connection.held = False
                        self._state.discard(connection.route)
            finally:
                self._lock.release()
            for connection in orphans:
                connection.abort()

    def _tidy(self) -> None:
        """Closes what the bookkeeping has given up; outside the lock, since closing is I/O."""
        if self._orphans:
            self._collect()
        if self._state.doomed:
            with self._lock:
                doomed = self._state.take_doomed()
            for connection in doomed:
                connection.abort()

    def close(self) -> list[Http1Connection]:
        """Closes the idle connections; those in use are closed when they come back. Gives what is not yet gone."""
        with self._lock:
            idle = self._state.close()
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


def _forget_pools() -> None:
    for pool in list(_pools):
        pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pools)
