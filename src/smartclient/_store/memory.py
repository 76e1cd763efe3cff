"""Stored responses in memory, the least recently used leaving first; never on disk, never waiting.

One lock, held for a few dictionary operations; no method suspends.
"""

from collections import OrderedDict
from collections.abc import Iterable
from math import inf

from .._model.stored import Key, Stored
from .._runtime.base import new_lock
from .base import Stats

DEFAULT_BYTES = 64 * 2**20
MAX_VARIANTS = 16  # of one key
MAX_MARKS = 65_536


class _Item:
    __slots__ = ("last_use", "size")

    def __init__(self, size: int, last_use: int) -> None:
        self.size = size
        self.last_use = last_use  # a count of uses, not a moment


class MemoryStore:
    """A `Store` of at most `max_bytes`, each item at most an eighth of that."""

    def __init__(self, max_bytes: int = DEFAULT_BYTES) -> None:
        self.max_bytes = max_bytes
        self.max_item = max_bytes // 8
        self._lock = new_lock()
        self._partitions: dict[str, dict[bytes, tuple[Stored, ...]]] = {}  # by URI, since invalidation goes by URI
        self._items: OrderedDict[Stored, _Item] = OrderedDict()  # the least recently used first
        self._uses = 0
        self._size = 0
        self._evicted = 0
        self._marks: OrderedDict[str, float] = OrderedDict()
        self._mark_of_all = -inf

    def lacks(self, uri: str) -> bool:
        return uri not in self._partitions

    async def lookup(self, keys: Iterable[Key]) -> list[Stored]:
        found: list[Stored] = []
        with self._lock:
            for uri, partition in keys:
                partitions = self._partitions.get(uri)
                if partitions is not None:
                    found += partitions.get(partition, ())
        return found

    async def writer(self, record: Stored) -> "MemoryWriter":
        return MemoryWriter(self, record)

    async def freshen(self, stored: Stored, record: Stored) -> bool:
        with self._lock:
            size = record.size
            if stored not in self._items or not self._accepts(record, size):
                return False
            self._drop(stored)
            self._add(record, size)
            return True

    async def invalidate(self, uris: Iterable[str], moment: float) -> int:
        with self._lock:
            before = len(self._items)
            for uri in uris:
                self._mark(uri, moment)
                for variants in list(self._partitions.get(uri, {}).values()):
                    for stored in variants:
                        self._drop(stored)
            return before - len(self._items)

    async def clear(self, moment: float) -> int:
        with self._lock:
            dropped = len(self._items)
            self._mark_of_all = max(self._mark_of_all, moment)
            self._marks.clear()
            self._forget()
            return dropped

    def touch(self, stored: Stored) -> None:
        with self._lock:
            item = self._items.get(stored)
            if item is not None:
                self._uses = item.last_use = self._uses + 1
                self._items.move_to_end(stored)

    async def stats(self) -> Stats:
        with self._lock:
            return Stats(len(self._items), self._size, self._evicted)

    async def iterate(self) -> list[Stored]:
        with self._lock:
            return list(self._items)

    async def close(self) -> None:
        with self._lock:
            self._mark_of_all = inf
            self._forget()

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

    # What follows is called with the lock held.

    def _accepts(self, record: Stored, size: int) -> bool:
        marked = max(self._mark_of_all, self._marks.get(record.uri, -inf))
        return record.sent_at > marked and size <= self.max_item

    def _mark(self, uri: str, moment: float) -> None:
        self._marks[uri] = max(moment, self._marks.pop(uri, -inf))
        if len(self._marks) > MAX_MARKS:
            self._mark_of_all = max(self._mark_of_all, self._marks.popitem(last=False)[1])

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

    def _forget(self) -> None:
        self._partitions.clear()
        self._items.clear()
        self._size = 0


class MemoryWriter:
    """Gathers one response for a `MemoryStore`, and lets go of it as soon as it grows too large."""

    def __init__(self, store: MemoryStore, record: Stored) -> None:
        self._store = store
        self._record: Stored | None = record
        self._pieces: list[bytes] = []
        self._size = record.size

    async def write(self, piece: bytes) -> bool:
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
        record.body = b"".join(self._pieces)
        self._pieces = []
        return self._store.commit(record, self._size)

    def discard(self) -> None:
        self._record = None
        self._pieces = []
