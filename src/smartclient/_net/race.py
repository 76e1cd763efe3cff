"""Which of a host's addresses is tried when (RFC 8305): a schedule, never a wait, a clock or a socket."""

from collections.abc import Sequence
from itertools import chain, zip_longest

from .._runtime.base import Address

ATTEMPT_DELAY = 0.25  # seconds between two attempts (RFC 8305 section 5 recommends this number)
MOST_ADDRESSES = 32  # of one host; a name with more of them must not have us open a socket for each


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """`addresses` with the families by turns, beginning with that of the first; none twice (RFC 8305 section 4).

    Within a family the order stays that of the system, which is the one of RFC 6724.
    """
    different = list(dict.fromkeys(addresses))
    first = [address for address in different if address.family == different[0].family]
    others = [address for address in different if address.family != different[0].family]
    turns = chain.from_iterable(zip_longest(first, others))
    return [address for address in turns if address is not None][:MOST_ADDRESSES]


class Race:
    """When the attempts on `count` addresses begin: one after another, the next one at once where one has failed.

    All moments are seconds on one clock that may begin anywhere.
    """

    __slots__ = ("_count", "_due", "begun")

    def __init__(self, count: int) -> None:
        self._count = count
        self._due = float("-inf")
        self.begun = 0

    def begins(self, now: float) -> int | None:
        """The place of the address whose attempt begins at `now`; None when none is due, or none is left."""
        if self.begun == self._count or now < self._due:
            return None
        self._due = now + ATTEMPT_DELAY
        self.begun += 1
        return self.begun - 1

    def failed(self) -> None:
        """One attempt has failed: the next one is due."""
        self._due = float("-inf")

    def until_next(self, now: float) -> float | None:
        """Seconds until the next attempt is due; None when none is left."""
        return None if self.begun == self._count else max(0.0, self._due - now)
