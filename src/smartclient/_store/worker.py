"""The one thread in which a store does what an event loop must not wait for; never what it does there.

Jobs run one after the other, in the order in which they came. The thread is a daemon: it never holds the process up.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar
from weakref import WeakSet

from .._runtime.base import Runtime, in_thread, new_lock

T = TypeVar("T")
Job = Callable[[], object]

_workers: "WeakSet[Worker]" = WeakSet()


class Worker:
    """A thread that is started by the first job, and ended by `stop` or with the worker."""

    def __init__(self) -> None:
        self._lock = new_lock(reentrant=True)  # a finaliser that posts may run inside it
        self.forget()
        _workers.add(self)

    def forget(self) -> None:
        """In a forked child the thread does not exist, and the jobs are the parent's."""
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()  # its put() may be called by a finaliser, anywhere
        self._started = False

    def post(self, job: Job) -> None:
        """Has `job` done, some time; what it raises is lost."""
        self._jobs.put(job)
        if not self._started:
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._started:
                return
            self._started = True
            try:
                threading.Thread(target=_work, args=(self._jobs,), name="smartclient store", daemon=True).start()
            except BaseException:
                self._started = False
                raise

    def stop(self) -> None:
        """Ends the thread after the jobs that it has; the next one starts another."""
        with self._lock:
            jobs, started = self._jobs, self._started
            self.forget()
        if started:
            jobs.put(None)

    def __del__(self) -> None:
        self._jobs.put(None)

    async def do(self, runtime: Runtime, function: Callable[..., T], *args: Any) -> T:
        """The result of `function(*args)`, called in the thread; it goes on when the caller is cancelled."""
        return await in_thread(runtime, self.post, function, *args)


def _work(jobs: "SimpleQueue[Job | None]") -> None:
    while (job := jobs.get()) is not None:
        with contextlib.suppress(Exception):  # who wants to know asked with `do`
            job()
        del job  # what it holds may be the last reference to the store


def _forget_all() -> None:
    for worker in list(_workers):
        worker.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
