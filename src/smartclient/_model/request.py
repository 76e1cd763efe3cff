"""The request that travels down the stages: self-contained, replaced rather than changed."""

from typing import TYPE_CHECKING, Any

from .body import NO_BODY, RequestBody
from .headers import NO_FIELDS, Fields
from .options import DEFAULT_OPTIONS, Options
from .url import URL

if TYPE_CHECKING:
    from .events import Watch
    from .timings import Notes

_NOT_GIVEN: Any = object()


class Request:
    """One request of a call. Stages never change it; they send `replace()`d copies further down.

    Attributes:
        method: a token, case as given.
        url: parsed.
        fields: checked; without Host and framing, which the wire writes.
        body: `NO_BODY` when there is none.
        options: everything the caller asked for, frozen.
        began: monotonic moment at which its hop began.
        deadline: monotonic moment at which the whole call ends, or `inf`.
        fresh: True when it must go over a new connection, because a kept-alive one has just failed it.
        watch: who is told what becomes of the call, or None.
        notes: the moments of its exchange, where somebody takes them down, else None; alone of all, written below.
    """

    __slots__ = ("began", "body", "deadline", "fields", "fresh", "method", "notes", "options", "url", "watch")

    def __init__(
        self,
        method: str,
        url: URL,
        fields: Fields = NO_FIELDS,
        body: RequestBody = NO_BODY,
        options: Options = DEFAULT_OPTIONS,
        deadline: float = float("inf"),
        fresh: bool = False,
        began: float = 0.0,
        watch: "Watch | None" = None,
    ) -> None:
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
        self.options = options
        self.deadline = deadline
        self.fresh = fresh
        self.began = began
        self.watch = watch
        self.notes: Notes | None = None

    def replace(
        self,
        *,
        method: str = _NOT_GIVEN,
        url: URL = _NOT_GIVEN,
        fields: Fields = _NOT_GIVEN,
        body: RequestBody = _NOT_GIVEN,
        options: Options = _NOT_GIVEN,
        fresh: bool = False,
    ) -> "Request":
        """A copy with the given parts changed, and without notes."""
        return Request(
            self.method if method is _NOT_GIVEN else method,
            self.url if url is _NOT_GIVEN else url,
            self.fields if fields is _NOT_GIVEN else fields,
            self.body if body is _NOT_GIVEN else body,
            self.options if options is _NOT_GIVEN else options,
            self.deadline,
            fresh,
            self.began,
            self.watch,
        )

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url.safe}>"
