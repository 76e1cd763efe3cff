"""The checks that every store must pass, run in the three ways in which sessions use it; never what they check."""

from collections.abc import Callable

from .._runtime.base import Runtime, run_blocking
from .._store.base import Store
from .._store.conformance import CHECKS, run_check


def check_store(make_store: Callable[[], Store]) -> None:
    """Checks a store of your own, in blocking code, asyncio and trio (where that is installed).

    To be called where no event loop runs, as in a plain test.

    Args:
        make_store: gives a new store each time, with nothing in it. All of them are closed.

    Raises:
        AssertionError: the store does not do what the cache relies on; the message says what.

    >>> from smartclient.stores import MemoryStore
    >>> check_store(MemoryStore)
    """
    from .._runtime.blocking import BlockingRuntime

    run_blocking(_all(BlockingRuntime(), make_store))

    import asyncio

    asyncio.run(_on_asyncio(make_store))

    try:
        import trio
    except ImportError:
        return
    trio.run(_on_trio, make_store)


async def _on_asyncio(make_store: Callable[[], Store]) -> None:
    from .._runtime.asyncio_ import AsyncioRuntime

    await _all(AsyncioRuntime(), make_store)


async def _on_trio(make_store: Callable[[], Store]) -> None:
    from .._runtime.trio_ import TrioRuntime

    await _all(TrioRuntime(), make_store)


async def _all(runtime: Runtime, make_store: Callable[[], Store]) -> None:
    for check in CHECKS:
        await run_check(check, runtime, make_store)
