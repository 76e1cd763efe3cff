"""The last stage: hands the request to the transport, whose method is looked up at every call."""

from typing import Protocol

from .._model.message import Reply
from .._model.request import Request


class HandlesRequests(Protocol):
    """A transport for blocking sessions."""

    def handle_request(self, request: Request) -> Reply: ...


class HandlesAsyncRequests(Protocol):
    """A transport for sessions on an event loop."""

    async def handle_async_request(self, request: Request) -> Reply: ...


class SyncExchangeStage:
    """For blocking sessions: a plain call."""

    __slots__ = ("transport",)

    def __init__(self, transport: HandlesRequests) -> None:
        self.transport = transport

    async def __call__(self, request: Request) -> Reply:
        return self.transport.handle_request(request)


class AsyncExchangeStage:
    """For sessions on an event loop."""

    __slots__ = ("transport",)

    def __init__(self, transport: HandlesAsyncRequests) -> None:
        self.transport = transport

    async def __call__(self, request: Request) -> Reply:
        return await self.transport.handle_async_request(request)
