"""The transport seam: two thin shells between the exchange stage and the pool, whose methods may be replaced.

The stage looks at the method in every call, so that whoever patches the class sees each exchange; the original it
passes by, and calls `exchange` itself. What a replacement, or a transport of the caller's own, is given and may answer
lives in `_net.foreign`.
"""

from collections.abc import Coroutine
from typing import Any

from .._model.message import Reply
from .._model.request import Request
from .._runtime.base import run_blocking
from .pool import Pool


class SyncTransport:
    """Exchanges over a pool of the blocking runtime."""

    __slots__ = ("pool",)

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def handle_request(self, request: Any) -> Reply:
        """One exchange: the reply's head is there, its body may still be on the wire.

        `request` is a Request, or the `ForeignRequest` that a replacement of this method was given and passes on.
        """
        if type(request) is not Request:
            return run_blocking(exchange_passed_on(self.pool, request))
        return run_blocking(exchange(self.pool, request))


class AsyncTransport:
    """Exchanges over a pool of an event loop."""

    __slots__ = ("pool",)

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def handle_async_request(self, request: Any) -> Reply:
        """As `SyncTransport.handle_request`."""
        if type(request) is not Request:
            return await exchange_passed_on(self.pool, request)
        return await exchange(self.pool, request)


HANDLE_REQUEST = SyncTransport.handle_request
HANDLE_ASYNC_REQUEST = AsyncTransport.handle_async_request


def is_patched() -> bool:
    """Whether somebody, a mock most likely, has replaced the method of a shell."""
    return (
        SyncTransport.handle_request is not HANDLE_REQUEST
        or AsyncTransport.handle_async_request is not HANDLE_ASYNC_REQUEST
    )


def exchange(pool: Pool, request: Request) -> Coroutine[Any, Any, Reply]:
    """One request and its response over a connection of `pool`; to be awaited at once, for it may be taken already."""
    connection = pool.take(request)
    return _over_another(pool, request) if connection is None else connection.exchange(request, pool)


async def _over_another(pool: Pool, request: Request) -> Reply:
    connection = await pool.acquire(request)
    reply: Reply = await connection.exchange(request, pool)
    return reply


async def exchange_passed_on(pool: Pool, request: Any) -> Reply:
    """`exchange` for a `ForeignRequest`, whose body may have been read and replaced."""
    own = await request.own()
    return await exchange(pool, own)
