"""Options of a call, merged and checked: frozen, so that they can be shared between calls, threads and retries."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .errors import InvalidOption

_UNSET: Any = object()


class Timeout:
    """Limits of one call, in float seconds; None lifts a limit.

    `connect`, `read` and `write` limit one wait each, `pool` the wait for a free connection, `total` the whole call
    (streamed calls: up to the head, unless `total` was given here, which then covers the body too).

    The first argument sets connect, read and write together. A limit that is not named keeps its default:
    connect 5, read 30, write 30, pool none, total 300 seconds.

    Raises:
        InvalidOption: a limit is negative, not a number, or not finite.
    """

    __slots__ = ("connect", "explicit_total", "pool", "read", "total", "write")

    def __init__(
        self,
        timeout: float | None = _UNSET,
        *,
        connect: float | None = _UNSET,
        read: float | None = _UNSET,
        write: float | None = _UNSET,
        pool: float | None = None,
        total: float | None = _UNSET,
    ) -> None:
        every = None if timeout is _UNSET else checked_seconds("timeout", timeout)
        given = timeout is not _UNSET

        def limit(name: str, value: Any, default: float) -> float | None:
            if value is not _UNSET:
                return checked_seconds(name, value)
            return every if given else default

        self.connect = limit("connect", connect, 5.0)
        self.read = limit("read", read, 30.0)
        self.write = limit("write", write, 30.0)
        self.pool = checked_seconds("pool", pool)
        self.explicit_total = total is not _UNSET
        self.total = checked_seconds("total", total) if self.explicit_total else 300.0

    def _key(self) -> tuple[Any, ...]:
        return (self.connect, self.read, self.write, self.pool, self.total, self.explicit_total)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timeout) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return (
            f"Timeout(connect={self.connect}, read={self.read}, write={self.write}, "
            f"pool={self.pool}, total={self.total})"
        )


def checked_seconds(name: str, value: Any) -> float | None:
    """`value` as float seconds or None; anything that is no sensible limit raises InvalidOption."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidOption(f"timeout: {name} must be a number of seconds or None, not {value!r:.80}")
    seconds = float(value)
    if seconds != seconds or seconds < 0:
        raise InvalidOption(f"timeout: {name} must not be negative, got {value!r:.80}")
    return None if seconds == float("inf") else seconds


DEFAULT_TIMEOUT = Timeout()


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a session: connections by number and seconds, bodies by bytes (see behaviour of each name)."""

    max_connections: int = 100
    max_per_origin: int | None = None
    keepalive_expiry: float = 60.0
    decoded_ratio: float | None = 200
    decoded_max: int | None = 2**30
    body_max: int | None = None


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class TLS:
    """What a TLS connection must satisfy; part of the route, so that connections never serve other settings.

    Attributes:
        verify: check the certificate and the name.
        ca: path of a file or folder with the trusted issuers; None means the default bundle.
        cert: path of the client's certificate, or (certificate, key) paths.
    """

    verify: bool = True
    ca: str | None = None
    cert: str | tuple[str, str] | None = None


DEFAULT_TLS = TLS()


@dataclass(frozen=True, slots=True)
class Options:
    """One call's options after merging call over session over environment over defaults.

    Attributes:
        timeout: limits of the waits and of the whole call.
        allow_redirects, max_redirects: redirect stage.
        auth: a callable on the outgoing request, (user, password), or None; leaves on another origin.
        cookies: (name, value) pairs for this call only; leave on another origin.
        tls: of every connection of this call.
        stream: the caller pulls the body itself.
        retries: further attempts at most.
        cache: None off, else the mode ("default", "refresh", "reload", "only").
        limits: the session's.
        extra: options of later stages by name; empty for most calls.
    """

    timeout: Timeout = DEFAULT_TIMEOUT
    allow_redirects: bool = True
    max_redirects: int = 30
    auth: Any = None
    cookies: tuple[tuple[str, str], ...] = ()
    tls: TLS = DEFAULT_TLS
    stream: bool = False
    retries: int = 2
    cache: str | None = "default"
    limits: Limits = DEFAULT_LIMITS
    extra: dict[str, Callable[..., Any]] = field(default_factory=dict, hash=False, compare=False)


DEFAULT_OPTIONS = Options()
