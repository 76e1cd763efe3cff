"""What stages are tested with: a scripted `next`, bodies that tell what was done to them, a runtime without a clock."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from smartclient._model.body import BytesReader
from smartclient._model.headers import NO_FIELDS, Fields
from smartclient._model.message import Head, Reply
from smartclient._model.request import Request


class Body:
    """A response body in pieces; `failure` comes in the place of its end. `calls` tells what was done to it."""

    def __init__(self, *pieces: bytes, failure: Exception | None = None, trailers: Fields = NO_FIELDS) -> None:
        self.pieces = list(pieces)
        self.failure = failure
        self.trailers = trailers
        self.calls: list[str] = []

    async def read(self) -> bytes:
        self.calls.append("read")
        if not self.pieces and self.failure is not None:
            raise self.failure
        return self.pieces.pop(0) if self.pieces else b""

    async def discard(self) -> None:
        self.calls.append("discard")

    def abort(self) -> None:
        self.calls.append("abort")


class Next:
    """The stage below: gives what `will` prepared, one answer for each request, and remembers the requests."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self._answers: list[Any] = []

    def will(self, answer: int | Exception, *lines: tuple[str, str], body: Any = b"") -> None:
        self._answers.append((answer, lines, body))

    async def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        answer, lines, body = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        reader = BytesReader(body) if isinstance(body, bytes) else body
        self.replies.append(Reply(Head(answer, Fields(lines)), reader, request))
        return self.replies[-1]


class FakeRuntime:
    """A clock that only sleeping moves, and dice that are given in advance."""

    def __init__(self, dice: Iterable[float] = ()) -> None:
        self.moment = 1000.0
        self.slept: list[float] = []
        self.dice = list(dice)
        self.spawned: list[Any] = []

    def now(self) -> float:
        return self.moment

    def caller(self) -> object:
        return "the only one"

    def random(self) -> float:
        return self.dice.pop(0) if self.dice else 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += seconds

    def spawn(self, clean_up: Any) -> None:
        self.spawned.append(clean_up)


@pytest.fixture
def below() -> Next:
    """The scripted stage below the one that is tested."""
    return Next()


@pytest.fixture
def body() -> Callable[..., Body]:
    """`body(*pieces, failure=None)`: a response body that tells what was done to it."""
    return Body


@pytest.fixture
def fake_runtime() -> Callable[..., FakeRuntime]:
    """`fake_runtime(dice)`: a runtime without a clock."""
    return FakeRuntime
