"""The cache stage over a scripted origin and a clock that only moves when told."""

from collections.abc import Callable, Iterable
from typing import Any

from smartclient._model.body import BytesReader
from smartclient._model.fields import format_http_date
from smartclient._model.frozen import replace
from smartclient._model.headers import NO_FIELDS, Fields
from smartclient._model.message import Head, Reply
from smartclient._model.options import Options
from smartclient._model.policy import DEFAULT_POLICY, CachePolicy
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._pipeline.cache import CacheStage
from smartclient._pipeline.caching import Caching
from smartclient._pipeline.together import Together
from smartclient._runtime.base import run_blocking
from smartclient._runtime.blocking import BlockingRuntime
from smartclient._store.memory import MemoryStore

RUNTIME = BlockingRuntime()
START = 1_800_000_000.0
URI = "https://h.example/a"
FRESH = ("Cache-Control", "max-age=60")
ETAG = ("ETag", '"a"')


class Streamed:
    """A body that comes in pieces, and may break instead of ending."""

    def __init__(self, pieces: Iterable[bytes], failure: Exception | None = None) -> None:
        self.pieces = list(pieces)
        self.failure = failure
        self.trailers = NO_FIELDS
        self.calls: list[str] = []

    async def read(self) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        if self.failure is not None:
            raise self.failure
        self.trailers = Fields([("Digest", "x")])
        return b""

    async def discard(self) -> None:
        self.calls.append("discard")

    def abort(self) -> None:
        self.calls.append("abort")


class World:
    """The stage with its origin (answers are given in advance, requests recorded) and its clock."""

    def __init__(self, store: Any = None, policy: CachePolicy = DEFAULT_POLICY) -> None:
        self.now = START
        self.answers: list[Any] = []
        self.requests: list[Request] = []
        self.store = MemoryStore() if store is None else store
        self.during: Callable[[], object] | None = None  # runs while the origin is at work
        self.stage = CacheStage(Caching(self.store, policy), lambda: self.now, self.origin, Together(RUNTIME))

    async def origin(self, request: Request) -> Reply:
        self.requests.append(request)
        self.now += 1
        if self.during is not None:
            during, self.during = self.during, None
            during()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, lines, body = answer
        reader = BytesReader(body) if isinstance(body, bytes) else body
        return Reply(Head(status, Fields(lines)), reader, request)

    def will(self, status: int, *lines: tuple[str, str], body: Any = b"") -> None:
        self.answers.append((status, [("Date", format_http_date(self.now)), *lines], body))

    def send(self, *lines: tuple[str, str], method: str = "GET", uri: str = URI, **options: Any) -> Reply:
        request = Request(method, URL.parse(uri), Fields(lines), options=replace(Options(), **options))
        return run_blocking(self.stage(request))

    def get(self, *lines: tuple[str, str], **more: Any) -> tuple[int, bytes, str]:
        """Status, whole content and provenance."""
        reply = self.send(*lines, **more)
        return reply.head.status, whole(reply), reply.provenance


def world_with(**policy: Any) -> World:
    """A world whose cache may do what `policy` says."""
    return World(policy=CachePolicy(**policy))


def whole(reply: Reply) -> bytes:
    """All of the reply's content."""
    pieces = []
    while piece := run_blocking(reply.body.read()):
        pieces.append(piece)
    return b"".join(pieces)
