"""Connections of the disk store, one for each thread and process; never what is asked over them.

One connection shared by threads gives wrong rows on CPython 3.12 and later (python/cpython#118172). None may cross a
fork: SQLite's memory of the locks it holds would be wrong in the child. So before a fork all of them are closed, and
each thread opens its own again when it needs it, in parent and child.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from weakref import WeakSet

from .schema import connect

_FORK_PATIENCE = 1.0  # seconds that a fork waits for a statement that is under way


class _Connection:
    """The place of one thread's connection. The lock keeps `close` and forks away from one that is in use."""

    __slots__ = ("__weakref__", "db", "lock", "timeout")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.db: sqlite3.Connection | None = None
        self.timeout = 0.0

    def close(self) -> None:
        db, self.db = self.db, None
        if db is not None:
            with contextlib.suppress(sqlite3.Error):
                db.close()

    def __del__(self) -> None:
        self.close()


class Connections:
    """Those of one store."""

    def __init__(self, path: str, durable: bool, items: int, prepare: Callable[[], None]) -> None:
        """`items` is the most that there will be.

        `prepare` is called before the first is opened in this process, and again after `close`.
        """
        self.ready = False
        self._path = path
        self._durable = durable
        self._items = items
        self._prepare = prepare
        self._local = threading.local()
        self._opening = threading.Lock()
        self._all: WeakSet[_Connection] = WeakSet()
        _stores.add(self)

    @contextlib.contextmanager
    def writing(self, timeout: float) -> Iterator[sqlite3.Connection]:
        """The thread's connection, in a transaction that nobody else writes in; waits at most `timeout` for that."""
        with self.reading(timeout) as db:
            try:
                db.execute("BEGIN IMMEDIATE")  # what interrupts the wait for others is raised when it has begun
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self, timeout: float) -> Iterator[sqlite3.Connection]:
        """The thread's connection; locks of others are waited for at most `timeout` seconds."""
        own = self.own()
        with own.lock:
            yield self.opened(own, timeout)

    def own(self) -> _Connection:
        """The place of the thread's connection; its lock is to be held while that is used."""
        try:
            return self._local.connection  # type: ignore[no-any-return]
        except AttributeError:
            own = self._local.connection = _Connection()
            return own

    def opened(self, own: _Connection, timeout: float) -> sqlite3.Connection:
        """The thread's connection, with the lock of its place held."""
        db = own.db
        if db is None:
            db = self._open(own, timeout)
        elif own.timeout != timeout:
            db.execute(f"PRAGMA busy_timeout={round(timeout * 1000)}")
            own.timeout = timeout
        return db

    def _open(self, own: _Connection, timeout: float) -> sqlite3.Connection:
        with self._opening:
            if not self.ready:
                self._prepare()
                self.ready = True
            own.db = connect(self._path, timeout, self._durable, self._items)
            own.timeout = timeout
            self._all.add(own)
        return own.db

    def close(self) -> None:
        """Closes those of all threads, each when its statement is done; they are opened again when needed."""
        with self._opening:
            self.ready = False
            places = list(self._all)
        for own in places:
            with own.lock:
                own.close()

    # Around a fork: the thread that forks holds all locks, so that nothing is in use.

    def before_fork(self) -> None:
        self._held_opening = self._opening.acquire(timeout=_FORK_PATIENCE)
        self._held: list[_Connection] = []
        for own in list(self._all):
            # Whoever has none open cannot open one now, and may be waiting to do so with its lock held.
            if own.db is not None and own.lock.acquire(timeout=_FORK_PATIENCE):
                self._held.append(own)
                own.close()

    def after_fork(self) -> None:
        held, self._held = self._held, []
        for own in held:
            own.lock.release()
        if self._held_opening:
            self._opening.release()

    def in_child(self) -> None:
        for own in set(self._all).difference(self._held):  # of threads that do not exist here
            _abandoned.append(own.db)  # never touched again, not even to close it
            own.db, own.lock = None, threading.Lock()
        if not self._held_opening:
            self._opening = threading.Lock()
        self.after_fork()


_stores: "WeakSet[Connections]" = WeakSet()
_abandoned: list[object] = []


def _before() -> None:
    for store in list(_stores):
        store.before_fork()


def _after() -> None:
    for store in list(_stores):
        store.after_fork()


def _in_child() -> None:
    for store in list(_stores):
        store.in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_in_child)
