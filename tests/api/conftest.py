"""Sessions over a scripted origin: everything of a call but pool and sockets."""

from collections.abc import Callable
from typing import Any

import pytest

from smartclient._api.session import Session
from smartclient._model.body import BytesReader
from smartclient._model.errors import RequestException
from smartclient._model.headers import NO_FIELDS, Fields
from smartclient._model.message import Head, Reply
from smartclient._model.request import Request


class Streamed:
    """A response body in pieces; `failure` comes in the place of its end."""

    def __init__(self, *pieces: bytes, failure: RequestException | None = None) -> None:
        self.pieces = list(pieces)
        self.failure = failure
        self.trailers = NO_FIELDS
        self.aborted = False

    async def read(self) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        if self.failure is not None:
            raise self.failure
        self.trailers = Fields([("Digest", "x")])
        return b""

    async def discard(self) -> None:
        self.pieces.clear()

    def abort(self) -> None:
        self.aborted = True


class Origin:
    """The stage at the end of a chain: answers 200 unless `will` prepared something, remembers the requests.

    Bodies of requests are read as the wire does it; `sent` has their bytes.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.sent: list[bytes] = []
        self._answers: list[Any] = []

    def will(self, answer: int | Exception = 200, *lines: tuple[str, str], body: Any = b"", reason: str = "") -> None:
        self._answers.append((answer, lines, body, reason))

    async def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        self.sent.append(b"".join(request.body.pieces()))
        answer, lines, body, reason = self._answers.pop(0) if self._answers else (200, (), b"", "OK")
        if isinstance(answer, Exception):
            raise answer
        reader = BytesReader(body) if isinstance(body, bytes) else body
        return Reply(Head(answer, Fields(lines), reason), reader, request)


@pytest.fixture
def far() -> Origin:
    """What the sessions of a test talk to."""
    return Origin()


@pytest.fixture
def streamed() -> type[Streamed]:
    """`streamed(*pieces, failure=None)`: a response body that comes in pieces."""
    return Streamed


@pytest.fixture
def session_to(far: Origin) -> Callable[..., Session]:
    """`session_to(**options)`: a session whose calls end at `far`, without stages between."""

    def make(**options: Any) -> Session:
        session = Session(**options)
        session._chain = far
        return session

    return make


@pytest.fixture
def session(session_to: Callable[..., Session]) -> Session:
    """A session with default options whose calls end at `far`, without stages between."""
    return session_to()
