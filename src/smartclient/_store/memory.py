"""Stored responses in memory, the least recently used leaving first; never on disk, never waiting.

One lock, held for a few dictionary operations; no method suspends.
"""

import os
from collections import OrderedDict
from collections.abc import Iterable

from .._model.body import BytesReader
from .._model.scope import Scope
from .._model.stored import Key, Stored
from .._runtime.base import Runtime, new_lock
from .base import Page, Stats, Store, Traits
from .leases import LocalLease, LocalLeases
from .marks import Marks

DEFAULT_BYTES = 64 * 2**20
MAX_VARIANTS = 16  # of one key


class _Item:
    __slots__ = ("last_use", "size")

    def __init__(self, size: int, last_use: int) -> None:
        self.size = size
        self.last_use = last_use  # a count of uses, not a moment


class MemoryStore(Store):
    """A `Store` of at most `max_bytes`, each item at most an eighth of that."""

    def __init__(self, max_bytes: int = DEFAULT_BYTES) -> None:
        self.max_bytes = max_bytes
        self.max_item = max_bytes // 8
        self.traits = Traits(True, False, False, True, self.max_item)
        self._salt = os.urandom(16)
        self._lock = new_lock()
        self._partitions: dict[str, dict[bytes, tuple[Stored, ...]]] = {}  # by URI, since invalidation goes by URI
        self._items: OrderedDict[Stored, _Item] = OrderedDict()  # the least recently used first
        self._uses = 0
        self._size = 0
        self._evicted = 0
        self._marks = Marks()
        self._leases = LocalLeases()

    def __reduce__(self) -> tuple[type["MemoryStore"], tuple[int]]:
        """For pickles: as large, and empty."""
        return MemoryStore, (self.max_bytes,)

    async def salt(self, runtime: Runtime) -> bytes:
        return self._salt

    def lacks(self, uri: str) -> bool:
        return uri not in self._partitions

    async def lookup(self, runtime: Runtime, keys: Iterable[Key]) -> list[Stored]:
        return self.found(keys)

    def found(self, keys: Iterable[Key]) -> list[Stored]:
        """What `lookup` gives, at once."""
        found: list[Stored] = []
        with self._lock:
            for uri, partition in keys:
                partitions = self._partitions.get(uri)
                if partitions is not None:
                    found += partitions.get(partition, ())
        return found

    async def open_body(
        self, runtime: Runtime, stored: Stored, span: tuple[int, int] | None = None
    ) -> BytesReader | None:
        body = stored.body or b""
        return BytesReader(body if span is None else body[span[0] : span[1]])

    async def writer(self, runtime: Runtime, record: Stored) -> "MemoryWriter":
        return MemoryWriter(self, record)

    async def freshen(self, runtime: Runtime, stored: Stored, record: Stored) -> bool:
        with self._lock:
            size = record.size
            if stored not in self._items or not self._accepts(record, size):
                return False
            self._drop(stored)
            self._add(record, size)
            return True

    async def invalidate(self, runtime: Runtime, scopes: Iterable[Scope], moment: float) -> int:
        with self._lock:
            before = len(self._items)
            for scope in scopes:
                self._marks.add(scope, moment)
                for stored in self._covered(scope):
                    self._drop(stored)
            return before - len(self._items)

    async def lease(self, runtime: Runtime, key: Key, seconds: float) -> LocalLease | None:
        return self._leases.take(key, seconds)

    def touch(self, stored: Stored) -> None:
        with self._lock:
            item = self._items.get(stored)
            if item is not None:
                self._uses = item.last_use = self._uses + 1
                self._items.move_to_end(stored)

    async def stats(self, runtime: Runtime) -> Stats:
        with self._lock:
            return Stats(len(self._items), self._size, self._evicted)

    async def iterate(self, runtime: Runtime, after: object = None) -> Page:
        with self._lock:
            return list(self._items), None

    async def close(self, runtime: Runtime) -> None:
        """Nothing is open; what is held stays, for the next call."""

    def commit(self, record: Stored, size: int) -> bool:
        """Makes `record` of `size` bytes visible, body and all; False if too large or invalidated meanwhile."""
        with self._lock:
            if not self._accepts(record, size):
                return False
            variants = self._variants(record.key)
            replaced = [stored for stored in variants if record.replaces(stored)]
            if not replaced and len(variants) >= MAX_VARIANTS:
                replaced = [min(variants, key=lambda stored: self._items[stored].last_use)]
            for stored in replaced:
                self._drop(stored)
            self._add(record, size)
            return True

    def forget(self, scope: Scope) -> None:
        """Drops what `scope` covers, and leaves no mark."""
        with self._lock:
            for stored in self._covered(scope):
                self._drop(stored)

    # What follows is called with the lock held.

    def _accepts(self, record: Stored, size: int) -> bool:
        return size <= self.max_item and record.sent_at > self._marks.moment(record.uri, record.groups)

    def _covered(self, scope: Scope) -> list[Stored]:
        if scope.kind == "uri":
            partitions = self._partitions.get(scope.value, {})
            return [stored for variants in partitions.values() for stored in variants]
        return [stored for stored in self._items if scope.covers(stored.uri, stored.groups)]

    def _variants(self, key: Key) -> tuple[Stored, ...]:
        return self._partitions.get(key[0], {}).get(key[1], ())

    def _add(self, record: Stored, size: int) -> None:
        uri, partition = record.key
        partitions = self._partitions.setdefault(uri, {})
        partitions[partition] = (*partitions.get(partition, ()), record)
        self._uses += 1
        self._items[record] = _Item(size, self._uses)
        self._size += size
        while self._size > self.max_bytes:
            self._drop(next(iter(self._items)))
            self._evicted += 1

    def _drop(self, stored: Stored) -> None:
        self._size -= self._items.pop(stored).size
        uri, partition = stored.key
        rest = tuple([other for other in self._partitions[uri][partition] if other is not stored])
        if rest:
            self._partitions[uri][partition] = rest
            return
        del self._partitions[uri][partition]
        if not self._partitions[uri]:
            del self._partitions[uri]


class MemoryWriter:
    """Gathers one response for a `MemoryStore`, and lets go of it as soon as it grows too large."""

    def __init__(self, store: MemoryStore, record: Stored) -> None:
        self._store = store
        self._record: Stored | None = record
        self._pieces: list[bytes] = []
        self._size = record.size

    async def write(self, piece: bytes) -> bool:
        if self._record is None:
            return False
        self._size += len(piece)
        if self._size > self._store.max_item:
            self.discard()
            return False
        self._pieces.append(piece)
        return True

    async def commit(self) -> bool:
        record, self._record = self._record, None
        if record is None:
            return False
        record.hold(b"".join(self._pieces))
        self._pieces = []
        return self._store.commit(record, self._size)

    def discard(self) -> None:
        self._record = None
        self._pieces = []
