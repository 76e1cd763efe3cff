"""Options of a call, merged and checked: frozen, so that they can be shared between calls, threads and retries."""

from itertools import count
from typing import Any

from .declared import NamedTuple
from .errors import InvalidOption, shown
from .frozen import field, frozen
from .proxy import Proxies, Proxy
from .redirects import DEFAULT_REDIRECTS, Redirects
from .retry import DEFAULT_RETRIES

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
        raise InvalidOption(f"timeout: {name} must be an int, float or None, in seconds, not {shown(value)}")
    if value != value or value < 0:
        raise InvalidOption(f"timeout: {name} must not be negative, got {shown(value)}")
    return None if value == float("inf") else float(min(value, _SECONDS_MAX))


DEFAULT_TIMEOUT = Timeout()


@frozen
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


class OwnContext:
    """An `ssl.SSLContext` of the caller's, told apart by a number: addresses of objects are used again."""

    __slots__ = ("context", "number")

    def __init__(self, context: Any, number: int) -> None:
        self.context = context
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnContext) and self.number == other.number

    def __hash__(self) -> int:
        return hash(self.number)

    def __repr__(self) -> str:
        return f"<SSLContext {self.number}>"


class _TLSFields(NamedTuple):
    verify: bool
    ca: str | None
    cert: str | tuple[str, str] | bytes | None
    trust: str
    min_version: str
    keylog: str | None
    own: OwnContext | None


class TLS(_TLSFields):
    """What a TLS connection must satisfy; connections and cached answers never serve calls with other settings.

    Give it as `verify=`, to a session or a call.

    Args:
        verify: check the certificate and the name (SAN only, RFC 9525).
        ca: path of a file or folder with the trusted issuers, instead of `trust`.
        cert: the client's certificate: a path (with the key in the same file), (certificate, key) paths, or the same
            as PEM text or bytes.
        trust: "certifi" or "system": the issuers that are trusted without `ca`.
        min_version: "1.2" or "1.3", the oldest version of TLS that is spoken.
        keylog: path of a file to which the secrets of connections are added, for programs that read recorded traffic.

    Raises:
        InvalidOption: a value that none of these can have.
    """

    # A tuple, because routes are hashed several times in a call.
    __slots__ = ()

    def __new__(
        cls,
        verify: bool = True,
        ca: Any = None,
        cert: Any = None,
        trust: str = "certifi",
        min_version: str = "1.2",
        keylog: Any = None,
        own: OwnContext | None = None,
    ) -> "TLS":
        """`own`, a context of the caller's, is for `verify=context` and takes the place of all the rest."""
        if not isinstance(verify, bool):
            raise InvalidOption(f"TLS(verify=): expected True or False, not {shown(verify)}; a path goes to ca=")
        for name, value, known in (
            ("trust", trust, ("certifi", "system")),
            ("min_version", min_version, ("1.2", "1.3")),
        ):
            if value not in known:
                raise InvalidOption(f"TLS({name}=): {shown(value)} is none of {', '.join(known)}")
        ca, keylog = path_text("TLS(ca=)", ca), path_text("TLS(keylog=)", keylog)
        return super().__new__(cls, verify, ca, client_certificate(cert), trust, min_version, keylog, own)

    def __repr__(self) -> str:
        """Without the client's certificate, whose key it may hold."""
        cert = "None" if self.cert is None else "..."
        return (
            f"TLS(verify={self.verify}, ca={self.ca!r}, cert={cert}, trust={self.trust!r}, "
            f"min_version={self.min_version!r}, keylog={self.keylog!r}, own={self.own!r})"
        )


def client_certificate(value: Any) -> str | tuple[str, str] | bytes | None:
    """What `cert=` means: a path, (certificate, key) paths, or all of it as PEM bytes.

    Raises:
        InvalidOption: none of these.
    """
    if value is None:
        return None
    parts = value if isinstance(value, tuple | list) else (value,)
    if parts is value and len(parts) != 2:
        raise InvalidOption("cert must be a path or PEM, or a pair of them (certificate, key)")
    pems = [part.encode() if isinstance(part, str) else bytes(part) for part in parts if _is_pem(part)]
    if pems:
        if len(pems) != len(parts):
            raise InvalidOption("cert: of a pair, both are paths or both are PEM")
        return b"\n".join(pems)
    paths = tuple([path_text("cert", part) or "" for part in parts])
    return paths if len(paths) == 2 else paths[0]


def _is_pem(value: Any) -> bool:
    mark: Any = "-----BEGIN" if isinstance(value, str) else b"-----BEGIN"
    return isinstance(value, str | bytes | bytearray) and mark in value


def path_text(name: str, value: Any) -> str | None:
    """A path as str; objects of `pathlib` and bytes in UTF-8 are paths too.

    Raises:
        InvalidOption: no path.
    """
    if hasattr(value, "__fspath__"):
        value = value.__fspath__()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if value is not None and not isinstance(value, str):
        raise InvalidOption(f"{name}: expected a path, got {type(value).__name__}")
    return value


DEFAULT_TLS = TLS()
_numbers = count(1)


class Reach:
    """How a session's servers are reached other than by what their names mean to the system.

    Told apart by identity, which costs routes nothing to hash.

    Attributes:
        addresses: of (host, port), or of (host, None) for every port.
        resolver: the caller's own look-up, or None.
        awaits: whether that is to be awaited.
        unix_socket: path of the socket that stands for every host, or None.
        local_address: (address, port) from which connections go out, or None; port 0 leaves it to the system.
        mark: stands for it in the partitions of stored responses, which other processes read too. Hashable.
    """

    __slots__ = ("addresses", "awaits", "local_address", "mark", "resolver", "unix_socket")

    def __init__(
        self,
        addresses: dict[tuple[str, int | None], tuple[str, ...]],
        resolver: Any = None,
        awaits: bool = False,
        unix_socket: str | None = None,
        local_address: tuple[str, int] | None = None,
        mark: Any = None,
    ) -> None:
        self.addresses = addresses
        self.resolver = resolver
        self.awaits = awaits
        self.unix_socket = unix_socket
        self.local_address = local_address
        self.mark = next(_numbers) if mark is None else mark


@frozen
class Options:
    """One call's options after merging call over session over environment over defaults.

    Attributes:
        timeout: limits of the waits and of the whole call.
        allow_redirects, max_redirects, redirects: redirect stage.
        auth: (user, password), or None; stays behind on another origin.
        cookies: (name, value) pairs for this call only; stay behind on another origin.
        tls: of every connection of this call.
        reach: how the session's servers are reached; None means by their names.
        stream: the caller pulls the body itself.
        retries: a `RetryPolicy`, or what `_rules.retry.Rule` describes.
        idempotent: the caller says that this call may be repeated, whatever its method.
        raise_for_status: a status of 400 or above is an error of the call.
        cache: None off, else the mode ("default", "refresh", "reload", "only").
        caching: the cache of this call, a `Caching`; None for the session's.
        session_timeout: the session's limits, for what goes on after the call; None where they are the call's.
        leash: what may cut the call off from its connections, while others wait for it to end; None for plain calls.
        limits: the session's.
        strict_accept: an answer that is not what was asked for is an error.
        http2: offer HTTP/2 to https servers.
        lenient_http1: a bare LF ends a line of HTTP/1.1, which then ends the connection's use.
        secured: HSTS has made the URL of this hop https.
        upgrade: the request asks for another protocol, and a 101 is an answer to it.
        formats: how the facade reads and writes values; nothing below looks at it.
        proxies: what call, session and environment say of proxies; None when none of them does.
        proxy: the one for the request's URL, chosen at each hop; None for a direct connection.
    """

    timeout: Timeout = DEFAULT_TIMEOUT
    allow_redirects: bool = True
    max_redirects: int = 30
    redirects: Redirects = DEFAULT_REDIRECTS
    auth: Any = field(default=None, repr=False)
    cookies: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    tls: TLS = DEFAULT_TLS
    reach: Reach | None = None
    stream: bool = False
    retries: Any = DEFAULT_RETRIES
    idempotent: bool = False
    raise_for_status: bool = False
    cache: str | None = "default"
    caching: Any = None
    session_timeout: Timeout | None = None
    leash: Any = None
    limits: Limits = DEFAULT_LIMITS
    strict_accept: bool = False
    http2: bool = False
    lenient_http1: bool = False
    secured: bool = False
    upgrade: bool = False
    formats: Any = None
    proxies: Proxies | None = None
    proxy: Proxy | None = None


DEFAULT_OPTIONS = Options()
