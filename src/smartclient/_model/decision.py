"""What the cache can decide, as nouns: the plan for a request, the outcome of an answer, the explanation for users.

Never why or when: that is in `_rules`. The words of `why` and the text of `CacheDecision` are RFC 9211's.
"""

from collections.abc import Mapping
from typing import Any, Literal

from .declared import NamedTuple
from .headers import Line
from .scope import Scope
from .stored import Key, Stored

Why = Literal["bypass", "method", "uri-miss", "vary-miss", "request", "stale", "partial"]


class Span(NamedTuple):
    """Bytes of a stored content, from `start` up to `stop`, which are those from `first` on of `total` (or None)."""

    start: int
    stop: int
    first: int
    total: int | None


class Form(NamedTuple):
    """How a stored response answers a request: the "whole", its "head", "not-modified" (304), or a "part" (206)."""

    kind: Literal["whole", "head", "not-modified", "part"]
    span: Span | None = None


WHOLE = Form("whole")
HEAD_ONLY = Form("head")
NOT_MODIFIED = Form("not-modified")


class Serve(NamedTuple):
    """Answer from the store, which is fresh; `age` in whole seconds."""

    stored: Stored
    age: int
    form: Form


class ServeStale(NamedTuple):
    """Answer from the store, which is stale and may be used nevertheless; `refresh`: validate it in the background."""

    stored: Stored
    age: int
    form: Form
    reason: str
    rule: str
    refresh: bool = False


class Revalidate(NamedTuple):
    """Ask the origin with the conditional `fields` added; a 304 may select any of `stored`.

    `chosen` is what would answer the request, and stands in for an origin that fails where that is allowed.
    """

    fields: tuple[Line, ...]
    stored: tuple[Stored, ...]
    chosen: Stored | None
    why: Why
    reason: str
    rule: str


class Complete(NamedTuple):
    """Ask the origin, by the `fields` added, for what `stored` lacks of the whole."""

    fields: tuple[Line, ...]
    stored: Stored
    why: Why
    reason: str
    rule: str


class Forward(NamedTuple):
    """Send the request on as it is; `store` says whether the answer may be kept.

    The answer may freshen or complete `chosen`, which would answer the request and may stand in for an origin that
    fails.
    """

    why: Why
    store: bool
    reason: str
    rule: str
    chosen: Stored | None = None


class Unsatisfiable(NamedTuple):
    """504: the request allows nothing but a stored response, and none will do."""

    reason: str
    rule: str


Asking = Revalidate | Complete | Forward
Plan = Serve | ServeStale | Asking | Unsatisfiable


class Store(NamedTuple):
    """Keep `record`, whose body is still to come: `before` of stored content, what the answer brings, `after`.

    The answer must bring `exact` bytes where it joins what is stored. With `completes` the caller gets all of `record`,
    not what the origin sent.
    """

    record: Stored
    invalidate: tuple[Scope, ...] = ()
    before: "Piece | None" = None
    after: "Piece | None" = None
    exact: int | None = None
    completes: bool = False


class Piece(NamedTuple):
    """The bytes of a stored content from `start` up to `stop`."""

    stored: Stored
    start: int
    stop: int


class Freshen(NamedTuple):
    """Answer in `form` with `record`, which is `stored` brought up to date by a 304.

    Without a form the origin's answer goes to the caller as it is, and only the store learns from it.
    """

    stored: Stored
    record: Stored
    form: Form | None
    invalidate: tuple[Scope, ...] = ()


class AskAgain(NamedTuple):
    """The answer is about nothing that we hold: send the request once more, without what we added."""

    invalidate: tuple[Scope, ...] = ()


class Pass(NamedTuple):
    """Hand the answer on and keep nothing."""

    why_not_stored: str
    rule: str
    invalidate: tuple[Scope, ...] = ()


class UseStale(NamedTuple):
    """The answer is a failure, and keeps nothing: answer with what is stored."""

    plan: ServeStale
    why_not_stored: str
    invalidate: tuple[Scope, ...] = ()


Outcome = Store | Freshen | AskAgain | UseStale | Pass


class UpstreamCache(NamedTuple):
    """What one cache on the way says in Cache-Status (RFC 9211 section 2); None where it says nothing of it."""

    name: str
    hit: bool = False
    forward: str | None = None
    forward_status: int | None = None
    ttl: int | None = None
    stored: bool = False
    collapsed: bool = False
    key: str | None = None
    detail: str | None = None


class CacheDecision(NamedTuple):
    """`response.cache`: what the cache did with one call. `str()` of it is the value of Cache-Status (RFC 9211).

    Attributes:
        status: "hit", "stale" (served past its lifetime), "revalidated", "miss" or "bypass".
        reason: one sentence.
        rule: the RFC and section that decided.
        fresh: whether what was served or stored is within its lifetime; None when nothing was.
        age: of what was served or stored, whole seconds, or None.
        ttl: whole seconds left of its lifetime, negative when stale, or None.
        stored: this answer goes into the store, at the clean end of its body.
        why_not_stored: one sentence, or None.
        forward: why the request went on, or None.
        forward_status: status of the answer that came then, or None.
        collapsed: the call waited for another one that asked for the same.
        received: the Cache-Status fields that came with the response, or None.
        subject: what was looked up; `key` shows it.
    """

    status: Literal["hit", "stale", "revalidated", "miss", "bypass"]
    reason: str
    rule: str
    fresh: bool | None = None
    age: int | None = None
    ttl: int | None = None
    stored: bool = False
    why_not_stored: str | None = None
    forward: Why | None = None
    forward_status: int | None = None
    collapsed: bool = False
    received: str | None = None
    subject: Key | None = None

    @property
    def key(self) -> str | None:
        """A short digest of the cache key, the same for all calls that may share a response; None without a look-up."""
        if self.subject is None:
            return None
        from hashlib import blake2b  # few look at this, and importing it loads OpenSSL

        return blake2b(repr(self.subject).encode("utf-8", "backslashreplace"), digest_size=6).hexdigest()

    @property
    def upstream(self) -> tuple[UpstreamCache, ...]:
        """What the caches on the way say of themselves, the one nearest to the origin first."""
        return () if self.received is None else _upstream(self.received)

    def __str__(self) -> str:
        parts = ["smartclient"]
        if self.status in ("hit", "stale") and self.forward is None:
            parts.append("hit")
        if self.forward is not None:
            parts.append(f"fwd={self.forward}")
        if self.forward_status is not None:
            parts.append(f"fwd-status={self.forward_status}")
        if self.ttl is not None:
            parts.append(f"ttl={self.ttl}")
        if self.stored:
            parts.append("stored")
        if self.collapsed:
            parts.append("collapsed")
        return "; ".join(parts)

    def __repr__(self) -> str:
        return f"<CacheDecision {self}: {self.reason}>"  # the subject may hold secrets


def _upstream(text: str) -> tuple[UpstreamCache, ...]:
    from .structured import parse_structured_list

    return tuple([_cache(item.value, item.parameters) for item in parse_structured_list(text) or ()])


def _cache(name: Any, given: Mapping[str, Any]) -> UpstreamCache:
    def text(parameter: str) -> str | None:
        value = given.get(parameter)
        return value if isinstance(value, str) else None

    def number(parameter: str) -> int | None:
        value = given.get(parameter)
        return value if type(value) is int else None

    return UpstreamCache(
        name=name if isinstance(name, str) else "",
        hit=given.get("hit") is True,
        forward=text("fwd"),
        forward_status=number("fwd-status"),
        ttl=number("ttl"),
        stored=given.get("stored") is True,
        collapsed=given.get("collapsed") is True,
        key=text("key"),
        detail=text("detail"),
    )
