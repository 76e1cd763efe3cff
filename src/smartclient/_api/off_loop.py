"""Blocking work of our own, where it may block: at once in a blocking session, in a thread beside an event loop."""

from collections.abc import Callable
from typing import Any, TypeVar

from .._net.resolve import deliver
from .._runtime.base import Runtime

T = TypeVar("T")


async def done_in_thread(runtime: Runtime, job: Callable[[], T]) -> T:
    """What `job()` returns or raises. A caller that is cancelled does not end it: it may still be at work."""
    if runtime.name == "blocking":
        return job()
    future = runtime.new_future()

    def work() -> None:
        outcome: tuple[Any, BaseException | None]
        try:
            outcome = (job(), None)
        except BaseException as error:
            outcome = (None, error)
        runtime.call_threadsafe(deliver, future, outcome)

    runtime.run_in_thread(work)
    value, failure = await runtime.wait(future, None)
    if failure is not None:
        raise failure
    return value  # type: ignore[no-any-return]
