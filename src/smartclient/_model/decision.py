"""What the cache can decide, as nouns: the plan for a request, the outcome of an answer, the explanation for users.

Never why or when: that is in `_rules`. The words of `why` and the text of `CacheDecision` are RFC 9211's.
"""

from typing import Literal, NamedTuple

from .headers import Line
from .stored import Stored

Why = Literal["bypass", "method", "uri-miss", "vary-miss", "request", "stale"]


class Serve(NamedTuple):
    """Answer from the store: `age` in whole seconds, the "whole" response or its "head" only."""

    stored: Stored
    age: int
    form: Literal["whole", "head"]
    fresh: bool


class Revalidate(NamedTuple):
    """Ask the origin with the conditional `fields` added; a 304 may select any of `stored`."""

    fields: tuple[Line, ...]
    stored: tuple[Stored, ...]
    why: Why
    reason: str
    rule: str


class Forward(NamedTuple):
    """Send the request on as it is; `store` says whether the answer may be kept."""

    why: Why
    store: bool
    reason: str
    rule: str


class Unsatisfiable(NamedTuple):
    """504: the request allows nothing but a stored response, and none will do."""

    reason: str
    rule: str


Plan = Serve | Revalidate | Forward | Unsatisfiable


class Store(NamedTuple):
    """Keep `record`, whose body is still to come."""

    record: Stored
    invalidate: tuple[str, ...] = ()


class Freshen(NamedTuple):
    """Answer with `record`, which is `stored` brought up to date by a 304."""

    stored: Stored
    record: Stored
    invalidate: tuple[str, ...] = ()


class AskAgain(NamedTuple):
    """The 304 is about nothing that we hold: send the request once more, without our conditions."""

    invalidate: tuple[str, ...] = ()


class Pass(NamedTuple):
    """Hand the answer on and keep nothing."""

    why_not_stored: str
    rule: str
    invalidate: tuple[str, ...] = ()


Outcome = Store | Freshen | AskAgain | Pass


class CacheDecision(NamedTuple):
    """`response.cache`: what the cache did with one call. `str()` of it is the value of Cache-Status (RFC 9211).

    Attributes:
        status: "hit", "stale" (a hit past its lifetime), "revalidated", "miss" or "bypass".
        reason: one sentence.
        rule: the RFC and section that decided.
        fresh: whether what was served or stored is within its lifetime; None when nothing was.
        age: of what was served or stored, whole seconds, or None.
        ttl: whole seconds left of its lifetime, negative when stale, or None.
        stored: this answer goes into the store, at the clean end of its body.
        why_not_stored: one sentence, or None.
        forward: why the request went on, or None.
        forward_status: status of the answer that came then, or None.
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

    def __str__(self) -> str:
        parts = ["smartclient"]
        if self.status in ("hit", "stale"):
            parts.append("hit")
        if self.forward is not None:
            parts.append(f"fwd={self.forward}")
        if self.forward_status is not None:
            parts.append(f"fwd-status={self.forward_status}")
        if self.ttl is not None:
            parts.append(f"ttl={self.ttl}")
        if self.stored:
            parts.append("stored")
        return "; ".join(parts)
