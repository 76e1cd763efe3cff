"""What every stage is: an async callable from a request to a reply, with the next stage inside it."""

from collections.abc import Awaitable, Callable

from .._model.body import BytesReader
from .._model.message import Reply
from .._model.request import Request

Stage = Callable[[Request], Awaitable[Reply]]


async def let_go(reply: Reply) -> None:
    """Frees the connection of a reply that another one follows; its head stays, as part of the history."""
    raw, reply.body = reply.raw, BytesReader(b"")
    reply.raw = reply.body
    await raw.discard()
