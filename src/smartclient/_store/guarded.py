"""Any store, made harmless: what it raises becomes a miss and one line in the log, and never reaches a call."""

from collections.abc import Iterable

from .._model.stored import Key, Stored
from .base import Store, Writer


class GuardedStore:
    """The part of a `Store` that calls use, over one that may fail."""

    __slots__ = ("_reported", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reported: set[tuple[str, type[Exception]]] = set()

    def lacks(self, uri: str) -> bool:
        try:
            return self._store.lacks(uri)
        except Exception as error:
            self.report("lacks", error)
            return False

    async def lookup(self, keys: Iterable[Key]) -> list[Stored]:
        try:
            return await self._store.lookup(keys)
        except Exception as error:
            self.report("lookup", error)
            return []

    async def writer(self, record: Stored) -> Writer:
        try:
            return GuardedWriter(self, await self._store.writer(record))
        except Exception as error:
            self.report("writer", error)
            return GuardedWriter(self, None)

    async def freshen(self, stored: Stored, record: Stored) -> bool:
        try:
            return await self._store.freshen(stored, record)
        except Exception as error:
            self.report("freshen", error)
            return False

    async def invalidate(self, uris: Iterable[str], moment: float) -> int:
        try:
            return await self._store.invalidate(uris, moment)
        except Exception as error:
            self.report("invalidate", error)
            return 0

    def touch(self, stored: Stored) -> None:
        try:
            self._store.touch(stored)
        except Exception as error:
            self.report("touch", error)

    def report(self, operation: str, error: Exception) -> None:
        """Logs the first failure of each kind. The error's text stays out: it may name a URI, and so a secret."""
        kind = (operation, type(error))
        if kind in self._reported:
            return
        self._reported.add(kind)
        import logging

        logging.getLogger("smartclient").warning(
            "cache store: %s failed with %s; calls go on without it", operation, type(error).__name__
        )


class GuardedWriter:
    """A `Writer` over one that may fail, and is given up at its first failure."""

    __slots__ = ("_store", "_writer")

    def __init__(self, store: GuardedStore, writer: Writer | None) -> None:
        self._store = store
        self._writer = writer

    async def write(self, piece: bytes) -> bool:
        if self._writer is None:
            return False
        try:
            taken = await self._writer.write(piece)
        except Exception as error:
            self._store.report("write", error)
            self.discard()
            return False
        if not taken:
            self._writer = None
        return taken

    async def commit(self) -> bool:
        writer, self._writer = self._writer, None
        if writer is None:
            return False
        try:
            return await writer.commit()
        except Exception as error:
            self._store.report("commit", error)
            return False

    def discard(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.discard()
        except Exception as error:
            self._store.report("discard", error)
