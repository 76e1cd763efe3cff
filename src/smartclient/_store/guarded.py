"""Any store, made harmless: what it raises becomes a miss and one line in the log, and never reaches a call.

After `MAX_FAILURES` in a row, of what reads or of what writes, that kind is left alone for `REST` seconds. An
invalidation that failed holds all the same: what it is about is a miss until it has been made up for.
"""

from collections.abc import Awaitable, Callable, Iterable
from os import urandom
from typing import Any, TypeVar

from .._model.body import BodyReader, BytesReader
from .._model.errors import IncompleteBody, RequestException
from .._model.headers import Fields
from .._model.scope import EVERYTHING, Scope
from .._model.stored import Key, Stored
from .._runtime.base import Runtime
from .base import Lease, Page, Stats, Store, Writer
from .memory import MemoryStore

T = TypeVar("T")

MAX_FAILURES = 5
REST = 30.0
MAX_OWED = 64  # scopes whose invalidation is to be made up for; beyond, everything is


class _Streak:
    """Failures in a row of one kind of operation."""

    __slots__ = ("failures", "until")

    def __init__(self) -> None:
        self.failures = 0
        self.until = 0.0

    def rests(self, runtime: Runtime) -> bool:
        return self.failures >= MAX_FAILURES and runtime.now() < self.until


class GuardedStore(Store):
    """A `Store` over one that may fail. Its `stats` count the failures."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.traits = store.traits
        self._reported: set[tuple[str, type[Exception]]] = set()
        self._errors = 0
        self._reading = _Streak()
        self._writing = _Streak()
        self._owed: dict[Scope, float] = {}
        if type(store) is MemoryStore:
            self.lacks = store.lacks  # type: ignore[method-assign]  # asked in every call, and cannot fail

    def lacks(self, uri: str) -> bool:
        try:
            return self._store.lacks(uri)
        except Exception as error:
            self.report("lacks", error)
            return False

    async def lookup(self, runtime: Runtime, keys: Iterable[Key]) -> list[Stored]:
        reading = self._reading
        if reading.failures and reading.rests(runtime):
            return []
        try:
            found = await self._store.lookup(runtime, keys)
        except Exception as error:
            self.report("lookup", error, runtime, reading)
            return []
        reading.failures = 0
        if not self._owed:
            return found
        owed = list(self._owed.items())
        await self.invalidate(runtime, (), 0.0)
        return [
            stored
            for stored in found
            if not any(stored.sent_at <= moment and scope.covers(stored.uri, stored.groups) for scope, moment in owed)
        ]

    async def salt(self, runtime: Runtime) -> bytes:
        salt = await self._guarded("salt", runtime, self._reading, self._store.salt, runtime)
        return salt or urandom(16)  # of no use to anybody else, and so nothing is shared that should not be

    async def open_body(
        self, runtime: Runtime, stored: Stored, span: tuple[int, int] | None = None
    ) -> BodyReader | None:
        if self._reading.failures and self._reading.rests(runtime):
            return None
        try:
            body = await self._store.open_body(runtime, stored, span)
        except Exception as error:
            self.report("open_body", error, runtime, self._reading)
            return None
        return body if body is None or type(body) is BytesReader else GuardedReader(self, runtime, body)

    async def writer(self, runtime: Runtime, record: Stored) -> Writer:
        writer = await self._guarded("writer", runtime, self._writing, self._store.writer, runtime, record)
        return GuardedWriter(self, runtime, writer)

    async def freshen(self, runtime: Runtime, stored: Stored, record: Stored) -> bool:
        freshen = self._store.freshen
        return await self._guarded("freshen", runtime, self._writing, freshen, runtime, stored, record) or False

    async def invalidate(self, runtime: Runtime, scopes: Iterable[Scope], moment: float) -> int:
        owed = self._owed | dict.fromkeys(scopes, moment)
        if not owed:
            return 0
        if len(owed) > MAX_OWED:
            owed = {EVERYTHING: max(owed.values())}
        self._owed = owed
        latest = max(owed.values())
        invalidate = self._store.invalidate
        dropped = await self._guarded("invalidate", runtime, self._writing, invalidate, runtime, list(owed), latest)
        if dropped is None:
            return 0
        self._owed = {scope: moment for scope, moment in self._owed.items() if owed.get(scope) != moment}
        return dropped

    async def lease(self, runtime: Runtime, key: Key, seconds: float) -> Lease | None:
        """See `Store`. A store that fails keeps nobody waiting."""
        writing = self._writing
        if writing.failures and writing.rests(runtime):
            return _FREE
        try:
            lease = await self._store.lease(runtime, key, seconds)
        except Exception as error:
            self.report("lease", error, runtime, writing)
            return _FREE
        writing.failures = 0
        return None if lease is None else GuardedLease(self, lease)

    def touch(self, stored: Stored) -> None:
        try:
            self._store.touch(stored)
        except Exception as error:
            self.report("touch", error)

    async def stats(self, runtime: Runtime) -> Stats:
        stats = await self._guarded("stats", runtime, self._reading, self._store.stats, runtime) or Stats(0, 0, 0)
        return stats._replace(errors=stats.errors + self._errors)

    async def iterate(self, runtime: Runtime, after: object = None) -> Page:
        page = await self._guarded("iterate", runtime, self._reading, self._store.iterate, runtime, after)
        return page or ([], None)

    async def close(self, runtime: Runtime) -> None:
        try:
            await self._store.close(runtime)
        except Exception as error:
            self.report("close", error)

    async def _guarded(
        self, operation: str, runtime: Runtime, streak: _Streak, function: Callable[..., Awaitable[T]], *args: Any
    ) -> T | None:
        if streak.failures and streak.rests(runtime):
            return None
        try:
            result = await function(*args)
        except Exception as error:
            self.report(operation, error, runtime, streak)
            return None
        streak.failures = 0
        return result

    def report_writing(self, operation: str, error: Exception, runtime: Runtime) -> None:
        """`report` for a failure of what writes."""
        self.report(operation, error, runtime, self._writing)

    def report(
        self, operation: str, error: Exception, runtime: Runtime | None = None, streak: _Streak | None = None
    ) -> None:
        """Counts a failure, and logs the first of each kind.

        The error's text stays out: it may name a URI, and so a secret.
        """
        self._errors += 1
        if streak is not None and runtime is not None:
            streak.failures += 1
            streak.until = runtime.now() + REST
        kind = (operation, type(error))
        if kind in self._reported:
            return
        self._reported.add(kind)
        import logging

        logging.getLogger("smartclient").warning(
            "cache store: %s failed with %s; calls go on without it", operation, type(error).__name__
        )


def guarded(store: Store) -> GuardedStore:
    """`store` made harmless, itself if it is already."""
    return store if isinstance(store, GuardedStore) else GuardedStore(store)


class GuardedLease:
    """A lease whose end nobody hears of if it fails."""

    __slots__ = ("_lease", "_store")

    def __init__(self, store: GuardedStore, lease: Lease) -> None:
        self._store = store
        self._lease = lease

    def release(self) -> None:
        try:
            self._lease.release()
        except Exception as error:
            self._store.report("release", error)


class _Free:
    """The lease of a store that has none to give."""

    def release(self) -> None:
        """Nobody else waits for it."""


_FREE = _Free()


class GuardedWriter:
    """A `Writer` over one that may fail, and is given up at its first failure."""

    __slots__ = ("_runtime", "_store", "_writer")

    def __init__(self, store: GuardedStore, runtime: Runtime, writer: Writer | None) -> None:
        self._store = store
        self._runtime = runtime
        self._writer = writer

    async def write(self, piece: bytes) -> bool:
        if self._writer is None:
            return False
        try:
            taken = await self._writer.write(piece)
        except Exception as error:
            self._store.report_writing("write", error, self._runtime)
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
            self._store.report_writing("commit", error, self._runtime)
            return False

    def discard(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.discard()
        except Exception as error:
            self._store.report("discard", error)


class GuardedReader:
    """A stored body whose failures are ours."""

    __slots__ = ("_body", "_runtime", "_store")

    def __init__(self, store: GuardedStore, runtime: Runtime, body: BodyReader) -> None:
        self._store = store
        self._runtime = runtime
        self._body = body

    @property
    def trailers(self) -> Fields:
        return self._body.trailers

    async def read(self) -> bytes:
        try:
            return await self._body.read()
        except RequestException:
            raise
        except Exception as error:
            self._store.report("read", error)
            raise IncompleteBody("the stored body could not be read", sent="wholly") from error

    async def discard(self) -> None:
        self.abort()

    def abort(self) -> None:
        try:
            self._body.abort()
        except Exception as error:
            self._store.report("abort", error)
