"""Memory over the disk store: what was read lately is in hand; what is written goes to the disk at once.

Memory holds what the disk answered for a key, all variants or none, so that it never chooses among fewer. Whatever
changes here drops the URI; what another process changes is noticed within `CHECK_EVERY` seconds, and drops everything.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from math import inf
from typing import Any

from .._model.body import BodyReader, BytesReader
from .._model.scope import EVERYTHING, Scope
from .._model.stored import Key, Stored
from .._runtime.base import Runtime, new_lock
from .base import Lease, Page, Stats, Store, Writer
from .memory import DEFAULT_BYTES
from .sqlite import SQLiteStore

CHECK_EVERY = 0.1
MAX_ITEM = 2**18  # bytes of a body that is kept in memory


class _Known:
    """What the disk answered for the partitions of one URI."""

    __slots__ = ("partitions", "size")

    def __init__(self) -> None:
        self.partitions: dict[bytes, list[Stored]] = {}
        self.size = 0


class TieredStore(Store):
    """A `SQLiteStore` with at most `max_bytes` of memory in front of it."""

    def __init__(self, disk: SQLiteStore, max_bytes: int = DEFAULT_BYTES) -> None:
        self.disk = disk
        self.max_bytes = max_bytes
        self.traits = disk.traits
        self._lock = new_lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()  # by URI, the least recently used first
        self._size = 0
        self._drops = 0
        self._checked_at = -inf
        self._foreign = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return TieredStore, (self.disk, self.max_bytes)

    async def salt(self, runtime: Runtime) -> bytes:
        return await self.disk.salt(runtime)

    def lacks(self, uri: str) -> bool:
        return False

    async def lookup(self, runtime: Runtime, keys: Iterable[Key]) -> list[Stored]:
        if runtime.now() - self._checked_at > CHECK_EVERY:
            await self._check(runtime)
        found: list[Stored] = []
        for key in keys:
            known = self._known.get(key[0])
            variants = None if known is None else known.partitions.get(key[1])
            found += await self._read(runtime, key) if variants is None else variants
        return found

    async def _check(self, runtime: Runtime) -> None:
        """Forgets everything if another process has changed something."""
        self._checked_at = runtime.now()
        foreign = await self.disk.foreign_changes(runtime)
        if foreign != self._foreign:
            self._foreign = foreign
            self._drop(EVERYTHING)

    async def _read(self, runtime: Runtime, key: Key) -> list[Stored]:
        drops = self._drops
        variants = await self.disk.lookup(runtime, (key,))
        for stored in variants:
            if stored.body is None and stored.length <= MAX_ITEM:
                body = await self.disk.open_body(runtime, stored)
                stored.body = body.take() if isinstance(body, BytesReader) else None
        if variants:
            self._keep(key, variants, drops)
        return variants

    def _keep(self, key: Key, variants: list[Stored], drops: int) -> None:
        size = sum([stored.size if stored.body is not None else stored.size - stored.length for stored in variants])
        with self._lock:
            if self._drops != drops:  # it may be old already
                return
            known = self._known.setdefault(key[0], _Known())
            if key[1] in known.partitions:
                return
            known.partitions[key[1]] = variants
            known.size += size
            self._size += size
            while self._size > self.max_bytes:
                self._size -= self._known.popitem(last=False)[1].size

    def _drop(self, scope: Scope) -> None:
        with self._lock:
            self._drops += 1
            if scope.kind == "uri":
                known = self._known.pop(scope.value, None)
                self._size -= 0 if known is None else known.size
            else:
                self._known.clear()
                self._size = 0

    async def open_body(
        self, runtime: Runtime, stored: Stored, span: tuple[int, int] | None = None
    ) -> BodyReader | None:
        body = await self.disk.open_body(runtime, stored, span)
        if body is None:
            self._drop(Scope("uri", stored.uri))
        return body

    async def writer(self, runtime: Runtime, record: Stored) -> "TieredWriter":
        uri = Scope("uri", record.uri)
        return TieredWriter(await self.disk.writer(runtime, record), lambda: self._drop(uri))

    async def freshen(self, runtime: Runtime, stored: Stored, record: Stored) -> bool:
        try:
            return await self.disk.freshen(runtime, stored, record)
        finally:
            self._drop(Scope("uri", stored.uri))

    async def invalidate(self, runtime: Runtime, scopes: Iterable[Scope], moment: float) -> int:
        listed = list(scopes)
        try:
            return await self.disk.invalidate(runtime, listed, moment)
        finally:
            for scope in listed:
                self._drop(scope)

    async def lease(self, runtime: Runtime, key: Key, seconds: float) -> Lease | None:
        return await self.disk.lease(runtime, key, seconds)

    def touch(self, stored: Stored) -> None:
        with self._lock:
            if stored.uri in self._known:
                self._known.move_to_end(stored.uri)
        self.disk.touch(stored)

    async def stats(self, runtime: Runtime) -> Stats:
        return await self.disk.stats(runtime)

    async def iterate(self, runtime: Runtime, after: object = None) -> Page:
        return await self.disk.iterate(runtime, after)

    async def close(self, runtime: Runtime) -> None:
        self._drop(EVERYTHING)
        await self.disk.close(runtime)


class TieredWriter:
    """A writer of the disk store, after whose commit memory asks the disk again."""

    __slots__ = ("_drop", "_writer")

    def __init__(self, writer: Writer, drop: Callable[[], None]) -> None:
        self._writer = writer
        self._drop = drop

    async def write(self, piece: bytes) -> bool:
        return await self._writer.write(piece)

    async def commit(self) -> bool:
        try:
            return await self._writer.commit()
        finally:
            self._drop()

    def discard(self) -> None:
        self._writer.discard()
