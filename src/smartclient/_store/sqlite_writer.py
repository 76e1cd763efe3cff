"""One response on its way into the disk store; never in what form it lies there.

A small body is gathered. A larger one goes to a file while it comes, on event loops in the store's thread; the row is
written last, so that no row ever points to what is not whole.
"""

import contextlib
import os
from typing import TYPE_CHECKING

from .._model.stored import Stored
from .._runtime.base import Future, Runtime, deliver, new_lock
from .body_files import CHUNK, BodyFile, FileSink

if TYPE_CHECKING:
    from .sqlite import SQLiteStore

_IN_FLIGHT = 2**20  # bytes handed to the thread and not yet written
_GO_ON = 2**18
_LIMIT = 10.0  # seconds that the disk may take for what is in flight

BEING_WRITTEN: set[str] = set()
"""Names of the body files that this process is writing."""


class SQLiteWriter:
    """A `Writer` of a `SQLiteStore`."""

    def __init__(self, store: "SQLiteStore", runtime: Runtime, record: Stored) -> None:
        self._store = store
        self._runtime = runtime
        self._record: Stored | None = record
        self._room = store.max_item - record.size
        self._length = 0
        self._pieces: list[bytes] = []
        self._gathered = 0
        self._name = ""  # of the body's file, once there is one
        self._process = 0  # that writes it: a fork must not remove it
        self._sink: FileSink | None = None  # touched by the thread alone
        self._lock = new_lock()
        self._in_flight = 0
        self._waiting: Future | None = None
        self._failure: BaseException | None = None

    async def write(self, piece: bytes) -> bool:
        if self._record is None:
            return False
        self._length += len(piece)
        if self._length > self._room:
            self.discard()
            return False
        self._pieces.append(piece)
        self._gathered += len(piece)
        if self._gathered >= CHUNK:
            self._hand_over()
            if self._in_flight >= _IN_FLIGHT:
                await self._catch_up()
            if self._failure is not None:
                raise self._failure
        return True

    def _hand_over(self) -> None:
        pieces, size = self._pieces, self._gathered
        self._pieces, self._gathered = [], 0
        if not self._name:
            self._name = os.urandom(16).hex()
            self._process = os.getpid()
            BEING_WRITTEN.add(self._name)
        if self._runtime.name == "blocking":  # what was just read is at hand: another core takes three times as long
            self._write_out(pieces, 0)
            return
        with self._lock:
            self._in_flight += size
        self._store.worker.post(lambda: self._write_out(pieces, size))

    async def _catch_up(self) -> None:
        waiting = self._runtime.new_future()
        with self._lock:
            if self._in_flight <= _GO_ON:
                return
            self._waiting = waiting
        await self._runtime.wait(waiting, _LIMIT)

    def _write_out(self, pieces: list[bytes], size: int) -> None:
        try:
            if self._failure is None:
                if self._sink is None:
                    self._store.announce(self._name)
                    self._sink = FileSink(self._store.files.temporary(self._name))
                self._sink.write(pieces)
        except BaseException as error:
            self._failure = error
        finally:
            with self._lock:
                self._in_flight -= size
                waiting = self._waiting if self._in_flight <= _GO_ON else None
                if waiting is not None:
                    self._waiting = None
            if waiting is not None:
                self._runtime.call_threadsafe(deliver, waiting, None)

    async def commit(self) -> bool:
        record, self._record = self._record, None
        if record is None:
            return False
        if not self._name and self._length <= self._store.inline:
            record.hold(b"".join(self._pieces))
            self._pieces = []
            return await self._store.written(self._runtime, self._store.add, record, None)
        self._hand_over()
        kept = await self._store.written(self._runtime, self._finish, record)
        if kept and self._length > CHUNK:
            with contextlib.suppress(OSError):  # no thread, no checksums
                self._runtime.run_in_thread(lambda: self._store.seal(record.place))
        return kept

    def _finish(self, record: Stored) -> bool:
        """A body in a file gets its lasting name, then its row; after all that was handed over."""
        sink, self._sink = self._sink, None
        kept = False
        try:
            if self._failure is not None:
                raise self._failure
            assert sink is not None
            self._store.files.finish(self._name, sink.take())
            record.body, record.length = None, sink.length
            kept = self._store.add(record, BodyFile(self._name, sink.length, sink.checksums()))
        finally:
            BEING_WRITTEN.discard(self._name)  # whatever becomes of the rest: what is left is swept up then
            if not kept:
                self._give_up(sink)
        return kept

    def discard(self) -> None:
        if self._record is None:
            return
        self._record = None
        self._pieces = []
        if self._name and self._process == os.getpid():
            name = self._name
            self._store.worker.post(lambda: self._drop(name))

    def _drop(self, name: str) -> None:
        sink, self._sink = self._sink, None
        BEING_WRITTEN.discard(name)
        self._give_up(sink)

    def _give_up(self, sink: FileSink | None) -> None:
        if sink is not None:
            sink.close()
        self._store.give_up(self._name)

    def __del__(self) -> None:
        self.discard()
