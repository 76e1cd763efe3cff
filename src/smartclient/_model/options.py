"""Options of a call, merged and checked: frozen, so that they can be shared between calls, threads and retries."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .errors import InvalidOption, shown
from .proxy import Proxies, Proxy

_UNSET: Any = object()
_SECONDS_MAX = 2**31 // 1000  # poll() counts milliseconds in 31 bits


class Timeout:
    """Limits of one call, in float seconds; None lifts a limit.

    `connect`, `read` and `write` limit one wait each, `pool` the wait for a free connection, `total` the whole call
    (streamed calls: up to the head, unless `total` was given here, which then covers the body too).

    The first argument sets connect, read and write together. A limit that is not named keeps its default:
    connect 5, read 30, write 30, pool none, total 300 seconds. More than 24 days are 24 days.

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
        raise InvalidOption(f"timeout: {name} must be a number of seconds or None, not {shown(value)}")
    if value != value or value < 0:
        raise InvalidOption(f"timeout: {name} must not be negative, got {shown(value)}")
    return None if value == float("inf") else float(min(value, _SECONDS_MAX))


DEFAULT_TIMEOUT = Timeout()


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a session; None lifts one that has it.

    Attributes:
        max_connections, max_per_origin: connections at a time, 1 at least.
        keepalive_expiry: seconds that an idle connection is kept.
        decoded_ratio: bytes of decoded content for one byte received, once they are over 16 MiB.
        decoded_max: bytes of a body that is read whole, after decoding.
        body_max: bytes of any body that is read whole.

    Raises:
        InvalidOption: a bound that is no number, or that nothing can keep.
    """

    max_connections: int = 100
    max_per_origin: int | None = None
    keepalive_expiry: float = 60.0
    decoded_ratio: float | None = 200
    decoded_max: int | None = 2**30
    body_max: int | None = None

    def __post_init__(self) -> None:
        for name, kinds, least in _BOUNDS:
            value = getattr(self, name)
            if value is None and name not in ("max_connections", "keepalive_expiry"):
                continue
            if isinstance(value, bool) or not isinstance(value, kinds) or not value >= least:
                raise InvalidOption(f"Limits({name}=): expected a number, {least} or more, not {shown(value)}")


_BOUNDS: tuple[tuple[str, Any, int], ...] = (
    ("max_connections", int, 1),
    ("max_per_origin", int, 1),
    ("keepalive_expiry", int | float, 0),
    ("decoded_ratio", int | float, 0),
    ("decoded_max", int, 0),
    ("body_max", int, 0),
)


DEFAULT_LIMITS = Limits()


class TLS(NamedTuple):
    """What a TLS connection must satisfy; part of the route, so that connections never serve other settings.

    A tuple, because routes are hashed several times in a call.

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
        auth: (user, password), or None; stays behind on another origin.
        cookies: (name, value) pairs for this call only; stay behind on another origin.
        tls: of every connection of this call.
        stream: the caller pulls the body itself.
        retries: further attempts at most.
        cache: None off, else the mode ("default", "refresh", "reload", "only").
        limits: the session's.
        proxies: what call, session and environment say of proxies; None when none of them does.
        proxy: the one for the request's URL, chosen at each hop; None for a direct connection.
    """

    timeout: Timeout = DEFAULT_TIMEOUT
    allow_redirects: bool = True
    max_redirects: int = 30
    auth: Any = field(default=None, repr=False)
    cookies: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    tls: TLS = DEFAULT_TLS
    stream: bool = False
    retries: int = 2
    cache: str | None = "default"
    limits: Limits = DEFAULT_LIMITS
    proxies: Proxies | None = None
    proxy: Proxy | None = None


DEFAULT_OPTIONS = Options()
