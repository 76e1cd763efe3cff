"""The transport seam: two thin shells between the exchange stage and the pool, whose methods may be replaced.

The stage looks the method up at every call, so that whoever patches the class sees each exchange.
"""

from .._model.message import Reply
from .._model.request import Request
from .._runtime.base import run_blocking
from .pool import Pool


class SyncTransport:
    """Exchanges over a pool of the blocking runtime."""

    __slots__ = ("pool",)

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def handle_request(self, request: Request) -> Reply:
        """One exchange: the reply's head is there, its body may still be on the wire."""
        return run_blocking(exchange(self.pool, request))


class AsyncTransport:
    """Exchanges over a pool of an event loop."""

    __slots__ = ("pool",)

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def handle_async_request(self, request: Request) -> Reply:
        """One exchange: the reply's head is there, its body may still be on the wire."""
        return await exchange(self.pool, request)


async def exchange(pool: Pool, request: Request) -> Reply:
    """One request and its response over a connection of `pool`."""
    connection = await pool.acquire(request)
    try:
        return await connection.exchange(request, pool)
    except BaseException:
        pool.discard(connection)
        raise
