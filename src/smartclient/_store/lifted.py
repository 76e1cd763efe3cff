"""A store written in plain calls, made one that every runtime can use; never what it keeps, or where."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from .._model.body import BytesReader
from .._model.declared import Protocol
from .._model.scope import Scope
from .._model.stored import Key, Stored
from .._runtime.base import Runtime
from .base import Page, Stats, Store, Traits
from .leases import LocalLease, LocalLeases
from .worker import Worker

T = TypeVar("T")


class PlainStore(Protocol):
    """What `from_sync` lifts: the methods of `Store` as plain calls, which may wait, with all bodies in hand.

    In programs on an event loop they are called in one thread of their own, but for `lookup` where
    `traits.small_reads_are_fast`. In blocking programs any thread calls them.
    """

    traits: Traits

    def salt(self) -> bytes:
        """At least 16 secret bytes, at most 64, as lasting as what is stored."""

    def lookup(self, keys: Iterable[Key]) -> list[Stored]:
        """All variants of the keys, those of the first key first."""

    def put(self, record: Stored) -> bool:
        """Keeps `record` in the place of what it `replaces`; False if it was sent before a mark of its scopes."""

    def freshen(self, stored: Stored, record: Stored) -> bool:
        """Puts `record` in the place of `stored`; False if that changed or went, or was invalidated."""

    def invalidate(self, scopes: Iterable[Scope], moment: float) -> int:
        """Drops what `scopes` cover and leaves marks; the number dropped."""

    def touch(self, stored: Stored) -> None:
        """Notes that `stored` was used, without waiting."""

    def stats(self) -> Stats:
        """What is held, in numbers."""

    def iterate(self, after: object) -> Page:
        """What is held, page by page."""

    def close(self) -> None:
        """Gives up what is open; the next call opens it again."""


class LiftedStore(Store):
    """A `Store` over a `PlainStore`. Its leases hold within this process."""

    def __init__(self, store: PlainStore) -> None:
        self._store = store
        self.traits = store.traits._replace(leases=not store.traits.shared_between_processes)
        self._worker = Worker()
        self._leases = LocalLeases()

    async def _done(self, runtime: Runtime, function: Callable[..., T], *args: Any) -> T:
        if runtime.name == "blocking":
            return function(*args)
        return await self._worker.do(runtime, function, *args)

    async def salt(self, runtime: Runtime) -> bytes:
        return await self._done(runtime, self._store.salt)

    def lacks(self, uri: str) -> bool:
        return False

    async def lookup(self, runtime: Runtime, keys: Iterable[Key]) -> list[Stored]:
        if self.traits.small_reads_are_fast:
            return self._store.lookup(keys)
        return await self._done(runtime, self._store.lookup, keys)

    async def open_body(
        self, runtime: Runtime, stored: Stored, span: tuple[int, int] | None = None
    ) -> BytesReader | None:
        body = stored.body or b""
        return BytesReader(body if span is None else body[span[0] : span[1]])

    async def writer(self, runtime: Runtime, record: Stored) -> "LiftedWriter":
        return LiftedWriter(self, runtime, record)

    async def put(self, runtime: Runtime, record: Stored) -> bool:
        """Keeps a record whose body is in hand."""
        return await self._done(runtime, self._store.put, record)

    async def freshen(self, runtime: Runtime, stored: Stored, record: Stored) -> bool:
        return await self._done(runtime, self._store.freshen, stored, record)

    async def invalidate(self, runtime: Runtime, scopes: Iterable[Scope], moment: float) -> int:
        return await self._done(runtime, self._store.invalidate, list(scopes), moment)

    async def lease(self, runtime: Runtime, key: Key, seconds: float) -> LocalLease | None:
        return self._leases.take(key, seconds)

    def touch(self, stored: Stored) -> None:
        self._store.touch(stored)

    async def stats(self, runtime: Runtime) -> Stats:
        return await self._done(runtime, self._store.stats)

    async def iterate(self, runtime: Runtime, after: object = None) -> Page:
        return await self._done(runtime, self._store.iterate, after)

    async def close(self, runtime: Runtime) -> None:
        await self._done(runtime, self._store.close)
        self._worker.stop()


class LiftedWriter:
    """Gathers one response, since a plain store takes it whole."""

    def __init__(self, store: LiftedStore, runtime: Runtime, record: Stored) -> None:
        self._store = store
        self._runtime = runtime
        self._record: Stored | None = record
        self._pieces: list[bytes] = []
        self._length = 0

    async def write(self, piece: bytes) -> bool:
        limit = self._store.traits.max_body
        self._length += len(piece)
        if limit is not None and self._length > limit:
            self.discard()
        if self._record is None:
            return False
        self._pieces.append(piece)
        return True

    async def commit(self) -> bool:
        record, self._record = self._record, None
        if record is None:
            return False
        record.hold(b"".join(self._pieces))
        self._pieces = []
        return await self._store.put(self._runtime, record)

    def discard(self) -> None:
        self._record = None
        self._pieces = []


def from_sync(store: PlainStore) -> LiftedStore:
    """The `Store` that `store`, written in plain calls, is for every kind of session."""
    return LiftedStore(store)
