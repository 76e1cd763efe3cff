"""What credentials are to the origin stage: something that a request goes through, within one origin."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

from .._model.errors import DeadlineExceeded
from .._model.message import Reply
from .._model.request import Request
from .._runtime.base import Future, nearer
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
        ...


class Settled(NamedTuple):
    """In the place of `auth` in the options of a request whose credentials are in its fields already."""

    identity: str | None


async def in_time(given: Awaitable[Any], request: Request, runtime: Waiting, what: str) -> tuple[Any, Exception | None]:
    """What a caller's awaitable gives or raises, so that a TimeoutError of its own is not taken for our limit.

    Raises:
        DeadlineExceeded: the call's time has passed.
    """
    try:
        outcome: tuple[Any, Exception | None] = await runtime.within(left_of(request, runtime), _outcome(given))
    except TimeoutError as error:
        raise too_late(request, what) from error
    return outcome


async def _outcome(given: Awaitable[Any]) -> tuple[Any, Exception | None]:
    try:
        return await given, None
    except Exception as error:
        return None, error


def left_of(request: Request, runtime: Waiting) -> float | None:
    """Seconds that the call has left; None without a limit."""
    return nearer(None, request.deadline, runtime.now())


def too_late(request: Request, what: str) -> DeadlineExceeded:
    """What to raise when there is no `what` in time."""
    failure: DeadlineExceeded = DeadlineExceeded(f"{request.method} {request.url.safe}: no {what} in time")
    return failure


def may_repeat(request: Request) -> bool:
    """Whether the body of `request` can be sent a second time."""
    return request.body.length == 0 or request.body.replayable
