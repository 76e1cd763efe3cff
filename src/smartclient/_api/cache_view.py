"""`session.cache`: what is stored, and having it forgotten; written once for both facades. Never how it is used."""

import time
from typing import TYPE_CHECKING, Any

from .._model.declared import NamedTuple
from .._model.errors import IncompleteBody, InvalidOption
from .._model.headers import Fields
from .._model.scope import EVERYTHING, Scope, origin_of
from .._model.stored import Stored
from .._model.url import URL
from .._rules.freshness import current_age
from .._runtime.base import Runtime, run_blocking
from .._store.base import Stats, Store
from .loops import new_async_runtime, running_loop

if TYPE_CHECKING:
    from .cache import Cache


class CacheEntry(NamedTuple):
    """One stored response.

    Attributes:
        url: without fragment.
        status: of the response.
        size: bytes of its content as received.
        received_at: wall time, seconds since the epoch.
        age, ttl: whole seconds since it was made, and left of its lifetime; negative when it is stale.
        etag, last_modified: its validators, or None.
        vary: lower-case names of the fields that the request must have alike.
        personal: it was an answer to credentials, or came in another than the usual way: nobody else gets it.
        reason: of the status line.
        fields: the head as stored.
        compared: (name, value or None) of the request fields that `vary` names.
    """

    url: str
    status: int
    size: int
    received_at: float
    age: int
    ttl: int
    etag: str | None
    last_modified: str | None
    vary: tuple[str, ...]
    personal: bool
    reason: str
    fields: Fields
    compared: tuple[tuple[str, str | None], ...]

    @property
    def fresh(self) -> bool:
        """Whether it may be served as it is."""
        return self.ttl > 0

    def __repr__(self) -> str:
        url = URL.parse(self.url)  # its query may hold a secret
        return f"<CacheEntry {self.status} {url.safe}, {self.size} bytes, ttl {self.ttl}>"


class Verified(NamedTuple):
    """What a check of everything stored found: how many responses were `checked`, and how many were `damaged`."""

    checked: int
    damaged: int


class View:
    """What both facades have alike.

    Attributes:
        of: the `Cache` itself, None where there is none.
    """

    __slots__ = ("of",)

    def __init__(self, of: "Cache | None") -> None:
        self.of = of

    def __bool__(self) -> bool:
        return self.of is not None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.of!r}>"


class SessionCache(View):
    """The cache of a `Session`; true while it has one."""

    __slots__ = ()

    def entries(self) -> list[CacheEntry]:
        """What is stored, the least recently used first."""
        return run_blocking(_entries(self.of, _blocking()))

    def purge(self, url: Any = None, *, prefix: Any = None, origin: Any = None) -> int:
        """Forgets all variants of `url`, or of what begins with `prefix`, or those of an `origin`, for everybody.

        What is being fetched meanwhile is not kept either.

        Returns:
            How many responses were dropped.

        Raises:
            InvalidOption: not just one of the three.
            InvalidURL: something that is no absolute URL.
        """
        return run_blocking(_forget(self.of, _blocking(), _scope(url, prefix, origin)))

    def clear(self) -> int:
        """Forgets everything; how many responses that were."""
        return run_blocking(_forget(self.of, _blocking(), EVERYTHING))

    def verify(self) -> Verified:
        """Reads everything that is stored, and has forgotten what is damaged: it would never have been served."""
        return run_blocking(_verified(self.of, _blocking()))

    def stats(self) -> Stats:
        """How many responses are stored, their size in bytes, how many left for lack of room, hits and misses."""
        return run_blocking(_stats(self.of, _blocking()))


class AsyncSessionCache(View):
    """The cache of an `AsyncSession`; see `SessionCache`."""

    __slots__ = ()

    async def entries(self) -> list[CacheEntry]:
        """See `SessionCache.entries`."""
        return await _entries(self.of, new_async_runtime(running_loop()))

    async def purge(self, url: Any = None, *, prefix: Any = None, origin: Any = None) -> int:
        """See `SessionCache.purge`."""
        return await _forget(self.of, new_async_runtime(running_loop()), _scope(url, prefix, origin))

    async def clear(self) -> int:
        """See `SessionCache.clear`."""
        return await _forget(self.of, new_async_runtime(running_loop()), EVERYTHING)

    async def verify(self) -> Verified:
        """See `SessionCache.verify`."""
        return await _verified(self.of, new_async_runtime(running_loop()))

    async def stats(self) -> Stats:
        """See `SessionCache.stats`."""
        return await _stats(self.of, new_async_runtime(running_loop()))


def _blocking() -> Runtime:
    from .._runtime.blocking import BlockingRuntime

    return BlockingRuntime()


def _scope(url: Any, prefix: Any, origin: Any) -> Scope:
    given = [value for value in (url, prefix, origin) if value is not None]
    if len(given) != 1:
        raise InvalidOption("purge: give a URL, or prefix=, or origin=")
    uri = URL.parse(given[0]).without_fragment
    if url is not None:
        return Scope("uri", uri)
    return Scope("prefix", uri) if prefix is not None else Scope("origin", origin_of(uri))


async def _entries(cache: "Cache | None", runtime: Runtime) -> list[CacheEntry]:
    found: list[CacheEntry] = []
    after: object = None
    while cache is not None:
        page, after = await cache.caching.store.iterate(runtime, after)
        now = time.time()
        found += [_entry(stored, now, cache.caching.dialect) for stored in page]
        if after is None:
            break
    return found


def _entry(stored: Stored, now: float, nobody: bytes) -> CacheEntry:
    return CacheEntry(
        stored.uri,
        stored.status,
        stored.length,
        stored.received_at,
        current_age(stored, now),
        int((stored.fresh_until - now) // 1),
        stored.etag,
        stored.last_modified,
        tuple([name for name, _ in stored.vary]),
        stored.partition != nobody,
        stored.reason,
        stored.fields,
        stored.vary,
    )


async def _verified(cache: "Cache | None", runtime: Runtime) -> Verified:
    if cache is None:
        return Verified(0, 0)
    store = cache.caching.store
    held, seen, damaged = (await store.stats(runtime)).items, 0, 0
    after: object = None
    while True:
        page, after = await store.iterate(runtime, after)
        seen += len(page)
        for stored in page:
            damaged += not await _is_whole(store, runtime, stored)
        if after is None:
            break
    return Verified(max(held, seen), damaged + max(0, held - seen))  # unreadable records are not shown, and dropped


async def _is_whole(store: Store, runtime: Runtime, stored: Stored) -> bool:
    """Whether every byte of the content is there; the store drops what is not."""
    body = await store.open_body(runtime, stored)
    if body is None:
        return False
    size = 0
    try:
        while piece := await body.read():
            size += len(piece)
    except IncompleteBody:
        return False
    return size == stored.length


async def _forget(cache: "Cache | None", runtime: Runtime, scope: Scope) -> int:
    return 0 if cache is None else await cache.caching.store.invalidate(runtime, [scope], time.time())


async def _stats(cache: "Cache | None", runtime: Runtime) -> Stats:
    return Stats(0, 0, 0) if cache is None else await cache.caching.store.stats(runtime)
