"""Several coroutines of one call at a time: threads in a blocking session, tasks on an event loop."""

import contextvars
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from .._runtime.base import Runtime, run_blocking

Work = Callable[[], Coroutine[Any, Any, None]]


async def together(runtime: Runtime, works: Sequence[Work], stop: Callable[[], None]) -> list[BaseException]:
    """Runs `works` until all are through: what they raised, in that order.

    After the first failure `stop()` is called in a blocking session, where threads look by themselves whether they are
    to stop; on an event loop the others are cancelled.
    """
    failures: list[BaseException] = []
    if runtime.name == "blocking":
        _in_threads(works, stop, failures)
    else:
        await _in_tasks(works, failures)
    return failures


def _in_threads(works: Sequence[Work], stop: Callable[[], None], failures: list[BaseException]) -> None:
    def run(work: Work) -> None:
        try:
            run_blocking(work())
        except BaseException as error:
            failures.append(error)
            stop()

    # Daemons: after Ctrl-C nobody waits for one that is stuck in a read.
    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(run, work), name="smartclient", daemon=True)
        for work in works
    ]
    started: list[threading.Thread] = []
    try:
        with suppress(RuntimeError):  # the system gives no more threads: the rest is done one after the other
            for thread in threads:
                thread.start()
                started.append(thread)
        for work in works[len(started) :]:
            run(work)
        for thread in started:
            thread.join()
    except BaseException:
        stop()
        raise


async def _in_tasks(works: Sequence[Work], failures: list[BaseException]) -> None:
    from anyio import create_task_group

    async with create_task_group() as group:

        async def run(work: Work) -> None:
            try:
                await work()
            except Exception as error:
                failures.append(error)
                group.cancel_scope.cancel()

        for work in works:
            group.start_soon(run, work)
