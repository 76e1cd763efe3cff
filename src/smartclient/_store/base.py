"""What the cache needs of a place that keeps stored responses; never what may be stored, served or dropped.

Whatever a store raises costs the call nothing but a miss: `GuardedStore` sees to that.
"""

from collections.abc import Iterable

from .._model.body import BodyReader
from .._model.declared import NamedTuple, Protocol
from .._model.scope import Scope
from .._model.stored import Key, Stored
from .._runtime.base import Runtime


class Traits(NamedTuple):
    """What kind of store it is.

    Attributes:
        small_reads_are_fast: `lookup` may run in the thread of an event loop: it takes microseconds.
        shared_between_processes: others see what is committed here, and the salt is the same for all of them.
        durable: what is committed survives the process.
        leases: `lease` keeps everybody else out who shares the store; without, it says yes to all.
        max_body: bytes of the largest content that is kept, nearly; None for no limit.
    """

    small_reads_are_fast: bool
    shared_between_processes: bool
    durable: bool
    leases: bool
    max_body: int | None


class Stats(NamedTuple):
    """What a store holds: `items`, their `size` in bytes, and the items `evicted` for room so far.

    `errors` counts the operations that failed, and so were misses. `hits` are the answers that were served from it,
    `misses` the look-ups that found nothing, by all processes together; None where the store does not count them.
    """

    items: int
    size: int
    evicted: int
    errors: int = 0
    hits: int | None = None
    misses: int | None = None


class Writer(Protocol):
    """One response on its way into a store; no reader sees any of it before `commit`."""

    async def write(self, piece: bytes) -> bool:
        """Takes the next piece of the content. False: it will not be kept, so no more need be written."""

    async def commit(self) -> bool:
        """Makes the response visible, in the place of any that answers the same requests. False: it is not kept.

        It is refused when the exchange was sent before its URI was invalidated, or when it is too large.
        """

    def discard(self) -> None:
        """Forgets it, at any moment, in plain sync code; nothing happens after `commit`."""


class Lease(Protocol):
    """The right to fetch what others wait for. Advisory: it ends by itself, and nothing depends on it."""

    def release(self) -> None:
        """Gives it back early, in plain sync code that does not wait."""


Page = tuple[list[Stored], object]
"""Some of what a store holds, and what `iterate` goes on from, None at the end."""


class Store(Protocol):
    """Keeps `Stored` by `Key`. Moments are wall time, seconds since the epoch.

    Invalidation leaves a mark: what was sent at the mark's moment or before is not taken any more, so that a slow
    answer never brings back what was just invalidated.
    """

    traits: Traits

    async def salt(self, runtime: Runtime) -> bytes:
        """At least 16 secret bytes, at most 64, that partitions are made with; as lasting as what is stored."""

    def lacks(self, uri: str) -> bool:
        """Whether nothing is stored for `uri` in any partition, told at once in plain sync code; False if unsure."""

    async def lookup(self, runtime: Runtime, keys: Iterable[Key]) -> list[Stored]:
        """All variants of the keys, those of the first key first. Small bodies are in hand, of others it is None."""

    async def open_body(
        self, runtime: Runtime, stored: Stored, span: tuple[int, int] | None = None
    ) -> BodyReader | None:
        """The content of `stored`, or its bytes from `span[0]` up to `span[1]`; None if it is not there any more.

        It is pinned: once open, no eviction and no invalidation takes it away. Damage that only shows while it is read
        raises IncompleteBody, and the response is dropped.
        """

    async def writer(self, runtime: Runtime, record: Stored) -> Writer:
        """Takes up a response whose content is still to come; the store sets its `body`, `length` and `place`."""

    async def freshen(self, runtime: Runtime, stored: Stored, record: Stored) -> bool:
        """Puts `record`, which has the body of `stored`, in its place.

        False if that changed or went meanwhile, or was invalidated.
        """

    async def invalidate(self, runtime: Runtime, scopes: Iterable[Scope], moment: float) -> int:
        """Drops what `scopes` cover and leaves marks; the number dropped."""

    async def lease(self, runtime: Runtime, key: Key, seconds: float) -> Lease | None:
        """The lease on `key` for so long; None: somebody else has it."""

    def touch(self, stored: Stored) -> None:
        """Notes that `stored` was used, in plain sync code that does not wait."""

    async def stats(self, runtime: Runtime) -> Stats:
        """What is held, in numbers."""

    async def iterate(self, runtime: Runtime, after: object = None) -> Page:
        """What is held, the least recently used first, page by page: `after` is what the page before came with.

        Bodies that are not in hand are None. What turns out to be unreadable is dropped.
        """

    async def close(self, runtime: Runtime) -> None:
        """Gives up what the store holds open, and writes what it has not written yet; the next call opens it again."""
