"""What credentials are to the origin stage: something that a request goes through, within one origin."""

from collections.abc import Awaitable, Callable
from typing import Any

from .._model.declared import NamedTuple, Protocol
from .._model.message import Reply
from .._model.request import Request
from .._runtime.base import Future
from .stage import Stage

WallClock = Callable[[], float]


class Waiting(Protocol):
    """What credentials need of a runtime."""

    def now(self) -> float: ...

    def new_future(self) -> Future: ...

    async def wait(self, future: Future, timeout: float | None) -> Any: ...

    async def within(self, timeout: float | None, awaitable: Awaitable[Any]) -> Any: ...

    def call_threadsafe(self, function: Callable[..., Any], *args: Any) -> None: ...


class Auth(Protocol):
    """Credentials that are more than one field value known beforehand.

    `identity` stands for them in the cache's partitions where the field they send changes from request to request;
    None leaves the field itself to tell them apart. It may be a secret: it is hashed before it is kept.
    """

    @property
    def identity(self) -> str | None: ...

    async def through(self, request: Request, send: Stage, runtime: Waiting, wall_clock: WallClock) -> Reply:
        """The answer to `request` with credentials, which may take several exchanges by `send`."""


class Settled(NamedTuple):
    """In the place of `auth` in the options of a request whose credentials are in its fields already."""

    identity: str | None


def may_repeat(request: Request) -> bool:
    """Whether the body of `request` can be sent a second time."""
    return request.body.length == 0 or request.body.replayable
