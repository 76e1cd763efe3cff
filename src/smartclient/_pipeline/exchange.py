"""The last stage: hands the request to the transport, whose method is looked at in every call.

While a shell of the house has its own method, the stage does at once what that does. A transport of the caller's own,
or the mock that took the place of a shell's method, gets a `ForeignRequest`, and answers in a shape of its own.
"""

from collections.abc import Awaitable
from typing import Any

from .._model.declared import Protocol
from .._model.message import Reply
from .._model.request import Request
from .._net.transport import HANDLE_ASYNC_REQUEST, HANDLE_REQUEST, AsyncTransport, SyncTransport, exchange
from .._runtime.base import LoopRuntime, Runtime


class HandlesRequests(Protocol):
    """A transport for blocking sessions."""

    def handle_request(self, request: Any) -> Any: ...


class HandlesAsyncRequests(Protocol):
    """A transport for sessions on an event loop."""

    async def handle_async_request(self, request: Any) -> Any: ...


class SyncExchangeStage:
    """For blocking sessions: a plain call."""

    __slots__ = ("_pool", "_runtime", "_transport")

    def __init__(self, transport: HandlesRequests, runtime: Runtime) -> None:
        self._transport = transport
        self._pool = transport.pool if type(transport) is SyncTransport else None
        self._runtime = runtime

    def __call__(self, request: Request) -> Awaitable[Reply]:
        if self._pool is not None and SyncTransport.handle_request is HANDLE_REQUEST:
            return exchange(self._pool, request)  # what the method does, without the way through it
        return self._by_others(request)

    async def _by_others(self, request: Request) -> Reply:
        from .._net.foreign import ForeignRequest, error_from, reply_from  # 3 ms that most programs save

        try:
            answer = self._transport.handle_request(ForeignRequest(request, self._runtime.now))
        except Exception as error:
            ours = error_from(error, request)
            if ours is None:
                raise
            raise ours from error
        return reply_from(answer, request, None)


class AsyncExchangeStage:
    """For sessions on an event loop."""

    __slots__ = ("_pool", "_runtime", "_transport")

    def __init__(self, transport: HandlesAsyncRequests, runtime: LoopRuntime) -> None:
        self._transport = transport
        self._pool = transport.pool if type(transport) is AsyncTransport else None
        self._runtime = runtime

    def __call__(self, request: Request) -> Awaitable[Reply]:
        if self._pool is not None and AsyncTransport.handle_async_request is HANDLE_ASYNC_REQUEST:
            return exchange(self._pool, request)  # what the method does, without the way through it
        return self._by_others(request)

    async def _by_others(self, request: Request) -> Reply:
        from .._net.foreign import ForeignRequest, error_from, reply_from

        try:
            answer = await self._transport.handle_async_request(ForeignRequest(request, self._runtime.now))
        except Exception as error:
            ours = error_from(error, request)
            if ours is None:
                raise
            raise ours from error
        return reply_from(answer, request, self._runtime.spawn)
