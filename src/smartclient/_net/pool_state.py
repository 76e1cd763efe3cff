"""Which connection serves whom: the pool's bookkeeping as plain calls; never a wait, a lock, a clock or a socket.

Every method costs O(1) amortised (O(log routes) where routes compete for the last slot). The shell calls it under one
lock, or on one event loop, and afterwards aborts what `take_doomed` returns. Persistence: RFC 9112 section 9.3.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from enum import Enum
from heapq import heapify, heappop, heappush, heapreplace
from math import floor, inf
from typing import Final, Generic, Literal, TypeVar

from .._model.declared import Protocol
from .._model.errors import InvalidOption
from .._runtime.base import Future

MAX_PASSES = 4  # two saturated routes then reconnect for 2 % of their requests and share evenly; with 0, for 50 %
_FEW = 16  # entries that are not worth tidying up
_NEVER = 1e9  # seconds; finite, so that no number a server sends can get past the comparison and overflow


class Open(Enum):
    """The type of `OPEN`."""

    OPEN = "OPEN"

    def __repr__(self) -> str:
        return self.value


OPEN: Final = Open.OPEN
"""A slot is reserved: connect, then `release` the connection or `discard` its route."""


class Pooled(Protocol):
    """What the state needs of a connection. Connections are told apart by identity, so `__eq__` must be object's."""

    idle_since: float
    """When it became idle, in the seconds of `now`; written by the state."""

    @property
    def route(self) -> Hashable:
        """Where it leads; only connections of the same route are interchangeable."""

    @property
    def keep_alive_timeout(self) -> float | None:
        """Seconds after which the server closes it when idle, by its own word (`Keep-Alive: timeout=n`)."""

    def is_alive(self) -> bool:
        """Whether an idle connection may be used: open, and silent since its last response. Never raises."""


C = TypeVar("C", bound=Pooled)


class Waiter(Generic[C]):
    """A place in the queue of `route`. It is dead if and only if `future` is done."""

    __slots__ = ("future", "grant", "number", "passed", "route")

    def __init__(self, route: Hashable, future: Future, number: int) -> None:
        self.route = route
        self.future = future
        self.number = number  # of arrival: the lower, the older
        self.passed = 0  # connections that went to younger waiters while only the total limit held this one back
        self.grant: C | Literal[Open.OPEN] | None = None


class _Share(Generic[C]):
    """What one route has of the pool. `slots` counts its connections: connecting, in use and idle."""

    __slots__ = ("idle", "listed", "route", "slots", "waiters")

    def __init__(self, route: Hashable) -> None:
        self.route = route
        self.slots = 0
        self.idle: dict[C, OrderedDict[C, None]] = {}  # by age, each with the order that lists it too
        self.waiters: OrderedDict[Waiter[C], None] = OrderedDict()
        self.listed = False  # in the pool's `_line`


class PoolState(Generic[C]):
    """Slots, idle connections and waiters of one pool.

    Args:
        max_connections: slots in all, at least 1.
        max_per_origin: slots of one route, at least 1; None for no limit of its own.
        keepalive_expiry: seconds that a connection may be idle.

    Attributes:
        doomed: connections to abort; see `take_doomed`.

    Raises:
        InvalidOption: a limit that nothing could satisfy.
    """

    __slots__ = (
        "_arrivals",
        "_closed",
        "_keepalive_expiry",
        "_line",
        "_max_connections",
        "_max_per_origin",
        "_next_expiry",
        "_orders",
        "_shares",
        "_slots",
        "_waiting",
        "doomed",
    )

    def __init__(
        self, *, max_connections: int = 100, max_per_origin: int | None = None, keepalive_expiry: float = 60.0
    ) -> None:
        if max_connections < 1:
            raise InvalidOption(f"max_connections must be at least 1, got {max_connections!r:.80}")
        if max_per_origin is not None and max_per_origin < 1:
            raise InvalidOption(f"max_per_origin must be at least 1 or None, got {max_per_origin!r:.80}")
        if not keepalive_expiry >= 0:  # also refuses NaN
            raise InvalidOption(f"keepalive_expiry must not be negative, got {keepalive_expiry!r:.80}")
        self.doomed: list[C] = []
        self._max_connections = max_connections
        self._max_per_origin = max_connections if max_per_origin is None else max_per_origin
        self._keepalive_expiry = min(keepalive_expiry, _NEVER)
        self._closed = False
        self._slots = 0
        self._shares: dict[Hashable, _Share[C]] = {}
        # Idle connections, the oldest first, by how many seconds they may be idle: within one order the first is
        # also the first to expire. Servers' limits are cut to whole seconds, so there are few orders.
        self._orders: dict[float, OrderedDict[C, None]] = {}
        self._next_expiry = inf  # nothing expires before this moment
        self._arrivals = 0
        self._waiting = 0
        # A heap with one entry for each share whose waiters only the total limit holds back, and for some others,
        # which `_oldest` removes. The number is that of its first waiter or of one before it, never of a later one.
        self._line: list[tuple[int, _Share[C]]] = []

    def take(self, route: Hashable, now: float) -> C | None:
        """The youngest idle connection of `route`, reserved as `acquire` does it; None if there is none."""
        if now > self._next_expiry:
            self.expire(now)
        share = self._shares.get(route)
        if share is not None:
            idle = share.idle
            while idle:
                connection, order = idle.popitem()
                del order[connection]
                if connection.is_alive():
                    return connection
                self._doom(connection, share)
        return None

    def acquire(
        self, route: Hashable, now: float, new_future: Callable[[], Future]
    ) -> C | Literal[Open.OPEN] | Waiter[C]:
        """The youngest idle connection of `route`, else OPEN, else a Waiter whose future will have one of them.

        Whatever is returned or granted is reserved from that moment: `release` or `discard` it exactly once, and
        `withdraw` a waiter instead of leaving it. At the total limit the oldest idle connection of all makes room.
        """
        connection = self.take(route, now)
        if connection is not None:
            return connection
        share = self._shares.get(route)
        if share is None:
            share = self._shares[route] = _Share(route)
        if share.slots < self._max_per_origin and (self._slots < self._max_connections or self._evict()):
            share.slots += 1
            self._slots += 1
            return OPEN
        waiter: Waiter[C] = Waiter(route, new_future(), self._arrivals)
        self._arrivals += 1
        self._waiting += 1
        share.waiters[waiter] = None
        self._list(share)
        return waiter

    def release(self, connection: C, now: float) -> None:
        """Takes back a connection that may serve again: for a waiter, else for the next `acquire`."""
        if now > self._next_expiry:
            self.expire(now)
        share = self._shares[connection.route]
        lifetime = self._keepalive_expiry
        timeout = connection.keep_alive_timeout
        if timeout is not None and timeout < lifetime + 1.0:
            # One second less, so that our next request and the server's close do not cross on the way.
            lifetime = floor(timeout) - 1 if timeout > 0.0 else -1
        if self._closed or lifetime < 0:
            self._replace(connection, share)
            return
        if self._waiting and self._hand_over(connection, share):
            return
        order = self._orders.get(lifetime)
        if order is None:
            order = self._new_order(lifetime)
        share.idle[connection] = order
        order[connection] = None
        connection.idle_since = now
        if now + lifetime < self._next_expiry:
            self._next_expiry = now + lifetime

    def discard(self, route: Hashable) -> None:
        """A reserved slot of `route` is free: its connection is closed, or never came to be. May grant one OPEN."""
        self._vacate(self._shares[route])

    def withdraw(self, waiter: Waiter[C], now: float) -> None:
        """The owner of `waiter` gave up; a grant that has arrived already goes on to the next."""
        grant, waiter.grant = waiter.grant, None
        if grant is None:
            share = self._shares.get(waiter.route)
            if share is not None and waiter in share.waiters:
                self._unqueue(waiter, share)
        elif grant is OPEN:
            self.discard(waiter.route)
        else:
            self.release(grant, now)

    def expire(self, now: float) -> None:
        """Dooms what has been idle for longer than it may; `acquire` and `release` do so by themselves."""
        self._next_expiry = inf
        for lifetime, order in self._orders.items():
            while order:
                connection = next(iter(order))
                expiry = connection.idle_since + lifetime
                if now <= expiry:
                    self._next_expiry = min(self._next_expiry, expiry)
                    break
                self._drop_idle(connection)

    def take_doomed(self) -> list[C]:
        """Connections to abort now: evicted, expired, dead or unwanted. Their slots are free already."""
        doomed, self.doomed = self.doomed, []
        return doomed

    def close(self) -> list[C]:
        """The idle connections, all forgotten and to be aborted; from now on `release` dooms what it is given."""
        self._closed = True
        for connection in [connection for order in self._orders.values() for connection in order]:
            self._drop_idle(connection)
        return self.take_doomed()

    @property
    def active(self) -> int:
        """Reserved slots: connecting, in use, or granted."""
        return self._slots - self.idle

    @property
    def idle(self) -> int:
        """Connections that wait for a request."""
        return sum(map(len, self._orders.values()))

    @property
    def waiting(self) -> int:
        """Waiters without a grant; one that was cancelled counts until it withdraws or its turn comes."""
        return self._waiting

    def __repr__(self) -> str:
        return f"<PoolState {self.active} active, {self.idle} idle, {self.waiting} waiting>"

    def _new_order(self, lifetime: float) -> OrderedDict[C, None]:
        if len(self._orders) > self._max_connections:  # so that servers with ever new timeouts fill no memory
            self._orders = {known: order for known, order in self._orders.items() if order}
        order = self._orders[lifetime] = OrderedDict()
        return order

    def _hand_over(self, connection: C, share: _Share[C]) -> bool:
        """Whether `connection`, or its slot, went to a waiter.

        Oldest first without exception would reconnect for ever when two saturated routes share a full pool.
        """
        own = self._first(share)
        oldest = self._oldest()
        if own is not None:
            older = oldest if oldest is not None and oldest.number < own.number else None
            if (older is None or older.passed < MAX_PASSES) and connection.is_alive():
                if older is not None:
                    older.passed += 1
                self._grant(own, connection, share)
                return True
        elif oldest is None:
            return False
        self._replace(connection, share)
        return True

    def _vacate(self, share: _Share[C]) -> None:
        """One slot of `share` less; whoever has waited longest for any slot gets it."""
        share.slots -= 1
        self._slots -= 1
        if share.waiters:
            self._list(share)
        else:
            self._forget_if_empty(share)
        oldest = self._oldest()
        if oldest is not None:
            winner = self._shares[oldest.route]
            winner.slots += 1
            self._slots += 1
            self._grant(oldest, OPEN, winner)

    def _replace(self, connection: C, share: _Share[C]) -> None:
        self.doomed.append(connection)
        self._vacate(share)

    def _grant(self, waiter: Waiter[C], grant: C | Literal[Open.OPEN], share: _Share[C]) -> None:
        self._unqueue(waiter, share)
        waiter.grant = grant
        waiter.future.set_result(grant)

    def _doom(self, connection: C, share: _Share[C]) -> None:
        share.slots -= 1
        self._slots -= 1
        self.doomed.append(connection)

    def _drop_idle(self, connection: C) -> None:
        # Wakes nobody: while anything is idle, only limits of their own hold waiters back.
        share = self._shares[connection.route]
        del share.idle.pop(connection)[connection]
        self._doom(connection, share)
        self._forget_if_empty(share)

    def _evict(self) -> bool:
        """Whether the oldest idle connection made room; False when none is idle."""
        firsts = [next(iter(order)) for order in self._orders.values() if order]
        if not firsts:
            return False
        self._drop_idle(min(firsts, key=lambda connection: connection.idle_since))
        return True

    def _first(self, share: _Share[C]) -> Waiter[C] | None:
        """The first live waiter of `share`; dead ones before it are removed."""
        while share.waiters:
            waiter = next(iter(share.waiters))
            if not waiter.future.done():
                return waiter
            self._unqueue(waiter, share)
        return None

    def _oldest(self) -> Waiter[C] | None:
        """The oldest live waiter whom only the total limit holds back."""
        line = self._line
        while line:
            number, share = line[0]
            first = self._first(share) if share.slots < self._max_per_origin else None
            if first is None:
                heappop(line)
                share.listed = False
            elif first.number == number:
                return first
            else:
                heapreplace(line, (first.number, share))
        return None

    def _list(self, share: _Share[C]) -> None:
        """Sees to it that a share with waiters is in the line."""
        if share.listed:
            return
        share.listed = True
        heappush(self._line, (next(iter(share.waiters)).number, share))
        if len(self._line) > 2 * self._waiting + _FEW:
            self._tidy_line()

    def _tidy_line(self) -> None:
        """Removes shares that nobody waits for: while no slot gets free, `_oldest` does not see to it."""
        for _, share in self._line:
            share.listed = bool(share.waiters)
        self._line = [entry for entry in self._line if entry[1].listed]
        heapify(self._line)

    def _unqueue(self, waiter: Waiter[C], share: _Share[C]) -> None:
        del share.waiters[waiter]
        self._waiting -= 1
        self._forget_if_empty(share)

    def _forget_if_empty(self, share: _Share[C]) -> None:
        if not share.slots and not share.waiters:
            del self._shares[share.route]
