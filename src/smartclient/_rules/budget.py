"""The retries that an origin may still have, over all calls of a session, so that clients do not multiply an outage.

Counted in fifths of a retry: a retry takes five, every call gives one back, so that in the long run of an outage at
most one call in five is repeated.
"""

from contextlib import AbstractContextManager
from typing import Any

from .._model.url import Origin

_PRICE = 5
_ORIGINS_MAX = 10_000  # origins that owe; the oldest is forgiven


class RetryBudget:
    """What each origin owes, by the origin; one that owes nothing is not in it. Safe for many threads."""

    __slots__ = ("_lock", "owed")

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        self._lock = lock
        self.owed: dict[Origin, int] = {}

    def take(self, origin: Origin, tokens: int | None) -> bool:
        """Whether one more retry is inside `tokens`; None for no bound, which takes nothing."""
        if tokens is None:
            return True
        with self._lock:
            owed = self.owed.get(origin, 0) + _PRICE
            if owed > tokens * _PRICE:
                return False
            if origin not in self.owed and len(self.owed) >= _ORIGINS_MAX:
                del self.owed[next(iter(self.owed))]
            self.owed[origin] = owed
            return True

    def give(self, origin: Origin) -> None:
        """What each call gives back, whatever becomes of it."""
        with self._lock:
            owed = self.owed.get(origin, 0)
            if owed > 1:
                self.owed[origin] = owed - 1
            elif owed:
                del self.owed[origin]
