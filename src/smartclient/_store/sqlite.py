"""Stored responses in SQLite, large bodies in files beside it; never what is asked in SQL, nor how a file is laid out.

What takes microseconds is done at once, on event loops too; there everything else goes to the store's one thread.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from .._model.body import BodyReader, BytesReader
from .._model.scope import Scope
from .._model.stored import Key, Stored
from .._runtime.base import Runtime, new_lock
from . import rows
from .base import Page, Stats, Store, Traits
from .body_files import CHUNK, BodyFile, BodyFolder, FileReader
from .connections import Connections
from .schema import FILE_NAME, prepare
from .sqlite_writer import BEING_WRITTEN, SQLiteWriter
from .worker import Worker

T = TypeVar("T")

DEFAULT_BYTES = 2**30
DEFAULT_ITEMS = 100_000
INLINE = 2**16  # up to here a body is as fast in its row as in a file
_PATIENCE = 1.0  # seconds that others may hold the database
_TOUCHES_EVERY = 60.0  # seconds between two times that uses are written down
_SLOW = 0.002  # seconds: a read that took longer should not have been done on an event loop
_SLOW_COST = 33  # three slow reads among the last hundred
_SLOW_LIMIT = 99
_SLOW_REST = 60.0  # seconds that all reads go to the thread then
_ABANDONED = 86_400.0  # seconds without a change after which nobody can still be writing a file


class SQLiteStore(Store):
    """A `Store` in the folder `path`, for any number of processes.

    Args:
        path: a folder, made if need be, for its owner alone. A database in it that is not this store's, or of a newer
            version, is left as it is, and nothing is cached.
        max_bytes: of everything stored; one item has at most a quarter of it.
        max_items: responses at most. Beyond the bounds, what is useless or least recently used goes, down to 90 %.
        durable: have the disk confirm each response, so that it survives a loss of power.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        max_bytes: int = DEFAULT_BYTES,
        max_items: int = DEFAULT_ITEMS,
        durable: bool = False,
    ) -> None:
        self.path = os.path.abspath(os.path.expanduser(os.fspath(path)))
        self.max_bytes = max_bytes
        self.max_items = max_items
        self.max_item = max_bytes // 4
        self.inline = INLINE
        self.traits = Traits(True, True, True, True, self.max_item)
        self.files = BodyFolder(os.path.join(self.path, "bodies"), durable)
        self.worker = Worker()
        self._durable = durable
        self._database = os.path.join(self.path, FILE_NAME)
        self._connections = Connections(self._database, durable, max_items, self._prepare)
        self._write_lock = new_lock()  # SQLite makes writers wait by sleeping
        self._salt = b""
        self._own_changes = 0
        self._touched: dict[int, float] = {}
        self._hits = self._misses = 0  # not written down yet; threads may lose some
        self._touches_at = time.time() + _TOUCHES_EVERY
        self._evicting = False
        self._slow = 0
        self._slow_until = 0.0

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickles: the place, not what is open."""
        return SQLiteStore, (self.path, self.max_bytes, self.max_items, self._durable)

    def __repr__(self) -> str:
        return f"<SQLiteStore {self.path!r}>"

    # What callers use

    async def salt(self, runtime: Runtime) -> bytes:
        if not self._salt:
            await self.written(runtime, self._read, rows.stats)
        return self._salt

    def lacks(self, uri: str) -> bool:
        return False  # another process may just have stored it

    async def lookup(self, runtime: Runtime, keys: Iterable[Key]) -> list[Stored]:
        if runtime.name == "blocking":
            return self._lookup(_PATIENCE, keys)
        return await self._found(runtime, self._lookup, keys)

    def _lookup(self, timeout: float, keys: Iterable[Key]) -> list[Stored]:
        own = self._connections.own()
        found: list[Stored] = []
        with own.lock:
            db = own.db if own.timeout == timeout else None
            if db is None:
                db = self._connections.opened(own, timeout)
            for key in keys:
                for row in rows.lookup(db, key):
                    stored = rows.stored_in(row)
                    if stored is not None and stored.key == key:
                        found.append(stored)
        if not found:
            self._misses += 1
        return found

    async def open_body(
        self, runtime: Runtime, stored: Stored, span: tuple[int, int] | None = None
    ) -> BodyReader | None:
        start, stop = span or (0, stored.length)
        if stored.body is not None:
            return BytesReader(stored.body[start:stop])
        place = stored.place
        if stored.length <= CHUNK:
            content = self.files.read(place[2])
            if content is None:
                self._remove_later(place)
                return None
            return BytesReader(content if span is None else content[start:stop])
        body = await self.written(runtime, self.files.open, place[2], (start, stop), lambda: self._remove_later(place))
        if body is None:
            self._remove_later(place)
            return None
        return FileReader(runtime, body)

    def _remove_later(self, place: rows.Place) -> None:
        self.worker.post(lambda: self._remove(place))

    def _remove(self, place: rows.Place) -> None:
        self._write(rows.remove, place)
        self.clear_away()

    async def writer(self, runtime: Runtime, record: Stored) -> SQLiteWriter:
        return SQLiteWriter(self, runtime, record)

    async def freshen(self, runtime: Runtime, stored: Stored, record: Stored) -> bool:
        return stored.place is not None and await self.written(runtime, self._freshen, stored, record)

    def _freshen(self, stored: Stored, record: Stored) -> bool:
        changed = self._changed(self._write(rows.freshen, stored, record))
        if changed:
            self._touched[record.place[0]] = time.time()
        return changed

    async def invalidate(self, runtime: Runtime, scopes: Iterable[Scope], moment: float) -> int:
        return await self.written(runtime, self._invalidate, list(scopes), moment)

    def _invalidate(self, scopes: list[Scope], moment: float) -> int:
        dropped = self._write(rows.invalidate, scopes, moment)
        self._changed(True)
        if dropped:
            self.clear_away()
        return dropped

    async def lease(self, runtime: Runtime, key: Key, seconds: float) -> "SQLiteLease | None":
        now = time.time()
        token = await self.written(runtime, self._write, rows.lease, key, now, now + seconds)
        return None if token is None else SQLiteLease(self, token)

    def release(self, token: bytes) -> None:
        """Ends the lease of that token, some time."""
        self.worker.post(lambda: self._write(rows.release, token))

    def touch(self, stored: Stored) -> None:
        place = stored.place
        if place is None:
            return
        now = time.time()
        self._touched[place[0]] = now
        self._hits += 1
        if now >= self._touches_at:
            self._touches_at = now + _TOUCHES_EVERY
            self.worker.post(self._write_use)

    def _write_use(self) -> None:
        touched, self._touched = self._touched, {}
        hits, self._hits = self._hits, 0
        misses, self._misses = self._misses, 0
        if touched or hits or misses:
            self._write(rows.note_use, dict(list(touched.items())), hits, misses)

    async def stats(self, runtime: Runtime) -> Stats:
        noted: Stats = await self.written(runtime, self._read, rows.stats)
        return noted._replace(hits=(noted.hits or 0) + self._hits, misses=(noted.misses or 0) + self._misses)

    async def iterate(self, runtime: Runtime, after: object = None) -> Page:
        return await self.written(runtime, self._page, after)

    def _page(self, after: object) -> Page:
        found, damaged, further = self._read(rows.page, after)
        for place in damaged:
            self._remove(place)
        return found, further

    async def foreign_changes(self, runtime: Runtime) -> int:
        """A number that another one follows whenever another process, or store, changes something."""
        return await self._found(runtime, self._foreign_changes)

    def _foreign_changes(self, timeout: float) -> int:
        with self._connections.reading(timeout) as db:
            return rows.changes(db) - self._own_changes

    async def close(self, runtime: Runtime) -> None:
        if self._connections.ready:
            await self.written(runtime, self._close)
        self.worker.stop()

    def _close(self) -> None:
        self._write_use()
        self._connections.close()

    # Where it is done

    async def _found(self, runtime: Runtime, read: Callable[..., T], *args: Any) -> T:
        """The result of `read(timeout, *args)`, which takes microseconds: at once, unless the disk turns out slow."""
        if runtime.name == "blocking":
            return read(_PATIENCE, *args)
        if self._connections.ready:
            started = runtime.now()
            if started >= self._slow_until:
                try:
                    found = read(0.0, *args)
                except sqlite3.OperationalError:  # locked; if it is not, it will be told again
                    return await self.worker.do(runtime, read, _PATIENCE, *args)
                if self._slow or runtime.now() - started > _SLOW:
                    self._judge(started, runtime.now())
                return found
        return await self.worker.do(runtime, read, _PATIENCE, *args)

    def _judge(self, started: float, now: float) -> None:
        self._slow += _SLOW_COST if now - started > _SLOW else -1
        if self._slow >= _SLOW_LIMIT:
            self._slow, self._slow_until = 0, now + _SLOW_REST

    async def written(self, runtime: Runtime, function: Callable[..., T], *args: Any) -> T:
        """The result of what may take its time."""
        if runtime.name == "blocking":
            return function(*args)
        return await self.worker.do(runtime, function, *args)

    def _read(self, function: Callable[..., T], *args: Any) -> T:
        with self._connections.reading(_PATIENCE) as db:
            return function(db, *args)

    def _write(self, function: Callable[..., T], *args: Any) -> T:
        with self._write_lock, self._connections.writing(_PATIENCE) as db:
            return function(db, *args)

    def _changed(self, changed: bool) -> bool:
        with self._write_lock:
            self._own_changes += changed
        return changed

    # What a writer needs, in the thread or in that of a blocking caller

    def add(self, record: Stored, file: BodyFile | None) -> bool:
        """Makes `record` visible; False if it was invalidated meanwhile."""
        now = time.time()
        with self._write_lock, self._connections.writing(_PATIENCE) as db:
            added = rows.add(db, record, file, now)
            full, littered = rows.is_over(db, self.max_items, self.max_bytes)
        self._changed(added)
        if full and not self._evicting:
            self._evicting = True
            self.worker.post(self._evict)
        if littered:
            self.worker.post(self.clear_away)
        return added

    def seal(self, place: rows.Place) -> None:
        """Notes the checksums of a large body, which is stored already; what fails leaves it without."""
        file = place[2]
        with contextlib.suppress(OSError, sqlite3.Error):
            checksums = file and self.files.checksums(file)
            if file and checksums:
                self._write(rows.seal, file.name, place[0], checksums)

    def announce(self, name: str) -> None:
        """Notes that this process is about to write a body file."""
        self._write(rows.announce, name, os.getpid())

    def give_up(self, name: str) -> None:
        """Removes a body file that no row has."""
        if self.files.remove(name):
            self._write(rows.forget, [name])

    def clear_away(self) -> None:
        """Removes the files whose rows are gone."""
        gone = [name for name in self._read(rows.removable) if self.files.remove(name)]
        if gone:
            self._write(rows.forget, gone)

    def _evict(self) -> None:
        try:
            self._write_use()
            while self._write(rows.evict, self.max_items, self.max_bytes, time.time()):
                self.clear_away()
            self.clear_away()
        finally:
            self._evicting = False

    # The beginning

    def _prepare(self) -> None:
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        prepare(self._database, _PATIENCE)
        self.files.prepare()
        db = sqlite3.connect(self._database, timeout=_PATIENCE, isolation_level=None)
        try:
            self._salt = db.execute("SELECT salt FROM total").fetchone()[0]
            gone = [name for name, owner in rows.owners(db) if self._is_orphan(name, owner) and self.files.remove(name)]
            if gone:
                rows.forget(db, gone)
        finally:
            db.close()

    def _is_orphan(self, name: str, owner: int) -> bool:
        if owner == os.getpid():  # or of another one, long ago, that had the same number
            return name not in BEING_WRITTEN
        if owner == 0 or not _is_alive(owner):
            return True
        try:
            return time.time() - os.stat(self.files.temporary(name)).st_mtime > _ABANDONED
        except FileNotFoundError:
            return False


def _is_alive(process: int) -> bool:
    if os.name != "posix":  # where to ask would be to end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


class SQLiteLease:
    """A lease among all processes that use the store."""

    __slots__ = ("_store", "_token")

    def __init__(self, store: SQLiteStore, token: bytes) -> None:
        self._store = store
        self._token = token

    def release(self) -> None:
        self._store.release(self._token)
