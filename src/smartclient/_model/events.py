"""What happens in a call, as one stream of frozen events, and the `Watch` that hands them on; no clock is read here.

`repr()` and `str()` of an event show no secret. The requests and heads that some carry have them in their fields.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from .message import Head
from .observer import Observer
from .request import Request
from .retry import Attempt
from .timings import Notes, Timings
from .url import Origin

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        call: number of the call that it belongs to, in this process.
        at: monotonic seconds, as of `time.monotonic()`.
    """

    call: int
    at: float


@dataclass(frozen=True, slots=True)
class CallStarted(Event):
    """A call begins, with `request` as the caller asked for it."""

    request: Request

    def __str__(self) -> str:
        return f"{self.request.method} {self.request.url.safe}"


@dataclass(frozen=True, slots=True)
class Redirected(Event):
    """An answer with this `status` is followed by `request`."""

    status: int
    request: Request

    def __str__(self) -> str:
        return f"{self.status}: on to {self.request.method} {self.request.url.safe}"


@dataclass(frozen=True, slots=True)
class RateHeld(Event):
    """The session's own rate has the request wait for so many `seconds`."""

    origin: Origin
    seconds: float

    def __str__(self) -> str:
        return f"held for {self.seconds:.3f} s by the rate for {self.origin}"


@dataclass(frozen=True, slots=True)
class ConnectionOpened(Event):
    """A connection to `origin` is open.

    Attributes:
        address: of the peer: (IP address, port), or the path of a Unix socket.
        dns, connect, tls: seconds; None for what did not happen.
        tls_version: such as "TLSv1.3"; None without TLS.
    """

    origin: Origin
    address: Any
    dns: float | None
    connect: float | None
    tls: float | None
    tls_version: str | None

    def __str__(self) -> str:
        took = (("look-up", self.dns), ("connect", self.connect), (self.tls_version or "TLS", self.tls))
        parts = ", ".join(f"{name} {seconds:.4f} s" for name, seconds in took if seconds is not None)
        return f"connected to {self.origin} at {_place(self.address)}: {parts}"


@dataclass(frozen=True, slots=True)
class RequestSent(Event):
    """`request` was handed over to a connection, a kept-alive one if `reused`."""

    request: Request
    reused: bool

    def __str__(self) -> str:
        how = "kept-alive" if self.reused else "new"
        return f"sent {self.request.method} {self.request.url.safe} over a {how} connection"


@dataclass(frozen=True, slots=True)
class HeadReceived(Event):
    """The `head` of the answer to `request` is there."""

    request: Request
    head: Head

    def __str__(self) -> str:
        return f"{self.head.status} {self.head.version} for {self.request.method} {self.request.url.safe}"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request on a connection, and what came of it.

    Attributes:
        request: as it was sent.
        head: of the answer; None when there was none.
        error: name of the class of what ended it before its end; None when it came to its end.
        began: monotonic seconds.
        timings: seconds of its phases.
        address, tls_version: of the peer; None when unknown.
        received: bytes of the body as received, still coded.
        body: these bytes, up to the number that an observer asked for; None when none did.
        trailers: the fields after the body.
    """

    request: Request
    head: Head | None
    error: str | None
    began: float
    timings: Timings
    address: Any = None
    tls_version: str | None = None
    received: int = 0
    body: bytes | None = field(default=None, repr=False)
    trailers: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ExchangeEnded(Event):
    """The body of an answer came to its end, or the exchange failed, or was given up."""

    exchange: Exchange

    def __str__(self) -> str:
        exchange = self.exchange
        what = f"{exchange.request.method} {exchange.request.url.safe}"
        if exchange.error is not None:
            return f"{exchange.error} in {what}"
        return f"end of {what}: {exchange.received} bytes in {exchange.timings.total or 0.0:.4f} s"


@dataclass(frozen=True, slots=True)
class Retried(Event):
    """`attempt` is followed by another one."""

    attempt: Attempt

    def __str__(self) -> str:
        return f"attempt failed: {self.attempt}"


@dataclass(frozen=True, slots=True)
class CallEnded(Event):
    """A call has its answer, whose body may still be on its way, or it failed.

    Attributes:
        status: of the answer, or None.
        error: name of the error's class, or None.
        provenance: "network", "cache" or "revalidated"; "" without an answer.
        cache: what the cache decided, as `response.cache`.
        attempts: of the last hop.
    """

    status: int | None
    error: str | None
    provenance: str
    cache: Any
    attempts: tuple[Attempt, ...]

    def __str__(self) -> str:
        if self.error is not None:
            return f"failed: {self.error}"
        return f"answered: {self.status} from {self.provenance}{'' if self.cache is None else f' ({self.cache})'}"


class Watch:
    """Hands the events of one call on to its observers.

    Attributes:
        call: its number.
        keeps: bytes of bodies that some observer wants.
        notes: of the exchange that is under way, or was last.
        exchanges: begun so far.
    """

    __slots__ = ("_now", "_observers", "call", "exchanges", "keeps", "notes")

    def __init__(self, observers: tuple[Observer, ...], now: Callable[[], float]) -> None:
        """`now` gives monotonic seconds."""
        self._observers = observers
        self._now = now
        self.call = next(_numbers)
        self.keeps = max(observer.keeps for observer in observers)
        self.notes: Notes | None = None
        self.exchanges = 0

    def tell(self, kind: Callable[..., Event], *facts: Any) -> None:
        """Has an event of `kind` seen by all observers, as of now."""
        event = kind(self.call, self._now(), *facts)
        for observer in self._observers:
            observer.tell(event)


def _place(address: Any) -> str:
    return f"{address[0]} port {address[1]}" if isinstance(address, tuple) else str(address)
