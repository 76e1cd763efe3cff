"""Work that no call waits for: validations of what was served stale, one for each key; never what they do.

A few workers take them from one queue; `close` ends what is left.
"""

import os
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakSet

from .._model.errors import RequestException
from .._runtime.base import Future, Runtime, Worker, deliver, new_lock

MAX_WAITING = 64
THREADS = 2
TASKS = 16  # they cost little, and a connection each is taken from the pool that calls use
GRACE = 2.0  # seconds that running jobs have at the end
_LETTING_GO = 1.0  # seconds for what was cancelled then

_every: "WeakSet[Background]" = WeakSet()


class Leash:
    """What one job in a thread waits on, so that it can be woken: nothing else ends a thread from outside."""

    def __init__(self) -> None:
        self._lock = new_lock()
        self._interrupt: Callable[[], None] | None = None
        self._is_cut = False

    def check(self) -> None:
        """Raises RequestException once it is cut."""
        if self._is_cut:
            raise RequestException("the session was closed")

    def tie(self, stream: Any) -> None:
        """Notes over which stream the job goes on; the pool calls this for each connection that nobody else uses."""
        with self._lock:
            self._interrupt = getattr(stream, "interrupt", None)
            cut = self._is_cut
        if cut:
            self.cut()

    def let_go(self) -> None:
        """The job is done, and its connection somebody else's."""
        with self._lock:
            self._interrupt = None

    def cut(self) -> None:
        """Ends each wait on the stream, now and later; no new connection is opened."""
        with self._lock:
            self._is_cut = True
            if self._interrupt is not None:
                self._interrupt()


Job = Callable[[Leash], Coroutine[Any, Any, None]]


class Background:
    """The jobs of the calls over one runtime.

    Attributes:
        open: whether jobs are taken; closing ends that for good.
    """

    def __init__(self, runtime: Runtime, *, open: bool = True) -> None:
        self.open = open
        self._runtime = runtime
        self._lock = new_lock()
        self._forget()
        _every.add(self)

    def _forget(self) -> None:
        self._waiting: dict[object, Job] = {}
        self._running: dict[object, Leash] = {}
        self._workers = 0
        self._started: set[Worker] = set()
        self._watchers: list[Future] = []

    def start(self, key: object, job: Job) -> bool:
        """Whether `job`, or the one for the same `key` before it, is run; where it is not, nothing was done."""
        with self._lock:
            if key in self._running or key in self._waiting:
                return True
            if not self.open or len(self._waiting) >= MAX_WAITING:
                return False
            self._waiting[key] = job
            if self._workers >= (THREADS if self._runtime.name == "blocking" else TASKS):
                return True
            self._workers += 1
        try:
            worker = self._runtime.start(self._work())
        except OSError:
            with self._lock:
                self._workers -= 1
                return self._workers > 0 or self._waiting.pop(key, None) is None
        with self._lock:
            if self._workers:
                self._started.add(worker)
        return True

    async def _work(self) -> None:
        try:
            while (taken := self._next()) is not None:
                key, job, leash = taken
                try:
                    await job(leash)
                except Exception as error:
                    _report(error)
                finally:
                    leash.let_go()
                    with self._lock:
                        self._running.pop(key, None)
        except BaseException:
            with self._lock:
                self._leave()
            raise

    def _next(self) -> tuple[object, Job, Leash] | None:
        """A job for a worker; it leaves when there is none, before another can count on it."""
        with self._lock:
            if not self._waiting:
                self._leave()
                return None
            key = next(iter(self._waiting))
            leash = self._running[key] = Leash()
            return key, self._waiting.pop(key), leash

    def _leave(self) -> None:
        """Called with the lock held."""
        self._workers -= 1
        if not self._workers:
            self._started.clear()
            watchers, self._watchers = self._watchers, []
            for future in watchers:
                self._runtime.call_threadsafe(deliver, future, None)

    async def close(self) -> None:
        """Drops what has not begun and gives the rest `GRACE`; then cancels tasks, and aborts what threads wait for."""
        try:
            if await self._ends_within(GRACE):
                return
        except BaseException:
            self._cancel()
            raise
        self._cancel()
        await self._ends_within(_LETTING_GO)

    def _cancel(self) -> None:
        with self._lock:
            workers, leashes = list(self._started), list(self._running.values())
        for worker in workers:
            worker.cancel()
        for leash in leashes:
            leash.cut()

    async def _ends_within(self, seconds: float) -> bool:
        with self._lock:
            self.open = False
            self._waiting.clear()
            if not self._workers:
                return True
            future = self._runtime.new_future()
            self._watchers.append(future)
        try:
            await self._runtime.wait(future, seconds)
        except TimeoutError:
            return False
        return True

    def forget(self) -> None:
        """In a forked child: the workers are not here."""
        self._forget()

    def __repr__(self) -> str:
        with self._lock:
            return f"<Background {len(self._running)} running, {len(self._waiting)} waiting>"


def _report(error: Exception) -> None:
    """The error's text stays out: it may name a URL, and so a secret."""
    import logging

    expected = isinstance(error, RequestException)
    logging.getLogger("smartclient").log(
        logging.INFO if expected else logging.ERROR,
        "a validation in the background failed: %s",
        type(error).__name__,
    )


def _forget_jobs() -> None:
    for background in list(_every):
        background.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_jobs)
