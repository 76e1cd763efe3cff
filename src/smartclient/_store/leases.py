"""Leases among the callers of one process; never between processes."""

import time

from .._model.stored import Key
from .._runtime.base import new_lock


class LocalLeases:
    """At most one lease at a time for each key."""

    def __init__(self) -> None:
        self._lock = new_lock()
        self._held: dict[Key, LocalLease] = {}

    def take(self, key: Key, seconds: float) -> "LocalLease | None":
        """The lease on `key` for so long; None while there is another."""
        with self._lock:
            now = time.monotonic()
            held = self._held.get(key)
            if held is not None and held.until > now:
                return None
            lease = self._held[key] = LocalLease(self, key, now + seconds)
            return lease

    def end(self, lease: "LocalLease") -> None:
        """Ends it, if it has not been followed by another."""
        with self._lock:
            if self._held.get(lease.key) is lease:
                del self._held[lease.key]


class LocalLease:
    """One of them."""

    __slots__ = ("_leases", "key", "until")

    def __init__(self, leases: LocalLeases, key: Key, until: float) -> None:
        self._leases = leases
        self.key = key
        self.until = until  # monotonic seconds

    def release(self) -> None:
        self._leases.end(self)
