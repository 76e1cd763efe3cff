"""What the cache needs of a place that keeps stored responses; never what may be stored, served or dropped.

Whatever a store raises costs the call nothing but a miss: the cache stage sees to that.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from .._model.stored import Key, Stored


class Stats(NamedTuple):
    """What a store holds: `items`, their `size` in bytes, and the items `evicted` for room so far."""

    items: int
    size: int
    evicted: int


class Writer(Protocol):
    """One response on its way into a store; no reader sees any of it before `commit`."""

    async def write(self, piece: bytes) -> bool:
        """Takes the next piece of the content. False: it will not be kept, so no more need be written."""
        ...

    async def commit(self) -> bool:
        """Makes the response visible, in the place of any that answers the same requests. False: it is not kept.

        It is refused when the exchange was sent before its URI was invalidated, or when it is too large.
        """
        ...

    def discard(self) -> None:
        """Forgets it, at any moment, in plain sync code; nothing happens after `commit`."""
        ...


class Store(Protocol):
    """Keeps `Stored` by `Key`. Moments are wall time, seconds since the epoch.

    Invalidation leaves a mark: what was sent at the mark's moment or before is not taken any more, so that a slow
    answer never brings back what was just invalidated.
    """

    def lacks(self, uri: str) -> bool:
        """Whether nothing is stored for `uri` in any partition, told at once in plain sync code; False if unsure."""
        ...

    async def lookup(self, keys: Iterable[Key]) -> list[Stored]:
        """All variants of the keys, those of the first key first, with their bodies in hand."""
        ...

    async def writer(self, record: Stored) -> Writer:
        """Takes up a response whose content is still to come; `record.body` is set by the store."""
        ...

    async def freshen(self, stored: Stored, record: Stored) -> bool:
        """Puts `record` in the place of `stored`. False if that changed or went meanwhile, or was invalidated."""
        ...

    async def invalidate(self, uris: Iterable[str], moment: float) -> int:
        """Drops all variants of `uris` in all partitions and leaves marks; the number dropped."""
        ...

    async def clear(self, moment: float) -> int:
        """Invalidates everything; the number dropped."""
        ...

    def touch(self, stored: Stored) -> None:
        """Notes that `stored` was used, in plain sync code that does not wait."""
        ...

    async def stats(self) -> Stats: ...

    async def iterate(self) -> list[Stored]:
        """Everything held, the least recently used first."""
        ...

    async def close(self) -> None:
        """Gives up what the store holds open; further calls are misses."""
        ...
