"""Daemon threads for calls that cannot be limited or cancelled, such as the look-up of names."""

import os
import threading
from collections import deque
from collections.abc import Callable

Job = Callable[[], None]


class DaemonThreads:
    """At most `size` threads, started on need and reused; they never delay the end of the process.

    An executor of the standard library is joined at exit: a stalled look-up would hold the process as long.
    """

    def __init__(self, size: int = 16) -> None:
        self._size = size
        self._reset()

    def _reset(self) -> None:
        self._condition = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._threads = 0
        self._idle = 0

    def run(self, job: Job) -> None:
        """Has `job` called in one of the threads; it must not raise.

        Raises:
            OSError: the system gives no thread, and there is none yet.
        """
        with self._condition:
            self._jobs.append(job)
            if self._idle >= len(self._jobs):
                self._condition.notify()
                return
            start = self._threads < self._size
            self._threads += start
        if not start:
            return
        try:
            threading.Thread(target=self._work, name="smartclient", daemon=True).start()
        except RuntimeError as error:
            with self._condition:
                self._threads -= 1
                if self._threads == 0 and job in self._jobs:
                    self._jobs.remove(job)
                    raise OSError(str(error)) from error

    def _work(self) -> None:
        while True:
            with self._condition:
                self._idle += 1
                while not self._jobs:
                    self._condition.wait()
                self._idle -= 1
                job = self._jobs.popleft()
            job()
            del job  # what it holds may be large

    def forget(self) -> None:
        """In a forked child: the threads do not exist here."""
        self._reset()


DAEMON_THREADS = DaemonThreads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=DAEMON_THREADS.forget)
